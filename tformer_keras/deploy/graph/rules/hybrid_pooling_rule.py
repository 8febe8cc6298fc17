"""tformer_keras.layers.HybridPooling."""

from __future__ import annotations

from tformer_keras.deploy.graph.rules.registry import Call, register_rule
from tformer_keras.layers import HybridPooling


@register_rule(HybridPooling)
def lower_hybrid_pooling(call: Call) -> str:
    shares = tuple(call.layer.shares(call.shape[-1]))
    return call.graph.add(call.node("hybrid_pool", tensor=False, shares=shares))
