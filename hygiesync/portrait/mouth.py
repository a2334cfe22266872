"""The inside of the mouth, lent by the driving face.

Teeth and tongue of a picture with closed lips are nowhere to be seen. The driving video has them, in every frame and
moving as they should. What it shows between the lips is carried to the slit between the source's lips, in the light
and the depth of colour of the source's own skin, and darkened along the lips, which shade it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.topology import INNER_LIPS
from hygiesync.portrait.masks import cover, mix
from hygiesync.portrait.measures import mouth_opening
from hygiesync.portrait.parts import LIP_RINGS, ring_triangles
from hygiesync.portrait.transfer import FaceTarget
from hygiesync.rendering.grid import NodeGrid, Target
from hygiesync.rendering.warp import Box

_SKIN = (50, 280, 205, 425, 36, 266, 117, 346, 4, 6)
"""Points of cheeks and nose, whose skin shows the light."""

_SKIN_REACH = 0.06
"""Half width of what is looked at around each, in eye distances."""

_SHRINK = (0.12, 0.4)
"""How far the seen inside keeps away from the driving lips, as a part of the gap: of a wide and of a narrow one.

The blurred edge of a lip takes up much of a narrow gap.
"""

_CONTRAST = (0.5, 2.0)
"""How much darker than it is what lies in the dark becomes, in a wide and in a narrow gap, as a power of its light.

