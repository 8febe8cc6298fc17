"""Releases for a simulated fleet: a real model whose weights move a little, with golden vectors of its own."""

import dataclasses
import itertools
import re

import numpy as np

from tformer_edge.contract import describe, read_model_file, write_model_file
from tformer_edge.errors import UserError
from tformer_edge.model import Model
from tformer_edge.update.client import check_model

# Tables and offsets of a flatbuffer are full of zero bytes; weights have this many in a row seldom.
ZEROS = b"\0\0\0"
# Bytes kept away from a table's end.
MARGIN = 64


def moved(data: bytes, seed: int, share: float = 0.01) -> bytes:
    """The file with `share` of its bytes moved by one step, all within its longest run of weights.

    Raises UserError or UpdateFailure for a file whose longest run is none of weights.
    """
    made = _moved(data, seed, share)
    check_model(made)
    return made


def _weights(flatbuffer: bytes) -> tuple[int, int]:
    """Where the longest stretch without `ZEROS` begins and ends."""
    ends = [match.start() for match in re.finditer(re.escape(ZEROS), flatbuffer)]
    begin, end = max(itertools.pairwise([0, *ends, len(flatbuffer)]), key=lambda pair: pair[1] - pair[0])
    return begin + MARGIN, end - MARGIN


def _moved(data: bytes, seed: int, share: float) -> bytes:
    file = read_model_file(data)
    if file.contract is None:
        raise UserError("a model file with a contract", "one without", "convert it")
    flatbuffer = np.frombuffer(file.flatbuffer, np.uint8).copy()
    begin, end = _weights(file.flatbuffer)
    count = max(1, min(int(share * len(flatbuffer)), (end - begin) // 2))
    chosen = begin + np.random.default_rng(seed).choice(end - begin, count, replace=False)
    flatbuffer[chosen] ^= 1
    golden, name = list(file.golden), f"{file.contract.name}-{seed}"
    for _ in range(2):  # first with the old golden outputs, to be run; then with the new ones
        made = describe(flatbuffer.tobytes(), file.labels, golden, name=name, image=file.contract.image)
        contract = dataclasses.replace(
            file.contract, name=name, golden=made.golden, flatbuffer_sha256=made.flatbuffer_sha256
        )
        rough = write_model_file(flatbuffer.tobytes(), contract, file.labels, golden)
        # A process of its own: a nudge at the wrong place makes a hostile file.
        with Model(rough, kernels="reference", isolated=True) as model:
            golden = [
                dataclasses.replace(
                    one,
                    output=b"".join(
                        output.tobytes()
                        for output in model.run(
                            np.frombuffer(one.input, model.input.type).reshape(model.input.shape)
                        )
                    ),
                )
                for one in golden
            ]
    return rough
