"""The device halves of the tasks: what the tensors of a model say, by the contract's `task` (docs/contract.md)."""

import importlib
from typing import TYPE_CHECKING

from tformer_edge.errors import UserError
from tformer_edge.tasks import classification_options, detection_options, segmentation_options

if TYPE_CHECKING:
    from tformer_edge.tasks.task import Task

# By the contract's `task`: what a command may ask of its answers. They need nothing but argparse, so that `--help` need
# not wait for NumPy; the task itself is in the module of the same name.
OPTIONS = {
    "classification": classification_options,
    "detection": detection_options,
    "segmentation": segmentation_options,
}


def find_task(name: str) -> "Task":
    """The task of that name.

    Raises:
        UserError: this version does not answer it.
    """
    if name not in OPTIONS:
        raise UserError(
            f"a model for {' or '.join(OPTIONS)}", f"one for {name}", "run its tensors with Model.run"
        )
    task: Task = importlib.import_module(f"tformer_edge.tasks.{name}").TASK
    return task
