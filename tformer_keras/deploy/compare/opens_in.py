"""Which programs open a file with right answers, and why others do not (docs/interoperability.md)."""

from __future__ import annotations

from tformer_edge.contract import Contract
from tformer_edge.graph import FileGraph

LITERT, MICRO, MEDIAPIPE, OPENVINO = "LiteRT", "TFLite Micro", "MediaPipe Tasks", "OpenVINO"


def opens_in(
    contract: Contract, file: FileGraph, *, target: str, metadata: bool, joined: bool
) -> dict[str, str | None]:
    """{program: None, or why it does not open the file with right answers}, LiteRT first.

    Args:
        contract: of the file.
        file: what is in its flatbuffer.
        target: of the graph, "litert" or "micro".
        metadata: whether it has TFLite Metadata.
        joined: whether it is a detector whose outputs are joined, as MediaPipe takes them.
    """
    found: dict[str, str | None] = {LITERT: None}
    if target == "micro":
        found[MICRO] = None
    found[MEDIAPIPE] = _mediapipe(contract, metadata, joined)
    nameless = any(not tensor.name for tensor in file.tensors)
    found[OPENVINO] = "its tensors have no names (--names short)" if nameless else None
    return found


def _mediapipe(contract: Contract, metadata: bool, joined: bool) -> str | None:
    image = contract.image
    if not metadata:
        return "it has no TFLite Metadata"
    if image.channels != 3:
        return "it takes grey pictures"
    if contract.batch > 1:
        return f"it takes {contract.batch} pictures at a time"
    if contract.input_type == "int8":
        return "its input is int8, which MediaPipe refuses (--for mediapipe)"
    if image.encoding != "pixels" and not joined:
        if contract.input_type == "uint8":
            return "its input is normalised, and MediaPipe gives pixels (--for mediapipe)"
        if len(set(zip(image.mean, image.std, strict=True))) > 1:
            return "its input has a mean for each channel, and MediaPipe takes one (--for mediapipe)"
    if contract.task == "classification" and contract.output_meaning == "logits":
        return "it gives logits, which MediaPipe shows as if they were scores (--for mediapipe)"
    if contract.task == "detection" and not joined:
        return "it gives maps of each level, and MediaPipe takes two outputs (--for mediapipe)"
    return None
