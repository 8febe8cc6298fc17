"""The models of the paper's Tables 5, 6 and 7 by name: TFormer's, and all that it is measured against there.

Imports no framework: commands that measure know the names without one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from benchmarks.peers.peer import Peer

Shape = tuple[int, int, int]


@dataclasses.dataclass(frozen=True)
class PaperTable:
    """A table of the paper.

    Attributes:
        builder: the function of `paper_models.py` that makes a model of a name and an input shape.
        models: the paper's label to that name, in the table's order; None for what is not built.
        prefix: before the names that commands take.
        counted: where sizes are counted; None: each at what it was published with.
        timed: where files are made; None: the same.
    """

    builder: str
    models: dict[str, str | None]
    prefix: str
    counted: Shape | None = None
    timed: Shape | None = None


_RESNETS = {"ResNet-18": "resnet18", "ResNet-50": "resnet50", "ResNet-101": "resnet101"}
_PVTS = {"PVT-Tiny": "pvt_tiny", "PVT-Small": "pvt_small", "PVT-Medium": "pvt_medium"}
_POOLFORMERS = {f"PoolFormer-S{depth}": f"poolformer_s{depth}" for depth in (12, 24, 36)}
_TFORMERS = {f"TFormer-{size}": f"tformer_{size.lower()}" for size in "SML"}
# A slimmed DeiT-S. Leaving out tokens would take no parameters away, and it has 7 M fewer: weights were cut out too,
# and which, is published nowhere that we know of.
NOT_BUILT = "DeiT-S (0.3-12)"

PAPER_TABLES: dict[int, PaperTable] = {
    5: PaperTable(
        "classifier",
        {
            "ResNet-18": "resnet18",
            "PVT-Tiny": "pvt_tiny",
            "ResMLP-S12": "resmlp_s12",
            "TFormer-S": "tformer_s",
            NOT_BUILT: None,
            "Swin-Mixer-T/D24": "swin_mixer_t_d24",
            "ResNet-50": "resnet50",
            "DeiT-S": "deit_s",
            "PVT-Small": "pvt_small",
            "TFormer-M": "tformer_m",
            "ResMLP-S24": "resmlp_s24",
            "Swin-Mixer-T/D6": "swin_mixer_t_d6",
            "PoolFormer-S24": "poolformer_s24",
            "TFormer-L": "tformer_l",
        },
        "classifier_",
    ),
    # MMDetection and MMSegmentation count at these sizes.
    6: PaperTable(
        "detector",
        {**_RESNETS, **_POOLFORMERS, **_TFORMERS},
        "retinanet_",
        (800, 1280, 3),
        (320, 320, 3),
    ),
    7: PaperTable(
        "segmenter",
        {**_RESNETS, **_PVTS, **_POOLFORMERS, **_TFORMERS},
        "semantic_fpn_",
        (512, 512, 3),
        (256, 256, 3),
    ),
}


def paper_names(table: int) -> list[str]:
    """The names that commands take, of a table's models."""
    entry = PAPER_TABLES[table]
    return [entry.prefix + name for name in entry.models.values() if name is not None]


def ours_of_paper(table: int) -> str:
    """The name of the table's TFormer-S, which ratios are to."""
    return PAPER_TABLES[table].prefix + "tformer_s"


def build_paper_model(table: int, name: str, shape: Shape | None) -> Any:
    """The Keras model of a table, by its name there without prefix."""
    from benchmarks.peers import paper_models

    return getattr(paper_models, PAPER_TABLES[table].builder)(name, shape)


def _building(table: int, name: str) -> Callable[[], Any]:
    return lambda: build_paper_model(table, name, PAPER_TABLES[table].timed)


# TFormer's files are made by this package, and those of all others by TensorFlow's converter.
PAPER_PEERS: dict[str, Peer] = {
    entry.prefix + name: Peer(
        label, _building(table, name), "tformer" if name.startswith("tformer_") else "tensorflow"
    )
    for table, entry in PAPER_TABLES.items()
    for label, name in entry.models.items()
    if name is not None
}
