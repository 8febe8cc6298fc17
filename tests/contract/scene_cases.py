"""What `make_scenes.py` makes vectors of: ordinary, extreme and hostile outputs of detectors and segmenters."""

import struct
from typing import Any

EXPONENTS = (
    0.0,
    -0.0,
    1.0,
    -1.0,
    4.135,
    -4.135,
    708.0,
    -708.0,
    0.34657359027997264,
    -0.34657359027997264,
    1e-300,
    37.5,
)
PROBABILITIES = (0.3, 0.5, 0.05, 0.999999, 1e-12, 1 - 2**-53)

# Of all three rules; (height, width), tall, wide and tiny pictures, and sizes that no side divides.
PICTURES = [
    {"input": list(size), "resize": resize, "crop_fraction": crop, "picture": list(picture)}
    for size in ((224, 224), (96, 160), (64, 48))
    for resize, crop in (("stretch", 1.0), ("shorter", 1.0), ("shorter", 0.875), ("letterbox", 1.0))
    for picture in ((480, 640), (640, 480), (333, 517), (1, 1), (1, 700), (3000, 7), (224, 224))
]


def float_bits(value: float) -> int:
    return int(struct.unpack("<I", struct.pack("<f", value))[0])


def recipe(
    seed: int, low: int, span: int, scale: float = 0.1, zero: int = 0, places: Any = ()
) -> dict[str, Any]:
    return {
        "seed": seed,
        "low": low,
        "span": span,
        "scale": scale,
        "zero_point": zero,
        "places": [list(place) for place in places],
    }


def rule(score: float = 0.3, overlap: float = 0.5, per_level: int = 1000, boxes: int = 100) -> dict[str, Any]:
    return {"score_threshold": score, "iou_threshold": overlap, "per_level": per_level, "max_boxes": boxes}


SQUARES = [[20.0, 20.0], [31.5, 15.75]]


def level(
    stride: int, logits: dict[str, Any], deltas: dict[str, Any], anchors: Any = SQUARES
) -> dict[str, Any]:
    sides = [[width * stride / 8, height * stride / 8] for width, height in anchors]
    return {"stride": stride, "anchors": sides, "logits": logits, "deltas": deltas}


def detector(
    name: str, kind: str, levels: list[dict[str, Any]], how: dict[str, Any], classes: int = 3, **more: Any
) -> dict[str, Any]:
    case = {"name": name, "input": [96, 160], "classes": classes, "type": kind, "batch": 1, "rule": how}
    return case | {"levels": levels} | more


INT8 = [
    level(8, recipe(1, -128, 256, 0.05, 70), recipe(2, -40, 81, 0.03, -3)),
    level(16, recipe(3, -128, 256, 0.06, 90), recipe(4, -128, 256, 0.02)),
]
UINT8 = [level(8, recipe(5, 0, 256, 0.05, 180), recipe(6, 0, 256, 0.01, 128))]
FLOATS = [
    level(8, recipe(7, -6000, 8000), recipe(8, -900, 1800)),
    level(32, recipe(9, -4000, 6000), recipe(10, -5000, 10000)),
]
# Few different values over many cells: thousands of candidates, most of them equal.
TIES = [
    level(4, recipe(11, 3, 2, 0.5), recipe(12, -2, 5, 0.1)),
    level(8, recipe(13, 3, 2, 0.5), recipe(14, -2, 5, 0.1)),
]
ONE_VALUE = [
    level(4, recipe(15, 9, 1, 0.5), recipe(16, 0, 1, 0.1)),
    level(8, recipe(15, 9, 1, 0.5), recipe(16, 0, 1, 0.1)),
]
SATURATED = [level(8, recipe(17, -128, 256, 0.05), recipe(18, -128, 256, 0.1))]
HUGE = [level(8, recipe(17, -128, 256, 0.05), recipe(18, -128, 256, 1e30, 5))]
EXTREME_SCALES = [level(8, recipe(19, -128, 256, 1e-38), recipe(20, -128, 256, 1e-38, -128))]
ZEROS = [
    level(
        8,
        recipe(21, -1, 3),
        recipe(
            22,
            -1,
            2,
            places=[
                (0, float_bits(-0.0)),
                (5, float_bits(3e38)),
                (9, float_bits(-3e38)),
                (10, float_bits(88.0)),
            ],
        ),
    )
]
INFINITE = [
    level(
        8,
        recipe(23, -9000, 9000, places=[(7, float_bits(float("inf"))), (8, float_bits(-float("inf")))]),
        recipe(24, -90, 180),
    )
]
NAN = [level(8, recipe(25, -9000, 9000, places=[(100, 0x7FC00000)]), recipe(26, -90, 180))]
BAD_DELTAS = [level(8, recipe(27, 1000, 1), recipe(28, -90, 180, places=[(11, float_bits(float("inf")))]))]
UNSEEN_NAN = [
    level(
        8,
        recipe(29, -9000, 10, places=[(11, float_bits(5.0))]),
        recipe(30, -90, 180, places=[(400, 0x7FC00000)]),
    )
]

