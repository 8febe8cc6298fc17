"""A mark on an output: what the map is that leaves the model here."""

from collections.abc import Sequence
from typing import Any

import keras

from tformer_edge.errors import UserError
from tformer_edge.output_json import Output


@keras.saving.register_keras_serializable("tformer_keras")
class OutputMap(keras.layers.Layer):
    """Gives its input, (batch, height, width, channels), as it is, and says what it is.

    So a `.keras` file of a detector or segmenter carries what its outputs mean: tasks and contracts read it here.

    Arguments:
        kind: "logits" or "deltas" of a level of a detector; "class_logits" of a segmenter.
        stride: pixels of the model's input between two cells, 1 to 8192.
        anchors: (width, height) of each anchor of a cell in pixels of the input; none for "class_logits".

    Raises ValueError for a value out of range.
    """

    def __init__(
        self, kind: str, stride: int, anchors: Sequence[Sequence[float]] = (), **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if kind == "scores":
            raise ValueError("Expected `kind` to be logits, deltas or class_logits, received scores.")
        try:
            # The contract says the same of an output, and has the limits.
            said = Output(self.name, kind, stride, tuple(anchors))  # type: ignore[arg-type]
        except UserError as error:
            raise ValueError(f"OutputMap expected {error.expected}, received {error.received}.") from error
        self.kind, self.stride, self.anchors = said.kind, said.stride, said.anchors

    def call(self, inputs: Any) -> Any:
        return inputs

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        anchors = [list(pair) for pair in self.anchors]
        return {**super().get_config(), "kind": self.kind, "stride": self.stride, "anchors": anchors}
