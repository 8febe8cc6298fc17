"""Time by operation inside XNNPACK, by the profiler of LiteRT's C interface (the Python one has none).

LiteRT hands out a report as text; this reads its "Run Order" table, a line an operation:
`Delegate/Add (ND)  0.000  0.030  0.032  0.155%  30.520%  0.000  2  [Delegate]:5` are type, start, first, average (ms,
to the µs), two percentages, memory, how often it ran, and name. Operations of one type and place in several parts of
the graph share a line.
"""

from __future__ import annotations

import ctypes
import dataclasses
import itertools
import math
import random
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tformer_edge.quiet import quiet

JITTER = 0.02  # seconds
CPU = 1  # kLiteRtHwAcceleratorCpu
_LINE = re.compile(r"^\s*(\S.*?)\s+[\d.]+\s+[\d.]+\s+([\d.]+)\s+[\d.]+%\s+[\d.]+%\s+[\d.]+\s+(\d+)\s+(\S+)")


@dataclasses.dataclass(frozen=True)
class Operation:
    """A line of the report. Types inside XNNPACK begin with "XNNPACK"; others are LiteRT's own kernels."""

    type: str
    name: str
    count: int  # times that it ran
    milliseconds: float  # of all of them together, in one inference


def read_report(text: str) -> list[Operation]:
    """The operations of a report on one inference, in the order in which they ran.

    Raises:
        ValueError: for a text without that table.
    """
    lines = iter(text.splitlines())
    if not any("Run Order" in line for line in lines):
        raise ValueError(f"expected LiteRT's report with a table 'Run Order', received {text[:200]!r}.")
    operations = []
    for line in lines:
        if line.startswith("==="):
            break
        if match := _LINE.match(line):
            type_ = re.sub("^Delegate/", "XNNPACK ", match[1])
            # A delegated part is listed as a whole too, besides its operations.
            if type_ != "TfLiteXNNPackDelegate":
                count = int(match[3])
                operations.append(Operation(type_, match[4], count, count * float(match[2])))
    return operations


def least(reports: Sequence[Sequence[Operation]]) -> list[Operation]:
    """Each operation of the first report with the least time that any report has for it."""
    fastest: dict[tuple[str, str, int], float] = {}
    for operation in itertools.chain.from_iterable(reports):
        key = (operation.type, operation.name, operation.count)
        fastest[key] = min(operation.milliseconds, fastest.get(key, math.inf))
    return [
        dataclasses.replace(operation, milliseconds=fastest[operation.type, operation.name, operation.count])
        for operation in reports[0]
    ]


class _Session:
    """A compiled model with its profiler, by the C interface: every handle is an opaque pointer."""

    def __init__(self, path: Path, threads: int) -> None:
        import ai_edge_litert

        self._library = ctypes.CDLL(str(Path(ai_edge_litert.__file__).with_name("libLiteRt.so")))
        self._c = ctypes.CDLL(None)
        self._c.strdup.restype = ctypes.c_void_p
        self._c.free.argtypes = [ctypes.c_void_p]
        environment, self._model, options = self._handle(), self._handle(), self._handle()
        self._call("CreateEnvironment", 0, None, ctypes.byref(environment))
        self._call("CreateModelFromFile", environment, str(path).encode(), ctypes.byref(self._model))
        self._call("CreateOptions", ctypes.byref(options))
        self._call("SetOptionsHardwareAccelerators", options, CPU)
        for name, text in (
            ("runtime_options_string", "enable_profiling = true\n"),
            ("xnnpack", f"num_threads = {threads}\n"),
        ):
            option = self._handle()
            # LiteRT owns the text and frees it by the function that it is given.
            payload = ctypes.c_void_p(self._c.strdup(text.encode()))
            free = ctypes.cast(self._c.free, ctypes.c_void_p)
            self._call("CreateOpaqueOptions", name.encode(), payload, free, ctypes.byref(option))
            self._call("AddOpaqueOptions", options, option)
        self._compiled, self._profiler = self._handle(), self._handle()
        self._call("CreateCompiledModel", environment, self._model, options, ctypes.byref(self._compiled))
        self._call("CompiledModelGetProfiler", self._compiled, ctypes.byref(self._profiler))
        self._inputs, self._outputs = (
            self._buffers(environment, "Input"),
            self._buffers(environment, "Output"),
        )

    @staticmethod
    def _handle() -> ctypes.c_void_p:
        return ctypes.c_void_p()

    def _call(self, name: str, *arguments: Any) -> None:
        status = getattr(self._library, f"LiteRt{name}")(*arguments)
        if status:
            raise RuntimeError(f"LiteRt{name} failed with status {status}.")

    def _buffers(self, environment: ctypes.c_void_p, kind: str) -> Any:
        """A buffer for each input or output of the only signature; they are left as they come."""
        size, first = ctypes.c_size_t, ctypes.c_size_t(0)
        signature, count = self._handle(), size()
        self._call("GetModelSignature", self._model, first, ctypes.byref(signature))
        self._call(f"GetNumSignature{kind}s", signature, ctypes.byref(count))
        buffers = (ctypes.c_void_p * count.value)()
        for index in range(count.value):
            needs, tensor, buffer = self._handle(), self._handle(), self._handle()
            where = size(index)
            self._call(
                f"GetCompiledModel{kind}BufferRequirements", self._compiled, first, where, ctypes.byref(needs)
            )
            self._call(f"GetSignature{kind}TensorByIndex", signature, where, ctypes.byref(tensor))
            tensor_type = ctypes.create_string_buffer(512)  # far larger than LiteRtRankedTensorType
            self._call("GetRankedTensorType", tensor, tensor_type)
            self._call(
                "CreateManagedTensorBufferFromRequirements",
                environment,
                tensor_type,
                needs,
                ctypes.byref(buffer),
            )
            buffers[index] = buffer
        return buffers

    def run(self) -> None:
        size = ctypes.c_size_t
        self._call(
            "RunCompiledModel",
            self._compiled,
            size(0),
            size(len(self._inputs)),
            self._inputs,
            size(len(self._outputs)),
            self._outputs,
        )

    def report(self) -> str:
        """LiteRT's report of one inference."""
        self._call("ResetProfiler", self._profiler)
        self._call("StartProfiler", self._profiler)
        self.run()
        self._call("StopProfiler", self._profiler)
        summary = ctypes.c_void_p()
        self._call("GetProfileSummary", self._profiler, self._compiled, ctypes.byref(summary))
        try:
            return ctypes.string_at(summary.value or 0).decode()
        finally:
            self._c.free(summary)


def profile(path: Path, threads: int = 1, runs: int = 20) -> list[Operation]:
    """The operations of a .tflite file as LiteRT runs them, with their time.

    Args:
        path: of the file.
        threads: at least 1.
        runs: inferences after three that warm up. An operation's time is the least of them: another process that
            takes the core interrupts the same operations again and again, which moves even a median.

    Raises:
        RuntimeError: where LiteRT refuses the file.
    """
    with quiet():
        session = _Session(path, threads)
        for _ in range(3):
            session.run()
        reports = []
        for _ in range(runs):
            # Else a slice of the scheduler ends at the same operation of each inference, whose least would be long.
            until = time.perf_counter() + random.uniform(0, JITTER)
            while time.perf_counter() < until:
                pass
            reports.append(read_report(session.report()))
        return least(reports)
