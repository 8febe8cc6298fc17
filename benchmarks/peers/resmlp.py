"""ResMLP-S12 and -S24 (Touvron et al., arXiv:2105.03404): a dense layer across patches in attention's place."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from benchmarks.peers.affine import Affine
from benchmarks.peers.token_parts import add, as_tokens, dense, mlp, patches
from tformer_keras.layers import LayerScale

PATCH, WIDTH = 16, 384
# Depth, and what the factors of its branches start at.
RESMLPS: dict[str, tuple[int, float]] = {"resmlp_s12": (12, 0.1), "resmlp_s24": (24, 1e-5)}


def _across_patches(x: Any, name: str) -> Any:
    turned = layers.Permute((2, 1), name=f"{name}_turn")(x)
    return layers.Permute((2, 1), name=f"{name}_back")(dense(x.shape[1], f"{name}_dense")(turned))


def ResMLP(
    variant: str, input_shape: tuple[int, int, int] = (224, 224, 3), classes: int = 1000
) -> keras.Model:
    """Builds a ResMLP of the table. Input: `(batch, *input_shape)`. Output: logits `(batch, classes)`."""
    depth, scale = RESMLPS[variant]
    inputs = layers.Input(input_shape, name="image")
    x = as_tokens(patches(inputs, WIDTH, PATCH, "patch"), "tokens")
    for number in range(1, depth + 1):
        name = f"block{number}"
        y = _across_patches(Affine(name=f"{name}_affine1")(x), f"{name}_mixer")
        x = add(x, LayerScale(scale, name=f"{name}_mixer_scale")(y), f"{name}_mixer")
        y = mlp(Affine(name=f"{name}_affine2")(x), 4, f"{name}_mlp")
        x = add(x, LayerScale(scale, name=f"{name}_mlp_scale")(y), f"{name}_mlp")
    x = layers.GlobalAveragePooling1D(name="head_pool")(Affine(name="head_affine")(x))
    return keras.Model(inputs, dense(classes, "head_logits")(x), name=variant)
