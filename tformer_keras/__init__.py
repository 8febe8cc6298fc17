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
else:
    # Started as the `tformer` command: `--help` does not wait for Keras, and `--backend` is chosen before its import.
    def __getattr__(name: str) -> Any:
        if name in __all__:
            module = importlib.import_module(
                "tformer_keras.layers" if name == "layers" else "tformer_keras.models"
            )
            return module if name == "layers" else getattr(module, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
