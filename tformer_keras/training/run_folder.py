"""What a run is asked to do, and its folder: made once, and refused to a run with other settings."""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tformer_edge.errors import UserError, first_line
from tformer_edge.files import cannot_write, existing_folder
from tformer_edge.preprocessing import Preprocessing
from tformer_keras.data.dataset import Dataset, ImageSplit
from tformer_keras.training.provenance import git_commit, versions
from tformer_keras.training.recipe import Recipe, plain


@dataclass(frozen=True, kw_only=True)
class LoopJob:
    """What every run is asked, whatever it trains.

    Attributes:
        data: "digits" or a folder of images.
        recipe: how it is trained, the model's arguments and input size included.
        out: the run's folder.
        seed: of weights, batches and augmentations.
        limit_steps: use at most this many batches of each epoch and evaluation (for trials), or None.
        skip_unreadable: go on without files that cannot be read.
        checkpoint_minutes: between checkpoints within an epoch.
        tensorboard: write events to the folder's `tensorboard/`.
        command: the command line, for the record.
        workers: processes that decode and augment the images; 0: threads of this one. Decides nothing.
    """

    data: str
    recipe: Recipe
    out: Path
    seed: int = 0
    limit_steps: int | None = None
    skip_unreadable: bool = False
    checkpoint_minutes: float = 10.0
    tensorboard: bool = False
    command: Sequence[str] = ()
    workers: int = 0


@dataclass(frozen=True, kw_only=True)
class Job(LoopJob):
    """One training run.

    Attributes:
        model: a key of `tformer_keras.VARIANTS`.
        weights: a `.keras` file or shipped weights to begin from, or None.
        teachers: `.keras` files to learn from, perhaps none; of several, from the mean of their outputs.
        distillation: "soft" or "hard"; used with teachers.
        xla: compile with XLA; None: where it pays (see `compile_option`).
        nested: what --nested asks for, see `nested_tformer.capacities_of`; None: one model.
    """

    model: str
    weights: str | None = None
    teachers: Sequence[str] = ()
    distillation: str = "soft"
    xla: bool | None = None
    nested: str | None = None


def recorded_teachers(paths: Sequence[str]) -> str | list[str] | None:
    """What a run's config.json says of its teachers: none, the only one, or the list."""
    return (paths[0] if len(paths) == 1 else list(paths)) if paths else None


def make_record(
    job: LoopJob,
    dataset: Dataset,
    preprocessing: Preprocessing,
    model: Mapping[str, Any],
    decides: Mapping[str, Any],
    notes: Mapping[str, Any],
) -> dict[str, Any]:
    """config.json: "run" is what decides the result, and must be the same when the run is gone on with.

    Args:
        job: the run.
        dataset: its data.
        preprocessing: of evaluation, and of every use of the model.
        model: "name" and "config" of the model's architecture.
        decides: what decides the result beside the recipe, the seed and the images.
        notes: more to remember, which decides nothing.
    """
    names = hashlib.sha256(
        "\n".join([*dataset.train.names, "", *dataset.test.names]).encode("utf-8", "surrogateescape")
    ).hexdigest()
    labels = hashlib.sha256(b"".join(map(_annotation_bytes, (dataset.train, dataset.test)))).hexdigest()
    return {
        "run": {
            "recipe": job.recipe.to_json(),
            "seed": job.seed,
            "limit_steps": job.limit_steps,
            "backend": keras.backend.backend(),
            "images": {
                "train": len(dataset.train.names),
                "test": len(dataset.test.names),
                "names": names,
                "labels": labels,
            },
            **decides,
        },
        "task": dataset.task,
        "data": job.data,
        "class_names": list(dataset.class_names),
        "skipped": [str(skipped) for skipped in dataset.skipped],
        "preprocessing": preprocessing.to_json(),
        "model": dict(model),
        "command": list(job.command),
        "versions": versions(),
        "git_commit": git_commit(),
        **notes,
    }


def _annotation_bytes(split: ImageSplit) -> bytes:
    if isinstance(split.annotations, np.ndarray):
        return split.annotations.astype("<i4").tobytes()
    return b"".join(split.annotation(index).fingerprint() for index in range(len(split)))


