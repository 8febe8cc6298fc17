"""Attacks on a device's updates, each by its usual name: the old model answers, and the state names what was seen."""

import json
import shutil
import time

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata

from tests.edge.update.repositories import made_model
from tformer_edge.update.update_state import UpdateState

U = UpdateState


def refused(device, *states, **options):
    report = device.update(**options)
    assert report.state in states, report
    assert device.data() == made_model(0)
    return report


def files(site, pattern):
    return sorted(site.folder.glob(pattern))


def flip(path, place):
    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= 4
    path.write_bytes(data)


def test_A1_one_bit_of_the_files(site, ready):
    for path in files(site, "targets/*release-2*"):
        flip(path, 5000 if path.suffix == ".tflite" else 120)
    refused(ready, U.CORRUPT)


def test_A1_one_bit_of_the_delta_alone_costs_the_whole_file(site, ready):
    flip(files(site, "targets/*.delta")[0], 120)
    report = ready.update()
    assert report.state is U.UPDATED and report.traffic.full == len(made_model(1))


@pytest.mark.parametrize("name", ["timestamp.json", "3.snapshot.json", "3.targets.json"])
def test_A1_one_bit_of_metadata(site, ready, name):
    path = site.folder / "metadata" / name
    for place in range(7, path.stat().st_size, path.stat().st_size // 12):
        good = path.read_bytes()
        flip(path, place)
        if json_or_none(path.read_bytes()) != json_or_none(good):
            refused(ready, U.CORRUPT, U.UNTRUSTED, U.ROLLBACK)
        path.write_bytes(good)
    assert ready.update().state is U.UPDATED


def json_or_none(data):
    try:
        return json.loads(data)
    except ValueError:
        return None


@pytest.mark.parametrize("forgery", ["unsigned", "wrong key", "twice the same signature"])
def test_A2_signatures(site, ready, forgery):
    path = site.folder / "metadata" / "timestamp.json"
    timestamp = Metadata.from_file(str(path))
    timestamp.signed.version += 1
    if forgery == "unsigned":
        timestamp.signatures.clear()
    elif forgery == "wrong key":
        timestamp.sign(CryptoSigner.generate_ed25519())
    data = json.loads(timestamp.to_bytes())
    if forgery == "twice the same signature":
        data["signatures"] *= 2
    path.write_text(json.dumps(data))
    refused(ready, U.UNTRUSTED, U.CORRUPT)


def test_A2_a_root_below_its_threshold(site, ready):
    root = Metadata.from_file(str(site.folder / "metadata" / "1.root.json"))
    root.signed.version = 2
    root.signatures.clear()
    root.sign(site.keys["root"][0])
    (site.folder / "metadata" / "2.root.json").write_bytes(root.to_bytes())
    refused(ready, U.UNTRUSTED)


def replay(site, device):
    """The device has seen release 2; the site is then as it was before."""
    old = site.folder.parent / "old"
    shutil.copytree(site.folder, old)
    site.release(made_model(1))
    assert device.update().release == 2
    shutil.rmtree(site.folder)
    shutil.copytree(old, site.folder)


@pytest.mark.parametrize("cache", ["whole", "zeroed", "truncated", "deleted"])
def test_A3_A4_an_older_repository_replayed(site, device, cache):
    site.release(made_model(0))
    device.update()
    replay(site, device)
    for path in (device.store.folder / "metadata").glob("*.json"):
        if path.is_symlink() or cache == "whole":
            continue
        if cache == "deleted":
            path.unlink()
        else:
            path.write_bytes(bytes(path.stat().st_size) if cache == "zeroed" else b"")
    report = device.update()
    assert (report.state, report.release, device.data()) == (U.ROLLBACK, 2, made_model(1))


def test_A6_mix_and_match(site, ready):
    shutil.copy(site.folder / "metadata" / "2.targets.json", site.folder / "metadata" / "3.targets.json")
    refused(ready, U.ROLLBACK, U.CORRUPT)


def test_A8_fast_forward_then_new_keys(site, ready):
    shutil.copytree(site.folder, site.folder.parent / "mine")
    path = site.folder / "metadata" / "timestamp.json"
    timestamp = Metadata.from_file(str(path))
    timestamp.signed.version = 2**31
    timestamp.sign(site.keys["timestamp"][0])
    path.write_bytes(timestamp.to_bytes())
    assert ready.update().state is U.UPDATED
    shutil.rmtree(site.folder)
    shutil.copytree(site.folder.parent / "mine", site.folder)
    assert ready.update().state is U.ROLLBACK
    old, new = site.keys["timestamp"][0], CryptoSigner.generate_ed25519()
    site.keys["timestamp"] = [new]
    site.repository.rotate("timestamp", [old.public_key.keyid], [new], site.keys)
    site.release(made_model(2))
    report = ready.update()
    assert (report.state, report.release) == (U.UPDATED, 3)


def test_A9_five_roots_in_one_go(site, ready):
    for _ in range(4):
        old, new = site.keys["root"][0], CryptoSigner.generate_ed25519()
        site.repository.rotate("root", [old.public_key.keyid], [new], site.keys)
        site.keys["root"] = [*site.keys["root"][1:], new]
    assert ready.update().state is U.UPDATED
    assert ready.store.state().marks["root"][1] == 5


def test_A9_a_root_skipped(site, ready):
    for _ in range(2):
        old, new = site.keys["root"][0], CryptoSigner.generate_ed25519()
        site.repository.rotate("root", [old.public_key.keyid], [new], site.keys)
        site.keys["root"] = [*site.keys["root"][1:], new]
    metadata = site.folder / "metadata"
    shutil.move(metadata / "3.root.json", metadata / "2.root.json")
    refused(ready, U.ROLLBACK, U.UNTRUSTED, U.CORRUPT)


def test_A9_a_key_used_after_it_was_revoked(site, ready):
    old, new = site.keys["targets"][0], CryptoSigner.generate_ed25519()
    site.repository.rotate("targets", [old.public_key.keyid], [new], {**site.keys, "targets": [new]})
    path = site.folder / "metadata" / "4.targets.json"
    targets = Metadata.from_file(str(path))
    targets.sign(old)
    path.write_bytes(targets.to_bytes())
    refused(ready, U.UNTRUSTED, U.CORRUPT)


@pytest.mark.parametrize("name", ["../../escaped", "/tmp/escaped", "a\0b", "é/../x", "x" * 300])
def test_A10_names_never_leave_the_store(site, ready, name):
    with site.repository.locked():
        entries = dict(site.repository.targets().signed.targets)
        model = entries.pop("release-2.tflite")
        for old in [key for key in entries if key.startswith("release-2-")]:
            del entries[old]
        model.path = name
        site.repository.publish({**entries, name: model}, site.keys)
    refused(ready, U.NETWORK, U.CORRUPT)
    folder = ready.store.folder
    assert {path.name for path in folder.parent.iterdir()} == {"site", "device"}
    assert all(len(path.stem) == 64 for path in (folder / "staging").iterdir())


def test_A10_a_link_in_staging_is_not_followed(site, ready, tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    for path in files(site, "targets/*release-2*"):
        (ready.store.folder / "staging" / f"{path.name.split('.')[0]}.part").symlink_to(victim)
    ready.update()
    assert victim.read_bytes() == b"precious"


def test_A12_a_byte_at_a_time_is_given_up_and_resumed(site, ready):
    def slow(handler, path):
        if ".delta" not in path or site.requests[-1][1]:
            return False
        data = (site.folder / path[1:]).read_bytes()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        for byte in data[:60]:
            try:
                handler.wfile.write(bytes([byte]))
                handler.wfile.flush()
            except OSError:
                break
            time.sleep(0.1)
        handler.close_connection = True
        return True

    site.answer = slow
    refused(ready, U.SLOW)
    site.answer = None
    report = ready.update()
    size = files(site, "targets/*.delta")[0].stat().st_size
    assert report.state is U.UPDATED and 0 < size - report.traffic.delta < 60


def test_a_publisher_with_a_key_that_is_not_the_roles(site):
    other = {**site.keys, "targets": [CryptoSigner.generate_ed25519()]}
    before = {path: path.read_bytes() for path in files(site, "metadata/*")}
    with pytest.raises(Exception, match="keys of targets"):
        site.repository.publish({}, other)
    assert {path: path.read_bytes() for path in files(site, "metadata/*")} == before
