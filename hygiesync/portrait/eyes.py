"""Eyeballs that look about behind the lids.

An eye in the picture is a part of an eyeball, seen through the slit between the lids. Here the whole eyeball is made up
from that part once: the iris completed by its own other half, the white around it continued. Each frame then shows it
through the slit as it is then, the iris moved to where the eye looks. Lids that close cover it, and don't squeeze it.
"""

from __future__ import annotations

import cv2
import numpy as np

from hygiesync.portrait.layers import pull_push
from hygiesync.portrait.slit import cover, mix
from hygiesync.render.warp import Box

_MARGIN = 0.5
"""Border around the eye on the made-up eyeball, in widths of the eye."""

_LASHES = 0.05
"""What is left out at the lids' edge, in widths of the eye: lashes and their shadow move with the lids."""

_MIN_WIDTH = 6.0
"""An eye narrower than this many pixels has nothing to be seen in it, and moves with its lids."""


class Eyeball:
    """One eye of a picture.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), uint8, RGB
    ring : ndarray, shape (16, 2), pixels
        Edge of the lids, from corner to corner and back.
    iris : ndarray, shape (5, 2), pixels
        Middle and rim of the iris.
    """

    def __init__(self, image: np.ndarray, ring: np.ndarray, iris: np.ndarray) -> None:
        self._corners = ring[[0, 8]]
        self.width = float(np.linalg.norm(self._corners[1] - self._corners[0]))
        box = Box.around(ring, image.shape[:2], max(2, round(_MARGIN * self.width)))
        self._origin = box.origin
        self._middle = iris[0]
        self._radius = float(np.linalg.norm(iris[1:] - iris[0], axis=1).mean())
        self._texture = self._whole(image[box.slices].astype(np.float32), ring, box)

    def paint(self, image: np.ndarray, ring: np.ndarray, iris_middle: np.ndarray) -> None:
        """Paint the eyeball into `image`, in place, where it is seen through the slit of `ring` (16, 2)."""
        box = Box.around(ring, image.shape[:2], 2)
        if box.width < 2 or box.height < 2 or self.width < _MIN_WIDTH:
            return
        # complex numbers: a similarity is one factor
        before, after = (corners[:, 0] + 1j * corners[:, 1] for corners in (self._corners, ring[[0, 8]]))
        factor = (before[1] - before[0]) / (after[1] - after[0])
        x = np.arange(box.left, box.right, dtype=np.float32)
        y = np.arange(box.top, box.bottom, dtype=np.float32)[:, None]
        place = (x + 1j * y - after.mean()) * factor + before.mean()
        look = (complex(*iris_middle) - after.mean()) * factor + before.mean() - complex(*self._middle)
        # the iris moves as a whole, the white beyond it stretches
        reach = np.abs(place - complex(*self._middle) - look) / self._radius
        place = place - look * np.clip(1.9 - 0.8 * reach, 0, 1) - complex(*self._origin)
        backward = np.stack([place.real, place.imag], -1).astype(np.float32)
        patch = cv2.remap(self._texture, backward, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        share = cv2.GaussianBlur(cover(ring, box), (0, 0), max(0.5, 0.02 * self.width))
        mix(image, box, patch, share)

    def _whole(self, patch: np.ndarray, ring: np.ndarray, box: Box) -> np.ndarray:
        """The made-up eyeball (h, w, 3), uint8, from what is seen of it."""
        seen = cover(ring, box)
        step = max(1, round(_LASHES * self.width))
        inner = cv2.erode(seen, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * step + 1, 2 * step + 1)))
        y, x = np.mgrid[: box.height, : box.width].astype(np.float32)
        middle = self._middle - box.origin
        in_iris = np.clip((self._radius - np.hypot(x - middle[0], y - middle[1])) + 0.5, 0, 1)
        white = inner * (1 - cv2.dilate(in_iris, np.ones((3, 3), np.uint8)))
        ground = pull_push(patch, white) if white.max() > 0.5 else patch
        opposite = np.stack([2 * middle[0] - x, 2 * middle[1] - y], -1)
        turned = cv2.remap(np.dstack([patch, inner]), opposite, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        iris = pull_push(patch, inner * in_iris)
        iris += (turned[..., 3] * in_iris)[..., None] * (turned[..., :3] - iris)
        whole = ground + in_iris[..., None] * (iris - ground)
        whole += cv2.GaussianBlur(seen, (0, 0), 0.7)[..., None] * (patch - whole)
        return np.clip(np.rint(whole), 0, 255).astype(np.uint8)
