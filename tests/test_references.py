"""What comments, docstrings and documents refer to is there: files, headings, and names of this project."""

import importlib.util
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# What a run, a build or a user makes.
MADE = ("build/", "runs/", "firmware/", "photos/", "inbox/", "android_demo/target", "android_demo/app/target")
# They refer to what is not there on purpose, or was there once.
MADE_UP = ("tests/test_references.py", "tests/test_import_floors.py", "CHANGELOG.md")
FILE = re.compile(
    r"(?<![\w./~{}<-])((?:docs|tests|tools|benchmarks|converters|android_demo|tformer_(?:edge|keras|cli))/[\w./-]*\w"
    r"|(?:layers|models|tasks|data|training|deploy)/[\w/]+\.(?:py|md))"
)
HEADING = re.compile(r'(docs/\w+\.md)[),]? "([^"]+)"')
NAME = re.compile(r"\btformer_(?:edge|keras|cli)(?:\.[a-z_0-9]+)*\.[A-Za-z_]\w*")
DESIGN = re.compile(r"\bdesign(?: §|,? section)")


def documents() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "*.py", "*.md", "Makefile"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return [ROOT / name for name in listed if name not in MADE_UP and (ROOT / name).is_file()]


def exists(path: str) -> bool:
    places = [ROOT / path, ROOT / "tformer_keras" / path, ROOT / f"{path}.py"]
    if path.endswith("_"):  # what is left of make_*.py
        return any(ROOT.glob(f"{path}*"))
    return path.startswith(MADE) or any(place.exists() for place in places)


def has_heading(document: str, heading: str) -> bool:
    text = (ROOT / document).read_text("utf-8") if (ROOT / document).is_file() else ""
    return bool(re.search(rf"^(#+ |- ?\*\*|\*\*){re.escape(heading)}", text, re.MULTILINE))


def is_name(name: str) -> bool:
    """Whether a dotted name is a module, or something that one of its modules defines."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        path = ROOT.joinpath(*parts[:length])
        source = path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py"
        if source.is_file():
            rest = parts[length:]
            return not rest or re.search(rf"\b{re.escape(rest[0])}\b", source.read_text("utf-8")) is not None
    return False


def wrong(text: str) -> list[str]:
    """The references in a text that lead nowhere."""
    found = [path for path in FILE.findall(text) if not exists(path)]
    found += [f"{one} {heading!r}" for one, heading in HEADING.findall(text) if not has_heading(one, heading)]
    found += [name for name in NAME.findall(text) if not is_name(name)]
    return found + DESIGN.findall(text)


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_references_lead_somewhere(path: Path) -> None:
    assert wrong(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("see docs/nothing.md", ["docs/nothing.md"]),
        ("deploy/quantize.py has it", ["deploy/quantize.py"]),
        ('docs/contract.md "No such heading"', ["docs/contract.md 'No such heading'"]),
        ("tformer_keras.training.loop.Nothing", ["tformer_keras.training.loop.Nothing"]),
        ("as design § 3 has it", ["design §"]),
        ("docs/architecture.md, tformer_keras.training.loop.Loop and training/loop.py", []),
        ('docs/contract.md "Golden vectors"', []),
    ],
)
def test_the_rule_sees_what_leads_nowhere(text: str, seen: list[str]) -> None:
    assert wrong(text) == seen
    assert importlib.util.find_spec("tformer_edge") is not None