Beside another face's dark lips a mouth's inside is dark; beside this one's light lips, or a statue's, it has to be
darker to be seen as one. Teeth are nearly as light as skin, and stay so.
"""

_LEAST_LIGHT = 0.3
"""Light that is left by it: a black hole would look cut out."""

_NARROW, _WIDE = 0.06, 0.16
"""Gaps, in eye distances, up to which they are narrow and from which they are wide."""

_SHADE, _SHADE_REACH = 0.4, 0.16
"""Light right at the lips, and how far they shade, in heights of the gap."""

_MIN_GAP = 0.008
"""A gap under this, in eye distances, shows nothing."""


@dataclass(frozen=True)
class SkinLight:
    """How light and how colourful a face is, and in which hue.

    Attributes
    ----------
    colour : ndarray, shape (3,), float64
        Median of its skin, YCrCb with 128 taken off the colour differences.
    """

    colour: NDArray[np.float64]

    @classmethod
    def from_face(cls, image: NDArray[np.uint8], landmarks: FloatArray, unit: float) -> SkinLight:
        """Light on a face with `landmarks` (478, 2 or 3) in `image` (H, W, 3), uint8, RGB, eyes `unit` pixels apart."""
        reach = max(1, round(_SKIN_REACH * unit))
        boxes = [Box.around(landmarks[[point], :2], image.shape[:2], reach) for point in _SKIN]
        pixels = np.concatenate([image[box.slices].reshape(-1, 3) for box in boxes] or [image.reshape(-1, 3)])
        if not len(pixels):
            return cls(np.array([128.0, 0.0, 0.0]))
        converted = cv2.cvtColor(pixels[None], cv2.COLOR_RGB2YCrCb)[0].astype(np.float64)
        return cls(np.median(converted, axis=0) - (0, 128, 128))

    @classmethod
    def from_colour(cls, colour: FloatArray) -> SkinLight:
        """Light in which skin has a `colour` (3,), RGB, 0 to 255."""
        return cls(_FROM_RGB @ colour)

    def to(self, other: SkinLight) -> NDArray[np.float64]:
        """Matrix (3, 3) that takes RGB colours in this light to those in `other`.

        Colours become as strong as the other skin's, and then each channel is as light as there: what is white under
        this light takes the other's tint, and beside a grey skin everything is grey.
        """
        ratio = np.linalg.norm(other.colour[1:]) / max(float(np.linalg.norm(self.colour[1:])), 1.0)
        strength = float(np.clip(ratio, 0.0, 1.2))
        own = _TO_RGB @ (self.colour * (1, strength, strength))
        gain = np.clip(_TO_RGB @ other.colour / np.maximum(own, 1.0), 0.2, 1.6)
        return gain[:, None] * (_TO_RGB @ (np.array([[1], [strength], [strength]]) * _FROM_RGB))


_FROM_RGB = np.array([[0.299, 0.587, 0.114], [0.5, -0.418688, -0.081312], [-0.168736, -0.331264, 0.5]])
_TO_RGB = np.linalg.inv(_FROM_RGB)


class MouthPainter(Protocol):
    """Whatever paints the inside of a mouth."""

    def __call__(self, image: NDArray[Any], target: FaceTarget, origin: NDArray[Any]) -> None:
        """Paint into `image` (h, w, 3), uint8, RGB, in place.

        Parameters
        ----------
        image : ndarray
            The part of the picture whose corner is `origin` (2,), pixels.
        target : FaceTarget
            Where the face is in the picture.
        """
        ...


class LentMouth:
    """Paints the inside of a mouth from another face's.

    Parameters
    ----------
    colours : ndarray, shape (3, 3)
        What takes the driving video's colours to the source's, from :meth:`SkinLight.to`.
    """

    def __init__(self, colours: FloatArray) -> None:
        self._colours = colours.astype(np.float32)
        self._triangles = ring_triangles(tuple(range(len(INNER_LIPS))))

    def lend(self, driving_image: NDArray[np.uint8], driving: FloatArray) -> MouthPainter:
        """What paints the mouth of `driving` (478, 3) in `driving_image`; see :meth:`paint`."""

        def paint(image: NDArray[np.uint8], target: FaceTarget, origin: FloatArray) -> None:
            self.paint(image, target.landmarks[:, :2] - origin, driving_image, driving)

        return paint

    def paint(
        self, image: NDArray[np.uint8], landmarks: FloatArray, driving_image: NDArray[np.uint8], driving: FloatArray
    ) -> None:
        """Paint into `image`, in place, what the driving face shows between its lips.

        Parameters
        ----------
        image : ndarray, shape (H, W, 3), uint8, RGB
        landmarks : ndarray, shape (478, 2 or 3), pixels
            The face in `image`.
        driving_image : ndarray, shape (h, w, 3), uint8, RGB
        driving : ndarray, shape (478, 2 or 3), pixels
            The face in `driving_image`.
        """
        gap, driving_gap = float(mouth_opening(landmarks[:, :2])), float(mouth_opening(driving[:, :2]))
        # where the picture's own mouth is open and the driving one isn't, there is nothing to lend
        strength = np.clip(2.0 * driving_gap / max(gap, 1e-6) - 0.4, 0, 1) * np.clip(gap / _MIN_GAP - 0.5, 0, 1)
        ring, lender = landmarks[list(INNER_LIPS), :2], driving[list(INNER_LIPS), :2]
        box = Box.around(ring, image.shape[:2], 2)
        if strength <= 0 or box.width < 2 or box.height < 2:
            return
        narrow = float(np.clip((_WIDE - gap) / (_WIDE - _NARROW), 0, 1))
        lender = lender + _between(_SHRINK, narrow) * (_middle_line(lender) - lender)
        backward = Target(ring, self._triangles, NodeGrid(box, 1)).backward(lender, outside=tuple(lender.mean(0)))
        patch = cv2.remap(driving_image, backward, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        seen = cover(ring, box)
        height = max(2.0, float(np.ptp((_middle_line(ring) - ring)[:, 1])))
        depth = cv2.GaussianBlur(seen, (0, 0), max(0.6, _SHADE_REACH * height))
        light = _SHADE + (1 - _SHADE) * np.clip(2.2 * depth - 0.9, 0, 1)
        own_light = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY) / np.float32(_skin_around(driving_image, driving))
        light *= np.maximum(np.minimum(own_light, 1) ** np.float32(_between(_CONTRAST, narrow)), _LEAST_LIGHT)
        patch = cv2.transform(patch.astype(np.float32), self._colours) * light[..., None]
        share = np.float32(strength) * cv2.GaussianBlur(seen, (0, 0), 0.6)
        mix(image, box, np.clip(np.rint(patch), 0, 255).astype(np.uint8), share)


def _between(ends: tuple[float, float], share: float) -> float:
    return ends[0] + share * (ends[1] - ends[0])


def _skin_around(image: NDArray[np.uint8], landmarks: FloatArray) -> float:
    """Median grey level of the skin around the mouth in `image` (h, w, 3), uint8, RGB; at least 16."""
    height, width = image.shape[:2]
    x, y = np.rint(landmarks[LIP_RINGS[-1], :2]).astype(int).T
    skin = image[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)]
    return max(16.0, float(np.median(cv2.cvtColor(skin[None], cv2.COLOR_RGB2GRAY))))


def _middle_line(ring: FloatArray) -> NDArray[np.float64]:
    """For each point of a slit's ring (20, 2) the middle between it and the one opposite."""
    return 0.5 * (ring + ring[-np.arange(len(ring))])
