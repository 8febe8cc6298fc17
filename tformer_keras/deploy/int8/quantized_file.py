"""What a quantized model is on the disk: arrays, ranges and options in one `.npz`, beside the Keras model."""

from __future__ import annotations

import io
import json
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from tformer_edge.errors import UserError
from tformer_edge.files import write_whole
from tformer_keras.models.declared_sizes import check_zip

FORMAT = 1
SOURCE_FILE, ARRAYS_FILE = "model.keras", "quantized.npz"


def write_arrays(
    path: Path,
    options: dict[str, Any],
    weights: dict[str, np.ndarray],
    ranges: dict[str, tuple[float, float]],
) -> None:
    """Writes them whole or not at all, the same bytes for the same model. Raises OSError where the disk does."""
    arrays = {f"weight/{name}": array for name, array in weights.items()}
    arrays |= {f"range/{name}": np.asarray(pair, "float32") for name, pair in ranges.items()}
    text = json.dumps({"format": FORMAT, **options}, sort_keys=True)
    arrays["options"] = np.frombuffer(text.encode(), "uint8")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, _archive(arrays))


def read_arrays(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray], dict[str, tuple[float, float]]]:
    """(options, arrays, ranges) of a file of `write_arrays`.

    Raises:
        UserError: for a file that is missing, damaged or of a later format, or numbers that are not finite.
    """
    try:
        with path.open("rb") as file:
            if file.read(4) != b"PK\x03\x04":
                raise ValueError("something else than a zip")
        check_zip(path)
        arrays = _arrays(path)
        options = json.loads(bytes(arrays.pop("options")))
        version = options["format"]
        options = {"target": str(options["target"]), "rewrites": [str(name) for name in options["rewrites"]]}
    except UserError:
        raise
    # Damaged zips, headers and JSON raise nearly anything.
    except Exception as error:
        raise UserError(
            f"quantized weights in {path}",
            f"a file that is missing or damaged ({error})",
            "copy it again, or quantize again",
        ) from None
    if version != FORMAT:
        raise UserError(f"format {FORMAT}", repr(version), "install a newer tformer-keras", where=str(path))
    weights = {name.removeprefix("weight/"): a for name, a in arrays.items() if name.startswith("weight/")}
    ranges = {name.removeprefix("range/"): a for name, a in arrays.items() if name.startswith("range/")}
    for name, array in (weights | ranges).items():
        if array.dtype != "float32" or not np.isfinite(array).all():
            raise UserError(
                "finite float32",
                f"other values of {name!r}",
                "the file is damaged, copy it again",
                where=str(path),
            )
    for name, array in ranges.items():
        if array.shape != (2,):
            raise UserError(
                f"two numbers as the range of {name!r}",
                str(array.shape),
                "the file is damaged, copy it again",
                where=str(path),
            )
    return options, weights, {name: (float(a[0]), float(a[1])) for name, a in ranges.items()}


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz; none is made whose header says more than its entry holds."""
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            with archive.open(entry) as file:
                version = np.lib.format.read_magic(file)
                read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else _no_header
                shape, fortran, dtype = read_header(file)
                count = math.prod(shape)
                if dtype.hasobject or count * dtype.itemsize != entry.file_size - file.tell():
                    raise ValueError(f"{entry.filename} does not hold what its header says")
                array = np.frombuffer(file.read(), dtype, count)
            arrays[entry.filename.removesuffix(".npy")] = array.reshape(shape, order="F" if fortran else "C")
    return arrays


def _no_header(file: Any) -> Any:
    raise ValueError("an array in a format of NumPy that this package does not write")


def _archive(arrays: dict[str, np.ndarray]) -> bytes:
    """An .npz with sorted names and a fixed date: np.savez writes the time of day."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name in sorted(arrays):
            entry = io.BytesIO()
            np.lib.format.write_array(entry, np.ascontiguousarray(arrays[name]), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(info, entry.getvalue())
    return buffer.getvalue()
