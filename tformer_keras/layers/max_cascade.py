"""Max pooling of ascending kernels as a cascade, the form that TensorFlow computes fastest (docs/architecture.md)."""

from __future__ import annotations

from typing import Any

from keras import ops

# Channels that oneDNN's pooling handles at once (AVX-512, float32). Its gradient takes as long for fewer.
VECTOR = 16


def max_by_cascade(inputs: Any, kernels: tuple[int, ...], shares: list[int]) -> list[Any]:
    """Max pooling of ascending kernels: a pool of k after one of m is one of m + k - 1, so each share leaves as its
    size is reached and the rest goes on.

    Args:
        inputs: `(batch, height, width, channels)`, any float dtype.
        kernels: odd, ascending.
        shares: channels of each kernel, in order; all of them.

    Returns:
        The pooled shares in order, in one piece or a few.
    """
    if max(shares) < VECTOR:
        return [_of_batches(inputs, kernels, shares)]
    outputs, reached = [], 1
    for index, kernel in enumerate(kernels):
        inputs = _raise_kernel(inputs, reached, kernel, inputs.shape[1:3])
        reached = kernel
        if index == len(kernels) - 1:
            outputs.append(inputs)
        else:
            # Split, not slices: a slice's gradient writes zeros of the whole size, and their sum is another pass.
            output, inputs = ops.split(inputs, [shares[index]], axis=-1)
            outputs.append(output)
    return outputs


def _of_batches(inputs: Any, kernels: tuple[int, ...], shares: list[int]) -> Any:
    """The cascade on one image of channels × batch channels, which fills the vectors that few channels leave empty."""
    sizes = ops.shape(inputs)
    height, width = sizes[1:3]
    rest = ops.transpose(inputs, (1, 2, 3, 0))
    outputs, reached = [], 1
    for index, (kernel, share) in enumerate(zip(kernels, shares, strict=True)):
        merged = ops.reshape(rest, (1, height, width, -1))
        merged = _raise_kernel(merged, reached, kernel, inputs.shape[1:3])
        rest = ops.reshape(merged, (height, width, sum(shares[index:]), -1))
        reached = kernel
        output, rest = ops.split(rest, [share], axis=2)
        outputs.append(output)
    return ops.transpose(ops.concatenate(outputs, axis=2), (3, 0, 1, 2))


def _raise_kernel(inputs: Any, reached: int, kernel: int, sides: tuple[int | None, ...]) -> Any:
    """Max pooling of size `kernel` of what has been pooled with `reached`; `sides` are those of the map."""
    if all(side is not None and reached // 2 >= side - 1 for side in sides):
        return inputs  # each window already holds the whole map
    size = kernel - reached + 1
    if size == 1:
        return inputs
    return ops.max_pool(inputs, size, strides=1, padding="same", data_format="channels_last")
