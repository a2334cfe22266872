"""Made people for tests of who is followed: drawn ones, which need no detector, and photographs that speak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from hygiesync.face.landmarks import N_LANDMARKS
from hygiesync.face.topology import LEFT_EYE_OUTER, RIGHT_EYE_OUTER
from hygiesync.synthetic.portrait import Portrait

SCENE = (240, 480)
_NOSE_TIP = 4


@dataclass(frozen=True)
class Drawn:
    """Somebody at a place: seeds of different people give different faces."""

    seed: int
    x: float
    width: float = 80.0
    turn: float = 0.0
    y: float = 120.0

    def landmarks(self) -> np.ndarray:
        points = np.random.default_rng(0).uniform(-0.5, 0.5, (N_LANDMARKS, 3))
        points[0], points[1] = (-0.5, -0.5, 0), (0.5, 0.5, 0)
        points[RIGHT_EYE_OUTER], points[LEFT_EYE_OUTER] = (-0.25, -0.1, 0), (0.25, -0.1, 0)
        points[_NOSE_TIP] = (0.5 * self.turn, 0.1, 0)
        return points * self.width + (self.x, self.y, 0)

    def texture(self) -> np.ndarray:
        noise = np.random.default_rng(self.seed).uniform(0, 255, (7, 7, 3)).astype(np.float32)
        side = round(1.3 * self.width)
        return np.clip(cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)


def draw(people: Sequence[Drawn], seed: int = 0) -> tuple[np.ndarray, list[np.ndarray]]:
    """A picture with noise, the last ones in front, and the landmarks of each face."""
    random = np.random.default_rng(seed)
    image = random.integers(100, 130, (*SCENE, 3)).astype(np.uint8)
    for person in people:
        texture = person.texture()
        top, left = round(person.y - len(texture) / 2), round(person.x - len(texture) / 2)
        seen = image[max(top, 0) : top + len(texture), max(left, 0) : left + len(texture)]
        seen[:] = texture[max(-top, 0) :, max(-left, 0) :][: seen.shape[0], : seen.shape[1]]
    noisy = np.clip(image.astype(int) + random.integers(-4, 5, image.shape), 0, 255).astype(np.uint8)
    return noisy, [person.landmarks() for person in people]


class Speaker:
    """A photograph that speaks, as one of several people: mirrored and in other colours, each is somebody else."""

    _TINTS = (
        np.eye(3),
        np.array([[0.8, 0.2, 0], [0.1, 0.8, 0], [0, 0.2, 0.6]]),
        np.array([[0.5, 0.2, 0], [0.2, 0.6, 0.1], [0, 0.3, 0.9]]),
    )

    def __init__(self, number: int, size: int = 160) -> None:
        self._portrait = Portrait(size)
        self._is_mirrored, self._tint = number % 2 == 1, self._TINTS[number]

    def picture(self, opening: float) -> np.ndarray:
        """The face with its mouth opened so far, 0 to 1."""
        image, _ = self._portrait.render(opening, 0, 0, np.array([[1.0, 0, 0], [0, 1, 0]]))
        if self._is_mirrored:
            image = image[:, ::-1]
        return np.ascontiguousarray(cv2.transform(image, self._tint))
