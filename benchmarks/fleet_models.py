"""Releases for a simulated fleet: a real model whose weights move a little, with golden vectors of its own."""

import dataclasses

import numpy as np

from tformer_edge.contract import describe, read_model_file, write_model_file
from tformer_edge.errors import UserError
from tformer_edge.model import Model
from tformer_edge.update.client import check_model
from tformer_edge.update.update_state import UpdateFailure

# Where in the file the weights may be, as shares of it; the first that gives a sound model is taken.
PLACES = (0.5, 0.35, 0.65)


def moved(data: bytes, seed: int, share: float = 0.01) -> bytes:
    """The file with `share` of its bytes moved by one step, all among its weights; passes its self-test.

    Raises UserError for a file in which no such place is found.
    """
    for place in PLACES:
        try:
            made = _moved(data, seed, share, place)
            check_model(made)
            return made
        except (UserError, UpdateFailure):
            continue
    raise UserError("a model file whose weights fill its middle", "another", "give a converted int8 model")


def _moved(data: bytes, seed: int, share: float, place: float) -> bytes:
    file = read_model_file(data)
    if file.contract is None:
        raise UserError("a model file with a contract", "one without", "convert it")
    flatbuffer = np.frombuffer(file.flatbuffer, np.uint8).copy()
    count, start = max(1, int(share * len(flatbuffer))), int(place * len(flatbuffer))
    stretch = min(10 * count, len(flatbuffer) // 8)
    chosen = start + np.random.default_rng(seed).choice(stretch, min(count, stretch), replace=False)
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
