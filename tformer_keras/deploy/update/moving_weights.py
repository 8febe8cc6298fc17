"""Which weights of a quantized model an update moves: those that matter most, or the head's."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tformer_keras.deploy.graph.nodes import Graph
from tformer_keras.deploy.int8.quantized_model import QuantizedModel

Masks = list[NDArray[np.bool_]]


def best(scores: Sequence[NDArray[np.float64]], count: int) -> Masks:
    """The `count` elements of the highest scores as masks, equal ones by their order; none of a score of 0 or less."""
    flat = np.concatenate([score.reshape(-1) for score in scores])
    order = np.argsort(-flat, kind="stable")[:count]
    chosen = np.zeros(len(flat), bool)
    chosen[order[flat[order] > 0]] = True
    ends = np.cumsum([score.size for score in scores])[:-1]
    return [part.reshape(score.shape) for part, score in zip(np.split(chosen, ends), scores, strict=True)]


def head(quantized: QuantizedModel) -> Masks:
    """All weights of the layers that give the outputs, without another layer of weights behind them."""
    names = _last_weights(quantized.lowered.graph)
    return [
        np.full(weight.index.shape, weight.name in names)
        for _, weight in quantized.bindings
        if weight.trainable
    ]


def everything(quantized: QuantizedModel) -> Masks:
    """All weights."""
    return [np.ones(weight.index.shape, bool) for _, weight in quantized.bindings if weight.trainable]


def _last_weights(graph: Graph) -> set[str]:
    names: set[str] = set()
    pending, seen = list(graph.outputs), set()
    while pending:
        node = graph[pending.pop()]
        if node.name in seen:
            continue
        seen.add(node.name)
        own = {weight.name for weight in node.weights.values() if weight.trainable}
        names |= own
        if not own:
            pending += node.inputs
    return names
