"""Weights: those that ship with the package, by name and checked by SHA-256, and those of a user's file."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import keras

from tformer_edge.errors import UserError, first_line

# These change neither the weights nor what they mean.
FREE_FIELDS = {
    "include_top", "pooling", "features_only", "classifier_activation",
    "stochastic_depth", "norm_momentum", "pooling_implementation",
}  # fmt: skip
FOLDER = Path(__file__).parent / "weights"


@dataclasses.dataclass(frozen=True)
class ShippedWeights:
    """Trained weights inside the package.

    Attributes:
        variant: the variant of the table that they are for.
        file: their name in the package's `models/weights/`; a model card lies beside it.
        sha256: of the file's bytes, checked on every load.
        configuration: fields of `TFormerConfig` that they were trained with.
        class_names: names in the order of the outputs.
        preprocessing: the evaluation preprocessing, as `tformer_edge.preprocessing.Preprocessing.to_json` writes it.
        quantized: the name of the quantized weights beside `file`, from `tformer quantize`; empty if there are none.
        quantized_sha256: of that file's bytes.
    """

    variant: str
    file: str
    sha256: str
    configuration: dict[str, Any]
    class_names: tuple[str, ...] = ()
    preprocessing: dict[str, Any] = dataclasses.field(default_factory=dict)
    quantized: str = ""
    quantized_sha256: str = ""


# By full name, VARIANT_DATA; as `weights=` of that variant DATA alone will do.
SHIPPED: dict[str, ShippedWeights] = {
    # Card, command and figures: weights/tformer_micro_cifar10.md.
    "tformer_micro_cifar10": ShippedWeights(
        variant="tformer_micro",
        file="tformer_micro_cifar10.weights.h5",
        sha256="0c61268e0d464bbb7b519a15544a057de24fbff3b4f2debdb6fc5b003c3cda43",
        quantized="tformer_micro_cifar10.quantized.npz",
        quantized_sha256="7b79460cea908af3d8ccf73e2662a02d323e8667b625e71a7e2cdf1471e207aa",
        configuration={
            "input_shape": (32, 32, 3),
            "classes": 10,
            "width": 1.0,
            "widths": (64, 96, 96),
            "depths": (2, 2, 1),
            "stem_kernel": 3,
            "stem_widths": (32, 32),
            "stem_stride": (1, 2, 1),
            "layer_scale": None,
        },
        class_names=(
            "airplane",
            "automobile",
            "bird",
            "cat",
            "deer",
            "dog",
            "frog",
            "horse",
            "ship",
            "truck",
        ),
        preprocessing={
            "input_size": [32, 32],
            "channel_order": "rgb",
            "mean": [0.4914, 0.4822, 0.4465],
            "std": [0.247, 0.2435, 0.2616],
            "resize": "stretch",
            "crop_fraction": 1.0,
        },
    )
}


def shipped_name(weights: str, variant: str) -> str | None:
    """The full name of shipped weights: `weights` itself, or with `variant` before it; None if nothing such ships."""
    return next((name for name in (weights, f"{variant}_{weights}") if name in SHIPPED), None)


def load_weights(
    build: Callable[[dict[str, Any]], keras.Model],
    variant: str,
    weights: str | None,
    overrides: dict[str, Any],
    defaults: dict[str, Any],
) -> keras.Model:
    """Builds a model and loads `weights` into it.

    Args:
        build: makes the model from the changes to the variant's configuration.
        variant: the variant's name.
        weights: None, a name of `SHIPPED`, or a path to a `.keras` or `.weights.h5` file.
        overrides: the configuration that the caller asked for.
        defaults: the variant's own configuration.

    Raises:
        UserError: for an unknown name, arguments that conflict with shipped weights, or a file that does not fit.
    """
    if weights is None:
        return build(overrides)
    if weights == "imagenet":
        raise UserError(
            "weights that somebody has published",
            "'imagenet', which nobody has for TFormer",
            "take weights=None and train with `tformer train DATA --recipe imagenet`, or give your own file",
            where="weights",
        )
    shipped = shipped_name(weights, variant)
    if shipped is not None:
        return _load_shipped(build, variant, shipped, overrides, defaults)
    path = Path(weights)
    if not path.is_file():
        raise UserError(
            f"None, a shipped name ({', '.join(SHIPPED)}) or the path of a .keras or .weights.h5 file",
            f"{weights!r}, which is none of them",
            "correct it",
            where="weights",
        )
    model = build(overrides)
    _load_file(model, path)
    return model


def _load_shipped(
    build: Callable[[dict[str, Any]], keras.Model],
    variant: str,
    name: str,
    overrides: dict[str, Any],
    defaults: dict[str, Any],
) -> keras.Model:
    entry = SHIPPED[name]
    if variant != entry.variant:
        raise UserError(f"the variant {entry.variant}", variant, "build that one", where=f"weights={name!r}")
    for field, value in overrides.items():
        expected = entry.configuration.get(field, value if field in FREE_FIELDS else defaults[field])
        if list(_flat(value)) != list(_flat(expected)):
            raise UserError(
                f"{field}={expected!r} or no `{field}`",
                repr(value),
                "train weights of your own for another shape",
                where=f"weights={name!r} carries its own configuration",
            )
    path = _shipped_file(name, entry.file, entry.sha256)
    model = build({**entry.configuration, **overrides})
    model.load_weights(path)
    return model


def quantized_weights(name: str) -> Path | None:
    """The file of the quantized weights that ship beside the weights `name`, or None where there are none.

    Raises:
        UserError: the file is missing or damaged.
    """
    entry = SHIPPED[name]
    return _shipped_file(name, entry.quantized, entry.quantized_sha256) if entry.quantized else None


def _shipped_file(name: str, file: str, sha256: str) -> Path:
    path = FOLDER / file
    if not path.is_file():
        raise UserError(f"the weights {name!r}", "no such file", "reinstall tformer-keras", where=f"{path}")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != sha256:
        raise UserError(
            f"SHA-256 {sha256}", f"{digest}", "the file is damaged, reinstall tformer-keras", where=f"{path}"
        )
    return path


def _flat(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def _check_count(model: keras.Model, path: Path) -> None:
    """Keras finds an .h5 file's tensors by class and number and lets surplus ones pass: a file of another depth would
    load into the wrong layers without a word."""
    names: list[str] = []
    with h5py.File(path) as file:
        file.visit(names.append)
    stored = sum(
        "/vars/" in name and name.startswith("layers/") and "seed_generator" not in name for name in names
    )
    if stored != len(model.weights):
        raise ValueError(f"expected {len(model.weights)} tensors, received {stored}")


def _load_file(model: keras.Model, path: Path) -> None:
    try:
        if path.suffix == ".keras":
            model.set_weights(keras.saving.load_model(path, compile=False).get_weights())
        else:
            _check_count(model, path)
            model.load_weights(path)
    except Exception as error:
        raise UserError(
            f"weights of {model.name} with {model.count_params():,} parameters",
            f"others ({first_line(error)})",
            "give the configuration that the file was trained with",
            where=str(path),
        ) from error
