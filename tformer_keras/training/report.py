"""What a run leaves behind: config.json, history.csv, curves.png, its task's pictures, and report.json."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from tformer_edge.files import cannot_write, existing_folder, whole_file, write_whole
from tformer_keras.tasks.sheet import Evaluated
from tformer_keras.tasks.task import Evaluation, Figure


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Writes `data` as indented JSON, in UTF-8; bytes of names that are not UTF-8 as "\\udcXX" escapes."""
    text = json.dumps(data, indent=2, ensure_ascii=False)
    write_whole(path, text.encode("utf-8", "backslashreplace") + b"\n")


def write_history(path: Path, history: Sequence[Mapping[str, Any]]) -> None:
    """One row an epoch; a figure that an epoch lacks is empty."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in history for name in row)), restval="")
    writer.writeheader()
    writer.writerows(history)
    write_whole(path, text.getvalue().encode())


def draw_curves(history: Sequence[Mapping[str, Any]], figures: Mapping[str, Figure]) -> bytes:
    """PNG of the loss, and of what else both training and evaluation measured, over the epochs.

    Args:
        history: a row an epoch.
        figures: of the last evaluation; those in nats stand beside the loss.
    """
    from matplotlib.figure import Figure

    names = {name for row in history for name in row}
    shared = sorted(name for name in names if f"val_{name}" in names)
    losses = [("loss", "training")]
    losses += [
        (f"val_{name}", f"test ({figure.name})") for name, figure in figures.items() if figure.unit == "nats"
    ]
    panels = [("loss [nats]", losses)]
    panels += [
        (figures[name].name, [(name, "training (augmented)"), (f"val_{name}", "test")]) for name in shared
    ]
    figure = Figure(figsize=(5 * len(panels), 4), layout="constrained")
    for axes, (title, lines) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        for name, label in lines:
            points = [(row["epoch"], row[name]) for row in history if name in row]
            if points:
                axes.plot(*zip(*points, strict=True), label=label, marker="." if len(points) < 3 else None)
        axes.set(title=title, xlabel="epoch")
        axes.grid(alpha=0.3)
        axes.legend()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    return buffer.getvalue()


def make_folder(path: Path) -> None:
    """Makes a folder for pictures. Raises UserError where that cannot be."""
    existing_folder(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error


def write_pictures(out: Path, evaluation: Evaluation, images: Evaluated) -> None:
    """Writes an evaluation's pictures, those that show its images included."""
    for name, picture in evaluation.pictures(images).items():
        write_whole(out / name, picture)


def save_model(out: Path, model: keras.Model) -> None:
    """Writes model.keras."""
    with whole_file(out / "model.keras") as temporary:
        model.save(temporary)


def write_run(
    out: Path,
    history: Sequence[Mapping[str, Any]],
    evaluation: Evaluation,
    images: Evaluated,
    result: Mapping[str, Any],
) -> None:
    """Writes all files of a finished run but its model, which must be there already: report.json says "finished".

    Without a history (nothing was trained) there are no curves.
    """
    if history:
        write_history(out / "history.csv", history)
        write_whole(out / "curves.png", draw_curves(history, evaluation.figures))
    write_pictures(out, evaluation, images)
    write_json(out / "report.json", result)
