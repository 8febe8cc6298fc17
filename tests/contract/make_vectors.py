"""Makes the golden vectors of the preprocessing: `vectors/*.ppm` and `vectors/index.json`, byte for byte.

    .venv/bin/python tests/contract/make_vectors.py          # writes them
    .venv/bin/python tests/contract/make_vectors.py --check  # says whether they are current

Images are binary PPM (`P6`, width, height, 255, then RGB bytes), because a PNG's bytes depend on the zlib that
wrote it. Each case of the index says which image, the contract's `input`, the tensor's scale and zero point, and
what must come out: the resized and cropped pixels, then the tensor.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from tformer_edge.preprocessing import Preprocessing  # noqa: E402
from tformer_edge.quantized_input import input_table, quantize_pixels  # noqa: E402

FOLDER = Path(__file__).parent / "vectors"
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CIFAR = ((0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616))
PLAIN = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
HALVES = ((0.5, 0.5, 0.5), (0.2, 0.2, 0.2))  # black and white become -2.5 and 2.5: ties, with a scale of 1
GREY_128 = ((128 / 255,) * 3, (0.25,) * 3)  # with a step of one grey level each pixel is its own value
MAX_HEX_BYTES = 300  # tensors up to this size stand in the index, larger ones as their SHA-256 alone

# (image, input size, resize, crop fraction, (mean, std), type, scale, zero point)
CASES: list[tuple[str, tuple[int, int], str, float, Any, str, float, int]] = [
    ("smooth_48x64", (32, 32), "shorter", 1.0, CIFAR, "int8", 0.018658, -14),
    ("smooth_48x64", (32, 32), "stretch", 1.0, CIFAR, "int8", 0.018658, -14),
    ("smooth_48x64", (24, 40), "shorter", 0.875, IMAGENET, "int8", 0.02, -9),
    ("smooth_48x64", (224, 224), "shorter", 0.9, IMAGENET, "int8", 0.0186, -14),
    ("smooth_48x64", (96, 96), "shorter", 1.0, PLAIN, "int8", 1 / 255, -128),
    ("smooth_48x64", (48, 64), "stretch", 1.0, PLAIN, "uint8", 1 / 255, 0),
    ("noise_33x47", (33, 47), "shorter", 1.0, IMAGENET, "int8", 0.0187, -10),
    ("noise_33x47", (32, 32), "shorter", 1.0, IMAGENET, "uint8", 0.0187, 114),
    ("noise_33x47", (7, 9), "shorter", 0.7, CIFAR, "int8", 0.02, 3),
    ("noise_33x47", (9, 7), "stretch", 1.0, CIFAR, "int8", 0.02, 3),
    ("noise_33x47", (67, 50), "shorter", 0.95, CIFAR, "float32", 0.0, 0),
    ("noise_33x47", (5, 5), "shorter", 1 / 3, IMAGENET, "float32", 0.0, 0),
    ("extreme_70x3", (8, 8), "shorter", 1.0, PLAIN, "int8", 1 / 255, -128),
    ("extreme_70x3", (7, 10), "stretch", 1.0, HALVES, "int8", 1.0, 0),
    ("extreme_70x3", (70, 3), "stretch", 1.0, HALVES, "int8", 1.0, 1),
    ("extreme_70x3", (3, 70), "stretch", 1.0, HALVES, "int8", 0.5, -3),
    ("extreme_31x29", (31, 29), "stretch", 1.0, HALVES, "int8", 1.0, -128),
    ("extreme_31x29", (16, 16), "shorter", 0.8, IMAGENET, "int8", 0.0187, -14),
    ("extreme_31x29", (64, 64), "shorter", 0.8, IMAGENET, "int8", 0.001, 0),  # nearly all at the limits
    ("extreme_31x29", (10, 11), "stretch", 1.0, ((0.1, 0.2, 0.3), (1e-6, 1.0, 1e6)), "int8", 0.01, 7),
    ("row_1x40", (1, 17), "stretch", 1.0, PLAIN, "int8", 1 / 255, -128),
    ("row_1x40", (6, 6), "shorter", 1.0, PLAIN, "int8", 1 / 255, -128),
    ("dot_1x1", (1, 1), "shorter", 1.0, IMAGENET, "int8", 0.02, 0),
    ("dot_1x1", (4, 3), "shorter", 0.5, IMAGENET, "int8", 0.02, 0),
    ("noise_33x47", (9, 8), "stretch", 1.0, GREY_128, "int8", 1 / (255 * 0.25), 0),
    ("noise_33x47", (8, 9), "stretch", 1.0, GREY_128, "uint8", 1 / (255 * 0.25), 128),
]
# The same, and what else `Preprocessing` takes: format 2.
LATER_CASES: list[tuple[Any, dict[str, Any]]] = [
    (("smooth_48x64", (32, 32), "letterbox", 1.0, CIFAR, "int8", 0.018658, -14), {}),
    (("smooth_48x64", (40, 24), "letterbox", 1.0, IMAGENET, "float32", 0.0, 0), {"pad_value": 0}),
    (("noise_33x47", (47, 33), "letterbox", 1.0, PLAIN, "uint8", 1 / 255, 0), {"pad_value": 255}),
    (("extreme_70x3", (9, 9), "letterbox", 1.0, PLAIN, "int8", 1 / 255, -128), {}),
    (("row_1x40", (5, 17), "letterbox", 1.0, PLAIN, "int8", 1 / 255, -128), {"pad_value": 7}),
    (
        ("smooth_48x64", (24, 32), "shorter", 1.0, ((0.5,), (0.25,)), "int8", 0.016, 3),
        {"channel_order": "grey"},
    ),
    (
        ("noise_33x47", (20, 20), "stretch", 1.0, ((0.4,), (0.3,)), "float32", 0.0, 0),
        {"channel_order": "grey"},
    ),
    (("smooth_48x64", (16, 16), "stretch", 1.0, PLAIN, "int8", 1.0, -128), {"encoding": "pixels"}),
    (("noise_33x47", (16, 16), "shorter", 0.9, PLAIN, "uint8", 1.0, 0), {"encoding": "pixels"}),
    (("noise_33x47", (8, 8), "letterbox", 1.0, PLAIN, "float32", 0.0, 0), {"encoding": "pixels"}),
    # Whatever the tensor's scale and zero point.
    (("noise_33x47", (7, 8), "stretch", 1.0, PLAIN, "uint8", 0.015650034, 121), {"encoding": "pixels"}),
    (("noise_33x47", (8, 7), "stretch", 1.0, PLAIN, "int8", 0.015650034, -7), {"encoding": "pixels"}),
    (
        ("smooth_48x64", (12, 12), "letterbox", 1.0, PLAIN, "int8", 1.0, -128),
        {"encoding": "pixels", "channel_order": "grey", "pad_value": 200},
    ),
]


def image(name: str) -> np.ndarray:
    """uint8 (height, width, 3): from SHA-256 and integers alone, so that it is the same for ever."""
    kind, size = name.split("_")
    height, width = map(int, size.split("x"))
    if kind == "smooth":
        y, x, channel = np.mgrid[:height, :width, :3]
        return ((x * (5 + channel) + y * (7 - channel) + x * y // (3 + channel)) // 4 % 256).astype(np.uint8)
    blocks = [
        hashlib.sha256(f"{name} {block}".encode()).digest() for block in range(height * width * 3 // 32 + 1)
    ]
    noise = np.frombuffer(b"".join(blocks), np.uint8)[: height * width * 3].reshape(height, width, 3)
    return np.where(noise > 127, 255, 0).astype(np.uint8) if kind == "extreme" else noise


def ppm(pixels: np.ndarray) -> bytes:
    return b"P6\n%d %d\n255\n" % (pixels.shape[1], pixels.shape[0]) + pixels.tobytes()


def case(
    name: str,
    size: tuple[int, int],
    resize: Any,
    crop: float,
    normal: Any,
    dtype: Any,
    scale: float,
    zero_point: int,
    **later: Any,
) -> dict[str, Any]:
    preprocessing = Preprocessing(size, resize, crop, *normal, **later)
    source = image(name)
    pixels = preprocessing.pixels(source)
    # The scale of a tensor is a float32: what stands here is its exact value.
    scale = float(np.float32(scale))
    if dtype == "float32":
        tensor = preprocessing.normalise(pixels).astype("<f4")
    else:
        tensor = quantize_pixels(pixels, input_table(preprocessing, scale, zero_point, dtype))
    settings = preprocessing.to_json()
    settings["height"], settings["width"] = settings.pop("input_size")
    result = {
        "image": f"{name}.ppm",
        "input": settings | {"batch": 1, "channels": preprocessing.channels, "type": dtype},
        "scale": scale,
        "zero_point": zero_point,
        "resized": list(preprocessing.resized_size(source.shape[:2])),
        "pixels_sha256": hashlib.sha256(pixels.tobytes()).hexdigest(),
        "tensor_sha256": hashlib.sha256(tensor.tobytes()).hexdigest(),
    }
    if tensor.nbytes <= MAX_HEX_BYTES:
        result |= {"pixels": pixels.tobytes().hex(), "tensor": tensor.tobytes().hex()}
    return result


def make() -> dict[str, bytes]:
    """{file name: content} of the folder of vectors, `index.json` among them."""
    files = {f"{name}.ppm": ppm(image(name)) for name in dict.fromkeys(entry[0] for entry in CASES)}
    cases = [(entry, {}) for entry in CASES] + LATER_CASES
    lines = ",\n".join(json.dumps(case(*entry, **later)) for entry, later in cases)
    return files | {"index.json": f"[\n{lines}\n]\n".encode()}


if __name__ == "__main__":
    from generated import main

    sys.exit(main(FOLDER, make()))
