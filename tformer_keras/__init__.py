"""TFormer in Keras 3: vision models that a server can send to small devices."""

from tformer_keras import layers
from tformer_keras.models import VARIANTS, TFormer, TFormerConfig, TFormerL, TFormerM, TFormerMicro, TFormerS

__version__ = "0.1.0"
__all__ = ["VARIANTS", "TFormer", "TFormerConfig", "TFormerL", "TFormerM", "TFormerMicro", "TFormerS", "layers"]
