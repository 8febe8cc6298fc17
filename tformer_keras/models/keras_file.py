"""The one gate for Keras models from files: what a path holds is said in one sentence before Keras is asked to read it.

What Keras itself promises is kept: `safe_mode` stays on, which refuses code in a file (Lambda layers), and pickled
arrays are never unpickled. What it does not bound, the sizes that a file declares, is bounded here.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import h5py  # type: ignore[import-untyped]
import keras

from tformer_edge.errors import UserError, first_line
from tformer_keras.models.declared_sizes import check_hdf5, check_zip

HDF5 = b"\x89HDF\r\n\x1a\n"
PYTORCH = (
    "a PyTorch model",
    "build and train the architecture with tformer-keras, or move its weights into Keras",
)
# (how a file begins, at byte, (what it is, what to do))
SIGNATURES = (
    (b"TFL3", 4, ("a .tflite file", "it is converted already")),
    (b"\x80\x02", 0, PYTORCH),
)
# How Keras says that a class is not registered.
_UNKNOWN = re.compile(r"Could not locate class '([^']+)'|Unknown layer: '?([^'.\s]+)")
KERAS_ENTRIES = {"config.json", "metadata.json", "model.weights.h5"}


def check_keras_file(path: Path) -> None:
    """Raises UserError unless `path` is a whole `.keras` file."""
    if path.is_dir():
        if (path / "saved_model.pb").is_file():
            raise _other(path, "a TensorFlow SavedModel", "load it with Keras, and save it as .keras")
        raise UserError(f"a finished run with a model.keras in {path}", "none", "train it to the end first")
    # Before opening, since opening a pipe waits for whoever writes to it.
    if path.exists() and not path.is_file():
        raise _other(path, "a pipe or a device", "give a file")
    try:
        with path.open("rb") as file:
            beginning = file.read(16)
    except OSError as error:
        raise UserError(
            "a .keras file, a run's folder, or a name of `tformer list`",
            f"{str(path)!r}: {(error.strerror or str(error)).lower()}",
            "correct the path",
        ) from error
    if beginning.startswith(HDF5):
        raise _other(path, *_hdf5(path))
    for signature, at, what in SIGNATURES:
        if beginning[at : at + len(signature)] == signature:
            raise _other(path, *what)
    if path.suffix == ".onnx":
        raise _other(path, "an ONNX file", "give the Keras model that it was made of")
    if not beginning.startswith(b"PK"):
        raise _other(path, "something else", "give a file that `model.save` of Keras 3 wrote")
    try:
        check_zip(path)
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            damaged = archive.testzip()
    except UserError:
        raise
    # A damaged zip makes Python's reader raise nearly anything.
    except Exception as error:
        raise _other(path, f"a damaged or cut one ({first_line(error)})", "copy it again") from error
    if any(name.endswith("data.pkl") for name in names):
        raise _other(path, *PYTORCH)
    if damaged is not None or not names >= KERAS_ENTRIES:
        received = f"a damaged one ({damaged})" if damaged else "a zip without Keras' entries"
        raise _other(path, received, "copy it again, or save it with Keras 3")


def read_keras_file(path: Path) -> keras.Model:
    """The model of a `.keras` file, not compiled.

    Raises:
        UserError: for anything else, and for a file that declares more than it holds.
    """
    check_keras_file(path)
    try:
        with zipfile.ZipFile(path) as archive, archive.open("model.weights.h5") as weights:
            size = archive.getinfo("model.weights.h5").file_size
            check_hdf5(weights, path, size)  # type: ignore[arg-type]
        return keras.saving.load_model(path, compile=False)
    except UserError:
        raise
    # Keras' reader, h5py and the layers of a hostile configuration raise nearly anything; each means "unreadable".
    except Exception as error:
        unknown = _UNKNOWN.search(str(error))
        if unknown:
            raise UserError(
                f"a model of known layers in {path}",
                f"one with the layer {unknown[1] or unknown[2]}, which is somebody's own",
                "give the file that registers it with --rules, or import it first (docs/layers.md)",
            ) from error
        raise UserError(f"a Keras model in {path}", first_line(error), "save it with Keras 3") from error


def _hdf5(path: Path) -> tuple[str, str]:
    """What an HDF5 file is, and what to do: weights alone, or a whole model of Keras 2 or of Keras 3."""
    try:
        with h5py.File(path) as file:
            version = file.attrs.get("keras_version")
            whole = "model_config" in file.attrs
    except OSError as error:
        return f"a damaged HDF5 file ({first_line(error)})", "copy it again"
    if not whole:
        return (
            "weights alone, without a model",
            "build their model, give it them by `load_weights`, and save it as .keras",
        )
    text = version.decode() if isinstance(version, bytes) else str(version)
    return f"a model in HDF5, as Keras {text} wrote it", "load it there, and save it as .keras with Keras 3"


def _other(path: Path, received: str, advice: str) -> UserError:
    return UserError(f"a .keras file in {path}", received, advice)
