"""Names of a flatbuffer's tensors, for the programs that refuse a file without them (docs/interoperability.md).

LiteRT and TFLite Micro know tensors by their numbers and read no names. OpenVINO, tf2onnx and MediaPipe's tools want
each tensor to have one, and no two the same; a hexadecimal number is enough for them and costs 12 bytes.
"""

from typing import Any, Literal, get_args

Names = Literal["none", "short", "full"]
NAMES: tuple[Names, ...] = get_args(Names)


def name_tensors(model: Any, names: Names) -> None:
    """Gives the tensors of a `ModelT` their names; the same model gets the same ones, also if it has them already.

    Args:
        model: with the names that the converter gave.
        names: "none": no names, but for inputs and outputs that no signature names, since LiteRT's CompiledModel then
            knows them by those of their tensors; "short": inputs and outputs are called as in the signature, other
            tensors by their index in hexadecimal; "full": other tensors keep the converter's name, that of the layer.
    """
    for number, graph in enumerate(model.subgraphs):
        signed = _signed(model, number)
        border = [int(index) for index in (*graph.inputs, *graph.outputs)]
        if names == "none":
            kept = set(border) if not signed else set()
            for index, tensor in enumerate(graph.tensors):
                if index not in kept:
                    tensor.name = None
            continue
        taken: set[bytes] = set()
        # The border first: its names are for people, and of two equal names the later one is changed.
        for index in dict.fromkeys((*border, *range(len(graph.tensors)))):
            tensor, outside = graph.tensors[index], index in border
            name = signed.get(index) or (tensor.name if outside or names == "full" else None) or b"%x" % index
            while name in taken:
                name += b"_"
            taken.add(name)
            tensor.name = name


def names_of(model: Any) -> Names:
    """What `name_tensors` was told when it named the tensors of this `ModelT`."""
    (graph, *_) = model.subgraphs
    border = {*graph.inputs, *graph.outputs}
    inner = [(index, tensor.name) for index, tensor in enumerate(graph.tensors) if index not in border]
    if not any(name for _, name in inner):
        return "none"
    short = all(name is not None and name.rstrip(b"_") == b"%x" % index for index, name in inner)
    return "short" if short else "full"


def _signed(model: Any, subgraph: int) -> dict[int, bytes]:
    """{index of an input or output: its name in the signature} of a subgraph; of several signatures the first."""
    found: dict[int, bytes] = {}
    for signature in model.signatureDefs or ():
        if signature.subgraphIndex == subgraph:
            for tensor in (*signature.inputs, *signature.outputs):
                found.setdefault(int(tensor.tensorIndex), bytes(tensor.name))
    return found
