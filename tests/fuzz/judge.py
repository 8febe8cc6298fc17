"""What became of a mutation: refused by a rule, or accepted with every digest right; anything else is a violation.

The digests of an accepted file are checked by other code than the reader's: Python's zipfile and json.
"""

import functools
import hashlib
import io
import json
import os
import re
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.edge.tiny_models import LABELS, PREPROCESSING
from tests.fuzz.mutations import ALONE, ISOLATED, PLAN, Mutated
from tformer_edge.contract import ModelFile, read_model_file
from tformer_edge.errors import UserError
from tformer_edge.golden_check import selftest
from tformer_edge.graph import read_graph
from tformer_edge.model import Model
from tformer_edge.refusal import Refusal

ROOT = Path(__file__).parents[2]
READ_SECONDS = 10.0
PHOTO = np.full((20, 31, 3), 99, np.uint8)
MODEL_SECONDS = 300.0  # LiteRT's process is killed after 60 s of loading, and after 120 s of an inference

# What the sentences about a model in its own process say, in few words.
_ENDS = (
    (r"crashed its process \((\w+)\)", r"process crashed, \1"),
    (r"ended its process with code (\d+)", r"process ended, code \1"),
    (r"took over", "process took too long"),
    (r"no sensible answer|cannot be printed", "process answered nonsense"),
    (r"tensors of \d+ bytes", "tensors too large"),
    (r"as the contract says", "tensors are not the contract's"),
    (r"as the arguments say", "tensors are not the arguments'"),
    (r"expected a scale", "tensors without a scale"),
    (r"inputs and \d+ outputs", "other number of inputs"),
    (r"whose output changes", "output changes its shape"),
    (r"golden output values", "outputs are not the golden vector's"),
    (r"model that LiteRT can run", "LiteRT refuses"),
)


@dataclass(frozen=True)
class Verdict:
    """Attributes: `outcome` in few words; `accepted`; `violation`, a sentence, or None where all is well."""

    outcome: str
    accepted: bool
    violation: str | None = None


def judge(mutated: Mutated) -> Verdict:
    """Reads the file, and where its region says so, runs it in a process of its own."""
    started = time.monotonic()
    try:
        verdict = _run(mutated) if mutated.region in ISOLATED else _read(mutated.data)
    except Exception as error:
        return Verdict("VIOLATION", False, f"raised {type(error).__name__}: {error}")
    took = time.monotonic() - started
    if took > (MODEL_SECONDS if mutated.region in ISOLATED else READ_SECONDS):
        return Verdict("VIOLATION", False, f"took {took:.0f} s")
    return verdict


@functools.cache
def rules() -> frozenset[str]:
    """The rules that docs/contract.md lists."""
    text = (ROOT / "docs" / "contract.md").read_text("utf-8").split("\n## Rules", 1)[1]
    return frozenset(re.findall(r"^\| `([a-z0-9-]+)` \|", text, re.MULTILINE))


def _read(data: bytes) -> Verdict:
    try:
        file = read_model_file(data)
    except Refusal as refusal:
        return _refused(refusal)
    _graph(file.flatbuffer)
    return _accepted(data, file)


def _refused(refusal: Refusal) -> Verdict:
    wrong = None
    if refusal.rule not in rules():
        wrong = f"refused by {refusal.rule}, which docs/contract.md does not list"
    elif not str(refusal).isprintable() or not str(refusal).startswith("expected "):
        wrong = f"refused by {str(refusal)!r}, which is not one sentence"
    return Verdict("VIOLATION" if wrong else refusal.rule, False, wrong)


def _accepted(data: bytes, file: ModelFile) -> Verdict:
    if file.contract is None:
        wrong = None if file.flatbuffer == data and not file.labels else "a part of a file without a contract"
    else:
        wrong = _silent(data, file)
    return Verdict(
        "VIOLATION" if wrong else "with contract" if file.contract else "without contract", not wrong, wrong
    )


def _silent(data: bytes, file: ModelFile) -> str | None:
    """What is wrong with an accepted file and was not refused."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if archive.testzip() is not None:
            return "accepted with a wrong CRC-32"
        parts = {name: archive.read(name) for name in archive.namelist()}
        begins = min(entry.header_offset for entry in archive.infolist())
    document = json.loads(parts["model.json"])
    expected = [
        (document["flatbuffer"]["sha256"], data[:begins]),
        (document["labels"]["sha256"], parts["labels.txt"]),
    ]
    for index, record in enumerate(document["golden"]):
        expected.append((record["input_sha256"], parts[f"golden/{index}.in"]))
        expected.append((record["output_sha256"], parts[f"golden/{index}.out"]))
    if any(hashlib.sha256(content).hexdigest() != digest for digest, content in expected):
        return "accepted with a wrong SHA-256"
    if (
        file.flatbuffer != data[:begins]
        or "".join(f"{one}\n" for one in file.labels).encode() != parts["labels.txt"]
    ):
        return "accepted with other parts than the zip's"
    return None


def _run(mutated: Mutated) -> Verdict:
    """As a user opens a stranger's file: LiteRT in another process, which may do whatever it likes.

    Files without a contract are run by tensors and, every second one, by images with arguments given by hand.
    """
    data = mutated.data
    by_hand = mutated.region == ALONE and mutated.number // (len(PLAN) // 2) % 2 == 0
    hand = {"preprocessing": PREPROCESSING, "labels": LABELS, "meaning": "logits"} if by_hand else {}
    try:
        file = read_model_file(data)
        _graph(file.flatbuffer)
        with Model(data, isolated=True, threads=1, **hand) as model:
            pid = model.pid
            if pid == os.getpid():
                return Verdict("VIOLATION", False, "ran in the caller's process")
            if by_hand:
                answers = model.predict([PHOTO] * model.input.shape[0])
                return _ended(pid, model, "answered", [(len(answers), len(answers[0].scores))])
            if file.contract is None:
                outputs = model.run(np.zeros(model.input.shape, model.input.type))
                return _ended(pid, model, "answered", [one.shape for one in outputs])
            passed = all(result.passed for result in selftest(model))
            return _ended(
                pid, model, "answered, self-test passed" if passed else "self-test says FAILED", None
            )
    except Refusal as refusal:
        return _refused(refusal)
    except UserError as error:
        if not str(error).isprintable() or not str(error).startswith("expected "):
            return Verdict("VIOLATION", False, f"refused by {str(error)!r}, which is not one sentence")
        for pattern, words in _ENDS:
            if match := re.search(pattern, str(error)):
                return Verdict(match.expand(words), False)
        return Verdict(f"other: {str(error)[:60]}", False)


def _ended(pid: int, model: Model, outcome: str, shapes: object) -> Verdict:
    if shapes is not None and shapes != [one.shape for one in model.outputs]:
        return Verdict("VIOLATION", False, f"answered with shapes {shapes}")
    model.close()
    if Path(f"/proc/{pid}").exists():
        return Verdict("VIOLATION", False, "left its process behind")
    return Verdict(outcome, True)


def _graph(flatbuffer: bytes) -> None:
    """`inspect` reads a stranger's flatbuffer in its own process: a graph or a sentence, nothing else."""
    try:
        read_graph(flatbuffer)
    except UserError as error:
        if not str(error).isprintable():
            raise
