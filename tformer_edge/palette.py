"""Colours to draw classes in, where a contract gives none: neighbours differ, and none is near black or white."""

import colorsys
from collections.abc import Sequence

from tformer_edge.output_json import Colour

# The golden ratio's fraction: hues of consecutive classes stand far apart however many there are.
_TURN = 0.618033988749895


def colour(index: int) -> Colour:
    """Red, green, blue of class `index`, 0 to 255."""
    saturation, value = ((0.9, 0.95), (0.6, 0.8), (0.75, 0.6))[index % 3]
    red, green, blue = colorsys.hsv_to_rgb((0.02 + index * _TURN) % 1.0, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)


def colours(given: Sequence[Colour], count: int) -> list[Colour]:
    """The colours that are given, or `count` of ours."""
    return list(given) or [colour(index) for index in range(count)]


def text_on(ground: Colour) -> str:
    """ "black" or "white", whichever is the more legible on that ground (luma of BT.601)."""
    red, green, blue = ground
    return "black" if 299 * red + 587 * green + 114 * blue > 140_000 else "white"
