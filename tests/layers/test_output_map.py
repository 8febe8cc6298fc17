"""OutputMap: what it refuses, and that a file keeps what it says."""

import keras
import numpy as np
import pytest
from keras import ops

from tformer_keras.layers import OutputMap

X = np.random.default_rng(0).normal(size=(2, 3, 4, 6)).astype("float32")


@pytest.mark.parametrize(
    "arguments",
    [
        ("logits", 8, ((8, 8),)),
        ("deltas", 1, ((0.5, 65_536), (3, 4))),
        ("class_logits", 8192),
    ],
    ids=lambda arguments: arguments[0],
)
def test_gives_its_input_as_it_is_and_remembers(arguments):
    layer = OutputMap(*arguments, name="some_map")
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(X)), X)
    assert layer.weights == [] and layer.compute_output_shape((None, 3, None, 6)) == (None, 3, None, 6)
    assert (layer.kind, layer.stride) == arguments[:2]
    assert layer.anchors == tuple(tuple(map(float, pair)) for pair in (*arguments, ())[2])


def test_the_gradient_passes(gradient):
    layer = OutputMap("class_logits", 4)
    np.testing.assert_array_equal(gradient(lambda v: ops.sum(layer(v) * 3), X), np.full(X.shape, 3))


@pytest.mark.parametrize(
    "arguments,names",
    [
        (("scores", 4), "kind"),
        (("boxes", 4), "kind"),
        ((None, 4), "kind"),
        (("class_logits", 0), "stride"),
        (("class_logits", 8193), "stride"),
        (("class_logits", 4.0), "stride"),
        (("class_logits", True), "stride"),
        (("class_logits", 4, ((1, 1),)), "anchors"),
        (("logits", 4), "anchors"),
        (("deltas", 4, ((1, 1),) * 65), "anchors"),
        (("deltas", 4, ((1, 1, 1),)), "anchors"),
        (("deltas", 4, (1, 1)), "anchors"),
        (("deltas", 4, ((1, 0),)), "anchors"),
        (("deltas", 4, ((1, -1),)), "anchors"),
        (("deltas", 4, ((float("nan"), 1),)), "anchors"),
        (("deltas", 4, ((float("inf"), 1),)), "anchors"),
        (("deltas", 4, (("1", 1),)), "anchors"),
        (("deltas", 4, ((65_537, 1),)), "anchors"),
    ],
)
def test_refuses_what_no_contract_can_say(arguments, names):
    with pytest.raises(ValueError, match=rf"(?i)expected .*{names}.* received "):
        OutputMap(*arguments)


def test_a_file_keeps_what_the_outputs_mean(tmp_path):
    inputs = keras.Input(X.shape[1:])
    outputs = [
        OutputMap("logits", 8, [[8, 4], [2.5, 3]], name="logits_p3")(inputs),
        OutputMap("class_logits", 16, name="class_logits")(inputs),
    ]
    keras.Model(inputs, outputs).save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    first, second = (output._keras_history.operation for output in again.outputs)
    assert (first.name, first.kind, first.stride) == ("logits_p3", "logits", 8)
    assert first.anchors == ((8.0, 4.0), (2.5, 3.0))
    assert (second.name, second.kind, second.stride, second.anchors) == (
        "class_logits",
        "class_logits",
        16,
        (),
    )


def test_outputs_are_float32_under_mixed_precision_if_asked(global_policy):
    global_policy("mixed_bfloat16")
    half = ops.cast(X, "bfloat16")
    given = OutputMap("class_logits", 4, dtype="float32")(half)
    assert keras.backend.standardize_dtype(given.dtype) == "float32"
    np.testing.assert_array_equal(
        ops.convert_to_numpy(given), ops.convert_to_numpy(ops.cast(half, "float32"))
    )
