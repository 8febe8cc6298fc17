"""TFormer (Lu et al., IEEE TPDS), the whole architecture: configuration, table of variants, blocks and model."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
from keras import layers

from tformer_keras.layers import (
    BatchNormalization,
    ChannelShuffle,
    GroupedPointwise,
    HybridPooling,
    LayerScale,
    StochasticDepth,
)
from tformer_keras.layers.activations import ACTIVATIONS
from tformer_keras.models.tformer_checks import check_config
from tformer_keras.models.weights import fill, shipped_configuration, shipped_name

InputShape = tuple[int | None, int | None, int]


@dataclasses.dataclass(frozen=True)
class TFormerConfig:
    """Everything that decides a TFormer's graph. Fields marked * are "not stated by the paper": our choice.

    A stage is a patch embedding and `depths[i]` blocks; a block is `x + scale·drop(pointwise(pool(norm(x))))`, then
    `x + scale·drop(ffn(norm(x)))`.
    """

    depths: tuple[int, ...] = (2, 2, 6, 2)
    widths: tuple[int, ...] = (64, 128, 320, 512)  # channels of each stage, before `width`
    width: float = 1.0  # multiplies `widths` and `stem_widths`
    input_shape: tuple[int | None, int | None, int] = (224, 224, 3)
    stem_kernel: int = 7  # of each convolution of the stem
    stem_stride: int | tuple[int, ...] = 4  # one for each convolution of the stem
    stem_widths: tuple[int, ...] = ()  # * convolution, norm, activation before the patch embedding of stage 1
    patch_kernel: int = 3  # of the patch embeddings of stages 2, 3, …
    patch_stride: int = 2
    # * TensorFlow's; "symmetric": half the kernel's size on every side, as PyTorch pads
    patch_padding: str = "same"
    token_mixer: str = "hybrid"  # or "pooling", PoolFormer's: average pooling less the identity
    operators: tuple[str, ...] = ("average", "max")
    kernels: tuple[int, ...] = (3, 5, 7, 9, 11)
    channel_split: str = "operator"  # * or "kernel": which the channels are shared out to first
    ffn: str = "pcs"  # "standard": two dense 1×1 convolutions; "ghost": two Ghost modules (arXiv:1911.11907)
    expansion: int = 4  # r: hidden channels of the FFN over its width
    groups: int = 2  # g of the PCS-FFN
    ghost_ratio: int = (
        2  # s of the Ghost modules: 1 of s channels is dense, the others come from depthwise 3×3
    )
    norm: str = "batch"  # * "group" is PoolFormer's, one group
    norm_momentum: float = 0.9  # * of BatchNorm's moving statistics
    activation: str = "quick_gelu"  # *
    layer_scale: float | None = 1e-5  # * initial value; None: no LayerScale
    stochastic_depth: float = 0.1  # * rate of the last block; rises linearly from 0 with depth
    pooling_implementation: str = "auto"  # see HybridPooling
    classes: int = 1000
    include_top: bool = True
    pooling: str | None = None  # "avg" or "max" after the last stage when there is no top
    features_only: bool = False  # output the stages' feature maps, finest first
    classifier_activation: str | None = None  # None: logits

    def __post_init__(self) -> None:
        # JSON and command lines bring lists: the configuration compares and hashes by value.
        for field in ("depths", "widths", "input_shape", "stem_widths", "operators", "kernels"):
            value = getattr(self, field)
            object.__setattr__(self, field, (value,) if isinstance(value, (str, int)) else tuple(value))
        if isinstance(self.stem_stride, list):
            object.__setattr__(self, "stem_stride", tuple(self.stem_stride))
        check_config(self)

    @property
    def stem_strides(self) -> tuple[int, ...]:
        """One stride for each convolution of the stem; a single number strides the last one."""
        if isinstance(self.stem_stride, tuple):
            return self.stem_stride
        return (1,) * len(self.stem_widths) + (self.stem_stride,)

    def scaled(self, width: int) -> int:
        """`width` times the width multiplier, to the nearest multiple of the FFN's groups, at least one of them."""
        unit = max(self.groups, 2)
        return max(unit, int(width * self.width / unit + 0.5) * unit)


