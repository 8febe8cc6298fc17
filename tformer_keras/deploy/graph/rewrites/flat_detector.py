"""Joins a detector's maps into two outputs, as MediaPipe takes them: all levels, one behind the other.

`location` is (anchors, 4), offsets in the order y, x, height, width; `score` is (anchors, classes), logits. The order
is that of the last convolution's channels and costs no operation; reshaping and joining do.
Asked for at the file's border, never a rewrite.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tformer_edge.errors import UserError
from tformer_edge.output_json import Output
from tformer_keras.deploy.graph.nodes import Graph, Node

# Of x, y, width, height.
ORDER = (1, 0, 3, 2)
LOCATION, SCORE = "location", "score"


def flatten(graph: Graph, outputs: Sequence[Output], labels: int) -> None:
    """Changes a detector's graph in place.

    Args:
        graph: whose outputs are those of `outputs`, logits and deltas of each level.
        outputs: of the contract.
        labels: classes.

    Raises:
        UserError: something else than a convolution ends a map of deltas.
    """
    names = list(graph.outputs)
    for name in names[1::2]:
        _reorder(graph, name)
    joined = []
    for wanted, ends, width in ((LOCATION, names[1::2], 4), (SCORE, names[::2], labels)):
        flat = []
        for name in ends:
            height, columns, channels = graph[name].shape
            node = Node(
                "reshape", graph.fresh(f"{name}.rows"), [name], (height * columns * channels // width, width)
            )
            flat.append(graph.add(node))
        if len(flat) == 1:
            last = graph[flat[0]]
            graph.remove(flat)
            last.name = graph.fresh(wanted)
            joined.append(graph.add(last))
        else:
            shape = (sum(graph[one].shape[0] for one in flat), width)
            joined.append(graph.add(Node("concatenate", graph.fresh(wanted), flat, shape, {"axis": 1})))
    graph.outputs = joined
    graph.tidy()


def flat_outputs(outputs: Sequence[NDArray[Any]], labels: int) -> list[NDArray[Any]]:
    """What the graph gives where it gave `outputs`, maps (b, h, w, c) of logits and deltas of each level."""
    logits, deltas = (
        np.concatenate([one.reshape(len(one), -1, width) for one in part], axis=1)
        for part, width in ((outputs[::2], labels), (outputs[1::2], 4))
    )
    return [deltas[..., ORDER], logits]


def maps_of(
    outputs: Sequence[NDArray[Any]], size: tuple[int, int], levels: Sequence[Output]
) -> list[NDArray[Any]]:
    """The other way: the maps of `levels`, for an input of `size`, of `location` and `score`, (b, anchors, …)."""
    location, score = outputs
    parts, start = [], 0
    for logits in levels[::2]:
        height, width = logits.map_size(size)
        end = start + height * width * len(logits.anchors)
        parts += [
            one[:, start:end].reshape(len(location), height, width, -1)
            for one in (score, location[..., ORDER])
        ]
        start = end
    return parts


def anchors_of(levels: Sequence[Output], size: tuple[int, int]) -> list[tuple[float, float, float, float]]:
    """(x, y, width, height) of each anchor, the first two of its centre, as shares of an input of `size` pixels."""
    grids = [one.level.grid(*one.map_size(size)).reshape(-1, 4) for one in levels[::2]]
    shares = np.concatenate(grids) / (size[1], size[0], size[1], size[0]) if grids else np.zeros((0, 4))
    return [(x, y, width, height) for x, y, width, height in shares.tolist()]


def _reorder(graph: Graph, name: str) -> None:
    node = graph[name]
    if node.operation != "convolution" or node.shape[-1] % 4 or node.attributes.get("column_block"):
        raise UserError(
            "a convolution that gives each level's boxes",
            f"{name!r}, which is a {node.operation}",
            "leave --for mediapipe out",
            where="--for mediapipe",
        )
    order = np.arange(node.shape[-1]).reshape(-1, 4)[:, ORDER].reshape(-1)
    for role, axis in (("kernel", 3), ("bias", 0)):
        if role in node.weights:
            node.weights[role] = node.weights[role].take(order, axis)
