"""What devices say of releases, read from the logs of the server or CDN that they ask; and what it lets grow."""

import gzip
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tformer_edge.errors import Failure, UserError
from tformer_edge.update.outcome_reports import FAILED, REQUEST

_LINE: Final = 1 << 16  # bytes that are read of one, whatever its length


@dataclass(frozen=True)
class Outcomes:
    """On how many devices a release works, and failed, as they say."""

    works: int = 0
    failed: int = 0

    @property
    def reports(self) -> int:
        return self.works + self.failed

    @property
    def failed_percent(self) -> float:
        return 100 * self.failed / max(1, self.reports)

    def __str__(self) -> str:
        return f"{self.failed} of {self.reports} that report ({self.failed_percent:.1f} %)"


def read_logs(paths: Iterable[Path]) -> dict[int, Outcomes]:
    """{release: outcomes} from logs of any form that have a request's method and path in a line; .gz as well.

    Raises UserError for a log that cannot be read.
    """
    found: dict[int, Outcomes] = {}
    for path in paths:
        try:
            with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
                while line := file.readline(_LINE):
                    asked = REQUEST.search(line.decode("utf-8", "replace"))
                    if asked is None:
                        continue
                    release, outcome = int(asked[1]), asked[2]
                    before = found.get(release, Outcomes())
                    found[release] = Outcomes(
                        before.works + (outcome != FAILED), before.failed + (outcome == FAILED)
                    )
        except (OSError, EOFError, zlib.error) as error:
            reason = (getattr(error, "strerror", None) or str(error)).lower()
            raise UserError(
                "a server's log", f"{path}: {reason}", "give a text file, or one packed as .gz", where="--log"
            ) from None
    return found


def check_growth(release: int, found: Outcomes, most_failures: float, least_reports: int) -> None:
    """Raises Failure where what devices say of a release does not let more of them have it.

    Args:
        most_failures: percent of the devices that report.
        least_reports: devices that must have reported.
    """
    if found.reports < least_reports:
        raise Failure(
            f"release {release}: expected reports of at least {least_reports} devices, received {found.reports}; "
            "wait, or give --least-reports"
        )
    if found.failed_percent > most_failures:
        raise Failure(
            f"release {release}: expected it to fail on at most {most_failures:g} % of devices, received {found}; "
            f"halt it with promote {release} --rollout 0"
        )
