"""F1 and A7: servers that never stop sending, or lie about how much it is: the disk holds no more than was signed."""

import contextlib
import gzip
import time

import pytest

from tests.edge.update.repositories import made_model, start_of
from tformer_edge.update.update_state import UpdateState


def growing_disk(site, device, what, announced):
    """An answer to `what` that never ends; gives (the most bytes that the store held while it came, bytes sent)."""
    most, sent = [0], [0]

    def endless(handler, path):
        if what not in path:
            return False
        handler.send_response(200)
        if announced:
            handler.send_header("Content-Length", str(1 << 40))
        handler.end_headers()
        until = time.monotonic() + 20
        with contextlib.suppress(OSError):
            while time.monotonic() < until:
                handler.wfile.write(b"\xa5" * (1 << 16))
                sent[0] += 1 << 16
                held = 0
                for path in device.store.folder.rglob("*"):
                    with contextlib.suppress(FileNotFoundError):
                        held += path.lstat().st_size
                most[0] = max(most[0], held)
        handler.close_connection = True
        return True

    site.answer = endless
    return most, sent


@pytest.mark.parametrize("announced", [True, False], ids=["1 TB announced", "no length"])
@pytest.mark.parametrize(
    "what", ["2.root.json", "timestamp.json", "snapshot.json", "targets.json", ".delta", ".tflite"]
)
def test_F1_A7_the_disk_stops_growing_at_the_signed_length(site, device, what, announced):
    model, second = made_model(0), made_model(1)
    site.release(model)
    device.update()
    site.release(second)
    before = sum(path.lstat().st_size for path in device.store.folder.rglob("*"))
    most, sent = growing_disk(site, device, what, announced)
    if what == ".tflite":  # the delta is not to be had
        for path in (site.folder / "targets").glob("*.delta"):
            path.write_bytes(b"x" * path.stat().st_size)
    report = device.update()
    if what == ".delta":  # refused by its SHA-256; then the whole file
        assert report.state is UpdateState.UPDATED and device.data() == second
    else:
        assert report.state is UpdateState.CORRUPT and device.data() == model
    # At most the staged file and, where it was proved, the second slot are more than was there.
    assert sent[0] > 0 and most[0] < before + 2 * len(second) + 20_000
    assert list((device.store.folder / "staging").iterdir()) == []


@pytest.mark.parametrize(
    ("what", "lie", "state"),
    [
        ("timestamp.json", -1, "CORRUPT"),  # cut JSON
        ("timestamp.json", 1, "UPDATED"),  # what came is whole and signed
        ("timestamp.json", 10**12, "UPDATED"),
        (".delta", -1, "NETWORK"),  # its last byte never comes
        (".delta", 1, "UPDATED"),  # the signed length counts
        (".delta", 10**12, "UPDATED"),
    ],
)
def test_A7_a_length_that_lies(site, device, what, lie, state):
    site.release(made_model(0))
    device.update()
    site.release(made_model(1))
    asked = []

    def lies(handler, path):
        if what not in path:
            return False
        asked.append(path)
        data = (site.folder / path[1:]).read_bytes()
        start = start_of(handler)
        span = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}
        return site.send(handler, 206 if start else 200, data[start:], span, len(data) - start + lie)

    site.answer = lies
    report = device.update()
    assert report.state == state and device.data() == made_model(int(state == "UPDATED")), report
    assert asked


@pytest.mark.parametrize("what", ["timestamp.json", ".delta"])
def test_A7_a_gzip_bomb_is_not_unpacked(site, device, what):
    site.release(made_model(0))
    device.update()
    site.release(made_model(1))
    bomb = gzip.compress(bytes(50 << 20))
    site.answer = lambda handler, path: (
        what in path and site.send(handler, 200, bomb, {"Content-Encoding": "gzip"})
    )
    report = device.update()
    assert report.state is (UpdateState.CORRUPT if what == "timestamp.json" else UpdateState.UPDATED)
    assert sum(path.lstat().st_size for path in device.store.folder.rglob("*")) < 200_000
