"""`tformer-publish` from a new repository to a rotated key, with no training framework to be imported."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.edge.update.repositories import made_model, passes
from tformer_publish import releases
from tformer_publish.publish_command import main
from tformer_publish.repository import Repository
from tformer_publish.signing_keys import open_signer

ROOT = Path(__file__).parents[2]


@pytest.fixture
def publish(tmp_path, monkeypatch, capsys):
    """Runs a command on one repository: (exit code, its JSON or its error)."""
    monkeypatch.setenv("TFORMER_PASSPHRASE", "correct horse")
    monkeypatch.setitem(releases.release.__kwdefaults__, "check", passes)  # noise has no right answers

    def run(*arguments):
        keys = [] if arguments[0] in ("verify", "report") else ["--keys", str(tmp_path / "keys")]
        code = main(["--json", *arguments, "--to", str(tmp_path / "site"), *keys])
        said = capsys.readouterr()
        return code, json.loads(said.out) if code in (0, 1) and said.out else said.err

    return run


def test_from_a_new_repository_to_a_rotated_key(publish, tmp_path):
    assert publish("init")[0] == 0
    for seed in (0, 1):
        (tmp_path / "m.tflite").write_bytes(made_model(seed))
        code, said = publish("release", str(tmp_path / "m.tflite"), "--rollout", "10", "--memory", "64MB")
        assert code == 0 and said["release"] == seed + 1
    assert publish("promote", "2", "--rollout", "50")[0] == 0
    assert publish("rollback", "1")[1]["release"] == 3
    rows = publish("report")[1]["releases"]
    assert [(row["release"], row["rollout"]) for row in rows] == [(3, 100), (2, 50), (1, 10)]
    assert {row["memory"] for row in rows} == {64_000_000}
    for role in ("targets", "timestamp", "snapshot", "root"):
        old = tmp_path / "keys" / ("root-1.pem" if role == "root" else f"{role}.pem")
        code, said = publish(
            "rotate-key", role, "--old", str(old), "--new", str(tmp_path / "keys" / f"{role}-9.pem")
        )
        assert code == 0, said
        old.unlink()
        assert publish("refresh")[0] == 0
    assert publish("verify") == (0, {"valid": True, "wrong": []})
    victim = next((tmp_path / "site" / "targets").glob("*release-3.tflite"))
    victim.write_bytes(victim.read_bytes()[:-1])
    assert publish("verify")[0] == 1


@pytest.mark.parametrize("role", ["targets", "timestamp", "snapshot", "root"])
def test_a_lost_key_is_replaced_by_its_id(publish, tmp_path, role):
    publish("init")
    site = Repository(tmp_path / "site")
    lost = tmp_path / "keys" / ("root-1.pem" if role == "root" else f"{role}.pem")
    keyid = open_signer(str(lost), "correct horse", []).public_key.keyid
    lost.unlink()
    code, said = publish(
        "rotate-key", role, "--old", keyid, "--new", str(tmp_path / "keys" / f"{role}-9.pem")
    )
    assert code == 0, said
    assert keyid not in site.root().signed.roles[role].keyids and publish("verify")[0] == 0


def test_mistakes_are_one_sentence(publish, tmp_path, monkeypatch):
    assert publish("report")[0] == 2
    publish("init")
    assert "new repository" in publish("init")[1]
    assert "release that is offered" in publish("promote", "7", "--rollout", "5")[1]
    (tmp_path / "bare.tflite").write_bytes(b"\x1c\0\0\0TFL3" + bytes(100))
    assert "contract" in publish("release", str(tmp_path / "bare.tflite"))[1]
    monkeypatch.setenv("TFORMER_PASSPHRASE", "wrong horse")
    assert "passphrase" in publish("refresh")[1]


def test_keys_are_encrypted_and_their_owners_alone(publish, tmp_path):
    publish("init")
    for path in (tmp_path / "keys").iterdir():
        assert b"ENCRYPTED" in path.read_bytes() and path.stat().st_mode & 0o077 == 0


def test_a_signing_host_needs_no_training_framework():
    code = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("tensorflow", "keras", "tf_keras", "jax", "tformer_keras"):
            raise ImportError(name + " is blocked by the test")
sys.meta_path.insert(0, Block())
from tformer_publish.publish_command import main
try:
    main(["--help"])
except SystemExit as end:
    print("ended", end.code)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert "ended 0" in done.stdout, done.stderr


def test_a_pipe_in_the_repository_is_not_waited_for(publish, tmp_path):
    publish("init")
    root = next(tmp_path.rglob("1.root.json"))
    root.unlink()
    os.mkfifo(root)
    code, said = publish("verify")
    assert code == 1 and "1.root.json" in json.dumps(said)
