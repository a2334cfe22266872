"""The inside of a mouth that the picture doesn't show: teeth, tongue and the dark behind them.

They are drawn once in *mouth coordinates*: the middle of the closed lips is the origin, and half the mouth's width the
unit. The upper teeth stand still in the head; the lower ones and the tongue go with the jaw. All is in the light and
the depth of colour of the picture's own skin, as soft as the picture, and shaded by the lips. A picture that smiles
with its own teeth keeps them.

Sizes are those of an average mouth, 50 mm wide, so that the unit is 25 mm: incisors 8.5 and 6.5 mm wide (0.34, 0.26),
10 mm high (0.42), seen 3 to 4 mm below the upper lip's edge in speech (0.15). A row of teeth is bright by a product,

    light(x, y) = brightness * groove * sides * body

    groove = 1 - 0.2 exp(-(d / 0.02)^2)                           d: distance to the border between two teeth
    sides  = 1 - 0.62 min(|x| / 1.05, 1)^2                        towards the cheeks
    body   = 1 - 0.08 exp(-(e / 0.05)^2) - 0.15 min(e / h, 1)^2   e: distance to the biting edge, h: the tooth's height

with lengths in mouth coordinates; the lips' shade on all of it is ``s + (1 - s) * clip(2.2 c - 0.9, 0, 1)``, where `c`
is how much of the surroundings, a Gaussian 0.09 wide, lies between the lips, and `s` the light right at them.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.topology import INNER_LIP_BOTTOM, INNER_LIP_TOP, INNER_LIPS
from hygiesync.portrait.head import HeadMotion
from hygiesync.portrait.masks import cover, mix
from hygiesync.portrait.mouth import SkinLight, without_green
from hygiesync.portrait.parts import eye_distance
from hygiesync.portrait.speaking.articulation import jaw_share
from hygiesync.portrait.speaking.talking_face import TalkingFace
from hygiesync.portrait.transfer import FaceTarget
from hygiesync.rendering.warp import Box

_TOP, _BOTTOM, _SIDE = -0.75, 1.0, 1.15
"""Extent of what is drawn, in mouth coordinates."""

_UPPER_WIDTHS = (0.34, 0.26, 0.27, 0.2, 0.17, 0.14)
_LOWER_WIDTHS = (0.21, 0.22, 0.25, 0.22, 0.2, 0.18)
"""Teeth from the middle to either side, as wide as they look from the front."""

_UPPER_EDGE, _UPPER_BEND = 0.15, 0.13
"""Height of the upper teeth's edge in the middle, and how much higher it is at the side."""

_UPPER_HEIGHT, _LOWER_HEIGHT = 0.42, 0.36
_LOWER_EDGE, _LOWER_BEND = 0.03, -0.05
_ROUNDNESS = 0.05
_GROOVE, _GROOVE_WIDTH = 0.2, 0.02
"""How much darker it is between two teeth, and how wide."""

_SKIN = np.array([205.0, 160.0, 142.0])
_TEETH, _TONGUE = np.array([208.0, 187.0, 166.0]), np.array([168.0, 92.0, 90.0])
_GUMS, _DARK = np.array([168.0, 92.0, 92.0]), np.array([38.0, 14.0, 14.0])
_LIP_LINE = np.array([140.0, 72.0, 70.0])
"""Colours beside a skin of `_SKIN` in the same light, RGB."""

_LOWER_LIGHT = 0.62
"""Light on the lower teeth, which the upper ones and the lip shade."""

_SIDE_SHADE = 0.62
"""How much light teeth lose towards the cheeks."""

_SOFTNESS = 0.018
"""Blur of what is drawn, in mouth coordinates: nothing in there is in sharper focus than the lips."""

_LIP_SHADE, _OWN_SHADE, _LIP_REACH = 0.3, 0.5, 0.09
"""Light right at the lips, beside teeth that are made and beside the picture's own, which have shade in them already;
and how far lips shade, in mouth coordinates."""

_OPEN_FROM, _OWN_TEETH_FROM = 0.03, 0.08
"""Gap between the picture's own lips, in outer-eye distances, from which they are open, and show teeth."""

_OWN_MARGIN = 0.045
_LINE, _LINE_COVER = 0.035, 0.45
"""The line between closed lips that were open in the picture: its width in mouth coordinates, and how dark it is."""

