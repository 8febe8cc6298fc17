"""The moving average of the weights, put in the place of the trained ones for as long as it is needed."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np


def moving_average(optimizer: Any) -> list[tuple[keras.Variable, keras.Variable]]:
    """(trained variable, its average) pairs; empty when the optimizer keeps no average."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    return list(inner.averages())


def use_average(optimizer: Any) -> None:
    """Overwrites the trained weights with their average, if there is one and at least one step was made.

    Keras takes the average before it applies a variable's constraint, so an average can leave the constraint's set
    (a BatchNorm gamma just below 0, which would forbid the fold before max pooling): it is applied again here.
    """
    if int(keras.ops.convert_to_numpy(optimizer.iterations)) == 0:
        return
    for variable, average in moving_average(optimizer):
        # Copied, because on JAX two variables with one array would lose it together when a step donates it.
        value = np.copy(keras.ops.convert_to_numpy(average.value))
        variable.assign(
            value if variable.constraint is None else variable.constraint(keras.ops.convert_to_tensor(value))
        )


@contextlib.contextmanager
def averaged(optimizer: Any) -> Iterator[None]:
    """Within the context the model holds the average; afterwards the trained weights, to the bit.

    Keras' `SwapEMAWeights` swaps by adding and subtracting on TensorFlow, which rounds, and would make the weights
    depend on how often they are evaluated.
    """
    kept = [
        (variable, np.copy(keras.ops.convert_to_numpy(variable.value)))
        for variable, _ in moving_average(optimizer)
    ]
    use_average(optimizer)
    try:
        yield
    finally:
        for variable, value in kept:
            variable.assign(value)
