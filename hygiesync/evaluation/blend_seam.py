"""The seam of a blended mouth: change across its outline that the real picture does not have there.

A seam is a line, so it is looked for where a line would be: along the outline, in what changes *across* it. Metrics of
video codecs find the edges of their blocks so, whose places are known as the outline's are [1]_. What the skin itself
has there, folds and a beard, the real picture of the same moment has too, and is the yardstick::

            outside
      --+--+--+--+--+--        normals of the outline, `RING_PX` to either side: mean of |change along the normal|,
     ---|--|--|--|--|---  <-   of the rendered picture against that of the real one; 1 is no seam
      --+--+--+--+--+--
            inside

References
----------
.. [1] Wu and Yuen, *A Generalized Block-Edge Impairment Metric for Video Coding*, IEEE Signal Processing Letters 4(11),
   1997.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray

RING_PX = 1
"""How far to either side of the outline a change counts as across it."""

_SCHARR_SUM = 32.0
"""What Scharr's derivative makes of a slope of one level a pixel."""


def picture_gradient(grey: FloatArray) -> NDArray[np.float32]:
    """Gradient (2, H, W), float32, levels per pixel in x and y, of a picture (H, W), float32."""
    return np.stack([cv2.Scharr(grey, cv2.CV_32F, dx, dy, scale=1 / _SCHARR_SUM) for dx, dy in ((1, 0), (0, 1))])


def change_across(gradient: NDArray[np.float32], outline: FloatArray) -> float:
    """Mean absolute change across a closed line.

    Parameters
    ----------
    gradient : ndarray, shape (2, H, W), float32, levels per pixel
    outline : ndarray, shape (n_corners, 2), pixels, (x, y)

    Returns
    -------
    float
        Levels per pixel, over all places within `RING_PX` of the line.
    """
    points, normals = walk_outline(outline)
    offsets = np.arange(-RING_PX, RING_PX + 1)
    places = (points[:, None] + offsets[:, None] * normals[:, None]).astype(np.float32)
    along = [
        cv2.remap(part, places[..., 0], places[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        * normals[:, axis, None]
        for axis, part in enumerate(gradient)
    ]
    return float(np.abs(along[0] + along[1]).mean())


def walk_outline(outline: FloatArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places a pixel apart along a closed line.

    Parameters
    ----------
    outline : ndarray, shape (n_corners, 2), pixels, (x, y)

    Returns
    -------
    points : ndarray, shape (n_places, 2), pixels
    normals : ndarray, shape (n_places, 2)
        Of length 1, all to the same side.
    """
    edges = np.roll(outline, -1, axis=0) - outline
    lengths = np.linalg.norm(edges, axis=1)
    ends = np.cumsum(lengths)
    way = np.arange(0.0, ends[-1])
    edge = np.minimum(np.searchsorted(ends, way, side="right"), len(ends) - 1)
    directions = edges[edge] / np.maximum(lengths[edge], 1e-9)[:, None]
    points = outline[edge] + directions * (way - ends[edge] + lengths[edge])[:, None]
    return points, np.stack([-directions[:, 1], directions[:, 0]], axis=1)
