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
from hygiesync.portrait.parts import LIP_RINGS
from hygiesync.portrait.slit import Slit
from hygiesync.portrait.transfer import FaceTarget
from hygiesync.rendering.warp import Box

_SKIN = (50, 280, 205, 425, 36, 266, 117, 346, 4, 6)
"""Points of cheeks and nose, whose skin shows the light."""

_SKIN_REACH = 0.06
"""Half width of what is looked at around each, in eye distances."""

_AROUND_MOUTH = 0.02
"""Half width of what is averaged at each point around the mouth, in eye distances."""

_DARKEST_SKIN = 0.8
"""Share of a face's light that skin around its mouth has at least: of thirteen pictures the beardless had more."""

_CONTRAST = (1.25, 1.4)
"""How much darker than it is what lies in the dark becomes, in a wide and in a narrow gap, as a power of its light.

Beside another face's dark lips a mouth's inside is dark; beside this one's light lips, or a statue's, it has to be
darker to be seen as one. Teeth are nearly as light as skin, and stay so.
"""

_HUELESS = 16.0
"""Level added to colours before they are divided."""

_TOOTH, _WHITE = (0.9, 1.25), 0.6
"""Lights, 1 as skin, between which teeth begin; and how much of its colour a tooth loses."""

_LEAST_LIGHT = 0.25
"""Light that is left by it: a black hole would look cut out."""

_UNBLOCKED_PX = 0.7
_SHARPER, _SHARPER_OVER = 0.9, 0.03
"""How much detail is added to what is enlarged to twice its size; how fine it is, in widths of the driving mouth."""

_NARROW, _WIDE = 0.06, 0.16
"""Gaps, in eye distances, up to which they are narrow and from which they are wide."""

_SHADE = (0.35, 0.6)
"""Light right behind the upper and the lower lip: most light comes from above."""

_SHADE_REACH = (0.1, 0.05)
"""How far either shades, in widths of the mouth."""

_SHADED = 0.22
"""How far either shades at most, as a part of the gap."""

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

    @staticmethod
    def share_around_mouth(image: NDArray[np.uint8], landmarks: FloatArray, unit: float) -> float:
        """Share of the face's light that there is around its mouth; parameters as in :meth:`from_face`.

        A face that is lit from above is darker there, and teeth in the light of its forehead would shine. What is
        darker still is a beard.
        """
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        size = 2 * max(1, round(_AROUND_MOUTH * unit)) + 1
        near = _at(cv2.blur(grey, (size, size)), landmarks[LIP_RINGS[-1], :2])
        usual = SkinLight.from_face(image, landmarks, unit).colour[0]
        return float(np.clip(np.median(near) / max(float(usual), 1.0), _DARKEST_SKIN, 1.0))

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


def without_green(colours: NDArray[Any]) -> NDArray[Any]:
    """Colours (..., 3), RGB, none of them green: teeth white in one light would be, beside a yellowed face."""
    plain = colours.copy()
    np.minimum(plain[..., 1], np.maximum(plain[..., 0], plain[..., 2]), out=plain[..., 1])
    return plain


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
        slit, own = Slit(lender), Slit(ring)
        y, x = np.mgrid[box.top : box.bottom, box.left : box.right].astype(np.float32)
        across, below_upper, above_lower = own.place(x, y)
        backward = slit.seen_at(across, below_upper, above_lower, own.width, narrow)
        patch = _patch(driving_image, backward, slit.width, own.width)
        seen = cover(ring, box)
        light: NDArray[Any] = np.ones(seen.shape)
        for depth, shade, reach in zip((below_upper, above_lower), _SHADE, _SHADE_REACH, strict=True):
            far = np.minimum(reach * own.width, _SHADED * np.maximum(below_upper + above_lower, 1.0))
            light *= 1 - (1 - shade) * np.exp(-np.maximum(depth, 0) / far)
        own_light = _light_of(patch, _skin_around(driving_image, driving))
        light *= np.maximum(np.minimum(own_light, 1) ** np.float32(_between(_CONTRAST, narrow)), _LEAST_LIGHT)
        colours: NDArray[Any] = without_green(cv2.transform(patch, self._colours))
        # what is lighter than skin is a tooth, and takes the tint of the light, but not of the other's skin
        tooth = _WHITE * np.clip((own_light - _TOOTH[0]) / (_TOOTH[1] - _TOOTH[0]), 0, 1)[..., None]
        grey = cv2.cvtColor(colours.astype(np.float32), cv2.COLOR_RGB2GRAY)[..., None]
        colours = (colours + tooth * (grey - colours)) * light[..., None]
        share = np.float32(strength) * cv2.GaussianBlur(seen, (0, 0), 0.6)
        mix(image, box, np.clip(np.rint(colours), 0, 255).astype(np.uint8), share)


def _patch(
    image: NDArray[np.uint8], backward: NDArray[np.float32], width: float, shown_width: float
) -> NDArray[np.float32]:
    """What `image` shows at places (h, w, 2), float32, with the detail that enlarging takes away.

    The mouth is `width` pixels wide there, and `shown_width` here.
    """
    box = Box.around(backward.reshape(-1, 2), image.shape[:2], 4)
    # without the blocks of its compression, which would be sharpened, too
    part = cv2.GaussianBlur(image[box.slices], (0, 0), _UNBLOCKED_PX).astype(np.float32)
    sharper = _SHARPER * np.clip(shown_width / width - 0.8, 0, 1)
    part += sharper * (part - cv2.GaussianBlur(part, (0, 0), max(0.8, _SHARPER_OVER * width)))
    place = backward - box.origin.astype(np.float32)
    return np.clip(cv2.remap(part, place, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), 0, 255)


def _between(ends: tuple[float, float], share: float) -> float:
    return ends[0] + share * (ends[1] - ends[0])


def _skin_around(image: NDArray[np.uint8], landmarks: FloatArray) -> NDArray[np.float32]:
    """Median colour (3,) of the skin around the mouth in `image` (h, w, 3), uint8, RGB."""
    skin = _at(image, landmarks[LIP_RINGS[-1], :2])
    return np.median(skin, axis=0).astype(np.float32)


def _at(image: NDArray[np.uint8], points: FloatArray) -> NDArray[np.uint8]:
    """Pixels (n, ...) of an image (h, w, ...) at points (n, 2), or at its edge where they lie beyond it."""
    height, width = image.shape[:2]
    x, y = np.rint(points).astype(int).T
    return image[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)]


def _light_of(patch: NDArray[np.float32], skin: NDArray[np.float32]) -> NDArray[np.float32]:
    """How light (h, w), 1 as skin, teeth would be in a patch's place, beside skin of that colour.

    A tongue in full light is as light as a tooth in the shade. Flesh swallows green, though: what is redder than skin
    counts as darker by as much.
    """
    light = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY) / max(float(_FROM_RGB[0] @ skin), _HUELESS)
    # dark colours have no hue
    red, green = patch[..., 0] + _HUELESS, patch[..., 1] + _HUELESS
    redness = red / green * ((skin[1] + _HUELESS) / (skin[0] + _HUELESS))
    return np.maximum(light / np.maximum(redness, 1), 0).astype(np.float32)
