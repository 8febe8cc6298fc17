"""tformer_keras.layers.ChannelShuffle."""

from __future__ import annotations

from tformer_keras.deploy.graph.rules.registry import Call, register_rule
from tformer_keras.layers import ChannelShuffle


@register_rule(ChannelShuffle)
def lower_channel_shuffle(call: Call) -> str:
    if call.layer.groups == 1:
        return call.inputs[0]
    return call.graph.add(call.node("shuffle", tensor=False, groups=call.layer.groups))
