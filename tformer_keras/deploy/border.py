"""What a file takes and gives beside what its model does: pixels as they are, and scores in the place of logits.

Both are asked for when a file is made (`tformer convert --io pixels --output scores`), of any model, and change the
device graph before it is converted (docs/device_graph.md, "The file's border").
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tformer_edge.errors import UserError
from tformer_edge.output_json import Output
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.tasks.classification import softmax
from tformer_edge.tasks.outputs_mean import OutputsMean
from tformer_keras.deploy.graph.lower import Lowered
from tformer_keras.deploy.graph.nodes import Graph
from tformer_keras.deploy.graph.rewrites import pixel_input
from tformer_keras.deploy.graph.rewrites.flat_detector import flat_outputs
from tformer_keras.deploy.graph.rewrites.scores import end_in
from tformer_keras.deploy.int8.fake_quantization import range_groups
from tformer_keras.deploy.int8.pixel_range import grey_of, pixel_range
from tformer_keras.deploy.int8.quantized_model import QuantizedModel

# What `--io` says, and the type of the tensors that it means in an int8 file.
PIXEL_IO = {"pixels": "uint8", "pixels-int8": "int8"}
OUTPUTS = ("logits", "scores")
# How pixels become what the model takes.
AS_THEY_ARE, ABSORBED, PREFIXED = "as they are", "absorbed", "prefix"


@dataclasses.dataclass(frozen=True)
class Border:
    """A graph with its border.

    Attributes:
        plain: the graph as the model is.
        source: the graph to convert.
        io: the type of the file's inputs and outputs.
        image: how an image becomes the file's input, for its contract.
        takes: how one becomes the graph's, in real numbers; of integers a pixel is its own value by both.
        means: what the outputs are.
        pixels: None of a normalised input, else `AS_THEY_ARE`, `ABSORBED` or `PREFIXED`.
        exact: whether the graph computes what the model computes, padding included.
        scores: whether a softmax was added.
        joined: a detector's maps that were joined into two outputs (`mediapipe.py`); none of others.
        notes: what the user should know.
    """

    plain: Lowered | QuantizedModel
    source: Lowered | QuantizedModel
    io: str
    image: Preprocessing
    takes: Preprocessing
    means: OutputsMean
    pixels: str | None = None
    exact: bool = True
    scores: bool = False
    joined: tuple[Output, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether the graph is another one than the model's."""
        return self.pixels in (ABSORBED, PREFIXED) or self.scores or bool(self.joined)

    def of_plain(self, outputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """What `source` should give, of the outputs (b, …) of `plain`."""
        if self.joined:
            return flat_outputs(outputs, len(self.means.labels))
        if not self.scores:
            return list(outputs)
        return [np.stack([softmax(one) for one in np.asarray(output, np.float64)]) for output in outputs]

    def to_json(self) -> dict[str, Any]:
        """What the contract's `source` says of it; nothing of a plain one."""
        pixels = {} if self.pixels is None else {"pixels": self.pixels}
        outputs = {"output": "scores"} if self.scores else {"output": "joined"} if self.joined else {}
        return pixels | outputs


def check_border(kind: str, io: str | None, output: str, exact: bool) -> None:
    """Raises UserError for options that do not go together."""
    if output not in OUTPUTS:
        raise UserError(f"one of {', '.join(OUTPUTS)}", repr(output), "take one of them", where="--output")
    if exact and io not in PIXEL_IO:
        raise UserError("--exact with --io pixels alone", f"--io {io}", "leave one of both out")
    if io == "pixels-int8" and kind != "int8":
        raise UserError("--io pixels-int8 of an int8 file", f"a {kind} one", "take --io pixels")


def tensor_type(kind: str, io: str | None) -> str:
    """The type of a file's inputs and outputs."""
    if io in PIXEL_IO:
        return PIXEL_IO[io] if kind == "int8" else "float32"
    return io or ("int8" if kind == "int8" else "float32")


def with_border(
    source: Lowered | QuantizedModel,
    task: str,
    image: Preprocessing,
    means: OutputsMean,
    kind: str = "int8",
    io: str | None = None,
    output: str = "logits",
    exact: bool = False,
) -> Border:
    """The graph with the border that is asked for; the source itself stays as it is.

    Args:
        source: for int8 a `QuantizedModel` with ranges, else a `Lowered`.
        task: the contract's.
        image, means: of the model.
        kind, io: as `ConversionOptions` has them.
        output: "scores" ends a classifier in a softmax, unless it does so already; "logits": as the model ends.
        exact: rather an operation in front than a normalisation that is absorbed with wrong numbers at the border.

    Raises:
        UserError: options that do not go together, a model that cannot have that border.
    """
    check_border(kind, io, output, exact)
    io_type = tensor_type(kind, io)
    border = Border(source, source, io_type, image, image, means)
    scores = output == "scores" and means.meaning != "probabilities"
    if output == "scores" and task != "classification":
        raise UserError(
            "--output scores of a classifier",
            f"a model for {task}",
            "leave it out: its answers are found from logits (docs/contract.md)",
        )
    raw = io in PIXEL_IO
    if not (raw or scores):
        return border
    edit = Edit(source)
    if raw:
        take = _integers if isinstance(source, QuantizedModel) else _floats
        border = take(edit, border, exact)
        border = dataclasses.replace(border, image=dataclasses.replace(image, **_raw(image)))
    if scores:
        end_in(edit.graph, "softmax")
        border = dataclasses.replace(
            border, scores=True, means=dataclasses.replace(means, meaning="probabilities")
        )
    return dataclasses.replace(border, source=edit.result())


class Edit:
    """A graph of its own to change, with the current weights and, of int8, the ranges of its tensors.

    Attributes:
        graph: the device graph, which may be changed; nothing of the source is.
        ranges: (lowest, highest) of each logical tensor, all of them but sigmoids and softmaxes; empty of a `Lowered`.
    """

    def __init__(self, source: Lowered | QuantizedModel) -> None:
        self._source = source
        self.ranges: dict[str, tuple[float, float]] = {}
        if isinstance(source, QuantizedModel):
            self.graph, self.ranges = source.graph().copy(), dict(source.ranges)
        else:
            self.graph = source.graph.copy()

    def result(self) -> Lowered | QuantizedModel:
        """What `convert` takes, of the changed graph."""
        if not isinstance(self._source, QuantizedModel):
            return dataclasses.replace(self._source, graph=self.graph)
        changed = QuantizedModel.of_graph(dataclasses.replace(self._source.lowered, graph=self.graph))
        changed.ranges = self.ranges
        return changed


def _raw(image: Preprocessing) -> dict[str, Any]:
    # What mean and std a contract of pixels has nobody reads.
    return {"encoding": "pixels", "mean": (0.0,) * image.channels, "std": (1 / 255,) * image.channels}


def _floats(edit: Edit, border: Border, exact: bool) -> Border:
    """A graph that takes 0 to 255. Zeros beside the image are black then, so that only what pads nothing absorbs it."""
    image = border.image
    mean, std = np.array(image.mean), np.array(image.std)
    scale, offset = 1 / (255 * std), -mean / std
    takes = dataclasses.replace(image, **_raw(image))
    border = dataclasses.replace(border, takes=takes)
    if not offset.any() and np.allclose(scale, 1, rtol=1e-12):
        return dataclasses.replace(border, pixels=AS_THEY_ARE)
    tried = edit.graph.copy()
    try:
        absorbed = not exact and pixel_input.absorb(tried, scale, offset)
    except UserError:
        absorbed = False  # a prefix is exact for every model
    if absorbed:
        edit.graph = tried
        return dataclasses.replace(border, pixels=ABSORBED)
    pixel_input.prefix(edit.graph, scale, offset)
    return dataclasses.replace(border, pixels=PREFIXED)


def _integers(edit: Edit, border: Border, exact: bool) -> Border:
    """A graph whose int8 input is p - 128: by its range alone, where the normalisation is pixel exact."""
    image, graph = border.image, edit.graph
    (name,) = graph.inputs
    tensor = str(graph[name].tensor)
    _check_alone(graph, tensor)
    learned = edit.ranges[tensor]
    grey = grey_of(image)
    if grey is not None:
        edit.ranges[tensor] = pixel_range(grey, image.std[0])
        takes = dataclasses.replace(image, encoding="normalised")
        return dataclasses.replace(border, takes=takes, pixels=AS_THEY_ARE)
    mean, std = np.array(image.mean), np.array(image.std)
    # Near the average mean, for which the zeros beside the image stand: 98.4 % same answers of the shipped model where
    # black gives 93.6 % (3,000 images of CIFAR-10).
    grey, step = round(255 * float(mean.mean())), float(np.exp(np.log(std).mean()))
    scale, offset = step / std, (grey / 255 - mean) / std
    ones = (1.0,) * image.channels
    takes = dataclasses.replace(
        image, mean=tuple(grey / 255 * one for one in ones), std=tuple(step * one for one in ones)
    )
    border = dataclasses.replace(border, takes=takes)
    edit.ranges[tensor] = pixel_range(grey, step)
    if exact:
        edit.ranges[pixel_input.prefix(graph, scale, offset)] = learned
        return dataclasses.replace(border, pixels=PREFIXED)
    whole = pixel_input.absorb(graph, scale, offset)
    beside = 255 * float(np.abs(grey / 255 - mean).max())
    note = (
        f"the first convolution takes the normalisation over; where it pads, zeros stand for the grey {grey} in "
        f"the mean's place, up to {beside:.1f} grey levels beside it (--exact: not so)"
    )
    return dataclasses.replace(border, pixels=ABSORBED, exact=whole, notes=() if whole else (note,))


def _check_alone(graph: Graph, tensor: str) -> None:
    """The input's range is its own: no concatenation, say, gives it another tensor's."""
    group = next(group for group in range_groups(graph) if tensor in group)
    if len(group) > 1:
        other = next(one for one in group if one != tensor)
        raise UserError(
            "an input whose int8 range is its own",
            f"one that shares its range with {other!r}",
            "convert it with --io uint8",
            where="--io pixels",
        )
