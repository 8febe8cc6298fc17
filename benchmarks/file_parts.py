"""Cuts a converted detector or segmenter behind its backbone and behind its neck, by the layers' names of its tensors.

The operators are put in the order of the parts, so that XNNPACK runs the whole as it runs a file that ends with a part,
and goes on: how many operations it makes of that file says where the part ends, whatever it joins and leaves out.
"""

from __future__ import annotations

import re
from typing import Any

# In the order of the graph; what is named like none of the later ones is of the backbone.
PARTS = ("backbone", "neck", "head")
_NAMES = {"neck": r"neck_", "head": r"(head|logits|deltas|class)_"}


def part_of(tensor: str) -> str:
    """The part of a tensor by its name, `model/neck_p3_lateral/Conv2D`; of several that are joined by ";" the first."""
    for scope in tensor.split(";")[0].split("/"):
        for part, pattern in _NAMES.items():
            if re.match(pattern, scope):
                return part
    return PARTS[0]


def parts_of(model: Any) -> list[str]:
    """The part of each operator of a `ModelT`: its own by name, but none before those that it reads."""
    (graph,) = model.subgraphs
    made: dict[int, int] = {}
    for operator in graph.operators:
        named = part_of((graph.tensors[operator.outputs[0]].name or b"").decode())
        place = max([PARTS.index(named), *(made[index] for index in operator.inputs if index in made)])
        made.update((int(index), place) for index in operator.outputs)
    return [PARTS[made[int(operator.outputs[0])]] for operator in graph.operators]


def cut(flatbuffer: bytes) -> dict[str, bytes]:
    """{part: a file of all operators up to its end}, whose outputs are what later parts read, and the outputs so far.

    The last one is the whole file, its operators in the order of the parts.

    Args:
        flatbuffer: of one subgraph, whose tensors have their layers' names; a contract behind it is left out.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    from tformer_keras.deploy.tflite.pack import IDENTIFIER, pack

    files = {}
    for place, part in enumerate(PARTS):
        model = schema.ModelT.InitFromPackedBuf(flatbuffer)
        (graph,) = model.subgraphs
        placed = list(zip(map(PARTS.index, parts_of(model)), graph.operators, strict=True))
        placed.sort(key=lambda pair: pair[0])
        kept = [operator for where, operator in placed if where <= place]
        left = [operator for where, operator in placed if where > place]
        wanted = {int(index) for operator in left for index in operator.inputs} | set(map(int, graph.outputs))
        graph.outputs = [int(index) for operator in kept for index in operator.outputs if index in wanted]
        graph.operators = kept
        for signature in model.signatureDefs or ():
            signature.outputs = [
                schema.TensorMapT(f"output_{number}".encode(), index)
                for number, index in enumerate(graph.outputs)
            ]
        builder = flatbuffers.Builder(len(flatbuffer))
        builder.Finish(model.Pack(builder), IDENTIFIER)
        files[part] = pack(bytes(builder.Output())).flatbuffer
    return files
