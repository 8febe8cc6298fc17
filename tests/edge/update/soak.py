"""The exhaustive tests of updates: every operation of both ends cut off, 100,000 damaged deltas."""

import tempfile
from pathlib import Path

from tests.edge.update.repositories import Device, Site
from tests.edge.update.test_crashes import crash_everywhere
from tests.edge.update.test_delta import survive_mutations
from tests.publish.test_publisher_crashes import cut_off_everywhere


def main():
    for mode in ("kill", "zero", "half"):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            site = Site(folder / "site")
            device = Device(folder / "device", site)
            print(mode, crash_everywhere(site, device, folder / "work", mode, 1), flush=True)
            site.close()
    for mode in ("kill", "zero", "full"):
        with tempfile.TemporaryDirectory() as name:
            print("publisher", mode, cut_off_everywhere(Path(name), mode, 1), flush=True)
    print("deltas", {"mutated": 100_000, "refused": survive_mutations(100_000, seed=7)}, flush=True)


if __name__ == "__main__":
    main()