_RIM = 0.03
"""How far what is between open lips is seen beyond their edges, in mouth coordinates."""

_MIN_PX = 2.0


class MouthInterior:
    """Paints the inside of one picture's mouth.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), uint8, RGB
    landmarks : ndarray, shape (478, 3), pixels
    face : TalkingFace
        Of those landmarks.
    """

    def __init__(self, image: NDArray[np.uint8], landmarks: FloatArray, face: TalkingFace) -> None:
        self._face = face
        rest = face.articulation.rest[list(INNER_LIPS)]
        self._half = float(np.ptp(rest[:, 0])) / 2
        self._middle = 0.5 * (rest[0] + rest[10]) * (1, 0) + (0, face.articulation.rest[INNER_LIP_TOP, 1])
        self._lower_lip = face.to_picture(np.append(face.articulation.rest[INNER_LIP_BOTTOM], 0.0))
        self._unit_px = self._half * float(np.linalg.norm(face.axes[0]))
        self._scale = max(12.0, 1.5 * self._unit_px)
        unit = float(eye_distance(landmarks))
        light = SkinLight.from_colour(_SKIN).to(SkinLight.from_face(image, landmarks, unit))
        light = light * SkinLight.share_around_mouth(image, landmarks, unit)
        gap = float(np.linalg.norm(landmarks[INNER_LIP_BOTTOM] - landmarks[INNER_LIP_TOP])) / unit
        self._was_open = gap > _OPEN_FROM
        self._dark = np.clip(light @ _DARK, 0, 255)
        self._lip_line = np.clip(light @ _LIP_LINE, 0, 255)
        self._lower = self._drawn_lower(light)
        shows_teeth = gap > _OWN_TEETH_FROM
        self._shade = _OWN_SHADE if shows_teeth else _LIP_SHADE
        self._upper = self._own_teeth(image, landmarks, gap) if shows_teeth else self._drawn_upper(light)

    def without_teeth(self, image: NDArray[np.uint8], landmarks: FloatArray) -> NDArray[np.uint8]:
        """The picture (H, W, 3) with nothing but dark between its lips, so that no teeth stick to them when they move.

        Parameters
        ----------
        image : ndarray, shape (H, W, 3), uint8, RGB
        landmarks : ndarray, shape (478, 3), pixels
        """
        if not self._was_open:
            return image
        ring = landmarks[list(INNER_LIPS), :2]
        # what is between lips is also seen, blurred, beyond their edges
        rim = max(1, round(_RIM * self._unit_px))
        box = Box.around(ring, image.shape[:2], 4 + rim)
        bare = image.copy()
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * rim + 1, 2 * rim + 1))
        share = cv2.GaussianBlur(cv2.dilate(cover(ring, box), disc), (0, 0), 0.8)
        shape = (box.height, box.width, 3)
        mix(bare, box, np.broadcast_to(np.rint(self._lip_line), shape).astype(np.uint8), share)
        return bare

    def __call__(self, image: NDArray[np.uint8], target: FaceTarget, origin: FloatArray) -> None:
        """Paint into `image`, in place.

        Parameters
        ----------
        image : ndarray, shape (h, w, 3), uint8, RGB
            Part of the picture.
        target : FaceTarget
            Where the face is in the picture.
        origin : ndarray, shape (2,), pixels
            The part's corner in the picture.
        """
        ring = target.landmarks[list(INNER_LIPS), :2] - origin
        box = Box.around(ring, image.shape[:2], 2 + round(_LINE * self._unit_px))
        if box.width < _MIN_PX or box.height < _MIN_PX:
            return
        seen = cover(ring, box)
        jaw = self._jaw_shift(target)
        inside = np.broadcast_to(self._dark.astype(np.float32), (box.height, box.width, 3)).copy()
        for texture, shift in ((self._lower, jaw), (self._upper, 0.0)):
            matrix = self._to_picture(target, shift)
            matrix[:, 2] -= origin + box.origin
            layer = cv2.warpAffine(texture, matrix @ self._of_texture(), (box.width, box.height), flags=cv2.INTER_AREA)
            inside += layer[..., 3:] * (layer[..., :3] - inside)
        reach = _LIP_REACH * self._unit_px * target.head.scale
        depth = cv2.GaussianBlur(seen, (0, 0), max(0.6, reach))
        light = self._shade + (1 - self._shade) * np.clip(2.2 * depth - 0.9, 0, 1)
        inside = self._dark + light[..., None] * (inside - self._dark)
        share = cv2.GaussianBlur(seen, (0, 0), 0.6)
        if self._was_open:
            down = target.head.rotation[:2] @ self._face.axes[1]
            share = np.maximum(share, _LINE_COVER * self._line(ring, box, down / np.linalg.norm(down)))
        mix(image, box, np.clip(np.rint(inside), 0, 255).astype(np.uint8), share.astype(np.float32))

    def _line(self, ring: FloatArray, box: Box, down: FloatArray) -> NDArray[np.float32]:
        """Cover (h, w) of the line along which lips meet; `down` (2,) is where the chin is."""
        middle = 0.5 * (ring[:11] + ring[[0, *range(19, 9, -1)]])
        away = 0.5 * _LINE * self._unit_px * np.sin(np.linspace(0, np.pi, 11))[:, None] * down
        return cv2.GaussianBlur(cover(np.concatenate([middle - away, (middle + away)[::-1]]), box), (0, 0), 0.6)

    def _jaw_shift(self, target: FaceTarget) -> float:
        """How far the jaw has sunk, mouth coordinates."""
        head = target.head
        sunk = head.undo(target.landmarks[INNER_LIP_BOTTOM]) - self._lower_lip
        down = self._face.axes[1]
        return max(float(sunk @ down / (down @ down)) / self._half, 0.0)

    def _to_picture(self, target: FaceTarget, shift: float) -> NDArray[np.float64]:
        """Affine map (2, 3) of mouth coordinates, sunk by `shift`, to the picture."""
        x, y = self._middle
        corners = np.array([[x, y, 0.0], [x + self._half, y, 0.0], [x, y + self._half, 0.0]])
        corners[:, 1] += shift * self._half
        origin, right, down = target.head.apply(self._face.to_picture(corners))[:, :2]
        return np.column_stack([right - origin, down - origin, origin])

    def _of_texture(self) -> NDArray[np.float64]:
        """Map (3, 3) of texture pixels to mouth coordinates."""
        step = 1 / self._scale
        return np.array([[step, 0, -_SIDE + step / 2], [0, step, _TOP + step / 2], [0, 0, 1]])

    def _grid(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mouth coordinates x (1, w) and y (h, 1) of the texture's pixels."""
        width, height = (round(self._scale * extent) for extent in (2 * _SIDE, _BOTTOM - _TOP))
        x = (np.arange(width) + 0.5) / self._scale - _SIDE
        return x[None], ((np.arange(height) + 0.5) / self._scale + _TOP)[:, None]

    def _drawn_upper(self, light: NDArray[Any]) -> NDArray[Any]:
        x, y = self._grid()
        edge = _UPPER_EDGE - _UPPER_BEND * x**2
        return self._soft(_teeth(x, edge - y, _UPPER_WIDTHS, _UPPER_HEIGHT, light, 1.0))

    def _drawn_lower(self, light: FloatArray) -> NDArray[np.float32]:
        x, y = self._grid()
        teeth = _teeth(x, y - (_LOWER_EDGE + _LOWER_BEND * x**2), _LOWER_WIDTHS, _LOWER_HEIGHT, light, _LOWER_LIGHT)
        # the tongue lies behind the lower teeth, and is seen above them
        distance = np.hypot(x / 0.68, (y - 0.04) / 0.34)
        share = np.clip(4.0 * (1 - distance), 0, 1) * 0.9
        shade = np.clip(1.05 - 0.55 * distance - 0.12 * np.exp(-((x / 0.04) ** 2)), 0, 1)[..., None]
        tongue = np.dstack([(light @ _TONGUE) * shade, share])
        return self._soft(_over(teeth, tongue))

    def _soft(self, layer: FloatArray) -> NDArray[np.float32]:
        alpha = layer[..., 3:]
        sigma = max(0.5, _SOFTNESS * self._scale)
        blurred = cv2.GaussianBlur(np.dstack([layer[..., :3] * alpha, alpha]), (0, 0), sigma)
        colour = blurred[..., :3] / np.maximum(blurred[..., 3:], 1e-3)
        return np.dstack([colour, blurred[..., 3]]).astype(np.float32)

    def _own_teeth(self, image: NDArray[np.uint8], landmarks: FloatArray, gap: float) -> NDArray[np.float32]:
        """What the picture shows between its lips, `gap` eye distances apart, with a soft rim."""
        target = FaceTarget(landmarks, np.zeros((2, 16, 3)), HeadMotion.still(self._face.origin))
        matrix = self._to_picture(target, 0.0) @ self._of_texture()
        x, y = self._grid()
        size = x.shape[1], y.shape[0]
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        seen = cv2.warpAffine(image, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
        backward = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))
        ring = landmarks[list(INNER_LIPS), :2] @ backward[:2, :2].T + backward[:2, 2]
        alpha = cover(ring, Box(0, 0, *size))
        step = max(1, round(_OWN_MARGIN * self._scale))
        alpha = cv2.erode(alpha, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * step + 1, 2 * step + 1)))
        # in a mouth that is wide open only the upper row stands still
        middle = _middle_of(ring, np.arange(size[0], dtype=np.float64))
        jaw = jaw_share(gap)
        alpha = alpha * (1 - jaw * np.clip((np.arange(size[1])[:, None] - middle) / max(step, 1) + 0.5, 0, 1))
        alpha = alpha.astype(np.float32)
        return np.dstack([0.92 * seen, cv2.GaussianBlur(alpha, (0, 0), 0.6 * step)]).astype(np.float32)


