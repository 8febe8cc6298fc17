"""Layers that do nothing at inference."""

from __future__ import annotations

import keras

from tformer_keras.deploy.graph.rules.registry import Call, register_rule
from tformer_keras.layers import StochasticDepth


@register_rule(
    keras.layers.Dropout,
    keras.layers.SpatialDropout2D,
    keras.layers.GaussianNoise,
    keras.layers.GaussianDropout,
    keras.layers.Identity,
    StochasticDepth,
)
def lower_identity(call: Call) -> str:
    return call.inputs[0]
