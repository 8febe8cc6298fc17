"""Signs and publishes models for devices, as static files that any HTTP server serves."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from securesystemslib.signer import Key, Signer

from tformer_edge.byte_count import byte_count
from tformer_edge.command_line import guarded
from tformer_edge.contract import load_bytes
from tformer_edge.errors import Failure, UserError
from tformer_edge.update.bundle import make_bundle
from tformer_edge.update.delta import NOTHING
from tformer_edge.update.manifest import Part
from tformer_publish import releases
from tformer_publish.outcome_log import Outcomes, check_growth, read_logs
from tformer_publish.publish_options import EPILOG, add_arguments
from tformer_publish.repository import Repository
from tformer_publish.signing_keys import PASSPHRASE, new_key, open_signer

ONLINE = ("targets", "snapshot", "timestamp")
_NEEDED = {
    "release": ONLINE,
    "promote": ONLINE,
    "rollback": ONLINE,
    "refresh": ("snapshot", "timestamp"),
    "rotate-key": ("root", *ONLINE),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `tformer-publish`; exit codes as of every command."""
    parser = argparse.ArgumentParser(
        prog="tformer-publish",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = list(sys.argv[1:] if argv is None else argv)
    return guarded("tformer-publish", lambda: run(parser.parse_args(arguments)))


def run(args: argparse.Namespace) -> int:
    found, text, code = _act(args, Repository(Path(args.to)))
    print(json.dumps(found) if args.json else text)
    return code


def _act(args: argparse.Namespace, repository: Repository) -> tuple[dict[str, Any], str, int]:
    if args.action == "init":
        return _init(args, repository)
    if args.action == "verify":
        wrong = releases.verify(repository)
        return {"valid": not wrong, "wrong": wrong}, "\n".join(wrong) or "valid", 1 if wrong else 0
    if args.action == "report":
        return _report(args, repository)
    # A key that is replaced may be lost: its role's others, if there are any, sign beside the new one.
    replaced = args.role if args.action == "rotate-key" and args.role != "root" else ""
    keys = {role: _signers(args, repository, role, role == replaced) for role in _NEEDED[args.action]}
    if args.action == "refresh":
        with repository.locked():
            repository.refresh(keys)
        until = str(repository.timestamp().signed.expires)
        return {"valid_until": until}, f"signed, valid until {until}", 0
    if args.action == "promote":
        return _promote(args, repository, keys)
    if args.action == "rotate-key":
        return _rotate(args, repository, keys)
    if args.action == "rollback":
        return _table(releases.rollback(repository, args.release, keys))
    data = _data(args.model)
    options: dict[str, Any] = {"rollout": args.rollout, "target": args.target, "allow_full": args.full}
    if args.memory is not None:
        options["memory"] = byte_count(args.memory, "--memory")
    return _table(releases.release(repository, data, keys, **options))


def _data(models: Sequence[str]) -> bytes:
    """The bytes to publish: of one file without a name as they are, else a bundle."""
    if len(models) == 1 and (Path(models[0]).exists() or "=" not in models[0]):
        return load_bytes(Path(models[0]))
    files: dict[str, bytes] = {}
    for model in models:
        name, _, path = model.partition("=") if "=" in model else (Path(model).stem, "", model)
        if name in files:
            raise UserError("every capacity once", f"{name} twice", "give NAME=FILE with another name")
        files[name] = load_bytes(Path(path))
    return make_bundle(files)


def _init(args: argparse.Namespace, repository: Repository) -> tuple[dict[str, Any], str, int]:
    if args.keys is None:
        raise UserError("a folder for the keys", "none", "give one with --keys, not inside the repository")
    folder, made = Path(args.keys), []
    names = {"root": [f"root-{n + 1}" for n in range(args.root_keys)], **{role: [role] for role in ONLINE}}
    for name in (name for each in names.values() for name in each):
        if not (folder / f"{name}.pem").exists():
            new_key(folder / f"{name}.pem", _passphrase())
            made.append(name)
    keys = {
        role: [open_signer(str(folder / f"{name}.pem"), _passphrase(), []) for name in each]
        for role, each in names.items()
    }
    repository.create(keys, args.threshold)
    root = repository.metadata / "1.root.json"
    text = f"made the keys {', '.join(made) or 'none'}; devices are given {root}"
    return {"root": str(root), "keys": made}, text, 0


def _signers(
    args: argparse.Namespace, repository: Repository, role: str, may_lack: bool = False
) -> list[Signer]:
    """The signers given for a role, of those keys that the root names for it."""
    root = repository.root().signed
    known: list[Key] = [root.keys[keyid] for keyid in root.roles[role].keyids]
    given = [one.partition("=")[2] for one in args.key if one.partition("=")[0] == role]
    if not given and args.keys is not None:
        given = [str(path) for path in sorted(Path(args.keys).glob(f"{role}*.pem"))]
    signers = [open_signer(one, _passphrase(), known) for one in given]
    right = [one for one in signers if one.public_key.keyid in root.roles[role].keyids]
    if not right and not may_lack:
        raise UserError(f"a key of {role}", "none", f"give --keys FOLDER or --key {role}=FILE")
    return right


def _promote(
    args: argparse.Namespace, repository: Repository, keys: dict[str, list[Signer]]
) -> tuple[dict[str, Any], str, int]:
    if not args.log and (args.most_failures is not None or args.least_reports is not None or args.or_halt):
        raise UserError("logs that say how it fares", "none", "give the server's with --log")
    most = 2.0 if args.most_failures is None else args.most_failures
    least = 20 if args.least_reports is None else args.least_reports
    if not 0 <= most <= 100 or least < 1:
        raise UserError(
            "0 to 100 % of failures and 1 report or more", f"{most:g} % and {least}", "give others"
        )
    if args.log and args.rollout > releases.offered(repository, args.release).rollout:
        found = read_logs(map(Path, args.log)).get(args.release, Outcomes())
        try:
            check_growth(args.release, found, most, least)
        except Failure:
            if args.or_halt and found.reports >= least:
                releases.promote(repository, args.release, 0, keys)
                text = f"release {args.release}: halted, it failed on {found}"
                return {"release": args.release, "rollout": 0, **vars(found)}, text, 1
            raise
    releases.promote(repository, args.release, args.rollout, keys)
    found_now = {"release": args.release, "rollout": args.rollout}
    return found_now, f"release {args.release}: {args.rollout} % of devices", 0


def _rotate(
    args: argparse.Namespace, repository: Repository, keys: dict[str, list[Signer]]
) -> tuple[dict[str, Any], str, int]:
    path = Path(args.new)
    new = open_signer(args.new, _passphrase(), []) if path.exists() else new_key(path, _passphrase())
    old = open_signer(args.old, _passphrase(), []).public_key.keyid if Path(args.old).exists() else args.old
    known = repository.root().signed.roles[args.role].keyids
    if old not in known and new.public_key.keyid not in known:  # the latter where a rotation was cut off
        raise UserError(f"a key of {args.role}", args.old, "give its file or its id", where="--old")
    if args.role != "root":
        keys[args.role] = [one for one in keys[args.role] if one.public_key.keyid != old] + [new]
    with repository.locked():
        repository.rotate(args.role, [old], [new], keys)
    found = {"role": args.role, "old": old, "new": new.public_key.keyid}
    return found, f"{args.role}: {old[:16]}… gave way to {new.public_key.keyid[:16]}…", 0


def _report(args: argparse.Namespace, repository: Repository) -> tuple[dict[str, Any], str, int]:
    rows = releases.report(repository)
    outcomes = read_logs(map(Path, args.log))
    found = [
        {
            "release": one.number,
            "rollout": one.rollout,
            "bytes": one.file.length,
            "device": one.device.to_json(),
            "memory": one.memory,
            "deltas": [{"base": part.base, "codec": part.codec, "bytes": part.length} for part in one.deltas],
            **(vars(outcomes.get(one.number, Outcomes())) if args.log else {}),
        }
        for one in rows
    ]
    lines = [
        f"release {one.number}: {one.rollout} % of {one.device.task} "
        f"{one.device.input_size[0]}×{one.device.input_size[1]}, {one.file.length:,} bytes, "
        f"deltas {', '.join(_delta_text(part) for part in one.deltas) or 'none'}"
        + (f", failed on {outcomes.get(one.number, Outcomes())}" if args.log else "")
        for one in rows
    ]
    return {"releases": found}, "\n".join(lines) or "no releases yet", 0


def _delta_text(part: Part) -> str:
    return f"{part.length:,}" + (" (packed)" if part.base == NOTHING else "")


def _table(made: releases.Published) -> tuple[dict[str, Any], str, int]:
    full = made.chosen[0].bytes
    lines = [f"release {made.release}"]
    for way in made.weighed:
        name = way.codec if way.base == 0 else f"from release {way.base}, {way.codec}"
        mark = " (published)" if way in made.chosen else ""
        lines.append(f"  {name:<34} {way.bytes:>12,} bytes {100 * way.bytes / full:6.1f} %{mark}")
    found = {"release": made.release, "ways": [vars(way) for way in made.weighed]}
    return found, "\n".join(lines), 0


def _passphrase() -> str:
    return os.environ.get(PASSPHRASE, "")
