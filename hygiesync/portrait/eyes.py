"""Eyes that look about and close.

An eye in the picture is a part of an eyeball, seen through the slit between the lids. The whole eyeball is made up from
that part once: the iris completed by its own other half, the white around it continued. Each frame then shows it
through the slit as it is then, the iris moved to where the eye looks.

Skin at the lids is dark and narrow: stretched over a closing eye it would be a smear. Instead a shut lid is made up
from the skin around the eye, and slides over the eyeball with the picture's own lashes at its edge.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.portrait.layers import pull_push
from hygiesync.portrait.masks import cover, mix
from hygiesync.portrait.measures import slit_opening
from hygiesync.portrait.parts import EYES, UPPER_OF_LOWER_LID
from hygiesync.rendering.warp import Box

_BORDER = 0.5
"""Border around the eye on what is made up, in widths of the eye."""

_LASHES = 0.05
"""What the eyeball leaves out at the lids' edge, in widths of the eye: lashes and their shadow."""

_LID_MARGIN = 0.13
"""How far around the eye the shut lid reaches, in widths of the eye: detectors miss a part of stylised eyes."""

_LASH_BAND = (0.1, 0.04)
"""How far above and below the upper lid's edge its lashes reach, in widths of the eye."""

_SHUT_WITHIN = 0.3
"""How far an eye has closed when its lid is wholly the made-up one."""

_CHEEKS = (50, 280, 205, 425, 187, 411)
_COVERED_MARGIN, _LIGHTEST, _COVERED_BELOW = 0.12, 90, 0.45
"""Dark glasses: so many widths of an eye around it, the lightest tenth is darker than so much of the cheeks' light."""

_MIN_WIDTH = 6.0
"""An eye narrower than this many pixels has nothing to be seen in it, and moves with its lids."""


