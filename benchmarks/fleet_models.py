"""Releases for a simulated fleet: a real model whose weights move a little, with golden vectors of its own."""

import dataclasses
import hashlib
import itertools
import re

import numpy as np

from tformer_edge.contract import Golden, ModelFile, read_model_file, write_model_file
from tformer_edge.errors import UserError
from tformer_edge.golden_check import golden_answer
from tformer_edge.golden_record import GoldenRecord
from tformer_edge.model import Model
from tformer_edge.update.model_check import check_model

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
    return renewed(file, flatbuffer.tobytes(), f"{file.contract.name}-{seed}")


def renewed(file: ModelFile, flatbuffer: bytes, name: str) -> bytes:
    """The file with another flatbuffer of the same inputs and outputs, its own golden answers, and another name."""
    assert file.contract is not None
    golden, contract = list(file.golden), file.contract
    for _ in range(2):  # first with the old golden outputs, to be run; then with the new ones
        contract = dataclasses.replace(
            contract,
            name=name,
            golden=tuple(_record(one) for one in golden),
            flatbuffer_sha256=_sha256(flatbuffer),
        )
        rough = write_model_file(flatbuffer, contract, file.labels, golden)
        # A process of its own: a nudge at the wrong place makes a hostile file.
        with Model(rough, kernels="reference", isolated=True) as model:
            golden = [_run(model, one) for one in golden]
    return rough


def _run(model: Model, golden: Golden) -> Golden:
    """The golden vector with what this model gives for its input, and what is read from that."""
    outputs = model.run(np.frombuffer(golden.input, model.input.type).reshape(model.input.shape))
    values = np.concatenate([output.reshape(-1) for output in outputs])
    answer = golden_answer(model.file, values, model.outputs)
    return dataclasses.replace(
        golden, output=values.tobytes(), answer_sha256=None if answer is None else _sha256(answer)
    )


def _record(golden: Golden) -> GoldenRecord:
    return GoldenRecord(
        golden.name,
        _sha256(golden.input),
        _sha256(golden.output),
        golden.xnnpack_difference,
        golden.answer_sha256,
    )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
