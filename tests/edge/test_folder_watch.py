"""Which files a watched folder reports, and when: with a clock of the test's own."""

import os
import shutil
import time

import pytest

from tformer_edge.errors import UserError
from tformer_edge.folder_watch import REST, FolderWatch


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def names(paths):
    return [path.name for path in paths]


@pytest.fixture
def clock():
    return Clock()


def test_a_file_is_reported_once_it_stands_still(tmp_path, clock):
    watch = FolderWatch(tmp_path, settle=0.5, clock=clock)
    image = tmp_path / "a.png"
    image.write_bytes(b"half")
    assert watch.poll() == []
    clock.now += 0.4
    image.write_bytes(b"half and half")  # still being written
    assert watch.poll() == []
    clock.now += 0.4
    assert watch.poll() == []
    clock.now += 0.1
    assert names(watch.poll()) == ["a.png"]
    clock.now += 10
    assert watch.poll() == []


def test_what_is_there_already(tmp_path, clock):
    (tmp_path / "old.jpg").write_bytes(b"1")
    silent, telling = (FolderWatch(tmp_path, existing, 0.5, clock) for existing in (False, True))
    clock.now += 1
    assert silent.poll() == [] and names(telling.poll()) == ["old.jpg"]


@pytest.mark.parametrize("how", ["size", "time", "rename"])
def test_a_file_replaced_under_the_same_name_counts_again(tmp_path, clock, how):
    image = tmp_path / "a.png"
    image.write_bytes(b"one")
    before = image.stat()
    watch = FolderWatch(tmp_path, existing=False, settle=0.5, clock=clock)
    if how == "size":
        image.write_bytes(b"three")
        os.utime(image, ns=(before.st_atime_ns, before.st_mtime_ns))
    elif how == "time":
        image.write_bytes(b"two")
        os.utime(image, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    else:
        (tmp_path / "new.part").write_bytes(b"two")
        os.utime(tmp_path / "new.part", ns=(before.st_atime_ns, before.st_mtime_ns))
        os.replace(tmp_path / "new.part", image)
    assert watch.poll() == []
    clock.now += 0.5
    assert names(watch.poll()) == ["a.png"]


def test_what_is_removed_is_forgotten_and_counts_when_it_comes_back(tmp_path, clock):
    watch = FolderWatch(tmp_path, settle=0, clock=clock)
    image = tmp_path / "a.png"
    image.write_bytes(b"one")
    status = image.stat()
    assert names(watch.poll()) == ["a.png"]
    image.unlink()
    assert watch.poll() == [] and watch._seen == {}
    image.write_bytes(b"one")
    os.utime(image, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert names(watch.poll()) == ["a.png"]


def test_only_images_the_oldest_first(tmp_path, clock):
    watch = FolderWatch(tmp_path, settle=0, clock=clock)
    for number, name in enumerate(("c.PNG", "b.jpg", "a.webp", "notes.txt", ".hidden.png", "._a.jpg")):
        (tmp_path / name).write_bytes(b"1")
        os.utime(tmp_path / name, ns=(0, 10**9 * (10 - number)))
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "nowhere.png").symlink_to(tmp_path / "missing")
    os.mkfifo(tmp_path / "pipe.png")  # opening it would wait for ever
    assert names(watch.poll()) == ["a.webp", "b.jpg", "c.PNG"]


def test_a_folder_that_is_not_there_or_vanishes(tmp_path, clock):
    for path in (tmp_path / "none", tmp_path / "file"):
        (tmp_path / "file").touch()
        with pytest.raises(UserError, match="which cannot be read"):
            FolderWatch(path)
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "a.png").write_bytes(b"1")
    watch = FolderWatch(folder, clock=clock)
    shutil.rmtree(folder)
    with pytest.raises(UserError, match="can no longer be read"):
        watch.poll()


def test_10000_files_cost_neither_memory_nor_the_processor(tmp_path, clock):
    watch = FolderWatch(tmp_path, settle=0, clock=clock)
    for number in range(10_000):
        (tmp_path / f"{number}.png").touch()
    assert len(watch.poll()) == 10_000
    started = time.perf_counter()
    for _ in range(5):
        assert watch.poll() == []
    assert (time.perf_counter() - started) / 5 < 1
    assert len(watch._seen) == 10_000

    waits = []

    def sleep(seconds):
        waits.append(seconds)
        if len(waits) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(watch.images(0.001, sleep))
    # Looking took some milliseconds, so that the next look waits for longer than it was told.
    assert all(0.001 < seconds < 60 for seconds in waits) and REST >= 5
    for number in range(10_000):
        (tmp_path / f"{number}.png").unlink()
    assert watch.poll() == [] and watch._seen == {}