VARIANTS: dict[str, TFormerConfig] = {
    "tformer_s": TFormerConfig(depths=(2, 2, 6, 2)),
    "tformer_m": TFormerConfig(depths=(4, 4, 12, 4)),
    "tformer_l": TFormerConfig(depths=(6, 6, 18, 6), layer_scale=1e-6, stochastic_depth=0.2),
    "tformer_micro": TFormerConfig(
        depths=(1, 1, 2, 1), width=0.25, input_shape=(96, 96, 3), stochastic_depth=0.0
    ),
    # PoolFormer (arXiv:2111.11418) from the same blocks, to measure against.
    "poolformer_s12": TFormerConfig(
        depths=(2, 2, 6, 2), token_mixer="pooling", ffn="standard", norm="group", activation="gelu"
    ),
    "poolformer_s24": TFormerConfig(
        depths=(4, 4, 12, 4), token_mixer="pooling", ffn="standard", norm="group", activation="gelu"
    ),
}


def _conv(
    x: Any, filters: int, kernel: int, stride: int, config: TFormerConfig, name: str, use_bias: bool = True
) -> Any:
    padding = "same"
    if config.patch_padding == "symmetric":
        x, padding = layers.ZeroPadding2D(kernel // 2, "channels_last", name=f"{name}_pad")(x), "valid"
    initializer = keras.initializers.TruncatedNormal(stddev=0.02) if use_bias else "he_normal"
    return layers.Conv2D(
        filters,
        kernel,
        stride,
        padding=padding,
        data_format="channels_last",
        use_bias=use_bias,
        kernel_initializer=initializer,
        name=name,
    )(x)


def _norm(x: Any, config: TFormerConfig, name: str, before_pooling: bool = False) -> Any:
    if config.norm == "batch":
        # A non-negative gamma commutes with max pooling: the norm folds away on the device (docs/device_graph.md).
        constraint = keras.constraints.NonNeg() if before_pooling else None
        momentum = config.norm_momentum
        return BatchNormalization(momentum=momentum, epsilon=1e-5, gamma_constraint=constraint, name=name)(x)
    if config.norm == "group":
        return layers.GroupNormalization(groups=1, epsilon=1e-5, name=name)(x)
    return layers.LayerNormalization(epsilon=1e-5, name=name)(x)


def _activation(x: Any, config: TFormerConfig, name: str) -> Any:
    return layers.Activation(ACTIVATIONS[config.activation], name=name)(x)


def _ghost_module(x: Any, filters: int, config: TFormerConfig, name: str) -> Any:
    if filters % config.ghost_ratio:
        raise ValueError(
            f"`ghost_ratio` expected a divisor of {filters} channels, received {config.ghost_ratio}."
        )
    dense = GroupedPointwise(filters // config.ghost_ratio, name=f"{name}_primary")(x)
    cheap = layers.DepthwiseConv2D(
        3,
        padding="same",
        data_format="channels_last",
        depth_multiplier=config.ghost_ratio - 1,
        name=f"{name}_cheap",
    )(dense)
    return layers.Concatenate(name=f"{name}_concatenate")([dense, cheap])


def token_mixer(x: Any, config: TFormerConfig, name: str) -> Any:
    """Mixes positions: hybrid pooling and a 1×1 convolution, or PoolFormer's average pooling less the identity."""
    if config.token_mixer == "pooling":
        pooled = HybridPooling((3,), ("average",), config.pooling_implementation, name=f"{name}_pool")(x)
        return layers.Subtract(name=f"{name}_subtract")([pooled, x])
    width = x.shape[-1]
    x = HybridPooling(
        config.kernels,
        config.operators,
        config.pooling_implementation,
        config.channel_split,
        name=f"{name}_pool",
    )(x)
    return GroupedPointwise(width, name=f"{name}_pointwise")(x)


def feed_forward(x: Any, config: TFormerConfig, name: str) -> Any:
    """Mixes channels: the PCS-FFN, a standard FFN or Ghost modules."""
    width, hidden = x.shape[-1], x.shape[-1] * config.expansion
    if config.ffn == "ghost":
        x = _activation(_ghost_module(x, hidden, config, f"{name}_expand"), config, f"{name}_activation")
        return _ghost_module(x, width, config, f"{name}_project")
    groups = config.groups if config.ffn == "pcs" else 1
    x = GroupedPointwise(hidden, groups, name=f"{name}_expand")(x)
    x = _activation(x, config, f"{name}_activation")
    if groups > 1:
        x = ChannelShuffle(groups, name=f"{name}_shuffle")(x)
    return GroupedPointwise(width, groups, name=f"{name}_project")(x)


def block(x: Any, config: TFormerConfig, drop_rate: float, name: str) -> Any:
    """One TFormer block: a token mixer and an FFN, each a residual branch behind a norm."""
    for branch, part in ((token_mixer, "mixer"), (feed_forward, "ffn")):
        y = _norm(x, config, f"{name}_{part}_norm", before_pooling=part == "mixer")
        y = branch(y, config, f"{name}_{part}")
        if config.layer_scale is not None:
            y = LayerScale(config.layer_scale, name=f"{name}_{part}_scale")(y)
        if drop_rate > 0:
            y = StochasticDepth(drop_rate, name=f"{name}_{part}_drop")(y)
        x = layers.Add(name=f"{name}_{part}_add")([x, y])
    return x


def stem(x: Any, config: TFormerConfig) -> Any:
    """The convolutions before stage 1: by default one patch embedding, else a few with norm and activation first."""
    *hidden, last = config.stem_strides
    for index, (filters, stride) in enumerate(zip(config.stem_widths, hidden, strict=True), 1):
        width = config.scaled(filters)
        x = _conv(x, width, config.stem_kernel, stride, config, f"stem{index}_conv", use_bias=False)
        x = _activation(_norm(x, config, f"stem{index}_norm"), config, f"stem{index}_activation")
    return _conv(x, config.scaled(config.widths[0]), config.stem_kernel, last, config, "stage1_patch")


def patch_embedding(x: Any, config: TFormerConfig, stage: int) -> Any:
    """The strided convolution that begins a stage, counted from 2 (the stem has that of stage 1)."""
    width = config.scaled(config.widths[stage - 1])
    return _conv(x, width, config.patch_kernel, config.patch_stride, config, f"stage{stage}_patch")


def block_drop_rate(config: TFormerConfig, number: int) -> float:
    """The stochastic depth of a block, counted from 0 over all stages."""
    return config.stochastic_depth * number / max(sum(config.depths) - 1, 1)


def head(x: Any, config: TFormerConfig, name: str = "head") -> Any:
    """What follows the last stage: a norm, and with a top a mean over the map and a dense layer."""
    x = _norm(x, config, f"{name}_norm")
    if config.include_top or config.pooling == "avg":
        x = layers.GlobalAveragePooling2D(data_format="channels_last", name=f"{name}_pool")(x)
    elif config.pooling == "max":
        x = layers.GlobalMaxPooling2D(data_format="channels_last", name=f"{name}_pool")(x)
    if config.include_top:
        initializer = keras.initializers.TruncatedNormal(stddev=0.02)
        logits = layers.Dense(
            config.classes, kernel_initializer=initializer, name=f"{name}_logits", dtype="float32"
        )
        x = logits(x)
        if config.classifier_activation not in (None, "linear"):
            x = layers.Activation(config.classifier_activation, name=f"{name}_scores", dtype="float32")(x)
    return x


def TFormer(config: TFormerConfig, name: str = "tformer") -> keras.Model:
    """Builds the model of a configuration: a flat functional Keras model.

    Input: `(batch, *input_shape)`, normalised images, any float dtype. Output: logits or scores `(batch, classes)`;
    without top, features `(batch, height, width, channels)` or pooled `(batch, channels)`; with `features_only`, a
    list of the stages' feature maps, at strides 4, 8, 16 and 32 by default.
    """
    inputs = x = layers.Input(config.input_shape, name="image")
    x = stem(x, config)
    done, features = 0, []
    for stage, depth in enumerate(config.depths, 1):
        if stage > 1:
            x = patch_embedding(x, config, stage)
        for index in range(1, depth + 1):
            x = block(x, config, block_drop_rate(config, done), f"stage{stage}_block{index}")
            done += 1
        features.append(x)
    if config.features_only:
        return keras.Model(inputs, features, name=name)
    return keras.Model(inputs, head(x, config), name=name)


def build(variant: str, weights: str | None = None, name: str | None = None, **overrides: Any) -> keras.Model:
    """Builds a variant of the table with some of its configuration changed.

    Args:
        variant: a key of `VARIANTS`.
        weights: None, the name of weights that ship with the package, or a path to a `.keras` or `.weights.h5` file.
            Shipped weights bring their own architecture; any input size, and no top, will do, and with another number
            of `classes` the head begins anew, as keras.applications' backbones have it.
        name: the model's name; the variant's by default.
        overrides: fields of `TFormerConfig`.

    Raises:
        ValueError: for an unknown variant, field or value.
        UserError: for weights that do not fit.
    """
    if variant not in VARIANTS:
        raise ValueError(f"`variant` expected one of {', '.join(VARIANTS)}, received {variant!r}.")
    unknown = set(overrides) - {field.name for field in dataclasses.fields(TFormerConfig)}
    if unknown:
        raise ValueError(
            f"{variant} expected fields of TFormerConfig, received {', '.join(sorted(unknown))}."
        )

    shipped = None if weights is None else shipped_name(str(weights), variant)
    if shipped is not None:
        overrides = shipped_configuration(shipped, variant, overrides, dataclasses.asdict(VARIANTS[variant]))
    model = TFormer(dataclasses.replace(VARIANTS[variant], **overrides), name or variant)
    if weights is not None:
        fill(model, shipped or str(weights))
    return model


def _given(arguments: dict[str, Any]) -> dict[str, Any]:
    return {field: value for field, value in arguments.items() if value is not None}


def TFormerS(
    input_shape: InputShape | None = None,
    classes: int | None = None,
    include_top: bool = True,
    weights: str | None = None,
    classifier_activation: str | None = None,
    norm: str | None = None,
    activation: str | None = None,
    width: float | None = None,
    name: str | None = None,
    **config: Any,
) -> keras.Model:
    """TFormer-S: 8.4 M parameters, 1.2 GMACs at 224×224.

    Args:
        input_shape: (height, width, channels); height and width may be None. None: the variant's, see `VARIANTS`.
        classes: outputs of the top, at least 1. None: the variant's.
        include_top: whether to end in pooling and a dense layer, or in a feature map (see `pooling`).
        weights: None (random), the name of weights that ship with the package (these carry their own architecture), or
            the path of a `.keras` or `.weights.h5` file; see `build`.
        classifier_activation: None for logits, or the name of a Keras activation, such as "softmax".
        norm: "batch", "group" or "layer". None: the variant's.
        activation: a key of `layers.activations.ACTIVATIONS`. None: the variant's.
        width: factor of all widths, over 0. None: the variant's.
        name: the model's name. None: the variant's.
        config: any other field of `TFormerConfig`, for example `features_only=True`, `pooling="avg"`, `groups=4`.

    Returns:
        A functional `keras.Model` on `(batch, *input_shape)`, see `TFormer`.

    Raises:
        ValueError: for an argument outside its range.
        UserError: for weights that do not fit.
    """
    given = {
        "input_shape": input_shape,
        "classes": classes,
        "norm": norm,
        "activation": activation,
        "width": width,
    }
    top = {"include_top": include_top, "classifier_activation": classifier_activation}
    return build("tformer_s", weights, name, **_given(given), **top, **config)


def TFormerM(
    input_shape: InputShape | None = None,
    classes: int | None = None,
    include_top: bool = True,
    weights: str | None = None,
    classifier_activation: str | None = None,
    norm: str | None = None,
    activation: str | None = None,
    width: float | None = None,
    name: str | None = None,
    **config: Any,
) -> keras.Model:
    """TFormer-M: 14 M parameters, 2.2 GMACs at 224×224. Arguments: see `TFormerS`."""
    given = {
        "input_shape": input_shape,
        "classes": classes,
        "norm": norm,
        "activation": activation,
        "width": width,
    }
    top = {"include_top": include_top, "classifier_activation": classifier_activation}
    return build("tformer_m", weights, name, **_given(given), **top, **config)


def TFormerL(
    input_shape: InputShape | None = None,
    classes: int | None = None,
    include_top: bool = True,
    weights: str | None = None,
    classifier_activation: str | None = None,
    norm: str | None = None,
    activation: str | None = None,
    width: float | None = None,
    name: str | None = None,
    **config: Any,
) -> keras.Model:
    """TFormer-L: 20 M parameters, 3.2 GMACs at 224×224. Arguments: see `TFormerS`."""
    given = {
        "input_shape": input_shape,
        "classes": classes,
        "norm": norm,
        "activation": activation,
        "width": width,
    }
    top = {"include_top": include_top, "classifier_activation": classifier_activation}
    return build("tformer_l", weights, name, **_given(given), **top, **config)


def TFormerMicro(
    input_shape: InputShape | None = None,
    classes: int | None = None,
    include_top: bool = True,
    weights: str | None = None,
    classifier_activation: str | None = None,
    norm: str | None = None,
    activation: str | None = None,
    width: float | None = None,
    name: str | None = None,
    **config: Any,
) -> keras.Model:
    """TFormer at a quarter of S's width, for microcontrollers; `weights="cifar10"` is a trained one that ships.

    Arguments: see `TFormerS`."""
    given = {
        "input_shape": input_shape,
        "classes": classes,
        "norm": norm,
        "activation": activation,
        "width": width,
    }
    top = {"include_top": include_top, "classifier_activation": classifier_activation}
    return build("tformer_micro", weights, name, **_given(given), **top, **config)
