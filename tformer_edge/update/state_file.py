"""What a device remembers, in two checksummed copies: active slot, trial, and the marks that nothing goes below."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tformer_edge.files import write_whole
from tformer_edge.update.update_state import UpdateFailure, UpdateState

COPIES = ("state-1.json", "state-2.json")
SCHEMA = 1


@dataclass(frozen=True)
class Slot:
    """A model that lies in a slot: its release, SHA-256 and bytes."""

    release: int
    sha256: str
    length: int


@dataclass(frozen=True)
class DeviceState:
    """What a device remembers.

    Attributes:
        sequence: counts writes; of two whole copies the higher one is right.
        device_id: this device in rollouts, made at random once.
        slots: {"a" or "b": what lies there}.
        active: the slot that answers; "" for none yet.
        trial: how often the active model was opened before it was confirmed; -1: it is confirmed.
        floor: the highest release that was ever installed: nothing lower is.
        marks: {role of TUF: [fingerprint of its keys, highest version seen]}.
        trusted_time: seconds since 1970 at the last refresh that was accepted, by which a clock in the past is known.
        failed: releases that failed their self-test or trial here.
        last: the state in which the last update ended.
        reported: of what `outcome_reports` says of releases, what a server was told.
    """

    device_id: str
    sequence: int = 0
    slots: dict[str, Slot] = dataclasses.field(default_factory=dict)
    active: str = ""
    trial: int = -1
    floor: int = 0
    marks: dict[str, tuple[str, int]] = dataclasses.field(default_factory=dict)
    trusted_time: float = 0.0
    failed: tuple[int, ...] = ()
    last: str = ""
    reported: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        body = json.dumps({"schema": SCHEMA, **dataclasses.asdict(self)}, sort_keys=True).encode()
        return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def parse_state(data: bytes) -> DeviceState | None:
    """A state from a copy's bytes; None for a damaged one, or one of another schema."""
    digest, _, body = data.partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        return None
    try:
        found: dict[str, Any] = json.loads(body)
        if found.pop("schema") != SCHEMA:
            return None
        found["slots"] = {name: Slot(**slot) for name, slot in found["slots"].items()}
        found["marks"] = {name: (str(key), int(version)) for name, (key, version) in found["marks"].items()}
        found["failed"] = tuple(found["failed"])
        found["reported"] = tuple(found.get("reported", ()))
        return DeviceState(**found)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def read_state(folder: Path) -> DeviceState | None:
    """The newer whole copy; None where no copy was ever written.

    Raises UpdateFailure, state FLOOR_LOST, where copies are there and neither is whole: the marks are lost, and
    guessing them would let an old release in. OSError where none is whole and the disk refuses to give one.
    """
    there, states, refused = False, [], None
    for name in COPIES:
        path = folder / name
        there = there or path.exists()
        if path.is_file():  # a pipe would be waited for
            try:
                state = parse_state(path.read_bytes())
            except OSError as error:
                refused = error
                continue
            if state is not None:
                states.append(state)
    if states:
        return max(states, key=lambda state: state.sequence)
    if refused:
        raise refused
    if there or any((folder / f"slot-{name}.tflite").exists() for name in "ab"):
        raise UpdateFailure(
            UpdateState.FLOOR_LOST,
            f"expected one whole copy of {COPIES[0]} in {folder}, received none; "
            "give the lowest release that may be installed with --floor",
        )
    return None


def write_state(folder: Path, state: DeviceState) -> DeviceState:
    """Writes both copies, one after the other, each whole and flushed: one of them is right at every instant."""
    state = dataclasses.replace(state, sequence=state.sequence + 1)
    for name in COPIES:
        write_whole(folder / name, state.to_bytes())
    return state
