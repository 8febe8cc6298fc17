"""Weights: those that ship with the package, by name and checked by SHA-256, and those of a user's file."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import warnings
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import keras

from tformer_edge.errors import UserError, first_line
from tformer_keras.models.declared_sizes import check_hdf5
from tformer_keras.models.keras_file import read_keras_file

# These change neither the weights nor what they mean. Of another number of classes the head begins anew.
FREE_FIELDS = {
    "include_top", "pooling", "features_only", "classifier_activation", "input_shape", "classes",
    "stochastic_depth", "norm_momentum", "pooling_implementation",
}  # fmt: skip
FOLDER = Path(__file__).parent / "shipped"
WEIGHTS, QUANTIZED, CONFIG, CARD = "model.weights.h5", "quantized.npz", "config.json", "card.md"


@dataclasses.dataclass(frozen=True)
class ShippedModel:
    """A trained model inside the package: a run's folder of its name, with a model card.

    Attributes:
        name: of the folder in `models/shipped/`.
        weights: SHA-256 of `model.weights.h5`, checked on every load.
        quantized: SHA-256 of `quantized.npz`, from `tformer quantize`; None where there is none.
    """

    name: str
    weights: str
    quantized: str | None = None

    @functools.cached_property
    def config(self) -> dict[str, Any]:
        """The run's config.json."""
        text = (FOLDER / self.name / CONFIG).read_text(encoding="utf-8")
        return dict(json.loads(text))

    @property
    def variant(self) -> str:
        """The variant of the table that it is made of."""
        return str(self.config["model"]["name"])

    @property
    def configuration(self) -> dict[str, Any]:
        """Fields of its variant's configuration that it was trained with."""
        return dict(self.config["model"]["config"])


# By full name, VARIANT_DATA; as `weights=` of that variant DATA alone will do.
SHIPPED: dict[str, ShippedModel] = {
    model.name: model
    for model in (
        ShippedModel(
            "tformer_micro_cifar10",
            "0c61268e0d464bbb7b519a15544a057de24fbff3b4f2debdb6fc5b003c3cda43",
            "7b79460cea908af3d8ccf73e2662a02d323e8667b625e71a7e2cdf1471e207aa",
        ),
        ShippedModel(
            "tformer_micro_cifar10_small",
            "fe71da23ac64aa859a5608ce423fa8b2d8ce0fab993993665eb9100dad8cfc43",
            "d6b1514710baee5e486303f7898de522b1b33c4e53ecb166bf98d4328c2f4a9e",
        ),
        ShippedModel(
            "tformer_micro_cifar10_large",
            "f96066b1131702a44536629be4ea7fa88a3bf6fae312bffd17db78f317ece84b",
            "64fa2ebd2963959b30a4e193757a883d21a8edd337e42c9f4fe891f037f2ee05",
        ),
        ShippedModel(
            "detector_micro_bccd",
            "c420019d4fc0b0e3a560077271a882be6fb9481d48621c4248ef20b4def13423",
            "df60c8c0ba869b787963736b7e17faa8e6c5c4cec64c222b0aa178b4b53f5ea5",
        ),
        ShippedModel(
            "segmenter_micro_camvid",
            "4516e0910dcdb51332798c7413af8cb7a444190d50ff15d323505b4ec511798c",
            "6ab1e1054f1c816ec342596f920e04ba7d9d2acf0006cdcef884219dce18a23d",
        ),
    )
}


def shipped_name(weights: str, variant: str) -> str | None:
    """The full name of shipped weights: `weights` itself, or with `variant` before it; None if nothing such ships."""
    return next((name for name in (weights, f"{variant}_{weights}") if name in SHIPPED), None)


def shipped_configuration(
    name: str, variant: str, overrides: dict[str, Any], defaults: dict[str, Any]
) -> dict[str, Any]:
    """The configuration to build for shipped weights: theirs, with what the caller may change.

    Args:
        name: a key of `SHIPPED`.
        variant: that is asked for.
        overrides: the configuration that the caller asked for.
        defaults: the variant's own configuration.

    Raises:
        UserError: for another variant, or a change of what the weights are made for.
    """
    entry = SHIPPED[name]
    if variant != entry.variant:
        raise UserError(f"the variant {entry.variant}", variant, "build that one", where=f"weights={name!r}")
    for field, value in overrides.items():
        if field in FREE_FIELDS:
            continue
        expected = entry.configuration.get(field, defaults[field])
        if list(_flat(value)) != list(_flat(expected)):
            raise UserError(
                f"{field}={expected!r} or no `{field}`",
                repr(value),
                "train weights of your own for another architecture",
                where=f"weights={name!r} carries its own configuration",
            )
    return {**entry.configuration, **overrides}


def fill(model: keras.Model, weights: str) -> None:
    """Loads weights into a model of their configuration.

    Args:
        model: to be filled. With shipped weights its head begins anew where it has another number of classes.
        weights: a name of `SHIPPED`, or a path to a `.keras` or `.weights.h5` file.

    Raises:
        UserError: for an unknown name, or a file that is damaged or does not fit.
    """
    if weights in SHIPPED:
        path = _shipped_file(weights, WEIGHTS, SHIPPED[weights].weights)
        if SHIPPED[weights].config.get("task", "classification") != "classification":
            model.load_weights(path)  # of one configuration alone, see `families.shipped_model`
            return
        with warnings.catch_warnings():
            # Of all that `shipped_configuration` lets through, the head alone can be of another shape.
            warnings.filterwarnings(
                "ignore", message=".*could not be loaded|.*Skipping", category=UserWarning
            )
            model.load_weights(path, skip_mismatch=True)
        return
    if weights == "imagenet":
        raise UserError(
            "weights that somebody has published",
            "'imagenet', which nobody has for TFormer",
            "take weights=None and train with `tformer train DATA --recipe imagenet`, or give your own file",
            where="weights",
        )
    if not Path(weights).is_file():
        raise UserError(
            f"None, a shipped name ({', '.join(SHIPPED)}) or the path of a .keras or .weights.h5 file",
            f"{weights!r}, which is none of them",
            "correct it",
            where="weights",
        )
    _fill_from_file(model, Path(weights))


def quantized_weights(name: str) -> Path | None:
    """The file of the quantized weights that ship beside the weights `name`, or None where there are none.

    Raises:
        UserError: the file is missing or damaged.
    """
    digest = SHIPPED[name].quantized
    return None if digest is None else _shipped_file(name, QUANTIZED, digest)


def _shipped_file(name: str, file: str, sha256: str) -> Path:
    path = FOLDER / name / file
    if not path.is_file():
        raise UserError(f"the weights {name!r}", "no such file", "reinstall tformer-keras", where=str(path))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != sha256:
        raise UserError(
            f"SHA-256 {sha256}", digest, "the file is damaged, reinstall tformer-keras", where=str(path)
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


def _fill_from_file(model: keras.Model, path: Path) -> None:
    try:
        if path.suffix == ".keras":
            model.set_weights(read_keras_file(path).get_weights())
        else:
            check_hdf5(path, path, path.stat().st_size)
            _check_count(model, path)
            model.load_weights(path)
    except Exception as error:
        raise UserError(
            f"weights of {model.name} with {model.count_params():,} parameters",
            f"others ({first_line(error)})",
            "give the configuration that the file was trained with",
            where=str(path),
        ) from error
