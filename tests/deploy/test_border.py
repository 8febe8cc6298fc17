"""Files that take pixels and give scores: beside the model's own numbers, its contract, and what reads it."""

import dataclasses
import functools

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from tformer_edge.errors import UserError
from tformer_edge.model import Model
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.tasks.outputs_mean import OutputsMean
from tformer_keras.data.pixels import synthetic_pixels
from tformer_keras.deploy.border import ABSORBED, AS_THEY_ARE, PREFIXED, with_border
from tformer_keras.deploy.compare.conversion_report import measure
from tformer_keras.deploy.compare.file_proof import prove
from tformer_keras.deploy.conversion import convert, float_form_of, model_file
from tformer_keras.deploy.graph.lower import lower
from tformer_keras.deploy.int8.calibration import calibrate
from tformer_keras.deploy.int8.quantized_model import quantize_aware

SIZE = (12, 10)
LABELS = ("a", "b", "c")
MEANS = OutputsMean(LABELS, "logits")
CHANNELS = Preprocessing(SIZE, "stretch", 1.0, (0.4, 0.5, 0.6), (0.2, 0.3, 0.25))
GREY_128 = Preprocessing(SIZE, "stretch", 1.0, (128 / 255,) * 3, (0.25,) * 3)
PIXELS = synthetic_pixels(12, SIZE)
# Every value in every channel.
RAMP = (
    np.resize(np.arange(256, dtype=np.uint8), (3, *SIZE[::-1], 3)).transpose(0, 2, 1, 3)[:, :, :, ::-1].copy()
)


def make(padding="same", strides=1, zeros=None, end=None):
    keras.utils.set_random_seed(5)
    x = inputs = layers.Input((*SIZE, 3), name="image")
    if zeros:
        x = layers.ZeroPadding2D(zeros)(x)
    x = layers.Conv2D(8, 3, strides, padding=padding, activation="relu", name="stem")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(3, activation=end)(x), name="tiny")


@functools.cache
def quantized(image, model=None, target="litert"):
    result = quantize_aware(model or make(), target)
    calibrate(result, PIXELS, image)
    return result


def bordered(source, image, **options):
    return with_border(source, "classification", image, MEANS, **options)


def file_of(border, kind="int8"):
    conversion = convert(border.source, kind, border.io)
    return model_file(
        conversion,
        name="tiny",
        task="classification",
        preprocessing=border.image,
        means=border.means,
        source={},
        accuracy=None,
        versions={},
    )


def difference(border, image, pixels=PIXELS):
    """The largest difference between the graph with and without the border, as a share of the outputs' range."""
    plain = float_form_of(border.plain).model(image.normalise(pixels)).numpy()
    (plain,) = border.of_plain([plain])
    other = float_form_of(border.source).model(border.takes.normalise(pixels)).numpy()
    return float(np.abs(plain - other).max() / max(np.ptp(plain), 1e-6))


@pytest.mark.parametrize("grey", [0, 121])
def test_the_file_takes_pixels_and_old_weights(grey):
    image = dataclasses.replace(GREY_128, mean=(grey / 255,) * 3)
    source = quantized(image)
    border = bordered(source, image, io="pixels")
    assert (border.pixels, border.exact, border.changed) == (AS_THEY_ARE, True, False)
    file, before = file_of(border), file_of(bordered(source, image, io="uint8"))
    with Model(file.to_bytes()) as model, Model(before.to_bytes()) as other:
        assert (model.input.type, model.input.zero_point) == ("uint8", grey)
        assert model.input.scale == pytest.approx(1 / (255 * 0.25))
        # Calibration saw to it already: the same file, which says more.
        assert file.flatbuffer == before.flatbuffer
        assert file.contract.image.encoding == "pixels" and before.contract.image == image
        for ramp in RAMP:
            assert (model.predict(ramp).quantized == model.run(ramp[None])[0][0]).all()
            assert (model.predict(ramp).quantized == other.predict(ramp).quantized).all()


