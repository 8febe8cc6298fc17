"""TFLite Metadata as the schema's own reader, which is in MediaPipe's wheel, finds them; LiteRT ignores them."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from tests.deploy.tflite.test_pack import images, int8_model
from tformer_edge.errors import UserError
from tformer_edge.graph import read_graph
from tformer_edge.output_json import DetectionRule, Output
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.tasks.outputs_mean import OutputsMean
from tformer_keras.deploy.tflite import metadata_tables
from tformer_keras.deploy.tflite.interpreter import LiteRT
from tformer_keras.deploy.tflite.metadata import (
    NOT_STATED,
    NOTHING_SAID,
    About,
    metadata_of,
    read_metadata,
    with_metadata,
)
from tformer_keras.deploy.tflite.pack import pack

IMAGE = Preprocessing((16, 24), "stretch", mean=(0.4, 0.5, 0.6), std=(0.2, 0.25, 0.3))
LABELS = ("cat", "dog", "größer")


@pytest.fixture(scope="module")
def reader() -> Any:
    """reader("metadata", bytes): the generated object of one of the three schemas."""
    spec = importlib.util.find_spec("mediapipe")
    if spec is None:
        pytest.skip("needs MediaPipe: make test installs it")
    folder = (
        Path(spec.submodule_search_locations[0]) / "tasks/metadata"
    )  # imported by path: mediapipe takes seconds

    def load(name: str) -> ModuleType:
        found = importlib.util.spec_from_file_location(name, folder / f"{name}_schema_py_generated.py")
        module = importlib.util.module_from_spec(found)
        found.loader.exec_module(module)
        return module

    roots = {
        "metadata": ("ModelMetadata", b"M001"),
        "object_detector_metadata": ("ObjectDetectorOptions", b"V001"),
        "image_segmenter_metadata": ("ImageSegmenterOptions", b"V001"),
    }

    def read(name: str, data: bytes) -> Any:
        root, identifier = roots[name]
        assert data[4:8] == identifier
        return getattr(load(name), f"{root}T").InitFromPackedBuf(data, 0)

    return read


def test_a_classifier(reader: Any) -> None:
    means = OutputsMean(LABELS, "probabilities")
    about = About("A. Uthor", "CC BY 4.0", "7")
    found = reader("metadata", metadata_of("pets", "classification", IMAGE, means, about))
    assert (found.name, found.author, found.license, found.version) == (
        b"pets",
        b"A. Uthor",
        b"CC BY 4.0",
        b"7",
    )
    assert found.minParserVersion == b"1.0.0" and b"3 labels" in found.description
    (graph,) = found.subgraphMetadata
    assert graph.customMetadata is None
    (given,), (made,) = graph.inputTensorMetadata, graph.outputTensorMetadata
    assert (given.name, made.name) == (b"image", b"scores")
    assert given.content.contentPropertiesType == 2  # ImageProperties
    properties = given.content.contentProperties
    assert (properties.colorSpace, properties.defaultSize.height, properties.defaultSize.width) == (1, 16, 24)
    (unit,) = given.processUnits
    np.testing.assert_allclose(unit.options.mean, [102, 127.5, 153], rtol=1e-6)
    np.testing.assert_allclose(unit.options.std, [51, 63.75, 76.5], rtol=1e-6)
    (file,) = made.associatedFiles
    assert (file.name, file.type) == (b"labels.txt", 2)  # TENSOR_AXIS_LABELS
    assert (list(made.stats.min), list(made.stats.max)) == ([0], [1])


def test_grey_pixels_and_nothing_said(reader: Any) -> None:
    image = Preprocessing(
        (8, 8), "stretch", mean=(0.0,), std=(1 / 255,), channel_order="grey", encoding="pixels"
    )
    found = reader(
        "metadata", metadata_of("x", "classification", image, OutputsMean(LABELS, "logits"), NOTHING_SAID)
    )
    assert {found.author, found.license, found.version} == {NOT_STATED.encode()}
    (given,), (made,) = (
        getattr(found.subgraphMetadata[0], f"{role}TensorMetadata") for role in ("input", "output")
    )
    assert given.content.contentProperties.colorSpace == 2
    assert (list(given.processUnits[0].options.mean), list(given.processUnits[0].options.std)) == ([0], [1])
    assert made.name == b"logits" and made.stats is None


def test_one_mean_for_all_channels_is_one_number(reader: Any) -> None:
    image = Preprocessing((8, 8), "stretch", mean=(0.5,) * 3, std=(0.5,) * 3)
    found = reader(
        "metadata", metadata_of("x", "classification", image, OutputsMean(LABELS, "logits"), NOTHING_SAID)
    )
    options = found.subgraphMetadata[0].inputTensorMetadata[0].processUnits[0].options
    assert (list(options.mean), list(options.std)) == ([127.5], [127.5])


def test_a_segmenter_wants_a_softmax(reader: Any) -> None:
    means = OutputsMean(LABELS, "logits", (Output("map", "class_logits", 4),))
    found = reader("metadata", metadata_of("x", "segmentation", IMAGE, means, NOTHING_SAID))
    assert found.minParserVersion == b"1.5.0"
    (custom,) = found.subgraphMetadata[0].customMetadata
    assert custom.name == b"SEGMENTER_METADATA"
    assert reader("image_segmenter_metadata", bytes(custom.data)).activation == 2


def test_a_detector_names_each_map(reader: Any) -> None:
    anchors = ((8.0, 8.0),)
    outputs = (Output("logits 8", "logits", 8, anchors), Output("deltas 8", "deltas", 8, anchors))
    means = OutputsMean(LABELS, "logits", outputs, DetectionRule(score_threshold=0.25))
    found = reader("metadata", metadata_of("x", "detection", IMAGE, means, NOTHING_SAID))
    logits, deltas = found.subgraphMetadata[0].outputTensorMetadata
    assert (logits.name, deltas.name, deltas.associatedFiles) == (b"logits 8", b"deltas 8", None)
    assert logits.processUnits[0].options.globalScoreThreshold == 0.25
    assert logits.associatedFiles[0].name == b"labels.txt"


def test_anchors_of_a_detector(reader: Any) -> None:
    anchors = [(0.25, 0.5, 0.125, 0.0625), (0.0, 0.75, 0.125, 0.0625), (0.25, 0.5, 0.125, 0.0625)]
    name, data = metadata_tables.detector_metadata(anchors, 3)
    assert name == "DETECTOR_METADATA"
    found = reader("object_detector_metadata", data)
    fixed = found.ssdAnchorsOptions.fixedAnchorsSchema.anchors
    assert [(one.xCenter, one.yCenter, one.width, one.height) for one in fixed] == anchors
    decoding = found.tensorsDecodingOptions
    assert (decoding.numClasses, decoding.numBoxes, decoding.numCoords, decoding.numKeypoints) == (3, 3, 4, 0)
    assert (decoding.xScale, decoding.yScale, decoding.wScale, decoding.hScale) == (1, 1, 1, 1)
    assert decoding.applyExponentialOnBoxSize and decoding.sigmoidScore


def test_the_model_stays_what_it_is() -> None:
    flatbuffer = pack(int8_model(), "short").flatbuffer
    data = metadata_of("x", "classification", IMAGE, OutputsMean(LABELS, "logits"), NOTHING_SAID)
    found = with_metadata(flatbuffer, data)
    assert read_metadata(found) == data and read_metadata(flatbuffer) is None
    assert with_metadata(found, data) == found and with_metadata(found, data[:-4]) != found
    assert pack(found, "short").flatbuffer == flatbuffer
    assert read_graph(found) == read_graph(flatbuffer)
    assert len(found) - len(flatbuffer) - len(data) < 100
    buffers = schema.ModelT.InitFromPackedBuf(found).buffers
    assert bytes(buffers[-1].data) == data
    batch = images(5, (1, 16, 16, 3))
    for kernels in ("reference", "xnnpack"):
        one, other = LiteRT(flatbuffer, kernels), LiteRT(found, kernels)
        assert one.delegation() == other.delegation()
        np.testing.assert_array_equal(one.run_all(batch)[0], other.run_all(batch)[0])


@pytest.mark.parametrize("wrong", ["", "two\nlines", "x" * 1001, "\u202eright to left", None])
def test_refused(wrong: Any) -> None:
    with pytest.raises(UserError, match="--author: expected 1 to 1000 bytes of text on one line"):
        About(author=wrong)
