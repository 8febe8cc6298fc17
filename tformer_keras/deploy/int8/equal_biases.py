"""Biases as TensorFlow's converter quantizes them right."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def unequal(bias: NDArray[Any]) -> NDArray[Any]:
    """A bias (channels,), whose last value moves by its last bit where all are equal and not 0.

    Each channel has a scale of its own. Of equal values the converter keeps one, quantizes it with the first channel's
    scale and writes that integer for all channels: a fresh detector's logits of -4.6 became -6.7 to -4.0 [measured].
    """
    if bias.size < 2 or not bias[0] or (bias != bias[0]).any():
        return bias
    result = bias.copy()
    result[-1] = np.nextafter(result[-1], result.dtype.type(0))
    return result
