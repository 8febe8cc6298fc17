"""The paper's Tables 5, 6 and 7 with sizes counted from the graphs that are built here, beside those that it prints."""

from __future__ import annotations

import dataclasses
import functools

from benchmarks.peers.paper_tables import NOT_BUILT, PAPER_TABLES, build_paper_model
from tformer_cli.paper_rows import CLASSIFICATION, DETECTION, ROWS, SEGMENTATION, Row

TITLES = {5: CLASSIFICATION, 6: DETECTION, 7: SEGMENTATION}
_AT_256 = "counted at 256×256, for which it was published"
# What a figure that is not the paper's has to say for itself.
NOTES: dict[tuple[int, str], str] = {
    (5, NOT_BUILT): "not built: which weights were cut out of DeiT-S is not published",
    (5, "Swin-Mixer-T/D24"): _AT_256,
    (5, "Swin-Mixer-T/D6"): _AT_256,
    (5, "PVT-Small"): "24.49 M; as 24.5 rounded once more it would be 25",
    (5, "PoolFormer-S24"): "3.4 G of products; what else 3.6 counts is not said",
    (7, "ResNet-18"): "15.43 M, which no rounding makes 16",
    (7, "ResNet-50"): "28.496 M; as 28.5 rounded once more it would be 29",
    (7, "ResNet-101"): "47.488 M; as 47.5 rounded once more it would be 48",
    (7, "PoolFormer-S24"): "half way from S12 to S36, as its depth is; 23 is not",
}


@dataclasses.dataclass(frozen=True)
class CountedRow:
    """A line of a table.

    Attributes:
        table: 5, 6 or 7.
        label: the paper's.
        name: that commands take; None where the model is not built, and so has no sizes.
        height, width: of the image that is counted for.
        parameters, macs: trainable parameters, and multiply-accumulates of one image.
        paper_parameters, paper_gmacs: millions and 10⁹ as the paper prints them, "–" where it prints none.
        agrees: whether what is counted, rounded as the paper rounds, is what it prints; None where nothing is counted.
        note: on what does not agree, or is counted elsewhere.
    """

    table: int
    label: str
    name: str | None
    height: int | None
    width: int | None
    parameters: int | None
    macs: int | None
    paper_parameters: str
    paper_gmacs: str
    agrees: bool | None
    note: str


def as_printed(value: float, printed: str) -> str:
    """`value` with as many decimals as `printed` has."""
    return f"{value:.{len(printed.partition('.')[2])}f}"


def _agrees(value: float, printed: str) -> bool:
    return printed == "–" or as_printed(value, printed) == printed


def counted_rows(table: int) -> list[CountedRow]:
    """The rows of a table of the paper. No weight is given a value: a model of 57 M parameters takes half a second."""
    from tformer_keras.models.counting import count, without_values

    printed: dict[str, Row] = {row.label: row for row in ROWS if row.table == TITLES[table]}
    rows = []
    for label, name in PAPER_TABLES[table].models.items():
        paper, note = printed[label], NOTES.get((table, label), "")
        common = (paper.paper_parameters, paper.paper_macs)
        if name is None:
            rows.append(CountedRow(table, label, None, None, None, None, None, *common, None, note))
            continue
        counted = PAPER_TABLES[table].counted
        model = without_values(functools.partial(build_paper_model, table, name, counted))
        size = count(model)
        height, width = model.input_shape[1:3]
        agrees = _agrees(size.parameters / 1e6, common[0]) and _agrees(size.macs / 1e9, common[1])
        rows.append(
            CountedRow(
                table,
                label,
                PAPER_TABLES[table].prefix + name,
                height,
                width,
                size.parameters,
                size.macs,
                *common,
                agrees,
                note,
            )
        )
    return rows
