"""Parts of pictures: what is cut out of a file is what lies there in the whole, at every size, however it is turned."""

import io

import numpy as np
import pytest
from PIL import Image

from tformer_edge import images
from tformer_edge.errors import UserError
from tformer_edge.images import open_image
from tformer_edge.picture_file import picture_file


def smooth(height: int, width: int) -> Image.Image:
    """Soft colours, other ones everywhere."""
    coarse = np.random.default_rng(1).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str = "JPEG", orientation: int = 1, **options: object) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stream = io.BytesIO()
    image.save(stream, kind, exif=exif, **({"quality": 95} if kind == "JPEG" else {}), **options)
    return stream.getvalue()


FILES = {
    "colour": encoded(smooth(67, 90)),
    "grey": encoded(smooth(67, 90).convert("L")),
    "CMYK": encoded(smooth(67, 90).convert("CMYK")),
    "progressive": encoded(smooth(67, 90), progressive=True),
    "with another behind it": encoded(smooth(67, 90), "MPO", save_all=True, append_images=[smooth(9, 9)]),
    "PNG": encoded(smooth(67, 90), "PNG"),
    "palette": encoded(smooth(67, 90).quantize(40), "PNG"),
    "transparent": encoded(smooth(67, 90).convert("RGBA"), "PNG"),
    "sixteen bits": encoded(Image.fromarray(np.arange(6030, dtype=np.uint16).reshape(67, 90) * 10), "PNG"),
    "TIFF": encoded(smooth(67, 90), "TIFF", orientation=6),
    **{f"turned {turn}": encoded(smooth(67, 90), orientation=turn) for turn in range(2, 9)},
    "turned PNG": encoded(smooth(67, 90), "PNG", orientation=5),
}


@pytest.mark.parametrize("name", FILES)
def test_a_part_is_what_lies_there_in_the_whole(name: str) -> None:
    whole = open_image(FILES[name])
    with picture_file(FILES[name]) as file:
        assert file.header.size == whole.shape[:2]
        np.testing.assert_array_equal(file.pixels(), whole)
    with picture_file(FILES[name]) as file:
        part = file.part((11, 50), (3, 61))
    assert part.mode == "RGB"
    np.testing.assert_array_equal(np.asarray(part), whole[11:50, 3:61])


def reduced(whole: np.ndarray, parts: int) -> np.ndarray:
    """Means of parts × parts pixels, of fewer at the end, in float64."""
    tall, wide = (-(-side // parts) for side in whole.shape[:2])
    padded = np.full((tall * parts, wide * parts, 3), np.nan)
    padded[: whole.shape[0], : whole.shape[1]] = whole
    return np.nanmean(padded.reshape(tall, parts, wide, parts, 3), axis=(1, 3))


@pytest.mark.parametrize("parts", [2, 4, 8])
@pytest.mark.parametrize(
    "name", ["colour", "grey", "CMYK", "progressive", "with another behind it", "turned 5"]
)
def test_reduced_pixels_are_means_and_parts_of_them_the_same(name: str, parts: int) -> None:
    """The last row and column of 67 × 90 are of fewer pixels."""
    with picture_file(FILES[name]) as file:
        assert file.header.most == 8
        pixels = file.pixels(parts)
    expected = reduced(open_image(FILES[name]), parts)
    assert pixels.shape == expected.shape
    assert np.abs(pixels - expected).mean() < 1.5  # 4 to 30 where it is moved by one pixel
    with picture_file(FILES[name]) as file:
        part = file.part((1, 8), (2, 9), parts)
    np.testing.assert_array_equal(np.asarray(part), pixels[1:8, 2:9])


@pytest.mark.parametrize("turn", range(1, 9))
def test_turned_pictures_are_reduced_from_their_own_corner_or_not(turn: int) -> None:
    """Of 68 rows and 90 columns: where a side is turned round, only parts that divide it begin with whole ones."""
    data = encoded(smooth(68, 90), orientation=turn)
    with picture_file(data) as file:
        most = file.header.most
        assert most == {1: 8, 2: 2, 3: 2, 4: 4, 5: 8, 6: 4, 7: 2, 8: 2}[turn]
        pixels = file.pixels(most)
    assert np.abs(pixels - reduced(open_image(data), most)).mean() < 1.5
    with picture_file(data) as file:
        np.testing.assert_array_equal(np.asarray(file.part((2, 7), (1, 8), most)), pixels[2:7, 1:8])


def test_what_cannot_be_reduced(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PNG", "palette", "transparent", "TIFF"):
        with picture_file(FILES[name]) as file:
            assert file.header.most == 1
    with picture_file(encoded(smooth(3, 90))) as file:
        assert file.header.most == 2
    # One that has to be reduced to be opened at all.
    monkeypatch.setattr(images, "MAX_PIXELS", 2000)
    with picture_file(FILES["colour"]) as file:
        assert file.header.size == (34, 45) and file.header.most == 1
        assert np.asarray(file.part((1, 30), (2, 40))).shape == (29, 38, 3)


@pytest.mark.parametrize("parts", [1, 8])
def test_damaged_files_are_named(tmp_path, parts: int) -> None:
    path = tmp_path / "half.jpg"
    path.write_bytes(FILES["colour"][: len(FILES["colour"]) // 2])
    with pytest.raises(UserError, match=r"half\.jpg"), picture_file(path) as file:
        file.part((0, 5), (0, 5), parts)
    with pytest.raises(UserError, match="there is no such file"), picture_file(tmp_path / "none.jpg"):
        pass
