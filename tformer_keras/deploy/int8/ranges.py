"""The range of every logical tensor, observed on real batches in float arithmetic."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from tformer_edge.errors import UserError
from tformer_keras.deploy.graph.emit import Emitted
from tformer_keras.deploy.graph.nodes import Graph
from tformer_keras.deploy.int8.fake_quantization import range_groups


class Extremes(tf_keras.layers.Layer):
    """The smallest and the largest value over all parts of a logical tensor: (2,)."""

    def call(self, inputs: list[Any]) -> Any:
        low = tf.reduce_min(tf.stack([tf.reduce_min(tensor) for tensor in inputs]))
        high = tf.reduce_max(tf.stack([tf.reduce_max(tensor) for tensor in inputs]))
        return tf.stack([tf.minimum(low, 0.0), tf.maximum(high, 0.0)])


def observe_ranges(
    graph: Graph, emitted: Emitted, batches: Iterable[np.ndarray]
) -> dict[str, tuple[float, float]]:
    """The mean over batches of each logical tensor's smallest and largest value, zero included; see `calibrate`.

    Args:
        graph: says which nodes are parts of one logical tensor.
        emitted: the graph in float32, of the weights that are meant.
        batches: preprocessed images.
    """
    names = [name for group in range_groups(graph) for name in group]
    parts: dict[str, list[Any]] = {name: [] for name in names}
    for node in graph.nodes.values():
        if node.tensor in parts:
            parts[node.tensor].append(emitted.tensors[node.name])
    observer = tf_keras.Model(emitted.model.inputs, [Extremes()(parts[name]) for name in names])
    run = tf.function(observer, jit_compile=False, reduce_retracing=True)
    totals, count = np.zeros((len(names), 2)), 0
    expected = tuple(emitted.model.inputs[0].shape[1:])
    for batch in batches:
        images = np.asarray(batch, "float32")
        if images.shape[1:] != expected:
            raise UserError(
                f"images of shape {expected}", str(images.shape[1:]), "resize them", where="calibration"
            )
        if not np.isfinite(images).all():
            raise UserError("finite pixels", "NaN or infinity", "give other images", where="calibration")
        totals += np.stack([np.asarray(pair) for pair in tf.nest.flatten(run(tf.constant(images)))])
        count += 1
    if count == 0:
        raise UserError("at least one batch of images", "none", "give some", where="calibration")
    means = totals / count
    # A tensor that is zero everywhere still needs a scale.
    return {
        name: (float(low), float(high) if high > low else 1e-6)
        for name, (low, high) in zip(names, means, strict=True)
    }
