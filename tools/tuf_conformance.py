#!/usr/bin/env python3
"""The client of TUF's public conformance suite, around what a device runs: `tformer_edge.update`.

    git clone https://github.com/theupdateframework/tuf-conformance && cd tuf-conformance
    PYTHONPATH=. python -m pytest tuf_conformance --entrypoint /path/to/tools/tuf_conformance.py

needs pytest and Debian's `faketime`. docs/updates.md says which cases fail, and why. The suite's protocol: exit code 0
for success, 1 for a refusal; `METADATA_DIR` holds what is trusted. The marks lie in a folder beside it.
"""

import argparse
import hashlib
import secrets
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tformer_edge.errors import Failure, UserError
from tformer_edge.update.download import Patience, download
from tformer_edge.update.state_file import DeviceState, read_state, write_state
from tformer_edge.update.trust import Trusted, refresh

# The suite answers at once or never.
PATIENCE = Patience(attempts=1, socket_seconds=5, deadline=60, pause=0.01)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    made.add_argument("--metadata-dir", type=Path, required=True)
    made.add_argument("--metadata-url")
    made.add_argument("--target-name", action="append", default=[])
    made.add_argument("--target-dir", type=Path)
    made.add_argument("--target-base-url")
    orders = made.add_subparsers(dest="order", required=True)
    orders.add_parser("init").add_argument("trusted_root", type=Path)
    orders.add_parser("refresh")
    orders.add_parser("download")
    return made


def pinned(metadata: Path) -> tuple[Path, Path]:
    """The folder of the device's state and its pinned root."""
    folder = metadata.parent / "device"
    return folder, folder / "trusted-root.json"


def init(metadata: Path, root: Path) -> None:
    """First contact: the pinned root alone, no request."""
    folder, trusted = pinned(metadata)
    folder.mkdir(parents=True, exist_ok=True)
    trusted.write_bytes(root.read_bytes())
    (metadata / "root.json").write_bytes(root.read_bytes())


def refreshed(metadata: Path, url: str) -> Trusted:
    """What an update does before it looks at releases, marks included. Raises UpdateFailure."""
    folder, root = pinned(metadata)
    state = read_state(folder) or DeviceState(secrets.token_hex(16))
    repository = url.rstrip("/").removesuffix("metadata")
    trusted = refresh(repository, metadata, root.read_bytes(), state, PATIENCE)
    write_state(folder, trusted.state)
    return trusted


def fetch(trusted: Trusted, name: str, url: str, folder: Path) -> None:
    """A target by our rule for URLs, SHA256.NAME. Raises Failure for one that is not signed, or is another file."""
    target = trusted.targets.get(name)
    digest = target.hashes.get("sha256") if target is not None else None
    if target is None or digest is None:
        raise Failure(f"{name}: expected a signed target with a SHA-256, received none; publish it")
    # Names never become paths on a device; neither do they here.
    kept = folder / hashlib.sha256(name.encode()).hexdigest()
    if kept.exists() and hashlib.sha256(kept.read_bytes()).hexdigest() == digest:
        return
    part = folder.parent / f"{digest}.part"
    download(f"{url.rstrip('/')}/{digest}.{name}", part, target.length, PATIENCE)
    if hashlib.sha256(part.read_bytes()).hexdigest() != digest:
        part.unlink()
        raise Failure(f"{name}: expected the bytes that were signed, received others; try later")
    part.replace(kept)


def main() -> int:
    """Runs one order of the suite."""
    args = parser().parse_args()
    try:
        if args.order == "init":
            init(args.metadata_dir, args.trusted_root)
            return 0
        trusted = refreshed(args.metadata_dir, args.metadata_url)
        for name in args.target_name if args.order == "download" else ():
            fetch(trusted, name, args.target_base_url, args.target_dir)
    except (Failure, UserError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
