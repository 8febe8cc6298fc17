"""How a model is converted: what `tformer convert` can be told."""

from __future__ import annotations

from dataclasses import dataclass

from tformer_edge.errors import UserError
from tformer_keras.deploy.border import check_border, tensor_type
from tformer_keras.deploy.graph_source import GraphOptions
from tformer_keras.deploy.mediapipe import check_made_for
from tformer_keras.deploy.npu.vela import check_vela
from tformer_keras.deploy.tflite.export import check_arguments
from tformer_keras.deploy.tflite.metadata import NOTHING_SAID, About
from tformer_keras.deploy.tflite.tensor_names import NAMES, Names


@dataclass(frozen=True, kw_only=True)
class ConversionOptions(GraphOptions):
    """How a model is converted; see `GraphOptions` for the graph.

    Attributes:
        kind: "int8"; "fp16" (float16 weights, float32 arithmetic), "float" (float32), or "dynamic" (int8 weights, and
            activations quantized at run time).
        io: type of inputs and outputs: "int8", "uint8" or "float32"; None: int8 of int8, else float32. Or what goes in
            is pixels, 0 to 255, and nothing else: "pixels", uint8 of int8 and float32 of the other kinds; of int8 also
            "pixels-int8", pixels - 128.
        made_for: "mediapipe": raw pixels in, and the outputs that MediaPipe takes (`mediapipe.py`); or None.
        output: "scores" ends a classifier in a softmax; "logits": as the model ends.
        exact: with `io="pixels"`: normalise by an operation in front where the first convolution could take it over,
            but would compute other numbers where it pads.
        batch: images at a time, fixed in the file, ≥ 1.
        names: of tensors in the file, "none", "short" or "full" (`tflite/tensor_names.py`); None: short, for
            microcontrollers none.
        metadata: what TFLite Metadata say that only people know; None: none are written. Files for microcontrollers
            have none.
        threads: of the latency and the accuracy, ≥ 1.
        data: labelled images as training takes them, or "digits", whose test images LiteRT is scored on; or None.
        verify: prove the file before it is given out (`compare/file_proof.py`).

    Raises:
        UserError: values that no file can have.
    """

    kind: str = "int8"
    io: str | None = None
    made_for: str | None = None
    output: str = "logits"
    exact: bool = False
    batch: int = 1
    names: Names | None = None
    metadata: About | None = NOTHING_SAID
    threads: int = 1
    data: str | None = None
    verify: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.npu is not None:
            check_vela(self.npu)
            if self.kind != "int8":
                raise UserError(
                    "int8, which is what NPUs compute", self.kind, "leave one of both out", where="--vela"
                )
        if self.made_for is not None:
            check_made_for(self.made_for, self.io, self.batch, self.metadata is not None)
            object.__setattr__(self, "io", "pixels")
        check_border(self.kind, self.io, self.output, self.exact)
        check_arguments(self.kind, tensor_type(self.kind, self.io), self.batch)
        if self.names is not None and self.names not in NAMES:
            raise UserError(
                f"names among {', '.join(NAMES)}", repr(self.names), "take one of them", where="--names"
            )
        if self.threads < 1:
            raise UserError("1 or more", str(self.threads), "leave it out for one", where="--threads")
