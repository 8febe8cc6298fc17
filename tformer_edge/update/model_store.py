"""Two slots for models in a folder: one answers, the other receives the next release."""

import contextlib
import dataclasses
import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tformer_edge.errors import UserError
from tformer_edge.files import flush_folder, read_regular, write_whole
from tformer_edge.model import Model
from tformer_edge.update.bundle import Bundle
from tformer_edge.update.capacity_choice import Wanted, open_capacity
from tformer_edge.update.state_file import DeviceState, Slot, read_state, write_state
from tformer_edge.update.update_state import UpdateFailure, UpdateState

MAX_TRIALS = 3
STAGING, METADATA = "staging", "metadata"


class ModelStore:
    """The models of one device.

    Args:
        folder: of the store; `tformer-edge update` makes and fills it.

    `open` gives a `Model` of the active release, whose SHA-256 was checked then; a damaged one gives way to the
    release before it. A new release is on trial until `confirm` is called: when it was opened three times without
    that, the store goes back to the release before it and takes the new one never again. A release may hold several
    capacities of a network (bundle.py); `capacity` is the name of the one that was opened last, "" of an only one.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.capacity = ""
        self._opened, self._wanted = "", Wanted()

    def state(self) -> DeviceState:
        """What the store remembers. Raises UpdateFailure (FLOOR_LOST) and, for a folder without one, UserError."""
        state = read_state(self.folder)
        if state is None:
            raise UserError("a store of models", str(self.folder), "fill it with tformer-edge update")
        return state

    @contextlib.contextmanager
    def updating(self) -> Iterator[None]:
        """Holds the lock of an update, for as long as it takes; `open` does not wait for it.

        Raises UpdateFailure, state BUSY, where another update runs.
        """
        with _lock(self.folder / "update.lock", wait=False):
            yield

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the lock of the state, for moments: whoever reads and then writes it waits here for his turn."""
        with _lock(self.folder / "lock", wait=True):
            yield

    def create(self) -> DeviceState:
        """Makes the folders and the first state, where there are none yet."""
        for folder in (self.folder, self.folder / STAGING, self.folder / METADATA):
            folder.mkdir(parents=True, exist_ok=True)
        with self.locked():
            state = read_state(self.folder)
            return state or write_state(self.folder, DeviceState(secrets.token_hex(16)))

    def change(self, **fields: Any) -> DeviceState:
        """Writes the state with other `fields`, the others as they are now."""
        with self.locked():
            return write_state(self.folder, dataclasses.replace(self.state(), **fields))

    def note_failed(self, release: int) -> None:
        """A release that is never tried again."""
        with self.locked():
            state = self.state()
            failed = tuple(sorted({*state.failed, release}))
            write_state(self.folder, dataclasses.replace(state, failed=failed))

    def slot_path(self, slot: str) -> Path:
        return self.folder / f"slot-{slot}.tflite"

    def bytes_of(self, state: DeviceState, slot: str) -> bytes | None:
        """The bytes of a slot, or None where they are not those that were installed."""
        known = state.slots.get(slot)
        if known is None:
            return None
        try:
            data = read_regular(self.slot_path(slot), known.length + 1)
        except OSError:
            return None
        return data if hashlib.sha256(data).hexdigest() == known.sha256 else None

    def install(self, data: bytes, release: int, trial: bool) -> DeviceState:
        """Puts a verified, tested model into the slot that does not answer, then makes it the active one.

        The caller holds `updating`. During a trial the model on trial gives up its slot, never the confirmed one.
        """
        with self.locked():
            state = self.state()
            if state.active and state.trial >= 0 and _other(state.active) in state.slots:
                state = write_state(
                    self.folder, dataclasses.replace(state, active=_other(state.active), trial=-1)
                )
            slot = _other(state.active) if state.active else "a"
            write_whole(self.slot_path(slot), data)
            new = Slot(release, hashlib.sha256(data).hexdigest(), len(data))
            returns = state.active in state.slots  # else there is nothing to go back to
            state = dataclasses.replace(
                state,
                slots={**state.slots, slot: new},
                active=slot,
                trial=0 if trial and returns else -1,
                floor=max(state.floor, release),
            )
            return write_state(self.folder, state)

    def open(self, capacity: str | None = None, budget_ms: float | None = None, **options: Any) -> Model:
        """A `Model` of the active release; `options` as of Model.

        Args:
            capacity: of a release of several: a name, "best" (as without) or "fastest".
            budget_ms: instead: the best capacity whose inferences take no longer, which are measured now.

        Raises UpdateFailure, state CORRUPT, where neither slot is whole; UserError for a capacity that the release has
        not, or where none is within the budget; the folder's other errors as `state`.
        """
        return self._open(Wanted(capacity, budget_ms), options, counted=True)

    def reload(
        self, model: Model, capacity: str | None = None, budget_ms: float | None = None, **options: Any
    ) -> Model:
        """The model itself while it is what is wanted; else that one, and `model` is closed when it is open.

        Args:
            model: that `open` or `reload` gave.
            capacity, budget_ms: as of `open`; without both, what was asked for last.
        """
        wanted = Wanted(capacity, budget_ms)
        if wanted == Wanted():
            wanted = self._wanted
        here = self.is_open()
        if here and wanted == self._wanted:
            return model
        before = self.capacity
        # The same release is on trial in this program already.
        new = self._open(wanted, options, counted=not here)
        if here and self.capacity == before:
            new.close()
            return model
        model.close()
        return new

    def is_open(self) -> bool:
        """Whether the release that was opened last is the active one. Raises as `state` does."""
        state = self.state()
        return bool(state.active) and state.slots[state.active].sha256 == self._opened

    def forget(self) -> None:
        """The release that was opened last does not work in this program: `confirm` is not about it."""
        self._opened = ""

    def bundle(self, counted: bool = True) -> Bundle:
        """The active release's capacities, as `open` opens one of them; its SHA-256 was checked.

        Args:
            counted: whether this opening counts where the release is on trial.

        Raises as `open` does.
        """
        with self.locked():
            state = self.state()
            if state.trial >= MAX_TRIALS and counted:
                state = self.give_up(state)
            data = self.bytes_of(state, state.active)
            if data is not None and state.trial >= 0 and counted:
                state = write_state(self.folder, dataclasses.replace(state, trial=state.trial + 1))
            if data is None:
                state, data = self._previous(state)
        self._opened = state.slots[state.active].sha256
        return Bundle(data)

    def _open(self, wanted: Wanted, options: dict[str, Any], counted: bool) -> Model:
        name, model = open_capacity(self.bundle(counted), wanted, options)
        self.capacity, self._wanted = name, wanted
        return model

    def confirm(self) -> None:
        """Ends the trial of the model that `open` gave: it has proved itself in the program that uses it."""
        with self.locked():
            state = self.state()
            if state.trial >= 0 and state.slots[state.active].sha256 == self._opened:
                write_state(self.folder, dataclasses.replace(state, trial=-1))

    def give_up(self, state: DeviceState) -> DeviceState:
        """Back to the release before the one on trial, which is never tried again. The caller holds the lock."""
        before = _other(state.active)
        failed = tuple(sorted({*state.failed, state.slots[state.active].release}))
        return write_state(self.folder, dataclasses.replace(state, active=before, trial=-1, failed=failed))

    def remove_staging(self, keep: str = "") -> None:
        """Removes what earlier updates left in staging, but for the file named `keep`."""
        staging = self.folder / STAGING
        paths = [path for path in staging.iterdir() if path.name != keep]
        for path in paths:
            path.unlink()
        if paths:
            flush_folder(staging)

    def _previous(self, state: DeviceState) -> tuple[DeviceState, bytes]:
        before = _other(state.active)
        data = self.bytes_of(state, before)
        if data is None:
            raise UpdateFailure(
                UpdateState.CORRUPT,
                f"{self.folder}: expected a whole model in a slot, received none; run tformer-edge update",
            )
        # The damaged slot is forgotten, so that the next update fetches its release again.
        slots = {before: state.slots[before]}
        return write_state(
            self.folder, dataclasses.replace(state, slots=slots, active=before, trial=-1)
        ), data


def _other(slot: str) -> str:
    return "b" if slot == "a" else "a"


@contextlib.contextmanager
def _lock(path: Path, wait: bool) -> Iterator[None]:
    import fcntl

    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except FileNotFoundError:
        raise UserError("a store of models", str(path.parent), "fill it with tformer-edge update") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise UpdateFailure(
                UpdateState.BUSY,
                f"{path.parent}: expected no other update, received one that runs; wait for it",
            ) from None
        yield
    finally:
        os.close(descriptor)
