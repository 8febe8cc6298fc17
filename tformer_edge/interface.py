"""What a model's tensors mean: by its contract, or by hand for a file without one, never guessed."""

from collections.abc import Sequence
from dataclasses import dataclass

from tformer_edge.contract import ModelFile
from tformer_edge.errors import UserError
from tformer_edge.model_json import Contract, Meaning
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.refusal import ADVICE
from tformer_edge.runner import TensorInfo

_BY_HAND = "preprocessing, labels and meaning (on the command line --mean --std --resize --labels --meaning)"


@dataclass(frozen=True)
class Interface:
    """Attributes: `image`, `labels` and `meaning` as in a contract; `image` is None where nobody has said."""

    contract: Contract | None
    image: Preprocessing | None
    labels: tuple[str, ...]
    meaning: Meaning

    def preprocessing_for_images(self) -> Preprocessing:
        """How an image becomes the input. Raises UserError where that is unknown, or the task is not classification."""
        if self.contract is not None and self.contract.task != "classification":
            raise UserError(
                f"Expected a model for classification, received one for {self.contract.task}; "
                "run its tensors with Model.run."
            )
        if self.image is None:
            raise UserError(
                f"Expected {_BY_HAND} for a file without a contract, received none; "
                "give them, or convert the model with converters/to_tflite.py, which writes them into the file."
            )
        return self.image

    def check_tensors(self, given: TensorInfo, outputs: tuple[TensorInfo, ...]) -> None:
        """Raises UserError where the flatbuffer's tensors are not what the contract, or the arguments, say."""
        if self.image is None:
            return
        contract = self.contract
        batch = given.shape[0] if contract is None and given.shape else contract.batch if contract else 1
        shape = (max(batch, 1), *self.image.input_size, 3)
        kinds = ("int8", "uint8", "float32") if contract is None else (contract.input_type,)
        if given.shape != shape or given.type not in kinds:
            raise UserError(
                f"Expected an input of {' or '.join(kinds)} {shape}, as {self._who()}, "
                f"received {given.type} {given.shape} in the flatbuffer; {self._advice()}."
            )
        if contract is not None and contract.task != "classification":
            wrong = [one for one in outputs if one.type != contract.output_type]
            if wrong:
                raise UserError(
                    f"Expected outputs of {contract.output_type}, as {self._who()}, received {wrong[0].type} in the "
                    f"flatbuffer; {self._advice()}."
                )
            return
        kinds = ("int8", "uint8", "float32") if contract is None else (contract.output_type,)
        scores = (shape[0], len(self.labels))
        if len(outputs) != 1 or outputs[0].shape != scores or outputs[0].type not in kinds:
            received = ", ".join(f"{one.type} {one.shape}" for one in outputs)
            raise UserError(
                f"Expected one output of {' or '.join(kinds)} {scores}, as {self._who()}, received {received} in the "
                f"flatbuffer; {self._advice()}."
            )
        for one, name in ((given, "input"), (outputs[0], "output")):
            if one.type != "float32" and not one.scale > 0:
                raise UserError(
                    f"Expected a scale for the {one.type} {name}, received none; {self._advice()}."
                )

    def _who(self) -> str:
        return "the contract says" if self.contract else "the arguments say"

    def _advice(self) -> str:
        return ADVICE if self.contract else "give arguments that fit the model"


def interface_of(
    file: ModelFile,
    preprocessing: Preprocessing | None,
    labels: Sequence[str] | None,
    meaning: Meaning | None,
) -> Interface:
    """What `file` says, or the arguments where it says nothing.

    Raises UserError for arguments beside a contract, for some of them without the others, and for no label.
    """
    given = [value is not None for value in (preprocessing, labels, meaning)]
    if file.contract is not None:
        if any(given):
            raise UserError(
                f"Expected no {_BY_HAND} for a file with a contract, which says them itself, received some; "
                "leave them away."
            )
        return Interface(file.contract, file.contract.image, file.labels, file.contract.output_meaning)
    if not any(given):
        return Interface(None, None, (), "logits")
    if preprocessing is None or not labels or isinstance(labels, str) or meaning is None:
        raise UserError(
            f"Expected {_BY_HAND} together for a file without a contract, received only some; give all of them."
        )
    if meaning not in ("logits", "probabilities"):
        raise UserError(f"Expected a meaning of 'logits' or 'probabilities', received {meaning!r}.")
    return Interface(None, preprocessing, tuple(labels), meaning)
