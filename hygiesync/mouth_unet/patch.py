"""The patch that is painted: a window of the canonical face, and mouths of the atlas brought into it.

All that the network sees and paints lies in this window, in the shape that is wanted::

    atlas picture --- warped to the wanted shape ---> reference ---.
    wanted shape ---- lips and what lies between ---> outline -----+--> network --> painted patch
                                                                   '
    (the template is not seen at all; the membrane brings the patch into its light)

Nothing of the moment's own picture is in there. A network that sees cheeks, chin or throat beside a masked mouth learns
to read the mouth off them, ignores what it is told, and is a still mouth on any other template.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.pose import apply_similarity, fit_similarity, invert_similarity, similarity_scale
from hygiesync.face.topology import LOWER_FACE, LOWER_INNER_LIPS, LOWER_MOUTH_REGION, LOWER_OUTER_LIPS
from hygiesync.rendering.atlas import Atlas
from hygiesync.rendering.grid import NodeGrid, Target
from hygiesync.rendering.mesh import FaceMesh
from hygiesync.rendering.warp import Box

MAX_SIDE_PX = 128
"""Longest side of a patch: what a network of this width paints in the time between two pictures."""

_MARGIN = 0.04
"""Around the mouth's region, canonical units."""

_FINER = 1.3
"""Patch pixels for each of the video's: a patch is sampled twice, which costs less detail on a finer grid."""

_EVEN = 8
"""Sides are multiples of it, so that the network can halve them three times."""

_STEP = 2
"""Pixels from node to node of the warp."""

_SUBPIXEL_BITS = 4


@dataclass(frozen=True)
class MouthPatch:
    """Where the patch lies in the canonical face.

    Attributes
    ----------
    left, top : float, canonical units
    px_per_unit : float
    width, height : int, pixels
    """

    left: float
    top: float
    px_per_unit: float
    width: int
    height: int

    @classmethod
    def around(cls, regions: FloatArray, px_per_unit: float) -> MouthPatch:
        """The patch that holds nearly all mouths of a person.

        Parameters
        ----------
        regions : ndarray, shape (n_mouths, n_corners, 2), canonical units
            Outlines of what is put in.
        px_per_unit : float
            Of the training video.
        """
        low = np.quantile(regions.min(1), 0.005, axis=0) - _MARGIN
        high = np.quantile(regions.max(1), 0.995, axis=0) + _MARGIN
        scale = min(_FINER * px_per_unit, MAX_SIDE_PX / float((high - low).max()))
        width, height = (int(np.ceil(side * scale / _EVEN)) * _EVEN for side in high - low)
        middle = (low + high) / 2
        return cls(
            float(middle[0] - width / scale / 2), float(middle[1] - height / scale / 2), float(scale), width, height
        )

    def to_pixels(self, points: FloatArray) -> NDArray[np.float64]:
        """Canonical points (..., 2) as pixels of the patch."""
        return (points - np.array([self.left, self.top])) * self.px_per_unit - 0.5

    def target(self, vertices: FloatArray, triangles: NDArray[np.int64]) -> Target:
        """The mesh at `vertices` (n_vertices, 2), pixels of the patch, ready to be filled."""
        return Target(vertices, triangles, NodeGrid(Box(0, 0, self.width, self.height), _STEP))

    def filled(self, target: Target, picture: NDArray[np.uint8], vertices: FloatArray) -> NDArray[np.uint8]:
        """The patch (height, width, 3), uint8, of a picture whose mesh has these vertices, warped to the target."""
        backward = target.grid.to_pixels(target.backward(vertices))
        return cv2.remap(picture, backward, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    def outline(self, lower: FloatArray) -> NDArray[np.uint8]:
        """Lips, and what lies between them, of a lower face (n_lower, 2) in the patch: (height, width, 2), 0 or 255."""
        drawn = np.zeros((2, self.height, self.width), np.uint8)
        for plane, points in zip(drawn, (LOWER_OUTER_LIPS, LOWER_INNER_LIPS), strict=True):
            corners = np.rint(lower[points] * (1 << _SUBPIXEL_BITS)).astype(np.int32)
            cv2.fillPoly(plane, [corners], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
        return np.ascontiguousarray(drawn.transpose(1, 2, 0))


def atlas_in_patch(
    atlas: Atlas, mesh: FaceMesh, patch: MouthPatch | None = None
) -> tuple[MouthPatch, NDArray[np.float64], NDArray[np.float64]]:
    """Where the atlas's mouths lie in the patch.

    Parameters
    ----------
    atlas : Atlas
    mesh : FaceMesh
    patch : MouthPatch, optional
        Chosen to hold them when left out.

    Returns
    -------
    patch : MouthPatch
    to_pictures : ndarray, shape (n_pictures, 2, 3)
        Similarities from the canonical face to the atlas pictures.
    vertices : ndarray, shape (n_pictures, n_vertices, 2), pixels of the patch
    """
    to_pictures = fit_similarity(mesh.still, atlas.vertices[:, len(LOWER_FACE) :].astype(np.float64))
    canonical = apply_similarity(invert_similarity(to_pictures), atlas.vertices.astype(np.float64))
    if patch is None:
        px_per_unit = float(np.median(similarity_scale(to_pictures)))
        patch = MouthPatch.around(canonical[:, LOWER_MOUTH_REGION], px_per_unit)
    return patch, to_pictures, patch.to_pixels(canonical)


def numbers_of(
    coefficients: NDArray[Any], turn: NDArray[Any], reference_coefficients: NDArray[Any], reference_turn: NDArray[Any]
) -> NDArray[np.float32]:
    """What the network is told in numbers: the wanted mouth, and how far from it the reference was filmed."""
    parts = [coefficients, turn, coefficients - reference_coefficients, turn - reference_turn]
    return np.concatenate(parts, axis=-1).astype(np.float32)
