"""The range of an int8 input with which each pixel is its own quantized value: q = p - 128, and no table at the border.

With the range (0 - k) / (255 · std) to (255 - k) / (255 · std) of a whole k a step is one grey level and k is zero, so
that a zero padding stands for the grey k. k / 255 is then the mean of all channels.
"""

from __future__ import annotations

from tformer_edge.preprocessing import Preprocessing

# Of a grey level, by which 255 · mean may miss a whole number; configurations hold 16 digits, or 0.502 for 128 / 255.
WHOLE = 1e-6


def grey_of(image: Preprocessing) -> int | None:
    """The k, 0 to 255, of a normalisation that is "pixel exact": one mean k / 255 and one std; None of any other."""
    grey = round(255 * image.mean[0])
    exact = len(set(image.std)) == 1 and all(abs(255 * mean - grey) <= WHOLE for mean in image.mean)
    return grey if exact else None


def pixel_range(grey: int, std: float) -> tuple[float, float]:
    """(lowest, highest) real number of the pixels 0 and 255."""
    return -grey / (255 * std), (255 - grey) / (255 * std)
