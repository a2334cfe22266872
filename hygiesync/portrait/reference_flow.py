r"""Where the parts of one picture lie in another, by optical flow, averaged over small cells.

Two ways, one after the other. Dense inverse search looks far, in pictures of half the size. What it leaves is small:
one step of Lucas and Kanade's, with the reference's own slopes, finds that to a tenth of a pixel. With `g` the slope,
`e` the difference in grey between the reference and the other picture, moved back, and the sums over a window::

    step  =  ( sum g g^T + a )^-1  sum g e

Where nothing is to be seen the sums are small against `a`, and the step is nought.

References
----------
Kroeger et al., *Fast Optical Flow using Dense Inverse Search*, 2016; Baker & Matthews, *Lucas-Kanade 20 Years On: A
Unifying Framework*, 2004 (the inverse compositional algorithm).
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray

CELL_PX = 4
"""Side of a cell in pixels of the pictures."""

_TEXTURE = 6.0
"""Slope of the grey values, in levels to a pixel of half the size, at which flow counts half."""

_FAR_MISMATCH, _NEAR_MISMATCH = 14.0, 30.0
"""Grey levels between the moved reference and the other picture at which flow counts a third: of what is found far
away, which may be something else; and of the last small steps."""

_FAR_TRUST, _NEAR_TRUST = (
    np.exp(-((np.arange(256, dtype=np.float32) / levels) ** 2)) for levels in (_FAR_MISMATCH, _NEAR_MISMATCH)
)

_DAMPING = 2.0
"""Squared levels to a pixel, the `a` above: noise of compression has about that."""

_LONGEST_STEP = 2.0
"""Pixels; what is further away the first way finds, or it is something else."""


class ReferenceFlow:
    """Optical flow from one grey picture.

    Parameters
    ----------
    grey : ndarray, shape (h, w), uint8
        The reference; whole cells.
    person : ndarray, shape (h, w), float32, 0 to 1
        How far each pixel belongs to what is looked at.
    ignored : ndarray, shape (h / CELL_PX, w / CELL_PX), bool
        Cells whose pixels say nothing.
    window : float
        Standard deviation of the window of the small steps, in cells.
    """

    def __init__(self, grey: NDArray[np.uint8], person: FloatArray, ignored: NDArray[np.bool_], window: float) -> None:
        self._grey, self._half, self._window = grey, _halved(grey), window
        self._cells = ignored.shape[::-1]
        self._pixels, self._half_pixels = _indices(*grey.shape), _indices(*self._half.shape)
        self._worth = _worth_of(self._half, cv2.resize(person, self._half.shape[::-1], interpolation=cv2.INTER_AREA))
        across, down = _slopes(cv2.GaussianBlur(grey, (0, 0), 0.7))
        known = cv2.resize((~ignored).astype(np.float32), grey.shape[::-1], interpolation=cv2.INTER_NEAREST)
        known *= cv2.erode(person, np.ones((3, 3), np.uint8))
        self._slopes = [known * across, known * down]
        self._products = [known * across * across, known * across * down, known * down * down]
        self._dis = _dense_inverse_search()

    def far(self, grey: NDArray[np.uint8], initial: FloatArray) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Flow to another picture `grey` (h, w), from a first guess; as found in each cell by itself.

        Parameters
        ----------
        grey : ndarray
        initial : ndarray, shape (rows, columns, 2), float32, pixels

        Returns
        -------
        flow : ndarray, shape (rows, columns, 2), float32, pixels
        confidence : ndarray, shape (rows, columns), float32, 0 to 1
        """
        half = _halved(grey)
        flow = cv2.resize(initial * np.float32(0.5), half.shape[::-1], interpolation=cv2.INTER_LINEAR)
        flow = self._dis.calc(self._half, half, flow)
        worth = self._worth * _FAR_TRUST[_mismatch(self._half, _moved(half, flow + self._half_pixels))]
        confidence = cv2.resize(worth, self._cells, interpolation=cv2.INTER_AREA)
        found = cv2.resize(flow * worth[..., None], self._cells, interpolation=cv2.INTER_AREA)
        found *= (2 / np.maximum(confidence, 1e-6))[..., None]
        return found, confidence

    def nearer(self, grey: NDArray[np.uint8], flow: FloatArray) -> NDArray[np.float32]:
        """A flow (rows, columns, 2), float32, pixels, to the picture `grey` (h, w), and one small step from it."""
        place = cv2.resize(flow, self._grey.shape[::-1], interpolation=cv2.INTER_LINEAR)
        moved = _moved(grey, cv2.add(place, self._pixels))
        trust = _NEAR_TRUST[_mismatch(self._grey, moved)]
        error = cv2.multiply(cv2.subtract(self._grey, moved, dtype=cv2.CV_32F), trust)
        xx, xy, yy = (self._summed(product, trust) for product in self._products)
        x, y = (self._summed(slope, error) for slope in self._slopes)
        xx, yy = xx + _DAMPING, yy + _DAMPING
        step = cv2.merge([yy * x - xy * y, xx * y - xy * x]) / (xx * yy - xy * xy)[..., None]
        return flow + np.clip(step, -_LONGEST_STEP, _LONGEST_STEP)

    def _summed(self, values: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mean (rows, columns) of weighted values (h, w) over the window around each cell."""
        cells = cv2.resize(cv2.multiply(values, weight), self._cells, interpolation=cv2.INTER_AREA)
        return cv2.GaussianBlur(cells, (0, 0), self._window)


def _halved(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return cv2.resize(grey, (grey.shape[1] // 2, grey.shape[0] // 2), interpolation=cv2.INTER_AREA)


def _moved(grey: NDArray[np.uint8], place: NDArray[np.float32]) -> NDArray[np.uint8]:
    return cv2.remap(grey, place, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(255,))


def _mismatch(grey: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey levels between two pictures, a few pixels' mean."""
    return cv2.blur(cv2.absdiff(grey, other), (5, 5))


def _slopes(grey: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Levels to a pixel, to the right and down."""
    return cv2.Sobel(grey, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(grey, cv2.CV_32F, 0, 1, scale=1 / 8)


def _worth_of(grey: NDArray[np.uint8], person: FloatArray) -> NDArray[np.float32]:
    """How far each pixel's flow is that of the person, and can be told at all."""
    slope = cv2.magnitude(*_slopes(cv2.GaussianBlur(grey, (0, 0), 1).astype(np.float32)))
    slope = cv2.blur(slope, (5, 5))
    return cv2.erode(person, np.ones((3, 3), np.uint8)) * slope / (slope + _TEXTURE)


def _indices(height: int, width: int) -> NDArray[np.float32]:
    """The place (height, width, 2), float32, of each pixel."""
    return np.dstack(np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)))


def _dense_inverse_search() -> cv2.DISOpticalFlow:
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    # what it doesn't find to a pixel the small steps do
    flow.setFinestScale(1)
    flow.setGradientDescentIterations(8)
    flow.setVariationalRefinementIterations(0)
    return flow
