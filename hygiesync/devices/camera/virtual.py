"""Pictures for video calls: a camera that other programs see, which the system must bring.

pyvirtualcam (the extra `vcam`) hands pictures to it: v4l2loopback on Linux, the one of OBS elsewhere.
"""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.devices.window.layout import fit
from hygiesync.devices.window.scaling import resized
from hygiesync.errors import MissingDependencyError
from hygiesync.extras import imports_of

# Browsers offer only cameras that don't say that they can be written to as well.
_LINUX_FIX = "run `sudo apt-get install -y v4l2loopback-dkms && sudo modprobe v4l2loopback exclusive_caps=1`"
_OTHER_FIX = "install OBS Studio (https://obsproject.com) and start its virtual camera once"


class VirtualCamera:
    """A camera that other programs can choose, and that shows what it is handed.

    Parameters
    ----------
    width, height : int
        Of its pictures, in pixels. An odd one becomes the next even one: colours are kept by squares of 2 x 2 pixels.
    fps : float
        About how many pictures a second will come.

    Attributes
    ----------
    device : str
        Its name, for people.

    Raises
    ------
    MissingDependencyError
        Without pyvirtualcam, or where the system has no such device.
    """

    def __init__(self, width: int, height: int, fps: float):
        with imports_of("vcam", "a virtual camera"):
            import pyvirtualcam
        self._size = width + width % 2, height + height % 2
        try:
            self._camera: Any = pyvirtualcam.Camera(*self._size, float(fps), fmt=pyvirtualcam.PixelFormat.RGB)
        except RuntimeError as error:
            reason = str(error).partition(". ")[0]  # the rest is advice for programmers
            fix = _LINUX_FIX if sys.platform.startswith("linux") else _OTHER_FIX
            raise MissingDependencyError(f"virtual camera: expected a device, and {reason}; {fix}") from error
        self.device = str(self._camera.device)

    def __enter__(self) -> VirtualCamera:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def show(self, picture: NDArray[np.uint8]) -> None:
        """Show a picture at once; one of another shape gets black bars.

        Parameters
        ----------
        picture : ndarray, shape (height, width, 3), uint8, RGB

        Raises
        ------
        MissingDependencyError
            When the device is gone.
        """
        try:
            self._camera.send(_fitted(picture, self._size))
        except RuntimeError as error:
            raise MissingDependencyError(f"virtual camera: {self.device} takes no more pictures ({error})") from error

    def close(self) -> None:
        """Let go of the device; again does nothing."""
        if self._camera is not None:
            self._camera.close()
            self._camera = None


def _fitted(picture: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """A picture of just this width and height, contiguous."""
    if (picture.shape[1], picture.shape[0]) == size:
        return np.ascontiguousarray(picture)
    place = fit((picture.shape[1], picture.shape[0]), size)
    framed = np.zeros((size[1], size[0], 3), np.uint8)
    framed[place.y : place.y + place.height, place.x : place.x + place.width] = resized(picture, place.size)
    return framed
