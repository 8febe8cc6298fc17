"""One file is the model: a flatbuffer with its contract, labels and golden vectors behind it (docs/contract.md).

    model = read_model_file("model.tflite")
    model.flatbuffer              # bytes for the interpreter, as they were when the contract was written
    model.contract.image          # what turns an image into the input
    model.labels[3], model.golden[0].input

Everything is checked before the interpreter sees a byte: sizes, the zip, the contract, then the SHA-256 of every
part. A file without a contract is read too (`contract` is None); nothing vouches for its flatbuffer, and a hostile
one can crash the interpreter, so it wants a child process first.
"""

import hashlib
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tformer_edge.archive import read_archive, write_archive
from tformer_edge.files import cannot_write, read_regular, write_whole
from tformer_edge.golden_record import GoldenRecord
from tformer_edge.labels import labels_text, parse_labels
from tformer_edge.model_json import ITEM_BYTES, MAX_FLATBUFFER_BYTES, MAX_GOLDEN, Contract
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.refusal import Refusal
from tformer_edge.tasks import OPTIONS, find_task

__all__ = [
    "Contract",
    "Golden",
    "GoldenRecord",
    "ModelFile",
    "describe",
    "read_model_file",
    "save_model_file",
    "write_model_file",
]

MAX_FILE_BYTES = MAX_FLATBUFFER_BYTES + (64 << 20)

IDENTIFIER = b"TFL3"
JSON_NAME = "model.json"
LABELS_NAME = "labels.txt"


@dataclass(frozen=True)
class Golden:
    """One input and the output that LiteRT's reference kernels give for it.

    Attributes:
        name: what it is, for people.
        input, output: the tensors' bytes, row-major, float32 as little-endian. Several outputs stand one behind
            the other, in the order of the model's outputs.
        xnnpack_difference, answer_sha256: as in GoldenRecord.
    """

    name: str
    input: bytes
    output: bytes
    xnnpack_difference: float = 0
    answer_sha256: str | None = None


@dataclass(frozen=True)
class ModelFile:
    """The parts of a model file. `contract` is None, and `labels` and `golden` are empty, where it has no zip."""

    flatbuffer: bytes
    contract: Contract | None
    labels: tuple[str, ...] = ()
    golden: tuple[Golden, ...] = ()

    def to_bytes(self) -> bytes:
        """The bytes of the file. Raises Refusal where the parts do not fit together."""
        if self.contract is None:
            return self.flatbuffer
        return write_model_file(self.flatbuffer, self.contract, self.labels, self.golden)


def describe(
    flatbuffer: bytes,
    labels: Sequence[str],
    golden: Sequence[Golden],
    *,
    name: str,
    image: Preprocessing,
    **others: Any,
) -> Contract:
    """The contract of these parts, with their sizes and SHA-256 filled in; `others` as in Contract."""
    return Contract(
        name=name,
        image=image,
        flatbuffer_bytes=len(flatbuffer),
        flatbuffer_sha256=_sha256(flatbuffer),
        label_count=len(labels),
        labels_sha256=_sha256(labels_text(labels)),
        golden=tuple(
            GoldenRecord(
                one.name, _sha256(one.input), _sha256(one.output), one.xnnpack_difference, one.answer_sha256
            )
            for one in golden
        ),
        **others,
    )


def write_model_file(
    flatbuffer: bytes, contract: Contract, labels: Sequence[str], golden: Sequence[Golden] = ()
) -> bytes:
    """The bytes of a model file; the same for the same parts.

    Raises Refusal (a UserError) where the parts do not fit together or break a rule of docs/contract.md.
    """
    entries = [(JSON_NAME, contract.to_bytes()), (LABELS_NAME, labels_text(labels))]
    for index, one in enumerate(golden):
        entries += [(f"golden/{index}.in", one.input), (f"golden/{index}.out", one.output)]
    data = flatbuffer + write_archive(len(flatbuffer), entries)
    # The reader is the specification: what it would refuse is not written.
    if read_model_file(data) != ModelFile(flatbuffer, contract, tuple(labels), tuple(golden)):
        raise Refusal("contract-field", "golden vectors named as in the contract", "others", "make it anew")
    return data


def save_model_file(
    path: str | os.PathLike[str],
    flatbuffer: bytes,
    contract: Contract,
    labels: Sequence[str],
    golden: Sequence[Golden] = (),
) -> None:
    """Writes a model file: whole or not at all. An existing file at `path` is replaced.

    Raises UserError where the parts do not fit together, or the file cannot be written.
    """
    data = write_model_file(flatbuffer, contract, labels, golden)
    try:
        write_whole(Path(path), data)
    except OSError as error:
        raise cannot_write(Path(path), error) from None


