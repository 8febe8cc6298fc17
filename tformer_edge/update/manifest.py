"""What a signed repository says of its releases, and which of them a device is to have: no files, no network."""

import dataclasses
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tformer_edge.update.update_state import UpdateFailure, UpdateState

MAX_RELEASE = (1 << 53) - 1
MAX_MODEL_BYTES = 1 << 30
MAX_MEMORY = 1 << 50
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class DeviceClass:
    """What a file needs of a device. `target` is "litert" or "micro"; `input_size` (height, width), pixels."""

    task: str
    input_size: tuple[int, int]
    target: str = "litert"

    def to_json(self) -> dict[str, Any]:
        return {"task": self.task, "input_size": list(self.input_size), "target": self.target}


@dataclass(frozen=True)
class Part:
    """A file of the repository: its name, bytes and SHA-256 as signed. `codec` and `base` of a delta, else empty."""

    name: str
    length: int
    sha256: str
    codec: str = ""
    base: str = ""


@dataclass(frozen=True)
class Release:
    """A model that was released.

    Attributes:
        number: counts up from 1; a device never goes to a lower one.
        file: the whole file.
        deltas: the ways to it from earlier files.
        device: what it needs.
        rollout: percent of devices that take it, 0 to 100.
        memory: bytes of memory that a device must have; 0 where nothing is demanded.
    """

    number: int
    file: Part
    device: DeviceClass
    rollout: int = 100
    deltas: tuple[Part, ...] = ()
    memory: int = 0


def bucket(device_id: str, release: int) -> float:
    """Where a device stands in a release's rollout: 0 up to 100, by SHA-256, another place for every release."""
    digest = hashlib.sha256(f"{release}:{device_id}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / (1 << 48) * 100


def releases_of(targets: Mapping[str, Any]) -> list[Release]:
    """The releases in TUF's signed targets, the newest first.

    Args:
        targets: {name: an object with `length`, `hashes` and `unrecognized_fields`, as tuf.api.metadata.TargetFile}.

    Raises UpdateFailure, state CORRUPT, for signed metadata that is no repository of this format.
    """
    files: dict[int, Release] = {}
    deltas: dict[int, list[Part]] = {}
    for name, target in targets.items():
        custom = target.unrecognized_fields.get("custom")
        if not isinstance(custom, dict) or custom.get("kind") not in ("model", "delta"):
            continue  # of another program, or of a later version
        number: Any = custom.get("release")
        if not _is_integer(number, 1, MAX_RELEASE) or not _is_integer(target.length, 1, MAX_MODEL_BYTES):
            raise _wrong(name, "a release number and a length within their limits")
        if not _NAME.fullmatch(name):
            raise _wrong(name[:100], "a name of 1 to 100 letters, digits and . _ -, not a dot first")
        sha256 = str(target.hashes.get("sha256", ""))
        if not _is_digest(sha256):
            raise _wrong(name, "a SHA-256")
        if custom["kind"] == "delta":
            codec, base = custom.get("codec"), custom.get("base")
            if isinstance(codec, str) and _is_digest(base):
                deltas.setdefault(number, []).append(Part(name, target.length, sha256, codec, str(base)))
            continue
        if number in files:
            raise _wrong(name, f"one file for release {number}")
        rollout: Any = custom.get("rollout")
        if not _is_integer(rollout, 0, 100):
            raise _wrong(name, "a rollout of 0 to 100")
        memory: Any = custom.get("memory", 0)
        if not _is_integer(memory, 0, MAX_MEMORY):
            raise _wrong(name, "bytes of memory within their limits")
        part, device = Part(name, target.length, sha256), _device(name, custom)
        files[number] = Release(number, part, device, rollout, memory=memory)
    return [
        dataclasses.replace(files[number], deltas=tuple(deltas.get(number, ())))
        for number in sorted(files, reverse=True)
    ]


def choose_release(
    releases: list[Release],
    device: DeviceClass | None,
    device_id: str,
    current: int,
    memory: int | None = None,
) -> Release:
    """The newest release that fits a device and whose rollout has reached it.

    Args:
        device: what the device runs now; None for its first model, which may be of any class.
        current: the release that it runs, 0 for none: it always counts as reached.
        memory: bytes that it has; None where that is not known.

    Raises UpdateFailure: INCOMPATIBLE where none fits, NOT_IN_ROLLOUT where those that fit have not reached it.
    """
    fitting = [
        one
        for one in releases
        if (one.device == device or (device is None and one.device.target == "litert"))
        and (memory is None or one.memory <= memory)
    ]
    if not fitting:
        raise UpdateFailure(
            UpdateState.INCOMPATIBLE,
            f"expected a release for {device or 'litert'}"
            + ("" if memory is None else f" and {memory:,} bytes of memory")
            + ", received none; publish one, or name another repository",
        )
    for release in fitting:
        if release.number == current or bucket(device_id, release.number) < release.rollout:
            return release
    raise UpdateFailure(
        UpdateState.NOT_IN_ROLLOUT, "expected a release that has reached this device, received none; wait"
    )


def ways_to(release: Release, bases: Mapping[str, Any], codecs: tuple[str, ...]) -> list[Part]:
    """What may be fetched to get a release, the fewest bytes first; the whole file is always among them."""
    fitting = [one for one in release.deltas if one.base in bases and one.codec in codecs]
    return sorted(
        [one for one in fitting if one.length < release.file.length], key=lambda one: one.length
    ) + [release.file]


def _device(name: str, custom: dict[str, Any]) -> DeviceClass:
    given = custom.get("device")
    if isinstance(given, dict):
        size, task, target = given.get("input_size"), given.get("task"), given.get("target")
        if (
            isinstance(size, list)
            and len(size) == 2
            and all(_is_integer(one, 1, 1 << 16) for one in size)
            and isinstance(task, str)
            and target in ("litert", "micro")
        ):
            return DeviceClass(task, (size[0], size[1]), target)
    raise _wrong(name, "a device class (task, input_size, target)")


def _is_integer(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")


def _wrong(name: str, expected: str) -> UpdateFailure:
    return UpdateFailure(
        UpdateState.CORRUPT, f"{name!r}: expected {expected} in its signed entry; publish the release again"
    )
