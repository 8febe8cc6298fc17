"""What a publisher does with releases: release, promote, roll back, verify, report."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import TargetFile

from tformer_edge.contract import read_model_file
from tformer_edge.errors import Failure, UserError
from tformer_edge.update.bundle import Bundle
from tformer_edge.update.delta import NOTHING
from tformer_edge.update.manifest import MAX_MEMORY, Release, releases_of
from tformer_edge.update.model_check import check_model, class_of_release
from tformer_publish.repository import Repository, Signers
from tformer_publish.served_deltas import SECOND_SAVES, deltas, for_all, sizes, worth_serving

KEPT = 5
# An update of a larger share of its file is none.
LARGEST_SHARE = 0.9
# How the whole file is called when it is packed, as a delta from nothing, by codec.
PACKED = {"residual": "full, packed", "recomputed": "full, packed, golden outputs recomputed"}


@dataclass(frozen=True)
class Way:
    """A way to a release in bytes: from release `base` (0: the whole file, as it is or packed), by a codec."""

    base: int
    codec: str
    bytes: int


@dataclass(frozen=True)
class Published:
    """A release that was published: its number and every way that was weighed, the chosen ones first."""

    release: int
    chosen: tuple[Way, ...]
    weighed: tuple[Way, ...]


def release(
    repository: Repository,
    data: bytes,
    keys: Signers,
    *,
    rollout: int = 100,
    target: str = "litert",
    allow_full: bool = False,
    memory: int = 0,
    check: Callable[[bytes], None] = check_model,
) -> Published:
    """Publishes a file as the next release, with deltas from the last releases of its device class.

    Args:
        data: a model file, or a bundle of several capacities (tformer_edge/update/bundle.py).
        rollout: percent of devices, 0 to 100.
        allow_full: publish also where no delta is smaller than the file.
        memory: bytes that a device must have to take it; 0 demands nothing.
        check: the self-test, run on this machine.

    Raises UserError for a file whose contract is broken, which has no golden vectors, or which would be fetched whole
    by every device that has a release; UpdateFailure where its self-test fails.
    """
    if not 0 <= rollout <= 100:
        raise UserError("a rollout of 0 to 100 percent", str(rollout), "give another", where="--rollout")
    files = Bundle(data).files()
    device = class_of_release(files.values(), target)
    _check_labels(files)
    for file in files.values():
        check(file)
    if not 0 <= memory <= MAX_MEMORY:
        raise UserError(f"0 to {MAX_MEMORY} bytes of memory", str(memory), "give another", where="--memory")
    return _publish(repository, data, keys, rollout, device.to_json(), memory, allow_full)


def promote(repository: Repository, number: int, rollout: int, keys: Signers) -> None:
    """Sets a release's rollout; 0 halts it. Raises UserError for a release that is not there."""
    if not 0 <= rollout <= 100:
        raise UserError("a rollout of 0 to 100 percent", str(rollout), "give another", where="--rollout")
    with repository.locked():
        entries = dict(repository.targets().signed.targets)
        name, target = _entry(entries, number)
        target.unrecognized_fields["custom"] = {**target.unrecognized_fields["custom"], "rollout": rollout}
        repository.publish(_reached({**entries, name: target}), keys)


def rollback(repository: Repository, number: int, keys: Signers) -> Published:
    """Publishes an earlier release's file as the newest release, for all devices: numbers only ever grow."""
    name, target = _entry(dict(repository.targets().signed.targets), number)
    custom = target.unrecognized_fields["custom"]
    data, memory = repository.read_file(name, target), custom.get("memory", 0)
    return _publish(repository, data, keys, 100, custom["device"], memory, allow_full=True)


def verify(repository: Repository) -> list[str]:
    """What is wrong with a repository, a sentence each: the chain of roots, every signature, expiry and file."""
    wrong: list[str] = []
    try:
        root = repository.root()
        roots = [repository.read_metadata(f"{number + 1}.root.json") for number in range(root.signed.version)]
        for before, after in itertools.pairwise(roots):
            before.signed.verify_delegate("root", after.signed_bytes, after.signatures)
        roles: dict[str, Any] = {
            "root": root,
            "timestamp": repository.timestamp(),
            "snapshot": repository.snapshot(),
            "targets": repository.targets(),
        }
        for role, metadata in roles.items():
            root.signed.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
            if metadata.signed.is_expired():
                wrong.append(f"{role}: expired at {metadata.signed.expires}")
        for name, target in roles["targets"].signed.targets.items():
            try:
                repository.read_file(name, target)
            except (OSError, Failure) as error:
                wrong.append(f"{name}: {error}")
        releases_of(roles["targets"].signed.targets)
    except (RepositoryError, UserError, Failure, OSError) as error:
        wrong.append(" ".join(str(error).split()))
    return wrong


def report(repository: Repository) -> list[Release]:
    """The releases that are offered, the newest first."""
    return releases_of(repository.targets().signed.targets)


