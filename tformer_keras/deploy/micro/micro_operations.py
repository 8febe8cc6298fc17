"""The operations that TensorFlow Lite Micro has, and what its op resolver calls them."""

from __future__ import annotations

from collections.abc import Mapping

from tformer_edge.errors import UserError
from tformer_edge.graph import FileGraph, FileOperation

# From tensorflow/lite/micro/micro_mutable_op_resolver.h of TFLite Micro at commit 90b983c2b3f1 (20 August 2026):
# the builtin operation, and the method of MicroMutableOpResolver that adds it.
RESOLVER_METHODS = {
    "ABS": "AddAbs",
    "ADD": "AddAdd",
    "ADD_N": "AddAddN",
    "ARG_MAX": "AddArgMax",
    "ARG_MIN": "AddArgMin",
    "ASSIGN_VARIABLE": "AddAssignVariable",
    "AVERAGE_POOL_2D": "AddAveragePool2D",
    "BATCH_MATMUL": "AddBatchMatMul",
    "BATCH_TO_SPACE_ND": "AddBatchToSpaceNd",
    "BROADCAST_ARGS": "AddBroadcastArgs",
    "BROADCAST_TO": "AddBroadcastTo",
    "CALL_ONCE": "AddCallOnce",
    "CAST": "AddCast",
    "CEIL": "AddCeil",
    "CONCATENATION": "AddConcatenation",
    "CONV_2D": "AddConv2D",
    "COS": "AddCos",
    "CUMSUM": "AddCumSum",
    "DEPTHWISE_CONV_2D": "AddDepthwiseConv2D",
    "DEPTH_TO_SPACE": "AddDepthToSpace",
    "DEQUANTIZE": "AddDequantize",
    "DIV": "AddDiv",
    "DYNAMIC_UPDATE_SLICE": "AddDynamicUpdateSlice",
    "ELU": "AddElu",
    "EMBEDDING_LOOKUP": "AddEmbeddingLookup",
    "EQUAL": "AddEqual",
    "EXP": "AddExp",
    "EXPAND_DIMS": "AddExpandDims",
    "FILL": "AddFill",
    "FLOOR": "AddFloor",
    "FLOOR_DIV": "AddFloorDiv",
    "FLOOR_MOD": "AddFloorMod",
    "FULLY_CONNECTED": "AddFullyConnected",
    "GATHER": "AddGather",
    "GATHER_ND": "AddGatherNd",
    "GREATER": "AddGreater",
    "GREATER_EQUAL": "AddGreaterEqual",
    "HARD_SWISH": "AddHardSwish",
    "IF": "AddIf",
    "L2_NORMALIZATION": "AddL2Normalization",
    "L2_POOL_2D": "AddL2Pool2D",
    "LEAKY_RELU": "AddLeakyRelu",
    "LESS": "AddLess",
    "LESS_EQUAL": "AddLessEqual",
    "LOG": "AddLog",
    "LOGICAL_AND": "AddLogicalAnd",
    "LOGICAL_NOT": "AddLogicalNot",
    "LOGICAL_OR": "AddLogicalOr",
    "LOGISTIC": "AddLogistic",
    "LOG_SOFTMAX": "AddLogSoftmax",
    "MAXIMUM": "AddMaximum",
    "MAX_POOL_2D": "AddMaxPool2D",
    "MEAN": "AddMean",
    "MINIMUM": "AddMinimum",
    "MIRROR_PAD": "AddMirrorPad",
    "MUL": "AddMul",
    "NEG": "AddNeg",
    "NOT_EQUAL": "AddNotEqual",
    "PACK": "AddPack",
    "PAD": "AddPad",
    "PADV2": "AddPadV2",
    "PRELU": "AddPrelu",
    "QUANTIZE": "AddQuantize",
    "READ_VARIABLE": "AddReadVariable",
    "REDUCE_ALL": "AddReduceAll",
    "REDUCE_MAX": "AddReduceMax",
    "REDUCE_MIN": "AddReduceMin",
    "RELU": "AddRelu",
    "RELU6": "AddRelu6",
    "RESHAPE": "AddReshape",
    "RESIZE_BILINEAR": "AddResizeBilinear",
    "RESIZE_NEAREST_NEIGHBOR": "AddResizeNearestNeighbor",
    "REVERSE_V2": "AddReverseV2",
    "ROUND": "AddRound",
    "RSQRT": "AddRsqrt",
    "SELECT_V2": "AddSelectV2",
    "SHAPE": "AddShape",
    "SIN": "AddSin",
    "SLICE": "AddSlice",
    "SOFTMAX": "AddSoftmax",
    "SPACE_TO_BATCH_ND": "AddSpaceToBatchNd",
    "SPACE_TO_DEPTH": "AddSpaceToDepth",
    "SPLIT": "AddSplit",
    "SPLIT_V": "AddSplitV",
    "SQRT": "AddSqrt",
    "SQUARE": "AddSquare",
    "SQUARED_DIFFERENCE": "AddSquaredDifference",
    "SQUEEZE": "AddSqueeze",
    "STRIDED_SLICE": "AddStridedSlice",
    "SUB": "AddSub",
    "SUM": "AddSum",
    "SVDF": "AddSvdf",
    "TANH": "AddTanh",
    "TRANSPOSE": "AddTranspose",
    "TRANSPOSE_CONV": "AddTransposeConv",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "AddUnidirectionalSequenceLSTM",
    "UNPACK": "AddUnpack",
    "VAR_HANDLE": "AddVarHandle",
    "WHILE": "AddWhile",
    "ZEROS_LIKE": "AddZerosLike",
}

