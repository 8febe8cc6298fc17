"""TFormer in Keras 3: vision models that a server can send to small devices."""

import importlib
from typing import TYPE_CHECKING, Any

# Keras loads a saved model only when its layers' classes are registered: importing the package does it.
from tformer_keras import layers
from tformer_keras.models import (
    DETECTORS,
    SEGMENTERS,
    VARIANTS,
    RetinaNet,
    RetinaNetConfig,
    SemanticFPN,
    SemanticFPNConfig,
    TFormer,
    TFormerConfig,
    TFormerL,
    TFormerM,
    TFormerMicro,
    TFormerS,
    shipped_model,
)

__version__ = "0.1.0"
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
    "layers",
    "shipped_model",
]

# They need TensorFlow, which training on JAX does without: imported when they are asked for, and no part of `import *`.
DEPLOY = {
    "convert_model": "model_conversion",
    "lower": "graph.lower",
    "quantize_aware": "int8.quantized_model",
    "load_quantized": "int8.quantized_model",
}

if TYPE_CHECKING:
    from tformer_keras.deploy.graph.lower import lower as lower
    from tformer_keras.deploy.int8.quantized_model import load_quantized as load_quantized
    from tformer_keras.deploy.int8.quantized_model import quantize_aware as quantize_aware
    from tformer_keras.deploy.model_conversion import convert_model as convert_model


def __getattr__(name: str) -> Any:
    if name not in DEPLOY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"tformer_keras.deploy.{DEPLOY[name]}"), name)
