"""keras.layers.Resizing and UpSampling2D."""

from __future__ import annotations

import keras

from tformer_keras.deploy.graph.rules.registry import Call, register_rule, require, require_channels_last


@register_rule(keras.layers.UpSampling2D)
def lower_up_sampling(call: Call) -> str:
    method = call.layer.interpolation
    require_channels_last(call)
    require(call, method in ("nearest", "bilinear"), "interpolation 'nearest' or 'bilinear'", method)
    return call.graph.add(call.node("resize", tensor=False, method=method))


@register_rule(keras.layers.Resizing)
def lower_resizing(call: Call) -> str:
    layer = call.layer
    require_channels_last(call)
    require(
        call,
        layer.interpolation in ("nearest", "bilinear"),
        "interpolation 'nearest' or 'bilinear'",
        layer.interpolation,
    )
    plain = not (
        layer.crop_to_aspect_ratio or layer.pad_to_aspect_ratio or getattr(layer, "antialias", False)
    )
    require(call, plain, "no cropping or padding to the aspect ratio and no antialiasing", layer.get_config())
    return call.graph.add(call.node("resize", tensor=False, method=layer.interpolation))
