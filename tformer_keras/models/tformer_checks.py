"""What a `TFormerConfig` may be: one sentence for each field that is outside its range."""

from __future__ import annotations

from typing import Any

from tformer_keras.layers.activations import ACTIVATIONS
from tformer_keras.layers.checks import check_positive, is_number, is_whole
from tformer_keras.layers.hybrid_pooling import CHANNEL_SPLITS

FFNS = ("pcs", "standard", "ghost")
NORMS = ("batch", "group", "layer")
TOKEN_MIXERS = ("hybrid", "pooling")
PATCH_PADDINGS = ("same", "symmetric")


# 8 GB of weights: a mistyped width ends in a sentence and not in the machine's last byte.
MAX_PARAMETERS = 1 << 31


def parameters_at_least(config: Any) -> float:
    """A lower bound of a configuration's parameters: token mixers, FFNs and the head."""
    widths = [float(width) * config.width for width in config.widths]
    ffn = 2 * config.expansion / max(config.groups, 1) if config.ffn == "pcs" else config.expansion
    blocks = sum(depth * width**2 * (1 + ffn) for depth, width in zip(config.depths, widths, strict=True))
    return float(blocks + (widths[-1] * config.classes if config.include_top else 0))


def check_config(config: Any) -> None:
    """Raises ValueError, in Keras' manner, for the first field of a `TFormerConfig` that no model can have."""
    for field, allowed in (
        ("ffn", FFNS),
        ("norm", NORMS),
        ("token_mixer", TOKEN_MIXERS),
        ("patch_padding", PATCH_PADDINGS),
        ("channel_split", CHANNEL_SPLITS),
        ("activation", tuple(ACTIVATIONS)),
        ("pooling", (None, "avg", "max")),
    ):
        if getattr(config, field) not in allowed:
            raise ValueError(f"`{field}` expected one of {allowed}, received {getattr(config, field)!r}.")
    if (
        len(config.depths) != len(config.widths)
        or not config.depths
        or not all(is_whole(number) for number in config.depths + config.widths)
        or min(config.depths) < 0
        or min(config.widths) < 1
    ):
        raise ValueError(
            "`depths` and `widths` expected one whole number a stage each, "
            f"received {config.depths} and {config.widths}."
        )
    if len(config.input_shape) != 3 or config.input_shape[2] is None:
        raise ValueError(f"`input_shape` expected (height, width, channels), received {config.input_shape}.")
    strides = config.stem_strides
    if len(strides) != len(config.stem_widths) + 1:
        raise ValueError(
            f"`stem_stride` expected one stride or {len(config.stem_widths) + 1}, one for each convolution of the "
            f"stem, received {config.stem_stride}."
        )
    for field in ("stem_kernel", "patch_kernel", "patch_stride", "expansion", "groups", "classes"):
        check_positive(field, getattr(config, field))
    for stride in strides:
        check_positive("stem_stride", stride)
    for side in config.input_shape:
        if side is not None:
            check_positive("input_shape", side)
    if not is_whole(config.ghost_ratio) or config.ghost_ratio < 2:
        raise ValueError(
            f"`ghost_ratio` expected a whole number of at least 2, received {config.ghost_ratio!r}."
        )
    if not 0 <= config.norm_momentum < 1:
        raise ValueError(
            f"`norm_momentum` expected at least 0 and below 1, received {config.norm_momentum!r}."
        )
    if config.layer_scale is not None and not is_number(config.layer_scale):
        raise ValueError(f"`layer_scale` expected a number or None, received {config.layer_scale!r}.")
    if config.width <= 0 or not 0 <= config.stochastic_depth < 1:
        raise ValueError(
            "`width` expected more than 0 and `stochastic_depth` at least 0 and below 1, "
            f"received {config.width} and {config.stochastic_depth}."
        )
    if parameters_at_least(config) > MAX_PARAMETERS:
        raise ValueError(
            f"`widths`, `depths` and `classes` expected a model of up to {MAX_PARAMETERS:,} parameters, received "
            f"{config.widths}, {config.depths} and {config.classes}."
        )
