"""Lowering rules, one file a layer class (or a family of one rule); importing the package registers them all."""

from tformer_keras.deploy.rules import (  # noqa: F401  (registered by import)
    activation,
    batch_normalization,
    channel_shuffle,
    conv2d,
    dense,
    depthwise_conv2d,
    global_pooling2d,
    grouped_pointwise,
    hybrid_pooling,
    identity,
    layer_scale,
    merging,
    normalization_by_statistics,
    pooling2d,
    rescaling,
    reshaping,
    resizing,
    zero_padding2d,
)
from tformer_keras.deploy.rules.registry import Call, find_rule, register_rule

__all__ = ["Call", "find_rule", "register_rule"]
