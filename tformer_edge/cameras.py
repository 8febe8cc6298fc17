"""Pictures from a camera, through picamera2 (Raspberry Pi's own cameras) or OpenCV (USB cameras, video files).

Neither is a dependency: whichever is installed is imported when a camera is opened.
"""

import contextlib
import importlib
from types import ModuleType
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from tformer_edge.errors import UserError, first_line
from tformer_edge.quiet import quiet

Source = Literal["auto", "picamera2", "opencv"]
SOURCES: tuple[Source, ...] = get_args(Source)
LIBRARIES = {"picamera2": ("picamera2", "picamera2"), "opencv": ("cv2", "OpenCV")}  # module, name for people
SIZE = (640, 480)  # width and height that a Pi's camera is asked for: over what models take, and quick
INSTALL = (
    "install one: apt install python3-picamera2 for a Raspberry Pi's camera, or "
    "pip install opencv-python-headless for a USB camera"
)


class Camera(Protocol):
    """Where pictures come from."""

    name: str

    def read(self) -> NDArray[np.uint8] | None:
        """The next picture, uint8 RGB (height, width, 3), or None where a file has ended. Raises UserError."""
        ...

    def close(self) -> None: ...


class OpenCVCamera:
    """A camera by number, or a video file by path, through OpenCV."""

    def __init__(self, cv2: Any, device: int | str) -> None:
        self.name = f"OpenCV's {'camera' if isinstance(device, int) else 'video'} {device}"
        self._from_file = isinstance(device, str)
        with quiet():  # it warns from C++
            self._capture = cv2.VideoCapture(device)
            opened = self._capture.isOpened()
        if not opened:
            self._capture.release()
            raise _none(self.name, "which cannot be opened")
        # Of a camera that is asked seldom, the newest picture and not the oldest that waits; files ignore it.
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)

    def read(self) -> NDArray[np.uint8] | None:
        taken, frame = self._capture.read()
        if not taken:
            if self._from_file:
                return None
            raise _none(self.name, "which gives no picture")
        if frame.ndim == 2:
            return np.repeat(frame[..., None], 3, axis=2)
        return np.ascontiguousarray(frame[..., 2::-1])  # blue, green, red → red, green, blue

    def close(self) -> None:
        self._capture.release()


class PiCamera:
    """A Raspberry Pi's camera by number, through picamera2."""

    name: str

    def __init__(self, picamera2: Any, device: int) -> None:
        self.name = f"picamera2's camera {device}"
        count = len(picamera2.Picamera2.global_camera_info())
        if not 0 <= device < count:
            raise _none(self.name, f"where {count} are connected")
        try:
            self._camera = picamera2.Picamera2(device)
        except (RuntimeError, IndexError) as error:
            raise _none(self.name, f"which cannot be opened ({first_line(error)})") from None
        try:
            # picamera2 names formats from the last byte to the first: this one is red, green, blue in memory.
            main = {"format": "BGR888", "size": SIZE}
            self._camera.configure(self._camera.create_preview_configuration(main=main))
            self._camera.start()
        except RuntimeError as error:
            self.close()
            raise _none(self.name, f"which does not start ({first_line(error)})") from None

    def read(self) -> NDArray[np.uint8] | None:
        try:
            frame = self._camera.capture_array("main")
        except RuntimeError as error:
            raise _none(self.name, f"which gives no picture ({first_line(error)})") from None
        return np.ascontiguousarray(frame[..., :3])

    def close(self) -> None:
        with contextlib.suppress(RuntimeError):
            self._camera.stop()
        self._camera.close()


def open_camera(source: Source = "auto", device: str = "0") -> Camera:
    """Opens a camera.

    Args:
        source: "picamera2", "opencv", or "auto": picamera2 where it is installed and has this camera, else OpenCV.
        device: the number of a camera, or, for OpenCV, the path or address of a video.

    Raises UserError where no library is installed, or there is no such camera.
    """
    if source not in SOURCES:
        raise UserError(f"a source among {', '.join(SOURCES)}", repr(source), "give one of them")
    number = int(device) if device.isdecimal() and len(device) < 5 else None
    if source == "picamera2" and number is None:
        raise UserError("the number of a camera for picamera2", repr(device), "0 is the first")
    wanted = ("picamera2", "opencv") if source == "auto" else (source,)
    refusal: UserError | None = None
    for one in wanted:
        if one == "picamera2" and number is None:
            continue
        try:
            library = _library(LIBRARIES[one][0])
            if library is None:
                continue
            if one == "picamera2" and number is not None:
                return PiCamera(library, number)
            return OpenCVCamera(library, device if number is None else number)
        except UserError as error:
            refusal = refusal or error
    if refusal is not None:
        raise refusal
    names = " or ".join(LIBRARIES[one][1] for one in wanted)
    raise UserError(f"{names} to read a camera", "no such library", f"{INSTALL}")


def _library(name: str) -> ModuleType | None:
    """An optional library, or None. An ImportError in the midst of it (libcamera is missing) says so."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name == name:
            return None
        raise UserError(f"{name} with all that it needs", f"one without {error.name}", f"{INSTALL}") from None
    except ImportError as error:
        raise UserError(f"{name} that can be imported", f"'{first_line(error)}'", f"{INSTALL}") from None


def _none(name: str, reason: str) -> UserError:
    return UserError(
        "a camera", f"{name}, {reason}", "connect it, close programs that use it, or give another --device"
    )
