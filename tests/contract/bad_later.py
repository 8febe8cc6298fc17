"""Files whose later fields a reader refuses, with the rule that refuses them: format 2, and `certainty`."""

import json
from collections.abc import Callable
from typing import Any

from example_parts import COMPACT, FLATBUFFER, Document
from good_examples import good
from raw_zip import Lie, seal

from tformer_edge.archive import read_archive


def bad_later() -> dict[str, tuple[bytes, str]]:
    examples = good()

    def changed(name: str, change: Callable[[Document], Any]) -> bytes:
        data = examples[f"{name}.tflite"][0]
        found = read_archive(data, "model.json")
        assert found is not None
        entries = dict(found[1])
        document = json.loads(entries["model.json"])
        change(document)
        entries["model.json"] = COMPACT(document).encode()
        return seal(FLATBUFFER, [Lie(name.encode(), content) for name, content in entries.items()])

    def put(name: str, *path: Any) -> bytes:
        *keys, last, value = path

        def change(given: Any) -> None:
            for key in keys:
                given = given[key]
            given[last] = value

        return changed(name, change)

    def without(name: str, *path: Any) -> bytes:
        def change(given: Any) -> None:
            for key in path[:-1]:
                given = given[key]
            del given[path[-1]]

        return changed(name, change)

    sure = "good_certainty"
    levels, classes, grey, box = "good_levels", "good_class_logits", "good_grey_pixels", "good_letterbox"
    files = {
        "certainty_null": put(sure, "certainty", None),
        "certainty_number": put(sure, "certainty", 0.5),
        "certainty_empty": put(sure, "certainty", {}),
        "certainty_without_threshold": without(sure, "certainty", "not_sure_below"),
        "temperature_missing": without(sure, "certainty", "temperature"),
        "temperature_text": put(sure, "certainty", "temperature", "1"),
        "temperature_true": put(sure, "certainty", "temperature", True),
        "temperature_0": put(sure, "certainty", "temperature", 0),
        "temperature_101": put(sure, "certainty", "temperature", 101),
        "temperature_of_probabilities": put(sure, "output", "meaning", "probabilities"),
        "not_sure_below_minus": put(sure, "certainty", "not_sure_below", -0.01),
        "not_sure_below_2": put(sure, "certainty", "not_sure_below", 1.5),
        "certainty_of_a_detector": put(levels, "certainty", {"temperature": 1, "not_sure_below": 0.5}),
        "certainty_of_a_detector_of_format_1": put(
            "good_detection", "certainty", {"temperature": 1, "not_sure_below": 0.5}
        ),
        "outputs_missing": without(levels, "outputs"),
        "outputs_none": put(levels, "outputs", []),
        "outputs_text": put(levels, "outputs", ["logits"]),
        "outputs_65": put(classes, "outputs", [{"name": "x", "kind": "class_logits", "stride": 1}] * 65),
        "outputs_of_another_task": put(levels, "task", "segmentation"),
        "outputs_odd": without(levels, "outputs", 3),
        "outputs_swapped": changed(levels, lambda found: found["outputs"].reverse()),
        "outputs_two_of_a_segmenter": changed(
            classes, lambda found: found["outputs"].append(found["outputs"][0])
        ),
        "output_name_empty": put(levels, "outputs", 0, "name", ""),
        "output_kind_unknown": put(levels, "outputs", 0, "kind", "boxes"),
        "output_kind_missing": without(levels, "outputs", 0, "kind"),
        "stride_missing": without(levels, "outputs", 0, "stride"),
        "stride_0": put(classes, "outputs", 0, "stride", 0),
        "stride_8193": put(classes, "outputs", 0, "stride", 8193),
        "stride_of_a_pair": put(levels, "outputs", 1, "stride", 2),
        "stride_twice": changed(levels, lambda found: [one.update(stride=2) for one in found["outputs"]]),
        "anchors_missing": without(levels, "outputs", 1, "anchors"),
        "anchors_none": put(levels, "outputs", 1, "anchors", []),
        "anchors_of_a_pair": put(levels, "outputs", 1, "anchors", [[1.5, 2.0], [3.0, 0.5]]),
        "anchors_one_level_more": changed(
            levels, lambda found: [found["outputs"][place]["anchors"].append([1, 1]) for place in (2, 3)]
        ),
        "anchors_65": changed(
            levels, lambda found: [one.update(anchors=[[1, 1]] * 65) for one in found["outputs"]]
        ),
        "anchor_of_three": put(levels, "outputs", 0, "anchors", 0, [1, 2, 3]),
        "anchor_0": put(levels, "outputs", 0, "anchors", 0, [0, 1]),
        "anchor_65537": put(levels, "outputs", 0, "anchors", 0, [65_537, 1]),
        "anchor_text": put(levels, "outputs", 0, "anchors", 0, ["1", 1]),
        "detection_missing": without(levels, "detection"),
        "score_threshold_0": put(levels, "detection", "score_threshold", 0),
        "score_threshold_1": put(levels, "detection", "score_threshold", 1),
        "score_threshold_missing": without(levels, "detection", "score_threshold"),
        "iou_threshold_over_1": put(levels, "detection", "iou_threshold", 1.5),
        "per_level_0": put(levels, "detection", "per_level", 0),
        "per_level_100001": put(levels, "detection", "per_level", 100_001),
        "max_boxes_float": put(levels, "detection", "max_boxes", 3.0),
        "max_boxes_10001": put(levels, "detection", "max_boxes", 10_001),
        "answer_missing": without(levels, "golden", 0, "answer_sha256"),
        "answer_short": put(classes, "golden", 0, "answer_sha256", "ab"),
        "colours_one": put(classes, "labels", "colours", [[1, 2, 3]]),
        "colours_256": put(classes, "labels", "colours", [[1, 2, 256], [1, 2, 3]]),
        "colours_of_two": put(classes, "labels", "colours", [[1, 2], [1, 2]]),
        "colours_text": put(classes, "labels", "colours", ["red", "green"]),
        "encoding_missing": without(box, "input", "encoding"),
        "encoding_unknown": put(box, "input", "encoding", "bytes"),
        "pixels_of_three_grey_channels": put(grey, "input", "channels", 3),
        "grey_of_rgb": put(box, "input", "channels", 1),
        "grey_with_three_means": put(box, "input", "channel_order", "grey"),
        "mean_missing": without(box, "input", "mean"),
        "pad_value_missing": without(box, "input", "pad_value"),
        "pad_value_256": put(box, "input", "pad_value", 256),
        "pad_value_float": put(box, "input", "pad_value", 0.0),
        "crop_of_letterbox": put(box, "input", "crop_fraction", 0.5),
        "letterbox_in_format_1": put(box, "format", 1),
        "grey_in_format_1": put(grey, "format", 1),
        "format_2_without_outputs": put("good", "format", 2),
    }
    return {f"later_{name}": (data, "contract-field") for name, data in files.items()} | {
        "later_maps_of_another_size": (put(levels, "labels", "count", 3), "labels-count"),
        "later_format_3": (put(levels, "format", 3), "contract-format"),
        "later_input_of_one_channel": (put(grey, "input", "height", 3), "golden-size"),
    }
