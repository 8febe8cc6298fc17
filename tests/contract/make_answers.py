"""Makes the vectors of what stands around the model: `answers/index.json`, byte for byte.

    .venv/bin/python tests/contract/make_answers.py          # writes it
    .venv/bin/python tests/contract/make_answers.py --check  # says whether it is current

`ranking`: an output tensor, and the order, the scores (to the last bit) and the probabilities (not to the last bit)
that follow; `sure`: whether the best one is an answer.
`percentiles`: NumPy's default, linear interpolation, to the last bit. `camera`: planes of YUV_420_888, and
the RGB that the integer form of BT.601 makes of them, turned clockwise, then mirrored. Numbers "to the last bit" are 16
hexadecimal digits, a big-endian float64.
"""

import hashlib
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from tformer_edge.certainty import Certainty  # noqa: E402
from tformer_edge.runner import TensorInfo  # noqa: E402
from tformer_edge.tasks.classification import rank  # noqa: E402

FOLDER = Path(__file__).parent / "answers"

# (type, scale, zero point, meaning, values), and sometimes a certainty
RANKINGS: list[tuple[Any, ...]] = [
    ("int8", 0.1, 3, "logits", [5, 9, 9, -128, 127, 9, 127, 0], Certainty(2.5, 0.49)),
    ("int8", 0.1, 3, "logits", [5, 9, 9, -128, 127, 9, 127, 0], Certainty(0.5, 0.51)),
    ("uint8", 1 / 256, 0, "probabilities", [128, 127, 1], Certainty(1, 0.5)),
    ("uint8", 1 / 256, 0, "probabilities", [127, 128, 1], Certainty(1, 0.500001)),
    ("float32", 0.0, 0, "logits", [1.0, 3.0, 2.0], Certainty(100, 0.5)),
    ("int8", 0.1, 3, "logits", [5, 9, 9, -128, 127, 9, 127, 0]),
    ("int8", 1 / 256, -128, "probabilities", [-128, 0, 127, 0, -128]),
    ("int8", 0.0186, -14, "logits", [-128] * 5),
    ("uint8", 1 / 255, 0, "probabilities", [255, 0, 255, 128, 254, 128]),
    ("uint8", 0.25, 200, "logits", [7]),
    ("float32", 0.0, 0, "logits", [1.5, -0.0, 0.0, 1000.0, -1000.0, 1.5, 1e-40]),
    ("float32", 0.0, 0, "probabilities", [0.1, 0.2, 0.3, 0.3, 0.1]),
]
SAMPLES = (
    *([3.0], [2.0, 1.0], [0.1, 0.2, 0.7, 0.4], [5.0] * 7),
    [1.5, -2.0, 1e-9, 1e9, 4.25, 4.25, 7.0, 11.0, 13.0, 17.0, 19.1],
)
PERCENTS = (0.0, 1.0, 10.0, 33.3, 50.0, 75.0, 90.0, 99.0, 100.0)
# (width, height, bytes after a row of Y, pixel stride of U and V, bytes after a row of them)
FRAMES = [
    (6, 4, 0, 1, 0),
    (6, 4, 2, 2, 3),
    (5, 3, 3, 2, 0),
    (1, 1, 0, 1, 0),
    (8, 2, 8, 1, 4),
    (3, 5, 1, 3, 2),
]


def bits(value: float) -> str:
    return struct.pack(">d", value).hex()


def noise(name: str, size: int) -> np.ndarray:
    blocks = [hashlib.sha256(f"{name} {block}".encode()).digest() for block in range(size // 32 + 1)]
    return np.frombuffer(b"".join(blocks), np.uint8)[:size]


def ranking(
    kind: str,
    scale: float,
    zero_point: int,
    meaning: Any,
    values: list[float],
    certainty: Certainty | None = None,
) -> dict[str, Any]:
    tensor = np.array(values, np.dtype(kind).newbyteorder("<"))
    scale = float(np.float32(scale))
    scores = TensorInfo((1, len(values)), kind, scale, zero_point).dequantize(tensor)
    prediction = rank(
        tensor, scores, [str(index) for index in range(len(values))], meaning, len(values), certainty
    )
    return {
        "type": kind,
        "scale": scale,
        "zero_point": zero_point,
        "meaning": meaning,
        "certainty": None if certainty is None else certainty.to_json(),
        "sure": prediction.sure,
        "tensor": tensor.tobytes().hex(),
        "order": [one.index for one in prediction.top],
        "scores": [bits(score) for score in scores],
        "probabilities": [one.probability for one in prediction.top],
    }


def camera(width: int, height: int, after_y: int, pixel_stride: int, after_chroma: int) -> dict[str, Any]:
    across, down = (width + 1) // 2, (height + 1) // 2
    y_stride, chroma_stride = width + after_y, (across - 1) * pixel_stride + 1 + after_chroma
    name = f"{width}x{height}"
    # The last row of a plane ends with its last sample.
    y = noise(f"{name} y", (height - 1) * y_stride + width)
    u, v = (
        noise(f"{name} {one}", (down - 1) * chroma_stride + (across - 1) * pixel_stride + 1) for one in "uv"
    )
    rows, columns = np.mgrid[:height, :width]
    chroma = rows // 2 * chroma_stride + columns // 2 * pixel_stride
    c = y[rows * y_stride + columns].astype(int) - 16
    d, e = u[chroma].astype(int) - 128, v[chroma].astype(int) - 128
    red, green, blue = 298 * c + 409 * e + 128, 298 * c - 100 * d - 208 * e + 128, 298 * c + 516 * d + 128
    rgb = np.clip(np.stack([red, green, blue], axis=-1) >> 8, 0, 255).astype(np.uint8)
    turned = {}
    for degrees in (0, 90, 180, 270):
        image = np.rot90(rgb, -degrees // 90)
        turned[str(degrees)] = image.tobytes().hex()
        turned[f"{degrees} mirrored"] = image[:, ::-1].tobytes().hex()
    return {
        "width": width,
        "height": height,
        "y": {"bytes": y.tobytes().hex(), "row_stride": y_stride, "pixel_stride": 1},
        "u": {"bytes": u.tobytes().hex(), "row_stride": chroma_stride, "pixel_stride": pixel_stride},
        "v": {"bytes": v.tobytes().hex(), "row_stride": chroma_stride, "pixel_stride": pixel_stride},
        "rgb": turned,
    }


def make() -> dict[str, bytes]:
    """{file name: content} of the folder of answers."""
    from generated import index

    percentiles = [
        {"values": values, "percent": percent, "result": bits(float(np.percentile(values, percent)))}
        for values in SAMPLES
        for percent in PERCENTS
    ]
    cases = {
        "ranking": [ranking(*case) for case in RANKINGS],
        "percentiles": percentiles,
        "camera": [camera(*case) for case in FRAMES],
    }
    return {"index.json": index(cases)}


if __name__ == "__main__":
    from generated import main

    FOLDER.mkdir(exist_ok=True)
    sys.exit(main(FOLDER, make()))
