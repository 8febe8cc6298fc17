"""One update, from the signed metadata to the new model in its slot; every way it can end has a name."""

import contextlib
import dataclasses
import errno
import hashlib
import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tformer_edge.contract import read_model_file
from tformer_edge.errors import UserError
from tformer_edge.files import read_regular, write_whole
from tformer_edge.memory import total_bytes
from tformer_edge.update.bundle import BEST, Bundle
from tformer_edge.update.delta import NOTHING, apply_delta
from tformer_edge.update.download import USUAL_PATIENCE, Patience, download, repository_url
from tformer_edge.update.manifest import Part, Release, choose_release, releases_of, ways_to
from tformer_edge.update.model_check import check_model, class_of, class_of_release
from tformer_edge.update.model_store import METADATA, STAGING, ModelStore
from tformer_edge.update.recomputed_golden import apply_recomputed
from tformer_edge.update.state_file import write_state
from tformer_edge.update.trust import Trusted, refresh
from tformer_edge.update.update_state import UpdateFailure, UpdateState

ROOT_NAME = "trusted-root.json"


@dataclass
class Traffic:
    """Bytes that the network brought, by kind; `full`: of whole files, as they are or packed."""

    metadata: int = 0
    delta: int = 0
    full: int = 0


@dataclass(frozen=True)
class UpdateReport:
    """How an update ended: its state, the release that is active now (0 for none), what it took, one sentence."""

    state: UpdateState
    release: int
    traffic: Traffic
    fresh: bool
    sentence: str = ""


def update(
    store: ModelStore,
    url: str,
    root: bytes | None = None,
    *,
    patience: Patience = USUAL_PATIENCE,
    trial: bool = True,
    check: Callable[[bytes], None] = check_model,
    memory: int | None = None,
) -> UpdateReport:
    """Brings a store to the newest release for it, or says by name why not; the model that answers is never at risk.

    Args:
        url: of the repository's folder.
        root: the pinned root.json; needed once, then the store has it.
        trial: the new model is on trial (see ModelStore); False: it is confirmed by its self-test alone.
        check: the self-test, which raises UpdateFailure.
        memory: bytes that models may demand; None: what this machine has.

    Raises UserError for a URL or root that is none. All else ends in a report.
    """
    url = repository_url(url)
    traffic, fresh = Traffic(), True
    try:
        store.create()
        with store.updating():
            trusted = _refreshed(store, url, root, patience, traffic)
            fresh = trusted.fresh
            most = total_bytes() if memory is None else memory
            outcome = _advance(store, trusted, url, patience, traffic, trial, check, most)
        return _report(store, outcome, traffic, fresh)
    except UpdateFailure as failure:
        if failure.state in (UpdateState.BUSY, UpdateState.FLOOR_LOST):
            return UpdateReport(failure.state, 0, traffic, fresh, str(failure))
        return _report(store, failure.state, traffic, fresh, str(failure))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        sentence = (
            f"{UpdateState.DISK}: expected a disk that takes what is written, received '{reason}'; make room"
        )
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            with contextlib.suppress(OSError):
                store.remove_staging()
        return _report(store, UpdateState.DISK, traffic, fresh, sentence)


def _refreshed(
    store: ModelStore, url: str, root: bytes | None, patience: Patience, traffic: Traffic
) -> Trusted:
    """The signed targets; the marks are written before anything of them is believed."""
    pinned = store.folder / ROOT_NAME
    if pinned.exists():
        root = read_regular(pinned)
    elif root is None:
        raise UserError("a root.json to trust", "none", "give the publisher's with --root, once")

    def count(size: int) -> None:
        traffic.metadata += size

    trusted = refresh(url, store.folder / METADATA, root, store.state(), patience, count)
    if not pinned.exists():
        write_whole(pinned, root)
    state = store.change(marks=trusted.state.marks, trusted_time=trusted.state.trusted_time)
    return dataclasses.replace(trusted, state=state)


