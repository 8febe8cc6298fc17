"""The decoder on what real folders hold: odd modes, orientations, damage and bombs."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.fresh_process import fresh
from tformer_edge import images
from tformer_edge.errors import UserError
from tformer_edge.images import check_image, open_image


def scene(height: int = 6, width: int = 9) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def png(width: int, height: int, depth: int, colour: int, rows: bytes, extra: bytes = b"") -> bytes:
    """A PNG written by hand, for what Pillow cannot write."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_path_bytes_and_pillow_image_agree(kind: str, tmp_path: Path) -> None:
    data = encoded(Image.fromarray(scene()), kind)
    (tmp_path / "image").write_bytes(data)
    check_image(data)
    for source in (tmp_path / "image", str(tmp_path / "image"), data, Image.open(io.BytesIO(data))):
        pixels = open_image(source)
        assert pixels.dtype == np.uint8 and pixels.flags.writeable
        np.testing.assert_array_equal(pixels, scene())


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "GIF"])
def test_lossy_formats(kind: str) -> None:
    flat = Image.new("RGB", (8, 5), (200, 100, 50))
    pixels = open_image(encoded(flat, kind))
    assert pixels.shape == (5, 8, 3)
    assert np.abs(pixels.astype(int) - (200, 100, 50)).max() <= 6


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG"])
@pytest.mark.parametrize(
    ("orientation", "turn"),
    [
        (1, lambda a: a),
        (2, lambda a: a[:, ::-1]),
        (3, lambda a: a[::-1, ::-1]),
        (4, lambda a: a[::-1]),
        (5, lambda a: a.swapaxes(0, 1)),
        (6, lambda a: np.rot90(a, -1)),
        (7, lambda a: np.rot90(a, 2).swapaxes(0, 1)),
        (8, lambda a: np.rot90(a, 1)),
    ],
)
def test_orientation_is_applied_once(kind: str, orientation: int, turn) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(scene())
    options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
    stored = open_image(encoded(image, kind, **options))
    np.testing.assert_array_equal(open_image(encoded(image, kind, exif=exif, **options)), turn(stored))


@pytest.mark.filterwarnings("ignore")
def test_damaged_exif_is_ignored() -> None:
    data = encoded(Image.fromarray(scene()), "PNG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff garbage")
    np.testing.assert_array_equal(open_image(data), scene())


def test_grey_and_bilevel() -> None:
    grey = scene()[..., 0]
    np.testing.assert_array_equal(open_image(encoded(Image.fromarray(grey), "PNG")), np.stack([grey] * 3, -1))
    bits = grey > 127
    expected = np.stack([bits * np.uint8(255)] * 3, -1)
    np.testing.assert_array_equal(open_image(encoded(Image.fromarray(bits), "PNG")), expected)


def test_palette() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putdata([1, 0])
    assert open_image(encoded(image, "PNG")).tolist() == [[[40, 50, 60], [10, 20, 30]]]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "RGB"])
def test_transparency_lies_over_white(mode: str) -> None:
    if mode in ("RGBA", "LA"):
        colour = (0, 0, 0, 0) if mode == "RGBA" else (0, 0)
        data = encoded(Image.new(mode, (2, 2), colour), "PNG")
    else:
        key = (0, 0, 0) if mode == "RGB" else 0
        data = encoded(Image.new(mode, (2, 2), 0), "PNG", transparency=key)
    assert (open_image(data) == 255).all()


def test_half_transparency_is_blended() -> None:
    data = encoded(Image.new("RGBA", (1, 1), (100, 0, 255, 128)), "PNG")
    expected = np.array([100, 0, 255]) * (128 / 255) + 255 * (127 / 255)
    assert np.abs(open_image(data)[0, 0] - expected).max() <= 1


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk(kind: str) -> None:
    data = encoded(Image.new("CMYK", (8, 8), (255, 0, 0, 0)), kind)  # cyan ink alone
    assert np.abs(open_image(data).astype(int) - (0, 255, 255)).max() <= 3


def test_sixteen_bit_grey_keeps_the_high_byte() -> None:
    samples = np.array([[0, 255, 256, 0x1234, 0xFFFF]], np.uint16)
    expected = np.repeat((samples >> 8).astype(np.uint8)[..., None], 3, -1)
    for kind in ("PNG", "TIFF", "PPM"):
        np.testing.assert_array_equal(
            open_image(encoded(Image.fromarray(samples), kind)), expected, err_msg=kind
        )


def test_sixteen_bit_colour_keeps_the_high_byte() -> None:
    rows = b"\x00" + bytes.fromhex("1234 5678 9abc")
    assert open_image(png(1, 1, 16, 2, rows)).tolist() == [[[0x12, 0x56, 0x9A]]]
    rows = b"\x00" + bytes.fromhex("1234 5678 9abc ffff")
    assert open_image(png(1, 1, 16, 6, rows)).tolist() == [[[0x12, 0x56, 0x9A]]]


