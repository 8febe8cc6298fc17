"""Cameras through libraries of the real ones' shapes; OpenCV itself where it is installed."""

import json
import sys
import types

import numpy as np
import pytest

from tformer_edge import cameras
from tformer_edge.cameras import open_camera
from tformer_edge.cli import main
from tformer_edge.errors import UserError
from tformer_edge.model import Model

RED = np.zeros((48, 64, 3), np.uint8)
RED[..., 0] = 200
RED[:10, :, 1] = 90


class Capture:
    """cv2.VideoCapture: frames are blue, green, red."""

    opened: list = []

    def __init__(self, device):
        self.device, self.frames, self.settings, self.released = device, [RED[..., ::-1]] * 3, {}, False
        Capture.opened.append(self)

    def isOpened(self):
        return self.device in (0, "film.avi")

    def set(self, name, value):
        self.settings[name] = value
        return False  # many back ends refuse, and say so only here

    def read(self):
        return (True, self.frames.pop()) if self.frames else (False, None)

    def release(self):
        self.released = True


class Picamera2:
    """picamera2.Picamera2: the format BGR888 is red, green, blue in memory."""

    count = 1
    opened: list = []

    @staticmethod
    def global_camera_info():
        return [{"Num": number} for number in range(Picamera2.count)]

    def __init__(self, number):
        self.log = [number]
        Picamera2.opened.append(self)

    def create_preview_configuration(self, main):
        return {"main": main}

    def configure(self, configuration):
        self.format = configuration["main"]["format"]

    def start(self):
        self.log.append("start")

    def capture_array(self, name):
        assert name == "main" and self.format in ("BGR888", "RGB888")
        return RED.copy() if self.format == "BGR888" else RED[..., ::-1].copy()

    def stop(self):
        self.log.append("stop")

    def close(self):
        self.log.append("close")


@pytest.fixture
def libraries(monkeypatch):
    """Installs the named libraries, and takes away whatever this machine has."""
    Capture.opened, Picamera2.opened, Picamera2.count = [], [], 1

    def install(*names):
        made = {
            "cv2": types.SimpleNamespace(VideoCapture=Capture, CAP_PROP_BUFFERSIZE=38),
            "picamera2": types.SimpleNamespace(Picamera2=Picamera2),
        }
        for name, module in made.items():
            # None in sys.modules is what makes an import raise ModuleNotFoundError.
            monkeypatch.setitem(sys.modules, name, module if name in names else None)

    return install


@pytest.mark.parametrize("source", ["picamera2", "opencv"])
def test_pictures_are_red_green_blue(libraries, source):
    libraries("cv2", "picamera2")
    camera = open_camera(source)
    frame = camera.read()
    np.testing.assert_array_equal(frame, RED)
    assert frame.dtype == np.uint8 and frame.flags.c_contiguous
    camera.close()
    if source == "picamera2":
        assert Picamera2.opened[0].log == [0, "start", "stop", "close"]
    else:
        assert Capture.opened[0].released and Capture.opened[0].settings == {38: 1}


def test_grey_frames_become_rgb(libraries, monkeypatch):
    libraries("cv2")
    camera = open_camera("opencv")
    camera._capture.frames = [RED[..., 0]]
    np.testing.assert_array_equal(camera.read(), np.stack([RED[..., 0]] * 3, axis=-1))


def test_auto_takes_a_pis_camera_and_else_opencv(libraries):
    libraries("cv2", "picamera2")
    assert open_camera().name == "picamera2's camera 0"
    Picamera2.count = 0  # installed, but nothing is connected
    assert open_camera().name == "OpenCV's camera 0"
    assert open_camera(device="film.avi").name == "OpenCV's video film.avi"
    libraries("picamera2")
    with pytest.raises(UserError, match="picamera2's camera 0, where 0 are connected"):
        open_camera()


def test_no_library_and_no_camera_are_one_sentence(libraries):
    libraries()
    for source, name in (("auto", "picamera2 or OpenCV"), ("opencv", "OpenCV"), ("picamera2", "picamera2")):
        with pytest.raises(
            UserError, match=f"^expected {name} to read a camera.*pip install opencv"
        ) as error:
            open_camera(source)
        assert "apt install python3-picamera2" in str(error.value)
    libraries("cv2", "picamera2")
    for source, device, words in (
        ("opencv", "7", "OpenCV's camera 7, which cannot be opened"),
        ("picamera2", "3", "where 1 are connected"),
        ("picamera2", "film.avi", "the number of a camera"),
        ("webcam", "0", "source among auto, picamera2, opencv"),
    ):
        with pytest.raises(UserError, match=words):
            open_camera(source, device)
    assert all(capture.released for capture in Capture.opened)


def test_a_library_that_lacks_a_part_says_which(libraries, monkeypatch):
    libraries()
    real = cameras.importlib.import_module

    def import_module(name):
        if name == "picamera2":
            raise ModuleNotFoundError("No module named 'libcamera'", name="libcamera")
        if name == "cv2":
            raise ImportError("libGL.so.1: cannot open shared object file\nmore")
        return real(name)

    monkeypatch.setattr(cameras.importlib, "import_module", import_module)
    with pytest.raises(UserError, match="one without libcamera"):
        open_camera("auto")
    with pytest.raises(UserError, match="'libGL.so.1: cannot open shared object file';"):
        open_camera("opencv")


def test_a_camera_that_stops_is_an_error_and_a_film_that_ends_is_none(libraries):
    libraries("cv2")
    for device in ("0", "film.avi"):
        camera = open_camera("opencv", device)
        for _ in range(3):
            assert camera.read() is not None
        if device == "film.avi":
            assert camera.read() is None
        else:
            with pytest.raises(UserError, match="gives no picture"):
                camera.read()


def test_the_command(libraries, folder, capsys):
    libraries("cv2", "picamera2")
    model = str(folder / "int8-1.tflite")
    assert main(["camera", model, "--count", "2", "--interval", "0.01", "--json"]) == 0
    captured = capsys.readouterr()
    lines = [json.loads(line) for line in captured.out.splitlines()]
    with Model(model) as reference:
        expected = reference.predict(RED, top=3).to_json()
    assert [line["frame"] for line in lines] == [1, 2]
    assert all(line["top"] == expected["top"] for line in lines)
    assert Picamera2.opened[0].log[-1] == "close" and "pictures: 2" in captured.err
    assert main(["camera", model, "--device", "film.avi"]) == 0  # to its end
    assert capsys.readouterr().out.count("frame ") == 3
    libraries()
    assert main(["camera", model]) == 2
    assert "picamera2 or OpenCV" in capsys.readouterr().err


def test_opencv_itself_on_a_film(tmp_path, folder, capsys):
    cv2 = pytest.importorskip("cv2", reason="needs OpenCV: pip install opencv-python-headless")
    path = str(tmp_path / "film.avi")
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*"MJPG"), 5, (64, 48))
    if not writer.isOpened():
        pytest.skip("this OpenCV writes no MJPG")
    for _ in range(4):
        writer.write(np.ascontiguousarray(RED[..., ::-1]))
    writer.release()
    camera = open_camera("opencv", path)
    frame = camera.read()
    camera.close()
    assert frame.shape == RED.shape and frame.dtype == np.uint8
    assert np.abs(frame.astype(int) - RED)[14:].max() <= 12  # JPEG; away from the edge of the stripe
    assert main(["camera", str(folder / "int8-1.tflite"), "--device", path, "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 4
    with pytest.raises(UserError, match="cannot be opened"):
        open_camera("opencv", "0" if not sys.platform.startswith("linux") else "63")
