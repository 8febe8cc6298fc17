"""One mutation of a model file by its number: the same number and seed give the same bytes, for ever."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from tests.fuzz.byte_mutations import mutate
from tests.fuzz.graph_mutations import mutate_graph
from tests.fuzz.json_mutations import mutate_document
from tests.fuzz.layout import Seed
from tformer_edge.contract import JSON_NAME, LABELS_NAME

SIGNED = "flatbuffer, signed anew"
ALONE = "flatbuffer alone"
BEHIND = "flatbuffer, contract kept"
# Region of mutation number n: the entry n modulo the length. LiteRT runs what is in ISOLATED, in a process of its own.
PLAN = (
    *("end record", "directory", "JSON", "labels", BEHIND, SIGNED, ALONE, "golden", "directory", "JSON"),
    *(
        "end record",
        "local headers",
        "JSON",
        "labels",
        BEHIND,
        SIGNED,
        ALONE,
        "whole file",
        "directory",
        "JSON",
    ),
)
REGIONS = tuple(dict.fromkeys(PLAN))
ISOLATED = frozenset((SIGNED, ALONE))


@dataclass(frozen=True)
class Mutated:
    """A mutation: its `number`, `region`, the number of the seed file it began with, and the file's `data`."""

    number: int
    region: str
    origin: int
    data: bytes


def make(number: int, seed: int, seeds: Sequence[Seed]) -> Mutated:
    """Mutation `number` of the run `seed` over these seed files."""
    draw = random.Random(f"{seed}:{number}")
    region, origin = PLAN[number % len(PLAN)], draw.randrange(len(seeds))
    return Mutated(number, region, origin, _data(region, seeds[origin], seeds, draw))


def _data(region: str, seed: Seed, seeds: Sequence[Seed], draw: random.Random) -> bytes:
    if region in ("end record", "directory", "local headers"):
        return mutate(seed.data, *draw.choice(seed.spans()[region]), draw)
    if region == "JSON":
        if draw.random() < 0.2:  # the CRC-32 says that it was changed
            return mutate(seed.data, *seed.spans()["contents"][0], draw)
        text = seed.entries[JSON_NAME]
        changed = (
            mutate(text, 0, len(text), draw)
            if draw.random() < 0.4
            else mutate_document(seed.document(), draw)
        )
        return seed.sealed({JSON_NAME: changed})
    if region in ("labels", "golden"):
        return _content(region, seed, draw)
    if region == "whole file":
        return _whole(seed, draw.choice(seeds), draw)
    if region in ISOLATED and draw.random() < 0.6:
        changed = mutate_graph(seed.flatbuffer, draw)
    else:
        changed = mutate(seed.flatbuffer, 0, len(seed.flatbuffer), draw)
    if region == BEHIND:
        # Half of them cunning: the zip still touches the flatbuffer, and its offsets are right.
        return (
            changed + seed.data[len(seed.flatbuffer) :] if draw.random() < 0.5 else seed.sealed({}, changed)
        )
    return changed if region == ALONE or len(changed) < 8 else seed.signed({}, changed)


def _content(region: str, seed: Seed, draw: random.Random) -> bytes:
    names = [name for name in seed.entries if name.startswith("golden/")]
    name = LABELS_NAME if region == "labels" else draw.choice(names)
    how = draw.random()
    if how < 0.2:
        return mutate(seed.data, *seed.spans()["contents"][list(seed.entries).index(name)], draw)
    content = seed.entries[name]
    changed = mutate(content, 0, len(content), draw)
    # The contract knows another SHA-256, or was written for the changed content.
    return seed.sealed({name: changed}) if how < 0.5 else seed.signed({name: changed})


def _whole(seed: Seed, other: Seed, draw: random.Random) -> bytes:
    how = draw.randrange(4)
    if how == 0:
        return mutate(seed.data, 0, len(seed.data), draw)
    if how == 1:  # two downloads in one file
        at = draw.randrange(len(seed.data))
        return seed.data[:at] + other.data[draw.randrange(len(other.data)) :]
    if how == 2:  # a second zip behind the first, or a file in a file
        return seed.data + other.data[draw.choice((0, len(other.flatbuffer))) :]
    return seed.data[: draw.randrange(len(seed.data))]
