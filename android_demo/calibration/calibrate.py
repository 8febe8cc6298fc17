"""Finds what a bundled classifier's scores are worth, and from which probability on its answer is one.

    python android_demo/calibration/calibrate.py build/android/tformer_micro_cifar10.tflite CIFAR10/test OUT

The temperature is the one under which the labelled images' logits have the least cross-entropy (Guo et al., 2017); the
threshold the least probability with which at least TARGET of the answers of that or more are right. Writes
OUT/NAME.calibration.json, which android_demo/build.sh puts beside the model: the contract has no field for either.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tformer_edge import Model
from tformer_edge.images import open_image
from tformer_edge.quantized_input import input_table, quantize_pixels

TARGET = 0.95
# Of the logarithm of the temperature, and how often it is halved.
BOUNDS, STEPS = (-3.0, 3.0), 60
GOLDEN = (5**0.5 - 1) / 2

Array = NDArray[np.float64]


def probabilities(logits: Array, temperature: float) -> Array:
    """The softmax of logits (n, labels) / temperature."""
    scaled = logits / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def cross_entropy(logits: Array, labels: NDArray[np.int64], temperature: float) -> float:
    """In nats, the mean of all images."""
    scaled = logits / temperature
    top = scaled.max(axis=1)
    sums = np.log(np.exp(scaled - top[:, None]).sum(axis=1)) + top
    return float((sums - scaled[np.arange(len(labels)), labels]).mean())


def fit_temperature(logits: Array, labels: NDArray[np.int64]) -> float:
    """By golden section: the cross-entropy has one minimum over the logarithm of the temperature."""
    low, high = BOUNDS
    for _ in range(STEPS):
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        if cross_entropy(logits, labels, np.exp(left)) < cross_entropy(logits, labels, np.exp(right)):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def threshold(best: Array, right: NDArray[np.bool_], target: float = TARGET) -> float:
    """The least probability with which at least `target` of the answers of that or more are right; 1 without one.

    Args:
        best: the first label's probability of each image.
        right: whether it is the image's own.
    """
    order = np.argsort(-best, kind="stable")
    shares = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    # Equal probabilities are answers or not together.
    last = np.append(np.diff(best[order]) < 0, True)
    good = np.flatnonzero((shares >= target) & last)
    return float(best[order][good[-1]]) if good.size else 1.0


def logits_of(model: Path, folder: Path) -> tuple[Array, NDArray[np.int64]]:
    """The logits and the labels of all images FOLDER/LABEL/*."""
    rows, labels = [], []
    with Model(model) as opened:
        contract, output = opened.file.contract, opened.outputs[0]
        if contract is None or contract.task != "classification" or opened.input.type != "int8":
            raise SystemExit(
                "Expected an int8 classifier with a contract, received another model; convert one."
            )
        table = input_table(contract.image, opened.input.scale, opened.input.zero_point, "int8")
        for index, label in enumerate(opened.file.labels):
            files = sorted((folder / label).iterdir()) if (folder / label).is_dir() else []
            if not files:
                raise SystemExit(
                    f"Expected images in {folder / label}, found none; give a folder with one a label."
                )
            for file in files:
                tensor = quantize_pixels(contract.image.pixels(open_image(file))[None], table)
                rows.append(output.dequantize(opened.run(tensor)[0][0]))
                labels.append(index)
    return np.array(rows, np.float64), np.array(labels)


def calibrate(logits: Array, labels: NDArray[np.int64]) -> dict[str, float | int]:
    """What the file holds, but for the model's name."""
    temperature = round(fit_temperature(logits, labels), 4)
    shares = probabilities(logits, temperature)
    best, right = shares.max(axis=1), shares.argmax(axis=1) == labels
    # Rounded up, so that what the file says is true.
    least = float(np.ceil(threshold(best, right) * 1e4) / 1e4)
    sure = best >= least
    return {
        "temperature": temperature,
        "not_sure_below": least,
        "images": len(labels),
        "accuracy": round(float(right.mean()), 4),
        "cross_entropy": round(cross_entropy(logits, labels, 1.0), 4),
        "calibrated_cross_entropy": round(cross_entropy(logits, labels, temperature), 4),
        "sure": round(float(sure.mean()), 4),
        "accuracy_of_sure": round(float(right[sure].mean()), 4) if sure.any() else 0.0,
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path, help="a folder of images a label")
    parser.add_argument("out", type=Path, help="a folder")
    args = parser.parse_args()
    found = {"model": args.model.stem} | calibrate(*logits_of(args.model, args.data))
    path = args.out / f"{args.model.stem}.calibration.json"
    path.write_text(json.dumps(found, indent=2) + "\n")
    print(path.read_text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
