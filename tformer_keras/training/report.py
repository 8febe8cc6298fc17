"""What a run leaves behind: config.json, history.csv, curves.png, confusion.png and report.json."""

import csv
import importlib.metadata
import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tformer_keras.tasks.classification import Evaluation
from tformer_keras.training.checkpoint import flush_folder

PACKAGES = (
    "tformer-keras",
    "keras",
    "tf-keras",
    "tensorflow-model-optimization",
    "tensorflow",
    "jax",
    "jaxlib",
    "torch",
    "numpy",
    "pillow",
    "scikit-learn",
)


def versions() -> dict[str, str]:
    """Python and the installed packages that a result depends on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def git_commit() -> str | None:
    """The commit of this package's source, with "+changes" when files differ from it; None outside a repository."""
    folder = Path(__file__).resolve().parent
    try:
        commit = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        ).stdout.strip()
        changes = subprocess.run(
            ["git", "-C", str(folder), "status", "--porcelain", "--untracked-files=no"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
    return commit + ("+changes" if changes else "")


def write_text(path: Path, text: str) -> None:
    """Writes a file aside and renames it, so that a reader never sees half of it."""
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    flush_folder(path.parent)


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Writes `data` as indented JSON."""
    write_text(path, json.dumps(data, indent=2, ensure_ascii=False) + "\n")


def write_history(path: Path, history: Sequence[Mapping[str, Any]]) -> None:
    """One row an epoch; a figure that an epoch lacks is empty."""
    names = list(dict.fromkeys(name for row in history for name in row))
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(history)
    os.replace(temporary, path)


def draw_curves(path: Path, history: Sequence[Mapping[str, Any]]) -> None:
    """Loss and top-1 over the epochs, training and test."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes, title, lines in (
        (left, "loss [nats]", (("loss", "training"), ("val_cross_entropy", "test (cross-entropy)"))),
        (right, "top-1", (("top1", "training (augmented)"), ("val_top1", "test"))),
    ):
        for name, label in lines:
            points = [(row["epoch"], row[name]) for row in history if name in row]
            if points:
                axes.plot(*zip(*points, strict=True), label=label, marker="." if len(points) < 3 else None)
        axes.set(title=title, xlabel="epoch")
        axes.grid(alpha=0.3)
        axes.legend()
    _save_figure(figure, path)


def draw_confusion(path: Path, evaluation: Evaluation) -> None:
    """The confusion matrix as shares of each true class; numbers and names where they fit."""
    from matplotlib.figure import Figure

    counts = evaluation.confusion
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    classes = len(evaluation.class_names)
    side = min(12.0, 3.0 + 0.45 * classes)
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, label="share of the true class")
    axes.set(
        xlabel="predicted", ylabel="true", title=f"top-1 {100 * evaluation.top1:.2f} % of {evaluation.images}"
    )
    if classes <= 25:
        axes.set_xticks(range(classes), evaluation.class_names, rotation=45, ha="right")
        axes.set_yticks(range(classes), evaluation.class_names)
        for row in range(classes):
            for column in range(classes):
                if counts[row, column]:
                    colour = "white" if shares[row, column] > 0.5 else "black"
                    axes.text(
                        column, row, str(counts[row, column]), ha="center", va="center", color=colour, size=7
                    )
    _save_figure(figure, path)


def save_model(out: Path, model: keras.Model) -> None:
    """Writes model.keras."""
    temporary = out / "unfinished.keras"
    model.save(temporary)
    temporary.replace(out / "model.keras")


def write_run(
    out: Path, history: Sequence[Mapping[str, Any]], evaluation: Evaluation, result: Mapping[str, Any]
) -> None:
    """Writes all files of a finished run but its model, which must be there already: report.json says "finished".

    Without a history (nothing was trained) there are no curves.
    """
    if history:
        write_history(out / "history.csv", history)
        draw_curves(out / "curves.png", history)
    draw_confusion(out / "confusion.png", evaluation)
    write_json(out / "report.json", result)


def _save_figure(figure: Any, path: Path) -> None:
    temporary = path.with_name(path.name + ".tmp")
    figure.savefig(temporary, format="png", dpi=120)
    os.replace(temporary, path)


def table(evaluation: Evaluation, limit: int = 50) -> str:
    """The evaluation as text: the totals, then a line a class (the worst `limit` when there are more)."""
    rows = evaluation.per_class()
    shown = rows
    if len(rows) > limit:
        shown = sorted(rows, key=lambda row: (row["accuracy"] is None, row["accuracy"]))[:limit]
    width = max(len("class"), *(len(row["class"]) for row in shown))
    lines = [f"{'class':<{width}}  images  accuracy  precision"]
    for row in shown:
        lines.append(
            f"{row['class']:<{width}}  {row['images']:6d}  {_percent(row['accuracy'])}  "
            f" {_percent(row['precision'])}"
        )
    if len(rows) > limit:
        lines.append(f"(the {limit} least accurate of {len(rows)} classes)")
    lines.append(
        f"top-1 {100 * evaluation.top1:.2f} %, top-5 {100 * evaluation.top5:.2f} %, "
        f"cross-entropy {evaluation.cross_entropy:.4f}, {evaluation.images} images"
    )
    return "\n".join(lines)


def _percent(share: float | None) -> str:
    return "      –" if share is None else f"{100 * share:6.2f} %"
