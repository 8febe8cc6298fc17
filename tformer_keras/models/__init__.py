"""The models: each architecture readable in one file."""

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
    "VARIANTS",
    "TFormer",
    "TFormerConfig",
    "TFormerL",
    "TFormerM",
    "TFormerMicro",
    "TFormerS",
    "build",
]
