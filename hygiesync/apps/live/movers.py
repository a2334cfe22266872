"""What moves a still picture live: the mesh, or a learnt model."""

from __future__ import annotations

import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.face.landmarks import LandmarkDetector
from hygiesync.first_order.animation import N_SIDE_BY_SIDE, MovingPicture
from hygiesync.first_order.crop import Square
from hygiesync.first_order.face_crop import AUTO, chosen_square
from hygiesync.first_order.model import FirstOrderModel
from hygiesync.first_order.pasting import Pasting
from hygiesync.live.driven import Mover
from hygiesync.pipelines.animation_methods import AnimationMethod, animation_method
from hygiesync.portrait.driving import DrivingFrame
from hygiesync.portrait.face_selection import chosen_face
from hygiesync.portrait.transfer import TransferOptions
from hygiesync.weights import FIRST_ORDER_FACE

FIRST_ORDER = "first-order"


def open_mover(picture: NDArray[np.uint8], name: Path, method: str) -> Mover:
    """A mover of a picture (h, w, 3), uint8, RGB.

    Parameters
    ----------
    picture : ndarray
    name : Path
        Its file, for messages.
    method : str
        As :func:`hygiesync.pipelines.animation_methods.animation_method` has it.

    Raises
    ------
    InputError, UsageError
        When there is no such method, its model can't be used, or the picture shows no face where one is needed.
    """
    kind, _, folder = method.partition(":")
    if kind == FIRST_ORDER:
        return _LearntMover(FirstOrderModel.load(folder or FIRST_ORDER_FACE), picture, name)
    return _FaceMover(animation_method(method), picture, name)


class _LearntMover:
    """A model moves the square that it sees of the picture, whatever it shows."""

    n_workers = N_SIDE_BY_SIDE

    def __init__(self, model: FirstOrderModel, picture: NDArray[np.uint8], name: Path) -> None:
        self._model, self._picture = model, picture
        square = chosen_square(picture, AUTO, str(name))
        self._cut = square.cut(picture, model.size)
        self.size = (picture.shape[1], picture.shape[0])
        self._pasting = Pasting(*self.size, square)
        self._led: tuple[MovingPicture, Square] | None = None
        self._lock = threading.Lock()

    def begin_anew(self) -> None:
        self._led = None

    def close(self) -> None:
        """Nothing to close."""

    def __call__(self, image: NDArray[np.uint8], time_s: float) -> NDArray[Any]:
        with self._lock:  # the first of two frames that come together leads
            led = self._led = self._led or self._beginning(image)
        moving, square = led
        made = moving.draw(moving.target(self._model.points(square.cut(image, self._model.size)), time_s))
        return self._pasting.paste(self._picture, made)

    def _beginning(self, image: NDArray[np.uint8]) -> tuple[MovingPicture, Square]:
        square = chosen_square(image, AUTO, "the camera")
        reference = self._model.points(square.cut(image, self._model.size))
        return MovingPicture(self._model, self._cut, reference=reference), square


class _FaceMover:
    """A method that goes by a face's landmarks."""

    n_workers = 1

    def __init__(self, method: AnimationMethod, picture: NDArray[np.uint8], name: Path) -> None:
        self._method, self._picture = method, picture
        self._landmarks = chosen_face(picture, name)
        self.size = (picture.shape[1], picture.shape[0])
        self._detector = LandmarkDetector()
        self._draw: Callable[[DrivingFrame], NDArray[Any]] | None = None

    def begin_anew(self) -> None:
        self._draw = None

    def close(self) -> None:
        self._detector.close()

    def __call__(self, image: NDArray[np.uint8], time_s: float) -> NDArray[Any] | None:
        landmarks = self._detector.detect_in_depth(image)
        if landmarks is None:
            return None
        frame = DrivingFrame(image, Fraction(time_s), landmarks, is_seen=True)
        draw = self._draw
        if draw is None:
            draw = self._draw = self._method.animator(self._picture, self._landmarks, frame, TransferOptions())
        return draw(frame)
