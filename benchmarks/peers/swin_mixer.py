"""Swin-Mixer-T/D24 and /D6 (Liu et al., arXiv:2103.14030, appendix): MLPs in windows, shifted every second block."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from benchmarks.peers.token_parts import add, dense, mlp, norm, patches

# Channels of a head, in the name: D24.
SWIN_MIXERS: dict[str, int] = {"swin_mixer_t_d24": 24, "swin_mixer_t_d6": 6}
DEPTHS, WIDTH, WINDOW = (2, 2, 6, 2), 96, 8
EPSILON = 1e-5
# Its published size is that of 256×256 pictures, whose maps windows of 8 divide.
INPUT_SHAPE = (256, 256, 3)


def _windows_mixed(x: Any, head: int, window: int, name: str) -> Any:
    """A dense layer across the positions of each window, of its own for each head."""
    _, height, width, channels = x.shape
    rows, columns, positions = height // window, width // window, window * window
    x = layers.Reshape((rows, window, columns, window, channels), name=f"{name}_split")(x)
    x = layers.Permute((1, 3, 2, 4, 5), name=f"{name}_gather")(x)
    x = layers.Reshape((rows * columns, positions, channels // head, head), name=f"{name}_windows")(x)
    x = layers.EinsumDense(
        "bwphd,hpq->bwqhd",
        (rows * columns, positions, channels // head, head),
        bias_axes="qh",
        kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.02),
        name=f"{name}_dense",
    )(x)
    x = layers.Reshape((rows, columns, window, window, channels), name=f"{name}_joined")(x)
    x = layers.Permute((1, 3, 2, 4, 5), name=f"{name}_scatter")(x)
    return layers.Reshape((height, width, channels), name=f"{name}_map")(x)


def _mixer(x: Any, head: int, shift: int, name: str) -> Any:
    window = min(WINDOW, *x.shape[1:3])
    if not shift or min(x.shape[1:3]) <= window:
        return _windows_mixed(x, head, window, name)
    # Shifted by zeros around the map, of which one window more a side is mixed.
    around = ((window - shift, shift), (window - shift, shift))
    x = layers.ZeroPadding2D(around, name=f"{name}_pad")(x)
    return layers.Cropping2D(around, name=f"{name}_crop")(_windows_mixed(x, head, window, name))


def _merged(x: Any, name: str) -> Any:
    """Half as large: the four positions of each 2×2 side by side, brought to twice the channels."""
    _, height, width, channels = x.shape
    x = layers.Reshape((height // 2, 2, width // 2, 2, channels), name=f"{name}_split")(x)
    x = layers.Permute((1, 3, 4, 2, 5), name=f"{name}_gather")(x)
    x = layers.Reshape((height // 2, width // 2, 4 * channels), name=f"{name}_joined")(x)
    return dense(2 * channels, f"{name}_dense", use_bias=False)(norm(f"{name}_norm", EPSILON)(x))


def SwinMixer(
    variant: str, input_shape: tuple[int, int, int] = INPUT_SHAPE, classes: int = 1000
) -> keras.Model:
    """Builds a Swin-Mixer of the table. Input: `(batch, *input_shape)`, sides that 256 / 8 patches of 4 divide.
    Output: logits `(batch, classes)`."""
    head = SWIN_MIXERS[variant]
    inputs = layers.Input(input_shape, name="image")
    x = norm("patch_norm", EPSILON)(patches(inputs, WIDTH, 4, "patch"))
    for stage, depth in enumerate(DEPTHS, 1):
        if stage > 1:
            x = _merged(x, f"stage{stage}_merge")
        for number in range(depth):
            name = f"stage{stage}_block{number + 1}"
            shift = WINDOW // 2 if number % 2 else 0
            x = add(
                x, _mixer(norm(f"{name}_norm1", EPSILON)(x), head, shift, f"{name}_mixer"), f"{name}_mixer"
            )
            x = add(x, mlp(norm(f"{name}_norm2", EPSILON)(x), 4, f"{name}_mlp"), f"{name}_mlp")
    x = layers.GlobalAveragePooling2D(name="head_pool")(norm("head_norm", EPSILON)(x))
    return keras.Model(inputs, dense(classes, "head_logits")(x), name=variant)
