"""Runs a flatbuffer in TensorFlow Lite Micro, in a process of its own: `micro_child.py FOLDER` (see `micro_run.py`).

A program, not a module: it imports NumPy and TFLite Micro alone, so that it starts at once. It reads `model.tflite` and
`inputs.npy` in FOLDER, and writes `outputs.npy` and `allocations.txt`. TFLite Micro's complaints go to standard error.
"""

import os
import sys
from pathlib import Path

import numpy as np
import tflite_micro

# Enough for any model that a microcontroller could hold.
ARENA_BYTES = 64 << 20


def main() -> int:
    folder = Path(sys.argv[1])
    interpreter = tflite_micro.runtime.Interpreter.from_bytes(
        (folder / "model.tflite").read_bytes(), arena_size=ARENA_BYTES
    )
    outputs = []
    for tensor in np.load(folder / "inputs.npy"):
        interpreter.set_input(tensor, 0)
        interpreter.invoke()
        outputs.append(interpreter.get_output(0))
    np.save(folder / "outputs.npy", np.stack(outputs))
    # The recorder prints, to standard error, from C++.
    with (folder / "allocations.txt").open("wb") as file:
        os.dup2(file.fileno(), 2)
        interpreter.print_allocations()
    return 0


if __name__ == "__main__":
    sys.exit(main())
