"""Where live pictures go: a window, a virtual camera, or nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hygiesync.devices.camera.virtual import VirtualCamera
from hygiesync.devices.window import Panel


class Screen(Protocol):
    """A context manager that pictures can be shown on, by the thread that entered it."""

    def __enter__(self) -> Screen:
        """Open it."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close it."""
        ...

    def show(self, picture: NDArray[Any], panels: Sequence[Panel] = ()) -> None:
        """Show a picture (H, W, 3), uint8, RGB, with text over it where text can be."""
        ...

    def poll(self) -> list[str]:
        """Actions that the user asked for since the last time."""
        ...


class Nowhere:
    """Shows nothing: for measuring, recording, and machines without a display."""

    def __enter__(self) -> Nowhere:
        return self

    def __exit__(self, *raised: object) -> None:
        """Nothing to close."""

    def show(self, picture: NDArray[np.uint8], panels: Sequence[Panel] = ()) -> None:
        """Nothing."""

    def poll(self) -> list[str]:
        """Nobody asks for anything."""
        return []


class CameraScreen:
    """Shows pictures on a virtual camera, without the text: it is what others see."""

    def __init__(self, camera: VirtualCamera) -> None:
        self._camera = camera

    def __enter__(self) -> CameraScreen:
        return self

    def __exit__(self, *raised: object) -> None:
        self._camera.close()

    def show(self, picture: NDArray[Any], panels: Sequence[Panel] = ()) -> None:
        """Show the picture."""
        self._camera.show(picture)

    def poll(self) -> list[str]:
        """A camera has no keys."""
        return []