def offered(repository: Repository, number: int) -> Release:
    """A release by its number. Raises UserError for one that is not there."""
    entries = dict(repository.targets().signed.targets)
    _entry(entries, number)
    return next(one for one in releases_of(entries) if one.number == number)


def _publish(
    repository: Repository,
    data: bytes,
    keys: Signers,
    rollout: int,
    device: dict[str, Any],
    memory: int,
    allow_full: bool,
) -> Published:
    with repository.locked():
        entries = dict(repository.targets().signed.targets)
        releases = releases_of(entries)
        number = max((one.number for one in releases), default=0) + 1
        mine = [one for one in releases if one.device.to_json() == device]
        packed_below = len(data) - SECOND_SAVES
        packed = for_all(b"", data, packed_below)
        whole = min(len(data), *map(len, packed.values()))
        weighed = [
            Way(0, "full", len(data)),
            *(Way(0, PACKED[codec], len(one)) for codec, one in packed.items()),
        ]
        starts: list[tuple[int, str, dict[str, bytes], int]] = []
        seen: set[str] = set()
        for base in mine[:KEPT]:
            if base.file.sha256 in seen:
                continue
            seen.add(base.file.sha256)
            old = repository.read_file(base.file.name, entries[base.file.name])
            made = deltas(old, data, whole)
            weighed += [Way(base.number, codec, len(delta)) for codec, delta in made.items()]
            starts.append((base.number, base.file.sha256, made, whole))
        starts.append((0, NOTHING, packed, packed_below))
        chosen: list[Way] = []
        added: dict[str, TargetFile] = {}
        for start, sha256, made, full in starts:
            for codec in worth_serving(sizes(made), full):
                custom = {"kind": "delta", "release": number, "codec": codec, "base": sha256}
                name = _delta_name(number, start, codec)
                added[name] = repository.add_file(name, made[codec], custom)
                chosen.append(Way(start, codec if start else PACKED[codec], len(made[codec])))
        smallest = min((way.bytes for way in weighed if way.base), default=0)
        if smallest > LARGEST_SHARE * whole and not allow_full:
            raise UserError(
                f"an update of at most {int(LARGEST_SHARE * whole)} bytes, of a file that is fetched by {whole}",
                f"{smallest} bytes at least",
                "train it from the model in use, or give --full",
            )
        name = f"release-{number}.tflite"
        custom = {"kind": "model", "release": number, "device": device, "rollout": rollout}
        custom |= {"memory": memory} if memory else {}
        added[name] = repository.add_file(name, data, custom)
        repository.publish(_reached({**_kept(entries, mine), **added}), keys)
    return Published(number, (Way(0, "full", len(data)), *chosen), tuple(weighed))


def _check_labels(files: dict[str, bytes]) -> None:
    """Raises UserError where capacities of one release say different things."""
    labels = {name: read_model_file(file).labels for name, file in files.items()}
    first = next(iter(labels))
    for name in labels:
        if labels[name] != labels[first]:
            raise UserError(
                f"the labels of {first}", "others", "bundle capacities of one training", where=name
            )


def _kept(entries: dict[str, TargetFile], mine: list[Release]) -> dict[str, TargetFile]:
    """Without this class's oldest releases: the last ones stay, and the newest that all devices may have."""
    stay = {one.number for one in mine[: KEPT - 1]} | {
        next((one.number for one in mine if one.rollout == 100), 0)
    }
    gone = {one.number for one in mine} - stay
    return {
        name: target
        for name, target in entries.items()
        if target.unrecognized_fields.get("custom", {}).get("release") not in gone
    }


def _reached(entries: dict[str, TargetFile]) -> dict[str, TargetFile]:
    """Without deltas to releases that no device takes any more, since a newer one is for all that could: each entry is
    metadata that every device fetches. Whole files stay, as bases of deltas and for `rollback`."""
    releases = releases_of(entries)
    passed = {
        one.number
        for one in releases
        if any(
            other.number > one.number
            and other.device == one.device
            and other.rollout == 100
            and other.memory <= one.memory
            for other in releases
        )
    }
    return {
        name: target
        for name, target in entries.items()
        if target.unrecognized_fields.get("custom", {}).get("kind") != "delta"
        or target.unrecognized_fields["custom"].get("release") not in passed
    }


def _delta_name(number: int, base: int, codec: str) -> str:
    if not base:
        return f"release-{number}.{'packed' if codec == 'residual' else codec}"
    return f"release-{number}-from-{base}{'' if codec == 'residual' else '.' + codec}.delta"


def _entry(entries: dict[str, TargetFile], number: int) -> tuple[str, TargetFile]:
    name = f"release-{number}.tflite"
    if name not in entries:
        raise UserError(
            "a release that is offered", str(number), "tformer-publish report lists them", where="release"
        )
    return name, entries[name]
