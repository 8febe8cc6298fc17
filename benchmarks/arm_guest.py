"""Runs a .tflite file on an emulated Arm core, with a mark around each inference for icount.c.

    python3 arm_guest.py FILE RUNS THREADS [answer]

With `answer` the marks are around what follows an inference: outputs that become boxes, a class map or labels.
It runs in the sysroot of tools/pi_sysroot.sh, which has nothing of this project in it; `answer` imports `tformer_edge`
from PYTHONPATH.
"""

import contextlib
import os
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter

MARK = 0x1C0717  # as in icount.c


def mark() -> None:
    """Lets the plugin write the number of instructions so far."""
    with contextlib.suppress(ProcessLookupError):
        os.getpgid(MARK)


def answers(path: str, runs: int) -> None:
    """One answer that warms up, then `runs` between marks, all of the same outputs."""
    from tformer_edge import Model
    from tformer_edge.latency import input_of

    with Model(path, threads=1) as model:
        outputs = model.run(input_of(model))
        model.read(outputs)
        for _ in range(runs):
            mark()
            model.read(outputs)
        mark()


def main() -> None:
    """One inference of THREADS that warms up, then RUNS between marks."""
    if sys.argv[4:] == ["answer"]:
        answers(sys.argv[1], int(sys.argv[2]))
        return
    model = Interpreter(sys.argv[1], num_threads=int(sys.argv[3]))
    model.allocate_tensors()
    random = np.random.default_rng(0)
    for detail in model.get_input_details():
        if np.issubdtype(detail["dtype"], np.integer):
            limits = np.iinfo(detail["dtype"])
            value = random.integers(limits.min, limits.max + 1, detail["shape"]).astype(detail["dtype"])
        else:
            value = random.standard_normal(detail["shape"]).astype(detail["dtype"])
        model.set_tensor(detail["index"], value)
    model.invoke()
    for _ in range(int(sys.argv[2])):
        mark()
        model.invoke()
    mark()


if __name__ == "__main__":
    main()
