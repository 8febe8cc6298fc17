"""One model file on every runtime that it is for: LiteRT here, LiteRT on an emulated Raspberry Pi, TFLite Micro."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tformer_edge.contract import ModelFile
from tformer_edge.errors import UserError, first_line
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.quantized_input import input_table, quantize_pixels
from tformer_keras.deploy.micro.micro_run import run_in_micro
from tformer_keras.deploy.tflite.interpreter import LiteRT

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
    np.save(outputs, np.stack([model.run(one)[0] for one in np.load(inputs)]))
"""


@dataclass(frozen=True)
class Runtime:
    """A runtime's answers.

    Attributes:
        name: for people.
        exact: whether its outputs must equal those of LiteRT's reference kernels here, to the bit.
        outputs: int8 or uint8, (images, labels).
    """

    name: str
    exact: bool
    outputs: NDArray[Any]

    @property
    def labels(self) -> NDArray[np.intp]:
        """The index of the greatest score of each image, the lowest among equal ones."""
        return np.argmax(self.outputs, axis=1)


def input_tensors(file: ModelFile, pixels: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[Any]:
    """The input tensors, (n, 1, height, width, 3), for pixels that are resized and cropped, (n, height, width, 3).

    Raises:
        UserError: for a file of float32 or several images at a time.
    """
    (detail,) = LiteRT(file.flatbuffer).inputs
    kind = np.dtype(detail["dtype"]).name
    if kind not in ("int8", "uint8") or detail["shape"][0] != 1:
        raise UserError(
            "a model of integers and one image at a time",
            f"{kind} and {detail['shape'][0]}",
            "convert it with --io int8 --batch 1",
        )
    scale, zero_point = detail["quantization"]
    return quantize_pixels(pixels, input_table(preprocessing, scale, zero_point, kind))[:, None]


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
    for kernels in ("reference", "xnnpack"):
        interpreter = LiteRT(file.flatbuffer, kernels)
        outputs = np.concatenate([interpreter.run(one) for one in inputs])
        yield Runtime(f"LiteRT, {kernels}", kernels == "reference", outputs)
    if made_for(file) == "micro":
        run = run_in_micro(file.flatbuffer, inputs)
        yield Runtime("TensorFlow Lite Micro", True, run.outputs[:, 0])
    elif sysroot is not None:
        for core, board in CORES.items():
            for kernels in ("reference", "xnnpack"):
                outputs = _on_a_pi(sysroot, core, path, kernels, inputs)
                yield Runtime(f"LiteRT, emulated {board}, {kernels}", kernels == "reference", outputs)


def made_for(file: ModelFile) -> str:
    """The target that a model file was lowered for: "litert" or "micro"; "" where its contract does not say."""
    conversion = file.contract.source.get("conversion") if file.contract else None
    return str(conversion.get("target", "")) if isinstance(conversion, dict) else ""


def _on_a_pi(sysroot: Path, core: str, path: Path, kernels: str, inputs: NDArray[Any]) -> NDArray[Any]:
    python = sysroot.absolute() / "usr" / "bin" / "python3.11"
    if not python.exists():
        raise UserError(
            "a folder that tools/pi_sysroot.sh made", f"{sysroot}", f"make one: tools/pi_sysroot.sh {sysroot}"
        )
    if shutil.which(QEMU) is None:
        raise UserError(f"the command {QEMU}", "none", "apt-get install qemu-user")
    package = Path(__file__).parents[3]
    with tempfile.TemporaryDirectory() as name:
        given, answered = Path(name, "inputs.npy"), Path(name, "outputs.npy")
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
        return np.load(answered, allow_pickle=False)[:, 0]
