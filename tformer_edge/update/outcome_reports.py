"""Tells the publisher which releases work or failed here, through the log that any HTTP server keeps.

A device asks for `reports/RELEASE/works` or `reports/RELEASE/failed` below the repository's URL; no such file need be
there, and nothing says which device it was. `tformer publish report --log` and `promote --log` read the log.
"""

import http.client
import re
from typing import Final

from tformer_edge.update.download import TEMPORARY, HTTPStatus, open_url, repository_url
from tformer_edge.update.model_store import ModelStore
from tformer_edge.update.state_file import DeviceState

WORKS: Final = "works"
FAILED: Final = "failed"
# A request for one of them in the log of a server or a CDN, whatever stands before and behind it: its last two groups.
REQUEST: Final = re.compile(rf"\bHEAD\b[^\n]{{0,2000}}?/reports/(\d{{1,16}})/({WORKS}|{FAILED})(?![\w/.%-])")
_SECONDS: Final = 30.0


def outcomes(state: DeviceState) -> list[str]:
    """What can be said of releases: "3/failed" of a self-test or trial, "4/works" of a confirmed one that answers."""
    found = [f"{release}/{FAILED}" for release in state.failed]
    active = state.slots.get(state.active)
    if active is not None and active.release and state.trial < 0:
        found.append(f"{active.release}/{WORKS}")
    return found


def report_outcomes(store: ModelStore, url: str) -> list[str]:
    """Reports what was not reported yet, each once; what does not reach the server is left for the next time.

    Args:
        url: of the repository, as `update` takes it.

    Returns what was reported now. Raises UpdateFailure for a URL that is none, and as `store.state` does.
    """
    url = repository_url(url)
    state = store.state()
    known = outcomes(state)
    new = [one for one in known if one not in state.reported]
    sent = []
    for one in new:
        if not _reached(f"{url}reports/{one}"):
            break
        sent.append(one)
    if sent:
        store.change(reported=tuple(one for one in known if one in state.reported or one in sent))
    return sent


def _reached(url: str) -> bool:
    """Whether a server answered: that it has no such file is an answer as well."""
    try:
        open_url(url, _SECONDS, method="HEAD").close()
    except HTTPStatus as status:
        return status.status < 500 and status.status not in TEMPORARY
    except (OSError, http.client.HTTPException):
        return False
    return True
