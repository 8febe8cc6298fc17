"""Runs a flatbuffer in TensorFlow Lite Micro, in a process of its own: see `micro_run.py`.

`micro_child.py FOLDER COUNT`: a program, not a module; it imports NumPy and TFLite Micro alone, so that it starts at
once. It reads `model.tflite` and `inputs.npy` in FOLDER, runs each input, and writes the model's COUNT outputs to
`outputs.npz`, and `allocations.txt`. TFLite Micro's complaints go to standard error.
"""

import os
import sys
from pathlib import Path

import numpy as np
import tflite_micro

# Enough for any model that a microcontroller could hold.
ARENA_BYTES = 64 << 20


def main() -> int:
    folder, count = Path(sys.argv[1]), int(sys.argv[2])
    interpreter = tflite_micro.runtime.Interpreter.from_bytes(
        (folder / "model.tflite").read_bytes(), arena_size=ARENA_BYTES
    )
    outputs = []
    for tensor in np.load(folder / "inputs.npy"):
        interpreter.set_input(tensor, 0)
        interpreter.invoke()
        outputs.append([interpreter.get_output(number) for number in range(count)])
    np.savez(folder / "outputs.npz", *(np.stack(parts) for parts in zip(*outputs, strict=True)))
    # The recorder prints, to standard error, from C++.
    with (folder / "allocations.txt").open("wb") as file:
        os.dup2(file.fileno(), 2)
        interpreter.print_allocations()
    return 0


if __name__ == "__main__":
    sys.exit(main())
