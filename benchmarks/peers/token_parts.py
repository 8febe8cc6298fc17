"""What networks on tokens `(batch, tokens, channels)` share: patches, the MLP of a block, maps and back."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers


def dense(width: int, name: str, use_bias: bool = True) -> layers.Dense:
    """A dense layer with the initializer of all of these networks: truncated normal of 0.02."""
    initializer = keras.initializers.TruncatedNormal(stddev=0.02)
    return layers.Dense(width, use_bias=use_bias, kernel_initializer=initializer, name=name)


def norm(name: str, epsilon: float = 1e-6) -> layers.LayerNormalization:
    """LayerNorm over the channels of each token."""
    return layers.LayerNormalization(epsilon=epsilon, name=name)


def patches(x: Any, width: int, size: int, name: str) -> Any:
    """The map `(batch, height / size, width / size, channels)` of patches that do not overlap."""
    initializer = keras.initializers.TruncatedNormal(stddev=0.02)
    return layers.Conv2D(width, size, size, kernel_initializer=initializer, name=name)(x)


def as_tokens(x: Any, name: str) -> Any:
    """A map as tokens, row by row."""
    _, height, width, channels = x.shape
    return layers.Reshape((height * width, channels), name=name)(x)


def as_map(x: Any, height: int, width: int, name: str) -> Any:
    """Tokens as the map that they were."""
    return layers.Reshape((height, width, x.shape[-1]), name=name)(x)


def mlp(x: Any, ratio: int, name: str) -> Any:
    """Two dense layers with the exact GELU between them, `ratio` times as wide there."""
    width = x.shape[-1]
    x = layers.Activation("gelu", name=f"{name}_gelu")(dense(width * ratio, f"{name}_expand")(x))
    return dense(width, f"{name}_project")(x)


def add(x: Any, branch: Any, name: str) -> Any:
    """A residual branch closed."""
    return layers.Add(name=f"{name}_add")([x, branch])