def test_a_model_trained_with_another_range_keeps_its_int8_weights():
    source = quantize_aware(make())
    source.calibrate([CHANNELS.normalise(PIXELS)])  # as shipped models were: the range that was seen
    source.ranges = source.ranges | {"image": (-1.0, 1.9)}
    plain, border = convert(source), bordered(source, GREY_128, io="pixels-int8")
    kept = convert(border.source, "int8", border.io)
    assert (kept.file.inputs[0].scales, kept.file.inputs[0].zero_points) != (
        plain.file.inputs[0].scales,
        plain.file.inputs[0].zero_points,
    )
    assert kernel(plain) == kernel(kept)
    assert kept.file.inputs[0].zero_points == (0,) and source.ranges["image"] == (-1.0, np.float32(1.9))


def kernel(conversion):
    from ai_edge_litert.schema_py_generated import ModelT

    model = ModelT.InitFromPackedBuf(conversion.flatbuffer)
    tensors = [one for one in model.subgraphs[0].tensors if one.type == 9 and len(one.shape) == 4]
    return [
        model.buffers[one.buffer].data.tobytes()
        for one in tensors
        if model.buffers[one.buffer].data is not None
    ]


stds = st.tuples(*[st.floats(0.15, 0.4)] * 3)
means = st.tuples(*[st.floats(0.3, 0.6)] * 3)


@settings(max_examples=8)
@given(means, stds, st.sampled_from(["valid", "same"]), st.integers(1, 3), st.sampled_from([None, 1]))
def test_the_first_convolution_takes_the_normalisation_over(mean, std, padding, strides, zeros):
    image = dataclasses.replace(CHANNELS, mean=mean, std=std)
    source = lower(make(padding, strides, zeros))
    # Of float32 a padding is black, so that only what pads nothing takes it over; anything else gets an operation.
    border = bordered(source, image, kind="float", io="pixels")
    pads = zeros is not None or padding == "same"
    assert border.pixels == (PREFIXED if pads else ABSORBED) and border.exact
    assert difference(border, image) < 1e-4
    assert border.takes.encoding == "pixels"


@settings(max_examples=3)
@given(means, stds, st.sampled_from(["valid", "same"]), st.integers(1, 2))
def test_the_same_in_int8_with_zeros_near_the_mean(mean, std, padding, strides):
    image = dataclasses.replace(CHANNELS, mean=mean, std=std)
    source = quantized(image, make(padding, strides))
    border = bordered(source, image, io="pixels")
    assert border.pixels == ABSORBED and border.exact == (padding == "valid")
    # Of 120 windows 40 reach over the border, by at most 0.15 of a grey range.
    assert difference(border, image) < (1e-4 if padding == "valid" else 0.5)
    assert bool(border.notes) != border.exact
    exact = bordered(source, image, io="pixels", exact=True)
    assert exact.pixels == PREFIXED and exact.exact and difference(exact, image) < 1e-4


@pytest.mark.parametrize(
    ("target", "options"), [("micro", {}), ("litert", {"exact": True})], ids=["absorbed", "exact"]
)
def test_files_of_a_normalisation_a_channel_beside_the_normalised_one(target, options):
    source = quantized(CHANNELS, target=target)
    border = bordered(source, CHANNELS, io="pixels-int8", output="scores", **options)
    conversion = convert(border.source, "int8", border.io)
    proof = prove(conversion, PIXELS, CHANNELS, border=border)
    assert max(proof.files.values()) < 0.3 and proof.border < (1e-4 if options else 0.3)
    with (
        Model(file_of(border).to_bytes()) as model,
        Model(file_of(bordered(source, CHANNELS)).to_bytes()) as plain,
    ):
        assert model.input.type == "int8" and model.file.contract.output_meaning == "probabilities"
        for image in PIXELS:
            one, other = model.predict(image), plain.predict(image)
            assert np.array_equal(one.quantized, model.run((image[None] ^ 0x80).view(np.int8))[0][0])
            probabilities = np.array(
                [part.probability for part in sorted(one.top, key=lambda part: part.index)]
            )
            expected = np.array([part.probability for part in sorted(other.top, key=lambda part: part.index)])
            assert np.abs(probabilities - expected).max() < (0.02 if options else 0.05)


