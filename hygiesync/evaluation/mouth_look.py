"""How a mouth looks in one video and in another: how unlike, how sharp, how restless."""

from __future__ import annotations

from collections import deque
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray

GREY = np.array([0.299, 0.587, 0.114], np.float32)

_SURELY_EQUAL = 1e-3
"""Mean squared error that stands for no difference at all: it gives 78 dB."""


class MouthLook:
    """Compares mouths, cut out of pictures at one size, a pair at a time."""

    def __init__(self) -> None:
        self._error, self._sharpness, self._flicker = RunningMean(), RunningMean(2), RunningMean(2)
        self._last: deque[NDArray[Any]] = deque(maxlen=3)

    def add(self, real: NDArray[np.uint8], other: NDArray[np.uint8]) -> None:
        """Take in the next pair of mouths (h, w, 3), uint8, RGB."""
        self._error.add(squared_error(real, other))
        grey = np.stack([mouth @ GREY for mouth in (real, other)])
        self._sharpness.add(np.array([cv2.Laplacian(mouth, cv2.CV_32F).var() for mouth in grey]))
        self._last.append(grey)
        if len(self._last) == 3:
            before, at, after = self._last
            self._flicker.add(np.abs(before - 2 * at + after).mean((1, 2)))

    def skip(self) -> None:
        """Leave out a pair: what comes next does not follow upon what came before."""
        self._last.clear()

    def measures(self) -> dict[str, float]:
        """Peak signal-to-noise ratio in decibels; ratios of the other's measure to the real one's."""
        real_sharpness, sharpness = self._sharpness.value
        real_flicker, flicker = self._flicker.value
        return {
            "mouth_psnr_db": psnr_db(self._error),
            "mouth_sharpness_ratio": float(sharpness / max(real_sharpness, 1e-9)),
            "mouth_flicker_ratio": float(flicker / max(real_flicker, 1e-9)),
        }


class RunningMean:
    """Mean of a stream of numbers, or of rows of `size` numbers."""

    def __init__(self, size: int = 1) -> None:
        self._sum, self._count = np.zeros(size), 0

    def add(self, value: FloatArray | float) -> None:
        """Take in the next."""
        self._sum += value
        self._count += 1

    @property
    def value(self) -> NDArray[np.float64]:
        """The mean so far; 0 of nothing."""
        return self._sum / max(self._count, 1)


def squared_error(a: NDArray[np.uint8], b: NDArray[np.uint8], mask: NDArray[np.bool_] | None = None) -> float:
    """Mean squared difference of two pictures, within `mask`; 0 where that is empty."""
    squared = cv2.absdiff(a, b).astype(np.float32) ** 2
    if mask is None:
        return float(squared.mean())
    return float(squared[mask].mean()) if mask.any() else 0.0


def psnr_db(error: RunningMean) -> float:
    """Peak signal-to-noise ratio of a mean squared error, decibels."""
    return float(10 * np.log10(255**2 / max(float(error.value[0]), _SURELY_EQUAL)))
