"""Values that users type (`--set KEY=VALUE`), checked against the types of a dataclass' fields."""

import ast
import dataclasses
import math
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from tformer_edge.errors import UserError
from tformer_keras.data.augmentation import Augmentation
from tformer_keras.training.recipe import Recipe
from tformer_keras.training.recipes import RECIPES


def assignments(texts: Sequence[str], option: str) -> dict[str, Any]:
    """`["a=1", "b=x"]` as `{"a": 1, "b": "x"}`: values are Python literals, and bare words strings.

    Raises:
        UserError: a text has no "=".
    """
    result: dict[str, Any] = {}
    for text in texts:
        key, separator, value = text.partition("=")
        if not separator or not key:
            raise UserError("KEY=VALUE", repr(text), f"write for example {option} key=1", where=f"{option}")
        try:
            result[key] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            result[key] = value
    return result


def named(name: str) -> Recipe:
    """The recipe called `name`. Raises UserError where there is none."""
    if name not in RECIPES:
        raise UserError(f"one of {', '.join(RECIPES)}", repr(name), "choose one of them", where="--recipe")
    return RECIPES[name]


def choose(recipe: Recipe, settings: Sequence[str], options: Mapping[str, Any]) -> Recipe:
    """A recipe, changed as a command's options ask.

    Args:
        recipe: to change.
        settings: what was given with `--set`.
        options: recipe fields that have options of their own; None where one was not given.

    Raises:
        UserError: there is no such field, or a value is of another type or not finite.
    """
    changes = assignments(settings, "--set")
    for field, value in options.items():
        if value is None:
            continue
        if isinstance(value, float) and not math.isfinite(value):
            raise UserError(
                "a finite number", str(value), "take another", where=f"--{field.replace('_', '-')}"
            )
        changes[field] = value
    return override(recipe, changes)


def override(recipe: Recipe, settings: Mapping[str, Any]) -> Recipe:
    """`recipe` with fields replaced; a dotted name reaches into the augmentation (`augmentation.mixup`).

    Values are checked against the field's type; an integer is good for a float, a list for a tuple.

    Raises:
        UserError: there is no such field, or the value is of another type.
    """
    top: dict[str, Any] = {}
    inner: dict[str, Any] = {}
    for name, value in settings.items():
        if name.startswith("augmentation."):
            key = name.removeprefix("augmentation.")
            inner[key] = typed_value(Augmentation, key, value, shown=name)
        else:
            top[name] = typed_value(Recipe, name, value, shown=name)
    if inner:
        top["augmentation"] = dataclasses.replace(recipe.augmentation, **inner)
    return dataclasses.replace(recipe, **top)


def typed_value(owner: type, name: str, value: Any, *, shown: str) -> Any:
    """`value` as the type of the dataclass field `owner.name`."""
    hints = typing.get_type_hints(owner)
    if name not in hints or name in ("augmentation", "name"):
        known = ", ".join(sorted(set(hints) - {"augmentation", "name"}))
        raise UserError(f"one of the fields {known}", repr(shown), "correct the name")
    converted = _convert(hints[name], value)
    if converted is _MISMATCH:
        raise UserError(
            f"a value of type {_type_name(hints[name])}", repr(value), "correct it", where=f"{shown}"
        )
    return converted


_MISMATCH = object()


def _type_name(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) and not typing.get_args(hint) else str(hint)


def _convert(hint: Any, value: Any) -> Any:
    """`value` as `hint`, an integer being accepted as a float and a list as a tuple; `_MISMATCH` otherwise."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        for option in arguments:
            converted = _convert(option, value)
            if converted is not _MISMATCH:
                return converted
        return _MISMATCH
    if hint is Any:
        return value
    if hint is type(None):
        return None if value is None else _MISMATCH
    if origin is typing.Literal:
        return value if value in arguments else _MISMATCH
    if origin is tuple:
        if not isinstance(value, list | tuple):
            return _MISMATCH
        kinds = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else list(arguments)
        items = [_convert(kind, item) for kind, item in zip(kinds, value, strict=False)]
        return tuple(items) if len(kinds) == len(value) and _MISMATCH not in items else _MISMATCH
    if origin is not None:
        return dict(value) if isinstance(value, Mapping) else _MISMATCH
    if hint is bool:
        return value if isinstance(value, bool) else _MISMATCH
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return value if isinstance(value, hint) and not isinstance(value, bool) else _MISMATCH
