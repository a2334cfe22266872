"""Which webcams this machine has, and which one a person means."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2

from hygiesync.errors import MissingDependencyError, UsageError

VIDEO4LINUX = Path("/sys/class/video4linux")
"""Where Linux names its video devices, each in a folder of its own."""

DEVICES = Path("/dev")
"""Where they can be opened, by the same names."""

_QUERY_CAPABILITIES = 0x80685600
_CAPTURES_VIDEO = 0x1 | 0x1000
_N_PROBED = 4
_SILENT = 0


@dataclass(frozen=True)
class CameraDevice:
    """A webcam that this machine has.

    Attributes
    ----------
    index : int
        OpenCV's number.
    name : str
    """

    index: int
    name: str


def list_cameras() -> list[CameraDevice]:
    """The webcams of this machine, in the order of their numbers."""
    if is_linux():
        return list(_video4linux_devices())
    return list(_probed_devices())


def find_camera(text: str | None) -> CameraDevice:
    """The webcam that a person means.

    Parameters
    ----------
    text : str or None
        A number, or a part of a name that no other camera has; the first camera when None.

    Raises
    ------
    MissingDependencyError
        When there is no camera, or none like that.
    UsageError
        When several are meant.
    """
    cameras = list_cameras()
    if not cameras:
        raise MissingDependencyError(
            "no camera was found; plug one in, or name a video to be played in its place as `camera`"
        )
    if text is None:
        return cameras[0]
    if text.isdecimal():
        matching = [camera for camera in cameras if camera.index == int(text)]
    else:
        matching = [camera for camera in cameras if text.casefold() in camera.name.casefold()]
    there_are = ", ".join(f"{camera.index} {camera.name}" for camera in cameras)
    if not matching:
        raise MissingDependencyError(
            f"`camera`: expected a number, a name or a video file, got {text!r}; there are: {there_are}"
        )
    if len(matching) > 1:
        raise UsageError(f"`camera`: {text!r} means several; say its number: {there_are}")
    return matching[0]


def is_linux() -> bool:
    """Whether cameras come through Video4Linux."""
    return sys.platform.startswith("linux")


def _video4linux_devices() -> Iterator[CameraDevice]:
    """Devices that capture video; a webcam has others beside it, for metadata."""
    numbers = sorted(int(entry.name[5:]) for entry in VIDEO4LINUX.glob("video*") if entry.name[5:].isdecimal())
    for number in numbers:
        if _captures_video(DEVICES / f"video{number}"):
            name = (VIDEO4LINUX / f"video{number}" / "name").read_text(errors="replace").strip()
            yield CameraDevice(number, name or f"camera {number}")


def _captures_video(device: Path) -> bool:
    import fcntl

    # struct v4l2_capability: driver[16], card[32], bus_info[32], version, capabilities, device_caps, reserved[3]
    answer = bytearray(104)
    try:
        with device.open("rb", buffering=0) as file:
            fcntl.ioctl(file, _QUERY_CAPABILITIES, answer)
    except OSError:
        return False
    return bool(int.from_bytes(answer[88:92], sys.byteorder) & _CAPTURES_VIDEO)


def _probed_devices() -> Iterator[CameraDevice]:
    """Cameras found by trying, where the system does not name them."""
    with quiet_opencv():
        for number in range(_N_PROBED):
            capture = cv2.VideoCapture(number, cv2.CAP_ANY)
            if capture.isOpened():
                yield CameraDevice(number, f"camera {number}")
            capture.release()


@contextlib.contextmanager
def quiet_opencv() -> Iterator[None]:
    """OpenCV tells the terminal of every camera that it fails to open; we say it in one line."""
    level = cv2.getLogLevel()
    cv2.setLogLevel(_SILENT)
    try:
        yield
    finally:
        cv2.setLogLevel(level)
