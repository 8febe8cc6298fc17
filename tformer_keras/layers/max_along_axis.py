"""Max pooling along one axis, with a gradient that XLA computes in passes of vectors (docs/architecture.md)."""

from __future__ import annotations

from typing import Any

from keras import ops


def max_along_axis(inputs: Any, kernel: int, axis: int) -> Any:
    """Max pooling of stride 1 and "same" size along the height or the width, padding ignored.

    XLA's own gradient of a pooling (select and scatter) visits one window after the other; this one compares
    neighbours, which takes a tenth of the time on a CPU. Of equal neighbours the first has the gradient, as there.

    Args:
        inputs: `(batch, height, width, channels)`, any float dtype, of known size along the axis.
        kernel: odd.
        axis: 1 or 2.

    Returns:
        As `inputs`.
    """
    # A window that reaches over the whole axis from everywhere needs no more taps.
    radius = min(kernel // 2, inputs.shape[axis] - 1)
    return _pool(radius, axis)(inputs) if radius else inputs


def _pool(radius: int, axis: int) -> Any:
    size = (2 * radius + 1, 1) if axis == 1 else (1, 2 * radius + 1)
    offsets = range(-radius, radius + 1)

    @ops.custom_gradient
    def pool(inputs: Any) -> Any:
        outputs = ops.max_pool(inputs, size, strides=1, padding="same", data_format="channels_last")

        def gradient(*args: Any, upstream: Any = None) -> Any:
            (upstream,) = args or (upstream,)
            # Where in its window each output was found. Not by what equals the output: XLA may compute the inputs again
            # for the way back, with another rounding than the pooling had.
            inside = _framed(inputs, radius, axis, -float("inf"))
            largest = _moved(inside, -radius, radius, axis)
            found = ops.full_like(upstream, -radius, dtype="int32")
            for offset in offsets[1:]:
                other = _moved(inside, offset, radius, axis)
                found = ops.where(ops.greater(other, largest), offset, found)
                largest = ops.maximum(other, largest)
            # What the windows around a pixel give to it.
            found, upstream = (_framed(values, radius, axis, 0) for values in (found, upstream))
            parts = []
            for offset in offsets:
                mine = ops.equal(_moved(found, offset, radius, axis), -offset)
                parts.append(ops.where(mine, _moved(upstream, offset, radius, axis), 0))
            return sum(parts[1:], parts[0])

        return outputs, gradient

    return pool


def _framed(values: Any, radius: int, axis: int, outside: float) -> Any:
    """The values between `radius` positions of `outside` on both sides of an axis."""
    frame = [(0, 0)] * 4
    frame[axis] = (radius, radius)
    return ops.pad(values, frame, constant_values=outside)


def _moved(framed: Any, offset: int, radius: int, axis: int) -> Any:
    """What stands `offset` further along the axis, at each position inside the frame."""
    start, end = radius + offset, framed.shape[axis] - radius + offset
    return framed[:, start:end] if axis == 1 else framed[:, :, start:end]
