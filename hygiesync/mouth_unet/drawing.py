"""Drawing painted mouths into frames: what `rendering/mouth_drawing` does for real pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.face.pose import apply_similarity, invert_similarity
from hygiesync.mouth_unet.painter import Painter
from hygiesync.mouth_unet.patch import numbers_of
from hygiesync.mouth_unet.reference import KnownMouths, References
from hygiesync.rendering.interfaces import PlainFrame
from hygiesync.rendering.mouth_drawing import target_shape
from hygiesync.rendering.mouth_pasting import MouthPasting


class PaintedDrawing:
    """Paints one person's mouth after an atlas picture, and puts it into template frames.

    Parameters
    ----------
    mouths : KnownMouths
    painter : Painter
    """

    def __init__(self, mouths: KnownMouths, painter: Painter) -> None:
        self._mouths, self._painter = mouths, painter
        self._references = References(mouths, painter.facts.patch)
        self._pasting = MouthPasting(mouths.mesh, mouths.canvas)

    def draw(
        self, template: PlainFrame, coefficients: NDArray[Any], index: int, appearance: NDArray[np.float32]
    ) -> NDArray[np.uint8]:
        """Template frame with a mouth painted after one atlas picture; see :meth:`MouthDrawing.draw`."""
        face, atlas = template.face, self._mouths.atlas
        assert face is not None
        lower = target_shape(self._mouths.shape, coefficients, face)
        patch = self._painter.facts.patch
        canonical = apply_similarity(invert_similarity(face.to_picture), lower)
        vertices = patch.to_pixels(np.concatenate([canonical, self._mouths.mesh.still]))
        reference = self._references.make(vertices, index, appearance)
        numbers = numbers_of(coefficients, face.turn, atlas.coefficients[index], atlas.turns[index])
        painted = self._painter.paint(reference, patch.outline(vertices[: len(lower)]), numbers)
        return self._pasting.put(template, lower, painted, vertices)