def test_a_wide_stem_of_columns_takes_it_over_too():
    model = make(padding="same", strides=2)
    source = lower(model)
    assert any("column_block" in node.attributes for node in source.graph.nodes.values())
    border = bordered(quantized(CHANNELS, model), CHANNELS, io="pixels")
    assert border.pixels == ABSORBED and difference(border, CHANNELS) < 0.3
    one_grey = dataclasses.replace(CHANNELS, mean=(0.4,) * 3)  # 102 / 255, deviations of their own
    border = bordered(quantized(one_grey, model), one_grey, io="pixels")
    assert border.exact and difference(border, one_grey) < 1e-4 and not border.notes


def test_what_else_reads_the_input_is_refused_and_names_the_way_out():
    x = inputs = layers.Input((*SIZE, 3))
    x = layers.Concatenate()(
        [layers.MaxPooling2D(3, 1, padding="same")(x), layers.Conv2D(2, 3, padding="same")(x)]
    )
    model = keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))
    source = quantized(CHANNELS, model)
    with pytest.raises(UserError, match=r"--io pixels: expected .*max_pool.*--exact|shares its range"):
        bordered(source, CHANNELS, io="pixels")
    # A float graph has an operation in front then.
    border = bordered(lower(model), CHANNELS, kind="float", io="pixels")
    assert border.pixels == PREFIXED and difference(border, CHANNELS) < 1e-4


def test_each_operation_of_a_border_is_timed_alone():
    source = quantized(CHANNELS)
    border = bordered(source, CHANNELS, io="pixels", output="scores", exact=True)
    measured = measure(convert(border.source, "int8", border.io), border=border)
    assert list(measured.border) == [
        "QUANTIZE of the input",
        "SOFTMAX",
        "QUANTIZE of the output",
        "normalisation",
    ]
    assert all(0 < cost < 10 for cost in measured.border.values()) and measured.partitions == 1
    assert measured.left == {"QUANTIZE": 2, "SOFTMAX": 1}
    assert measure(convert(source)).border == {}


@pytest.mark.parametrize("kind", ["float", "fp16", "dynamic"])
def test_the_other_kinds_take_float32_pixels(kind):
    border = bordered(lower(make("valid")), CHANNELS, kind=kind, io="pixels", output="scores")
    assert (border.io, border.pixels) == ("float32", ABSORBED)
    file = file_of(border, kind)
    with Model(file.to_bytes()) as model:
        answer = model.predict(PIXELS[0])
        assert model.run(PIXELS[:1].astype(np.float32))[0][0].tolist() == answer.quantized.tolist()
        assert sum(answer.scores) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("io", ["int8", "uint8"])
def test_scores_are_the_softmax_and_no_second_one(io):
    source = quantized(GREY_128)
    border = bordered(source, GREY_128, io=io, output="scores")
    assert border.scores and border.means.meaning == "probabilities" and not border.pixels
    with (
        Model(file_of(border).to_bytes()) as model,
        Model(file_of(bordered(source, GREY_128)).to_bytes()) as plain,
    ):
        assert model.outputs[0].scale == 1 / 256
        assert model.outputs[0].zero_point == (-128 if io == "int8" else 0)
        for image in PIXELS:
            answer, logits = model.predict(image), plain.predict(image)
            assert answer.probability == answer.top[0].score == max(answer.scores)
            assert answer.probability == pytest.approx(logits.probability, abs=1 / 128)
            assert sum(answer.scores) == pytest.approx(1, abs=3 / 256)


def test_a_model_that_ends_in_a_softmax_stays_as_it_is():
    means = OutputsMean(LABELS, "probabilities")
    source = lower(make(end="softmax"))
    border = with_border(source, "classification", CHANNELS, means, kind="float", output="scores")
    assert not border.scores and border.source is source


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"output": "score"}, "--output: expected one of logits, scores"),
        ({"exact": True}, "--exact with --io pixels alone"),
        ({"io": "pixels-int8", "kind": "float"}, "--io pixels-int8 of an int8 file"),
    ],
)
def test_options_that_do_not_go_together(options, sentence):
    with pytest.raises(UserError, match=sentence):
        bordered(lower(make()), CHANNELS, **options)


@pytest.mark.parametrize("task", ["detection", "segmentation"])
def test_scores_are_of_classifiers(task):
    with pytest.raises(UserError, match=f"a model for {task}"):
        with_border(lower(make()), task, CHANNELS, MEANS, kind="float", output="scores")
