"""The graph between a Keras 3 model and its device form: plain nodes, on which rewrites work (docs/device_graph.md)."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable
from typing import Any

import numpy as np


@functools.cache
def plain_name(name: str) -> str:
    """A name as TensorFlow's scopes and the converter take it; Keras 3's names are free.

    ASCII letters, digits, "_", "." and "-", a letter or digit first.
    """
    letters = "".join(one if one.isascii() and (one.isalnum() or one in "_.-") else "_" for one in name)
    return letters if letters[:1].isalnum() else f"x{letters}"


@dataclasses.dataclass(frozen=True)
class Weight:
    """A piece of a named array of the folded model, and where in that array each element stands.

    Rewrites cut and reorder weights; `index` remembers the place of every element, so that weights which were trained
    in one layout are put back (`QuantizedModel.weights`) and cut anew for another one.

    Args:
        name: of the whole array, for example `"stage1_block1_ffn_expand/kernel"`.
        shape: of the whole array.
        values: float64, this piece.
        index: int64, same shape as `values`: flat positions in the whole array.
        trainable: False for constants of the graph, such as the taps of an average.
    """

    name: str
    shape: tuple[int, ...]
    values: np.ndarray
    index: np.ndarray
    trainable: bool = True

    @classmethod
    def of(cls, name: str, values: Any, trainable: bool = True) -> Weight:
        array = np.asarray(values, "float64")
        return cls(name, array.shape, array, np.arange(array.size).reshape(array.shape), trainable)

    def take(self, positions: Any, axis: int) -> Weight:
        """The piece at `positions` (a slice or indices) along `axis`."""
        selection: list[Any] = [slice(None)] * self.values.ndim
        selection[axis] = positions
        key = tuple(selection)
        return dataclasses.replace(self, values=self.values[key], index=self.index[key])

    def with_values(self, values: np.ndarray) -> Weight:
        """The same piece with other values of the same shape."""
        return dataclasses.replace(self, values=np.broadcast_to(values, self.values.shape).astype("float64"))


@dataclasses.dataclass
class Node:
    """One operation with one output, which has the node's name.

    Args:
        operation: a key of `emit.EMITTERS`, or one that a rewrite expands before that ("pools", "affine" folded away).
        name: unique in the graph.
        inputs: names of nodes.
        shape: of the output without its batch axis.
        attributes: what the operation needs besides weights; see the emitters.
        weights: by role: kernel, bias, scale, offset, value.
        tensor: name of the logical tensor that the output is (a part of), or None where int8 output takes over the
            range of the input (slices, max pooling, concatenation). Ranges are kept by this name.
    """

    operation: str
    name: str
    inputs: list[str]
    shape: tuple[int, ...]
    attributes: dict[str, Any] = dataclasses.field(default_factory=dict)
    weights: dict[str, Weight] = dataclasses.field(default_factory=dict)
    tensor: str | None = None

    @property
    def channels(self) -> int:
        return self.shape[-1]


class Graph:
    """Nodes by name, the names of inputs and outputs, the target, and what the user should know of how it was made."""

    def __init__(self, target: str = "litert") -> None:
        self.target = target
        self.nodes: dict[str, Node] = {}
        self.inputs: list[str] = []
        self.outputs: list[str] = []
        self.notes: list[str] = []
        self.first_calls: dict[
            int, str
        ] = {}  # of each layer, by identity: the name of the node of its first call

    def add(self, node: Node) -> str:
        if node.name in self.nodes:
            raise ValueError(f"a graph expected unique node names, received {node.name!r} twice.")
        self.nodes[node.name] = node
        return node.name

    def copy(self) -> Graph:
        """A graph of its own nodes, whose weights are this one's."""
        other = Graph(self.target)
        other.inputs, other.outputs = list(self.inputs), list(self.outputs)
        other.notes, other.first_calls = list(self.notes), dict(self.first_calls)
        for node in self.nodes.values():
            own = dataclasses.replace(node, inputs=list(node.inputs), attributes=dict(node.attributes))
            own.weights = dict(node.weights)
            other.add(own)
        return other

    def __getitem__(self, name: str) -> Node:
        return self.nodes[name]

    def fresh(self, name: str) -> str:
        """`name`, or `name_1`, … if it is taken, as it is or in its plain form."""
        taken = {plain_name(one) for one in self.nodes}
        candidate, number = name, 0
        while plain_name(candidate) in taken:
            number += 1
            candidate = f"{name}_{number}"
        return candidate

    def consumers(self) -> dict[str, list[str]]:
        """The names of the nodes that read each value, once for each time that they read it."""
        table: dict[str, list[str]] = {name: [] for name in self.nodes}
        for node in self.nodes.values():
            for value in node.inputs:
                table[value].append(node.name)
        return table

    def single_consumer(self, name: str, consumers: dict[str, list[str]]) -> Node | None:
        """The one node that reads a value which is no output of the graph, else None."""
        readers = consumers[name]
        if len(readers) != 1 or name in self.outputs:
            return None
        return self.nodes[readers[0]]

    def replace(self, old: str, new: str) -> None:
        """Lets every reader of `old`, and the graph's outputs, read `new`."""
        for node in self.nodes.values():
            node.inputs = [new if value == old else value for value in node.inputs]
        self.outputs = [new if value == old else value for value in self.outputs]

    def remove(self, names: Iterable[str]) -> None:
        for name in names:
            del self.nodes[name]

    def tidy(self) -> None:
        """Drops what no output needs, and sorts the rest so that each node stands behind its inputs."""
        order: dict[str, Node] = {}
        # Not recursive: a TFormer-L has more nodes in a row than Python's stack takes.
        pending = [(name, False) for name in reversed(self.inputs + self.outputs)]
        while pending:
            name, ready = pending.pop()
            if name in order:
                continue
            if ready:
                order[name] = self.nodes[name]
                continue
            pending.append((name, True))
            pending += [(value, False) for value in reversed(self.nodes[name].inputs)]
        self.nodes = order

    def weight_users(self) -> dict[str, list[Node]]:
        """The nodes that use each named array."""
        table: dict[str, list[Node]] = {}
        for node in self.nodes.values():
            for weight in node.weights.values():
                table.setdefault(weight.name, []).append(node)
        return table


def same_numbers(one: Graph, other: Graph) -> bool:
    """Whether two graphs compute the same in float32: the same nodes in the same order, of the same weights."""
    return (
        list(one.nodes) == list(other.nodes)
        and (one.inputs, one.outputs) == (other.inputs, other.outputs)
        and all(_same_node(node, other[name]) for name, node in one.nodes.items())
    )


def _same_node(one: Node, other: Node) -> bool:
    return (
        (one.operation, one.inputs, one.shape) == (other.operation, other.inputs, other.shape)
        and one.attributes.keys() == other.attributes.keys()
        and all(_same_value(value, other.attributes[key]) for key, value in one.attributes.items())
        and one.weights.keys() == other.weights.keys()
        and all(
            np.array_equal(weight.values.astype("float32"), other.weights[role].values.astype("float32"))
            for role, weight in one.weights.items()
        )
    )


def _same_value(one: Any, other: Any) -> bool:
    # The text of a large array leaves most of it out.
    return np.array_equal(one, other) if isinstance(one, np.ndarray) else repr(one) == repr(other)
