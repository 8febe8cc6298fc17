"""The device graph: exact lowering of Keras 3 models, quantization-aware training and int8 TFLite."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tformer_keras.deploy.conversion_options import ConversionOptions as ConversionOptions
    from tformer_keras.deploy.model_conversion import convert_model as convert_model

# In their rooms, which need TensorFlow: imported when they are asked for.
_NAMES = {"ConversionOptions": "conversion_options", "convert_model": "model_conversion"}


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_NAMES[name]}"), name)
