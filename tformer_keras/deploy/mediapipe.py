"""Files for MediaPipe Tasks: the border that its classifier, segmenter and detector want (docs/interoperability.md)."""

from __future__ import annotations

import dataclasses

from tformer_edge.errors import UserError
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.tasks.outputs_mean import OutputsMean
from tformer_keras.deploy.border import Border, Edit, with_border
from tformer_keras.deploy.graph.lower import Lowered
from tformer_keras.deploy.graph.rewrites.flat_detector import flatten
from tformer_keras.deploy.int8.fake_quantization import range_groups
from tformer_keras.deploy.int8.quantized_model import QuantizedModel

PROGRAMS = ("mediapipe",)
WHERE = "--for mediapipe"


def check_made_for(program: str, io: str | None, batch: int, metadata: bool) -> None:
    """Raises UserError for another program than those of `PROGRAMS`, and options that its files cannot have."""
    if program not in PROGRAMS:
        raise UserError(f"one of {', '.join(PROGRAMS)}", repr(program), "take one of them", where="--for")
    rules = [
        (io in (None, "pixels"), "--io pixels, which it implies", f"--io {io}"),
        (batch == 1, "one image at a time", f"--batch {batch}"),
        (metadata, "TFLite Metadata, without which MediaPipe opens no file", "--no-metadata"),
    ]
    for right, expected, received in rules:
        if not right:
            raise UserError(expected, received, "leave one of both out", where=WHERE)


def for_mediapipe(
    source: Lowered | QuantizedModel,
    task: str,
    image: Preprocessing,
    means: OutputsMean,
    kind: str = "int8",
    exact: bool = False,
) -> Border:
    """The graph with raw pixels going in, and coming out what MediaPipe takes.

    That is scores of a classifier; a segmenter's map of logits, of which MediaPipe takes the softmax itself; of a
    detector `location` and `score`. A contract cannot say what the latter two are (docs/contract.md "Outputs"): it is
    one of format 1, by which programs run and test the file, but give it no pictures.

    Args: as of `with_border`.

    Raises:
        UserError: a model that MediaPipe cannot take.
    """
    wrong = "one of grey ones" if image.channels != 3 else "one for microcontrollers"
    if image.channels != 3 or source.target != "litert":
        raise UserError("a model of RGB pictures, for LiteRT", wrong, "leave it out", where=WHERE)
    output = "scores" if task == "classification" else "logits"
    border = with_border(source, task, image, means, kind, "pixels", output, exact)
    notes = list(border.notes)
    if image.resize != "stretch":
        notes.append(
            f"MediaPipe stretches the whole picture to the input, and this model was trained with {image.resize!r}: "
            "give it pictures of the input's shape"
        )
    if task == "detection":
        border = _joined(border)
        notes.append(
            "the contract knows nothing of joined outputs: tformer-edge tests the file, and finds no boxes with it; "
            "MediaPipe keeps one label an anchor, and of boxes that overlap by over 0.3 one, whatever their labels"
        )
    return dataclasses.replace(border, notes=tuple(notes))


def _joined(border: Border) -> Border:
    edit = Edit(border.source)
    labels = border.means.labels
    flatten(edit.graph, border.means.outputs, len(labels))
    # Joined tensors have one scale.
    for group in range_groups(edit.graph) if edit.ranges else ():
        lows, highs = zip(*(edit.ranges[name] for name in group), strict=True)
        edit.ranges |= dict.fromkeys(group, (min(lows), max(highs)))
    return dataclasses.replace(
        border,
        source=edit.result(),
        image=_in_format_1(border),
        means=OutputsMean(labels, "logits"),
        joined=border.means.outputs,
    )


def _in_format_1(border: Border) -> Preprocessing:
    """Pixels as they are, said as a normalisation; and MediaPipe's resizing, which is to stretch."""
    image = border.takes
    if border.io == "float32":
        image = dataclasses.replace(image, mean=(0.0,) * 3, std=(1 / 255,) * 3)
    return dataclasses.replace(
        image, encoding="normalised", resize="stretch", crop_fraction=1.0, pad_value=None
    )
