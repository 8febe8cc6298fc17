"""Preprocessing: geometry, equality with the resize rule, normalisation, and what is refused."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tformer_edge import preprocessing as module
from tformer_edge.errors import UserError
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.resize import resize

SIDE = st.integers(1, 60)


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@settings(max_examples=200, deadline=None)
@given(SIDE, SIDE, SIDE, SIDE)
def test_stretch_is_the_resize_rule(height: int, width: int, new_height: int, new_width: int) -> None:
    image = noise(height, width)
    pixels = Preprocessing((new_height, new_width), "stretch").pixels(image)
    np.testing.assert_array_equal(pixels, resize(image, (new_height, new_width)))
    assert pixels.base is None or pixels.base is not image  # never a view of the caller's image


@settings(max_examples=200, deadline=None)
@given(SIDE, SIDE, SIDE, SIDE, st.floats(0.3, 1.0))
def test_shorter_is_the_resize_rule_and_a_centre_crop(
    height: int, width: int, new_height: int, new_width: int, fraction: float
) -> None:
    image = noise(height, width)
    settings_ = Preprocessing((new_height, new_width), "shorter", fraction)
    rows, columns = settings_.resized_size((height, width))
    cover = [int(side / fraction + 0.5) for side in (new_height, new_width)]
    assert rows >= cover[0] and columns >= cover[1]
    assert rows == cover[0] or columns == cover[1]
    assert abs(rows * width - columns * height) <= max(
        height, width
    )  # the aspect ratio, but for rounding down
    top, left = (rows - new_height) // 2, (columns - new_width) // 2
    expected = resize(image, (rows, columns))[top : top + new_height, left : left + new_width]
    np.testing.assert_array_equal(settings_.pixels(image), expected)


@pytest.mark.parametrize(
    ("size", "input_size", "fraction", "expected"),
    [
        ((375, 500), (224, 224), 0.875, (256, 341)),
        ((500, 375), (224, 224), 0.875, (341, 256)),
        ((32, 32), (32, 32), 1.0, (32, 32)),
        ((100, 100), (224, 224), 0.9, (249, 249)),
        ((100, 100), (32, 64), 1.0, (64, 64)),
        ((1, 1), (96, 96), 1.0, (96, 96)),
    ],
)
def test_resized_size(size, input_size, fraction, expected) -> None:
    assert Preprocessing(input_size, "shorter", fraction).resized_size(size) == expected


def test_extreme_aspect_ratio_needs_no_giant_image(monkeypatch: pytest.MonkeyPatch) -> None:
    image = noise(2, 30_000)
    settings_ = Preprocessing((64, 64))

    def refuse(*_: object) -> None:
        raise AssertionError("the whole image was resized")

    with monkeypatch.context() as patch:
        patch.setattr(module, "fast_resize", refuse)
        windowed = settings_.pixels(image)
    assert settings_.resized_size((2, 30_000)) == (64, 960_000)
    # The same picture without the detour, from the columns that its centre looks at.
    narrow = settings_.pixels(image[:, 14_900:15_100])
    np.testing.assert_array_equal(windowed, narrow)


def test_accepts_pillow_images() -> None:
    image = noise(20, 30)
    settings_ = Preprocessing((16, 16))
    np.testing.assert_array_equal(settings_.pixels(Image.fromarray(image)), settings_.pixels(image))


def test_normalise_uint8_is_float64_rounded_once() -> None:
    settings_ = Preprocessing((1, 256), mean=(0.1, 0.5, 0.9), std=(0.2, 0.3, 0.7))
    pixels = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    expected = (pixels / np.float64(255) - np.array([0.1, 0.5, 0.9])) / np.array([0.2, 0.3, 0.7])
    result = settings_.normalise(pixels)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, expected.astype(np.float32))
    np.testing.assert_array_equal(settings_.normalise(np.stack([pixels, pixels]))[1], result)
    np.testing.assert_allclose(settings_.normalise(pixels.astype(np.float32)), result, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(settings_(pixels), result)


def test_json_round_trip_of_every_setting() -> None:
    settings_ = Preprocessing((30, 40), "shorter", 0.875, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    others = (
        Preprocessing((32, 32), "letterbox", pad_value=7),
        Preprocessing((32, 32), "stretch", encoding="pixels", channel_order="grey"),
        Preprocessing((32, 32), "stretch", 1, (0.5,), (0.25,), "grey"),
    )
    for field in dataclasses.fields(Preprocessing):
        assert any(getattr(settings_, field.name) != getattr(other, field.name) for other in others)
    for value in (settings_, *others):
        again = Preprocessing.from_json(json.loads(json.dumps(value.to_json())))
        assert again == value and hash(again) == hash(value)


@pytest.mark.parametrize(
    "change",
    [
        {"input_size": [32]},
        {"input_size": [0, 32]},
        {"input_size": [32, 32.0]},
        {"input_size": [True, 32]},
        {"input_size": [32, 10**6]},
        {"input_size": "32"},
        {"mean": [0.5, 0.5]},
        {"mean": [0.5, 0.5, 123.0]},
        {"mean": [0.5, 0.5, float("nan")]},
        {"std": [0.5, 0.5, 0]},
        {"std": [0.5, 0.5, "0.5"]},
        {"std": None},
        {"resize": "bicubic"},
        {"resize": "stretch"},
        {"crop_fraction": 0},
        {"crop_fraction": 1.5},
        {"crop_fraction": 1e-9},
        {"crop_fraction": 5e-324},
        {"crop_fraction": True},
        {"channel_order": "bgr"},
        {"unknown": 1},
    ],
)
def test_from_json_refuses(change: dict[str, object]) -> None:
    data = Preprocessing((32, 32), "shorter", 0.875).to_json() | change
    key = "crop_fraction" if change == {"resize": "stretch"} else next(iter(change))
    with pytest.raises(UserError, match=f"{key}.*expected|expected.*{key}"):
        Preprocessing.from_json(data)


def test_the_largest_covered_size_is_the_documents():
    """floor(side / crop_fraction + 0.5) is at most 32,768, divided as docs/contract.md says, not multiplied."""
    for fraction in (1 / 32768, 1 / 32768.4999, np.nextafter(1 / 32768.5, 1)):
        covered = np.floor(1 / fraction + 0.5)
        if covered <= 32768:
            assert Preprocessing((1, 1), crop_fraction=float(fraction)).resized_size((1, 1))[0] == covered
        else:
            with pytest.raises(UserError, match="up to 32768"):
                Preprocessing((1, 1), crop_fraction=float(fraction))
    with pytest.raises(UserError, match="up to 32768"):
        Preprocessing((1, 1), crop_fraction=3.051711247081801e-05)


@pytest.mark.parametrize("key", ["input_size", "channel_order", "mean", "std", "resize", "crop_fraction"])
def test_from_json_guesses_nothing(key: str) -> None:
    data = Preprocessing((32, 32)).to_json()
    del data[key]
    with pytest.raises(UserError, match=f"without {key}"):
        Preprocessing.from_json(data)
    with pytest.raises(UserError, match="JSON object, received list"):
        Preprocessing.from_json([])


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        None,
    ],
)
def test_pixels_refuses(image: object) -> None:
    with pytest.raises(UserError, match="expected .* received"):
        Preprocessing((2, 2)).pixels(image)


@pytest.mark.parametrize("pixels", [np.zeros((2, 2, 3), np.float64), np.zeros((2, 2, 1), np.uint8)])
def test_normalise_refuses(pixels: np.ndarray) -> None:
    with pytest.raises(UserError, match="expected .* received"):
        Preprocessing((2, 2)).normalise(pixels)


def test_needs_numpy_and_pillow_alone() -> None:
    code = (
        "import sys; import tformer_edge.preprocessing, tformer_edge.resize, tformer_edge.images;"
        "bad = {'tensorflow', 'keras', 'jax', 'tf_keras', 'sklearn', 'scipy'} & set(sys.modules);"
        "sys.exit(str(bad) if bad else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("resize", "fraction", "expected"),
    [
        # 640 x 480 becomes 341 x 256, of which 224 are kept; the same figures as Kotlin's SeenRegionTest has.
        ("shorter", 0.875, (16 * 480 / 256, 58 * 640 / 341, 420, 224 * 640 / 341)),
        ("stretch", 1.0, (0, 0, 480, 640)),
    ],
)
def test_what_the_input_shows_of_a_picture(resize: str, fraction: float, expected: tuple[float, ...]) -> None:
    assert Preprocessing((224, 224), resize, fraction).seen(480, 640) == pytest.approx(expected)
