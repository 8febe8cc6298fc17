"""`model.json`: what a model file says about itself, field by field (docs/contract.md, "model.json")."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from tformer_edge import strict_json
from tformer_edge.errors import UserError
from tformer_edge.json_fields import digest, get, integer, one_of, text, wrong
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.refusal import Refusal

Task = Literal["classification", "detection", "segmentation"]
TensorType = Literal["int8", "uint8", "float32"]
Meaning = Literal["logits", "probabilities"]

FORMAT = 1
CHANNELS = 3
ITEM_BYTES = {"int8": 1, "uint8": 1, "float32": 4}

MAX_BATCH = 1024
MAX_LABELS = 65_536
MAX_GOLDEN = 16
MAX_FLATBUFFER_BYTES = 512 << 20


@dataclass(frozen=True)
class GoldenRecord:
    """What `model.json` says about one golden vector.

    Attributes:
        name: what it is, for people.
        input_sha256, output_sha256: of the bytes of `golden/N.in` and `golden/N.out`.
        xnnpack_difference: the largest difference between `golden/N.out` (LiteRT's reference kernels) and the
            output under XNNPACK that the exporter saw: in units of the last place for an integer output (a
            whole number, 0 to 255), absolute for a float32 one.
    """

    name: str
    input_sha256: str
    output_sha256: str
    xnnpack_difference: float


@dataclass(frozen=True)
class Contract:
    """What a model file takes, gives, is made of and was made from. Fields as in docs/contract.md.

    Attributes:
        name: of the model, 1 to 100 bytes of UTF-8.
        image: how an image becomes the input (`preprocessing()` returns it).
        flatbuffer_bytes, flatbuffer_sha256: of the file's bytes before the zip.
        label_count, labels_sha256: lines of `labels.txt`, and of its bytes.
        golden: one record a golden vector, in order.
        task: what the outputs are for. A consumer refuses a task that it does not know how to draw or score.
        batch: images in one input tensor, whose shape is (batch, height, width, 3).
        input_type, output_type: of the tensors at the border.
        output_meaning: of the scores: "logits" want a softmax, "probabilities" are one already.
        source: the configuration that built the model: any JSON object.
        accuracy: what was measured with this very file: a JSON object, or None when nothing was.
        versions: {program: version} that made the file.

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
            text(record.name, f"golden[{index}].name")
            digest(record.input_sha256, f"golden[{index}].input_sha256")
            digest(record.output_sha256, f"golden[{index}].output_sha256")
            _difference(record.xnnpack_difference, f"golden[{index}].xnnpack_difference", self.output_type)
        for key, version in self.versions.items():
            text(key, "versions key")
            text(version, f"versions.{key}")
        object.__setattr__(self, "golden", tuple(self.golden))
        object.__setattr__(self, "versions", dict(self.versions))
        # Through JSON once, so that a contract equals the one read back (tuples become lists).
        object.__setattr__(self, "source", _as_json(self.source, "source"))
        if self.accuracy is not None:
            object.__setattr__(self, "accuracy", _as_json(self.accuracy, "accuracy"))

    def preprocessing(self) -> Preprocessing:
        """How an image becomes this model's input: the class that training and evaluation use too."""
        return self.image

    def to_bytes(self) -> bytes:
        """`model.json`: UTF-8, indented, the same bytes for equal contracts."""
        image = self.image.to_json()
        height, width = image.pop("input_size")
        document = {
            "format": FORMAT,
            "name": self.name,
            "task": self.task,
            "input": {
                "batch": self.batch,
                "height": height,
                "width": width,
                "channels": CHANNELS,
                "type": self.input_type,
                **image,
            },
            "output": {"type": self.output_type, "meaning": self.output_meaning},
            "labels": {"count": self.label_count, "sha256": self.labels_sha256},
            "flatbuffer": {"bytes": self.flatbuffer_bytes, "sha256": self.flatbuffer_sha256},
            "golden": [asdict(record) for record in self.golden],
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
                f"a contract of format {FORMAT}",
                f"format {version}",
                "update this program",
            )
        integer(version, "format", FORMAT, FORMAT)
        given = get(document, "input", dict)
        output = get(document, "output", dict)
        labels = get(document, "labels", dict)
        flatbuffer = get(document, "flatbuffer", dict)
        records = get(document, "golden", list)
        integer(get(given, "channels", int, "input."), "input.channels", CHANNELS, CHANNELS)
        return cls(
            name=get(document, "name", str),
            task=get(document, "task", str),
            batch=get(given, "batch", int, "input."),
            image=_image(given),
            input_type=get(given, "type", str, "input."),
            output_type=get(output, "type", str, "output."),
            output_meaning=get(output, "meaning", str, "output."),
            label_count=get(labels, "count", int, "labels."),
            labels_sha256=get(labels, "sha256", str, "labels."),
            flatbuffer_bytes=get(flatbuffer, "bytes", int, "flatbuffer."),
            flatbuffer_sha256=get(flatbuffer, "sha256", str, "flatbuffer."),
            golden=tuple(_record(record, index) for index, record in enumerate(records)),
            source=get(document, "source", dict),
            accuracy=get(document, "accuracy", (dict, type(None))),
            versions=get(document, "versions", dict),
        )


def _image(given: dict[str, Any]) -> Preprocessing:
    names = {entry.name for entry in fields(Preprocessing)} - {"input_size"}
    settings = {name: get(given, name, (str, int, float, list), "input.") for name in names}
    size = tuple(get(given, side, int, "input.") for side in ("height", "width"))
    try:
        return Preprocessing(input_size=size, **settings)  # type: ignore[arg-type]  # it checks its arguments
    except UserError as error:
        reason = str(error).rstrip(".")[:200]
        raise Refusal("contract-field", "an input that can be prepared", f"'{reason}'") from None


def _record(record: Any, index: int) -> GoldenRecord:
    where = f"golden[{index}]"
    if not isinstance(record, dict):
        raise wrong(where, "an object", record)
    return GoldenRecord(
        name=get(record, "name", str, f"{where}."),
        input_sha256=get(record, "input_sha256", str, f"{where}."),
        output_sha256=get(record, "output_sha256", str, f"{where}."),
        xnnpack_difference=get(record, "xnnpack_difference", (int, float), f"{where}."),
    )


def _difference(value: Any, name: str, output_type: str) -> None:
    if output_type != "float32":
        integer(value, name, 0, 255)
    elif isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
        raise wrong(name, "a number of at least 0", value)


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