def begun(out: Path) -> bool:
    """Whether the folder holds a run that can be gone on with, or is finished."""
    return (out / "report.json").is_file() or any((out / "checkpoints").glob("step-*.npz"))


def is_run_of(out: Path, command: str) -> bool:
    """Whether the run in the folder is one of the command whose record has this key ("quantize", "update")."""
    try:
        return command in json.loads((out / "config.json").read_text(encoding="utf-8"))["run"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def check_out(out: Path, command: str) -> None:
    """Raises UserError where `out` holds something that is no run of the command (its key as for `is_run_of`)."""
    if not out.exists():
        return
    found = [path.name for path in out.iterdir()] if out.is_dir() else [out.name]
    # Hidden ones are what a killed process left; the others below, one that was killed before it finished anything.
    names = {name for name in found if not name.startswith(".")}
    unbegun = not begun(out) and names <= {"config.json", "checkpoints", "tensorboard"}
    if not (unbegun or is_run_of(out, command)):
        raise UserError("a new folder", f"{out}, which holds something else", "choose another", where="--out")


# What runs write beside config.json: in a folder that is none of theirs, such a file is somebody else's.
OWN_FILES = ("config.json", "model.keras", "quantized.npz", "history.csv", "curves.png", "report.json")


def check_new_folder(out: Path) -> None:
    """Checks that a run may begin in a folder: nothing of anybody else's would be overwritten there.

    Raises:
        UserError: it is a file, or holds files of these names that no run of tformer wrote.
    """
    try:
        if out.exists() and not out.is_dir():
            raise UserError("a folder for the run", f"{out}, which is a file", "give another --out")
        if not out.exists():
            existing_folder(out)
        found = [name for name in OWN_FILES if (out / name).exists()]
    except OSError as error:  # a name that is too long
        raise cannot_write(out, error) from error
    if found and not _of_a_run(out / "config.json"):
        raise UserError(
            "a new folder, or one of a run",
            f"{out}, whose {found[0]} is from elsewhere",
            "give another --out, so that it is not overwritten",
        )


def _of_a_run(path: Path) -> bool:
    """Whether a config.json is one that `make_record` made."""
    try:
        return {"run", "task", "preprocessing", "versions"} <= set(
            json.loads(path.read_text(encoding="utf-8"))
        )
    except (OSError, ValueError, TypeError, RecursionError):
        return False


@contextlib.contextmanager
def locked(out: Path) -> Iterator[None]:
    """Holds a run's folder, which is there, for one process; the end of that process, however it comes, lets go of it.

    Raises:
        UserError: another process holds it.
    """
    try:
        import fcntl
    except ImportError:  # not on Windows
        yield
        return
    descriptor = os.open(out, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"nobody else at work in {out}",
                "another process that trains there",
                "wait for it, or stop it",
            ) from None
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(descriptor)


def check_folder(job: LoopJob, record: Mapping[str, Any]) -> bytes:
    """Checks that the run in the folder, if one was begun there, is this job's; writes nothing.

    Returns:
        The report, as JSON, of a finished run, or "null".

    Raises:
        UserError: the folder holds a run with other settings.
    """
    path, finished = job.out / "config.json", job.out / "report.json"
    if not any((job.out / "checkpoints").glob("step-*.npz")):
        check_new_folder(job.out)
    if not begun(job.out):
        return b"null"  # a command that failed, or was killed at once, does not bind the next one
    try:
        before = json.loads(path.read_text(encoding="utf-8"))["run"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(
            f"the settings of a run in {path}", first_line(error), "delete the folder, or use another --out"
        ) from error
    different = _differences(before, plain(record["run"]))
    if "seed" in different:  # the split of a folder follows from it
        different = [name for name in different if not name.startswith("images.")]
    if different:
        raise UserError(
            f"the settings of the run in {job.out}",
            f"other values of {', '.join(different)}",
            "give the same command again, or another --out",
        )
    return finished.read_bytes() if finished.is_file() else b"null"


def _differences(left: Any, right: Any, name: str = "") -> list[str]:
    if isinstance(left, dict) and isinstance(right, dict):
        return [
            found
            for key in sorted(set(left) | set(right))
            for found in _differences(left.get(key), right.get(key), f"{name}.{key}" if name else key)
        ]
    return [] if left == right else [name]
