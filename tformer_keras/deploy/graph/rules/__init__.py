"""Lowering rules, one file a layer class (or a family of one rule); importing the package registers them all."""

from tformer_keras.deploy.graph.rules import (  # noqa: F401  (registered by import)
    activation_rule,
    applications_rule,
    batch_normalization_rule,
    channel_shuffle_rule,
    conv2d_rule,
    conv2d_transpose_rule,
    cropping_rule,
    dense_rule,
    depthwise_conv2d_rule,
    global_pooling2d_rule,
    grouped_pointwise_rule,
    hybrid_pooling_rule,
    identity_rule,
    layer_scale_rule,
    leaky_relu_rule,
    merging_rule,
    normalization_by_statistics_rule,
    normalization_rule,
    operators_rule,
    permute_rule,
    pooling2d_rule,
    rescaling_rule,
    reshaping_rule,
    resizing_rule,
    separable_conv2d_rule,
    shaping_operators_rule,
    zero_padding2d_rule,
)
from tformer_keras.deploy.graph.rules.registry import Call, find_rule, register_rule, takes_constants

__all__ = ["Call", "find_rule", "register_rule", "takes_constants"]
