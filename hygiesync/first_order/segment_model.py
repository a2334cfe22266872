"""A model of motion co-segmentation that runs: segments of pictures that move as one, and how each of them moves.

References
----------
Siarohin et al., *Motion-supervised Co-Part Segmentation*, ICPR 2020 (arXiv 2004.03234).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.errors import InputError
from hygiesync.first_order.bundle import ModelManifest
from hygiesync.first_order.keypoints import KeyPoints, inverse_matrices
from hygiesync.first_order.model import PaintingModel


@dataclass(frozen=True)
class Segments:
    """Segments of a picture.

    Attributes
    ----------
    maps : ndarray, shape (n_segments + 1, h, w), float32
        How much of each pixel belongs to each, the background first; they add up to 1.
    points : KeyPoints
        Where each segment is, and how it is turned, scaled and sheared.
    """

    maps: NDArray[np.float32]
    points: KeyPoints


@dataclass(frozen=True)
class SegmentedSource:
    """All of a source picture that is computed once."""

    segments: Segments
    features: NDArray[np.float32]


class SegmentModel(PaintingModel):
    """A model whose segments carry parts of one picture into another."""

    @classmethod
    def _check_kind(cls, manifest: ModelManifest, place: Path) -> None:
        if not manifest.configuration.model.is_segmented:
            raise InputError(f"{place}: has no segments; expected a model of co-segmentation, such as vox-5segments")

    def segments(self, image: NDArray[Any]) -> Segments:
        """Segments of a picture (size, size, 3), uint8, RGB."""
        maps, value, jacobian = self._run("segments", picture=self.as_input(image))
        return Segments(maps[0], KeyPoints(value[0].astype(np.float64), jacobian[0].astype(np.float64)))

    def source(self, image: NDArray[Any]) -> SegmentedSource:
        """What is computed once of a picture (size, size, 3), uint8, RGB, whose parts are to be taken."""
        return SegmentedSource(self.segments(image), self.features(image))

    def motion(self, source: SegmentedSource, target: Segments) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Deformation (1, h, w, 2) of the source's features, and what is visible of them (1, 1, h, w).

        Each place follows the motion of the segment that it belongs to in the target. What the source's foreground
        covers, and the target's doesn't, can't be seen.
        """
        height, width = target.maps.shape[1:]
        x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
        grid = np.stack([x, y], -1)
        deformation = target.maps[0, ..., None] * grid
        changes = source.segments.points.jacobian @ inverse_matrices(target.points.jacobian)
        for number, change in enumerate(changes):
            offsets = grid - target.points.value[number]
            moved = source.segments.points.value[number] + offsets @ change.T
            deformation = deformation + target.maps[number + 1, ..., None] * moved
        if not self.configuration.model.generator.has_occlusion:
            return deformation[None].astype(np.float32), np.ones((1, 1, height, width), np.float32)
        visible = 1 - source.segments.maps[1:].sum(0) * (1 - target.maps[1:].sum(0))
        return deformation[None].astype(np.float32), visible[None, None]
