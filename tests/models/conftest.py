"""What the tests of the models share: each large model built once."""

import functools
from collections.abc import Callable

import keras
import pytest

from tformer_keras.models import build
from tformer_keras.models.counting import without_values


@pytest.fixture(scope="module")
def built() -> Callable[..., keras.Model]:
    """built(variant, **overrides): the graph, made once a module and never changed by a test; its weights have no
    values."""
    return functools.cache(lambda variant, **overrides: without_values(lambda: build(variant, **overrides)))
