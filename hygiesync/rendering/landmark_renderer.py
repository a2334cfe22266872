"""The moving landmarks on black: what the network alone says, without any picture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.topology import LOWER_INNER_LIPS, LOWER_OUTER_LIPS
from hygiesync.rendering.interfaces import MouthShapes, PlainFrame
from hygiesync.rendering.lips import place_shape


class LandmarkRenderer:
    """Draws the moving lower face as points and lip lines on black, over no picture at all.

    Thread-safe: it remembers nothing.

    Parameters
    ----------
    shape : MouthShapes
    """

    def __init__(self, shape: MouthShapes) -> None:
        self._shape = shape

    def reset(self) -> None:
        """Nothing is remembered."""

    @property
    def lag(self) -> int:
        """0: every frame is drawn at once."""
        return 0

    def push(
        self, template: PlainFrame, coefficients: FloatArray, sound: NDArray[Any]
    ) -> Iterator[tuple[PlainFrame, NDArray[np.uint8]]]:
        """The frame with its points; see :meth:`hygiesync.rendering.interfaces.Renderer.push`."""
        yield template, self._draw(template, coefficients)

    def flush(self) -> Iterator[tuple[PlainFrame, NDArray[Any]]]:
        """Nothing waits."""
        return iter(())

    def _draw(self, template: PlainFrame, coefficients: FloatArray) -> NDArray[np.uint8]:
        """Points on black, the size of the template."""
        picture = np.zeros_like(template.image)
        if template.face is None:
            return picture
        lower = place_shape(self._shape, coefficients, template.face)
        fixed = np.rint(lower * 16).astype(np.int32)
        radius = max(16, int(16 * max(picture.shape) / 400))
        for line in (LOWER_OUTER_LIPS, LOWER_INNER_LIPS):
            cv2.polylines(picture, [fixed[line]], True, (90, 90, 90), 1, cv2.LINE_AA, 4)
        for x, y in fixed.tolist():
            cv2.circle(picture, (x, y), radius, (255, 255, 255), -1, cv2.LINE_AA, 4)
        return picture