# Its custom operations, from the same header: signal processing in front of a model, and boxes behind one.
CUSTOM_METHODS = {
    "SignalDelay": "AddDelay",
    "SignalEnergy": "AddEnergy",
    "SignalFftAutoScale": "AddFftAutoScale",
    "SignalFilterBank": "AddFilterBank",
    "SignalFilterBankLog": "AddFilterBankLog",
    "SignalFilterBankSpectralSubtraction": "AddFilterBankSpectralSubtraction",
    "SignalFilterBankSquareRoot": "AddFilterBankSquareRoot",
    "SignalFramer": "AddFramer",
    "SignalIrfft": "AddIrfft",
    "SignalOverlapAdd": "AddOverlapAdd",
    "SignalPCAN": "AddPCAN",
    "SignalRfft": "AddRfft",
    "SignalStacker": "AddStacker",
    "SignalWindow": "AddWindow",
    "TFLite_Detection_PostProcess": "AddDetectionPostprocess",
}
# What it lacks, and what to take instead.
INSTEAD = {"GELU": "build the model with the activation quick_gelu, relu or relu6"}


def method_of(operation: FileOperation) -> str | None:
    """The method of MicroMutableOpResolver that adds an operation; None where TFLite Micro lacks it."""
    return (CUSTOM_METHODS if operation.custom else RESOLVER_METHODS).get(operation.type)


def check_operations(file: FileGraph, names: Mapping[int, str] | None = None) -> None:
    """Checks that TFLite Micro has every operation of a file.

    Args:
        names: of its tensors, where the file itself has none any more.

    Raises:
        UserError: naming the first operation that it lacks, its layer, and how many there are.
    """
    missing = [
        (number, operation)
        for number, operation in enumerate(file.operations)
        if method_of(operation) is None
    ]
    if not missing:
        return
    number, operation = missing[0]
    kinds = ", ".join(sorted({one.type for _, one in missing}))
    raise UserError(
        "operations that TensorFlow Lite Micro has",
        f"{len(missing)} that it lacks ({kinds}), the first of them {operation.type} in "
        f"{layer_name(file, number, names)}",
        INSTEAD.get(operation.type, "build the model without that layer"),
    )


def layer_name(file: FileGraph, number: int, names: Mapping[int, str] | None = None) -> str:
    """What people know operation `number` by: the name of its output, else its place and its output's shape."""
    operation: FileOperation = file.operations[number]
    output = operation.outputs[0]
    name = (names or {}).get(output.index, "") or output.name
    # A short name is the tensor's number (`tflite/tensor_names.py`), which nobody knows it by.
    if name and name.rstrip("_") != f"{output.index:x}":
        # The converter's names are "model/layer/operation", several of them where it merged some.
        parts = name.split(";")[0].split("/")
        return f"layer '{'/'.join(parts[1:-1] or parts)}'"
    return f"operation {number + 1} of {len(file.operations)}, whose output is {output.type} {output.shape}"


def resolver_methods(file: FileGraph) -> tuple[str, ...]:
    """The methods of MicroMutableOpResolver that a file needs, each once, in alphabetical order."""
    return tuple(sorted({method_of(operation) or "" for operation in file.operations}))
