"""How the models of the paper's Tables 5, 6 and 7 are built."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras

from benchmarks.peers.deit import DeiTS
from benchmarks.peers.paper_tables import Shape
from benchmarks.peers.pvt import PVT, PVTS
from benchmarks.peers.resmlp import RESMLPS, ResMLP
from benchmarks.peers.swin_mixer import SWIN_MIXERS, SwinMixer
from tformer_keras.models import RetinaNet, SemanticFPN, TFormer, TFormerConfig
from tformer_keras.models.backbones import features_of
from tformer_keras.models.resnet import RESNETS, ResNet
from tformer_keras.models.tformer import VARIANTS

# PoolFormer-S36 (arXiv:2111.11418, table 1) is S24 of other depths.
CONFIGS: dict[str, TFormerConfig] = {
    **{name: config for name, config in VARIANTS.items() if name.startswith(("tformer_", "poolformer_"))},
    "poolformer_s36": dataclasses.replace(
        VARIANTS["poolformer_s24"], depths=(6, 6, 18, 6), layer_scale=1e-6, stochastic_depth=0.2
    ),
}
DETECTOR_CLASSES, SEGMENTER_CLASSES = 80, 150  # COCO's and ADE20K's


def classifier(name: str, input_shape: Shape | None = None) -> keras.Model:
    """A classifier of Table 5, or PoolFormer-S12 or -S36, of 1,000 classes.

    Args:
        name: a key of `CONFIGS`, `RESNETS`, `PVTS`, `RESMLPS` or `SWIN_MIXERS`, or "deit_s".
        input_shape: None: what its published size is counted at, 256×256 of Swin-Mixer and 224×224 of all others.
    """
    shape: dict[str, Any] = {} if input_shape is None else {"input_shape": input_shape}
    if name in CONFIGS:
        return TFormer(dataclasses.replace(CONFIGS[name], **shape), name)
    for table, make in ((RESNETS, ResNet), (PVTS, PVT), (RESMLPS, ResMLP), (SWIN_MIXERS, SwinMixer)):
        if name in table:
            return make(name, **shape)
    if name == "deit_s":
        return DeiTS(**shape)
    raise ValueError(f"`name` expected a model of the paper's tables, received {name!r}.")


def backbone(name: str, input_shape: Shape) -> keras.Model:
    """The four maps of a classifier that has a pyramid, at strides 4, 8, 16 and 32."""
    if name in CONFIGS:
        return features_of(dataclasses.replace(CONFIGS[name], input_shape=input_shape))
    if name in PVTS:
        return PVT(name, input_shape, features_only=True)
    whole = ResNet(name, input_shape)
    ends = [f"stage{stage}_block{depth}_relu" for stage, depth in enumerate(RESNETS[name].depths, 1)]
    return keras.Model(whole.input, [whole.get_layer(end).output for end in ends], name=name)


def detector(name: str, input_shape: Shape) -> keras.Model:
    """The paper's RetinaNet on a backbone, of COCO's classes."""
    return RetinaNet(backbone(name, input_shape), DETECTOR_CLASSES, name=f"retinanet_{name}")


def segmenter(name: str, input_shape: Shape) -> keras.Model:
    """The paper's Semantic FPN on a backbone, of ADE20K's classes."""
    return SemanticFPN(backbone(name, input_shape), SEGMENTER_CLASSES, name=f"semantic_fpn_{name}")
