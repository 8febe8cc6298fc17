"""benchmarks/experiments.py: rows of run folders, and what differs between them."""

import dataclasses
import json

import pytest

from benchmarks.experiments import main
from tformer_keras.models.families import build_config
from tformer_keras.models.tformer import VARIANTS
from tformer_keras.training.recipe import plain
from tformer_keras.training.recipes import RECIPES


def make_run(folder, top1, recipe=RECIPES["digits"], **fields):
    """A finished run's folder, as far as the table reads it."""
    config = dataclasses.replace(
        VARIANTS["tformer_micro"], input_shape=(16, 16, 3), classes=10, depths=(1,), widths=(64,), **fields
    )
    folder.mkdir()
    build_config(config, "tformer_micro").save(folder / "model.keras")
    run = {"recipe": recipe.to_json(), "seed": 0, "limit_steps": None, "teacher": None}
    model = {"name": "tformer_micro", "config": plain(dataclasses.asdict(config))}
    (folder / "config.json").write_text(json.dumps({"run": run, "model": model}), encoding="utf-8")
    result = {"epochs": recipe.epochs, "seconds": 1234.4, "evaluation": {"top1": top1}}
    (folder / "report.json").write_text(json.dumps(result), encoding="utf-8")
    return str(folder)


def test_table_says_what_each_run_changed(tmp_path, capsys):
    """Fields of the model and of the recipe, by name; the base has none; epochs have a column of their own."""
    longer = dataclasses.replace(RECIPES["digits"], epochs=40, label_smoothing=0.2)
    runs = [
        make_run(tmp_path / "base", 0.5),
        make_run(tmp_path / "other", 0.625, longer, kernels=(3, 5)),
    ]
    assert main(runs) == 0
    base, other = capsys.readouterr().out.splitlines()[2:]
    assert base.startswith("| base | – |") and base.endswith("| 20 | 1,234 | 50.00 % |")
    assert "| label_smoothing 0.2; kernels 3, 5 |" in other and other.endswith("| 40 | 1,234 | 62.50 % |")
    assert main([*runs, "--json", "--base", runs[1]]) == 0
    rows = json.loads(capsys.readouterr().out)["runs"]
    assert rows[1]["changed"] == "–" and rows[0]["changed"] == "label_smoothing 0.05; kernels 3, 5, 7, 9, 11"
    assert rows[0]["parameters"] == rows[1]["parameters"] and rows[0]["macs"] == rows[1]["macs"] > 0


@pytest.mark.parametrize("broken", ["missing", "other"])
def test_refuses_what_is_no_finished_run(tmp_path, capsys, broken):
    """One sentence and exit code 2."""
    folder = tmp_path / broken
    if broken == "other":
        folder.mkdir()
        (folder / "config.json").write_text("[]")
        (folder / "report.json").write_text("{}")
    assert main([str(folder)]) == 2
    assert "expected a finished run of a classifier" in capsys.readouterr().err
