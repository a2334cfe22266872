"""Drawing a still picture in motion: milliseconds a picture, beside the least that any such drawing takes."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.apps.benchmarks.stopwatch import percentiles, seconds_of
from hygiesync.array_types import FloatArray
from hygiesync.errors import InputError
from hygiesync.face.landmarks import find_faces, mesh_triangles, person_matte
from hygiesync.portrait.body import BodyMotion
from hygiesync.portrait.driving import DrivingFrame
from hygiesync.portrait.head import HeadMotion, pivot_of, rotation_of
from hygiesync.portrait.layers import Layers
from hygiesync.portrait.mouth import LentMouth
from hygiesync.portrait.painter import PortraitPainter
from hygiesync.portrait.parts import EYES, LIP_RINGS, eye_distance
from hygiesync.portrait.transfer import MotionTransfer

SIZE = 512
N_PICTURES = 100


def measure_animate(picture: NDArray[np.uint8]) -> dict[str, Any]:
    """Draw a picture (H, W, 3), uint8, RGB, at 512 x 512 with its head turning, its eyes blinking, its mouth speaking.

    Returns
    -------
    dict
        ``frame_ms`` and ``remap_ms`` (one bicubic cv2.remap of the whole picture), each as percentiles,
        ``frame_p50_to_remap_p50`` and ``pictures_per_s``.

    Raises
    ------
    InputError
        When the picture shows no face.
    """
    image = cv2.resize(picture, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    faces = find_faces(image)
    if not faces:
        raise InputError("bench: the avatar's idle loop shows no face to animate; train it again")
    face = faces[0]
    layers = Layers.from_picture(image, person_matte(image), face)
    painter = PortraitPainter(image, face, layers, mesh_triangles())
    transfer, mouth = MotionTransfer(face, face, 1.0), LentMouth(np.eye(3))
    body = BodyMotion(image, face, person_matte(image), face, mesh_triangles())
    moves = [_moved(face, number) for number in range(N_PICTURES)]
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    somewhere = np.stack([x + 3 * np.sin(y / 40), y + 3 * np.cos(x / 40)], -1)

    def draw(move: FloatArray) -> None:
        target = body.carry(transfer(move), DrivingFrame(image, Fraction(0), move, True))
        painter.render(target, mouth.lend(image, move))

    frame_s = _times([partial(draw, move) for move in moves])
    remap_s = _times([partial(cv2.remap, image, somewhere, None, cv2.INTER_CUBIC)] * N_PICTURES)
    frame, remap = percentiles(frame_s, 1e3), percentiles(remap_s, 1e3)
    return {
        "frame_ms": frame,
        "remap_ms": remap,
        "frame_p50_to_remap_p50": frame["p50"] / remap["p50"],
        "pictures_per_s": 1000 / frame["p50"],
    }


def _moved(face: FloatArray, number: int) -> NDArray[np.float64]:
    """The face (478, 3) in one of many positions."""
    unit = float(eye_distance(face))
    moved = face.copy()
    moved[LIP_RINGS[:, 1:10], 1] += 0.12 * unit * (1 + np.sin(number / 3))
    for ring in EYES:
        moved[list(ring[9:]), 1] += 0.04 * unit * (1 + np.sin(number / 5))
    turn = rotation_of(np.array([8 * np.sin(number / 11), 5 * np.sin(number / 7), 3 * np.sin(number / 13)]))
    return HeadMotion(turn, 1.0, pivot_of(face, unit), np.zeros(3)).apply(moved)


def _times(works: list[Callable[[], Any]]) -> list[float]:
    """Seconds that each takes, after some of them were done without a watch."""
    for work in works[:5]:
        work()
    return [seconds_of(work) for work in works]
