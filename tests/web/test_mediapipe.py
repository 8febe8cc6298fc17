"""MediaPipe in the browser says what `tformer-edge` says: a file proves itself to a program that knows no contract."""

import base64
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.interop import test_mediapipe as interop
from tests.web.conftest import WEB
from tests.web.pictures import Picture, cells, photo_parts, photographs, png
from tests.web.test_agreement import ask, same_answer
from tests.web.test_page import EXAMPLES, choose, expect, trouble
from tformer_edge import Model
from tformer_edge.suppression import suppress
from tformer_keras.deploy.graph.rewrites.flat_detector import maps_of
from tools.make_web import FOR_MEDIAPIPE

made = interop.made  # the fixture: small models of each task
MODELS = WEB / "models" / FOR_MEDIAPIPE
MODEL = MODELS / "tformer_micro_cifar10_large.tflite"
DETECTOR = MODELS / "detector_micro_bccd.tflite"
USUAL = WEB / "models" / DETECTOR.name
# As web/engine/mediapipe.js has it.
LEAST = 0.3
# MediaPipe keeps the best of boxes that overlap by more, whatever their labels.
OVERLAP = 0.3
ASK = """async ([model, pictures]) => {
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const { readModelFile } = await import('/contract/model_file.js');
  const { MediaPipeModel } = await import('/engine/mediapipe.js');
  const data = bytes(model);
  const { contract, labels } = readModelFile(data);
  const opened = await MediaPipeModel.open(data, contract.task, labels);
  const answers = [];
  for (const text of pictures) {
    const { map, ...answer } = opened.answer(await createImageBitmap(new Blob([bytes(text)])));
    answers.push({ ...answer, map: map && { ...map, classes: [...map.classes] } });
  }
  opened.close();
  return answers;
}"""


@pytest.fixture
def page(browser: Any, site: str) -> Any:
    """The second page; what it reaches is its own host's."""
    if not MODEL.exists():
        pytest.skip("needs the page's models: make web")
    context = browser.new_context()
    reached: list[str] = []
    context.on("response", lambda one: reached.append(one.url))
    page = context.new_page()
    page.goto(f"{site}mediapipe.html")
    yield page
    context.close()
    assert reached and all(url.startswith((site, "blob:")) for url in reached)


def test_labels_and_scores_are_tformer_edges(page: Any) -> None:
    # Of the input's own size: MediaPipe resizes others by a rule of its own.
    pictures = photo_parts(25, (32, 33))
    found = answers(page, MODEL, pictures)
    worst = 0.0
    with Model(MODEL, threads=1) as model:
        for picture, one in zip(pictures, found, strict=True):
            own = model.predict(picture, top=10)
            theirs = {label["label"]: label["score"] for label in one["top"]}
            assert theirs[own.label] == max(theirs.values())
            worst = max(worst, *(abs(theirs.get(label.label, 0.0) - label.probability) for label in own.top))
        step = model.outputs[0].scale
    print(f"\n{len(pictures)} pictures; scores up to {worst / step:.2f} steps of the output apart")
    assert worst <= 2 * step


def test_our_own_page_opens_the_same_file(visit: Callable[..., Any]) -> None:
    """Raw pixels in, probabilities out: other forms of the contract than the shipped models have."""
    pictures = photo_parts(4, (24, 420))
    found = ask(visit(), MODEL, [png(one) for one in pictures])
    with Model(MODEL, threads=1) as model:
        for picture, one in zip(pictures, found, strict=True):
            values = np.frombuffer(base64.b64decode(one["outputs"][0]), np.uint8)
            same_answer(
                one["answer"], model.read([values.reshape(model.outputs[0].shape)], picture.shape[:2])
            )
            assert one["answer"]["top"][0]["label"] == model.predict(picture).label


def answers(page: Any, model: Path, pictures: list[Picture]) -> list[dict[str, Any]]:
    """What the second page's engine makes of pictures."""
    texts = [base64.b64encode(one).decode("ascii") for one in (model.read_bytes(), *map(png, pictures))]
    return list(page.evaluate(ASK, [texts[0], texts[1:]]))