def are_covered(image: NDArray[np.uint8], landmarks: FloatArray) -> bool:
    """Whether dark glasses cover the eyes of a face: nothing in them and around them is nearly as light as skin.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), uint8, RGB
    landmarks : ndarray, shape (478, 2 or 3), pixels
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    x, y = np.rint(landmarks[list(_CHEEKS), :2]).astype(int).T
    inside = (x >= 0) & (y >= 0) & (x < grey.shape[1]) & (y < grey.shape[0])
    if not inside.any():
        return False
    skin = float(np.median(cv2.blur(grey, (3, 3))[y[inside], x[inside]]))
    lightest = []
    for ring in EYES:
        points = landmarks[list(ring), :2]
        box = Box.around(points, image.shape[:2], max(2, round(_COVERED_MARGIN * float(np.ptp(points[:, 0])))))
        lightest.append(float(np.percentile(grey[box.slices], _LIGHTEST)) if box.width and box.height else skin)
    return max(lightest) < _COVERED_BELOW * skin


class Eye:
    """One eye of a picture.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), uint8, RGB
    ring : ndarray, shape (16, 2), pixels
        Edge of the lids: outer corner, lower lid, inner corner, upper lid.
    iris : ndarray, shape (5, 2), pixels
        Middle and rim of the iris.
    """

    def __init__(self, image: NDArray[np.uint8], ring: FloatArray, iris: FloatArray) -> None:
        self._corners = _as_complex(ring[[0, 8]])
        self._width = float(abs(self._corners[1] - self._corners[0]))
        box = Box.around(ring, image.shape[:2], max(2, round(_BORDER * self._width)))
        self._ring = ring - box.origin
        self._origin = complex(*box.origin)
        self._middle = iris[0] - box.origin
        self._radius = float(np.linalg.norm(iris[1:] - iris[0], axis=1).mean())
        patch = image[box.slices].astype(np.float32)
        self._eyeball = _as_bytes(self._whole_eyeball(patch))
        shut = self._shut(patch)
        self._shut_lid = _as_bytes(shut)
        self._lashes = _as_bytes(255 * self._lash_strip(patch, shut))

    def paint(self, image: NDArray[np.uint8], opened: FloatArray, slit: FloatArray, iris_middle: FloatArray) -> None:
        """Paint the eye into `image`, in place.

        Parameters
        ----------
        image : ndarray, shape (H, W, 3), uint8, RGB
            In which the lids' skin is already in its place.
        opened, slit : ndarray, shape (16, 2), pixels
            Edge of the lids when open, and as they are.
        iris_middle : ndarray, shape (2,), pixels
        """
        reach = round(2.2 * _LID_MARGIN * float(np.ptp(opened[:, 0]))) + 3
        box = Box.around(np.concatenate([opened, slit]), image.shape[:2], reach)
        if box.width < 4 or box.height < 4 or self._width < _MIN_WIDTH:
            return
        # complex numbers: a similarity is one factor
        corners = _as_complex(opened[[0, 8]])
        factor = (self._corners[1] - self._corners[0]) / (corners[1] - corners[0])
        shift = self._corners.mean() - self._origin - factor * corners.mean()
        x = np.arange(box.left, box.right, dtype=np.float32)
        y = np.arange(box.top, box.bottom, dtype=np.float32)[:, None]
        place = (x + 1j * y).astype(np.complex64) * np.complex64(factor) + np.complex64(shift)
        seen = cv2.GaussianBlur(cover(slit, box), (0, 0), max(0.5, 0.02 * self._width / abs(factor)))
        gaze = complex(*iris_middle) * factor + shift - complex(*self._middle)
        mix(image, box, self._looking(place, gaze), seen)
        self._close(image, box, place, seen, opened, _as_complex(slit) * factor + shift)

    def _looking(self, place: NDArray[np.complex64], gaze: complex) -> NDArray[np.uint8]:
        """The eyeball (h, w, 3) at `place` (h, w), its iris moved by `gaze`; the white beyond it stretches."""
        reach = np.abs(place - complex(*self._middle) - gaze) / self._radius
        backward = _as_points(place - gaze * np.clip(1.9 - 0.8 * reach, 0, 1))
        return cv2.remap(self._eyeball, backward, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)

    def _close(
        self,
        image: NDArray[np.uint8],
        box: Box,
        place: NDArray[np.complex64],
        seen: FloatArray,
        opened: FloatArray,
        slit: NDArray[np.complex128],
    ) -> None:
        """Draw the lid over the eye as far as `slit` (16,), on the made-up eye, has closed."""
        edge = np.stack([slit.real, slit.imag], -1)
        own_gap = max(float(slit_opening(self._ring, UPPER_OF_LOWER_LID)), 1.0)
        closed = 1 - slit_opening(edge, UPPER_OF_LOWER_LID) / own_gap
        strength = np.float32(np.clip(closed / _SHUT_WITHIN, 0, 1))
        if strength <= 0:
            return
        lid = cv2.remap(self._shut_lid, _as_points(place), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        # the lashes go down with the upper edge, column by column
        own_x, own_y = self._upper_edge(self._ring)
        now_x, now_y = self._upper_edge(edge)
        sunk = np.interp(place.real, now_x, now_y) - np.interp(place.real, own_x, own_y)
        strip = _as_points(place - np.complex64(1j) * sunk.astype(np.float32))
        lashes = cv2.remap(self._lashes, strip, None, cv2.INTER_LINEAR, borderValue=(255, 255, 255))
        margin = _LID_MARGIN * float(np.ptp(opened[:, 0]))
        wide = cv2.GaussianBlur(cv2.dilate(cover(opened, box), _disc(margin)), (0, 0), max(0.6, 0.4 * margin))
        mix(image, box, lid, strength * wide * (1 - seen))
        share = float(strength)
        lashes = cv2.addWeighted(lashes, share, lashes, 0, 255 * (1 - share))
        part = image[box.slices]
        part[:] = cv2.multiply(part, lashes, scale=1 / 255)

    @staticmethod
    def _upper_edge(ring: FloatArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The upper lid's edge from left to right: x (9,) and y (9,)."""
        edge = ring[[0, *range(15, 7, -1)]]
        order = np.argsort(edge[:, 0])
        return edge[order, 0], edge[order, 1]

    def _whole_eyeball(self, patch: FloatArray) -> NDArray[np.float32]:
        """The eyeball (h, w, 3) from what is seen of it."""
        box = Box(0, 0, patch.shape[1], patch.shape[0])
        seen = cover(self._ring, box)
        inner = cv2.erode(seen, _disc(_LASHES * self._width))
        y, x = np.mgrid[: box.height, : box.width].astype(np.float32)
        in_iris = np.clip(self._radius - np.hypot(x - self._middle[0], y - self._middle[1]) + 0.5, 0, 1)
        white = inner * (1 - cv2.dilate(in_iris, np.ones((3, 3), np.uint8)))
        ground = pull_push(patch, white) if white.max() > 0.5 else patch
        opposite = np.stack([2 * self._middle[0] - x, 2 * self._middle[1] - y], -1).astype(np.float32)
        turned = cv2.remap(np.dstack([patch, inner]), opposite, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        iris = pull_push(patch, inner * in_iris)
        iris += (turned[..., 3] * in_iris)[..., None] * (turned[..., :3] - iris)
        whole = ground + in_iris[..., None] * (iris - ground)
        return whole + cv2.GaussianBlur(seen, (0, 0), 0.7)[..., None] * (patch - whole)

    def _shut(self, patch: FloatArray) -> NDArray[np.float32]:
        """The eye's place (h, w, 3) as if there were only skin."""
        box = Box(0, 0, patch.shape[1], patch.shape[0])
        eye = cv2.dilate(cover(self._ring, box), _disc(1.3 * _LID_MARGIN * self._width))
        near = cv2.dilate(eye, _disc(0.12 * self._width))
        # brows and hair that reach in are no skin: the darker half of what is around doesn't count
        light = patch.mean(-1)
        rim = (near > 0.5) & (eye < 0.5)
        usual = float(np.median(light[rim])) if rim.any() else 0.0
        return pull_push(patch, (1 - eye) * np.where(rim, np.clip(light / max(usual, 1.0) * 4 - 2.6, 0.02, 1), 1))

    def _lash_strip(self, patch: FloatArray, shut: FloatArray) -> NDArray[np.float32]:
        """How much darker (h, w, 3), 0 to 1, the lashes at the upper lid are than skin; 1 where there are none."""
        height, width = patch.shape[:2]
        x, y = np.arange(width), np.arange(height)[:, None]
        edge_x, edge_y = self._upper_edge(self._ring)
        below = (y - np.interp(x, edge_x, edge_y)) / self._width
        band = np.clip(1 + below / _LASH_BAND[0], 0, 1) * np.clip(1 - below / _LASH_BAND[1], 0, 1)
        aside = np.clip(np.minimum(x - edge_x[0], edge_x[-1] - x) / (0.1 * self._width) + 1, 0, 1)
        band = np.clip(2 * band * aside, 0, 1)[..., None]
        darkness = np.clip(patch / np.maximum(shut, 1), 0, 1)
        return (1 - band * (1 - darkness)).astype(np.float32)


def _disc(radius: float) -> NDArray[np.uint8]:
    size = 2 * max(1, round(radius)) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))


def _as_complex(points: FloatArray) -> NDArray[np.complex128]:
    return points[..., 0] + 1j * points[..., 1]


def _as_points(place: NDArray[np.complex64]) -> NDArray[np.float32]:
    """Complex places (h, w) as a map (h, w, 2), float32."""
    return np.ascontiguousarray(place, np.complex64).view(np.float32).reshape(*place.shape, 2)


def _as_bytes(values: FloatArray) -> NDArray[np.uint8]:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
