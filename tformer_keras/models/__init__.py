"""The models: each architecture readable in one file."""

from tformer_keras.models.families import shipped_model
from tformer_keras.models.retinanet import DETECTORS, RetinaNet, RetinaNetConfig
from tformer_keras.models.semantic_fpn import SEGMENTERS, SemanticFPN, SemanticFPNConfig
from tformer_keras.models.tformer import (
    VARIANTS,
    TFormer,
    TFormerConfig,
    TFormerL,
    TFormerM,
    TFormerMicro,
    TFormerS,
    build,
)

__all__ = [
    "DETECTORS",
    "SEGMENTERS",
    "VARIANTS",
    "RetinaNet",
    "RetinaNetConfig",
    "SemanticFPN",
    "SemanticFPNConfig",
    "TFormer",
    "TFormerConfig",
    "TFormerL",
    "TFormerM",
    "TFormerMicro",
    "TFormerS",
    "build",
    "shipped_model",
]
