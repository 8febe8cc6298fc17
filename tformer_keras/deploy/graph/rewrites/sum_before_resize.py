"""Maps of one size that are enlarged and then added, as in Semantic FPN's head, are added first and enlarged once.

Resizing is linear, so that it may follow the sum; the sum of the coarse maps is a logical tensor of its own.
"""

from __future__ import annotations

from tformer_keras.deploy.graph.nodes import Graph, Node


def sum_before_resize(graph: Graph) -> None:
    """Each sum of two or more resizes of the same sizes and method, and of other terms."""
    for name in list(graph.nodes):
        consumers = graph.consumers()
        total = graph.nodes.get(name)
        if total is None or total.operation != "add" or _is_term(graph, total, consumers):
            continue
        terms = _terms(graph, total, consumers)
        groups: dict[tuple[object, ...], list[str]] = {}
        for term in terms:
            node = graph[term]
            alone = node.operation == "resize" and graph.single_consumer(term, consumers) is not None
            if alone and node.shape == total.shape:
                key = (graph[node.inputs[0]].shape, node.attributes["method"])
                groups.setdefault(key, []).append(term)
        together = [group for group in groups.values() if len(group) > 1]
        rest = [term for term in terms if not any(term in group for group in together)]
        # A resize takes no activation in, so that a sum has to be last where it has one.
        if not together or (len(rest) + len(together) == 1 and total.attributes.get("activation")):
            continue
        for group in together:
            before = [graph[term].inputs[0] for term in group]
            coarse = _add_all(graph, before, f"{name}.coarse")
            method = graph[group[0]].attributes["method"]
            resized = Node("resize", graph.fresh(f"{name}.resize"), [coarse], total.shape, {"method": method})
            rest.append(graph.add(resized))
        if len(rest) > 1:
            total.inputs = [_add_all(graph, rest[:-1], f"{name}.fine"), rest[-1]]
        else:
            graph.replace(name, rest[0])
        graph.tidy()


def _is_term(graph: Graph, node: Node, consumers: dict[str, list[str]]) -> bool:
    """Whether a sum is but a part of a longer one."""
    reader = graph.single_consumer(node.name, consumers)
    longer = reader is not None and reader.operation == "add" and reader.shape == node.shape
    return longer and not node.attributes.get("activation")


def _terms(graph: Graph, total: Node, consumers: dict[str, list[str]]) -> list[str]:
    terms = []
    for value in total.inputs:
        node = graph[value]
        inner = node.operation == "add" and _is_term(graph, node, consumers)
        terms += _terms(graph, node, consumers) if inner else [value]
    return terms


def _add_all(graph: Graph, values: list[str], name: str) -> str:
    """Two at a time, as LiteRT adds."""
    total = values[0]
    for value in values[1:]:
        key = graph.fresh(name)
        total = graph.add(Node("add", key, [total, value], graph[value].shape, tensor=key))
    return total
