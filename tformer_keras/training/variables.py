"""The variables of a run as named arrays, and back."""

import re
from collections.abc import Mapping, Sequence

import keras
import numpy as np

from tformer_edge.errors import UserError


def to_arrays(groups: Mapping[str, Sequence[keras.Variable]]) -> dict[str, np.ndarray]:
    """Each variable's value under "group/index/path", copied to the host.

    The index makes names unique; numbers that Keras appends to automatic names are left out, because they depend on
    how many layers the process made before.
    """
    return {
        name: np.copy(keras.ops.convert_to_numpy(variable.value)) for name, variable in _named(groups).items()
    }


def check_arrays(groups: Mapping[str, Sequence[keras.Variable]], arrays: Mapping[str, np.ndarray]) -> None:
    """Checks that every variable has its array.

    Raises:
        UserError: a name is missing or too many, or a shape differs.
    """
    named = _named(groups)
    wrong = sorted(set(named) ^ set(arrays)) or sorted(
        name for name, variable in named.items() if tuple(variable.shape) != arrays[name].shape
    )
    if wrong:
        raise UserError(
            "a checkpoint of this very model and optimizer",
            f"one that differs in {len(wrong)} variables, the first being {wrong[0]}",
            "use another --out, or delete the run's folder to start again",
        )


def assign_arrays(groups: Mapping[str, Sequence[keras.Variable]], arrays: Mapping[str, np.ndarray]) -> None:
    """Gives each variable its array; nothing is assigned unless everything fits. Raises as `check_arrays`."""
    check_arrays(groups, arrays)
    named = _named(groups)
    for name, variable in named.items():
        variable.assign(arrays[name])


def _named(groups: Mapping[str, Sequence[keras.Variable]]) -> dict[str, keras.Variable]:
    return {
        f"{group}/{index:04d}/{re.sub(r'_[0-9]+(?=/|_|$)', '', variable.path)}": variable
        for group, variables in groups.items()
        for index, variable in enumerate(variables)
    }
