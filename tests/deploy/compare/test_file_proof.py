"""A converted file is given out only where it computes what its graph computes."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import layers

from tformer_edge.errors import UserError
from tformer_edge.preprocessing import Preprocessing
from tformer_keras.data.pixels import synthetic_pixels
from tformer_keras.deploy.compare import affordable
from tformer_keras.deploy.compare.file_proof import Proof, prove
from tformer_keras.deploy.conversion import convert
from tformer_keras.deploy.conversion_options import ConversionOptions
from tformer_keras.deploy.graph.lower import lower
from tformer_keras.deploy.int8.quantized_model import quantize_aware
from tformer_keras.deploy.model_conversion import convert_model
from tformer_keras.deploy.tflite.pack import pack
from tformer_keras.training.saved_model import BarePreprocessing

SIZE = (12, 12)
PREPROCESSING = Preprocessing(SIZE, "stretch", 1.0, (0.0,) * 3, (1 / 255,) * 3)
PIXELS = synthetic_pixels(12, SIZE)


def int8_of(outputs, inputs, target="litert"):
    quantized = quantize_aware(keras.Model(inputs, outputs), target)
    quantized.calibrate([PREPROCESSING.normalise(PIXELS)])
    return convert(quantized)


def small(make):
    keras.utils.set_random_seed(0)
    inputs = layers.Input((*SIZE, 3))
    x = make(layers.Conv2D(8, 3, padding="same")(inputs))
    return layers.Dense(4)(layers.GlobalAveragePooling2D()(x)), inputs


@pytest.mark.parametrize(("factor", "offset"), [(1 / 127.5, -1.0), (-1 / 255, 1.0), (1 / 255, 0.5)])
def test_constants_of_one_sign_before_a_padded_convolution(factor, offset):
    keras.utils.set_random_seed(0)
    inputs = layers.Input((*SIZE, 3))
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(layers.Rescaling(factor, offset)(inputs))
    proof = prove(int8_of(layers.Dense(4)(layers.Flatten()(x)), inputs), PIXELS, PREPROCESSING)
    assert proof.lowering < 1e-5 and max(proof.files.values()) < 0.1 and proof.images == len(PIXELS)


def test_a_dead_sum_that_ended_litert():
    outputs, inputs = small(lambda x: layers.ReLU()(layers.Rescaling(-1.0, offset=-5.0)(layers.ReLU()(x))))
    prove(int8_of(outputs, inputs), PIXELS, PREPROCESSING)


@pytest.mark.parametrize(
    "norm", [layers.GroupNormalization(4), layers.GroupNormalization(1), layers.LayerNormalization()]
)
def test_norms_by_statistics_are_int8_throughout(norm):
    conversion = int8_of(*small(norm))
    assert all(one.is_int8 for one in conversion.file.operations)
    prove(conversion, PIXELS, PREPROCESSING)


def test_a_concatenation_with_a_sigmoid_keeps_its_negative_numbers():
    def make(x):
        return layers.Concatenate()([layers.Activation("sigmoid")(x), x])

    proof = prove(int8_of(*small(make)), PIXELS, PREPROCESSING)
    assert max(proof.files.values()) < 0.1


@pytest.mark.parametrize("kind", ["elu", "hard_swish", "hard_sigmoid", "leaky_relu", "gelu"])
def test_activations_are_int8_throughout(kind):
    conversion = int8_of(*small(layers.Activation(kind)))
    assert all(one.is_int8 for one in conversion.file.operations)
    assert max(prove(conversion, PIXELS, PREPROCESSING).files.values()) < 0.1


def test_a_shared_bias_of_equal_values_is_quantized_with_each_channels_own_scale():
    keras.utils.set_random_seed(0)
    inputs = layers.Input((*SIZE, 3))
    fine = layers.Conv2D(8, 3, activation="relu")(inputs)
    coarse = layers.Conv2D(8, 3, 2, activation="relu")(fine)
    # The end of a fresh detector, whose levels share it.
    kernel, bias = keras.initializers.RandomNormal(stddev=1e-4), keras.initializers.Constant(-4.6)
    end = layers.Conv2D(12, 1, kernel_initializer=kernel, bias_initializer=bias)
    conversion = int8_of([end(fine), end(coarse)], inputs)
    assert max(prove(conversion, PIXELS, PREPROCESSING).files.values()) < 0.1


@pytest.mark.parametrize("macs", [affordable.REFERENCE_MACS, 1])
def test_a_file_of_other_weights_is_refused(macs, monkeypatch):
    monkeypatch.setattr(
        affordable, "REFERENCE_MACS", macs
    )  # 1: a large model, whose reference kernels see one image
    good = int8_of(*small(layers.ReLU()))
    other = int8_of(*small(lambda x: layers.ReLU()(layers.Rescaling(-1.0)(x))))
    assert max(prove(good, PIXELS, PREPROCESSING).files.values()) < 0.1
    with pytest.raises(UserError, match=r"proof of the file: expected a file equal to its graph"):
        prove(dataclasses.replace(good, flatbuffer=other.flatbuffer), PIXELS, PREPROCESSING)


def test_a_file_that_litert_cannot_run_is_a_sentence():
    good = int8_of(*small(layers.ReLU()))
    # Without names the middle is in what operations are made of.
    cut = bytearray(pack(good.flatbuffer).flatbuffer)
    cut[len(cut) // 2 : len(cut) // 2 + 400] = bytes(400)
    with pytest.raises(UserError, match="proof of the file"):
        prove(dataclasses.replace(good, flatbuffer=bytes(cut)), PIXELS, PREPROCESSING)


@pytest.mark.parametrize("kind", ["float", "fp16", "dynamic"])
def test_the_other_kinds(kind):
    outputs, inputs = small(layers.Activation("silu"))
    prove(convert(lower(keras.Model(inputs, outputs)), kind), PIXELS, PREPROCESSING)


def test_the_report_has_the_proof_and_says_where_there_is_none():
    outputs, inputs = small(layers.ReLU())
    model = keras.Model(inputs, outputs)
    bare = BarePreprocessing(mean=(0.0,) * 3, std=(1 / 255,) * 3, resize="stretch", labels=tuple("abcd"))
    _, report = convert_model(model, ConversionOptions(kind="float"), bare)
    assert report.proof is not None and report.to_json()["proof"]["images"] == 4
    _, report = convert_model(model, ConversionOptions(kind="float", verify=False), bare)
    assert report.proof is None and report.to_json()["proof"] is None


def test_much_rounding_is_a_note():
    assert Proof(4, 0.0, {"xnnpack": 0.1, "reference": 0.05}).note is None
    assert "30 % of their deviation" in str(Proof(4, 0.0, {"xnnpack": 0.3, "reference": 0.05}).note)
    assert np.isfinite(Proof(4, 0.0, {}).lowering)
