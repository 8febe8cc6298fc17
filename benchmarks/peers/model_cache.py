"""The converted files of the tables' models, kept in build/benchmarks until something that they are made of changes."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.peers.latency_peers import PEERS
from benchmarks.peers.paper_tables import PAPER_PEERS
from benchmarks.peers.peer import Peer
from benchmarks.provenance import ROOT, versions
from benchmarks.task_peers import TASK_PEERS
from tformer_edge.errors import UserError

CACHE = ROOT / "build" / "benchmarks"
# What models of the paper's tables are made of here.
ARCHITECTURES = (
    "affine.py",
    "attention.py",
    "class_token.py",
    "deit.py",
    "paper_models.py",
    "position_embedding.py",
    "pvt.py",
    "resmlp.py",
    "swin_mixer.py",
    "token_parts.py",
)


def peer_of(name: str) -> Peer:
    """The entry of a classifier, or of a model of the paper's tables."""
    return PEERS[name] if name in PEERS else PAPER_PEERS[name]


def kinds_of(name: str) -> tuple[str, ...]:
    """The kinds of files that a model of any table has; none for a name that is in none of them."""
    if name in TASK_PEERS:
        return ("int8",)
    return peer_of(name).kinds if name in PEERS or name in PAPER_PEERS else ()


def cache_key(name: str, kind: str) -> str:
    """Sixteen hexadecimal digits of all that a file is made of: files here, the package's sources, the versions."""
    here = Path(__file__).parent
    sources = [here / file for file in ("conversion.py", "random_weights.py")]
    if name in TASK_PEERS:
        sources.append(here.with_name("task_peers.py"))
    elif name in PEERS:
        sources.append(here / "latency_peers.py")
    else:
        sources += [here / file for file in ARCHITECTURES]
    ours = name in TASK_PEERS or peer_of(name).converter == "tformer"
    return sources_key((name, kind), sources, ("layers", "models") + (("deploy",) if ours else ()))


def sources_key(what: tuple[str, ...], files: Sequence[Path], parts: Sequence[str]) -> str:
    """Sixteen hexadecimal digits of names, files, folders of the package, and the versions of what they use."""
    digest = hashlib.sha256(repr((*what, sorted(versions().items()))).encode())
    sources = list(files)
    for part in parts:
        sources += sorted((ROOT / "tformer_keras" / part).rglob("*.py"))
    for source in sources:
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def model_file(
    name: str,
    kind: str,
    cache: Path = CACHE,
    key: Callable[[str, str], str] = cache_key,
    make: Callable[[str, str, Path], None] | None = None,
) -> Path:
    """The converted file of a peer: the cached one, or a new one, which then takes an older one's place.

    Args:
        cache: the folder; made if it is not there.
        key, make: of the cache's entry, and what writes the file of (name, kind) to a path; replaced in tests.

    Raises:
        UserError: for a name or kind that is not in the table, or a conversion that failed.
    """
    if kind not in kinds_of(name):
        raise UserError(
            f"one of {', '.join([*PEERS, *TASK_PEERS, *PAPER_PEERS])} and a kind of it",
            f"{name!r} and {kind!r}",
            "take one of them",
            where="model",
        )
    making = make or _make_in_a_process
    return cached_file(cache, f"{name}-{kind}", key(name, kind), lambda path: making(name, kind, path))


def cached_file(cache: Path, stem: str, key: str, make: Callable[[Path], None]) -> Path:
    """The file STEM-KEY.tflite of a folder; `make` writes it where it is not there, in an older one's place."""
    path = cache / f"{stem}-{key}.tflite"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        make(temporary)
        # By its length, because a stem may be the beginning of another.
        for older in cache.glob(f"{stem}-{'?' * len(key)}.tflite"):
            older.unlink()
        os.replace(temporary, path)
    return path


def _make_in_a_process(name: str, kind: str, path: Path) -> None:
    in_a_process(["-m", "benchmarks.peers.convert_peer", name, kind, "--out", str(path)])


def in_a_process(command: Sequence[str]) -> None:
    """Runs a Python program: TensorFlow's threads and memory stay out of the process that measures.

    Raises:
        UserError: it failed.
    """
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    more = {"KERAS_BACKEND": "tensorflow", "PYTHONPATH": path}
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ, **more}
    done = subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"it ended with code {done.returncode}"]
        module = command[0] == "-m"
        program = " ".join(command[:2]) if module else str(Path(command[0]).relative_to(ROOT))
        what = " ".join(command[2:4] if module else command[1:3])
        raise UserError(
            f"{what} to convert", lines[-1], f"see all of it with python {program} {what} --out FILE"
        )
