"""The temperature and the threshold that make a classifier say "not sure"."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "android_demo" / "calibration"
SPEC = importlib.util.spec_from_file_location("calibrate", FOLDER / "calibrate.py")
calibrate = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(calibrate)


def drawn(temperature: float, count: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are `temperature` times too sharp, and labels drawn by the probabilities that they should say."""
    random = np.random.default_rng(0)
    honest = random.normal(0, 2, (count, 5))
    shares = calibrate.probabilities(honest, 1.0)
    labels = (shares.cumsum(axis=1) < random.random((count, 1))).sum(axis=1)
    return honest * temperature, labels


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_the_temperature_is_found(temperature: float) -> None:
    logits, labels = drawn(temperature)
    assert calibrate.fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.03)


def test_calibrated_probabilities_are_as_often_right_as_they_say() -> None:
    logits, labels = drawn(3.0)
    shares = calibrate.probabilities(logits, calibrate.fit_temperature(logits, labels))
    right = shares.argmax(axis=1) == labels
    assert shares.max(axis=1).mean() == pytest.approx(right.mean(), abs=0.01)


def test_the_threshold_is_the_least_that_keeps_the_promise() -> None:
    best = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    right = np.array([True, True, True, False, True])
    assert calibrate.threshold(best, right, 0.95) == 0.7
    assert calibrate.threshold(best, right, 0.8) == 0.5
    assert calibrate.threshold(best, ~right, 0.95) == 1.0
    # The three of 0.7 are answers or not together.
    assert (
        calibrate.threshold(np.array([0.9, 0.7, 0.7, 0.7]), np.array([True, True, False, True]), 0.8) == 0.9
    )


def test_what_is_bundled_keeps_the_promise() -> None:
    files = sorted(FOLDER.glob("*.calibration.json"))
    assert [file.name for file in files] == ["tformer_micro_cifar10.calibration.json"]
    found = json.loads(files[0].read_text())
    assert found["images"] == 10_000 and found["accuracy_of_sure"] >= calibrate.TARGET
    assert found["calibrated_cross_entropy"] <= found["cross_entropy"]
    assert 0.5 < found["not_sure_below"] < 1 and 0.5 < found["sure"] < 1
