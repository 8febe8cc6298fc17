"""TFLite Metadata as flatbuffers: what other people's programs read of a model's inputs, outputs and labels.

The schemas are public, and field numbers here are theirs: metadata_schema.fbs 1.5.0 (namespace tflite), and for the
custom parts object_detector_metadata_schema.fbs and image_segmenter_metadata_schema.fbs 1.0.0, all three in
github.com/google-ai-edge/mediapipe/tree/master/mediapipe/tasks/metadata. Equal texts and tables are written once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from flatbuffers import number_types as types

from tformer_keras.deploy.tflite.sharing_builder import SharingBuilder

IDENTIFIER, CUSTOM_IDENTIFIER = b"M001", b"V001"
# The versions of the schema that brought tables and fields which are used here: the first one, and custom metadata.
PLAIN_VERSION, CUSTOM_VERSION, OWN_VERSION = "1.0.0", "1.5.0", "1.0.0"
LABELS_OF_AXIS = 2  # AssociatedFileType.TENSOR_AXIS_LABELS
RGB, GREY = 1, 2  # ColorSpaceType
FEATURE, IMAGE, BOXES = 1, 2, 3  # ContentProperties
BOUNDARIES, RATIO = 1, 0  # BoundingBoxType, CoordinateType
NORMALIZATION, THRESHOLD = 1, 3  # ProcessUnitOptions
SOFTMAX = 2  # Activation
Value = tuple[Any, Any] | None


@dataclass(frozen=True)
class TensorNote:
    """What is said of one input or output.

    Attributes:
        name, description: for programs and people.
        content: "image", "feature" (numbers), or "boxes", whose order is y, x, height, width.
        channels, size: of an image: 3 (RGB) or 1 (grey), and (height, width).
        mean, std: of an input of images, one number or one a channel: (pixel - mean) / std of pixels from 0 to 255.
        labels: the file in the zip whose lines name the last axis; None: none does.
        threshold: scores below this are not worth showing; None: nothing is said.
        span: least and greatest value; None: nothing is said.
    """

    name: str
    description: str
    content: Literal["image", "feature", "boxes"] = "feature"
    channels: int = 3
    size: tuple[int, int] | None = None
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    labels: str | None = None
    threshold: float | None = None
    span: tuple[float, float] | None = None


@dataclass(frozen=True)
class ModelNote:
    """What is said of a model: texts, its inputs and outputs in order, and {name: bytes} of custom metadata."""

    name: str
    description: str
    version: str
    author: str
    licence: str
    inputs: Sequence[TensorNote]
    outputs: Sequence[TensorNote]
    custom: tuple[tuple[str, bytes], ...] = ()


def model_metadata(note: ModelNote) -> bytes:
    """The buffer `TFLITE_METADATA` of a model file; the same note gives the same bytes."""
    b = _Builder()
    tensors = [b.tables([b.tensor(one) for one in group]) for group in (note.inputs, note.outputs)]
    custom = b.tables(
        [b.table(b.text(name), b.octets(data)) for name, data in note.custom] if note.custom else None
    )
    graph = b.table(None, None, *tensors, None, None, None, None, None, custom)
    root = b.table(
        b.text(note.name),
        b.text(note.description),
        b.text(note.version),
        b.tables([graph]),
        b.text(note.author),
        b.text(note.licence),
        None,
        b.text(CUSTOM_VERSION if note.custom else PLAIN_VERSION),
    )
    return b.finished(root, IDENTIFIER)


def segmenter_metadata() -> tuple[str, bytes]:
    """MediaPipe's custom metadata of a segmenter that gives logits, of which a softmax makes confidences."""
    b = _Builder()
    root = b.table((types.Int8Flags, SOFTMAX), b.text(OWN_VERSION))
    return "SEGMENTER_METADATA", b.finished(root, CUSTOM_IDENTIFIER)


