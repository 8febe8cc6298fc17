"""DeiT-S (Touvron et al., arXiv:2012.12877), without distillation: ViT's encoder of 384 channels."""

from __future__ import annotations

import keras
from keras import layers

from benchmarks.peers.attention import attention
from benchmarks.peers.class_token import ClassToken
from benchmarks.peers.position_embedding import PositionEmbedding
from benchmarks.peers.token_parts import add, as_tokens, dense, mlp, norm, patches

PATCH, WIDTH, DEPTH, HEADS = 16, 384, 12, 6


def DeiTS(input_shape: tuple[int, int, int] = (224, 224, 3), classes: int = 1000) -> keras.Model:
    """Builds DeiT-S. Input: `(batch, *input_shape)`. Output: logits `(batch, classes)`."""
    inputs = layers.Input(input_shape, name="image")
    x = patches(inputs, WIDTH, PATCH, "patch")
    grid = (x.shape[1], x.shape[2])
    x = ClassToken(name="class_token")(as_tokens(x, "tokens"))
    x = PositionEmbedding(grid, leading=1, name="positions")(x)
    for number in range(1, DEPTH + 1):
        name = f"block{number}"
        y = norm(f"{name}_norm1")(x)
        x = add(x, attention(y, y, HEADS, f"{name}_mixer"), f"{name}_mixer")
        x = add(x, mlp(norm(f"{name}_norm2")(x), 4, f"{name}_mlp"), f"{name}_mlp")
    x = norm("head_norm")(x)[:, 0]
    return keras.Model(inputs, dense(classes, "head_logits")(x), name="deit_s")
