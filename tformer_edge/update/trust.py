"""Which targets of a repository are signed and fresh: python-tuf, behind marks that outlive a power cut."""

import dataclasses
import hashlib
import http.client
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tformer_edge.files import read_regular
from tformer_edge.update.download import HTTPStatus, Patience, chunks, open_url
from tformer_edge.update.state_file import DeviceState
from tformer_edge.update.update_state import UpdateFailure, UpdateState

ROLES = ("timestamp", "snapshot", "targets")
CLOCK_SLACK = 86400.0


@dataclass(frozen=True)
class Trusted:
    """What a refresh gave.

    Attributes:
        targets: {name: tuf.api.metadata.TargetFile}.
        state: the device's state with its marks moved up; not written yet.
        fresh: False where the clock is behind a time that was seen before, so that nobody knows.
    """

    targets: Mapping[str, Any]
    state: DeviceState
    fresh: bool


def refresh(
    url: str,
    folder: Path,
    root: bytes,
    state: DeviceState,
    patience: Patience,
    on_bytes: Callable[[int], None] = lambda count: None,
) -> Trusted:
    """The signed targets of a repository.

    Args:
        url: of the repository, with a slash at its end.
        folder: python-tuf's cache. It may be lost or damaged: `state.marks` is what counts.
        root: the bytes of a root.json that the device trusts from the beginning.

    Raises UpdateFailure: UNTRUSTED, ROLLBACK, FREEZE, CORRUPT, NETWORK, SLOW. OSError where the disk does.
    """
    from tuf.api import exceptions
    from tuf.ngclient import Updater

    now = time.time()
    for stray in folder.glob("tmp*"):  # of python-tuf, where it was killed
        stray.unlink()
    try:
        updater = Updater(
            str(folder), f"{url}metadata/", fetcher=_fetcher(patience, on_bytes), bootstrap=root
        )
        updater.refresh()
    except exceptions.ExpiredMetadataError as error:
        raise UpdateFailure(
            UpdateState.FREEZE,
            f"expected metadata that is valid at {_text(now)}, received one that is not ({error}); check this "
            "device's clock, then the server's refresh",
        ) from None
    except exceptions.BadVersionNumberError as error:
        raise UpdateFailure(UpdateState.ROLLBACK, _sentence(error)) from None
    except exceptions.UnsignedMetadataError as error:
        raise UpdateFailure(UpdateState.UNTRUSTED, _sentence(error)) from None
    except (exceptions.DownloadLengthMismatchError, exceptions.RepositoryError, ValueError) as error:
        raise UpdateFailure(UpdateState.CORRUPT, _sentence(error)) from None
    except exceptions.DownloadError as error:
        raise UpdateFailure(
            UpdateState.NETWORK, f"expected signed metadata, received none ({_line(error)}); try later"
        ) from None
    return _checked(folder, state, now)


def _checked(folder: Path, state: DeviceState, now: float) -> Trusted:
    """Holds what python-tuf accepted against the marks. Raises UpdateFailure: ROLLBACK, FREEZE."""
    from tuf.api.metadata import Metadata

    signed = {
        # Not by from_file, whose error for a disk that fails is none of the disk's.
        role: Metadata[Any].from_bytes(read_regular(folder / f"{role}.json")).signed
        for role in ("root", *ROLES)
    }
    marks: dict[str, tuple[str, int]] = {}
    keys: list[str] = []
    for role in ("root", *ROLES):
        # A root that gives new keys to a role, or to one above it, ends that role's mark: versions that a thief signed
        # count no more. The root's own only grow.
        keys += sorted(signed["root"].roles[role].keyids) if role != "root" else []
        fingerprint = hashlib.sha256(" ".join(keys).encode()).hexdigest()
        before, version = state.marks.get(role, ("", 0)), signed[role].version
        if before[0] == fingerprint and version < before[1]:
            raise UpdateFailure(
                UpdateState.ROLLBACK,
                f"expected {role} of version {before[1]} or higher, received {version}: an older one is replayed",
            )
        marks[role] = (fingerprint, version)
    known = max(now, state.trusted_time)
    for role in ROLES:
        if signed[role].expires.timestamp() < known:
            raise UpdateFailure(
                UpdateState.FREEZE,
                f"expected {role} that is valid at {_text(known)}, received one until {signed[role].expires}; "
                "check the server's refresh",
            )
    fresh = now >= state.trusted_time - CLOCK_SLACK
    return Trusted(
        signed["targets"].targets, dataclasses.replace(state, marks=marks, trusted_time=known), fresh
    )


def _fetcher(patience: Patience, on_bytes: Callable[[int], None]) -> Any:
    from tuf.api import exceptions
    from tuf.ngclient.fetcher import FetcherInterface

    stop_at = time.monotonic() + patience.deadline

    class Fetcher(FetcherInterface):
        """Metadata by the same rules as models: http and https alone, minimum rate, deadline."""

        def _fetch(self, url: str) -> Iterator[bytes]:
            answer = self._answer(url)
            return self._body(answer)

        def _answer(self, url: str) -> Any:
            pause, left = patience.pause, patience.attempts
            while True:
                left -= 1
                try:
                    return open_url(url, patience.socket_seconds)
                except HTTPStatus as status:
                    if status.status < 500 or left <= 0:
                        raise exceptions.DownloadHTTPError(str(status), status.status) from None
                except (OSError, http.client.HTTPException) as error:
                    if left <= 0:
                        raise exceptions.DownloadError(f"{type(error).__name__}: {error}") from None
                time.sleep(pause)
                pause = min(60.0, 2 * pause)

        def _body(self, answer: Any) -> Iterator[bytes]:
            try:
                with answer:
                    for data in chunks(answer, patience, stop_at):
                        on_bytes(len(data))
                        yield data
            except (OSError, http.client.HTTPException) as error:
                raise exceptions.DownloadError(f"{type(error).__name__}: {error}") from None

    return Fetcher()


def _sentence(error: Exception) -> str:
    return f"expected signed metadata, received one that is refused ({_line(error)})"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def _text(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
