"""MediaPipe Tasks, whose programs nobody here wrote, open our files: what they answer is what the file's tensors say.

Pictures are crops of scikit-learn's photos at the input's size, since MediaPipe resizes by a rule of its own.
"""

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

from tests.models.tiny_detectors import detector, segmenter
from tformer_edge.contract import read_model_file
from tformer_edge.errors import UserError
from tformer_edge.golden_check import selftest
from tformer_edge.model import Model
from tformer_keras.deploy.compare.opens_in import MEDIAPIPE, OPENVINO
from tformer_keras.deploy.conversion_options import ConversionOptions
from tformer_keras.deploy.graph.rewrites.flat_detector import anchors_of
from tformer_keras.deploy.model_conversion import convert_model
from tformer_keras.training.saved_model import BarePreprocessing, of_model

mp = pytest.importorskip("mediapipe", reason="needs MediaPipe: make test installs it")
from mediapipe.tasks.python import BaseOptions, vision  # noqa: E402

pytestmark = pytest.mark.usefixtures("same_randomness")
COUNT = 50
SIZE = (70, 52)  # of `tiny_detectors`
# What sums of another LiteRT's kernels may differ by in an int8 score, of 256 steps.
STEPS = 1
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def crops(size: tuple[int, int], count: int = COUNT) -> Iterator[np.ndarray]:
    """Pixels, uint8 (height, width, 3)."""
    random = np.random.default_rng(1)
    photos = load_sample_images().images
    for number in range(count):
        photo = photos[number % len(photos)][:: (step := int(random.integers(1, 4))), ::step]
        top, left = (
            int(random.integers(0, whole - part)) for whole, part in zip(photo.shape, size, strict=False)
        )
        yield np.ascontiguousarray(photo[top : top + size[0], left : left + size[1]])


def classifier() -> Any:
    from keras import Model, layers

    x = inputs = layers.Input((32, 32, 3), name="image")
    x = layers.Conv2D(16, 3, 2, padding="same", activation="relu", kernel_initializer="he_normal")(x)
    x = layers.Conv2D(24, 3, 2, padding="same", activation="relu", kernel_initializer="he_normal")(x)
    x = layers.GlobalMaxPooling2D()(x)
    return Model(inputs, layers.Dense(10, name="head")(x), name="tiny")


def models(task: str) -> Any:
    import keras

    keras.utils.set_random_seed(4)
    if task == "classification":
        return classifier()
    if task == "segmentation":
        return segmenter(separable=True, neck_norm="batch", activation="relu6")
    changes = {"head_depth": 1, "separable": True, "norm": "batch", "activation": "relu6", "output_kernel": 1}
    model = detector(**changes, levels=3, anchor_scales=(4.0,), prior=0.3)
    # Fresh kernels of 0.01 give every anchor the prior's own score: nothing that a picture could change.
    pixels = np.stack(list(crops(SIZE, 4))) / 255
    outputs = model.predict((pixels - MEAN) / STD, verbose=0)
    for name, output, deviation in (("logits_conv", outputs[0], 1.5), ("deltas_conv", outputs[1], 0.3)):
        kernel = model.get_layer(name).kernel
        kernel.assign(kernel * (deviation / output.std()))
    return model


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """made(task): (path of an int8 file for MediaPipe, its report, the Keras model)."""
    folder = tmp_path_factory.mktemp("mediapipe")

    @functools.cache
    def make(task: str) -> tuple[Path, Any, Any]:
        model = models(task)
        size = tuple(model.input_shape[1:3])
        (folder / task).mkdir()
        for number, pixels in enumerate(crops(size, 16)):
            Image.fromarray(pixels).save(folder / task / f"{number}.png")
        labels = tuple(f"label {number}" for number in range(_labels(model, task)))
        options = ConversionOptions(
            ptq=True,
            calibration=str(folder / task),
            made_for="mediapipe",
            verify=task == "detection",  # whose outputs are joined; the others' proof is tested elsewhere
        )
        file, report = convert_model(model, options, BarePreprocessing(MEAN, STD, "stretch", labels))
        path = folder / f"{task}.tflite"
        path.write_bytes(file.to_bytes())
        assert report.opens_in[MEDIAPIPE] is None and report.opens_in[OPENVINO] is None
        with Model(path) as opened:
            assert all(result.passed for result in selftest(opened))
        return path, report, model

    return make


def _labels(model: Any, task: str) -> int:
    return {"classification": 10, "segmentation": 5, "detection": 3}[task]


def image_of(pixels: np.ndarray) -> Any:
    return mp.Image(image_format=mp.ImageFormat.SRGB, data=pixels)


def base(path: Path) -> Any:
    return BaseOptions(model_asset_path=str(path))


