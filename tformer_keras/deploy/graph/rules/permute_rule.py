"""keras.layers.Permute."""

from __future__ import annotations

import keras

from tformer_keras.deploy.graph.rules.registry import Call, register_rule


@register_rule(keras.layers.Permute)
def lower_permute(call: Call) -> str:
    return call.graph.add(call.node("transpose", tensor=False, order=tuple(call.layer.dims)))
