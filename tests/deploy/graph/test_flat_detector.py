"""A detector's maps joined into two outputs: the same numbers in another order, and anchors where devices have them."""

import numpy as np
import pytest

from tests.models.tiny_detectors import detector, images
from tformer_edge.errors import UserError
from tformer_keras.deploy.graph.emit import emit
from tformer_keras.deploy.graph.lower import lower
from tformer_keras.deploy.graph.rewrites.flat_detector import anchors_of, flat_outputs, flatten, maps_of
from tformer_keras.models.output_maps import outputs_of

SIZE = (70, 52)
LABELS = 3


@pytest.mark.parametrize("levels", [3, 5])
def test_the_same_numbers(levels):
    model = detector(levels=levels)
    for name in ("logits_conv", "deltas_conv"):
        kernel = model.get_layer(name).kernel
        kernel.assign(np.random.default_rng(1).normal(size=kernel.shape))
    outputs = outputs_of(model)
    graph = lower(model).graph
    plain = [np.asarray(one) for one in emit(graph, "plain").model(images())]
    flatten(graph, outputs, LABELS)
    joined = [np.asarray(one) for one in emit(graph, "joined").model(images())]
    anchors = anchors_of(outputs, SIZE)
    assert [one.shape for one in joined] == [(2, len(anchors), 4), (2, len(anchors), LABELS)]
    for one, other in zip(joined, flat_outputs(plain, LABELS), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
    for one, other in zip(maps_of(flat_outputs(plain, LABELS), SIZE, outputs), plain, strict=True):
        np.testing.assert_array_equal(one, other)
    # y, x, height, width.
    first = plain[1][0, 0, 0, :4]
    np.testing.assert_allclose(joined[0][0, 0], first[[1, 0, 3, 2]], rtol=1e-5, atol=1e-5)
    assert graph.outputs == ["location", "score"]


def test_anchors_are_those_of_the_contract():
    """By the words of docs/contract.md "Of a detector"."""
    outputs = outputs_of(detector(levels=3))
    expected = [
        ((column + 0.5) * one.stride, (row + 0.5) * one.stride, *shape)
        for one in outputs[::2]
        for row in range(-(-SIZE[0] // one.stride))
        for column in range(-(-SIZE[1] // one.stride))
        for shape in one.anchors
    ]
    found = np.array(anchors_of(outputs, SIZE)) * [SIZE[1], SIZE[0], SIZE[1], SIZE[0]]
    np.testing.assert_allclose(found, expected)
    assert anchors_of((), SIZE) == []


def test_another_end_of_boxes_is_refused():
    model = detector(levels=3)
    outputs = outputs_of(model)
    graph = lower(model).graph
    graph[graph.outputs[1]].operation = "depthwise"
    with pytest.raises(UserError, match="expected a convolution that gives each level's boxes"):
        flatten(graph, outputs, LABELS)
