"""The server halves of the tasks: how each is taught and judged, by the contract's `task`."""

from tformer_keras.tasks.classification import CLASSIFICATION
from tformer_keras.tasks.task import Task

TASKS: dict[str, Task] = {task.name: task for task in (CLASSIFICATION,)}

__all__ = ["TASKS"]
