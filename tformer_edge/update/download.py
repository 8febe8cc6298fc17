"""Files over HTTP into a staging file: resumed, bounded, at a minimum rate, and never spliced from two answers."""

import errno
import http.client
import os
import random
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tformer_edge.update.update_state import UpdateFailure, UpdateState

CHUNK = 1 << 16
# Answers after which the same request may succeed.
TEMPORARY = {408, 425, 429, 500, 502, 503, 504}


@dataclass(frozen=True)
class Patience:
    """When a download is given up.

    Attributes:
        attempts: in a row that brought no byte.
        socket_seconds: of silence.
        min_rate: bytes a second, over any `window` seconds.
        deadline: seconds for one file, all attempts together.
        pause: seconds before the second attempt; doubled each time, up to 60, and spread by chance.
    """

    attempts: int = 5
    socket_seconds: float = 30.0
    min_rate: float = 256.0
    window: float = 20.0
    deadline: float = 3600.0
    pause: float = 1.0


USUAL_PATIENCE = Patience()


class HTTPStatus(Exception):
    """An answer that is final: its status, which the caller may know how to take (404 of a root that is not there)."""

    def __init__(self, status: int, url: str) -> None:
        super().__init__(f"HTTP status {status} from {url}")
        self.status = status


class _Redirects(urllib.request.HTTPRedirectHandler):
    max_redirections = 5

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if urllib.parse.urlsplit(newurl).scheme != urllib.parse.urlsplit(req.full_url).scheme:
            raise HTTPStatus(code, req.full_url)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def check_url(url: str) -> None:
    """Raises UpdateFailure, state NETWORK, for anything but http and https with a host."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UpdateFailure(
            UpdateState.NETWORK, f"expected a URL of http or https, received {url!r}; name the repository"
        )


def repository_url(url: str) -> str:
    """A repository's folder with the slash that names are put behind. Raises as `check_url` does."""
    url = url if url.endswith("/") else url + "/"
    check_url(url)
    return url


def open_url(url: str, seconds: float, start: int = 0, method: str = "GET") -> Any:
    """An open answer. Raises HTTPStatus, and OSError or http.client.HTTPException for a connection that failed."""
    check_url(url)
    headers = {"Accept-Encoding": "identity", "User-Agent": "tformer-edge"}
    if start:
        headers["Range"] = f"bytes={start}-"
    opener = urllib.request.build_opener(_Redirects())
    try:
        return opener.open(urllib.request.Request(url, headers=headers, method=method), timeout=seconds)
    except urllib.error.HTTPError as error:
        status = HTTPStatus(error.code, url)
        status.retry_after = error.headers.get("Retry-After") if error.headers else None  # type: ignore[attr-defined]
        error.close()
        raise status from None


def chunks(answer: Any, patience: Patience, stop_at: float) -> Iterator[bytes]:
    """The body. Raises UpdateFailure, state SLOW, below the minimum rate or after the deadline."""
    since, received = time.monotonic(), 0
    while data := answer.read1(CHUNK):
        received += len(data)
        yield data
        now = time.monotonic()
        if now > stop_at:
            raise UpdateFailure(
                UpdateState.SLOW, "expected the file before its deadline, received a part; try later"
            )
        if now - since >= patience.window:
            if received < patience.min_rate * (now - since):
                raise UpdateFailure(
                    UpdateState.SLOW,
                    f"expected {patience.min_rate:g} bytes/s, received {received / (now - since):.0f}; try later",
                )
            since, received = now, 0


def download(
    url: str,
    path: Path,
    length: int,
    patience: Patience = USUAL_PATIENCE,
    on_bytes: Callable[[int], None] = lambda count: None,
) -> None:
    """Fetches `length` bytes into `path`, going on behind those that are there; what they are is checked by the caller.

    Args:
        url: names its content (by a hash), so that bytes of an earlier attempt belong to the same file.
        on_bytes: told of each piece that the network brought.

    Raises UpdateFailure: NETWORK, SLOW or CORRUPT (an answer that cannot be that file).
    """
    stop_at, failures = time.monotonic() + patience.deadline, 0
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    with os.fdopen(os.open(path, flags, 0o644), "r+b", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        if size > length:
            file.truncate(0)
            size = 0
        while size < length:
            before, wait, why = size, 0.0, "an answer that ended early"
            try:
                size = _attempt(url, file, size, length, patience, stop_at, on_bytes)
            except HTTPStatus as status:
                if status.status == 416:
                    file.truncate(0)
                    size, before = 0, 0
                elif status.status not in TEMPORARY:
                    raise UpdateFailure(
                        UpdateState.NETWORK, f"expected a file, received {status}; try later"
                    ) from None
                why, wait = str(status), _seconds(getattr(status, "retry_after", None))
            except (OSError, http.client.HTTPException) as error:
                if isinstance(error, OSError) and _of_the_disk(error):
                    raise
                size = os.fstat(file.fileno()).st_size
                why = " ".join(f"{type(error).__name__} {error}".split())[:200]
            if size >= length:
                break
            failures = 0 if size > before else failures + 1
            pause = max(
                wait, min(60.0, patience.pause * 2 ** max(failures - 1, 0)) * random.uniform(0.5, 1.0)
            )
            if failures >= patience.attempts or time.monotonic() + pause > stop_at:
                raise UpdateFailure(
                    UpdateState.NETWORK,
                    f"expected {length} bytes, received {size} and then {why}; the rest next time",
                )
            time.sleep(pause)
        os.fsync(file.fileno())


def _attempt(
    url: str,
    file: IO[bytes],
    size: int,
    length: int,
    patience: Patience,
    stop_at: float,
    on_bytes: Callable[[int], None],
) -> int:
    with open_url(url, patience.socket_seconds, size) as answer:
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            raise UpdateFailure(
                UpdateState.CORRUPT, "expected plain bytes, received encoded ones; check the server"
            )
        start = _start(answer, size, length)
        if start is None:  # anything but the rest of the same file: from the beginning, or not at all
            file.truncate(0)
            raise http.client.HTTPException("another part than was asked for")
        if start != size:
            file.truncate(start)
        file.seek(start)
        size = start
        for data in chunks(answer, patience, stop_at):
            data = data[: length - size]
            view = memoryview(data)
            while view:
                view = view[file.write(view) :]
            size += len(data)
            on_bytes(len(data))
            if size == length:
                break
    return size


def _start(answer: Any, size: int, length: int) -> int | None:
    """Where the body begins in the file: 0 for a whole one, `size` for the rest; None for what must not be used."""
    if answer.status == 200:
        return 0
    found = re.fullmatch(
        r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", answer.headers.get("Content-Range", "")
    )
    if answer.status != 206 or found is None or size == 0:
        return None
    first, _, total = found.groups()
    return size if int(first) == size and total in (str(length), "*") else None


def _seconds(text: str | None) -> float:
    """Retry-After in seconds, up to an hour; 0 for none, or a date."""
    return min(float(text), 3600.0) if text and text.isdigit() and len(text) < 10 else 0.0


def _of_the_disk(error: OSError) -> bool:
    return error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EFBIG}
