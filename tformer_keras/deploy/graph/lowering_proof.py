"""Proves that a device graph computes what the Keras model computes, before anything is made of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tf_keras
from numpy.typing import NDArray

from tformer_edge.errors import UserError
from tformer_keras.deploy.graph.emit import emit
from tformer_keras.deploy.graph.lower import Lowered, lower

# Of values that hardly vary and lie far from 0, such as a fresh detector's logits, at least this share of the largest
# is taken for their range: a ten thousandth of it is some eight roundings of float32.
FAR = 1e-2
# The largest difference of an output's value, as a share of the range of that output's values.
TOLERANCE = 1e-4
BATCHES = (1, 3)
# What is off by up to so many times what the last bit of the input changes may be rounding and nothing else.
ROUNDINGS = 10

Images = NDArray[np.float32]


def compiled(model: Any) -> Callable[[NDArray[Any]], list[NDArray[Any]]]:
    """A model of one input, Keras 3 or tf_keras, as a function that is traced once for all numbers of images."""
    batch, *shape = model.inputs[0].shape
    run = tf.function(lambda images: tf.nest.flatten(model(images, training=False)))
    try:
        once = run.get_concrete_function(tf.TensorSpec((batch, *shape), tf.float32))
    except ValueError:  # layers of names that TensorFlow's scopes do not know run eagerly alone
        once = run.python_function
    return lambda images: [np.asarray(tensor) for tensor in once(tf.constant(images))]


def prove_lowering(
    model: keras.Model,
    lowered: Lowered,
    images: Images,
    tolerance: float = TOLERANCE,
    form: Any = None,
    run: Callable[[NDArray[Any]], list[NDArray[Any]]] | None = None,
) -> float:
    """Compares the Keras model with its lowered graph in float32, in batches of one and of three images.

    Args:
        model: the source.
        lowered: its graph, of the same weights.
        images: (n, height, width, channels), preprocessed, n ≥ 3, and no fewer than the model's batch if that is fixed.
        tolerance: of the largest difference, as a share of the range of the output's values.
        form: a tf_keras model of the graph, of the same numbers (`same_numbers`), where there is one already.
        run: `model` compiled, where it is already.

    Returns:
        The largest difference that was found.

    Raises:
        UserError: they part; the sentence names the first layer where they do. Or nothing can be proven, because the
            model turns the last bit of its input into differences as large: deep networks of random weights do.
    """
    fixed = model.inputs[0].shape[0]
    batches = BATCHES if fixed is None else (fixed,)
    images = images[: len(images) // batches[-1] * batches[-1]]
    run = run or compiled(model)
    expected = _in_batches(run, images, batches[-1])
    compute = compiled(lowered.model if form is None else form)
    worst = 0.0
    for batch in batches:
        received = _in_batches(compute, images, batch)
        for one, other in zip(expected, received, strict=True):
            worst = max(worst, difference(one, other))
    if not worst <= tolerance:
        moved = _moved_by_the_last_bit(run, images, batches[-1], expected)
        if tolerance < moved and np.isfinite(worst) and worst <= ROUNDINGS * moved:
            raise UserError(
                f"a model that float32 defines (to {tolerance:g} of the range of its outputs)",
                f"one that moves by {moved:.2g} where the last bit of its input changes",
                "train it: of random weights nothing can be proven; --no-verify converts it unproven",
                where="proof of the lowering",
            )
        raise UserError(
            f"a device graph equal to the model (to {tolerance:g} of the range of its outputs)",
            f"one that is off by {worst:.3g}, {_first_parting(model, lowered, images, tolerance)}",
            "this is a fault of tformer-keras or of a rule of your own: please report it; nothing was written",
            where="proof of the lowering",
        )
    return worst


def _moved_by_the_last_bit(run: Any, images: Images, batch: int, expected: Sequence[NDArray[Any]]) -> float:
    """The model's own `difference` where each number of its input is one step of float32 higher or lower."""
    up = np.random.default_rng(0).random(images.shape) < 0.5
    beside = np.where(up, np.nextafter(images, np.float32(np.inf)), np.nextafter(images, np.float32(-np.inf)))
    received = _in_batches(run, beside, batch)
    return max(difference(one, other) for one, other in zip(expected, received, strict=True))


def difference(expected: NDArray[Any], received: NDArray[Any]) -> float:
    """The largest difference as a share of `extent(expected)`; infinite where anything is not finite."""
    if expected.shape != received.shape or not (np.isfinite(expected).all() and np.isfinite(received).all()):
        return float("inf")
    return float(np.abs(expected.astype("float64") - received).max()) / extent(expected)


def extent(values: NDArray[Any]) -> float:
    """The range of values, and at least `FAR` of the largest of them."""
    return max(float(np.ptp(values)), float(np.abs(values).max()) * FAR, 1e-30)


def _outputs(model: Any, images: Images, batch: int) -> list[NDArray[Any]]:
    return _in_batches(compiled(model), images, batch)


def _in_batches(run: Any, images: Images, batch: int) -> list[NDArray[Any]]:
    parts = [run(images[start : start + batch]) for start in range(0, len(images), batch)]
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def _first_parting(model: keras.Model, lowered: Lowered, images: Images, tolerance: float) -> str:
    """Where they part: the first layer of the graph as it stands, or the first rewrite that changes the outputs."""
    plain = lower(model, lowered.target, "none")
    emitted = emit(plain.graph, plain.name)
    layers = {layer.name: layer for layer in model.layers if layer.name in plain.graph.nodes}
    names = [name for name in plain.graph.nodes if name in layers and name not in plain.graph.inputs]
    try:
        sources = keras.Model(model.inputs, [layers[name].output for name in names])
        probe = tf_keras.Model(emitted.model.inputs, [emitted.tensors[name] for name in names])
    except (ValueError, AttributeError):  # a layer that is called twice has no one output
        names = []
    if names:
        expected, received = _outputs(sources, images, 3), _outputs(probe, images, 3)
        for name, one, other in zip(names, expected, received, strict=True):
            if not difference(one, other) <= tolerance:
                return f"first in layer {name!r} of class {type(layers[name]).__name__}"
    outputs = _outputs(model, images, 3)

    def parts(rewrites: Sequence[str]) -> bool:
        received = _outputs(lower(model, lowered.target, rewrites).model, images, 3)
        return not all(difference(*pair) <= tolerance for pair in zip(outputs, received, strict=True))

    return _blame(lowered.rewrites, parts)


def _blame(rewrites: Sequence[str], parts: Callable[[Sequence[str]], bool]) -> str:
    for number in range(1, len(rewrites) + 1):
        if parts(rewrites[:number]):
            return f"by the rewrite {rewrites[number - 1]!r} (--rewrites can leave it out)"
    return "by no layer and no rewrite alone"
