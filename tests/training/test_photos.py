"""What the recipe `photos` chooses for folders as people have them, and that each option wins."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tformer_cli.main import main
from tformer_keras.training.photos import Facts, as_begun, choose_photos


@pytest.mark.parametrize(
    ("facts", "model", "side", "epochs", "batch", "width"),
    [
        (Facts(200, 3, 480), "tformer_micro", 224, 200, 32, 0.25),
        (Facts(1_500, 5, 100), "tformer_micro", 96, 130, 32, 0.25),
        (Facts(8_000, 10, 150), "tformer_micro", 160, 48, 64, 0.25),
        (Facts(50_000, 10, 32), "tformer_micro", 32, 15, 128, 1.0),
        (Facts(100_000, 50, 300), "tformer_micro", 224, 10, 128, 0.5),
        (Facts(400_000, 500, 300), "tformer_s", 224, 10, 128, None),
    ],
)
def test_the_choice(
    facts: Facts, model: str, side: int, epochs: int, batch: int, width: float | None
) -> None:
    choice = choose_photos(facts)
    recipe = choice.recipe
    assert (choice.model, recipe.input_size) == (model, (side, side))
    assert (recipe.epochs, recipe.batch_size) == (epochs, batch)
    assert recipe.model_arguments.get("width") == width
    assert len(set(recipe.mean)) == len(set(recipe.std)) == 1 and recipe.mean[0] * 255 == 128
    assert (recipe.augmentation.resized_crop is None) == (side == 32)
    assert choice == choose_photos(facts)
    assert all("(--" in reason for reason in choice.reasons)


def test_a_folder_alone_is_enough_and_options_win(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(10):
            noise = random.integers(0, 256, (40, 60, 3), dtype=np.uint8)
            Image.fromarray(noise).save(tmp_path / "data" / name / f"{number}.png")
    short = ["--epochs", "1", "--limit-steps", "1", "--batch-size", "4", "--out", str(tmp_path / "run")]
    command = [
        "train",
        str(tmp_path / "data"),
        *short,
        "--model-set",
        "depths=(1,)",
        "--model-set",
        "widths=(16,)",
    ]
    assert main(command) == 0
    text = capsys.readouterr().out
    assert "chosen: input 32x32: the pictures' shorter sides are about 40 pixels (--input-size)" in text
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    recipe = config["run"]["recipe"]
    assert recipe["name"] == "photos" and recipe["input_size"] == [32, 32] and recipe["epochs"] == 1
    assert config["model"]["config"]["depths"] == [1] and recipe["batch_size"] == 4
    assert main(command) == 0 and "is finished" in capsys.readouterr().out


def test_large_jpegs_are_reduced_but_not_in_a_run_that_was_begun_without(tmp_path: Path) -> None:
    choice = choose_photos(Facts(200, 3, 900))
    assert choice.recipe.augmentation.reduced_decoding and choice.reasons[-1].startswith("JPEGs are decoded")
    assert not choose_photos(Facts(200, 3, 800)).recipe.augmentation.reduced_decoding
    assert as_begun(choice, tmp_path) == choice
    for recorded in (choice.recipe, choose_photos(Facts(200, 3, 800)).recipe):
        (tmp_path / "config.json").write_text(json.dumps({"run": {"recipe": recorded.to_json()}}))
        (tmp_path / "report.json").touch()
        again = as_begun(choice, tmp_path)
        assert again.recipe.augmentation == recorded.augmentation
        assert again.recipe.to_json() == recorded.to_json()
        assert len(again.reasons) == 4 + recorded.augmentation.reduced_decoding
    (tmp_path / "config.json").write_text("[]")
    assert as_begun(choice, tmp_path) == choice