@pytest.mark.parametrize("samples", [np.ones((2, 2), np.float32), np.full((2, 2), 70_000, np.int32)])
def test_samples_of_no_agreed_range_are_refused(samples: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "depth.tif"
    Image.fromarray(samples).save(path)
    with pytest.raises(UserError, match=r"depth\.tif: its samples are 32-bit or floating-point"):
        open_image(path)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_animation_gives_its_first_frame(kind: str) -> None:
    first, second = Image.new("RGB", (4, 3), "red"), Image.new("RGB", (4, 3), "blue")
    options = {"lossless": True} if kind == "WEBP" else {}
    pixels = open_image(encoded(first, kind, save_all=True, append_images=[second], **options))
    assert pixels.shape == (3, 4, 3)
    assert (pixels == (255, 0, 0)).all()


def test_one_pixel() -> None:
    assert open_image(encoded(Image.new("RGB", (1, 1), (1, 2, 3)), "PNG")).tolist() == [[[1, 2, 3]]]


def test_the_given_pillow_image_stays_open() -> None:
    image = Image.open(io.BytesIO(encoded(Image.fromarray(scene()), "PNG")))
    open_image(image)
    np.testing.assert_array_equal(np.asarray(image), scene())


def refuse_both(source: object, match: str) -> None:
    for read in (check_image, open_image):
        with pytest.raises(UserError, match=match):
            read(source)


def test_bomb_is_refused_by_its_header() -> None:
    bomb = png(50_000, 50_000, 8, 2, b"\x00")
    assert len(bomb) < 100
    refuse_both(bomb, "more than 178,956,970 pixels")


def test_bomb_is_refused_without_pillows_own_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    refuse_both(png(50_000, 50_000, 8, 2, b"\x00"), "50000 x 50000 pixels exceed the limit")


def test_every_orientation_is_pillows_own() -> None:
    image = Image.fromarray(scene())
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        data = encoded(image, "PNG", exif=exif)
        expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
        np.testing.assert_array_equal(open_image(data), np.asarray(expected))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P", "L", "I;16", "CMYK"])
def test_strips_are_the_whole(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (50, 7, 4), np.uint8)
    image = Image.fromarray(colours)
    if mode == "I;16":
        image = Image.fromarray(colours.view(np.uint16)[:, :, 0].copy())
    elif mode == "P":
        image = image.convert("RGB").quantize(16)
        image.info["transparency"] = 3
    else:
        image = image.convert(mode if mode != "LA" else "LA")
    whole = open_image(image)
    monkeypatch.setattr(images, "_STRIP_ROWS", 16)
    np.testing.assert_array_equal(open_image(image), whole)


def test_a_jpeg_that_is_too_large_is_decoded_smaller_and_others_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(images, "MAX_PIXELS", 20_000)
    large = Image.fromarray(scene()).resize((400, 200))
    pixels = open_image(encoded(large, "JPEG", quality=95))
    assert pixels.shape == (100, 200, 3)
    expected = np.asarray(large.resize(pixels.shape[1::-1], Image.Resampling.BOX), float)
    assert np.abs(pixels - expected).mean() < 6
    refuse_both(encoded(large, "PNG"), "400 x 200 pixels exceed the limit of 20,000")
    refuse_both(encoded(large, "JPEG", progressive=True), "400 x 200 pixels exceed the limit of 20,000")


def test_memory_of_the_largest_image_is_bounded(tmp_path: Path) -> None:
    # 8-bit RGBA of nothing at all: few bytes in the file.
    path = tmp_path / "large.png"
    path.write_bytes(png(8192, 8192, 8, 6, bytes((1 + 4 * 8192) * 8192)))
    assert path.stat().st_size < 300_000
    code = (
        "from tformer_edge.images import open_image; from tformer_edge.memory import peak_bytes\n"
        "before = peak_bytes(); shape = open_image(sys.argv[1]).shape\n"
        "result = [*shape, peak_bytes() - before]"
    )
    *shape, grown = fresh(code, path)
    assert shape == [8192, 8192, 3] and grown < 520 << 20


def test_what_is_no_image_is_refused_by_name(tmp_path: Path) -> None:
    empty, text, folder = tmp_path / "empty.jpg", tmp_path / "text.jpg", tmp_path / "folder.jpg"
    empty.touch()
    text.write_text("hello")
    folder.mkdir()
    refuse_both(empty, r"empty\.jpg: the file is empty; replace it or leave it out$")
    refuse_both(text, r"text\.jpg: it is none of JPEG, PNG")
    refuse_both(folder, r"folder\.jpg: it is a folder")
    refuse_both(tmp_path / "none.jpg", r"none\.jpg: there is no such file")
    refuse_both(b"", "an image of 0 bytes")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF"])
def test_truncated_file_is_refused(kind: str, tmp_path: Path) -> None:
    data = encoded(Image.fromarray(scene(64, 64)), kind)
    path = tmp_path / "cut.bin"
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(UserError, match=r"cut\.bin: \S"):
        open_image(path)


def test_formats_that_start_programs_stay_shut() -> None:
    postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"
    with Image.open(io.BytesIO(postscript)) as image:
        assert image.format == "EPS"  # Pillow would have opened it
    refuse_both(postscript, f"it is none of {', '.join(images.FORMATS)}")


@pytest.mark.filterwarnings("ignore")
def test_noise_in_the_middle_never_escapes_as_another_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50_000)  # a damaged size must not cost this test gigabytes
    generator = np.random.default_rng(0)
    refused = 0
    for kind in ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF"):
        data = encoded(Image.fromarray(scene(16, 16)), kind)
        for _ in range(60):
            damaged = bytearray(data)
            for place in generator.integers(0, len(data), 4):
                damaged[place] = generator.integers(0, 256)
            try:
                assert open_image(bytes(damaged)).dtype == np.uint8
            except UserError:
                refused += 1
    assert refused > 20
