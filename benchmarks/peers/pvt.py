"""PVT-Tiny, -Small and -Medium, version 1 (Wang et al., arXiv:2102.12122): a pyramid of attention stages, whose keys
and values are of a map that a strided convolution makes smaller."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from benchmarks.peers.attention import attention
from benchmarks.peers.class_token import ClassToken
from benchmarks.peers.position_embedding import PositionEmbedding
from benchmarks.peers.token_parts import add, as_map, as_tokens, dense, mlp, norm, patches

PVTS: dict[str, tuple[int, ...]] = {
    "pvt_tiny": (2, 2, 2, 2),
    "pvt_small": (3, 4, 6, 3),
    "pvt_medium": (3, 4, 18, 3),
}
PATCHES, WIDTHS, HEADS, RATIOS, REDUCTIONS = (
    (4, 2, 2, 2),
    (64, 128, 320, 512),
    (1, 2, 5, 8),
    (8, 8, 4, 4),
    (8, 4, 2, 1),
)
LEARNED = 224  # the side of the pictures whose positions are learned; other sizes resize them


def _reduced(x: Any, size: tuple[int, int], reduction: int, name: str) -> Any:
    if reduction == 1:
        return x
    x = patches(as_map(x, *size, f"{name}_map"), x.shape[-1], reduction, f"{name}_reduce")
    return norm(f"{name}_reduce_norm")(as_tokens(x, f"{name}_tokens"))


def PVT(
    variant: str,
    input_shape: tuple[int, int, int] = (224, 224, 3),
    classes: int = 1000,
    features_only: bool = False,
) -> keras.Model:
    """Builds a PVT of the table.

    Input: `(batch, *input_shape)`. Output: logits `(batch, classes)`; with `features_only` the stages' maps at strides
    4 to 32, without class token and last norm, as the authors' detectors and segmenters have it.
    """
    inputs = x = layers.Input(input_shape, name="image")
    learned, maps = LEARNED, []
    for stage, depth in enumerate(PVTS[variant]):
        name, last = f"stage{stage + 1}", stage == len(WIDTHS) - 1
        x = patches(x, WIDTHS[stage], PATCHES[stage], f"{name}_patch")
        learned //= PATCHES[stage]
        size = (x.shape[1], x.shape[2])
        x = norm(f"{name}_patch_norm")(as_tokens(x, f"{name}_tokens"))
        with_class = last and not features_only
        if with_class:
            x = ClassToken(name="class_token")(x)
        x = PositionEmbedding((learned, learned), size, int(with_class), name=f"{name}_positions")(x)
        for number in range(1, depth + 1):
            block = f"{name}_block{number}"
            y = norm(f"{block}_norm1")(x)
            source = _reduced(y, size, REDUCTIONS[stage], f"{block}_mixer")
            x = add(x, attention(y, source, HEADS[stage], f"{block}_mixer"), f"{block}_mixer")
            x = add(x, mlp(norm(f"{block}_norm2")(x), RATIOS[stage], f"{block}_mlp"), f"{block}_mlp")
        if not with_class:
            x = as_map(x, *size, f"{name}_map")
        maps.append(x)
    if features_only:
        return keras.Model(inputs, maps, name=variant)
    x = norm("head_norm")(x)[:, 0]
    return keras.Model(inputs, dense(classes, "head_logits")(x), name=variant)