def _advance(
    store: ModelStore,
    trusted: Trusted,
    url: str,
    patience: Patience,
    traffic: Traffic,
    trial: bool,
    check: Callable[[bytes], None],
    memory: int | None,
) -> UpdateState:
    """From trusted targets to the new model in its slot. Raises UpdateFailure; OSError where the disk does."""
    state = trusted.state
    bases = {
        state.slots[slot].sha256: data
        for slot in state.slots
        if (data := store.bytes_of(state, slot)) is not None
    }
    active = state.slots.get(state.active)
    device, current = None, 0
    if active and active.sha256 in bases:
        # The largest alone: that all capacities are of its class was seen before they were installed.
        device = class_of(read_model_file(Bundle(bases[active.sha256]).file(BEST)))
        current = active.release
    release = choose_release(releases_of(trusted.targets), device, state.device_id, current, memory)
    if release.number in state.failed:
        raise UpdateFailure(
            UpdateState.FAILED_BEFORE,
            f"expected a release after {release.number}, which failed here, received none; wait",
        )
    # Before the floor, which may be higher where a trial ended in a return and its release was then halted.
    if release.number == current:
        store.remove_staging()
        return UpdateState.UP_TO_DATE
    if release.number < state.floor:
        raise UpdateFailure(
            UpdateState.ROLLBACK,
            f"expected release {state.floor} or higher, received {release.number}; publish a newer one",
        )
    data = bases.get(release.file.sha256)
    if data is None:
        data = _fetch(store, release, {**bases, NOTHING: b""}, url, patience, traffic)
    try:
        for file in _files_for(release, data):
            check(file)
    except UpdateFailure as failure:
        if failure.state in (UpdateState.SELFTEST_FAILED, UpdateState.INCOMPATIBLE):
            store.note_failed(release.number)
            store.remove_staging()
        raise
    store.install(data, release.number, trial)
    store.remove_staging()
    return UpdateState.UPDATED


def _files_for(release: Release, data: bytes) -> list[bytes]:
    """A release's model files, all of the device class that was signed for it. Raises UpdateFailure for others."""
    try:
        files = [*Bundle(data).files().values()]
        found = class_of_release(files, release.device.target)
    except (UserError, UpdateFailure) as error:
        raise UpdateFailure(UpdateState.SELFTEST_FAILED, str(error)) from None
    if found != release.device:
        raise UpdateFailure(
            UpdateState.INCOMPATIBLE, f"expected a file for {release.device}, received one for {found}; wait"
        )
    return files


def _fetch(
    store: ModelStore,
    release: Release,
    bases: dict[str, bytes],
    url: str,
    patience: Patience,
    traffic: Traffic,
) -> bytes:
    """The release's file, by the fewest bytes; a delta that does not lead there gives way to the whole file."""
    codecs = ("residual", "recomputed", *(("hdiffpatch",) if importlib.util.find_spec("hdiffpatch") else ()))
    ways = ways_to(release, bases, codecs)
    for part in ways:
        try:
            content = _part(store, part, url, patience, traffic)
            data = (
                content if not part.codec else _patched(part, bases[part.base], content, release.file.length)
            )
            if len(data) != release.file.length or hashlib.sha256(data).hexdigest() != release.file.sha256:
                raise UpdateFailure(
                    UpdateState.CORRUPT, f"expected {release.file.sha256}, received another file"
                )
            return data
        except UpdateFailure as failure:
            if part is ways[-1] or failure.state is not UpdateState.CORRUPT:
                raise
    raise AssertionError("the whole file is the last way")


def _part(store: ModelStore, part: Part, url: str, patience: Patience, traffic: Traffic) -> bytes:
    """A file of the repository, whose length and SHA-256 are those that were signed."""
    path = store.folder / STAGING / f"{part.sha256}.part"
    store.remove_staging(keep=path.name)
    _check_room(store.folder, 2 * part.length)

    def count(size: int) -> None:
        if part.codec and part.base != NOTHING:
            traffic.delta += size
        else:
            traffic.full += size

    download(f"{url}targets/{part.sha256}.{part.name}", path, part.length, patience, count)
    with path.open("rb") as file:
        data = file.read(part.length + 1)
    if hashlib.sha256(data).hexdigest() != part.sha256:
        path.unlink()
        raise UpdateFailure(
            UpdateState.CORRUPT,
            f"expected {part.name} with SHA-256 {part.sha256}, received other bytes; try later",
        )
    return data


def _patched(part: Part, base: bytes, delta: bytes, length: int) -> bytes:
    if part.codec == "residual":
        return apply_delta(base, delta, length)
    if part.codec == "recomputed":
        return apply_recomputed(base, delta, length)
    import hdiffpatch

    try:
        return bytes(hdiffpatch.apply(base, delta))
    except hdiffpatch.HDiffPatchError as error:
        raise UpdateFailure(
            UpdateState.CORRUPT, f"expected a delta that applies, received one with '{error}'"
        ) from None


def _check_room(folder: Path, needed: int) -> None:
    free = os.statvfs(folder)
    if free.f_bavail * free.f_frsize < needed + (1 << 20):
        raise UpdateFailure(
            UpdateState.DISK,
            f"expected {needed + (1 << 20)} free bytes in {folder}, received fewer; make room",
        )


def _report(
    store: ModelStore, outcome: UpdateState, traffic: Traffic, fresh: bool, sentence: str = ""
) -> UpdateReport:
    """Notes the outcome in the state, where the disk lets it."""
    release = 0
    with contextlib.suppress(OSError, UserError, UpdateFailure), store.locked():
        state = store.state()
        release = state.slots[state.active].release if state.active else 0
        if state.last != outcome:
            write_state(store.folder, dataclasses.replace(state, last=str(outcome)))
    return UpdateReport(outcome, release, traffic, fresh, sentence)