DETECTORS = [
    detector("int8", "int8", INT8, rule()),
    detector("int8, a batch of two", "int8", INT8, rule(), batch=2),
    detector("uint8", "uint8", UINT8, rule(0.4)),
    detector("float32", "float32", FLOATS, rule(0.45, 0.35)),
    detector("one class", "int8", INT8, rule(), classes=1),
    detector("many classes", "int8", INT8, rule(0.2, 0.6, 300, 1000), classes=90),
    detector("overlap of 0 and of 1", "int8", INT8, rule(0.3, 0.0)),
    detector("nothing is left out", "int8", INT8, rule(0.3, 1.0, 2000, 10_000)),
    detector("one box", "int8", INT8, rule(boxes=1)),
    detector("one candidate a level", "float32", FLOATS, rule(0.01, 0.5, 1)),
    detector("nearly all ties", "int8", TIES, rule()),
    detector("all ties", "int8", ONE_VALUE, rule()),
    detector("all ties, thousands of boxes", "int8", ONE_VALUE, rule(0.3, 0.9, 5000, 10_000)),
    detector("all ties, uint8", "uint8", ONE_VALUE, rule(0.3, 0.5, 37)),
    detector(
        "all ties, float32", "float32", [level(4, recipe(31, 900, 1), recipe(32, 0, 1))], rule(0.5, 0.5, 77)
    ),
    detector("zeros of both signs, some huge deltas", "float32", ZEROS, rule(0.49)),
    detector("saturated deltas", "int8", SATURATED, rule()),
    detector("deltas beyond all pictures", "int8", HUGE, rule()),
    detector("tiny scales", "int8", EXTREME_SCALES, rule(0.49)),
    detector("no candidate", "int8", INT8, rule(1 - 2**-53)),
    detector("no candidate, float32", "float32", FLOATS, rule(0.9999)),
    detector("infinite logits", "float32", INFINITE, rule()),
    detector("NaN among logits", "float32", NAN, rule()),
    detector("infinite delta of a candidate", "float32", BAD_DELTAS, rule()),
    detector("NaN among the deltas of no candidate", "float32", UNSEEN_NAN, rule()),
    detector("a threshold near 0", "int8", INT8, rule(1e-12, 0.5, 100_000, 50)),
]


def segmenter(name: str, kind: str, logits: dict[str, Any], classes: int = 5, **more: Any) -> dict[str, Any]:
    case = {"name": name, "input": [64, 96], "stride": 4, "classes": classes, "type": kind, "batch": 1}
    return case | {"logits": logits, "resize": "stretch", "picture": [75, 131]} | more


SEGMENTERS = [
    segmenter("int8", "int8", recipe(41, -128, 256)),
    segmenter("int8, a batch of two", "int8", recipe(42, -128, 256), batch=2),
    segmenter("shorter", "int8", recipe(43, -128, 256), resize="shorter"),
    segmenter("shorter, tall", "int8", recipe(44, -128, 256), resize="shorter", picture=[307, 113]),
    segmenter("letterbox", "int8", recipe(45, -128, 256), resize="letterbox"),
    segmenter("letterbox, tall", "uint8", recipe(46, 0, 256), resize="letterbox", picture=[240, 77]),
    segmenter("uint8", "uint8", recipe(47, 0, 256)),
    segmenter("float32", "float32", recipe(48, -9000, 18000), resize="letterbox", picture=[99, 100]),
    segmenter(
        "float32 of all sizes",
        "float32",
        recipe(49, -9, 19, places=[(3, float_bits(3e38)), (50, float_bits(-3e38)), (70, float_bits(1e-45))]),
    ),
    segmenter("all ties", "int8", recipe(50, 7, 1)),
    segmenter("nearly all ties", "int8", recipe(51, 7, 2), classes=21),
    segmenter("ties, float32", "float32", recipe(52, -1, 3), resize="shorter"),
    segmenter("one class", "int8", recipe(53, -128, 256), classes=1),
    segmenter("300 classes", "int8", recipe(54, -128, 256), classes=300),
    segmenter("stride 1", "int8", recipe(55, -128, 256), stride=1, picture=[64, 96]),
    segmenter(
        "a side that the stride does not divide", "int8", recipe(56, -128, 256), stride=7, input=[33, 50]
    ),
    segmenter("one cell", "int8", recipe(57, -128, 256), stride=96),
    segmenter("enlarged much", "int8", recipe(58, -128, 256), picture=[480, 640], stride=32),
    segmenter("one pixel", "int8", recipe(59, -128, 256), picture=[1, 1]),
    segmenter(
        "a line, of which the crop shows no whole pixel",
        "int8",
        recipe(60, -128, 256),
        picture=[1, 700],
        resize="shorter",
    ),
    segmenter("NaN", "float32", recipe(61, -90, 180, places=[(100, 0x7FC00000)])),
    segmenter("infinity", "float32", recipe(62, -90, 180, places=[(100, float_bits(float("inf")))])),
]
