"""Layers that do nothing at inference."""

from __future__ import annotations

import keras

from tformer_keras.deploy.graph.rules.registry import Call, register_rule
from tformer_keras.layers import OutputMap, StochasticDepth

# Augmentation is for training alone: at inference each of these gives its input back (a test asks Keras).
AUGMENTATION = (
    *("AugMix", "CutMix", "MixUp", "RandAugment", "RandomBrightness", "RandomColorDegeneration"),
    *("RandomColorJitter", "RandomContrast", "RandomElasticTransform", "RandomErasing", "RandomFlip"),
    *("RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert", "RandomPerspective"),
    *("RandomPosterization", "RandomRotation", "RandomSaturation", "RandomSharpness", "RandomShear"),
    *("RandomTranslation", "RandomZoom"),
)


@register_rule(
    *(getattr(keras.layers, name) for name in AUGMENTATION if hasattr(keras.layers, name)),
    keras.layers.Dropout,
    keras.layers.SpatialDropout2D,
    keras.layers.GaussianNoise,
    keras.layers.GaussianDropout,
    keras.layers.Identity,
    keras.layers.AlphaDropout,
    keras.layers.ActivityRegularization,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout3D,
    OutputMap,
    StochasticDepth,
)
def lower_identity(call: Call) -> str:
    return call.inputs[0]
