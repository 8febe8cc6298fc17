"""The layers of TFormer: one class a file, `keras.ops` only, channels last."""

from tformer_keras.layers.batch_normalization import BatchNormalization
from tformer_keras.layers.channel_shuffle import ChannelShuffle
from tformer_keras.layers.grouped_pointwise import GroupedPointwise
from tformer_keras.layers.hybrid_pooling import HybridPooling
from tformer_keras.layers.layer_scale import LayerScale
from tformer_keras.layers.output_map import OutputMap
from tformer_keras.layers.stochastic_depth import StochasticDepth

__all__ = [
    "BatchNormalization",
    "ChannelShuffle",
    "GroupedPointwise",
    "HybridPooling",
    "LayerScale",
    "OutputMap",
    "StochasticDepth",
]
