"""Large models are compared on fewer images, never on none."""

import dataclasses

import pytest

from tformer_edge.graph import FileGraph, FileOperation, FileTensor
from tformer_keras.deploy.compare.affordable import REFERENCE_MACS, affordable


def of_macs(macs: int, batch: int = 1) -> FileGraph:
    """A file of one dense layer of so many multiply-accumulates a batch."""
    given = FileTensor(0, "", "int8", (batch, 1), False, (), (), 0, 0)
    kernel = dataclasses.replace(given, index=1, shape=(macs // batch, 1))
    output = dataclasses.replace(given, index=2, shape=(batch, macs // batch))
    operation = FileOperation("FULLY_CONNECTED", False, (given, kernel), (output,))
    return FileGraph((operation,), (given, kernel, output), (given,), (output,), 1, True)


@pytest.mark.parametrize(
    ("macs", "batch", "images", "expected"),
    [
        (1, 1, 8, 8),
        (REFERENCE_MACS // 8, 1, 8, 8),
        (REFERENCE_MACS // 4, 1, 8, 4),
        (REFERENCE_MACS * 2, 1, 8, 1),
        (REFERENCE_MACS * 2, 4, 8, 4),  # a batch is run whole
        (REFERENCE_MACS * 2, 16, 8, 8),
        (0, 1, 8, 8),
    ],
)
def test_images_within_the_budget(macs: int, batch: int, images: int, expected: int) -> None:
    graph = of_macs(macs, batch)
    assert graph.macs == macs and affordable(graph, images) == expected