def test_classification(made: Any) -> None:
    path, report, _ = made("classification")
    assert report.io == "pixels" and report.measured.operations["SOFTMAX"] == 1
    seen = set()
    with (
        vision.ImageClassifier.create_from_options(vision.ImageClassifierOptions(base(path))) as task,
        Model(path) as model,
    ):
        for pixels in crops((32, 32)):
            ours = model.predict(pixels, top=10).to_json()
            (theirs,) = task.classify(image_of(pixels)).classifications
            scores = {one.category_name: one.score for one in theirs.categories}
            expected = {one["label"]: one["probability"] for one in ours["top"]}
            assert scores.keys() == expected.keys()
            assert max(abs(scores[name] - expected[name]) for name in scores) <= STEPS / 256
            assert scores[ours["label"]] >= max(scores.values()) - STEPS / 256
            seen.add(ours["label"])
    assert len(seen) > 2  # a model that answers the same to all proves nothing


def test_segmentation(made: Any) -> None:
    cv2 = pytest.importorskip("cv2")
    path, _, _ = made("segmentation")
    options = vision.ImageSegmenterOptions(base(path), output_confidence_masks=True)
    seen: set[int] = set()
    same = []
    with vision.ImageSegmenter.create_from_options(options) as task, Model(path) as model:
        assert list(task.labels) == list(read_model_file(path).labels)
        (info,) = model.outputs
        for pixels in crops(SIZE):
            logits = info.dequantize(model.run(pixels[None])[0])[0]
            confidences = np.exp(logits - logits.max(-1, keepdims=True))
            confidences /= confidences.sum(-1, keepdims=True)
            expected = cv2.resize(confidences.astype(np.float32), SIZE[::-1], interpolation=cv2.INTER_LINEAR)
            masks = task.segment(image_of(pixels)).confidence_masks
            received = np.stack([np.squeeze(one.numpy_view()) for one in masks], axis=-1)
            # A step of the logits moves a confidence by up to a quarter of it.
            assert np.abs(received - expected).max() <= STEPS * info.scale / 4 + 1e-3
            ours = model.predict(pixels).class_map
            same.append(float((received.argmax(-1) == ours).mean()))
            seen |= set(np.unique(ours).tolist())
    # We enlarge logits, and MediaPipe confidences: on the seams between classes that is not the same.
    assert np.mean(same) > 0.95 and len(seen) > 2


def test_detection(made: Any) -> None:
    path, report, keras_model = made("detection")
    assert report.measured.partitions >= 1 and any("joined" in note for note in report.notes)
    file = read_model_file(path)
    assert file.contract.format == 1 and file.contract.outputs == () and file.golden
    means = of_model(keras_model, BarePreprocessing(MEAN, STD, "stretch", file.labels)).outputs_mean()
    anchors = np.array(anchors_of(means.outputs, SIZE))
    options = vision.ObjectDetectorOptions(base(path), score_threshold=0.35, max_results=20)
    count, seen = 0, set()
    with vision.ObjectDetector.create_from_options(options) as task, Model(path) as model:
        with pytest.raises(UserError):
            model.predict(np.zeros((*SIZE, 3), np.uint8))
        for pixels in crops(SIZE):
            location, score = (
                info.dequantize(values)[0]
                for info, values in zip(model.outputs, model.run(pixels[None]), strict=True)
            )
            boxes, scores = _boxes(location, anchors), 1 / (1 + np.exp(-score))
            best, label = scores.max(-1), scores.argmax(-1)
            found = task.detect(image_of(pixels)).detections
            for one in found:
                (category,) = one.categories
                box = one.bounding_box
                given = np.array((box.origin_x, box.origin_y, box.width, box.height))
                # MediaPipe gives whole pixels; corner and size of a box are each brought into the picture.
                width_height = (boxes[:, 2:] - boxes[:, :2]).clip(0, SIZE[::-1])
                expected = np.concatenate([boxes[:, :2].clip(0, SIZE[::-1]), width_height], axis=-1)
                near = (np.abs(expected - given).max(-1) <= 1.5) & (np.abs(best - category.score) < 0.02)
                assert (file.labels.index(category.category_name) == label[near]).any()
                seen.add(category.category_name)
            if best.max() > 0.4:
                assert abs(max(one.categories[0].score for one in found) - best.max()) < 0.02
            count += len(found)
    assert count > COUNT and len(seen) > 1


def _boxes(location: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """Left, top, right, bottom in pixels."""
    centre = location[:, 1::-1] * anchors[:, 2:] + anchors[:, :2]
    size = np.exp(location[:, :1:-1]) * anchors[:, 2:]
    corners = np.concatenate([centre - size / 2, centre + size / 2], axis=-1)
    return corners * np.array([SIZE[1], SIZE[0]] * 2)


def test_an_int8_border_is_refused(made: Any, tmp_path: Path) -> None:
    """As the report says of it."""
    model = models("classification")
    file, report = convert_model(
        model,
        ConversionOptions(kind="float", verify=False),
        BarePreprocessing(MEAN, STD, "stretch", tuple("abcdefghij")),
    )
    assert "a mean for each channel" in report.opens_in[MEDIAPIPE]
    path = tmp_path / "float.tflite"
    path.write_bytes(file.to_bytes())
    with pytest.raises(Exception, match="[Pp]er-channel image normalization"):
        vision.ImageClassifier.create_from_options(vision.ImageClassifierOptions(base(path)))
