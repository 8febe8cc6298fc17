"""Malice in a flatbuffer that stays a flatbuffer: LiteRT's verifier lets it through, and its kernels meet it.

By the object interface of the schema that LiteRT ships; packed again with the `flatbuffers` library.
"""

import math
import random
from collections.abc import Callable
from typing import Any

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

SIZES = (-(2**31), -1, 0, 1, 2, 3, 7, 255, 4096, 65_536, 2**20, 2**30, 2**31 - 1)
SCALES = (0.0, -1.0, 1e-45, 1e-30, 1e38, math.inf, -math.inf, math.nan, 0.02)
Mutation = Callable[[Any, random.Random], None]


def mutate_graph(flatbuffer: bytes, draw: random.Random) -> bytes:
    """`flatbuffer` with one to three hostile fields."""
    while True:
        model = schema.ModelT.InitFromPackedBuf(flatbuffer)
        for _ in range(draw.choice((1, 1, 2, 3))):
            draw.choice(MUTATIONS)(model, draw)
        builder = flatbuffers.Builder(len(flatbuffer))
        # A list that was emptied beside an empty vector cannot be packed in some places: draw again.
        try:
            builder.Finish(model.Pack(builder), b"TFL3")
        except (TypeError, AttributeError, ValueError, OverflowError):
            continue
        return bytes(builder.Output())


def _tensor(model: Any, draw: random.Random) -> Any:
    return draw.choice(model.subgraphs[0].tensors)


def _operator(model: Any, draw: random.Random) -> Any:
    return draw.choice(model.subgraphs[0].operators)


def _shape(model: Any, draw: random.Random) -> None:
    tensor = _tensor(model, draw)
    shape = [] if tensor.shape is None else [int(side) for side in tensor.shape]
    how = draw.randrange(4)
    if how == 0 and shape:
        shape[draw.randrange(len(shape))] = draw.choice(SIZES)
    elif how == 1:
        shape = shape[: draw.randrange(len(shape) + 1)]
    elif how == 2:
        shape = shape + [draw.choice(SIZES)] * draw.choice((1, 4, 30))
    else:
        shape = [side * draw.choice((1, 2, 3)) for side in shape]
    tensor.shape = shape


def _type(model: Any, draw: random.Random) -> None:
    _tensor(model, draw).type = draw.choice((*range(23), 127, -1))


def _buffer(model: Any, draw: random.Random) -> None:
    _tensor(model, draw).buffer = draw.choice((*range(len(model.buffers)), len(model.buffers), 2**31))


def _data(model: Any, draw: random.Random) -> None:
    buffer = draw.choice([one for one in model.buffers if one.data is not None])
    data = bytearray(bytes(buffer.data))
    how = draw.randrange(3)
    if how == 0:
        data = data[: draw.randrange(len(data) + 1)]
    elif how == 1:
        data += draw.randbytes(draw.choice((1, 64)))
    else:  # axes, shapes and paddings are data too
        data = bytearray(draw.choice((b"\x00", b"\x7f", b"\xff")) * len(data))
    buffer.data = list(data)


def _quantization(model: Any, draw: random.Random) -> None:
    tensor = _tensor(model, draw)
    values = tensor.quantization
    how = draw.randrange(4)
    if values is None or how == 0:
        tensor.quantization = None
    elif how == 1:
        values.scale = [draw.choice(SCALES)] * draw.choice((0, 1, 1, 5, 4096))
    elif how == 2:
        values.zeroPoint = [draw.choice((*SIZES, 2**62, -(2**63)))] * draw.choice((0, 1, 1, 5, 4096))
    else:
        values.quantizedDimension = draw.choice(SIZES)


def _edges(model: Any, draw: random.Random) -> None:
    operator, count = _operator(model, draw), len(model.subgraphs[0].tensors)
    name = draw.choice(("inputs", "outputs"))
    edges = [int(index) for index in getattr(operator, name)]
    how = draw.randrange(3)
    if how == 0 and edges:
        edges[draw.randrange(len(edges))] = draw.choice((*range(count), count, -1, -2, 2**31 - 1))
    elif how == 1:
        edges = edges[: draw.randrange(len(edges) + 1)]
    else:
        edges += [draw.randrange(count)] * draw.choice((1, 3, 1000))
    setattr(operator, name, edges)


def _options(model: Any, draw: random.Random) -> None:
    operator = _operator(model, draw)
    options = vars(operator.builtinOptions) if operator.builtinOptions is not None else {}
    numbers = [name for name, value in options.items() if isinstance(value, int)]
    if numbers and draw.random() < 0.7:
        name = draw.choice(numbers)
        bool_ = isinstance(getattr(operator.builtinOptions, name), bool)
        setattr(operator.builtinOptions, name, bool(draw.randrange(2)) if bool_ else draw.choice(SIZES))
    else:
        other = _operator(model, draw)
        operator.builtinOptions, operator.builtinOptionsType = other.builtinOptions, other.builtinOptionsType


def _code(model: Any, draw: random.Random) -> None:
    code = draw.choice(model.operatorCodes)
    if draw.random() < 0.2:
        code.version = draw.choice(SIZES)
        return
    number = draw.randrange(210)
    code.builtinCode, code.deprecatedBuiltinCode = number, min(number, 127)


def _order(model: Any, draw: random.Random) -> None:
    """Operators in another order, twice, or gone: values are read before they are made."""
    operators = model.subgraphs[0].operators
    how = draw.randrange(3)
    if how == 0:
        draw.shuffle(operators)
    elif how == 1:
        operators += [draw.choice(operators)] * draw.choice((1, 300))
    else:
        del operators[draw.randrange(len(operators))]


def _border(model: Any, draw: random.Random) -> None:
    graph, count = model.subgraphs[0], len(model.subgraphs[0].tensors)
    name = draw.choice(("inputs", "outputs"))
    edges = [int(index) for index in getattr(graph, name)]
    how = draw.randrange(3)
    if how == 0:
        edges = [draw.choice((*range(count), count, -1, 2**31 - 1))]
    elif how == 1:
        edges = edges * draw.choice((0, 2, 100))
    else:
        edges.append(draw.randrange(count))
    setattr(graph, name, edges)


def _signature(model: Any, draw: random.Random) -> None:
    for signature in model.signatureDefs or []:
        how = draw.randrange(3)
        if how == 0:
            signature.subgraphIndex = draw.choice((1, 2**31))
        elif how == 1:
            for one in [*(signature.inputs or []), *(signature.outputs or [])]:
                one.tensorIndex = draw.choice((len(model.subgraphs[0].tensors), 2**31))
        else:
            signature.signatureKey = draw.choice((b"", b"\x1b[2J\xff"))


MUTATIONS: tuple[Mutation, ...] = (
    *(_shape, _shape, _type, _buffer, _data, _quantization, _quantization),
    *(_edges, _edges, _options, _options, _code, _order, _border, _signature),
)
