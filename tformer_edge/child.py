"""The other end of `ProcessRunner`: reads a model and tensors from standard input, answers on standard output."""

import contextlib
import json
import os
import sys
from typing import Any, BinaryIO

import numpy as np

from tformer_edge.errors import UserError
from tformer_edge.litert_runner import LiteRTRunner
from tformer_edge.requests import DELEGATION, TENSOR
from tformer_edge.runner import TensorInfo

# A hostile file may ask for any amount; a good one of 512 MiB, the limit, needs less than this.
MAX_ADDRESS_SPACE = 4 << 30


def serve(given: BinaryIO, answers: BinaryIO) -> None:
    """Loads the model that `given` begins with, then answers each request that follows, until `given` ends.

    A request is RUN and a tensor, TENSOR and a number, or DELEGATION alone.
    """
    order = json.loads(_read(given, int.from_bytes(_read(given, 4), "little")))
    flatbuffer = _read(given, order["bytes"])
    try:
        runner = LiteRTRunner(flatbuffer, order["kernels"], order["threads"], order["keep_tensors"])
    except UserError as error:
        _answer(answers, {"error": str(error)})
        return
    _answer(answers, {"tensors": [_fields(info) for info in (runner.input, *runner.outputs)]})
    dtype = np.dtype(runner.input.type)
    size = dtype.itemsize * int(np.prod(runner.input.shape, dtype=np.int64))
    while request := given.read(1):
        try:
            if request == DELEGATION:
                found = runner.delegation()
                _answer(answers, {"partitions": found.partitions, "left": found.left})
                continue
            if request == TENSOR:
                found_tensor = runner.tensor(int.from_bytes(_read(given, 4), "little"))
                fields = _fields(TensorInfo(found_tensor.shape, found_tensor.dtype.name))
                _answer(answers, {"tensor": fields}, np.ascontiguousarray(found_tensor).tobytes())
                continue
            tensor = np.frombuffer(_read(given, size), dtype).reshape(runner.input.shape)
            outputs = runner.run(tensor)
        except UserError as error:
            _answer(answers, {"error": str(error)})
            return
        body = b"".join(np.ascontiguousarray(one).tobytes() for one in outputs)
        _answer(answers, {"seconds": runner.seconds}, body)


def _fields(info: TensorInfo) -> list[Any]:
    return [info.shape, info.type, info.scale, info.zero_point]


def _read(given: BinaryIO, count: int) -> bytes:
    data = given.read(count)
    if len(data) < count:
        raise EOFError("the parent is gone")
    return data


def _answer(answers: BinaryIO, head: dict[str, Any], body: bytes = b"") -> None:
    text = json.dumps(head).encode()
    answers.write(len(text).to_bytes(4, "little") + text + body)
    answers.flush()


def main() -> int:
    """Serves on this process's own standard input and output."""
    with contextlib.suppress(ImportError):
        import resource  # POSIX only

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESS_SPACE, MAX_ADDRESS_SPACE))
    # LiteRT may print; only answers may reach the pipe.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with contextlib.suppress(EOFError, BrokenPipeError):
        serve(sys.stdin.buffer, answers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
