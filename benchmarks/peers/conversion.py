"""A Keras model to a .tflite file by TensorFlow's own converter, and by this package."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.peers.random_weights import calibration_images


def convert_by_tensorflow(model: Any, kind: str, calibration: Sequence[np.ndarray] | None = None) -> bytes:
    """TensorFlow's own conversion of a Keras 3 model at batch 1; BatchNorm folds where a convolution stands before it.

    Args:
        kind: "int8" (post-training quantization, int8 in and out), "fp16" or "float".
        calibration: batches of one image; None: `calibration_images`.
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    shape = tuple(model.input_shape[1:])
    call = tf.function(lambda image: model(image, training=False))
    # Keras 3's variables are not ones that the converter can freeze.
    frozen = convert_variables_to_constants_v2(call.get_concrete_function(tf.TensorSpec((1, *shape))))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    if kind != "float":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "fp16":
        converter.target_spec.supported_types = [tf.float16]
    if kind == "int8":
        batches = list(calibration_images(shape)) if calibration is None else calibration
        converter.representative_dataset = lambda: ([images] for images in batches)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def convert_by_tformer(
    model: Any, kind: str, rewrites: str = "all", calibration: Sequence[np.ndarray] | None = None
) -> bytes:
    """This package's conversion for LiteRT, packed as it is shipped, without a contract."""
    from tformer_keras.deploy.graph.lower import lower
    from tformer_keras.deploy.int8.quantized_model import quantize_aware
    from tformer_keras.deploy.tflite.export import export_flatbuffer
    from tformer_keras.deploy.tflite.pack import pack

    if kind == "int8":
        quantized = quantize_aware(model, target="litert", rewrites=rewrites)
        shape = tuple(model.input_shape[1:])
        quantized.calibrate(calibration_images(shape) if calibration is None else calibration)
        return bytes(pack(export_flatbuffer(quantized, kind="int8", io="int8")).flatbuffer)
    lowered = lower(model, target="litert", rewrites=rewrites)
    return bytes(pack(export_flatbuffer(lowered, kind=kind, io="float32")).flatbuffer)
