"""Average precision of a detector in MediaPipe Tasks, whose suppression knows no labels (docs/interoperability.md).

    tformer convert detector_micro_bccd --for mediapipe --data BCCD --out cells.tflite    # by tformer-edge's own rule
    python benchmarks/mediapipe_boxes.py cells.tflite BCCD

Twice: with each test picture as it is, which MediaPipe resizes, and resized as the model's contract says.
"""

import argparse
import sys
from pathlib import Path

import mediapipe
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision

from tformer_edge.contract import read_model_file
from tformer_keras.data.load import load_dataset
from tformer_keras.tasks.annotations import BoxAnnotation
from tformer_keras.tasks.detection_evaluation import evaluate_boxes
from tformer_keras.tasks.detection_judge import EVALUATED


def main() -> int:
    """Prints two lines of figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("data")
    args = parser.parse_args()
    file = read_model_file(args.model)
    assert file.contract is not None
    test = load_dataset(args.data, seed=0).test
    options = vision.ObjectDetectorOptions(
        base_options=BaseOptions(model_asset_path=str(args.model)),
        score_threshold=EVALUATED.score_threshold,
        max_results=EVALUATED.max_boxes,
    )
    print(f"mediapipe {mediapipe.__version__}")
    with vision.ObjectDetector.create_from_options(options) as detector:
        for resized in (False, True):
            found, things, sizes = [], [], []
            for number in range(len(test)):
                picture, truth = test.pixels(number), test.annotation(number)
                assert isinstance(truth, BoxAnnotation)
                pixels = file.contract.image.pixels(picture) if resized else picture
                image = mediapipe.Image(
                    image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(pixels)
                )
                across, down = picture.shape[1] / pixels.shape[1], picture.shape[0] / pixels.shape[0]
                for one in detector.detect(image).detections:
                    box, (category,) = one.bounding_box, one.categories
                    left, top = box.origin_x * across, box.origin_y * down
                    label = file.labels.index(category.category_name)
                    sides = (left, top, left + box.width * across, top + box.height * down)
                    found.append((number, label, category.score, *sides))
                for label, crowd, area, sides in zip(
                    truth.labels, truth.crowd, truth.areas, truth.boxes, strict=True
                ):
                    things.append((number, label, crowd, area, *sides))
                sizes.append(picture.shape[:2])
            evaluation = evaluate_boxes(
                file.labels, np.array(found).reshape(-1, 7), np.array(things).reshape(-1, 8), np.array(sizes)
            )
            figures = ", ".join(map(str, evaluation.figures.values()))
            print(
                f"{len(sizes)} pictures, resized by {'the contract' if resized else 'MediaPipe'}: {figures}"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
