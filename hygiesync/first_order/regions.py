"""Parts of a face as masks, from its landmarks: what a supervised swap takes from the source."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.errors import UsageError
from hygiesync.face.topology import OUTER_LIPS
from hygiesync.portrait.parts import EYES, OVAL

FACE, LIPS, EYES_PART, BROWS_PART = "face", "lips", "eyes", "brows"

BROWS = ((46, 53, 52, 65, 55, 107, 66, 105, 63, 70), (276, 283, 282, 295, 285, 336, 296, 334, 293, 300))
"""Outlines of the right and the left brow, in MediaPipe's numbering."""

REGIONS = {
    FACE: (OVAL,),
    LIPS: (OUTER_LIPS,),
    EYES_PART: EYES,
    BROWS_PART: BROWS,
}
"""Rings of landmarks by the part's name."""

FEATHER = 0.04
"""Softness of a mask's border, as a part of the face's width."""


def region_mask(landmarks: FloatArray, shape: tuple[int, ...], *regions: str) -> NDArray[np.float32]:
    """How much of each pixel belongs to parts of a face.

    Parameters
    ----------
    landmarks : ndarray, shape (478, 2 or 3), pixels
    shape : (height, width)
    regions : str
        Some of :data:`REGIONS`.

    Returns
    -------
    ndarray, shape (height, width), float32, 0 to 1, soft at the border

    Raises
    ------
    UsageError
        When a part is unknown, or none is named.
    """
    unknown = sorted(set(regions) - set(REGIONS))
    if unknown or not regions:
        raise UsageError(f"`regions`: expected some of {', '.join(REGIONS)}, got {', '.join(regions) or 'none'}")
    mask = np.zeros(shape[:2], np.float32)
    for region in regions:
        for ring in REGIONS[region]:
            points = cv2.convexHull(landmarks[list(ring), :2].round().astype(np.int32))
            cv2.fillConvexPoly(mask, points, 1.0)
    sigma = max(0.5, FEATHER * float(np.ptp(landmarks[:, 0])))
    # shrunk by as much as it is blurred, so that nothing outside the part is taken
    size = 2 * int(np.ceil(sigma)) + 1
    mask = cv2.erode(mask, np.ones((size, size), np.uint8))
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), sigma / 1.5), np.float32)
