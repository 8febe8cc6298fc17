"""What a simulated fleet cost, and from that a million devices on paper, without and behind a CDN."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.fleet_devices import Seen
from benchmarks.fleet_server import Answered

MILLION = 1_000_000
KINDS = ("metadata", "delta", "full", "reports")
# For how long a CDN gives timestamp.json, and the 404 of the next root, without asking; all other names never change.
KEPT_SECONDS = 60


@dataclass(frozen=True)
class Costs:
    """What the server saw.

    Attributes:
        answered: all requests.
        idle: those of a last wave, in which nothing was new.
        idle_devices: that took part in it.
        cpu_seconds: of the server.
    """

    devices: int
    answered: Sequence[Answered]
    idle: Sequence[Answered]
    idle_devices: int
    cpu_seconds: float

    def traffic(self) -> dict[str, Any]:
        """Bytes, headers of answers included, and requests of a device by kind, over the whole run."""
        kinds = {}
        for kind in KINDS:
            mine = [one for one in self.answered if one.kind == kind]
            kinds[kind] = {
                "requests_a_device": round(len(mine) / self.devices, 2),
                "bytes_a_device": round(sum(one.bytes for one in mine) / self.devices),
            }
        return {
            "devices": self.devices,
            "traffic": kinds,
            "requests": len(self.answered),
            "idle_poll": {"requests": round(self._idle_requests(), 2), "bytes": round(self._idle_bytes())},
            "delta_bytes": round(self._typical("delta")),
            "nginx_cpu_seconds": round(self.cpu_seconds, 2),
            "nginx_cpu_us_a_request": round(1e6 * self._cpu_a_request()),
        }

    def million(self, poll_hours: float) -> dict[str, Any]:
        """A million devices that ask every `poll_hours`, spread evenly: figures of this run times devices."""
        asked = MILLION / (poll_hours * 3600) * self._idle_requests()
        return {
            "poll_hours": poll_hours,
            "requests_per_second": round(asked, 1),
            "metadata_gb_a_day": round(MILLION * 24 / poll_hours * self._idle_bytes() / 1e9, 2),
            "delta_gb_a_release": round(MILLION * self._typical("delta") / 1e9, 2),
            "delta_mbit_per_second": round(
                MILLION * self._typical("delta") * 8 / (poll_hours * 3600) / 1e6, 2
            ),
            "first_contact_gb": round(MILLION * self._typical("full") / 1e9, 1),
            "nginx_cores": round(asked * self._cpu_a_request(), 4),
        }

    def behind_cdn(self, poll_hours: float, places: int, release_bytes: float) -> dict[str, Any]:
        """What of that reaches the origin: each of a CDN's places asks for what may change once in `KEPT_SECONDS`,
        for everything else once.

        Args:
            release_bytes: of all files of a release, the whole one and its deltas.
        """
        asked = MILLION / (poll_hours * 3600) * self._idle_requests()
        origin = min(asked, places * 2 / KEPT_SECONDS)
        return {
            "places": places,
            "kept_seconds": KEPT_SECONDS,
            "origin_requests_per_second": round(origin, 2),
            "origin_gb_a_day": round(origin * 86400 * self._idle_bytes() / self._idle_requests() / 1e9, 3),
            "origin_gb_a_release": round(places * release_bytes / 1e9, 3),
            "origin_nginx_cores": round(origin * self._cpu_a_request(), 5),
        }

    def _idle_requests(self) -> float:
        return len(self.idle) / self.idle_devices

    def _idle_bytes(self) -> float:
        return sum(one.bytes for one in self.idle) / self.idle_devices

    def _typical(self, kind: str) -> float:
        """Bytes of one file of a kind; of those that were cut off the whole one."""
        return float(np.median([one.bytes for one in self.answered if one.kind == kind]))

    def _cpu_a_request(self) -> float:
        return self.cpu_seconds / len(self.answered)


def times(seen: Sequence[Seen]) -> dict[str, Any]:
    """Milliseconds of devices' looks for an update, as the clock on the wall and as their processor counts them."""
    found: dict[str, Any] = {"polls": len(seen), "killed_downloads": sum(one.interrupted for one in seen)}
    for name, states in (("nothing_new", {"UP_TO_DATE", "NOT_IN_ROLLOUT"}), ("updated", {"UPDATED"})):
        mine = [one for one in seen if one.state in states]
        if not mine:
            continue
        p50, p99 = np.percentile([one.seconds for one in mine], (50, 99))
        cpu = np.median([one.cpu_seconds for one in mine])
        found[f"{name}_ms"] = {
            "polls": len(mine),
            "p50": round(1000 * p50, 1),
            "p99": round(1000 * p99, 1),
            "cpu_p50": round(1000 * cpu, 1),
        }
    return found
