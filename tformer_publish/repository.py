"""A repository of signed releases as a folder of static files: every state of it on the disk is a valid one."""

import contextlib
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from securesystemslib.signer import Signer
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

from tformer_edge.errors import Failure, UserError
from tformer_edge.files import read_regular, write_whole

# Days that a signature lasts.
DAYS = {"root": 730, "targets": 365, "snapshot": 30, "timestamp": 7}
Signers = Mapping[str, Sequence[Signer]]


class Repository:
    """Args: folder: with `metadata/` and `targets/`, as any HTTP server serves it.

    New names are written first; `timestamp.json`, the one name that is ever replaced, is written last.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.metadata, self.targets_folder = folder / "metadata", folder / "targets"

    def create(self, keys: Signers, threshold: int) -> None:
        """The first root and empty releases. Raises UserError where a repository is there, or keys are too few."""
        if (self.metadata / "timestamp.json").exists():
            raise UserError("a new repository", f"{self.folder}, which is one", "give another folder")
        if not 1 <= threshold <= len(keys["root"]):
            raise UserError(f"a threshold of 1 to {len(keys['root'])}", str(threshold), "give more root keys")
        self.metadata.mkdir(parents=True, exist_ok=True)
        self.targets_folder.mkdir(exist_ok=True)
        root = Root(version=1, expires=expiry("root"), consistent_snapshot=True)
        for role, signers in keys.items():
            for signer in signers:
                root.add_key(signer.public_key, role)
        root.roles["root"].threshold = threshold
        self.write_root(Metadata(root), keys["root"])
        self._write(
            "1.targets.json", Metadata(Targets(version=1, expires=expiry("targets"))), keys["targets"]
        )
        snapshot = Snapshot(version=1, expires=expiry("snapshot"))
        self._write("1.snapshot.json", Metadata(snapshot), keys["snapshot"])
        timestamp = Timestamp(version=1, expires=expiry("timestamp"))
        self._write("timestamp.json", Metadata(timestamp), keys["timestamp"])

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """One publisher at a time. Raises Failure where another one works on this folder."""
        import fcntl

        descriptor = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise Failure(
                f"{self.folder}: expected no other publisher, received one at work; wait for it"
            ) from None
        try:
            yield
        finally:
            os.close(descriptor)

    def root(self) -> Metadata[Root]:
        # Not what a killed publisher left of one, whose name begins with a dot.
        versions = [int(path.name.split(".")[0]) for path in self.metadata.glob("[0-9]*.root.json")]
        if not versions:
            raise UserError("a repository", str(self.folder), "make one with tformer-publish init")
        return self.read_metadata(f"{max(versions)}.root.json")

    def timestamp(self) -> Metadata[Timestamp]:
        return self.read_metadata("timestamp.json")

    def snapshot(self) -> Metadata[Snapshot]:
        return self.read_metadata(f"{self.timestamp().signed.snapshot_meta.version}.snapshot.json")

    def targets(self) -> Metadata[Targets]:
        return self.read_metadata(f"{self.snapshot().signed.meta['targets.json'].version}.targets.json")

    def add_file(self, name: str, data: bytes, custom: dict[str, Any]) -> TargetFile:
        """Writes a file under the name of its content, and gives its entry."""
        target = TargetFile.from_data(name, data, ["sha256"])
        target.unrecognized_fields["custom"] = custom
        write_whole(self.targets_folder / f"{target.hashes['sha256']}.{name}", data)
        return target

    def read_file(self, name: str, target: TargetFile) -> bytes:
        """The bytes of a target. Raises Failure where they are not those that were signed."""
        data = read_regular(self.targets_folder / f"{target.hashes['sha256']}.{name}")
        if len(data) != target.length or hashlib.sha256(data).hexdigest() != target.hashes["sha256"]:
            raise Failure(
                f"{name}: expected the bytes that were signed, received others; restore the repository"
            )
        return data

    def publish(self, entries: dict[str, TargetFile], keys: Signers) -> None:
        """Makes `entries` what the repository offers: targets, snapshot, timestamp, in this order."""
        targets = self.targets().signed
        targets = Targets(targets.version + 1, expires=expiry("targets"), targets=entries)
        self._write(f"{targets.version}.targets.json", Metadata(targets), keys["targets"])
        self.refresh(keys, targets.version)

    def refresh(self, keys: Signers, targets_version: int | None = None) -> None:
        """Signs snapshot and timestamp anew, before they expire; a timer runs it."""
        snapshot, timestamp = self.snapshot().signed, self.timestamp().signed
        snapshot.version += 1
        snapshot.expires = expiry("snapshot")
        if targets_version is not None:
            snapshot.meta["targets.json"] = MetaFile(targets_version)
        self._write(f"{snapshot.version}.snapshot.json", Metadata(snapshot), keys["snapshot"])
        timestamp.version += 1
        timestamp.expires = expiry("timestamp")
        timestamp.snapshot_meta = MetaFile(snapshot.version)
        self._write("timestamp.json", Metadata(timestamp), keys["timestamp"])

    def rotate(self, role: str, old: Sequence[str], new: Sequence[Signer], keys: Signers) -> None:
        """Gives `role` new keys in place of those with the ids `old`, and signs everything with them.

        The new root is there before what it asks for: devices refuse what lies between, and a rotation that was cut
        off there is finished by the same one again.

        Args:
            keys: root: those that sign now. Others: as they are after the rotation.
        """
        root = self.root()
        known = root.signed.roles[role].keyids
        gone = [keyid for keyid in old if keyid in known]
        come = [signer for signer in new if signer.public_key.keyid not in known]
        for keyid in gone:
            root.signed.revoke_key(keyid, role)
        for signer in come:
            root.signed.add_key(signer.public_key, role)
        if gone or come:
            root.signed.version += 1
            root.signed.expires = expiry("root")
            self.write_root(root, [*keys["root"], *(new if role == "root" else ())])
        self.publish(dict(self.targets().signed.targets), keys)

    def write_root(self, root: Metadata[Root], signers: Sequence[Signer]) -> None:
        """Raises UserError where the signatures are too few for this root or for the one before it."""
        root.signatures.clear()
        for signer in signers:
            root.sign(signer, append=True)
        try:
            root.signed.verify_delegate("root", root.signed_bytes, root.signatures)
            if root.signed.version > 1:
                before: Metadata[Root] = self.read_metadata(f"{root.signed.version - 1}.root.json")
                before.signed.verify_delegate("root", root.signed_bytes, root.signatures)
        except RepositoryError:
            raise UserError(
                f"{root.signed.roles['root'].threshold} root keys, of the root before and of the new one",
                f"{len(signers)}",
                "give more with --key root=FILE",
            ) from None
        write_whole(self.metadata / f"{root.signed.version}.root.json", root.to_bytes())

    def read_metadata(self, name: str) -> Metadata[Any]:
        """A file of the metadata's folder. Raises UserError where it cannot be read."""
        try:
            return Metadata.from_bytes(read_regular(self.metadata / name))
        except (OSError, RepositoryError) as error:
            reason = (getattr(error, "strerror", None) or " ".join(str(error).split())[:200]).lower()
            raise UserError(
                f"{self.folder} to hold {name}", reason, "restore it, or make one with tformer-publish init"
            ) from None

    def _write(self, name: str, metadata: Metadata[Any], signers: Sequence[Signer]) -> None:
        for signer in signers:
            metadata.sign(signer, append=True)
        try:
            role = metadata.signed.type
            self.root().signed.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
        except RepositoryError:
            raise UserError(f"the keys of {role}", "others, or too few", f"give --key {role}=FILE") from None
        write_whole(self.metadata / name, metadata.to_bytes())


def expiry(role: str) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(days=DAYS[role])
