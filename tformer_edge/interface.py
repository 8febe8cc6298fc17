"""What a model's tensors mean: by its contract, or by hand for a file without one, never guessed."""

from collections.abc import Sequence
from dataclasses import dataclass

from tformer_edge.certainty import Certainty
from tformer_edge.contract import ModelFile, output_shapes
from tformer_edge.errors import UserError
from tformer_edge.model_json import Contract, Meaning
from tformer_edge.output_json import Colour, DetectionRule, Output
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.refusal import ADVICE
from tformer_edge.runner import TensorInfo
from tformer_edge.tasks import OPTIONS, find_task
from tformer_edge.tasks.task import Task

_BY_HAND = "preprocessing, labels and meaning (on the command line --mean --std --resize --labels --meaning)"


@dataclass(frozen=True)
class Interface:
    """Attributes: `image`, `labels` and `meaning` as in a contract; `image` is None where nobody has said."""

    contract: Contract | None
    image: Preprocessing | None
    labels: tuple[str, ...]
    meaning: Meaning

    @property
    def outputs(self) -> tuple[Output, ...]:
        """What each output is; none where nobody says."""
        return () if self.contract is None else self.contract.outputs

    @property
    def detection(self) -> DetectionRule | None:
        """How boxes are found."""
        return None if self.contract is None else self.contract.detection

    @property
    def colours(self) -> tuple[Colour, ...]:
        """Of the labels, for drawing."""
        return () if self.contract is None else self.contract.colours

    @property
    def certainty(self) -> Certainty | None:
        """From which probability on a classifier's answer is one."""
        return None if self.contract is None else self.contract.certainty

    @property
    def task(self) -> Task | None:
        """What answers; None for a file of a task that this version does not answer."""
        name = "classification" if self.contract is None else self.contract.task
        return find_task(name) if name in OPTIONS else None

    def for_images(self) -> tuple[Preprocessing, Task]:
        """How an image becomes the input, and what answers.

        Raises UserError where one of the two is unknown.
        """
        if self.contract is not None:
            find_task(self.contract.task)
            if output_shapes(self.contract) is None:
                raise UserError(
                    f"a contract that says what the outputs of a model for {self.contract.task} are",
                    "one of format 1",
                    "convert the model again, or run its tensors with Model.run",
                )
        if self.image is None or self.task is None:
            raise UserError(
                f"{_BY_HAND} for a file without a contract",
                "none",
                "give them, or convert the model with converters/to_tflite.py, which writes them into the file",
            )
        return self.image, self.task

    def check_tensors(self, given: TensorInfo, outputs: tuple[TensorInfo, ...]) -> None:
        """Raises UserError where the flatbuffer's tensors are not what the contract, or the arguments, say."""
        if self.image is None:
            return
        contract = self.contract
        batch = given.shape[0] if contract is None and given.shape else contract.batch if contract else 1
        shape = (max(batch, 1), *self.image.input_size, self.image.channels)
        kinds = ("int8", "uint8", "float32") if contract is None else (contract.input_type,)
        if given.shape != shape or given.type not in kinds:
            raise self._other(f"an input of {' or '.join(kinds)} {shape}", (given,))
        kinds = ("int8", "uint8", "float32") if contract is None else (contract.output_type,)
        if contract is not None:
            shapes = output_shapes(contract)
        else:
            shapes = find_task("classification").output_shapes(
                shape[0], len(self.labels), self.image.input_size, ()
            )
        if shapes is None:
            shapes = [one.shape for one in outputs]
        wanted = [f"{' or '.join(kinds)} {one}" for one in shapes]
        if [one.shape for one in outputs] != shapes or any(one.type not in kinds for one in outputs):
            raise self._other(
                f"{'one output' if len(wanted) == 1 else 'outputs'} of {', '.join(wanted)}", outputs
            )
        if self.task is None:
            return
        for one, name in ((given, "input"), *((output, "output") for output in outputs)):
            if one.type != "float32" and not one.scale > 0:
                raise UserError(f"a scale for the {one.type} {name}", "none", self._advice())

    def _other(self, expected: str, tensors: tuple[TensorInfo, ...]) -> UserError:
        received = ", ".join(f"{one.type} {one.shape}" for one in tensors)
        return UserError(f"{expected}, as {self._who()}", f"{received} in the flatbuffer", self._advice())

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
                f"no {_BY_HAND} for a file with a contract, which says them itself", "some", "leave them away"
            )
        return Interface(file.contract, file.contract.image, file.labels, file.contract.output_meaning)
    if not any(given):
        return Interface(None, None, (), "logits")
    if preprocessing is None or not labels or isinstance(labels, str) or meaning is None:
        raise UserError(f"{_BY_HAND} together for a file without a contract", "only some", "give all of them")
    if meaning not in ("logits", "probabilities"):
        raise UserError("a meaning of 'logits' or 'probabilities'", repr(meaning), "give one of them")
    return Interface(None, preprocessing, tuple(labels), meaning)
