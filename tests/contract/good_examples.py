"""Files that every reader accepts."""

import json
from typing import Any

from example_parts import (
    FACTS,
    FLATBUFFER,
    GOLDEN,
    IMAGE,
    LABELS,
    Examples,
    with_text,
)

from tformer_edge.certainty import Certainty
from tformer_edge.contract import Golden, describe, write_model_file
from tformer_edge.output_json import DetectionRule, Output
from tformer_edge.preprocessing import Preprocessing

SCORES = Output("scores", "scores")
ANCHORS = ((1.5, 2.0), (3.0, 0.25))
LEVELS = (
    Output("logits_p0", "logits", 1, ANCHORS),
    Output("deltas_p0", "deltas", 1, ANCHORS),
    Output("logits_p1", "logits", 2, ((8.0, 8.0), (16.0, 4.0))),
    Output("deltas_p1", "deltas", 2, ((8.0, 8.0), (16.0, 4.0))),
)
GREY_PIXELS = Preprocessing((2, 2), "stretch", channel_order="grey", encoding="pixels")


def good() -> Examples:
    def write(labels: tuple[str, ...] = LABELS, golden: tuple[Golden, ...] = GOLDEN, **facts: Any) -> bytes:
        flatbuffer = facts.pop("flatbuffer", FLATBUFFER)
        contract = describe(flatbuffer, labels, golden, **({"image": IMAGE} | FACTS | facts))
        return write_model_file(flatbuffer, contract, labels, golden)

    noise = FLATBUFFER + b"PK\5\6" + bytes(30) + b"PK\3\4 labels.txt PK\1\2 model.json"
    accuracy = {"dataset": "digits", "images": 360, "top1": 0.9875, "nothing": None, "list": [1, 2.5, True]}
    floats = (Golden("zeros", bytes(48), bytes(8), 1.5e-6),)
    deep = json.loads("[" * 13 + "]" * 13)
    files = {
        "good": (write(), "one golden vector, int8 in and out"),
        "good_no_golden": (write(golden=()), "no golden vector"),
        "good_two_golden": (
            write(golden=(*GOLDEN, Golden("black", bytes(12), bytes(2)))),
            "two golden vectors",
        ),
        "good_labels": (
            write(("Katze", "犬 🐕", " x ", "cat", "cat"), ()),
            "spaces, letters beyond ASCII, equal labels",
        ),
        "good_label_of_256_bytes": (write(("é" * 128,), ()), "the longest label"),
        "good_uint8": (write(input_type="uint8", output_type="uint8"), "uint8 in and out"),
        "good_float32": (
            write(golden=floats, input_type="float32", output_type="float32", output_meaning="probabilities"),
            "float32 in and out, probabilities",
        ),
        "good_batch": (write(golden=(Golden("two", bytes(24), bytes(4)),), batch=2), "two images in a batch"),
        "good_stretch": (
            write(golden=(), image=Preprocessing((1, 8192), "stretch", 1, (0, 1, 0.5), (1e-6, 1e6, 1))),
            "stretched, the longest side, the limits of mean and std",
        ),
        "good_detection": (
            write(golden=(Golden("boxes", bytes(12), bytes(7)),), task="detection"),
            "a task whose outputs the contract's rules do not count",
        ),
        "good_grey_pixels": (
            write(golden=(Golden("dark", bytes(4), bytes(2)),), image=GREY_PIXELS, outputs=(SCORES,)),
            "format 2: one grey channel, pixels as they are",
        ),
        "good_letterbox": (
            write(image=Preprocessing((2, 2), "letterbox", pad_value=0), outputs=(SCORES,)),
            "format 2: letterbox on black",
        ),
        "good_certainty": (
            write(certainty=Certainty(0.78125, 0.5)),
            "a temperature, and the probability from which on an answer is one",
        ),
        "good_certainty_of_probabilities": (
            write(certainty=Certainty(1, 1), output_meaning="probabilities"),
            "probabilities whose answers are never sure enough but at 1",
        ),
        "good_colours": (
            write(outputs=(SCORES,), colours=((0, 0, 0), (255, 128, 1))),
            "format 2: a colour a label",
        ),
        "good_levels": (
            write(
                golden=(Golden("boxes", bytes(12), bytes(60), 2, "0" * 64),),
                task="detection",
                outputs=LEVELS,
                detection=DetectionRule(0.25, 0.5, 7, 3),
            ),
            "format 2: a detector of two levels, two anchors a cell",
        ),
        "good_class_logits": (
            write(
                golden=(Golden("map", bytes(12), bytes(2), 0, "f" * 64),),
                task="segmentation",
                outputs=(Output("classes", "class_logits", 4),),
                colours=((1, 2, 3), (4, 5, 6)),
            ),
            "format 2: a segmenter",
        ),
        "good_source": (
            write(
                source={"deep": deep, "width": 0.25, "activation": "quick_gelu"},
                accuracy=accuracy,
                name="é" * 50,
            ),
            "configuration 16 deep, accuracy, the longest name",
        ),
        "good_unknown_keys": (
            with_text(
                '"format":1,', '\r\n\t"later": {"format": 9},"format" :1 , "input\\u0000": [-0, 1E-2],'
            ),
            "unknown keys and another layout of the JSON",
        ),
        "good_escapes": (with_text('"tiny"', '"\\u0074\\ud83d\\ude00\\/\\""'), "escapes in a string"),
        "good_signatures_inside": (write(flatbuffer=noise), "a flatbuffer that holds zip signatures"),
        "plain": (FLATBUFFER, "a flatbuffer without a contract"),
        "plain_signatures_inside": (noise, "a flatbuffer without a contract that holds zip signatures"),
        "plain_cut_in_first_header": (
            write()[: len(FLATBUFFER) + 39],
            "cut before the first entry's name is whole: no contract is left to be seen",
        ),
    }
    return {f"{name}.tflite": (data, None, what) for name, (data, what) in files.items()}
