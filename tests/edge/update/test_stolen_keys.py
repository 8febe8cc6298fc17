"""Attacks by who has some of the keys, but not enough: parts of an older repository, roots with too few signatures."""

import json
import shutil

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata

from tests.edge.update.repositories import made_model
from tformer_edge.update.update_state import UpdateState

U = UpdateState


@pytest.fixture
def seen_both(site, device):
    """A device that took releases 1 and 2."""
    for seed in (0, 1):
        site.release(made_model(seed))
        assert device.update().release == seed + 1
    return device


def lose_cache(device):
    for path in (device.store.folder / "metadata").iterdir():
        if path.is_symlink() or path.is_file():
            path.unlink()
        else:
            shutil.rmtree(path)


def forge(site, role, name, change, written=None):
    """Signs metadata file `name` again, as `change` leaves it, and publishes it as `written`, or in its own place."""
    folder = site.folder / "metadata"
    metadata = Metadata.from_file(str(folder / name))
    change(metadata.signed)
    metadata.signatures.clear()
    metadata.sign(site.keys[role][0])
    (folder / (written or name)).write_bytes(metadata.to_bytes())


@pytest.mark.parametrize("cache", ["whole", "lost"])
def test_A3_A4_an_older_timestamp_replayed(site, device, cache):
    site.release(made_model(0))
    path = site.folder / "metadata" / "timestamp.json"
    older = path.read_bytes()
    site.release(made_model(1))
    assert device.update().release == 2
    path.write_bytes(older)
    if cache == "lost":
        lose_cache(device)
    assert device.update().state is U.ROLLBACK and device.data() == made_model(1)


@pytest.mark.parametrize("cache", ["whole", "lost"])
def test_A3_A4_an_older_snapshot_under_a_new_timestamp(site, seen_both, cache):
    def older(timestamp):
        timestamp.version += 1
        timestamp.snapshot_meta.version -= 1

    forge(site, "timestamp", "timestamp.json", older)
    if cache == "lost":
        lose_cache(seen_both)
    report = seen_both.update()
    assert (report.state, report.release, seen_both.data()) == (U.ROLLBACK, 2, made_model(1))


@pytest.mark.parametrize("cache", ["whole", "lost"])
def test_A3_A4_older_targets_under_a_new_snapshot_and_timestamp(site, seen_both, cache):
    def older(snapshot):
        snapshot.version += 1
        snapshot.meta["targets.json"].version -= 1

    def newer(timestamp):
        timestamp.version += 1
        timestamp.snapshot_meta.version += 1

    forge(site, "snapshot", "3.snapshot.json", older, written="4.snapshot.json")
    forge(site, "timestamp", "timestamp.json", newer)
    if cache == "lost":
        lose_cache(seen_both)
    report = seen_both.update()
    assert (report.state, report.release, seen_both.data()) == (U.ROLLBACK, 2, made_model(1))


def test_A3_a_lower_release_in_newer_targets_is_below_the_floor(site, seen_both):
    """Signed by the targets key itself: what TUF accepts, the floor refuses."""
    with site.repository.locked():
        entries = dict(site.repository.targets().signed.targets)
        kept = {name: entry for name, entry in entries.items() if name.startswith("release-1")}
        site.repository.publish(kept, site.keys)
    report = seen_both.update()
    assert (report.state, report.release, seen_both.data()) == (U.ROLLBACK, 2, made_model(1))


def root_of_version(site, version, signers, change=lambda root: None):
    root = Metadata.from_file(str(site.folder / "metadata" / f"{version - 1}.root.json"))
    root.signed.version = version
    change(root.signed)
    root.signatures.clear()
    for signer in signers:
        root.sign(signer, append=True)
    return json.loads(root.to_bytes())


def refused_root(site, device, version, document):
    path = site.folder / "metadata" / f"{version}.root.json"
    path.write_text(json.dumps(document))
    report = device.update()
    assert report.state in (U.UNTRUSTED, U.CORRUPT) and device.data() == made_model(1), report
    assert device.store.state().marks["root"][1] < version
    path.unlink()
    assert device.update().state is U.UP_TO_DATE


def test_A2_the_same_signature_twice_is_one(site, seen_both):
    document = root_of_version(site, 2, site.keys["root"][:1])
    document["signatures"] *= 2
    refused_root(site, seen_both, 2, document)


def test_A2_one_key_under_two_ids_is_one(site, seen_both):
    document = root_of_version(site, 2, site.keys["root"][:1])
    first = document["signatures"][0]
    other = site.keys["root"][1].public_key.keyid
    document["signatures"] = [first, {**first, "keyid": other}]
    refused_root(site, seen_both, 2, document)


def test_A2_a_thief_of_one_root_key_cannot_lower_the_threshold(site, seen_both):
    def alone(root):
        root.roles["root"].threshold = 1

    refused_root(site, seen_both, 2, root_of_version(site, 2, site.keys["root"][:1], alone))


@pytest.mark.parametrize("place", range(0, 1000, 90))
def test_A1_one_bit_of_the_next_root(site, seen_both, place):
    path = site.folder / "metadata" / "2.root.json"
    good = json.dumps(root_of_version(site, 2, site.keys["root"])).encode()
    damaged = bytearray(good)
    damaged[place * len(good) // 1000] ^= 4
    path.write_bytes(damaged)
    report = seen_both.update()
    # A bit of a signature that is not needed (two of three are) changes nothing.
    assert report.state in (U.UNTRUSTED, U.CORRUPT, U.ROLLBACK, U.UP_TO_DATE) and report.release == 2
    assert seen_both.data() == made_model(1)
    path.write_bytes(good)
    assert seen_both.update().state is U.UP_TO_DATE and seen_both.store.state().marks["root"][1] == 2


def test_A9_a_root_key_used_after_it_was_revoked(site, seen_both):
    old, new = site.keys["root"][0], CryptoSigner.generate_ed25519()
    site.repository.rotate("root", [old.public_key.keyid], [new], site.keys)
    assert seen_both.update().state is U.UP_TO_DATE
    refused_root(site, seen_both, 3, root_of_version(site, 3, [old, site.keys["root"][1]]))
    good = root_of_version(site, 3, [new, site.keys["root"][1]])
    (site.folder / "metadata" / "3.root.json").write_text(json.dumps(good))
    assert seen_both.update().state is U.UP_TO_DATE and seen_both.store.state().marks["root"][1] == 3
