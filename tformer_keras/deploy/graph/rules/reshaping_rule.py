"""keras.layers.Flatten and Reshape."""

from __future__ import annotations

import keras

from tformer_keras.deploy.graph.rules.registry import Call, register_rule


@register_rule(keras.layers.Flatten, keras.layers.Reshape)
def lower_reshape(call: Call) -> str:
    return call.graph.add(call.node("reshape", tensor=False))
