"""Makes the vectors of what detectors and segmenters say: `scenes/index.json`, byte for byte.

    .venv/bin/python tests/contract/make_scenes.py          # writes it
    .venv/bin/python tests/contract/make_scenes.py --check  # says whether it is current

`exponential`: exp, sigmoid and the logit of a threshold. `frames`: where pictures lie in inputs. `detection`: maps,
which `scene_tensors.py` makes of a few numbers, and the SHA-256 of what they say, in the form of a golden answer, and
of the same in a picture. `segmentation`: the same of class maps. `null` for an answer: the maps are refused. Numbers
"to the last bit" are 16 hexadecimal digits, a big-endian float64.
"""

import hashlib
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from scene_cases import DETECTORS, EXPONENTS, PICTURES, PROBABILITIES, SEGMENTERS  # noqa: E402
from scene_tensors import noise, tensor  # noqa: E402

from tformer_edge.class_maps import class_map  # noqa: E402
from tformer_edge.exponential import exponential, logit, sigmoid  # noqa: E402
from tformer_edge.output_json import DetectionRule, Output  # noqa: E402
from tformer_edge.preprocessing import Preprocessing  # noqa: E402
from tformer_edge.runner import TensorInfo  # noqa: E402
from tformer_edge.tasks.detection import Detection  # noqa: E402
from tformer_edge.tasks.detection_options import DetectionOptions  # noqa: E402
from tformer_edge.tasks.segmentation import SegmentationTask  # noqa: E402
from tformer_edge.tasks.segmentation_options import SegmentationOptions  # noqa: E402

FOLDER = Path(__file__).parent / "scenes"


class Meaning:
    """What the tasks need of a contract."""

    def __init__(self, classes: int, outputs: list[Output], rule: DetectionRule | None) -> None:
        self.labels = [f"L{index}" for index in range(classes)]
        self.meaning, self.outputs, self.detection, self.colours = "logits", tuple(outputs), rule, ()


def bits(value: float) -> str:
    return struct.pack(">d", value).hex()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def exponents() -> dict[str, Any]:
    many = (noise(7, 4000) % np.uint64(1_416_000_001)).astype(np.float64) / 1e6 - 708
    return {
        "values": [
            {
                "x": bits(x),
                "exp": bits(float(exponential(np.array(x)))),
                "sigmoid": bits(float(sigmoid(np.array(x)))),
            }
            for x in EXPONENTS
        ],
        "logits": [{"probability": bits(p), "logit": bits(logit(p))} for p in PROBABILITIES],
        "seed": 7,
        "count": len(many),
        "exp_sha256": sha256(exponential(many).astype("<f8").tobytes()),
        "sigmoid_sha256": sha256(sigmoid(many).astype("<f8").tobytes()),
    }


def frame(case: dict[str, Any]) -> dict[str, Any]:
    image = Preprocessing(tuple(case["input"]), case["resize"], case["crop_fraction"])
    found = image.frame(tuple(case["picture"]))
    boxes = (noise(case["picture"][0], 80) % np.uint64(3000)).astype(np.float64).reshape(20, 4) / 8 - 40
    return case | {
        "seen": list(found.seen()),
        "window": [str(part) for part in found.window((case["input"][0] // 4, case["input"][1] // 4))],
        "boxes": 20,
        "seed": case["picture"][0],
        "to_picture_sha256": sha256(found.to_picture(boxes).astype("<f8").tobytes()),
    }


def detector(case: dict[str, Any]) -> dict[str, Any]:
    size, classes, kind, batch = tuple(case["input"]), case["classes"], case["type"], case["batch"]
    outputs, values, infos = [], [], []
    for level in case["levels"]:
        anchors = tuple(map(tuple, level["anchors"]))
        for name, channels in (("logits", classes), ("deltas", 4)):
            one = Output(name, name, level["stride"], anchors)
            shape = (batch, *one.map_size(size), len(anchors) * channels)
            recipe = level[name]
            outputs.append(one)
            values.append(tensor(recipe, kind, int(np.prod(shape))).reshape(shape))
            scale = float(np.float32(recipe["scale"])) if kind != "float32" else 0.0
            infos.append(TensorInfo(shape, kind, scale, recipe["zero_point"]))
    meaning, task = Meaning(classes, outputs, DetectionRule(**case["rule"])), Detection()
    try:
        answer = task.golden_answer(values, infos, meaning, size)
    except ValueError:
        return case | {"answer_sha256": None}
    image = Preprocessing(size, "letterbox")
    threshold = case["rule"]["score_threshold"] * 0.75
    shown = task.answer(
        [one[0] for one in values], infos, meaning, image.frame((333, 517)), DetectionOptions(threshold)
    )
    sides = [struct.pack("<Id4d", one.index, one.score, *one.box) for one in shown]
    return case | {
        "counts": [struct.unpack_from("<I", answer)[0], len(shown)],
        "answer_sha256": sha256(answer),
        "threshold": bits(threshold),
        "picture_sha256": sha256(b"".join(sides)),
        "first": [bits(part) for one in list(shown)[:2] for part in (one.score, *one.box)],
    }


def segmenter(case: dict[str, Any]) -> dict[str, Any]:
    size, classes, kind, batch = tuple(case["input"]), case["classes"], case["type"], case["batch"]
    one = Output("classes", "class_logits", case["stride"])
    shape = (batch, *one.map_size(size), classes)
    values = tensor(case["logits"], kind, int(np.prod(shape))).reshape(shape)
    infos, meaning, task = [TensorInfo(shape, kind, 0.5)], Meaning(classes, [one], None), SegmentationTask()
    picture = tuple(case["picture"])
    image = Preprocessing(size, case["resize"])
    try:
        answer = task.golden_answer([values], infos, meaning, size)
        shown = task.answer([values[0]], infos, meaning, image.frame(picture), SegmentationOptions())
    except ValueError:
        return case | {"answer_sha256": None}
    return case | {
        "answer_sha256": sha256(answer),
        "picture_sha256": sha256(shown.class_map.astype("<i4").tobytes()),
        "areas": [[area.index, area.pixels] for area in shown.areas[:20]],
        "first": class_map(
            values[0] if kind != "uint8" else (values[0] ^ np.uint8(128)).view(np.int8), (3, 5)
        ).tolist(),
    }


def make() -> dict[str, bytes]:
    """{file name: content} of the folder of scenes."""
    from generated import index

    cases: dict[str, Any] = {
        "frames": [frame(case) for case in PICTURES],
        "detection": [detector(case) for case in DETECTORS],
        "segmentation": [segmenter(case) for case in SEGMENTERS],
    }
    return {"index.json": index(cases, exponential=exponents())}


if __name__ == "__main__":
    from generated import main

    FOLDER.mkdir(exist_ok=True)
    sys.exit(main(FOLDER, make()))
