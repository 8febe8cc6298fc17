"""The server halves of the tasks: how each is taught and judged, by the contract's `task`."""

from tformer_keras.tasks.classification import CLASSIFICATION
from tformer_keras.tasks.detection import DETECTION
from tformer_keras.tasks.segmentation import SEGMENTATION
from tformer_keras.tasks.task import Task

TASKS: dict[str, Task] = {task.name: task for task in (CLASSIFICATION, DETECTION, SEGMENTATION)}

__all__ = ["TASKS"]
