"""Ranges that LiteRT accepts: of a sum that is nearly nothing beside what it adds up.

LiteRT's int8 addition shifts its operands by 20 bits and ends the process where the result's scale is smaller than the
larger operand's by that much. Such a tensor is dead (behind a ReLU, of weights that training has driven to zero): a
wider range loses nothing that anybody reads.
"""

from __future__ import annotations

from tformer_keras.deploy.graph.nodes import Graph, Node
from tformer_keras.deploy.int8.fake_quantization import FIXED_RANGES, range_groups

Ranges = dict[str, tuple[float, float]]

# With room to spare: LiteRT's bound is 2**-19.
LEAST_SHARE = 2.0**-16
_SUMS = ("add", "subtract", "affine", "with_constant", "scale_by", "multiply", "squared_difference")


def floored(graph: Graph, ranges: Ranges) -> Ranges:
    """The ranges, each result of a sum or product at least `LEAST_SHARE` as wide as its widest operand."""
    result = dict(ranges)
    groups = {name: group for group in range_groups(graph) for name in group}

    def width(value: str) -> float:
        node = graph[value]
        while node.tensor is None or node.tensor not in groups:
            if node.operation == "activation" and node.attributes.get("kind") in FIXED_RANGES:
                low, high = FIXED_RANGES[node.attributes["kind"]]
                return high - low
            if not node.inputs:
                return 0.0
            node = graph[node.inputs[0]]
        pairs = [result[name] for name in groups[node.tensor]]
        return max(high for _, high in pairs) - min(low for low, _ in pairs)

    for node in graph.nodes.values():
        # The converter makes one operation of a sum and the ReLU behind it, whose range counts then.
        clipped = node.operation == "activation" and node.attributes["kind"] in ("relu", "relu6")
        if not (clipped or node.operation in _SUMS) or node.tensor not in result:
            continue
        least = LEAST_SHARE * max([width(value) for value in node.inputs] + [_constant_width(node)])
        if width(node.name) < least:
            low, _ = result[node.tensor]
            result[node.tensor] = (low, low + least)
    return result


def _constant_width(node: Node) -> float:
    """How wide the range of a summand in the graph is; a factor's does not matter."""
    values = [weight.values for role, weight in node.weights.items() if role == "offset"]
    if node.operation == "with_constant" and node.attributes["function"] in ("add", "subtract"):
        values.append(node.attributes["value"])
    return max((float(max(one.max(), 0) - min(one.min(), 0)) for one in values), default=0.0)
