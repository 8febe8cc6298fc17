"""Folders of images: layouts, splits and every way in which one can be wrong."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tformer_edge.errors import UserError
from tformer_keras.data.dataset import Dataset
from tformer_keras.data.load import load_dataset


def write(path: Path, value: int = 0, size: tuple[int, int] = (8, 6)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, 2 * value, 3 * value)).save(path)
    return path


def make(root: Path, counts: dict[str, int], suffix: str = ".png") -> Path:
    for name, count in counts.items():
        for number in range(count):
            write(root / name / f"{number:02}{suffix}", number)
    return root


def refusal(root: Path, **options: object) -> str:
    with pytest.raises(UserError) as caught:
        load_dataset(root, **options)
    message = str(caught.value)
    assert re.fullmatch(r"(?:.+: )?expected [^\n]+, received [^\n]+; [^\n]+[^.]", message)
    return message


def per_class(dataset: Dataset, part: str) -> list[int]:
    return np.bincount(getattr(dataset, part).annotations, minlength=len(dataset.class_names)).tolist()


def test_train_and_test_folders(tmp_path: Path) -> None:
    make(tmp_path / "train", {"b": 2, "a": 3})
    make(tmp_path / "test", {"b": 1, "a": 1})
    dataset = load_dataset(str(tmp_path))
    assert dataset.name == tmp_path.name and dataset.class_names == ("a", "b") and dataset.skipped == ()
    assert dataset.train.names[0] == "train/a/00.png" and dataset.test.names == (
        "test/a/00.png",
        "test/b/00.png",
    )
    assert dataset.train.annotations.dtype == np.int32 and dataset.train.annotations.tolist() == [
        0,
        0,
        0,
        1,
        1,
    ]
    pixels = dataset.train.pixels(2)
    assert pixels.shape == (6, 8, 3) and pixels[0, 0].tolist() == [2, 4, 6]


def test_val_stands_in_for_test_and_gives_way_to_it(tmp_path: Path) -> None:
    make(tmp_path / "train", {"a": 1, "b": 1})
    make(tmp_path / "val", {"a": 1, "b": 1})
    assert load_dataset(tmp_path).test.names[0] == "val/a/00.png"
    make(tmp_path / "test", {"a": 1, "b": 1})
    assert load_dataset(tmp_path).test.names[0] == "test/a/00.png"


@pytest.mark.parametrize("inner", ["train", "."])
def test_split_is_seeded_stratified_and_complete(tmp_path: Path, inner: str) -> None:
    make(tmp_path / inner, {"a": 20, "b": 10, "c": 2})
    dataset = load_dataset(tmp_path)
    assert per_class(dataset, "test") == [4, 2, 1] and per_class(dataset, "train") == [16, 8, 1]
    assert len(set(dataset.train.names) | set(dataset.test.names)) == 32
    assert load_dataset(tmp_path).test.names == dataset.test.names
    assert load_dataset(tmp_path, seed=1).test.names != dataset.test.names
    assert per_class(load_dataset(tmp_path, test_fraction=0.5), "test") == [10, 5, 1]
    for split in (dataset.train, dataset.test):
        for index, name in enumerate(split.names):
            assert name.removeprefix("train/").split("/")[0] == dataset.class_names[split.annotations[index]]
            assert split.pixels(index)[0, 0, 0] == int(Path(name).stem)


def test_formats_nested_and_ignored_files(tmp_path: Path) -> None:
    for number, suffix in enumerate(["jpg", "JPEG", "png", "webp", "bmp", "gif", "tif", "tiff", "ppm"]):
        write(tmp_path / "train" / "a" / f"{number}.{suffix}")
    write(tmp_path / "train" / "b" / "deep" / "er" / "1.png")
    make(tmp_path / "test", {"a": 1, "b": 1})
    for ignored in (
        "a/.hidden.png",
        "a/._1.jpg",
        "b/.git/1.png",
        ".cache/1.png",
        "__MACOSX/1.png",
        "loose.png",
    ):
        write(tmp_path / "train" / ignored)
    (tmp_path / "train" / "a" / "notes.txt").write_text("no image")
    dataset = load_dataset(tmp_path)
    assert dataset.class_names == ("a", "b")
    assert per_class(dataset, "train") == [9, 1] and "train/b/deep/er/1.png" in dataset.train.names


def test_missing_folder(tmp_path: Path) -> None:
    assert str(tmp_path / "none") in refusal(tmp_path / "none")
    with pytest.raises(UserError, match="expected 'digits' or a folder of images, received digit,"):
        load_dataset("digit")


def test_archive_is_not_a_folder(tmp_path: Path) -> None:
    (tmp_path / "data.zip").write_bytes(b"PK")
    assert "data.zip; unpack it" in refusal(tmp_path / "data.zip")


def test_test_without_train(tmp_path: Path) -> None:
    make(tmp_path / "test", {"a": 1, "b": 1})
    assert f"expected a folder {tmp_path / 'train'}" in refusal(tmp_path)


def test_no_classes(tmp_path: Path) -> None:
    assert f"expected class folders in {tmp_path}, received none" in refusal(tmp_path)
    write(tmp_path / "1.png")
    assert "received 1 images directly in it" in refusal(tmp_path)


def test_one_class_only(tmp_path: Path) -> None:
    make(tmp_path / "train", {"cat": 3})
    assert "at least two class folders" in (message := refusal(tmp_path)) and "'cat'" in message


@pytest.mark.parametrize("part", ["train", "test"])
def test_empty_class(tmp_path: Path, part: str) -> None:
    for name in ("train", "test"):
        make(tmp_path / name, {"a": 1, "b": 1})
    (tmp_path / part / "b" / "00.png").unlink()
    assert str(tmp_path / part / "b") in refusal(tmp_path)


def test_test_classes_differ(tmp_path: Path) -> None:
    make(tmp_path / "train", {"a": 1, "b": 1, "c": 1})
    make(tmp_path / "test", {"a": 1, "b": 1, "d": 1})
    assert "received no 'c' and the unknown 'd'" in refusal(tmp_path)


def test_class_too_small_to_split(tmp_path: Path) -> None:
    make(tmp_path / "train", {"a": 5, "b": 1})
    assert f"received 1 in {tmp_path / 'train' / 'b'}" in refusal(tmp_path)


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    make(tmp_path / "train", {"a": 4, "b": 4})
    empty, text = tmp_path / "train" / "a" / "01.png", tmp_path / "train" / "b" / "03.png"
    empty.write_bytes(b"")
    assert f"received {empty}: the file is empty" in refusal(tmp_path)
    text.write_text("hello")
    message = refusal(tmp_path)
    assert f"received {empty} (and 1 more like it)" in message and "--skip-unreadable" in message


def test_skipped_files_are_listed(tmp_path: Path) -> None:
    make(tmp_path / "train", {"a": 4, "b": 4})
    (tmp_path / "train" / "a" / "01.png").write_bytes(b"")
    (tmp_path / "train" / "b" / "03.png").write_text("hello")
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    cut = tmp_path / "train" / "b" / "cut.jpg"
    Image.fromarray(noise).save(cut)
    cut.write_bytes(cut.read_bytes()[:-300])
    dataset = load_dataset(tmp_path, skip_unreadable=True)
    assert [line.split(":")[0] for line in dataset.skipped] == [
        "train/a/01.png",
        "train/b/03.png",
        "train/b/cut.jpg",
    ]
    assert dataset.skipped[0] == "train/a/01.png: the file is empty" and "truncated" in dataset.skipped[2]
    assert len(dataset.train) + len(dataset.test) == 6
    assert not {"train/a/01.png", "train/b/03.png", "train/b/cut.jpg"} & {
        *dataset.train.names,
        *dataset.test.names,
    }
    # A cut file passes the check of headers, and is found when it is decoded.
    (tmp_path / "train" / "a" / "01.png").unlink()
    (tmp_path / "train" / "b" / "03.png").unlink()
    split = next(
        part
        for part in vars(load_dataset(tmp_path)).values()
        if "train/b/cut.jpg" in getattr(part, "names", ())
    )
    with pytest.raises(UserError, match=r"cut\.jpg: .*truncated"):
        split.pixels(split.names.index("train/b/cut.jpg"))


def test_class_of_unreadable_files_alone(tmp_path: Path) -> None:
    make(tmp_path / "train", {"a": 3, "b": 1})
    (tmp_path / "train" / "b" / "00.png").write_bytes(b"")
    assert f"{tmp_path / 'train' / 'b'}, which has only unreadable ones" in refusal(
        tmp_path, skip_unreadable=True
    )


@pytest.mark.parametrize("options", [{"test_fraction": 0.0}, {"test_fraction": 1.0}, {"seed": -1}])
def test_split_options_are_checked(tmp_path: Path, options: dict[str, float]) -> None:
    refusal(tmp_path, **options)


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    make(tmp_path, {"a": 2, "b": 2})
    for name in ("a/1.heic", "b/2.heic", "b/.hidden.png"):
        (tmp_path / name).write_bytes(b"x")
    assert load_dataset(tmp_path).left_out == "left out: 2 .heic (not read), 1 hidden"


def test_links_to_folders_of_images_are_followed(tmp_path: Path) -> None:
    make(tmp_path / "data", {"a": 2, "b": 2})
    (tmp_path / "data" / "a" / "more").symlink_to(write(tmp_path / "elsewhere" / "9.png").parent)
    assert (
        len(load_dataset(tmp_path / "data").train.names) + len(load_dataset(tmp_path / "data").test.names)
        == 5
    )


def test_class_names_that_a_model_file_cannot_hold_are_refused_at_once(tmp_path: Path) -> None:
    for name in ("a\u202eb", "x" * 250 + "ü" * 5, "a\nb"):
        root = tmp_path / str(len(name))
        try:
            make(root, {name: 2, "ok": 2})
        except OSError:  # not every file system holds every name
            continue
        assert "class names of 1 to 256 bytes" in refusal(root)


def test_class_names_that_are_not_utf8_are_refused_in_one_sentence(tmp_path: Path) -> None:
    make(tmp_path, {"b": 2, "ok": 2})
    os.rename(os.fsencode(tmp_path / "b"), os.fsencode(tmp_path) + b"/caf\xe9")
    assert "caf\\udce9" in refusal(tmp_path)


def test_two_spellings_of_one_name_are_shown_by_their_code_points(tmp_path: Path) -> None:
    make(tmp_path, {"caf\u00e9": 2, "cafe\u0301": 2})
    message = refusal(tmp_path)
    assert "U+0063 U+0061 U+0066 U+00E9" in message and "U+0065 U+0301" in message


def test_file_names_that_are_not_utf8_are_read(tmp_path: Path) -> None:
    make(tmp_path, {"a": 3, "b": 3})
    os.rename(os.fsencode(tmp_path / "a" / "00.png"), os.fsencode(tmp_path / "a") + b"/\xff.png")
    dataset = load_dataset(tmp_path)
    names = [*dataset.train.names, *dataset.test.names]
    assert "a/\udcff.png" in names and len(names) == 6
