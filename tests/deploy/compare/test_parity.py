"""Parity: forms of one model agree, forms of two models do not, and the first layer that differs is named."""

import dataclasses
import io
import json

import numpy as np
import pytest
import rich.console
from PIL import Image

from tformer_edge.preprocessing import Preprocessing
from tformer_edge.tasks.outputs_mean import OutputsMean
from tformer_keras.deploy.compare.parity import FORMS, Tolerance, compare, judge_pairs
from tformer_keras.deploy.compare.parity_report import draw, show
from tformer_keras.deploy.conversion import convert
from tformer_keras.deploy.int8.quantized_model import quantize_aware
from tformer_keras.models import build
from tformer_keras.tasks.classification import CLASSIFICATION

PREPROCESSING = Preprocessing((16, 16), "stretch")


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(0).integers(0, 256, (12, 16, 16, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def quantized(randomise, pixels):
    model = build(
        "tformer_micro",
        input_shape=(16, 16, 3),
        classes=5,
        depths=(1,),
        widths=(40,),
        stem_kernel=3,
        stem_stride=2,
    )
    quantized = quantize_aware(randomise(model))
    quantized.calibrate([PREPROCESSING.normalise(pixels)])
    return quantized


@pytest.fixture(scope="module")
def conversion(quantized):
    return convert(quantized)


def compare_with(conversion, pixels, labels):
    truth = CLASSIFICATION.encode(labels, [None] * len(labels), (16, 16), 5)
    return compare(
        conversion, PREPROCESSING, CLASSIFICATION, OutputsMean(tuple("abcde"), "logits"), pixels, truth, 4
    )


@pytest.fixture(scope="module")
def report(conversion, quantized, pixels):
    labels = np.asarray(quantized.source(PREPROCESSING.normalise(pixels))).argmax(axis=-1)
    return compare_with(conversion, pixels, labels)


def test_forms_of_one_model_agree(report, conversion):
    assert report.passed and not report.failures and report.first_part is None
    assert list(report.forms) == list(FORMS)
    # The labels are what Keras says.
    assert [report.forms[name].top1 for name in FORMS[:2]] == [1, 1]
    pairs = {(pair.first, pair.second): pair for pair in report.pairs}
    assert pairs["Keras", "lowered"].largest < 1e-4 and pairs["Keras", "lowered"].largest_lsb is None
    assert 0 < pairs["lowered", "QAT"].largest < 0.2
    assert pairs["QAT", "reference"].largest_lsb <= 4
    assert len(report.layers) == len({layer.name for layer in report.layers}) > 20
    assert len(report.layers) == len(conversion.file.operations)
    for layer in report.layers:
        assert layer.against_quantized.cosine > 0.99, layer
        assert layer.against_quantized.relative_error < layer.against_float.relative_error, layer
    data = json.loads(json.dumps(report.to_json()))
    assert data["passed"] and [form["form"] for form in data["forms"]] == list(FORMS)
    assert data["layers"][0]["quantized"].keys() == {"relative_error", "cosine", "largest_lsb", "mean_lsb"}


def test_forms_of_two_models_part_at_the_first_layer(conversion, quantized, pixels):
    other = quantize_aware(quantized.source)
    other.ranges = quantized.ranges
    weights = quantized.weights
    name = next(name for name in weights if "pointwise" in name and name.endswith("kernel"))
    weights[name] = weights[name][..., ::-1].copy()
    other.weights = weights
    wrong = dataclasses.replace(conversion, source=other)
    found = compare_with(wrong, pixels, np.zeros(len(pixels), int))
    assert not found.passed and any("QAT and reference agree" in failure for failure in found.failures)
    assert found.first_part in {node.name for node in quantized.lowered.graph.weight_users()[name]}
    # Keras and the lowered graph are the same as before.
    assert not any("lowered differ" in failure for failure in found.failures)


def test_the_tolerance_decides(report):
    assert judge_pairs(report.pairs, Tolerance()) == []
    (failure,) = judge_pairs(report.pairs, Tolerance(float_difference=1e-9))
    assert "Keras and lowered differ by" in failure and "tolerance 1e-09" in failure
    pairs = [dataclasses.replace(pair, agreement=0.985) for pair in report.pairs]
    # XNNPACK is held to 99 %, the reference kernels, which round otherwise, to 98 %; float against QAT to nothing.
    assert judge_pairs(pairs, Tolerance()) == [
        "QAT and XNNPACK agree on 98.50 % of the images, tolerance 99 %"
    ]
    assert judge_pairs(pairs, Tolerance(agreement=0.98)) == []
    assert len(judge_pairs(pairs, Tolerance(agreement=0.98, reference_agreement=0.99))) == 2


def test_table_and_picture(report):
    console = rich.console.Console(file=io.StringIO(), width=160)
    show(report, "tiny", "random", console)
    text = console.file.getvalue()
    assert all(name in text for name in FORMS) and "within the tolerance" in text
    worst = dataclasses.replace(report.layers[3].against_quantized, cosine=0.5)
    layers = [
        *report.layers[:3],
        dataclasses.replace(report.layers[3], against_quantized=worst),
        *report.layers[4:],
    ]
    parted = dataclasses.replace(report, failures=("they differ",), layers=tuple(layers))
    show(parted, "tiny", "random", console)
    text = console.file.getvalue()
    assert "they differ" in text and f"they part at {report.layers[3].name}" in text
    picture = Image.open(io.BytesIO(draw(parted, "tiny")))
    assert picture.width > 600 and len(picture.convert("L").getcolors(256)) > 20
