"""A flatbuffer in LiteRT, in a process of its own: a hostile one can end that process and nothing else.

The child gets the model and tensors through a pipe and answers with bytes of known length: nothing that it says is
unpickled or believed beyond that. It keeps the model for as long as the runner lives, because a flatbuffer that
loads may still crash at an inference.
"""

import contextlib
import json
import math
import os
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tformer_edge.child_answers import bytes_of, delegation_of_answer, seconds_of, tensor_of, tensors_of
from tformer_edge.errors import UserError
from tformer_edge.forked import forget_when_forked
from tformer_edge.printable import printable
from tformer_edge.requests import DELEGATION, RUN, TENSOR
from tformer_edge.runner import Delegation, Kernels, cannot_run, check_arguments, check_input

LOAD_SECONDS = 60.0
RUN_SECONDS = 120.0
MAX_ANSWER_BYTES = 1 << 20


class ProcessRunner:
    """A `Runner` whose interpreter crashes, hangs or eats memory in a child process.

    Args:
        flatbuffer, kernels, threads, keep_tensors: as in LiteRTRunner.
        load_seconds, run_seconds: after which loading, or one inference, is given up and the child killed.

    Raises UserError where the model is refused, ends its process, or takes too long; `run` as well. The child ends with
    the runner, whether that is closed or forgotten, and with this process.
    """

    def __init__(
        self,
        flatbuffer: bytes,
        kernels: Kernels = "xnnpack",
        threads: int = 1,
        keep_tensors: bool = False,
        load_seconds: float = LOAD_SECONDS,
        run_seconds: float = RUN_SECONDS,
    ) -> None:
        check_arguments(kernels, threads, keep_tensors)
        self.seconds = 0.0
        self._run_seconds = run_seconds
        # -P keeps the working folder, which may be a stranger's too, off the child's module path.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tformer_edge.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": _module_path(), "OPENBLAS_NUM_THREADS": "1"},
            start_new_session=True,  # Ctrl-C is for the parent, which then closes the child
        )
        self.pid = self._process.pid
        self._end_child = weakref.finalize(self, _end_child, self._process, os.getpid())
        forget_when_forked(self)
        order = {
            "bytes": len(flatbuffer),
            "kernels": kernels,
            "threads": threads,
            "keep_tensors": keep_tensors,
        }
        try:
            answer, _ = self._exchange([_framed(json.dumps(order).encode()), flatbuffer], load_seconds)
            self.input, self.outputs = tensors_of(answer)
        except BaseException:
            self.close()
            raise

    def run(self, tensor: NDArray[Any]) -> list[NDArray[Any]]:
        """All outputs, as the file gives them. Raises UserError for another input, or where the model fails."""
        check_input(tensor, self.input)
        try:
            size = sum(map(bytes_of, self.outputs))
            answer, body = self._exchange(
                [RUN, np.ascontiguousarray(tensor).tobytes()], self._run_seconds, size
            )
            self.seconds = seconds_of(answer)
        except BaseException:
            self.close()  # after half an exchange, what the pipe holds next is unknown
            raise
        results, at = [], 0
        for info in self.outputs:
            part = np.frombuffer(body, info.type, math.prod(info.shape), at)
            results.append(part.reshape(info.shape).copy())
            at += part.nbytes
        return results

    def tensor(self, index: int) -> NDArray[Any]:
        """A tensor between the operations after `run`. Raises UserError as LiteRTRunner, or where the model fails."""
        if not 0 <= index < 1 << 32:
            raise UserError("the number of a tensor", str(index), "count from 0")
        try:
            answer, body = self._exchange(
                [TENSOR, index.to_bytes(4, "little")],
                self._run_seconds,
                lambda said: bytes_of(tensor_of(said)),
            )
            info = tensor_of(answer)
        except BaseException:
            self.close()
            raise
        return np.frombuffer(body, info.type).reshape(info.shape)

    def delegation(self) -> Delegation:
        """What XNNPACK took, as the child says. Raises UserError where the model fails."""
        try:
            answer, _ = self._exchange([DELEGATION], self._run_seconds)
            return delegation_of_answer(answer)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Ends the child; more calls do nothing."""
        self._end_child()

    def forget(self) -> None:
        """In a forked copy: closes its ends of the pipes, and leaves the child to the parent."""
        self._end_child.detach()
        _close_pipes(self._process)
        self._process.returncode = 0  # or Python would wait, in vain, for what is no child of this process

    def _exchange(
        self, parts: list[bytes], seconds: float, body_bytes: int | Callable[[dict[str, Any]], int] = 0
    ) -> tuple[dict[str, Any], bytes]:
        """Sends `parts`; the child's JSON answer and what follows it. Kills the child when `seconds` have passed."""
        stdin = self._process.stdin
        if stdin is None or stdin.closed:
            raise cannot_run("one whose process has ended before")
        late = threading.Event()

        def give_up() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(seconds, give_up)
        timer.daemon = True
        timer.start()
        try:
            for part in parts:
                stdin.write(part)
            stdin.flush()
            length = int.from_bytes(self._read(4), "little")
            if length > MAX_ANSWER_BYTES:
                raise cannot_run("one whose process gives no sensible answer")
            answer = json.loads(self._read(length))
            if not isinstance(answer, dict):
                raise cannot_run("one whose process gives no sensible answer")
            if "error" in answer:
                raise UserError.relayed(printable(str(answer["error"])[:1000]))
            body = self._read(body_bytes if isinstance(body_bytes, int) else body_bytes(answer))
        except (OSError, EOFError):
            raise cannot_run(
                f"one that took over {seconds:g} s" if late.is_set() else f"one that {self._end()}"
            ) from None
        except ValueError:
            raise cannot_run("one whose process gives no sensible answer") from None
        finally:
            timer.cancel()
        return answer, body

    def _read(self, count: int) -> bytes:
        assert self._process.stdout is not None
        data = self._process.stdout.read(count)
        if len(data) < count:
            raise EOFError
        return data

    def _end(self) -> str:
        code = self._process.wait()
        if code >= 0:
            return f"ended its process with code {code}"
        try:
            return f"crashed its process ({signal.Signals(-code).name})"
        except ValueError:
            return f"crashed its process (signal {-code})"


def _end_child(process: subprocess.Popen[bytes], owner: int) -> None:
    """Kills the child and closes the pipes, in the process that started it."""
    if os.getpid() != owner:
        return
    if process.poll() is None:
        process.kill()
    process.wait()
    _close_pipes(process)


def _close_pipes(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            # What was still to be written has nobody to read it.
            with contextlib.suppress(OSError):
                pipe.close()


def _framed(data: bytes) -> bytes:
    return len(data).to_bytes(4, "little") + data


def _module_path() -> str:
    """This package's folder first, then what the parent was given."""
    return os.pathsep.join(
        filter(None, [str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH")])
    )
