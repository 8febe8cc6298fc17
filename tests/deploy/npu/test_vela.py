"""Arm's compiler takes the shipped models whole, and what it says is read right."""

import numpy as np
import pytest
from keras import Input, Model, layers

from tformer_edge.errors import UserError
from tformer_edge.graph import read_graph
from tformer_keras import TFormerMicro, shipped_model
from tformer_keras.deploy.conversion_options import ConversionOptions
from tformer_keras.deploy.int8.quantized_model import load_quantized, quantize_aware
from tformer_keras.deploy.npu.vela import check_vela, compile_for_npu
from tformer_keras.deploy.tflite.export import export_flatbuffer
from tformer_keras.deploy.tflite.pack import pack
from tformer_keras.models.weights import quantized_weights


def flatbuffer_of(model: Model, pixels: np.ndarray, npu: bool = True) -> bytes:
    quantized = quantize_aware(model, target="micro", npu=npu)
    quantized.calibrate([pixels])
    return pack(export_flatbuffer(quantized, "int8", "int8", 1)).flatbuffer


@pytest.mark.parametrize("name", ["tformer_micro_cifar10", "segmenter_micro_camvid"])
def test_no_operation_of_a_shipped_model_falls_to_the_cpu(name: str) -> None:
    quantized = load_quantized(
        shipped_model(name), quantized_weights(name), target="micro", rewrites="all", npu=True
    )
    flatbuffer = pack(export_flatbuffer(quantized, "int8", "int8", 1)).flatbuffer
    found = compile_for_npu(flatbuffer, "ethos-u55-128")
    assert found.cpu_operations == () and found.npu_operations > 50
    # Weights are compressed for the NPU, but by no miracle.
    assert 0.5 * len(flatbuffer) < found.flash_bytes < 1.5 * len(flatbuffer)
    (operation,) = read_graph(found.compiled).operations
    assert operation.type == "ethos-u"


def test_no_operation_of_the_model_for_microcontrollers_falls_to_the_cpu() -> None:
    """Its stem has a stride of 4, which the NPU lacks and `halve_strides` makes 2."""
    pixels = np.random.default_rng(0).normal(size=(1, 96, 96, 3)).astype("float32")
    found = compile_for_npu(flatbuffer_of(TFormerMicro(classes=2), pixels), "ethos-u55-128")
    assert found.cpu_operations == () and found.npu_operations > 100


def test_a_stride_that_the_npu_lacks_is_named() -> None:
    """Ethos-U convolves with strides of up to 3."""
    x = Input((32, 32, 3))
    y = layers.Conv2D(8, 7, 4, padding="same")(x)
    model = Model(x, layers.Conv2D(4, 3)(y))
    pixels = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    found = compile_for_npu(flatbuffer_of(model, pixels, npu=False), "ethos-u55-64")
    assert found.cpu_operations == ("CONV_2D (1×8×8×8)",) and found.npu_operations == 1
    assert found.milliseconds > 0 and found.cycles > 0
    assert found.to_json()["cpu_operations"] == found.cpu_operations and "compiled" not in found.to_json()


def test_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="ethos-u55-256.*'ethos-u7'"):
        check_vela("ethos-u7")
    with pytest.raises(UserError, match="Vela compiles for ethos-u55-32"):
        compile_for_npu(b"TFL3" * 10, "ethos-u55-32")
    with pytest.raises(UserError, match="int8"):
        ConversionOptions(kind="fp16", npu="ethos-u55-32")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"tformer-keras\[npu\]"):
        check_vela("ethos-u55-32")
