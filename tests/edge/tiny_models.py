"""The small int8 model of these tests, and the program that makes its files.

`averaged.bin` is a flatbuffer alone, of another model, whose int8 average pooling XNNPACK has not.
"""

from tformer_edge.contract import read_model_file
from tformer_edge.preprocessing import Preprocessing

SIZE = (12, 10)
PREPROCESSING = Preprocessing(SIZE, "shorter", 0.9, (0.4, 0.5, 0.6), (0.2, 0.3, 0.25))
LABELS = ("dark", "light", "other")
MAKE = """
import sys
import keras, numpy as np
from keras import layers
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.tasks.outputs_mean import OutputsMean
from tformer_keras.deploy.conversion import convert, model_file
from tformer_keras.deploy.graph.lower import TARGETS
from tformer_keras.deploy.int8.quantized_model import quantize_aware
keras.utils.set_random_seed(3)
inputs = keras.Input((12, 10, 3))
x = layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
x = layers.DepthwiseConv2D(3, padding="same")(x)
x = layers.GlobalAveragePooling2D()(x)
quantized = quantize_aware(keras.Model(inputs, layers.Dense(3)(x)))
quantized.calibrate([np.random.default_rng(0).normal(size=(16, 12, 10, 3)).astype("float32")])
preprocessing = Preprocessing((12, 10), "shorter", 0.9, (0.4, 0.5, 0.6), (0.2, 0.3, 0.25))
for io, batch in (("int8", 1), ("int8", 4), ("uint8", 1), ("float32", 1)):
    file = model_file(
        convert(quantized, "int8", io, batch), name="tiny", task="classification", preprocessing=preprocessing,
        means=OutputsMean(("dark", "light", "other"), "logits"), source={}, accuracy=None, versions={},
    )
    open(f"{sys.argv[1]}/{io}-{batch}.tflite", "wb").write(file.to_bytes())
inputs = keras.Input((12, 10, 3))
x = layers.Conv2D(8, 3, 2, padding="same", activation="relu")(inputs)
x = layers.AveragePooling2D(3, 1, padding="same")(x)
x = layers.GlobalAveragePooling2D()(layers.Conv2D(16, 1)(x))
quantized = quantize_aware(
    keras.Model(inputs, layers.Dense(3)(x)),
    rewrites=[name for name in TARGETS["litert"] if name not in ("widen_stem", "pools_as_depthwise")],
)
quantized.calibrate([np.random.default_rng(0).normal(size=(16, 12, 10, 3)).astype("float32")])
open(f"{sys.argv[1]}/averaged.bin", "wb").write(convert(quantized, "int8", "int8", 1).flatbuffer)
"""


def raw(path):
    return read_model_file(path).flatbuffer
