"""Ends a graph in scores: a softmax or a sigmoid behind its outputs. Asked for at a file's border, never a rewrite."""

from __future__ import annotations

from collections.abc import Iterable

from tformer_keras.deploy.graph.nodes import Graph, Node

KINDS = ("softmax", "sigmoid")


def end_in(graph: Graph, kind: str, outputs: Iterable[str] | None = None) -> None:
    """Puts an activation behind outputs of any rank: logits become numbers from 0 to 1.

    Args:
        graph: changed in place; an output that gets an activation has another name, the place stays.
        kind: "softmax", over the last axis, or "sigmoid". In int8 either has the scale 1/256 and the zero point -128.
        outputs: names of outputs of the graph; None: all of them.
    """
    if kind not in KINDS:
        raise ValueError(f"scores expected one of {KINDS}, received {kind!r}.")
    for name in tuple(graph.outputs if outputs is None else outputs):
        place, key = graph.outputs.index(name), graph.fresh(f"{name}.{kind}")
        graph.add(Node("activation", key, [name], graph[name].shape, {"kind": kind}, tensor=key))
        graph.outputs[place] = key
