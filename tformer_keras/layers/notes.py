"""What a layer knows of a tensor that it made, for the layer that reads it: how its value is computed, never the value.

In a graph (TensorFlow's, or what JAX traces) nothing computes a tensor that nobody reads. So a layer that finds a note
can take a shorter way around the tensor that the note is on. A tensor without notes (eager execution, a cast in
between) is read as it is.
"""

from __future__ import annotations

import weakref
from typing import Any

import keras

# The note on what a grouped convolution makes: a function of a number of divisions that gives, for each group, its
# channels in so many equal parts, each two-dimensional, (pixels, channels).
BLOCKS = "blocks"
# The note on what a channel shuffle makes: the tensor that it was made from, and the number of groups.
BEFORE_SHUFFLE = "before shuffle"

_ATTRIBUTE = "_tformer_notes"
# JAX's tracers take no attributes. By the tracer's id: the tracer itself, weakly, because an id is given again when its
# object is gone.
_TRACED: dict[int, tuple[weakref.ref[Any], dict[str, Any]]] = {}


def note(tensor: Any, name: str, fact: Any) -> None:
    """Notes a fact on a tensor of a graph; on others, which are computed already, does nothing."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        if not tf.executing_eagerly():
            setattr(tensor, _ATTRIBUTE, {**getattr(tensor, _ATTRIBUTE, {}), name: fact})
    elif keras.backend.backend() == "jax":
        import jax

        if isinstance(tensor, jax.core.Tracer):
            facts = _facts(tensor)
            key = id(tensor)
            _TRACED[key] = (weakref.ref(tensor, lambda _: _TRACED.pop(key, None)), {**facts, name: fact})


def noted(tensor: Any, name: str) -> Any:
    """The fact that was noted on a tensor, or None."""
    return _facts(tensor).get(name)


def _facts(tensor: Any) -> dict[str, Any]:
    if id(tensor) in _TRACED:
        traced, facts = _TRACED[id(tensor)]
        return facts if traced() is tensor else {}
    return getattr(tensor, _ATTRIBUTE, {})
