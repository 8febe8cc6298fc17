"""Anchors by the paper's words, one at a time."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tformer_edge.anchors import AnchorLevel, of_retinanet


def test_retinanet_has_nine_shapes_on_five_levels() -> None:
    levels = of_retinanet()
    assert [level.stride for level in levels] == [8, 16, 32, 64, 128]
    for level in levels:
        assert len(level.shapes) == 9
        for number, (width, height) in enumerate(level.shapes):
            ratio, k = (0.5, 1, 2)[number // 3], number % 3
            side = 4 * level.stride * 2 ** (k / 3)
            assert height / width == pytest.approx(ratio, rel=1e-14)
            assert width * height == pytest.approx(side * side, rel=1e-14)
    # The squares of the first scale need no root: they are exact.
    assert [level.shapes[3] for level in levels] == [(32, 32), (64, 64), (128, 128), (256, 256), (512, 512)]


def test_of_retinanet_takes_other_tables() -> None:
    (level,) = of_retinanet((16,), (2.0,), (1.0, 4.0))
    assert level == AnchorLevel(16, ((32.0, 32.0), (16.0, 64.0)))


@given(st.integers(1, 64), st.integers(1, 6), st.integers(1, 6), st.integers(1, 4))
def test_grid_is_every_shape_at_every_cell(stride: int, height: int, width: int, count: int) -> None:
    level = AnchorLevel(stride, tuple((10.0 + i, 20.5 + i) for i in range(count)))
    grid = level.grid(height, width)
    assert grid.shape == (height, width, count, 4) and grid.dtype == np.float64
    for row in range(height):
        for column in range(width):
            for number in range(count):
                expected = [(column + 0.5) * stride, (row + 0.5) * stride, *level.shapes[number]]
                assert grid[row, column, number].tolist() == expected
                one = level.at(np.array([row]), np.array([column]), np.array([number]))
                assert one.tolist() == [expected]


@pytest.mark.parametrize(
    ("stride", "shapes"),
    [
        (0, ((1.0, 1.0),)),
        (8.0, ((1.0, 1.0),)),
        (8, ()),
        (8, ((1.0,),)),
        (8, ((1.0, 0.0),)),
        (8, ((math.inf, 1.0),)),
        (8, ((1.0, math.nan),)),
    ],
)
def test_refuses(stride, shapes) -> None:
    with pytest.raises(ValueError, match="Expected .* received"):
        AnchorLevel(stride, shapes)
