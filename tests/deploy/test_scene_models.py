"""A detector and a segmenter, whole: trained a little, converted, read by the device, the same on both sides."""

import dataclasses
import json
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from tformer_cli.main import main
from tformer_edge.cli import main as edge_main
from tformer_edge.contract import read_model_file, write_model_file
from tformer_edge.golden_check import selftest
from tformer_edge.model import Model

CLASSES = ("ball", "box")
SMALL = ("backbone.width=0.125", "backbone.kernels=[3]", "head_channels=8", "neck_channels=8")


def picture(seed: int) -> tuple[np.ndarray, list[tuple[int, tuple[int, int, int, int]]], np.ndarray]:
    """A red ball or a blue box or both on grey noise; boxes and the class of each pixel, the ground being the third."""
    random = np.random.default_rng(seed)
    image = random.integers(90, 130, (64, 64, 3)).astype(np.uint8)
    mask = np.full((64, 64), 2, np.uint8)
    things = []
    for label in range(2) if seed % 3 else [seed % 2]:
        side = int(random.integers(18, 26))
        top, left = (int(v) for v in random.integers(0, 64 - side, 2))
        rows, columns = np.mgrid[:64, :64]
        inside = (rows >= top) & (rows < top + side) & (columns >= left) & (columns < left + side)
        if label == 0:
            inside &= (rows - top - side / 2 + 0.5) ** 2 + (
                columns - left - side / 2 + 0.5
            ) ** 2 <= side**2 / 4
        image[inside] = ((220, 40, 40), (40, 40, 220))[label]
        mask[inside] = label
        things.append((label, (left, top, left + side, top + side)))
    return image, things, mask


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`boxes`, as Pascal VOC has them, and `masks`; `dusk`: boxes as a camera sees them that others balanced."""
    root = tmp_path_factory.mktemp("scenes")
    for split, seeds in (("train", range(24)), ("test", range(100, 108))):
        for part in ("images", "masks"):
            (root / "masks" / part / split).mkdir(parents=True)
        for seed in seeds:
            image, _, mask = picture(seed)
            Image.fromarray(image).save(root / "masks" / "images" / split / f"{seed}.png")
            Image.fromarray(mask).save(root / "masks" / "masks" / split / f"{seed}.png")
    (root / "masks" / "classes.txt").write_text("ball\nbox\nground\n")
    write_boxes(root / "boxes", dusk=False)
    write_boxes(root / "dusk", dusk=True)
    return root


def write_boxes(root: Path, dusk: bool) -> None:
    for folder in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (root / folder).mkdir(parents=True)
    for split, seeds in (("train", range(24)), ("test", range(100, 108))):
        for seed in seeds:
            image, things, _ = picture(seed)
            if dusk:
                image = (image * (0.5, 0.5, 0.9) + (0, 0, 25)).astype(np.uint8)
            Image.fromarray(image).save(root / "JPEGImages" / f"{seed}.png")
            objects = "".join(
                f"<object><name>{CLASSES[label]}</name><bndbox><xmin>{box[0] + 1}</xmin><ymin>{box[1] + 1}</ymin>"
                f"<xmax>{box[2]}</xmax><ymax>{box[3]}</ymax></bndbox></object>"
                for label, box in things
            )
            text = f"<annotation><filename>{seed}.png</filename>{objects}</annotation>"
            (root / "Annotations" / f"{seed}.xml").write_text(text)
        (root / "ImageSets" / "Main" / f"{split}.txt").write_text("\n".join(map(str, seeds)))


def trained(data: Path, name: str, out: Path, *more: str) -> dict:
    models = {"boxes": "detector_tiny", "masks": "segmenter_tiny"}
    small = (*SMALL, "anchor_scales=[2.5]", "head_depth=1") if name == "boxes" else SMALL
    settings = [part for one in small for part in ("--model-set", one)]
    arguments = ["train", str(data / name), "--model", models[name], "--epochs", "32", "--input-size", "64"]
    arguments += ["--batch-size", "4", "--out", str(out), "--learning-rate", "6e-3"]
    arguments += ["--set", "augmentation.zoom_crop=None", "--set", "evaluate_every=32"]
    assert main([*arguments, *settings, *more]) == 0
    return json.loads((out / "report.json").read_text())


@pytest.fixture(scope="module", params=["boxes", "masks"])
def run(
    request: pytest.FixtureRequest, data: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    keras.utils.set_random_seed(0)
    out = tmp_path_factory.mktemp(request.param) / "run"
    report = trained(data, request.param, out)
    headline = report["evaluation"]["ap50" if request.param == "boxes" else "miou"]
    assert headline > 0.35, headline  # it has learnt what is to be seen
    return request.param, out


@pytest.fixture(scope="module")
def file(run: tuple[str, Path], data: Path) -> Path:
    name, out = run
    images = data / "masks" / "images"
    arguments = [
        "convert",
        str(out),
        "--int8",
        "--ptq",
        "--calibration",
        str(images),
        "--data",
        str(data / name),
    ]
    assert main([*arguments, "--out", str(out / "m.tflite"), "--force"]) == 0
    return out / "m.tflite"


def test_evaluate_gives_the_runs_own_figures(
    run: tuple[str, Path], data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, out = run
    assert main(["evaluate", str(data / name), "--model", str(out), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    expected = json.loads((out / "report.json").read_text())["evaluation"]
    key = "ap" if name == "boxes" else "miou"
    assert found[key] == pytest.approx(expected[key], abs=1e-6) and found["images"] == 8


def test_int8_in_litert_is_as_good(run: tuple[str, Path], file: Path) -> None:
    name, out = run
    key = "ap50" if name == "boxes" else "miou"
    expected = json.loads((out / "report.json").read_text())["evaluation"][key]
    contract = read_model_file(file).contract
    assert contract is not None and contract.format == 2
    assert contract.accuracy["evaluation" if "evaluation" in contract.accuracy else key] is not None
    assert json.loads(json.dumps(contract.accuracy))[key] == pytest.approx(expected, abs=0.2)


@pytest.mark.parametrize("kernels", ["reference", "xnnpack"])
def test_the_device_proves_outputs_and_answers(file: Path, kernels: str) -> None:
    with Model(file, kernels=kernels, threads=1) as model:
        results = selftest(model)
        assert len(results) == 2 and all(result.passed and result.answered for result in results)
        assert model.delegation().partitions == (1 if kernels == "xnnpack" else 0)


def test_a_device_that_reads_otherwise_is_found_out(file: Path, tmp_path: Path) -> None:
    found = read_model_file(file)
    assert found.contract is not None
    golden = tuple(dataclasses.replace(one, answer_sha256="0" * 64) for one in found.golden)
    records = tuple(dataclasses.replace(record, answer_sha256="0" * 64) for record in found.contract.golden)
    contract = dataclasses.replace(found.contract, golden=records)
    (tmp_path / "m.tflite").write_bytes(write_model_file(found.flatbuffer, contract, found.labels, golden))
    with Model(tmp_path / "m.tflite", kernels="reference", threads=1) as model:
        assert not any(result.passed for result in selftest(model))
    assert edge_main(["selftest", str(tmp_path / "m.tflite")]) == 1


def test_the_device_finds_what_is_there(run: tuple[str, Path], file: Path) -> None:
    name, _ = run
    right = total = 0
    with Model(file, threads=1) as model:
        for seed in range(100, 108):
            image, things, mask = picture(seed)
            answer = model.predict(np.kron(image, np.ones((2, 2, 1), np.uint8)))  # twice as large
            if name == "masks":
                right += int((answer.class_map[::2, ::2] == mask).sum())
                total += mask.size
                assert sum(one.pixels for one in answer.areas) == 128 * 128
                continue
            for label, box in things:
                total += 1
                right += any(
                    one.label == CLASSES[label] and np.abs(np.array(one.box) - 2 * np.array(box)).max() < 16
                    for one in answer
                )
    assert right >= 0.5 * total


def test_pictures_are_drawn(
    run: tuple[str, Path], file: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = data / "masks" / "images" / "test"
    assert edge_main(["run", str(file), str(images), "--draw", str(tmp_path / "drawn"), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 8 and ("objects" if run[0] == "boxes" else "areas") in lines[0]
    assert len(list((tmp_path / "drawn").iterdir())) == 8
    one = tmp_path / "one.jpg"
    assert edge_main(["run", str(file), str(images / "100.png"), "--draw", str(one)]) == 0
    with Image.open(one) as drawn:
        assert drawn.size == (64, 64) and drawn.format == "JPEG"
    assert edge_main(["benchmark", str(file), "--runs", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["answer_ms"] > 0


def test_predict_says_the_same_on_the_server(
    run: tuple[str, Path], data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, out = run
    image = data / "masks" / "images" / "test" / "101.png"
    assert main(["predict", str(image), "--model", str(out), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["images"]
    assert found["objects" if name == "boxes" else "areas"]


def test_it_is_quantized_and_updated_in_training(
    run: tuple[str, Path], data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, out = run
    if name == "masks":
        return  # half a minute more, and several outputs are the harder case
    assert (
        main(
            [
                "quantize",
                str(out),
                "--data",
                str(data / name),
                "--out",
                str(out.parent / "q"),
                "--epochs",
                "1",
            ]
        )
        == 0
    )
    figures = json.loads((out.parent / "q" / "report.json").read_text())
    before = figures["before"]["float"]["ap50"]
    assert figures["before"]["calibrated"]["ap50"] == pytest.approx(before, abs=0.2)
    assert figures["evaluation"]["ap50"] == pytest.approx(before, abs=0.25)

    new = ["--data", str(data / "dusk"), "--budget", "100%", "--shares", "30", "--out", str(out.parent / "u")]
    how = ["--epochs", "8", "--batch-size", "4", "--learning-rate", "6e-3", "--json"]
    how += ["--set", "augmentation.zoom_crop=None"]
    capsys.readouterr()
    assert main(["update", str(out.parent / "q"), *new, *how]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    by_name = {one["name"]: one for one in found["updates"]}
    assert found["figure"].startswith("AP") and set(by_name) == {"head", "30 %", "all"}
    assert by_name["head"]["bytes"] < by_name["30 %"]["bytes"] < by_name["all"]["bytes"]
    best = by_name[found["chosen"]]
    assert best["value"] > found["deployed"]["value"] and found["evaluation"]["images"] == 8
