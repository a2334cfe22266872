"""Talking faces without end, from portraits in the public domain: what the shipped face model learns from.

Each clip is one portrait made into somebody else, by a smooth deformation and other colours, and then moved by the
mesh method: the head turns, nods and tilts, eyes blink, the mouth speaks. Nobody was filmed for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.extras import imports_of
from hygiesync.face.landmarks import find_faces, mesh_triangles, person_matte
from hygiesync.first_order.crop import Square, bounds
from hygiesync.media.images import read_still, write_png
from hygiesync.portrait.body import BodyMotion
from hygiesync.portrait.driving import DrivingFrame
from hygiesync.portrait.head import HeadMotion, pivot_of, rotation_of
from hygiesync.portrait.layers import Layers
from hygiesync.portrait.mouth import LentMouth
from hygiesync.portrait.painter import PortraitPainter
from hygiesync.portrait.parts import EYES, LIP_RINGS, eye_distance
from hygiesync.portrait.transfer import MotionTransfer
from hygiesync.progress import Progress
from hygiesync.synthetic.portrait import Portrait

N_FRAMES = 40
"""Of a clip."""

_SIDE = 512
"""Pixels that portraits are drawn in."""

_MAX_TURN_DEGREES = np.array([7.0, 10.0, 5.0])
"""About the x, y and z axis: nodding, turning, tilting."""

_MAX_SHIFT, _MAX_ZOOM = 0.15, 0.05
"""Of the head: in eye distances, and as a part of its size."""


def make_faces(folder: Path, size: int, n_train: int, n_test: int, progress: Progress | None = None) -> None:
    """Write clips as folders of frames into ``train`` and ``test``; the same arguments give the same clips.

    Parameters
    ----------
    folder : Path
    size : int
        Side of the frames, pixels.
    n_train, n_test : int
        How many clips.
    progress : callable, optional
    """
    report = progress or (lambda *_: None)
    portraits, talker = _portraits(), Portrait(_SIDE)
    for number in range(n_train + n_test):
        rng = np.random.default_rng((1, number))
        part = "train" if number < n_train else "test"
        place = folder / part / f"face{number:04d}"
        frames = _clip(portraits[number % len(portraits)], talker, size, rng)
        for k, frame in enumerate(frames):
            place.mkdir(parents=True, exist_ok=True)
            write_png(place / f"{k:06d}.png", frame)
        report("drawing faces", number + 1, n_train + n_test, "")


def _portraits() -> list[NDArray[np.uint8]]:
    """The astronaut Eileen Collins (NASA) and Rear Admiral Grace Hopper (US Navy), in the public domain."""
    with imports_of("demo", "portraits in the public domain"):
        from matplotlib import cbook
        from skimage import data
    astronaut = np.asarray(data.astronaut())[:300, 60:360]
    file = Path(cbook._get_data_path("sample_data", "grace_hopper.jpg"))
    hopper = read_still(file)[:480, 20:500]
    return [
        np.asarray(cv2.resize(np.ascontiguousarray(picture), (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC), np.uint8)
        for picture in (astronaut, hopper)
    ]


def _clip(
    portrait: NDArray[np.uint8], talker: Portrait, size: int, rng: np.random.Generator
) -> Iterator[NDArray[np.uint8]]:
    """Frames (size, size, 3) of one person who never was; none where no face is found any more."""
    image = _somebody_else(portrait, rng)
    faces = find_faces(image)
    if len(faces) != 1:
        return
    face, triangles = faces[0], mesh_triangles()
    matte = person_matte(image)
    painter = PortraitPainter(image, face, Layers.from_picture(image, matte, face), triangles)
    transfer, mouth = MotionTransfer(face, face, 1.0), LentMouth(np.diag(rng.uniform(0.7, 1.1, 3)))
    body = BodyMotion(image, face, matte, face, triangles)
    square = Square.around(bounds(face), _SIDE, _SIDE)
    waves = _Waves(rng)
    still = np.array([[1.0, 0, 0], [0, 1, 0]])
    for number in range(N_FRAMES):
        opening = max(0.0, waves(number, 0)) ** 1.5
        move = _moved(face, waves, number, opening)
        target = body.carry(transfer(move), DrivingFrame(image, Fraction(number, 25), move, is_seen=True))
        speaking, points = talker.render(opening, 0.3 * waves(number, 1), 0.0, still)
        points = np.concatenate([points, np.zeros((len(points), 1))], 1)
        yield square.cut(painter.render(target, mouth.lend(speaking, points)), size)


class _Waves:
    """Smooth random courses between -1 and 1, by number."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rates, self._phases = rng.uniform(0.1, 0.5, (10, 2)), rng.uniform(0, 2 * np.pi, (10, 2))
        self.sizes = rng.uniform(0.3, 1.0, 10)

    def __call__(self, frame: int, which: int) -> float:
        return float(np.sin(self._rates[which] * frame + self._phases[which]).mean() * self.sizes[which] * 1.5)


def _moved(face: FloatArray, waves: _Waves, number: int, opening: float) -> NDArray[np.float64]:
    """The face's landmarks (478, 3) at a moment."""
    unit = float(eye_distance(face))
    moved = face.copy()
    moved[LIP_RINGS[:, 1:10], 1] += 0.22 * unit * opening
    closing = max(0.0, waves(number, 2)) ** 2
    for ring in EYES:
        moved[list(ring[9:]), 1] += 0.1 * unit * closing
    turn = rotation_of(_MAX_TURN_DEGREES * [waves(number, k) for k in (3, 4, 5)])
    shift = np.array([waves(number, 6), waves(number, 7), 0.0]) * _MAX_SHIFT * unit
    zoom = 1 + _MAX_ZOOM * waves(number, 8)
    return HeadMotion(turn, zoom, pivot_of(face, unit), shift).apply(moved)


def _somebody_else(portrait: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A portrait with other proportions, colours and light; it may be mirrored."""
    picture = portrait[:, ::-1] if rng.random() < 0.5 else portrait
    y, x = np.mgrid[:_SIDE, :_SIDE].astype(np.float32)
    coarse = rng.normal(0, 14, (2, 5, 5)).astype(np.float32)
    bend = [cv2.resize(part, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC) for part in coarse]
    middle = _SIDE / 2
    stretch = rng.uniform(0.88, 1.12, 2)
    places = ((x - middle) * stretch[0] + middle + bend[0], (y - middle) * stretch[1] + middle + bend[1])
    bent = cv2.remap(
        np.ascontiguousarray(picture), places[0].astype(np.float32), places[1].astype(np.float32), cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101,
    )  # fmt: skip
    values = bent.astype(np.float32) / 255
    values = values ** float(np.exp(rng.normal(0, 0.3))) * rng.uniform(0.75, 1.15, 3).astype(np.float32)
    grey = values.mean(-1, keepdims=True)
    values = grey + (values - grey) * float(rng.uniform(0.0, 1.4))
    light = cv2.resize(
        rng.uniform(0.75, 1.25, (3, 3)).astype(np.float32), (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC
    )
    return np.asarray((values * light[..., None]).clip(0, 1) * 255, np.uint8)