def _middle_of(ring: FloatArray, x: FloatArray) -> NDArray[np.float64]:
    """Height (n,) of the middle between the lips, a ring (20, 2), at places `x` (n,)."""
    middle = 0.5 * (ring[:11] + ring[[0, *range(19, 9, -1)]])
    return np.interp(x, np.maximum.accumulate(middle[:, 0]), middle[:, 1])


def _teeth(
    x: FloatArray, inside: FloatArray, widths: tuple[float, ...], height: float, light: FloatArray, brightness: float
) -> NDArray[np.float64]:
    """A row of teeth (h, w, 4), RGB and cover.

    Parameters
    ----------
    x : ndarray, shape (1, w), mouth coordinates
    inside : ndarray, shape (h, w), mouth coordinates
        How far a point lies within the biting edge (`e` of the module's formulas); negative beyond it.
    widths : tuple of float, mouth coordinates
        From the middle to either side.
    height : float, mouth coordinates
    light : ndarray, shape (3, 3)
        From colours beside an average skin to the picture's.
    brightness : float
    """
    borders = np.concatenate([[0.0], np.cumsum(widths)])
    place = np.searchsorted(borders, np.abs(x), side="right") - 1
    is_tooth = place < len(widths)
    place = np.minimum(place, len(widths) - 1)
    half = np.asarray(widths)[place] / 2
    off = np.abs(np.abs(x) - (borders[place] + half)) / half
    rounded = inside - _ROUNDNESS * off**4
    cover_of_row = np.clip(rounded / 0.02 + 0.5, 0, 1) * is_tooth
    groove = 1 - _GROOVE * np.exp(-(((1 - off) * half / _GROOVE_WIDTH) ** 2))
    sides = 1 - _SIDE_SHADE * np.clip(np.abs(x) / 1.05, 0, 1) ** 2
    # a tooth is a little darker at its edge, where it is thin, and near the gums
    body = 1 - 0.08 * np.exp(-((inside / 0.05) ** 2)) - 0.15 * np.clip(inside / height, 0, 1) ** 2
    gums = np.clip((inside - height) / 0.05 + 0.3 * (off**2 - 0.5) + 0.5, 0, 1)[..., None]
    shade = (brightness * groove * sides * body)[..., None]
    colour = shade * ((1 - gums) * without_green(light @ _TEETH) + gums * (light @ _GUMS))
    return np.dstack([colour, np.broadcast_to(cover_of_row, inside.shape)])


def _over(front: FloatArray, back: FloatArray) -> NDArray[np.float64]:
    """One layer (h, w, 4) over another."""
    share, behind = front[..., 3:], back[..., 3:] * (1 - front[..., 3:])
    total = share + behind
    colour = (share * front[..., :3] + behind * back[..., :3]) / np.maximum(total, 1e-6)
    return np.dstack([colour, total[..., 0]])