def test_segmentation(page: Any, made: Any) -> None:
    path, _, _ = made("segmentation")
    pictures = list(interop.crops(interop.SIZE, 12))
    same = []
    with Model(path, threads=1) as model:
        for picture, one in zip(pictures, answers(page, path, pictures), strict=True):
            classes = np.array(one["map"]["classes"]).reshape(one["map"]["height"], one["map"]["width"])
            same.append(float((classes == model.predict(picture).class_map).mean()))
    print(f"\n{len(pictures)} pictures; {100 * np.mean(same):.1f} % of pixels have the same class")
    # We enlarge logits, and MediaPipe confidences: on the seams between classes that is not the same.
    assert np.mean(same) > 0.95


def test_detection(page: Any, made: Any) -> None:
    """As MediaPipe for Python finds them: our own rule keeps other boxes (docs/interoperability.md, "MediaPipe")."""
    path, _, _ = made("detection")
    pictures = list(interop.crops(interop.SIZE, 12))
    options = interop.vision.ObjectDetectorOptions(
        interop.BaseOptions(model_asset_path=str(path)), score_threshold=LEAST
    )
    found = 0
    with interop.vision.ObjectDetector.create_from_options(options) as task:
        for picture, one in zip(pictures, answers(page, path, pictures), strict=True):
            own = task.detect(interop.image_of(picture)).detections
            assert len(one["objects"]) == len(own)
            for theirs, ours in zip(one["objects"], own, strict=True):
                category = max(ours.categories, key=lambda one: one.score)
                box = ours.bounding_box
                corners = [box.origin_x, box.origin_y, box.origin_x + box.width, box.origin_y + box.height]
                assert theirs["label"] == category.category_name
                assert theirs["score"] == pytest.approx(category.score, abs=0.01)
                assert theirs["box"] == pytest.approx(corners, abs=1.5)
            found += len(own)
    assert found > len(pictures)


def test_the_shipped_detector_finds_what_tformer_edge_finds(page: Any) -> None:
    """The file's two outputs, as LiteRT gives them here, read by tformer-edge as the maps of the usual file, whose
    contract says how; only the suppression is MediaPipe's: the best of boxes that overlap, whatever their labels."""
    with Model(USUAL, threads=1) as usual, Model(DETECTOR, threads=1) as model:
        size, maps = usual.file.contract.image.input_size, usual.file.contract.outputs
        photo = photo_parts(1, (400, 420))[0]
        pictures = [*cells(4, size), photo[: size[0], : size[1]]]
        seen: Counter[str] = Counter()
        for picture, one in zip(pictures, answers(page, DETECTOR, pictures), strict=True):
            outputs = [
                info.dequantize(values)
                for info, values in zip(model.outputs, model.run(picture[None]), strict=True)
            ]
            every = usual.read(
                maps_of(outputs, size, maps), score_threshold=LEAST, iou_threshold=1, max_boxes=10_000
            )
            stay = suppress(every.found.boxes, np.zeros(len(every), np.int64), OVERLAP, 10_000)
            theirs, ours = one["objects"], [every.objects[index] for index in stay]
            kinds = sorted((found.label, round(found.score, 3)) for found in ours)
            assert sorted((found["label"], round(found["score"], 3)) for found in theirs) == kinds
            # Of equal scores, a step of the output's, another may come first. Corner and size of a box are whole
            # pixels, each cut: a side may be short by two of them.
            for found in theirs:
                assert min(_apart(other, found) for other in every) <= 2
            seen.update(found["label"] for found in theirs)
    print(f"\n{len(pictures)} pictures: {', '.join(f'{count} {label}' for label, count in seen.items())}")
    assert len(seen) == 3 and seen.total() > 30


def _apart(ours: Any, theirs: dict[str, Any]) -> float:
    """How many pixels the sides of two boxes are apart at most; of another label or score: infinitely many."""
    if ours.label != theirs["label"] or abs(ours.score - theirs["score"]) > 1e-3:
        return float("inf")
    return max(abs(side - other) for side, other in zip(ours.box, theirs["box"], strict=True))


def test_the_page(page: Any) -> None:
    page.select_option("#shipped", label="detector_micro_bccd")
    expect(page.locator("#state")).to_have_text("Choose a picture.")
    page.set_input_files("#picture-file", photographs()[0])
    expect(page.locator("#said")).to_contain_text("By MediaPipe Tasks")
    choose(page, "model", "good.tflite", Path(EXAMPLES / "good.tflite").read_bytes())
    assert "a model that MediaPipe opens" in trouble(page)
