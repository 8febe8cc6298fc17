"""What a path holds that should be a Keras model: said in one sentence before Keras is asked to read it."""

import zipfile
from pathlib import Path

from tformer_edge.errors import UserError

PYTORCH = (
    "a PyTorch model: build and train the architecture with tformer-keras, or move its weights into Keras"
)
# (how a file begins, at byte, what it is and what to do)
SIGNATURES = (
    (b"\x89HDF\r\n\x1a\n", 0, "an HDF5 file, as Keras 2 wrote them: load it there, and save it as .keras"),
    (b"TFL3", 4, "a .tflite file: it is converted already"),
    (b"\x80\x02", 0, PYTORCH),
)
KERAS_ENTRIES = {"config.json", "metadata.json", "model.weights.h5"}


def check_keras_file(path: Path) -> None:
    """Raises UserError unless `path` is a whole `.keras` file."""
    if path.is_dir():
        if (path / "saved_model.pb").is_file():
            raise _not_keras(path, "a TensorFlow SavedModel: load it with Keras, and save it as .keras")
        raise UserError(f"Expected a finished run with a model.keras in {path}: train it to the end first.")
    try:
        with path.open("rb") as file:
            beginning = file.read(16)
    except OSError as error:
        raise UserError(
            f"Expected a .keras file, a run's folder, or a name of `tformer list`, received {str(path)!r}: "
            f"{(error.strerror or str(error)).lower()}."
        ) from error
    for signature, at, what in SIGNATURES:
        if beginning[at : at + len(signature)] == signature:
            raise _not_keras(path, what)
    if path.suffix == ".onnx":
        raise _not_keras(path, "an ONNX file: give the Keras model that it was made of")
    if not beginning.startswith(b"PK"):
        raise _not_keras(path, "something else: give a file that `model.save` of Keras 3 wrote")
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            damaged = archive.testzip()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise _not_keras(path, f"a damaged or cut one ({error}): copy it again") from error
    if any(name.endswith("data.pkl") for name in names):
        raise _not_keras(path, PYTORCH)
    if damaged is not None or not names >= KERAS_ENTRIES:
        what = f"a damaged one ({damaged})" if damaged else "a zip without Keras' entries"
        raise _not_keras(path, f"{what}: copy it again, or save it with Keras 3")


def _not_keras(path: Path, received: str) -> UserError:
    return UserError(f"Expected a .keras file in {path}, received {received}.")
