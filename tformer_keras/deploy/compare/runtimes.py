"""One model file on every runtime that it is for: LiteRT here, LiteRT on an emulated Raspberry Pi, TFLite Micro."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tformer_edge.contract import ModelFile
from tformer_edge.errors import UserError, first_line
from tformer_edge.frame import Frame
from tformer_edge.interface import interface_of
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.quantized_input import input_table, quantize_pixels
from tformer_edge.runner import Kernels
from tformer_edge.tasks import find_task
from tformer_keras.data.dataset import ImageSplit
from tformer_keras.data.pixels import pixel_batches
from tformer_keras.deploy.micro.micro_run import run_in_micro
from tformer_keras.deploy.tflite.interpreter import LiteRT
from tformer_keras.tasks import TASKS
from tformer_keras.tasks.task import Evaluation

QEMU = "qemu-aarch64"
# A Raspberry Pi 4's core and a Pi 5's. Never "max": QEMU 7.2 computes wrong int8 results with it.
CORES = {"cortex-a72": "Pi 4", "cortex-a76": "Pi 5"}
PI_SECONDS = 1800.0
# What runs on the Pi: the device side alone, one thread.
_ON_THE_PI = """
import sys
import numpy as np
from tformer_edge import Model
path, kernels, inputs, outputs = sys.argv[1:]
with Model(path, kernels=kernels, threads=1) as model:
    answers = [model.run(one) for one in np.load(inputs)]
