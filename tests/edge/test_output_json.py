"""What a contract says of outputs: the shapes that follow, and what is refused."""

import pytest

from tformer_edge.output_json import DetectionRule, Output, check_colours, check_outputs
from tformer_edge.refusal import Refusal
from tformer_edge.tasks import find_task


def test_shapes_follow_from_strides_and_anchors() -> None:
    anchors = ((8.0, 8.0), (16.0, 4.0), (4.0, 16.0))
    outputs = [Output(kind, kind, stride, anchors) for stride in (8, 16) for kind in ("logits", "deltas")]
    shapes = find_task("detection").output_shapes(2, 5, (30, 33), outputs)
    assert shapes == [(2, 4, 5, 15), (2, 4, 5, 12), (2, 2, 3, 15), (2, 2, 3, 12)]
    (shape,) = find_task("segmentation").output_shapes(1, 7, (30, 33), [Output("x", "class_logits", 4)])
    assert shape == (1, 8, 9, 7)
    assert find_task("classification").output_shapes(3, 7, (1, 1), ()) == [(3, 7)]
    assert find_task("detection").output_shapes(1, 5, (32, 32), ()) is None


def test_json_round_trip() -> None:
    one = Output("p3", "deltas", 8, ((1, 2.5),))
    assert one.to_json() == {"name": "p3", "kind": "deltas", "stride": 8, "anchors": [[1.0, 2.5]]}
    assert Output("scores", "scores").to_json() == {"name": "scores", "kind": "scores"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("", "scores"),
        ("x", "boxes", 8),
        ("x", "scores", 8),
        ("x", "class_logits", 0),
        ("x", "class_logits", 4, ((1, 1),)),
        ("x", "logits", 8),
        ("x", "logits", 8, ((1, 0),)),
        ("x", "logits", 8, ((1, float("nan")),)),
        ("x", "logits", 8, ((True, 1),)),
        ("x", "logits", 8, (1,)),
        ("x", "logits", True, ((1, 1),)),
    ],
)
def test_outputs_out_of_range_are_refused(arguments: tuple) -> None:
    with pytest.raises(Refusal, match=r"outputs\."):
        Output(*arguments)


@pytest.mark.parametrize("change", [
    {"score_threshold": 0}, {"score_threshold": 1}, {"score_threshold": "0.5"}, {"iou_threshold": -0.1},
    {"iou_threshold": float("nan")}, {"per_level": 0}, {"max_boxes": 1.0}, {"max_boxes": 10_001},
])  # fmt: skip
def test_rules_out_of_range_are_refused(change: dict) -> None:
    with pytest.raises(Refusal, match=r"detection\."):
        DetectionRule(**change)


def test_outputs_must_be_the_tasks() -> None:
    scores, classes = Output("s", "scores"), Output("c", "class_logits", 4)
    logits, deltas = Output("l", "logits", 8, ((1, 1),)), Output("d", "deltas", 8, ((1, 1),))
    check_outputs("classification", [scores])
    check_outputs("segmentation", [classes])
    check_outputs("detection", [logits, deltas])
    for task, outputs in (
        ("classification", [classes]),
        ("segmentation", [classes, classes]),
        ("detection", [deltas, logits]),
        ("detection", [logits]),
        ("detection", [logits, deltas, logits, deltas]),
        ("detection", [logits, Output("d", "deltas", 8, ((1, 2),))]),
    ):
        with pytest.raises(Refusal, match="outputs of model.json"):
            check_outputs(task, outputs)


def test_colours_are_one_a_label() -> None:
    check_colours((), 3)
    check_colours([(0, 0, 0), (255, 1, 2)], 2)
    for colours in ([(0, 0, 0)], [(0, 0, 256), (0, 0, 0)], [(0, 0), (0, 0)], [(0, 0, 1.0), (0, 0, 0)]):
        with pytest.raises(Refusal, match="labels.colours"):
            check_colours(colours, 2)
