"""What int8 costs three architectures that people bring: ours beside TensorFlow's converter and ai-edge-quantizer.

    nice python -m benchmarks.architectures CIFAR10 --out runs/architectures --json architectures.json

Each member of keras.applications is trained from nothing on a folder of images (32×32), then made int8 in four ways;
every file is scored in LiteRT on the same test images. All of them are calibrated with the same training images. A
step that is done is kept in the folder: a run that was stopped goes on. docs/benchmarks.md has the table.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from benchmarks.applications import preprocessing_of
from benchmarks.architecture_files import by_ai_edge_quantizer, by_tensorflow, ours
from benchmarks.provenance import provenance
from tformer_edge.command_line import guarded
from tformer_edge.files import write_whole
from tformer_edge.preprocessing import Preprocessing
from tformer_keras.data.dataset import Dataset
from tformer_keras.data.load import load_dataset
from tformer_keras.data.pixels import spaced, split_pixels
from tformer_keras.deploy.tflite.interpreter import LiteRT

MEMBERS = ("MobileNetV2", "EfficientNetB0", "ResNet50V2")
SIZE = 32
CALIBRATION_IMAGES = 512
# Runs of a few thousand steps: keras.applications' own momentum of 0.99 or 0.999 remembers fresh statistics for longer.
NORM_MOMENTUM = 0.9
WAYS = {
    "float": "float32, Keras",
    "tensorflow": "TensorFlow's converter",
    "ai-edge-quantizer": "ai-edge-quantizer",
    "calibrated": "ours, calibrated",
    "trained": "ours, quantization-aware",
}


@dataclass(frozen=True)
class Images:
    """Pixels, uint8 (n, 32, 32, 3), and class numbers."""

    train: NDArray[np.uint8]
    train_labels: NDArray[np.int64]
    test: NDArray[np.uint8]
    test_labels: NDArray[np.int64]


def images_of(dataset: Dataset, train: int, test: int) -> Images:
    """So many images of each split, evenly spaced."""
    preprocessing = Preprocessing((SIZE, SIZE), "stretch")
    parts: list[Any] = []
    for split, count in ((dataset.train, train), (dataset.test, test)):
        chosen = spaced(len(split), min(count, len(split)))
        labels = np.array([split.annotation(index) for index in chosen], np.int64)
        parts += [split_pixels(split, preprocessing, chosen), labels]
    return Images(*parts)


def train(name: str, images: Images, classes: int, epochs: int, file: Path) -> None:
    """Trains a member by Keras' own loop and saves it: AdamW, cosine decay, flips and shifts of an eighth."""
    keras.utils.set_random_seed(0)
    core = getattr(keras.applications, name)(
        weights=None, input_shape=(SIZE, SIZE, 3), classes=classes, classifier_activation=None
    )
    for layer in core.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = NORM_MOMENTUM
    augmented = keras.Sequential(
        [
            keras.layers.RandomFlip("horizontal"),
            keras.layers.RandomTranslation(0.125, 0.125, fill_mode="reflect"),
            core,
        ]
    )
    steps = epochs * -(-len(images.train) // 128)
    rate = keras.optimizers.schedules.CosineDecay(1e-4, steps, warmup_target=2e-3, warmup_steps=steps // 20)
    augmented.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=0.02),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    pixels = preprocessing_of(name, SIZE).normalise(images.train)
    augmented.fit(pixels, images.train_labels, batch_size=128, epochs=epochs, verbose=2)
    temporary = file.with_name("." + file.name)
    core.save(temporary)
    temporary.replace(file)


def accuracy(outputs: NDArray[Any], labels: NDArray[np.int64]) -> float:
    """Top-1, 0 to 1."""
    return float((outputs.argmax(axis=-1) == labels).mean())


def score(file: bytes, preprocessing: Preprocessing, images: Images) -> dict[str, Any]:
    """Of a .tflite file in LiteRT: accuracy, bytes of the flatbuffer, XNNPACK's partitions."""
    interpreter = LiteRT(file)
    (outputs,) = interpreter.forward(preprocessing)(images.test)
    return {
        "accuracy": accuracy(outputs, images.test_labels),
        "bytes": len(file),
        "partitions": interpreter.delegation()[0],
    }


class Study:
    """One member's steps; each result is written as soon as it is there."""

    def __init__(self, name: str, args: argparse.Namespace, dataset: Dataset, images: Images) -> None:
        self.name, self.args, self.dataset, self.images = name, args, dataset, images
        self.preprocessing = preprocessing_of(name, SIZE)
        self.folder = args.out / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.said = self.folder / "results.json"
        self.results: dict[str, Any] = json.loads(self.said.read_text()) if self.said.exists() else {}
        self.file = self.folder / f"{name}.keras"

    def _step(self, way: str, work: Callable[[], dict[str, Any]]) -> None:
        if way in self.results:
            return
        print(f"{self.name}: {WAYS[way]}", file=sys.stderr, flush=True)
        self.results[way] = work()
        write_whole(self.said, json.dumps(self.results, indent=1).encode())

    def run(self) -> dict[str, Any]:
        """All steps that are not done yet."""
        if not self.file.exists():
            print(f"{self.name}: training", file=sys.stderr, flush=True)
            train(self.name, self.images, len(self.dataset.class_names), self.args.epochs, self.file)
        self._step("float", self._float)
        split = self.dataset.train
        calibration = split_pixels(split, self.preprocessing, spaced(len(split), CALIBRATION_IMAGES))
        batches = [self.preprocessing.normalise(pixels[None]) for pixels in calibration]
        self._step("tensorflow", partial(self._by, by_tensorflow, batches))
        self._step("ai-edge-quantizer", partial(self._by, by_ai_edge_quantizer, batches))
        self._step("calibrated", partial(self._ours, "calibrated", ["--ptq"]))
        limit = ["--epochs", "1", "--limit-steps", str(self.args.quantize_steps)]
        self._step("trained", partial(self._ours, "trained", [*limit, "--distill"]))
        return self.results

    def _float(self) -> dict[str, Any]:
        model = keras.models.load_model(self.file)
        outputs = model.predict(self.preprocessing.normalise(self.images.test), batch_size=256, verbose=0)
        return {"accuracy": accuracy(outputs, self.images.test_labels), "parameters": model.count_params()}

    def _by(self, convert: Callable[..., bytes], batches: Sequence[NDArray[np.float32]]) -> dict[str, Any]:
        return self._scored(convert(keras.models.load_model(self.file), batches))

    def _scored(self, file: bytes) -> dict[str, Any]:
        return score(file, self.preprocessing, self.images)

    def _ours(self, way: str, options: list[str]) -> dict[str, Any]:
        options = [*options, "--calibration-images", str(CALIBRATION_IMAGES)]
        file, layers = ours(
            self.file,
            self.dataset.class_names,
            self.preprocessing,
            self.args.data,
            self.folder / way,
            options,
        )
        return self._scored(file) | {"largest_errors": layers}


def table(results: dict[str, dict[str, Any]]) -> str:
    """Markdown: a row a member and way."""
    lines = ["| model | way | top-1 | bytes | partitions |", "|---|---|---|---|---|"]
    for name, found in results.items():
        for way, label in WAYS.items():
            one = found[way]
            size = f"{one['parameters']:,} parameters" if way == "float" else f"{one['bytes']:,}"
            lines.append(
                f"| {name} | {label} | {100 * one['accuracy']:.2f} % | {size} | {one.get('partitions', '')} |"
            )
    return "\n".join(lines)


def main() -> int:
    """Trains, converts, scores and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", help="a folder of images as for `tformer train`, or digits")
    parser.add_argument(
        "--out", type=Path, required=True, help="a folder, which may hold a run that was stopped"
    )
    parser.add_argument("--only", nargs="+", choices=MEMBERS, default=MEMBERS)
    parser.add_argument("--train-images", type=int, default=20_000)
    parser.add_argument("--test-images", type=int, default=2_000)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument(
        "--quantize-steps", type=int, default=300, help="batches of quantization-aware training"
    )
    parser.add_argument("--json", type=Path, help="write all figures here")
    args = parser.parse_args()
    dataset = load_dataset(args.data, seed=0)
    images = images_of(dataset, args.train_images, args.test_images)
    results = {name: Study(name, args, dataset, images).run() for name in args.only}
    print(table(results))
    if args.json:
        made = {"made": provenance(), "arguments": {key: str(value) for key, value in vars(args).items()}}
        write_whole(args.json, (json.dumps(made | {"results": results}, indent=1) + "\n").encode())
    return 0


if __name__ == "__main__":
    raise SystemExit(guarded("architectures", main))
