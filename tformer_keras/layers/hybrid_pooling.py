"""Hybrid pooling: the paper's token mixer, average and max pooling at many scales, channels split among them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from tformer_keras.layers.checks import check_rank, is_whole

OPERATORS = ("average", "max")
IMPLEMENTATIONS = ("auto", "separate")


def split_evenly(total: int, parts: int) -> list[int]:
    """Splits `total` channels into `parts` shares as even as possible, the larger shares first."""
    return [total // parts + (part < total % parts) for part in range(parts)]


@keras.saving.register_keras_serializable("tformer_keras")
class HybridPooling(keras.layers.Layer):
    """Pools each share of the channels with an operator and a kernel of its own (paper, section on the hybrid layer).

    Stride 1 and "same" size. Channels are shared out by operator first, in the order given, then by kernel, as even
    as possible and the larger shares first ("not stated by the paper": our choice). Average pooling does not count
    padding; max pooling ignores it. The 1×1 convolution that mixes the shares is a layer of its own.

    Args:
        kernels: odd window sizes, each at least 1, in any order (1 keeps its share as it is).
        operators: one or both of "average" and "max", in the order in which they take channels.
        implementation: "auto" takes the exact rewrites that are faster: all averages as one 1-D depthwise
            convolution along each axis and a constant border correction; max pooling of ascending kernels as a
            cascade of small pools where the maps are large enough to gain from it. "separate" runs one pooling a
            share, for reference and measurement.

    Input and output: `(batch, height, width, channels)`, any float dtype, channels ≥ operators × kernels.

    Raises:
        ValueError: for unknown operators, even or repeated kernels, a wrong rank, or fewer channels than shares.
    """

    def __init__(
        self,
        kernels: tuple[int, ...] = (3, 5, 7, 9, 11),
        operators: tuple[str, ...] = OPERATORS,
        implementation: str = "auto",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        sizes: Any = (kernels,) if is_whole(kernels) else tuple(kernels or ())
        self.operators = (operators,) if isinstance(operators, str) else tuple(operators or ())
        self.implementation = implementation
        if not sizes or any(not is_whole(k) or k < 1 or k % 2 == 0 for k in sizes):
            raise ValueError(f"`kernels` expected odd whole numbers of at least 1, received {kernels!r}.")
        self.kernels: tuple[int, ...] = tuple(int(kernel) for kernel in sizes)
        if len(set(self.kernels)) != len(self.kernels):
            raise ValueError(f"`kernels` expected each size once, received {kernels!r}.")
        if (
            not self.operators
            or set(self.operators) - set(OPERATORS)
            or len(set(self.operators)) < len(self.operators)
        ):
            raise ValueError(
                f'`operators` expected one or both of "average" and "max", received {operators!r}.'
            )
        if implementation not in IMPLEMENTATIONS:
            raise ValueError(
                f"`implementation` expected one of {IMPLEMENTATIONS}, received {implementation!r}."
            )

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        check_rank(self, input_shape)
        channels: int = input_shape[-1]  # type: ignore[assignment]
        shares = len(self.operators) * len(self.kernels)
        if channels < shares:
            raise ValueError(
                f"HybridPooling {self.name!r} expected at least {shares} channels, one for each of "
                f"{len(self.operators)} operators × {len(self.kernels)} kernels, received {channels}."
            )

    def shares(self, channels: int) -> list[tuple[str, int, int]]:
        """The (operator, kernel, channels) of each share, in channel order."""
        table = []
        for operator, part in zip(self.operators, split_evenly(channels, len(self.operators)), strict=True):
            table += [
                (operator, kernel, share)
                for kernel, share in zip(self.kernels, split_evenly(part, len(self.kernels)), strict=True)
            ]
        return table

    def call(self, inputs: Any) -> Any:
        halves = split_evenly(inputs.shape[-1], len(self.operators))
        parts = [inputs] if len(halves) == 1 else ops.split(inputs, [halves[0]], axis=-1)
        outputs = []
        for operator, part in zip(self.operators, parts, strict=True):
            shares = split_evenly(part.shape[-1], len(self.kernels))
            if self.implementation == "separate":
                outputs.append(_pool_separately(part, operator, self.kernels, shares))
            elif operator == "average":
                outputs.append(_average_by_depthwise(part, self.kernels, shares))
            elif _cascade_pays(part.shape, self.kernels):
                outputs.append(_max_by_cascade(part, self.kernels, shares))
            else:
                outputs.append(_pool_separately(part, operator, self.kernels, shares))
        return outputs[0] if len(outputs) == 1 else ops.concatenate(outputs, axis=-1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "kernels": self.kernels,
            "operators": self.operators,
            "implementation": self.implementation,
        }


def _boundaries(shares: list[int]) -> list[int]:
    return [int(end) for end in np.cumsum(shares)[:-1]]


def _pool(inputs: Any, operator: str, kernel: int) -> Any:
    if kernel == 1:
        return inputs
    pool = ops.average_pool if operator == "average" else ops.max_pool
    return pool(inputs, kernel, strides=1, padding="same", data_format="channels_last")


def _pool_separately(inputs: Any, operator: str, kernels: tuple[int, ...], shares: list[int]) -> Any:
    parts = ops.split(inputs, _boundaries(shares), axis=-1) if len(shares) > 1 else [inputs]
    return ops.concatenate([_pool(p, operator, k) for p, k in zip(parts, kernels, strict=True)], axis=-1)


def _average_by_depthwise(inputs: Any, kernels: tuple[int, ...], shares: list[int]) -> Any:
    """Average pooling of every share at once: a depthwise k×1, then 1×k, whose windows hold 1/k a channel.

    Each channel's window is centred in one of the largest kernel's size. The sum is divided by k, not by the pixels
    that lie inside the image, so the borders are scaled up afterwards: the counts factorise into rows and columns.
    """
    window = max(kernels)
    taps = np.zeros((window, sum(shares)), "float32")
    start = 0
    for kernel, share in zip(kernels, shares, strict=True):
        first = (window - kernel) // 2
        taps[first : first + kernel, start : start + share] = 1 / kernel
        start += share
    channels = taps.shape[1]
    outputs = inputs
    for shape in ((window, 1, channels, 1), (1, window, channels, 1)):
        weights = ops.convert_to_tensor(taps.reshape(shape), dtype=inputs.dtype)
        outputs = ops.depthwise_conv(outputs, weights, padding="same", data_format="channels_last")
    sizes = ops.shape(inputs)
    rows = _border_correction(sizes[1], kernels, shares)[:, None]
    columns = _border_correction(sizes[2], kernels, shares)[None]
    return ops.multiply(outputs, ops.cast(rows * columns, inputs.dtype))


def _border_correction(size: Any, kernels: tuple[int, ...], shares: list[int]) -> Any:
    """k over the number of pixels inside the image, at each position of an axis: (size, channels)."""
    radius = np.repeat([kernel // 2 for kernel in kernels], shares).astype("int32")[None]
    # A static size is folded to a constant here and costs nothing at run time.
    library: Any = np if isinstance(size, int) else ops
    position = library.arange(size, dtype="int32")[:, None]
    inside = library.minimum(position, radius) + library.minimum(size - 1 - position, radius) + 1
    factor = (2 * radius + 1).astype("float32")
    return factor / (inside.astype("float32") if isinstance(size, int) else ops.cast(inside, "float32"))


def _cascade_pays(shape: tuple[int | None, ...], kernels: tuple[int, ...]) -> bool:
    """Whether repeated small pools beat one large pool a share: on large maps only."""
    if list(kernels) != sorted(kernels) or len(kernels) == 1:
        return False
    return any(side is None or side >= CASCADE_SIDE for side in shape[1:3])


# From this side on the cascade was the faster one in training on a CPU (TensorFlow 2.21: 1.8× at 32×32, 0.5× at 8×8).
CASCADE_SIDE = 16


def _max_by_cascade(inputs: Any, kernels: tuple[int, ...], shares: list[int]) -> Any:
    """Max pooling of ascending kernels: a pool of k after one of m is one of m + k - 1, so each share leaves as its
    size is reached and the rest goes on."""
    outputs, reached = [], 1
    for kernel, share in zip(kernels, shares, strict=True):
        inputs = _pool(inputs, "max", kernel - reached + 1)
        reached = kernel
        outputs.append(inputs[..., :share])
        inputs = inputs[..., share:]
    return ops.concatenate(outputs, axis=-1)
