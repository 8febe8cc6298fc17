"""TFLite Metadata of a model file (docs/contract.md "TFLite Metadata"): what other programs read of its contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tformer_edge.contract import LABELS_NAME
from tformer_edge.errors import UserError
from tformer_edge.json_fields import is_printable
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.tasks.outputs_mean import OutputsMean
from tformer_keras.deploy.tflite.metadata_tables import (
    ModelNote,
    TensorNote,
    detector_metadata,
    model_metadata,
    segmenter_metadata,
)
from tformer_keras.deploy.tflite.sharing_builder import SharingBuilder

ENTRY = b"TFLITE_METADATA"
NOT_STATED = "not stated"


MAX_BYTES = 1000


@dataclass(frozen=True)
class About:
    """What only people know of a model: who made it, under which licence it may be used, and its version.

    Raises UserError for what is no text of 1 to 1,000 bytes on one line.
    """

    author: str = NOT_STATED
    licence: str = NOT_STATED
    version: str = NOT_STATED

    def __post_init__(self) -> None:
        for option, value in (
            ("--author", self.author),
            ("--licence", self.licence),
            ("--model-version", self.version),
        ):
            if not isinstance(value, str) or not is_printable(value, MAX_BYTES):
                raise UserError(
                    f"1 to {MAX_BYTES} bytes of text on one line",
                    repr(value)[:80],
                    "leave it out where nothing is to be said",
                    where=option,
                )


NOTHING_SAID = About()


def metadata_of(
    name: str,
    task: str,
    image: Preprocessing,
    means: OutputsMean,
    about: About,
    joined: Sequence[tuple[float, float, float, float]] = (),
) -> bytes:
    """The metadata of a model with one input of images, for `with_metadata`.

    Args:
        name, task, image: as in the contract. Its normalisation is in pixels from 0 to 255 there.
        means: what the outputs are; of a detector whose outputs are joined, what they were.
        about: the rest.
        joined: such a detector's anchors, as `detector_metadata` takes them.
    """
    outputs, custom = _outputs(task, means), []
    if task == "segmentation":
        custom = [segmenter_metadata()]
    elif joined:
        outputs, custom = _joined(means), [detector_metadata(joined, len(means.labels))]
    return model_metadata(
        ModelNote(
            name=name,
            description=f"{task}, {len(means.labels)} labels; the contract behind the flatbuffer (model.json) says all",
            version=about.version,
            author=about.author,
            licence=about.licence,
            inputs=[_image_note(image)],
            outputs=outputs,
            custom=tuple(custom),
        )
    )


def with_metadata(flatbuffer: bytes, metadata: bytes) -> bytes:
    """A packed flatbuffer with TFLite Metadata, in place of those that it had; the rest stays as it is."""
    model = schema.ModelT.InitFromPackedBuf(flatbuffer)
    place = next((entry.buffer for entry in model.metadata or () if entry.name == ENTRY), len(model.buffers))
    if place == len(model.buffers):
        model.metadata = [*(model.metadata or ()), schema.MetadataT(name=ENTRY, buffer=place)]
        model.buffers = [*model.buffers, schema.BufferT()]
    model.buffers[place].data = np.frombuffer(metadata, np.uint8)
    builder = SharingBuilder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def read_metadata(flatbuffer: bytes) -> bytes | None:
    """The TFLite Metadata of a flatbuffer, or None."""
    model = schema.ModelT.InitFromPackedBuf(flatbuffer)
    for entry in model.metadata or ():
        if entry.name == ENTRY:
            return bytes(model.buffers[entry.buffer].data.tobytes())
    return None


def _image_note(image: Preprocessing) -> TensorNote:
    mean, std = (tuple(255 * number for number in numbers) for numbers in (image.mean, image.std))
    if len(set(zip(mean, std, strict=True))) == 1:  # one for all channels is what MediaPipe takes
        mean, std = mean[:1], std[:1]
    colours = "RGB" if image.channels == 3 else "grey"
    return TensorNote(
        name="image",
        description=f"{colours} picture, {image.resize}",
        content="image",
        channels=image.channels,
        size=image.input_size,
        mean=mean,
        std=std,
    )


def _joined(means: OutputsMean) -> list[TensorNote]:
    return [
        TensorNote("location", "offsets to anchors: y, x, height, width", content="boxes"),
        TensorNote(
            "score",
            "logit of each label",
            labels=LABELS_NAME,
            threshold=means.detection.score_threshold if means.detection else None,
        ),
    ]


def _outputs(task: str, means: OutputsMean) -> list[TensorNote]:
    if task == "classification":
        probabilities = means.meaning == "probabilities"
        return [
            TensorNote(
                name="scores" if probabilities else "logits",
                description=f"{'probability' if probabilities else 'logit'} of each label",
                labels=LABELS_NAME,
                span=(0.0, 1.0) if probabilities else None,
            )
        ]
    if task == "segmentation":
        return [TensorNote(name="segmentation_logits", description="logit of each label", labels=LABELS_NAME)]
    return [
        TensorNote(
            name=output.name,
            description=f"{output.kind} of anchors, stride {output.stride}",
            labels=LABELS_NAME if output.kind == "logits" else None,
            threshold=means.detection.score_threshold
            if means.detection and output.kind == "logits"
            else None,
        )
        for output in means.outputs
    ]