np.savez(outputs, *(np.concatenate(parts) for parts in zip(*answers)))
"""


@dataclass(frozen=True)
class Runtime:
    """A runtime's answers.

    Attributes:
        name: for people.
        exact: whether its outputs must equal those of LiteRT's reference kernels here, to the bit.
        outputs: int8 or uint8, each (images, …).
    """

    name: str
    exact: bool
    outputs: list[NDArray[Any]]


@dataclass(frozen=True)
class RuntimeReport:
    """A runtime's answers beside those of LiteRT's reference kernels.

    Attributes:
        file, runtime: what ran where.
        exact: whether its outputs must equal those of the reference kernels, to the bit.
        evaluation: against what the images show.
        same: how far each image gets the reference's answer, (images,), 0 to 1.
        different: images with an output that has other bits.
        largest_lsb: the largest difference of an output, in steps.
        answers: one line an image.
    """

    file: Path
    runtime: str
    exact: bool
    evaluation: Evaluation
    same: NDArray[np.float64]
    different: int
    largest_lsb: int
    answers: tuple[str, ...]

    @property
    def wrong(self) -> bool:
        """Whether bits differ that must not."""
        return self.exact and self.different > 0

    def to_json(self) -> dict[str, Any]:
        """Plain data, without the answers."""
        return {
            "file": str(self.file),
            "runtime": self.runtime,
            "exact": self.exact,
            **{name: figure.value for name, figure in self.evaluation.figures.items()},
            "same_answer": round(float(self.same.sum()), 4),
            "different": self.different,
            "largest_lsb": self.largest_lsb,
        }


def compare_runtimes(
    path: Path, file: ModelFile, split: ImageSplit, indices: Sequence[int], sysroot: Path | None = None
) -> list[RuntimeReport]:
    """What each runtime makes of some images of a split, the reference first; see `run_everywhere`.

    Raises:
        UserError: for a file without a contract, or of a task that this version does not answer; images of other
            classes; and as `run_everywhere` does.
    """
    if file.contract is None:
        raise UserError("a file with a contract", str(path), "convert it with converters/to_tflite.py")
    device = find_task(file.contract.task)
    preprocessing, meaning = file.contract.image, file.contract.output_meaning
    task = (
        TASKS[file.contract.task].of_outputs(file.contract.outputs, preprocessing.input_size).judging(split)
    )
    batches = list(pixel_batches(split, preprocessing, task, len(file.labels), path.name, indices))
    pixels = np.concatenate([batch[0] for batch in batches])
    truth = [np.concatenate(parts) for parts in zip(*(batch[1] for batch in batches), strict=True)]
    interface = interface_of(file, None, None, None)
    infos = LiteRT(file.flatbuffer).outputs
    # The answers are of the input itself, of which the pictures are made.
    size = preprocessing.input_size
    frame = Frame(size, size, (Fraction(0), Fraction(0), Fraction(size[0]), Fraction(size[1])))
    reports: list[RuntimeReport] = []
    reference: list[NDArray[Any]] = []
    for runtime in run_everywhere(path, file, input_tensors(file, pixels, preprocessing), sysroot):
        reference = reference or runtime.outputs
        steps = np.stack(
            [
                np.abs(one.astype(int) - other).reshape(len(pixels), -1).max(axis=1)
                for one, other in zip(runtime.outputs, reference, strict=True)
            ]
        ).max(axis=0)
        judge = task.judge(file.labels, meaning, max(info.scale for info in infos))
        judge.add(
            [info.dequantize(values) for info, values in zip(infos, runtime.outputs, strict=True)],
            truth,
            np.ones(len(pixels)),
        )
        answers = [
            device.answer(
                [values[index] for values in runtime.outputs],
                infos,
                interface,
                frame,
                device.default_options,
            )
            for index in range(len(pixels))
        ]
        reports.append(
            RuntimeReport(
                file=path,
                runtime=runtime.name,
                exact=runtime.exact,
                evaluation=judge.result(),
                same=device.agreement(runtime.outputs, reference, infos, interface),
                different=int((steps > 0).sum()),
                largest_lsb=int(steps.max()),
                answers=tuple(answer.line().split("   ")[0] for answer in answers),
            )
        )
    return reports


def input_tensors(file: ModelFile, pixels: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[Any]:
    """The input tensors, (n, 1, height, width, 3), for pixels that are resized and cropped, (n, height, width, 3).

    Raises:
        UserError: for a file of float32 or several images at a time.
    """
    info = LiteRT(file.flatbuffer).input
    kind: Any = info.type
    if kind not in ("int8", "uint8") or info.shape[0] != 1:
        raise UserError(
            "a model of integers and one image at a time",
            f"{kind} and {info.shape[0]}",
            "convert it with --io int8 --batch 1",
        )
    return quantize_pixels(pixels, input_table(preprocessing, info.scale, info.zero_point, kind))[:, None]


def run_everywhere(
    path: Path, file: ModelFile, inputs: NDArray[Any], sysroot: Path | None = None
) -> Iterator[Runtime]:
    """The answers of each runtime, the reference first.

    LiteRT's reference kernels and XNNPACK run here. A file whose contract says that it was made for microcontrollers
    then goes to TFLite Micro; any other to both kernels on emulated Pi 4 and 5 cores, where there is a `sysroot` (of
    tools/pi_sysroot.sh).

    Raises:
        UserError: where a runtime cannot run the file, or is not there.
    """
    both: tuple[Kernels, Kernels] = ("reference", "xnnpack")
    for kernels in both:
        interpreter = LiteRT(file.flatbuffer, kernels)
        outputs = interpreter.run_all(inputs[:, 0])
        yield Runtime(f"LiteRT, {kernels}", kernels == "reference", outputs)
    if made_for(file) == "micro":
        run = run_in_micro(file.flatbuffer, inputs, len(interpreter.outputs))
        yield Runtime("TensorFlow Lite Micro", True, [output[:, 0] for output in run.outputs])
    elif sysroot is not None:
        for core, board in CORES.items():
            for kernels in ("reference", "xnnpack"):
                outputs = _on_a_pi(sysroot, core, path, kernels, inputs)
                yield Runtime(f"LiteRT, emulated {board}, {kernels}", kernels == "reference", outputs)


def made_for(file: ModelFile) -> str:
    """The target that a model file was lowered for: "litert" or "micro"; "" where its contract does not say."""
    conversion = file.contract.source.get("conversion") if file.contract else None
    return str(conversion.get("target", "")) if isinstance(conversion, dict) else ""


def _on_a_pi(sysroot: Path, core: str, path: Path, kernels: str, inputs: NDArray[Any]) -> list[NDArray[Any]]:
    python = sysroot.absolute() / "usr" / "bin" / "python3.11"
    if not python.exists():
        raise UserError(
            "a folder that tools/pi_sysroot.sh made", f"{sysroot}", f"make one: tools/pi_sysroot.sh {sysroot}"
        )
    if shutil.which(QEMU) is None:
        raise UserError(f"the command {QEMU}", "none", "apt-get install qemu-user")
    package = Path(__file__).parents[3]
    with tempfile.TemporaryDirectory() as name:
        given, answered = Path(name, "inputs.npy"), Path(name, "outputs.npz")
        np.save(given, inputs)
        command = [QEMU, "-cpu", core, "-L", str(sysroot.absolute()), str(python), "-c", _ON_THE_PI]
        arguments = [str(path.absolute()), kernels, str(given), str(answered)]
        try:
            done = subprocess.run(
                [*command, *arguments],
                capture_output=True,
                text=True,
                timeout=PI_SECONDS,
                cwd=name,
                env={**os.environ, "PYTHONPATH": str(package)},
            )
        except subprocess.TimeoutExpired:
            raise UserError(
                f"the emulated Pi to answer within {PI_SECONDS:g} s", "nothing", "give fewer --images"
            ) from None
        if done.returncode:
            reason = first_line(ValueError("\n".join(done.stderr.strip().splitlines()[-1:])))
            raise UserError(
                f"the model to run on the emulated Pi ({core})",
                f"'{reason}'",
                "make the system's folder again with tools/pi_sysroot.sh",
            )
        with np.load(answered, allow_pickle=False) as file:
            return [file[name] for name in file.files]