def detector_metadata(
    anchors: Sequence[tuple[float, float, float, float]], classes: int
) -> tuple[str, bytes]:
    """MediaPipe's custom metadata of a detector: offsets to anchors, and logits of which a sigmoid makes scores.

    Args:
        anchors: (x, y, width, height) of each, the first two of its centre, as shares of the input's width and height.
        classes: scores an anchor.
    """
    b = _Builder()
    floats = [[(types.Float32Flags, number) for number in anchor] for anchor in anchors]
    fixed = b.table(b.tables([b.table(*anchor) for anchor in floats]))
    one = types.Float32Flags, 1.0
    yes = types.BoolFlags, True
    numbers = [(types.Int32Flags, number) for number in (classes, len(anchors), 4, 0, 0, 2)]
    # Two values a keypoint is what it insists on, of no keypoints. Offsets are in sizes of the anchor, sizes exponents.
    decoding = b.table(*numbers, one, one, one, one, yes, yes)
    root = b.table(b.text(OWN_VERSION), b.table((types.UOffsetTFlags, fixed[1])), decoding)
    return "DETECTOR_METADATA", b.finished(root, CUSTOM_IDENTIFIER)


class _Builder:
    """Writes tables by the numbers of their fields: each argument is (type, value) of one field, None one left out."""

    def __init__(self) -> None:
        self._builder = SharingBuilder()

    def text(self, value: str) -> Value:
        return types.UOffsetTFlags, self._builder.CreateSharedString(value)

    def octets(self, value: bytes) -> Value:
        return types.UOffsetTFlags, self._builder.CreateNumpyVector(np.frombuffer(value, np.uint8))

    def floats(self, values: Sequence[float]) -> Value:
        return types.UOffsetTFlags, self._builder.CreateNumpyVector(np.array(values, np.float32))

    def tables(self, tables: Sequence[Value] | None) -> Value:
        if tables is None:
            return None
        builder = self._builder
        builder.StartVector(4, len(tables), 4)
        for one in reversed(tables):
            assert one is not None
            builder.PrependUOffsetTRelative(one[1])
        return types.UOffsetTFlags, builder.EndVector()

    def table(self, *fields: Value) -> Any:
        builder = self._builder
        builder.StartObject(len(fields))
        for number, field in enumerate(fields):
            if field is None:
                continue
            flags, value = field
            if flags is types.UOffsetTFlags:
                builder.PrependUOffsetTRelativeSlot(number, value, 0)
            else:
                builder.PrependSlot(flags, number, value, 0)
        return types.UOffsetTFlags, builder.EndObject()

    def tensor(self, note: TensorNote) -> Value:
        units = []
        if note.mean:
            normalization = self.table(self.floats(note.mean), self.floats(note.std))
            units.append(self.table((types.Uint8Flags, NORMALIZATION), normalization))
        if note.threshold is not None:
            threshold = self.table((types.Float32Flags, note.threshold))
            units.append(self.table((types.Uint8Flags, THRESHOLD), threshold))
        stats = None
        if note.span is not None:
            stats = self.table(self.floats(note.span[1:]), self.floats(note.span[:1]))
        files = None
        if note.labels is not None:
            files = [self.table(self.text(note.labels), None, (types.Int8Flags, LABELS_OF_AXIS))]
        return self.table(
            self.text(note.name),
            self.text(note.description),
            None,
            self.content(note),
            self.tables(units or None),
            stats,
            self.tables(files),
        )

    def content(self, note: TensorNote) -> Value:
        if note.content == "image":
            size = None
            if note.size is not None:
                size = self.table(*((types.Uint32Flags, number) for number in reversed(note.size)))
            kind, colours = IMAGE, RGB if note.channels == 3 else GREY
            properties = self.table((types.Int8Flags, colours), size)
        elif note.content == "boxes":
            kind = BOXES
            properties = self.table(None, (types.Int8Flags, BOUNDARIES), (types.Int8Flags, RATIO))
        else:
            kind, properties = FEATURE, self.table()
        return self.table((types.Uint8Flags, kind), properties)

    def finished(self, root: Any, identifier: bytes) -> bytes:
        self._builder.Finish(root[1], identifier)
        return bytes(self._builder.Output())
