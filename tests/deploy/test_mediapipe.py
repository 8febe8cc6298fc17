"""Options and models that no file for MediaPipe can have, and what opens a file; the files: tests/interop."""

import dataclasses

import keras
import pytest

from tests.deploy.tflite.test_pack import int8_model
from tformer_edge.contract import describe
from tformer_edge.errors import UserError
from tformer_edge.graph import read_graph
from tformer_edge.output_json import DetectionRule, Output
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.tasks.outputs_mean import OutputsMean
from tformer_keras.deploy.compare.opens_in import LITERT, MEDIAPIPE, MICRO, OPENVINO, opens_in
from tformer_keras.deploy.conversion_options import ConversionOptions
from tformer_keras.deploy.graph.lower import lower
from tformer_keras.deploy.mediapipe import for_mediapipe
from tformer_keras.deploy.tflite.pack import pack

IMAGE = Preprocessing((8, 8), "stretch", mean=(0.4, 0.5, 0.6), std=(0.2, 0.2, 0.2))
PIXELS = Preprocessing((8, 8), "stretch", mean=(0.0,) * 3, std=(1 / 255,) * 3, encoding="pixels")
ANCHORS = ((8.0, 8.0),)
MAPS = (Output("logits", "logits", 8, ANCHORS), Output("deltas", "deltas", 8, ANCHORS))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"made_for": "photoshop"}, "--for: expected one of mediapipe"),
        ({"io": "int8"}, "--for mediapipe: expected --io pixels"),
        ({"batch": 4}, "one image at a time"),
        ({"metadata": None}, "without which MediaPipe opens no file"),
    ],
)
def test_options_that_do_not_go_together(options, message):
    with pytest.raises(UserError, match=message):
        ConversionOptions(**{"made_for": "mediapipe"} | options)
    assert ConversionOptions(made_for="mediapipe").io == "pixels"


def tiny(channels=3):
    x = inputs = keras.Input((8, 8, channels))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(x))
    return keras.Model(inputs, keras.layers.Dense(3)(x))


def test_grey_pictures_and_microcontrollers_are_refused():
    grey = Preprocessing((8, 8), "stretch", mean=(0.5,), std=(0.5,), channel_order="grey")
    means = OutputsMean(("a", "b", "c"), "logits")
    with pytest.raises(UserError, match="received one of grey ones"):
        for_mediapipe(lower(tiny(1)), "classification", grey, means, "float")
    with pytest.raises(UserError, match="received one for microcontrollers"):
        for_mediapipe(lower(tiny(), "micro"), "classification", IMAGE, means, "float")


def test_another_way_of_resizing_is_noted():
    image = dataclasses.replace(IMAGE, resize="shorter", crop_fraction=0.9)
    border = for_mediapipe(
        lower(tiny()), "classification", image, OutputsMean(("a", "b", "c"), "logits"), "float"
    )
    assert border.scores and border.io == "float32" and border.means.meaning == "probabilities"
    assert any("stretches the whole picture" in note for note in border.notes)


def seen(image=PIXELS, target="litert", metadata=True, joined=False, names="short", **contract):
    flatbuffer = pack(int8_model(), names).flatbuffer
    settings = {"input_type": "uint8", "output_type": "uint8", "output_meaning": "probabilities"}
    if image.encoding == "pixels" and "outputs" not in contract:
        settings["outputs"] = (Output("scores", "scores"),)
    made = describe(flatbuffer, ("a",), (), name="x", image=image, **settings | contract)
    return opens_in(made, read_graph(flatbuffer), target=target, metadata=metadata, joined=joined)


def test_what_opens_everywhere():
    assert seen() == {LITERT: None, MEDIAPIPE: None, OPENVINO: None}
    assert seen(target="micro")[MICRO] is None
    assert seen(dataclasses.replace(IMAGE, mean=(0.5,) * 3), input_type="float32")[MEDIAPIPE] is None
    joined = dataclasses.replace(IMAGE, mean=(0.5,) * 3)
    assert seen(joined, task="detection", joined=True, output_meaning="logits")[MEDIAPIPE] is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"metadata": False}, "it has no TFLite Metadata"),
        ({"input_type": "int8"}, "its input is int8"),
        ({"image": IMAGE}, "its input is normalised"),
        ({"image": IMAGE, "input_type": "float32"}, "a mean for each channel"),
        ({"output_meaning": "logits"}, "it gives logits"),
        ({"batch": 2}, "it takes 2 pictures at a time"),
        ({"task": "detection", "outputs": MAPS, "detection": DetectionRule()}, "maps of each level"),
    ],
)
def test_why_not_mediapipe(changes, why):
    assert why in seen(**changes)[MEDIAPIPE]


def test_why_not_openvino():
    assert "no names" in seen(names="none")[OPENVINO]
