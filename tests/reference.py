"""TFormer in NumPy, float64, written from the papers' definitions with plain loops.

What the layers and models are checked against: nothing here looks at the implementation. Tests get this module from
the fixture `reference`, because they are no package.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

Array = np.ndarray


# The layers.


def shares(
    channels: int, operators: Sequence[str], kernels: Sequence[int], channel_split: str = "operator"
) -> list[tuple[str, int, int, int]]:
    """(operator, kernel, first channel, end): channels dealt out one by one, to the operators, then to the kernels,
    or the other way round."""

    def deal(count: int, players: int) -> list[int]:
        hands = [0] * players
        for card in range(count):
            hands[card % players] += 1
        return hands

    table, start = [], 0
    outer, inner = (operators, kernels) if channel_split == "operator" else (kernels, operators)
    for one, part in zip(outer, deal(channels, len(outer)), strict=True):
        for other, share in zip(inner, deal(part, len(inner)), strict=True):
            operator, kernel = (one, other) if channel_split == "operator" else (other, one)
            table.append((operator, kernel, start, start + share))
            start += share
    return table


def hybrid_pooling(
    x: Array, kernels: Sequence[int], operators: Sequence[str], channel_split: str = "operator"
) -> Array:
    """Each pixel becomes the mean or the maximum of the pixels of its window that lie inside the image."""
    x = np.asarray(x, np.float64)
    out = np.full(x.shape, np.nan)
    for operator, kernel, start, end in shares(x.shape[-1], operators, kernels, channel_split):
        radius = kernel // 2
        for i in range(x.shape[1]):
            for j in range(x.shape[2]):
                rows, columns = (
                    slice(max(i - radius, 0), i + radius + 1),
                    slice(max(j - radius, 0), j + radius + 1),
                )
                window = x[:, rows, columns, start:end]
                out[:, i, j, start:end] = window.mean((1, 2)) if operator == "average" else window.max((1, 2))
    return out


def grouped_pointwise(x: Array, kernel: Array, bias: Array | None = None) -> Array:
    """`kernel` (groups, inputs a group, outputs a group): output o of group g sees the inputs of group g alone."""
    groups, inputs, outputs = kernel.shape
    out = np.zeros((*x.shape[:-1], groups * outputs))
    for g in range(groups):
        for o in range(outputs):
            for i in range(inputs):
                out[..., g * outputs + o] += np.asarray(x[..., g * inputs + i], np.float64) * kernel[g, i, o]
    return out if bias is None else out + bias


def channel_shuffle(x: Array, groups: int) -> Array:
    """ShuffleNet, section 3.1: write the channels as `groups` rows, read them column by column."""
    per_group = x.shape[-1] // groups
    order = [g * per_group + i for i in range(per_group) for g in range(groups)]
    return x[..., order]


def quick_gelu(x: Array) -> Array:
    """x·σ(1.702x), arXiv:1606.08415, section 2."""
    return x / (1 + np.exp(-1.702 * np.asarray(x, np.float64)))


def gelu(x: Array) -> Array:
    """x·Φ(x)."""
    return x * np.vectorize(lambda v: 0.5 * (1 + math.erf(v / math.sqrt(2))))(np.asarray(x, np.float64))


ACTIVATIONS = {
    "quick_gelu": quick_gelu,
    "gelu": gelu,
    "relu": lambda x: np.maximum(x, 0.0),
    "relu6": lambda x: np.clip(x, 0.0, 6.0),
    "hard_swish": lambda x: x * np.clip(x + 3, 0.0, 6.0) / 6,
}


# The model, from its weights by layer name and the configuration's values.


def convolution(
    x: Array,
    kernel: Array,
    bias: Array | None = None,
    stride: int = 1,
    depthwise: bool = False,
    symmetric: bool = False,
) -> Array:
    """TensorFlow's "same": ceil(size / stride) outputs, the padding split evenly and its odd pixel after the image; or
    symmetric, half the kernel's size on every side."""
    height, width = kernel.shape[:2]
    if symmetric:
        sizes = [
            (side + 2 * (k // 2) - k) // stride + 1
            for side, k in zip(x.shape[1:3], (height, width), strict=True)
        ]
        padding = [(0, 0), (height // 2, height // 2), (width // 2, width // 2), (0, 0)]
    else:
        sizes = [-(-side // stride) for side in x.shape[1:3]]
        totals = [
            max((size - 1) * stride + k - side, 0)
            for size, k, side in zip(sizes, (height, width), x.shape[1:3], strict=True)
        ]
        padding = [(0, 0), *((total // 2, total - total // 2) for total in totals), (0, 0)]
    x = np.pad(np.asarray(x, np.float64), padding)
    out: Array | float = 0.0
    for i in range(height):
        for j in range(width):
            tap = x[:, i : i + sizes[0] * stride : stride, j : j + sizes[1] * stride : stride][
                :, : sizes[0], : sizes[1]
            ]
            if depthwise:  # (height, width, channels, multiplier); output channel c * multiplier + m
                product = tap[..., None] * kernel[i, j]
                out = out + product.reshape(*product.shape[:3], -1)
            else:
                out = out + np.einsum("bhwc,cd->bhwd", tap, kernel[i, j])
    return out if bias is None else out + bias


class TFormer:
    """The forward pass in inference, from figure 2 of the paper; `weights` maps layer name to {weight name: array}."""

    def __init__(self, config: Mapping, weights: Mapping[str, Mapping[str, Array]]) -> None:
        self.config, self.weights = config, weights

    def norm(self, x: Array, name: str) -> Array:
        weights, epsilon = self.weights[name], 1e-5
        if self.config["norm"] == "batch":
            mean, variance = weights["moving_mean"], weights["moving_variance"]
        else:  # one group: over positions and channels; layer: over the channels of a position
            axes = (1, 2, 3) if self.config["norm"] == "group" else (3,)
            mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
        return (x - mean) / np.sqrt(variance + epsilon) * weights["gamma"] + weights["beta"]

    def activation(self, x: Array) -> Array:
        return ACTIVATIONS[self.config["activation"]](x)

    def pointwise(self, x: Array, name: str) -> Array:
        return grouped_pointwise(x, self.weights[name]["kernel"], self.weights[name]["bias"])

    def patch(self, x: Array, name: str, stride: int) -> Array:
        symmetric = self.config["patch_padding"] == "symmetric"
        weights = self.weights[name]
        return convolution(x, weights["kernel"], weights.get("bias"), stride, symmetric=symmetric)

    def mixer(self, x: Array, name: str) -> Array:
        if self.config["token_mixer"] == "pooling":  # PoolFormer, algorithm 1
            return hybrid_pooling(x, [3], ["average"]) - x
        pooled = hybrid_pooling(
            x, self.config["kernels"], self.config["operators"], self.config["channel_split"]
        )
        return self.pointwise(pooled, f"{name}_pointwise")

    def ghost(self, x: Array, name: str) -> Array:
        dense = self.pointwise(x, f"{name}_primary")
        cheap = self.weights[f"{name}_cheap"]
        return np.concatenate([dense, convolution(dense, cheap["kernel"], cheap["bias"], depthwise=True)], -1)

    def ffn(self, x: Array, name: str) -> Array:
        if self.config["ffn"] == "ghost":
            return self.ghost(self.activation(self.ghost(x, f"{name}_expand")), f"{name}_project")
        x = self.activation(self.pointwise(x, f"{name}_expand"))
        if self.config["ffn"] == "pcs":
            x = channel_shuffle(x, self.config["groups"])
        return self.pointwise(x, f"{name}_project")

    def block(self, x: Array, name: str) -> Array:
        for part, branch in (("mixer", self.mixer), ("ffn", self.ffn)):
            y = branch(self.norm(x, f"{name}_{part}_norm"), f"{name}_{part}")
            scale = (
                1.0 if self.config["layer_scale"] is None else self.weights[f"{name}_{part}_scale"]["scale"]
            )
            x = x + scale * y
        return x

    def features(self, image: Array) -> list[Array]:
        """The feature maps of the stages, finest first."""
        x, config, stages = np.asarray(image, np.float64), self.config, []
        strides = config["stem_stride"]
        if isinstance(strides, int):
            strides = [1] * len(config["stem_widths"]) + [strides]
        for index, stride in enumerate(strides[:-1], 1):
            x = self.activation(self.norm(self.patch(x, f"stem{index}_conv", stride), f"stem{index}_norm"))
        for stage, depth in enumerate(config["depths"], 1):
            x = self.patch(x, f"stage{stage}_patch", strides[-1] if stage == 1 else config["patch_stride"])
            for index in range(1, depth + 1):
                x = self.block(x, f"stage{stage}_block{index}")
            stages.append(x)
        return stages

    def logits(self, image: Array) -> Array:
        pooled = self.norm(self.features(image)[-1], "head_norm").mean((1, 2))
        return pooled @ self.weights["head_logits"]["kernel"] + self.weights["head_logits"]["bias"]
