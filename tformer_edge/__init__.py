"""What runs on the device: numpy, pillow and ai-edge-litert, never TensorFlow or Keras.

from tformer_edge import Model

with Model("model.tflite") as model:
    print(model.predict("photo.jpg").label)
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tformer_edge.errors import UserError
    from tformer_edge.golden_check import selftest
    from tformer_edge.model import Model
    from tformer_edge.preprocessing import Preprocessing
    from tformer_edge.tasks.classification import Prediction, Ranked
    from tformer_edge.update.model_store import ModelStore
    from tformer_edge.update.serving import Serving

__all__ = ["Model", "ModelStore", "Prediction", "Preprocessing", "Ranked", "Serving", "UserError", "selftest"]

_MODULES = {
    "Model": "model",
    "ModelStore": "update.model_store",
    "Prediction": "tasks.classification",
    "Preprocessing": "preprocessing",
    "Ranked": "tasks.classification",
    "Serving": "update.serving",
    "UserError": "errors",
    "selftest": "golden_check",
}


def __getattr__(name: str) -> Any:
    """Imports on demand: `tformer-edge --help` needs neither NumPy nor LiteRT."""
    if name not in _MODULES:
        raise AttributeError(f"module 'tformer_edge' has no attribute {name!r}")
    return getattr(importlib.import_module(f"tformer_edge.{_MODULES[name]}"), name)
