"""What a model file must be before a device or a publisher takes it: right by its own golden vectors, of one class."""

from collections.abc import Iterable

from tformer_edge.contract import ModelFile, read_model_file
from tformer_edge.errors import UserError
from tformer_edge.golden_check import selftest
from tformer_edge.model import Model
from tformer_edge.update.manifest import DeviceClass
from tformer_edge.update.update_state import UpdateFailure, UpdateState


def check_model(data: bytes) -> None:
    """Runs the golden vectors of a model in a process of its own.

    Raises UpdateFailure, state SELFTEST_FAILED, where the file breaks its contract, crashes, hangs or answers wrongly.
    """
    try:
        with Model(data, isolated=True) as model:
            failed = [result.name for result in selftest(model) if not result.passed]
    except UserError as error:
        raise UpdateFailure(UpdateState.SELFTEST_FAILED, str(error)) from None
    if failed:
        raise UpdateFailure(
            UpdateState.SELFTEST_FAILED,
            f"expected golden outputs, received others for {', '.join(failed)}; wait for another release",
        )


def class_of(file: ModelFile, target: str = "litert") -> DeviceClass:
    """The device class that a model file is for. Raises UserError for a file without a contract."""
    if file.contract is None:
        raise UserError(
            "a model file with a contract", "one without", "convert it with converters/to_tflite.py"
        )
    height, width = file.contract.image.input_size
    return DeviceClass(file.contract.task, (height, width), target)


def class_of_release(files: Iterable[bytes], target: str = "litert") -> DeviceClass:
    """The device class that a release's model files are for, all its capacities alike.

    Raises UserError for a model file without a contract, or capacities that are for different ones.
    """
    classes = [class_of(read_model_file(file), target) for file in files]
    for other in classes[1:]:
        if other != classes[0]:
            raise UserError(f"capacities for {classes[0]}", f"one for {other}", "bundle others")
    return classes[0]