def read_model_file(source: str | os.PathLike[str] | bytes) -> ModelFile:
    """Reads and checks a model file, given as a path or as its bytes.

    Raises Refusal (a UserError whose `rule` names the broken rule of docs/contract.md), naming the file, and
    never any other exception, whatever the bytes are.
    """
    if isinstance(source, bytes):
        return _read(source)
    try:
        return _read(load_bytes(Path(source)))
    except Refusal as refusal:
        raise refusal.of_file(os.fspath(source)) from None


def load_bytes(path: Path) -> bytes:
    """The bytes of a file. Raises Refusal where it cannot be read; of a longer one than allowed, the beginning."""
    try:
        # One byte more than the limit is enough to refuse a file, whatever its size is said to be.
        return read_regular(path, MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        reason = getattr(error, "strerror", None) or str(error)
        raise Refusal(
            "file", "a file that can be read", f"'{reason}'", "give the path of a .tflite file"
        ) from None


def _read(data: bytes) -> ModelFile:
    if len(data) > MAX_FILE_BYTES:
        raise Refusal("file-size", f"a file of up to {MAX_FILE_BYTES} bytes", "a longer one")
    if data[4:8] != IDENTIFIER:
        raise Refusal(
            "flatbuffer-identifier", "'TFL3' at byte 4, as a .tflite file has it", repr(data[4:8])[1:]
        )
    archive = read_archive(data, JSON_NAME)
    if archive is None:
        return ModelFile(data, None)
    start, entries = archive
    _check_entries(list(entries))
    contract = Contract.from_bytes(entries[JSON_NAME])
    _check_flatbuffer(data[:start], contract)
    _check_sha256("labels-sha256", LABELS_NAME, entries[LABELS_NAME], contract.labels_sha256)
    labels = parse_labels(entries[LABELS_NAME], contract.label_count)
    golden = _parse_golden(entries, contract)
    return ModelFile(data[:start], contract, labels, golden)


def _check_entries(names: list[str]) -> None:
    """`model.json`, `labels.txt`, `golden/0.in`, `golden/0.out`, … in this order and no other."""
    count = min(len(names) // 2 - 1, MAX_GOLDEN)
    expected = [JSON_NAME, LABELS_NAME]
    for index in range(count):
        expected += [f"golden/{index}.in", f"golden/{index}.out"]
    if names != expected:
        raise Refusal(
            "entries",
            "the entries model.json, labels.txt and golden/N.in, golden/N.out for N = 0, 1, … in this order",
            ", ".join(names)[:200],
        )


def _check_flatbuffer(flatbuffer: bytes, contract: Contract) -> None:
    if len(flatbuffer) != contract.flatbuffer_bytes:
        raise Refusal(
            "flatbuffer-size", f"a flatbuffer of {contract.flatbuffer_bytes} bytes", f"{len(flatbuffer)}"
        )
    _check_sha256("flatbuffer-sha256", "the flatbuffer", flatbuffer, contract.flatbuffer_sha256)


def _parse_golden(entries: dict[str, bytes], contract: Contract) -> tuple[Golden, ...]:
    if len(entries) != 2 + 2 * len(contract.golden):
        raise Refusal(
            "golden-count",
            f"{len(contract.golden)} golden vectors, as the contract says",
            f"{len(entries) // 2 - 1}",
        )
    return tuple(_golden(entries, index, record, contract) for index, record in enumerate(contract.golden))


def _golden(entries: dict[str, bytes], index: int, record: GoldenRecord, contract: Contract) -> Golden:
    given, made = f"golden/{index}.in", f"golden/{index}.out"
    _check_sha256("golden-sha256", given, entries[given], record.input_sha256)
    _check_sha256("golden-sha256", made, entries[made], record.output_sha256)
    image = contract.image
    values = contract.batch * math.prod(image.input_size) * image.channels
    _check_size(given, entries[given], values * ITEM_BYTES[contract.input_type])
    shapes = output_shapes(contract)
    if shapes is not None:
        size = ITEM_BYTES[contract.output_type] * sum(map(math.prod, shapes))
        _check_size(made, entries[made], size)
    return Golden(record.name, entries[given], entries[made], record.xnnpack_difference, record.answer_sha256)


def output_shapes(contract: Contract) -> list[tuple[int, ...]] | None:
    """The shapes of the outputs that the contract says; None where it does not (another task in format 1)."""
    if contract.task not in OPTIONS:
        return None
    return find_task(contract.task).output_shapes(
        contract.batch, contract.label_count, contract.image.input_size, contract.outputs
    )


def _check_size(name: str, data: bytes, expected: int) -> None:
    if len(data) != expected:
        raise Refusal(
            "golden-size", f"{name} of {expected} bytes, one tensor of the contract's shape", f"{len(data)}"
        )


def _check_sha256(rule: str, name: str, data: bytes, expected: str) -> None:
    if _sha256(data) != expected:
        raise Refusal(rule, f"{name} with SHA-256 {expected}", _sha256(data))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
