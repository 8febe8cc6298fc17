"""TFormer in Keras 3: vision models that a server can send to small devices."""

import importlib
import sys
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = [
    "VARIANTS",
    "TFormer",
    "TFormerConfig",
    "TFormerL",
    "TFormerM",
    "TFormerMicro",
    "TFormerS",
    "layers",
]

# They need TensorFlow, which training on JAX does without: imported when they are asked for, and no part of `import *`.
DEPLOY = {"lower": "lower", "quantize_aware": "quantize", "load_quantized": "quantize"}

if TYPE_CHECKING:
    from tformer_keras.deploy.lower import lower as lower
    from tformer_keras.deploy.quantize import load_quantized as load_quantized
    from tformer_keras.deploy.quantize import quantize_aware as quantize_aware

if TYPE_CHECKING or "tformer_cli" not in sys.modules:
    # Keras loads a saved model only when its layers' classes are registered: importing the package does it.
    from tformer_keras import layers
    from tformer_keras.models import (
        VARIANTS,
        TFormer,
        TFormerConfig,
        TFormerL,
        TFormerM,
        TFormerMicro,
        TFormerS,
    )


def __getattr__(name: str) -> Any:
    # As the `tformer` command the models too wait: `--help` is quick, and `--backend` is chosen before Keras' import.
    if name in DEPLOY:
        return getattr(importlib.import_module(f"tformer_keras.deploy.{DEPLOY[name]}"), name)
    if name == "layers":
        return importlib.import_module("tformer_keras.layers")
    if name in __all__:
        return getattr(importlib.import_module("tformer_keras.models"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
