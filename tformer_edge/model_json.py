"""`model.json`: what a model file says about itself, field by field (docs/contract.md, "model.json")."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from tformer_edge import strict_json
from tformer_edge.certainty import Certainty, parse_certainty
from tformer_edge.golden_record import GoldenRecord, parse_record
from tformer_edge.input_json import input_json, needs_later_format, parse_input
from tformer_edge.json_fields import digest, get, integer, one_of, text, wrong
from tformer_edge.output_json import (
    Colour,
    DetectionRule,
    Output,
    check_colours,
    check_outputs,
    parse_colours,
    parse_detection,
    parse_outputs,
)
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.refusal import Refusal

Task = Literal["classification", "detection", "segmentation"]
TensorType = Literal["int8", "uint8", "float32"]
Meaning = Literal["logits", "probabilities"]

# The newest; a contract is written in the oldest that can say it, so that older programs go on reading what they can.
FORMAT = 2
ITEM_BYTES = {"int8": 1, "uint8": 1, "float32": 4}

MAX_BATCH = 1024
MAX_LABELS = 65_536
MAX_GOLDEN = 16
MAX_FLATBUFFER_BYTES = 512 << 20


@dataclass(frozen=True)
class Contract:
    """What a model file takes, gives, is made of and was made from. Fields as in docs/contract.md.

    Attributes:
        name: of the model, 1 to 100 bytes of UTF-8.
        image: how an image becomes the input: the class that training and evaluation use too.
        flatbuffer_bytes, flatbuffer_sha256: of the file's bytes before the zip.
        label_count, labels_sha256: lines of `labels.txt`, and of its bytes.
        golden: one record a golden vector, in order.
        task: what the outputs are for. A consumer refuses a task that it does not know how to draw or score.
        batch: images in one input tensor, whose shape is (batch, height, width, channels).
        input_type, output_type: of the tensors at the border.
        output_meaning: of the scores: "logits" want a softmax, "probabilities" are one already.
        source: the configuration that built the model: any JSON object.
        accuracy: what was measured with this very file: a JSON object, or None when nothing was.
        versions: {program: version} that made the file.
        outputs: what each output is, in the order of the model's; none in format 1.
        detection: how a detector's boxes are found; None for other tasks and in format 1.
        colours: red, green, blue of each label, 0 to 255, for drawing; or none.
        certainty: from which probability on a classifier's answer is one; or None, where nobody measured it.

    Raises Refusal (a UserError) for a value out of range.
    """

    name: str
    image: Preprocessing
    flatbuffer_bytes: int
    flatbuffer_sha256: str
    label_count: int
    labels_sha256: str
    golden: tuple[GoldenRecord, ...] = ()
    task: Task = "classification"
    batch: int = 1
    input_type: TensorType = "int8"
    output_type: TensorType = "int8"
    output_meaning: Meaning = "logits"
    source: Mapping[str, Any] = field(default_factory=dict)
    accuracy: Mapping[str, Any] | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    outputs: tuple[Output, ...] = ()
    detection: DetectionRule | None = None
    colours: tuple[Colour, ...] = ()
    certainty: Certainty | None = None

    def __post_init__(self) -> None:
        text(self.name, "name")
        one_of(self.task, Task, "task")
        integer(self.batch, "input.batch", 1, MAX_BATCH)
        one_of(self.input_type, TensorType, "input.type")
        one_of(self.output_type, TensorType, "output.type")
        one_of(self.output_meaning, Meaning, "output.meaning")
        integer(self.label_count, "labels.count", 1, MAX_LABELS)
        digest(self.labels_sha256, "labels.sha256")
        integer(self.flatbuffer_bytes, "flatbuffer.bytes", 8, MAX_FLATBUFFER_BYTES)
        digest(self.flatbuffer_sha256, "flatbuffer.sha256")
        if len(self.golden) > MAX_GOLDEN:
            raise wrong("golden", f"up to {MAX_GOLDEN} records", len(self.golden))
        for index, record in enumerate(self.golden):
            record.check(f"golden[{index}]", self.output_type)
        if self.certainty is not None:
            self.certainty.check(self.task, self.output_meaning)
        if self.format > 1:
            self._check_format_2()
        for key, version in self.versions.items():
            text(key, "versions key")
            text(version, f"versions.{key}")
        object.__setattr__(self, "golden", tuple(self.golden))
        object.__setattr__(self, "outputs", tuple(self.outputs))
        object.__setattr__(self, "colours", tuple(tuple(one) for one in self.colours))
        object.__setattr__(self, "versions", dict(self.versions))
        # Through JSON once, so that a contract equals the one read back (tuples become lists).
        object.__setattr__(self, "source", _as_json(self.source, "source"))
        if self.accuracy is not None:
            object.__setattr__(self, "accuracy", _as_json(self.accuracy, "accuracy"))

    @property
    def format(self) -> int:
        """The oldest format that can say all of it, 1 or 2."""
        return 2 if self.outputs or self.colours or self.detection or needs_later_format(self.image) else 1

    def _check_format_2(self) -> None:
        check_outputs(self.task, self.outputs)
        check_colours(self.colours, self.label_count)
        if (self.detection is None) == (self.task == "detection"):
            raise wrong("detection", "an object for a detector, and for nothing else", self.detection)
        for index, record in enumerate(self.golden):
            if (record.answer_sha256 is None) != (self.task == "classification"):
                raise wrong(f"golden[{index}].answer_sha256", "a SHA-256, but for a classifier", record)

    def to_bytes(self) -> bytes:
        """`model.json`: UTF-8, indented, the same bytes for equal contracts."""
        version = self.format
        labels = {"count": self.label_count, "sha256": self.labels_sha256}
        later: dict[str, Any] = {}
        if version > 1:
            later = {"outputs": [one.to_json() for one in self.outputs]}
            if self.detection is not None:
                later["detection"] = asdict(self.detection)
            if self.colours:
                labels["colours"] = [list(one) for one in self.colours]
        document = {
            "format": version,
            "name": self.name,
            "task": self.task,
            "input": input_json(self.image, version, self.batch, self.input_type),
            "output": {"type": self.output_type, "meaning": self.output_meaning},
            **later,
            **({} if self.certainty is None else {"certainty": self.certainty.to_json()}),
            "labels": labels,
            "flatbuffer": {"bytes": self.flatbuffer_bytes, "sha256": self.flatbuffer_sha256},
            "golden": [record.to_json() for record in self.golden],
            "source": _sorted(self.source),
            "accuracy": _sorted(self.accuracy),
            "versions": _sorted(self.versions),
        }
        written = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1)
        return (written + "\n").encode("utf-8")

    @classmethod
    def from_bytes(cls, data: bytes) -> "Contract":
        """Reads `model.json`. Unknown keys are ignored. Raises Refusal for all that docs/contract.md refuses."""
        document = strict_json.parse_object(data)
        version = get(document, "format", int)
        if version > FORMAT:
            raise Refusal(
                "contract-format",
                f"a contract of a format up to {FORMAT}",
                f"format {version}",
                "update this program",
            )
        integer(version, "format", 1, FORMAT)
        given = get(document, "input", dict)
        output = get(document, "output", dict)
        labels = get(document, "labels", dict)
        flatbuffer = get(document, "flatbuffer", dict)
        records = get(document, "golden", list)
        task = get(document, "task", str)
        later: dict[str, Any] = {}
        if version > 1:
            one_of(task, Task, "task")
            later = {"outputs": parse_outputs(document), "colours": parse_colours(labels)}
            if task == "detection":
                later["detection"] = parse_detection(document)
        return cls(
            name=get(document, "name", str),
            task=task,
            batch=get(given, "batch", int, "input."),
            image=parse_input(given, version),
            input_type=get(given, "type", str, "input."),
            output_type=get(output, "type", str, "output."),
            output_meaning=get(output, "meaning", str, "output."),
            label_count=get(labels, "count", int, "labels."),
            labels_sha256=get(labels, "sha256", str, "labels."),
            flatbuffer_bytes=get(flatbuffer, "bytes", int, "flatbuffer."),
            flatbuffer_sha256=get(flatbuffer, "sha256", str, "flatbuffer."),
            golden=tuple(
                parse_record(record, index, version > 1 and task != "classification")
                for index, record in enumerate(records)
            ),
            source=get(document, "source", dict),
            accuracy=get(document, "accuracy", (dict, type(None))),
            versions=get(document, "versions", dict),
            certainty=parse_certainty(document),
            **later,
        )


def _sorted(value: Any) -> Any:
    """`value` with the keys of all its objects in order, so that equal contracts give equal bytes."""
    return None if value is None else json.loads(json.dumps(value, sort_keys=True))


def _as_json(value: Any, name: str) -> dict[str, Any]:
    try:
        result = json.loads(json.dumps(value, allow_nan=False, ensure_ascii=False).encode("utf-8"))
    except (TypeError, ValueError, RecursionError):
        raise wrong(name, "an object of JSON types, without NaN and infinity", value) from None
    if not isinstance(result, dict):
        raise wrong(name, "an object", value)
    return result
