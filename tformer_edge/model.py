"""A model file that answers about images: `with Model("x.tflite") as model: model.predict("photo.jpg").label`."""

import dataclasses
import os
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tformer_edge.contract import ModelFile, read_model_file
from tformer_edge.errors import UserError
from tformer_edge.forked import forget_when_forked
from tformer_edge.images import ImageSource, open_image
from tformer_edge.interface import Interface, interface_of
from tformer_edge.litert_runner import LiteRTRunner
from tformer_edge.model_json import Meaning
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.process_runner import ProcessRunner
from tformer_edge.quantized_input import QuantizedType, input_table, quantize_pixels
from tformer_edge.runner import Delegation, Kernels, Runner, TensorInfo
from tformer_edge.tasks.task import Answer, Task

Batch = Sequence[ImageSource | NDArray[np.uint8]]
MAX_DEFAULT_THREADS = 4  # a Raspberry Pi's cores; small models gain nothing from more


class Model:
    """A model file, checked, loaded and warm.

    Args:
        source: the path of a .tflite file, or its bytes.
        threads: 1 to 256; None: as many as this process has cores, up to 4.
        kernels: "xnnpack", or "reference": LiteRT's plain C++, slower, to check by.
        isolated: run LiteRT in a process of its own, which a hostile flatbuffer cannot leave. None: where no contract
            vouches for the flatbuffer (docs/contract.md, "Reading, in order of trust"); say True for a stranger's file.
        warm: run once on zeros while loading, so that the first prediction is as fast as the others.
        preprocessing, labels, meaning: for a file without a contract, and only for one: how images become its input,
            one text a score, and "logits" or "probabilities". Images can be predicted when all three are given.

    Attributes:
        file: what `read_model_file` read. `file.contract` is None for a file without.
        kernels, threads, isolated: as they were chosen.
        input, outputs: the file's tensors.
        pid: the process that LiteRT runs in.

    Raises UserError, before LiteRT sees a byte, for a file that breaks docs/contract.md; and for one that LiteRT cannot
    run, whose tensors are not the contract's, or that was given arguments which do not go together.
    One thread at a time predicts; others wait. A forked copy of the process opens an interpreter of its own at its
    first use. A model that is neither closed nor used in a `with` ends its process when Python drops it.
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | bytes,
        *,
        threads: int | None = None,
        kernels: Kernels = "xnnpack",
        isolated: bool | None = None,
        warm: bool = True,
        preprocessing: Preprocessing | None = None,
        labels: Sequence[str] | None = None,
        meaning: Meaning | None = None,
    ) -> None:
        if not isinstance(source, (str, os.PathLike, bytes)):
            raise UserError(
                "a model file as a path or bytes",
                f"a {type(source).__name__}",
                "give its path, or bytes(…) of it",
            )
        self.file: ModelFile = read_model_file(source)
        self._interface: Interface = interface_of(self.file, preprocessing, labels, meaning)
        self.kernels: Kernels = kernels
        self.threads = default_threads() if threads is None else threads
        self.isolated = self.file.contract is None if isolated is None else isolated
        self._lock = threading.Lock()
        self._forked = False
        self._runner: Runner | None = self._new_runner()
        forget_when_forked(self)
        try:
            self.pid = self._runner.pid
            self.input: TensorInfo = self._runner.input
            self.outputs: tuple[TensorInfo, ...] = self._runner.outputs
            self._interface.check_tensors(self.input, self.outputs)
            self._table = self._input_table()
            if warm:
                self._runner.run(np.zeros(self.input.shape, self.input.type))
        except BaseException:
            self.close()
            raise

    def predict(self, images: ImageSource | NDArray[np.uint8] | Batch, **options: Any) -> Any:
        """What the model says of one image or many.

        Args:
            images: a path, the bytes of an image file, a Pillow image, or uint8 RGB of shape (h, w, 3): one answer. A
                list or tuple of those, or uint8 of shape (n, h, w, 3): a list of them.
            options: of the model's task. Classification: `top`, labels in an answer (default 5, at least 1; more than
                there are means all); the answer is a `Prediction`. Detection: `score_threshold`, `iou_threshold` and
                `max_boxes` (default: the contract's); `DetectedObjects`. Segmentation: none; a `Segmentation`. Boxes
                and class maps are in the pixels of the picture, turned as its EXIF orientation says.

        Raises UserError for images that cannot be read, a task that this version does not answer, options out of
        range, or a closed model.
        """
        image, task = self._interface.for_images()
        asked = _asked(task, options)
        if isinstance(images, np.ndarray) and images.ndim == 4:
            images = list(images)
        if not isinstance(images, (list, tuple)):
            return self._answers(task, [images], image, asked)[0]
        size = self.input.shape[0]
        results: list[Answer] = []
        for start in range(0, len(images), size):
            results += self._answers(task, images[start : start + size], image, asked)
        return results

    def run(self, tensor: NDArray[Any]) -> list[NDArray[Any]]:
        """All output tensors, as the file gives them, for one input tensor of `input`'s shape and type.

        Raises UserError for another tensor, a closed model, or where LiteRT fails.
        """
        with self._lock:
            return self._open().run(tensor)

    def read(
        self, outputs: Sequence[NDArray[Any]], picture: tuple[int, int] | None = None, **options: Any
    ) -> Any:
        """The answer that `predict` makes of outputs of `run`: of the first image of the batch.

        Args:
            outputs: of `run`.
            picture: (height, width) of the picture in pixels; None: of the input.
            options: as for `predict`.

        Raises UserError as `predict` does.
        """
        image, task = self._interface.for_images()
        frame = image.frame(picture or image.input_size)
        asked = _asked(task, options)
        return task.answer([values[0] for values in outputs], self.outputs, self._interface, frame, asked)

    def timed_run(self, tensor: NDArray[Any]) -> tuple[list[NDArray[Any]], float]:
        """`run`, and its seconds as the process that computes measured them: what a pipe to it takes is not in them."""
        with self._lock:
            runner = self._open()
            return runner.run(tensor), runner.seconds

    def delegation(self) -> Delegation:
        """What XNNPACK computes, and what it leaves to LiteRT's own kernels. Raises UserError for a closed model."""
        with self._lock:
            return self._open().delegation()

    def close(self) -> None:
        """Frees the interpreter, or ends its process; more calls do nothing."""
        with self._lock:
            runner, self._runner = self._runner, None
            self._forked = False
        if runner is not None:
            runner.close()

    def __enter__(self) -> "Model":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def forget(self) -> None:
        """In a forked copy of the process: the parent's interpreter is left alone, the next use opens an own one."""
        self._lock = threading.Lock()
        if self._runner is not None:
            self._runner.forget()
            self._runner, self._forked = None, True

    def _new_runner(self) -> Runner:
        runner = ProcessRunner if self.isolated else LiteRTRunner
        return runner(self.file.flatbuffer, self.kernels, self.threads)

    def _open(self) -> Runner:
        if self._forked:
            self._runner, self._forked = self._new_runner(), False
            self.pid = self._runner.pid
        if self._runner is None:
            raise UserError("an open model", "a closed one", "open it again")
        return self._runner

    def _answers(self, task: Task, images: Sequence[Any], image: Preprocessing, options: Any) -> list[Answer]:
        """Decodes, resizes and crops up to a batch of images, runs it, and reads the outputs."""
        parts, frames = [], []
        for one in images:
            picture = _pixels(one)
            parts.append(image.pixels(picture))  # checks it
            frames.append(image.frame((picture.shape[0], picture.shape[1])))
        pixels = np.stack(parts)
        tensor = image.normalise(pixels) if self._table is None else quantize_pixels(pixels, self._table)
        count, missing = len(tensor), self.input.shape[0] - len(tensor)
        if missing:  # the file's batch is fixed
            tensor = np.concatenate([tensor, np.repeat(tensor[-1:], missing, axis=0)])
        outputs = self.run(tensor)
        return [
            task.answer(
                [values[index] for values in outputs], self.outputs, self._interface, frames[index], options
            )
            for index in range(count)
        ]

    def _input_table(self) -> NDArray[Any] | None:
        image = self._interface.image
        if image is None or self.input.type == "float32":
            return None
        kind: QuantizedType = "int8" if self.input.type == "int8" else "uint8"
        return input_table(image, self.input.scale, self.input.zero_point, kind)


def _asked(task: Task, options: dict[str, Any]) -> Any:
    known = [field.name for field in dataclasses.fields(task.default_options)]
    for name in options:
        if name not in known:
            takes = f"the options {', '.join(known)}" if known else "no options"
            raise UserError(f"{takes} for {task.name}", name, "leave it out")
    return dataclasses.replace(task.default_options, **options)


def default_threads() -> int:
    """As many threads as this process has cores, up to 4."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on every system
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return min(cores, MAX_DEFAULT_THREADS)


def _pixels(image: Any) -> NDArray[np.uint8]:
    if isinstance(image, np.ndarray):
        return image  # Preprocessing checks it
    if isinstance(image, (str, os.PathLike, bytes, Image.Image)):
        return open_image(image)
    raise UserError(
        "an image as a path, bytes, a Pillow image or a uint8 array of shape (height, width, 3)",
        type(image).__name__,
        "convert it to one of these",
    )
