"""Hybrid pooling: the paper's token mixer, average and max pooling at many scales, channels split among them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from tformer_keras.layers.checks import check_rank, is_whole
from tformer_keras.layers.max_along_axis import max_along_axis
from tformer_keras.layers.max_cascade import max_by_cascade

OPERATORS = ("average", "max")
IMPLEMENTATIONS = ("auto", "separate")
CHANNEL_SPLITS = ("operator", "kernel")


def split_evenly(total: int, parts: int) -> list[int]:
    """Splits `total` channels into `parts` shares as even as possible, the larger shares first."""
    return [total // parts + (part < total % parts) for part in range(parts)]


@keras.saving.register_keras_serializable("tformer_keras")
class HybridPooling(keras.layers.Layer):
    """Pools each share of the channels with an operator and a kernel of its own (paper, section on the hybrid layer).

    Stride 1 and "same" size. Channels are shared out as even as possible, the larger shares first. Average pooling does
    not count padding; max pooling ignores it. The 1×1 convolution that mixes the shares is a layer of its own.

    Args:
        kernels: odd window sizes, each at least 1, in any order (1 keeps its share as it is).
        operators: one or both of "average" and "max", in the order in which they take channels.
        implementation: "auto" takes exact rewrites that are faster: all averages as one 1-D depthwise convolution along
            each axis and a constant border correction; max pooling of ascending kernels as a cascade of small pools
            (on JAX both: pooling along one axis after the other).
            "separate" runs one pooling a share, for reference and measurement.
        channel_split: "operator" shares channels out to the operators, in the order given, then among the kernels;
            "kernel" the other way round. "not stated by the paper": "operator" is our choice.

    Input and output: `(batch, height, width, channels)`, any float dtype, channels ≥ operators × kernels.

    Raises:
        ValueError: for unknown operators, even or repeated kernels, a wrong rank, or fewer channels than shares.
    """

    def __init__(
        self,
        kernels: tuple[int, ...] = (3, 5, 7, 9, 11),
        operators: tuple[str, ...] = OPERATORS,
        implementation: str = "auto",
        channel_split: str = "operator",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        sizes: Any = (kernels,) if is_whole(kernels) else tuple(kernels or ())
        self.operators = (operators,) if isinstance(operators, str) else tuple(operators or ())
        self.implementation = implementation
        self.channel_split = channel_split
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
        if channel_split not in CHANNEL_SPLITS:
            raise ValueError(f"`channel_split` expected one of {CHANNEL_SPLITS}, received {channel_split!r}.")

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
        operator_first = self.channel_split == "operator"
        outer: tuple[Any, ...] = self.operators if operator_first else self.kernels
        inner: tuple[Any, ...] = self.kernels if operator_first else self.operators
        table = []
        for first, part in zip(outer, split_evenly(channels, len(outer)), strict=True):
            for second, share in zip(inner, split_evenly(part, len(inner)), strict=True):
                table.append((first, second, share) if operator_first else (second, first, share))
        return table

    def call(self, inputs: Any) -> Any:
        table = self.shares(inputs.shape[-1])
        numbers = {o: [number for number, row in enumerate(table) if row[0] == o] for o in self.operators}
        sizes = {o: [table[number][2] for number in numbers[o]] for o in self.operators}
        if self.channel_split == "operator" or len(self.operators) == 1:
            parts = _split(inputs, [sum(sizes[o]) for o in self.operators])
            pooled = [
                self._pool_operator(part, o, sizes[o]) for o, part in zip(self.operators, parts, strict=True)
            ]
            return _join([piece for pieces in pooled for piece in pieces])
        parts = _split(inputs, [share for *_, share in table])
        for o in self.operators:
            pieces = self._pool_operator(_join([parts[number] for number in numbers[o]]), o, sizes[o])
            for number, piece in zip(numbers[o], _split(_join(pieces), sizes[o]), strict=True):
                parts[number] = piece
        return _join(parts)

    def _pool_operator(self, inputs: Any, operator: str, shares: list[int]) -> list[Any]:
        """All shares of one operator, in one piece or a few."""
        if self.implementation == "auto":
            if keras.backend.backend() != "tensorflow":
                return _pool_along_axes(inputs, operator, self.kernels, shares)
            if operator == "average":
                return [_average_by_depthwise(inputs, self.kernels, shares)]
            if list(self.kernels) == sorted(self.kernels):
                return max_by_cascade(inputs, self.kernels, shares)
        return _pool_separately(inputs, operator, self.kernels, shares)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "kernels": self.kernels,
            "operators": self.operators,
            "implementation": self.implementation,
            "channel_split": self.channel_split,
        }


def _split(inputs: Any, sizes: list[int]) -> list[Any]:
    ends = [int(end) for end in np.cumsum(sizes)[:-1]]
    return ops.split(inputs, ends, axis=-1) if ends else [inputs]


def _join(parts: list[Any]) -> Any:
    return ops.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]


def _pool(inputs: Any, operator: str, kernel: int | tuple[int, int]) -> Any:
    if kernel == 1:
        return inputs
    if operator == "average" and isinstance(kernel, int) and _may_be_cut(inputs, kernel):
        return _average_in_a_frame(inputs, kernel)
    pool = ops.average_pool if operator == "average" else ops.max_pool
    return pool(inputs, kernel, strides=1, padding="same", data_format="channels_last")


def _may_be_cut(inputs: Any, kernel: int) -> bool:
    """Whether a window may be cut on both sides, where TensorFlow computes."""
    larger = any(side is None or side < kernel for side in inputs.shape[1:3])
    return larger and keras.backend.backend() == "tensorflow"


def _average_in_a_frame(inputs: Any, kernel: int) -> Any:
    """Average pooling of a map that lies in zeros, so that no window is cut.

    On processors without AVX-512, TensorFlow 2.21's gradient of "same" average pooling is wrong where a window is cut
    on both sides: by 0.3 of 1 with 7×7 on a map of 6×5 [measured on an AMD EPYC; on Xeons it is right].
    """
    radius = kernel // 2
    framed = ops.pad(inputs, ((0, 0), (radius, radius), (radius, radius), (0, 0)))
    means = ops.average_pool(framed, kernel, strides=1, padding="valid", data_format="channels_last")
    sizes = ops.shape(inputs)
    rows = _border_correction(sizes[1], (kernel,), [1])[:, None]
    columns = _border_correction(sizes[2], (kernel,), [1])[None]
    return ops.multiply(means, ops.cast(rows * columns, inputs.dtype))


def _pool_separately(inputs: Any, operator: str, kernels: tuple[int, ...], shares: list[int]) -> list[Any]:
    parts = _split(inputs, shares)
    return [_pool(p, operator, k) for p, k in zip(parts, kernels, strict=True)]


def _average_by_depthwise(inputs: Any, kernels: tuple[int, ...], shares: list[int]) -> Any:
    """Average pooling of every share at once: a depthwise k×1, then 1×k, whose windows hold 1/k a channel.

    Each channel's window is centred in one of the largest kernel's size. The sum is divided by k, not by the pixels
    that lie inside the image, so the borders are scaled up afterwards: the counts factorise into rows and columns.
    """
    outputs = inputs
    for axis, side in enumerate(inputs.shape[1:3]):
        taps = _average_taps(kernels, shares, side)
        taps = taps[:, None, :, None] if axis == 0 else taps[None, :, :, None]
        weights = ops.convert_to_tensor(taps, dtype=inputs.dtype)
        outputs = ops.depthwise_conv(outputs, weights, padding="same", data_format="channels_last")
    sizes = ops.shape(inputs)
    rows = _border_correction(sizes[1], kernels, shares)[:, None]
    columns = _border_correction(sizes[2], kernels, shares)[None]
    return ops.multiply(outputs, ops.cast(rows * columns, inputs.dtype))


def _average_taps(kernels: tuple[int, ...], shares: list[int], side: int | None) -> np.ndarray:
    """The weights of each channel's window along one axis: (taps, channels)."""
    # Taps that are a side or more from the centre never meet the image.
    taps = max(kernels) if side is None else min(max(kernels), 2 * side - 1)
    distance = np.abs(np.arange(taps) - taps // 2)[:, None]
    sizes = np.repeat(kernels, shares)[None]
    return np.where(distance <= sizes // 2, 1 / sizes, 0).astype("float32")


def _border_correction(size: Any, kernels: tuple[int, ...], shares: list[int]) -> Any:
    """k over the number of pixels inside the image, at each position of an axis: (size, channels)."""
    radius = np.repeat([kernel // 2 for kernel in kernels], shares).astype("int32")[None]
    # A static size is folded to a constant here and costs nothing at run time.
    library: Any = np if isinstance(size, int) else ops
    position = library.arange(size, dtype="int32")[:, None]
    inside = library.minimum(position, radius) + library.minimum(size - 1 - position, radius) + 1
    factor = (2 * radius + 1).astype("float32")
    return factor / (inside.astype("float32") if isinstance(size, int) else ops.cast(inside, "float32"))


def _pool_along_axes(inputs: Any, operator: str, kernels: tuple[int, ...], shares: list[int]) -> list[Any]:
    """Each share along one axis after the other: the pixels inside a window are rows times columns.

    For JAX: XLA's depthwise convolutions and its gradients of pooling take several times as long on a CPU [measured:
    docs/architecture.md].
    """
    return [
        _along_axes(part, operator, kernel)
        for part, kernel in zip(_split(inputs, shares), kernels, strict=True)
    ]


def _along_axes(inputs: Any, operator: str, kernel: int) -> Any:
    if operator == "max":
        return max_along_axis(max_along_axis(inputs, kernel, 1), kernel, 2)
    return _pool(_pool(inputs, "average", (kernel, 1)), "average", (1, kernel)) if kernel > 1 else inputs
