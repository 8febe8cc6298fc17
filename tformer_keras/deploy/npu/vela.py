"""Arm's compiler for Ethos-U neural processors (Vela): what of a file runs on the NPU, in which memory and time."""

from __future__ import annotations

import csv
import importlib.metadata
import importlib.util
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tformer_edge.errors import UserError
from tformer_edge.graph import FileOperation, read_graph

# Ethos-U85 has another compiler core and memory system, which was not tried.
ACCELERATORS = (
    *("ethos-u55-32", "ethos-u55-64", "ethos-u55-128", "ethos-u55-256"),
    *("ethos-u65-256", "ethos-u65-512"),
)
# What the compiler makes of all that it takes.
_NPU = "ethos-u"
# A safety net: the largest models here take some ten seconds.
SECONDS = 600


@dataclass(frozen=True)
class NpuEstimate:
    """What the compiler says of a file on one processor. Times are its estimates, of its default system and clock.

    Attributes:
        accelerator: of `ACCELERATORS`.
        compiler: the program and its version.
        system: the compiler's configuration of clock and memories.
        npu_operations: how many of the file's the NPU computes.
        cpu_operations: those that are left to the CPU: their types and the shapes of their outputs; empty is best.
        sram_bytes: the most that activations and weights in flight take.
        flash_bytes: weights and commands as the NPU reads them.
        milliseconds: an inference.
        cycles: of the NPU, of which `milliseconds` are made with what memory adds.
        compiled: the file for the device, a flatbuffer without a contract.
    """

    accelerator: str
    compiler: str
    system: str
    npu_operations: int
    cpu_operations: tuple[str, ...]
    sram_bytes: int
    flash_bytes: int
    milliseconds: float
    cycles: int
    compiled: bytes = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """All but the compiled file."""
        return {name: value for name, value in vars(self).items() if name != "compiled"}


def check_vela(accelerator: str) -> None:
    """Raises UserError for an accelerator that is not known, or where the compiler is not installed."""
    if accelerator not in ACCELERATORS:
        raise UserError(
            f"one of {', '.join(ACCELERATORS)}", repr(accelerator), "take one of them", where="--vela"
        )
    if importlib.util.find_spec("ethosu") is None:
        raise UserError(
            "Arm's compiler Vela",
            "an installation without it",
            "pip install 'tformer-keras[npu]'",
            where="--vela",
        )


def compile_for_npu(flatbuffer: bytes, accelerator: str) -> NpuEstimate:
    """Compiles an int8 file for an Ethos-U processor, in a process of its own.

    Args:
        flatbuffer: of int8 operations.
        accelerator: of `ACCELERATORS`.

    Raises:
        UserError: as `check_vela` does, or the compiler refuses the file.
    """
    check_vela(accelerator)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.tflite").write_bytes(flatbuffer)
        command = [sys.executable, "-m", "ethosu.vela", "model.tflite", "--accelerator-config", accelerator]
        command += ["--output-dir", "out"]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            raise _refused(accelerator, f"no end after {SECONDS} s") from None
        compiled, summaries = folder / "out" / "model_vela.tflite", list(folder.glob("out/*_summary_*.csv"))
        if done.returncode or not compiled.exists() or len(summaries) != 1:
            lines = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()
            raise _refused(accelerator, lines[-1].strip())
        with summaries[0].open(newline="") as file:
            (row,) = csv.DictReader(file)
        data = compiled.read_bytes()
        left = [operation for operation in read_graph(data).operations if operation.type != _NPU]
        return NpuEstimate(
            accelerator=accelerator,
            compiler=f"Vela {importlib.metadata.version('ethos-u-vela')}",
            system=f"{row['system_config']}, {row['memory_mode']}, {float(row['core_clock']) / 1e6:g} MHz",
            npu_operations=len(read_graph(flatbuffer).operations) - len(left),
            cpu_operations=tuple(map(_named, left)),
            # Vela writes these in KiB.
            sram_bytes=round(1024 * float(row["sram_memory_used"])),
            flash_bytes=round(
                1024 * sum(float(row[f"{where}_chip_flash_memory_used"]) for where in ("on", "off"))
                + 1024 * float(row["dram_memory_used"])
            ),
            milliseconds=1000 * float(row["inference_time"]),
            cycles=int(row["cycles_npu"]),
            compiled=data,
        )


def _named(operation: FileOperation) -> str:
    shapes = ", ".join("×".join(map(str, tensor.shape)) for tensor in operation.outputs)
    return f"{operation.type} ({shapes})"


def _refused(accelerator: str, reason: str) -> UserError:
    return UserError(
        f"a file that Vela compiles for {accelerator}",
        reason,
        "convert an int8 model, or leave --vela out",
        where="--vela",
    )
