"""A flatbuffer in LiteRT, in this process: fast, and only for files that something vouches for."""

import ctypes
import os
import time
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tformer_edge.errors import UserError, first_line
from tformer_edge.forked import forget_when_forked
from tformer_edge.quiet import quiet
from tformer_edge.runner import Delegation, Kernels, TensorInfo, cannot_run, check_arguments, check_input


class LiteRTRunner:
    """A `Runner`. A hostile flatbuffer can crash the process: see `ProcessRunner`.

    Args:
        flatbuffer: the bytes of the model. They are not copied.
        kernels: "xnnpack", or "reference": plain C++ without a delegate, which defines what is right.
        threads: 1 to 256.
        keep_tensors: let `tensor` read what is between the operations; with the reference kernels only.

    Raises UserError for a flatbuffer that LiteRT refuses, and for one that has not one input.
    """

    def __init__(
        self,
        flatbuffer: bytes,
        kernels: Kernels = "xnnpack",
        threads: int = 1,
        keep_tensors: bool = False,
    ) -> None:
        check_arguments(kernels, threads, keep_tensors)
        self.pid = os.getpid()
        self.seconds = 0.0
        # Here and not above, so that commands which run no model start without it.
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        resolver = OpResolverType.BUILTIN_REF if kernels == "reference" else OpResolverType.AUTO
        self._interpreter: Any = None
        try:
            with quiet():
                interpreter = Interpreter(
                    model_content=flatbuffer,
                    num_threads=threads,
                    experimental_op_resolver_type=resolver,
                    experimental_preserve_all_tensors=keep_tensors,
                )
                inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
                if len(inputs) == 1:
                    interpreter.allocate_tensors()
        except (ValueError, RuntimeError, MemoryError) as error:
            raise cannot_run(f"'{first_line(error)}'") from None
        if len(inputs) != 1 or not outputs:
            raise cannot_run(
                f"one of {len(inputs)} inputs and {len(outputs)} outputs, where 1 input is needed"
            )
        self._interpreter = interpreter
        self._keeps = keep_tensors
        forget_when_forked(self)
        self._input_index = inputs[0]["index"]
        self._output_indices = [detail["index"] for detail in outputs]
        self.input = _info(inputs[0])
        self.outputs = tuple(_info(detail) for detail in outputs)

    def run(self, tensor: NDArray[Any]) -> list[NDArray[Any]]:
        """All outputs, as the file gives them. Raises UserError for another input, or where LiteRT fails."""
        check_input(tensor, self.input)
        self._check_open()
        started = time.perf_counter()
        try:
            self._interpreter.set_tensor(self._input_index, tensor)
            self._interpreter.invoke()
            results = [self._interpreter.get_tensor(index) for index in self._output_indices]
        except (ValueError, RuntimeError, MemoryError) as error:
            raise cannot_run(f"'{first_line(error)}'") from None
        self.seconds = time.perf_counter() - started
        for result, info in zip(results, self.outputs, strict=True):
            if result.shape != info.shape:
                raise cannot_run(f"one whose output changes from {info.shape} to {result.shape}")
        return results

    def tensor(self, index: int) -> NDArray[Any]:
        """A tensor between the operations after `run`. Raises UserError where none are kept, or there is none."""
        self._check_open()
        if not self._keeps:
            raise UserError(
                "a runner that keeps tensors", "one that does not", "open it with keep_tensors=True"
            )
        try:
            return self._interpreter.get_tensor(index)
        except (ValueError, RuntimeError, TypeError, OverflowError) as error:
            raise UserError(
                "the number of a tensor with values", str(index), f"LiteRT says {first_line(error)}"
            ) from None

    def delegation(self) -> Delegation:
        """What XNNPACK took: nothing with reference kernels."""
        self._check_open()
        try:
            return delegation_of(self._interpreter)
        except (ValueError, RuntimeError) as error:
            raise cannot_run(f"'{first_line(error)}'") from None

    def close(self) -> None:
        """Frees the interpreter; more calls do nothing."""
        self._interpreter = None

    def forget(self) -> None:
        """In a forked copy: leaves the interpreter alone for good, because its threads are not there to be joined."""
        if self._interpreter is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._interpreter))
            self._interpreter = None

    def _check_open(self) -> None:
        if self._interpreter is None:
            raise UserError(
                "an open runner", "a closed one, or one of another process", "open the model again"
            )


def _info(detail: dict[str, Any]) -> TensorInfo:
    scale, zero_point = detail["quantization"]
    shape = tuple(int(size) for size in detail["shape"])
    return TensorInfo(shape, np.dtype(detail["dtype"]).name, float(scale), int(zero_point))


def delegation_of(interpreter: Any) -> Delegation:
    """What XNNPACK took of the graph in a LiteRT interpreter whose tensors are allocated.

    LiteRT lists the delegated partitions behind the file's operators, but not what is in them. What a partition
    computes for itself has no memory in the interpreter, and what it gives out is an output of the partition.
    """
    # Private, and the only way from Python; tests hold it to graphs whose partitions are known.
    operators = interpreter._get_ops_details()
    partitions = [one for one in operators if one["op_name"] == "DELEGATE"]
    given = {int(index) for one in partitions for index in one["outputs"]}
    left = Counter(
        one["op_name"]
        for one in operators
        if one["op_name"] != "DELEGATE"
        and not given & set(map(int, one["outputs"]))
        and all(_has_memory(interpreter, int(index)) for index in one["outputs"])
    )
    return Delegation(len(partitions), dict(left.most_common()))


def _has_memory(interpreter: Any, index: int) -> bool:
    try:
        interpreter.get_tensor(index)
    except ValueError:
        return False
    return True
