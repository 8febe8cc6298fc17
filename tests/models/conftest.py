"""What the tests of the models share: each large model built once."""

import functools
from collections.abc import Callable

import keras
import pytest

from tformer_keras.models import build


@pytest.fixture(scope="module")
def built() -> Callable[..., keras.Model]:
    """built(variant, **overrides): the model, made once a module and never changed by a test."""
    return functools.cache(lambda variant, **overrides: build(variant, **overrides))
