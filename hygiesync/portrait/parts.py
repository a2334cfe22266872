"""Which of FaceMesh's points are the parts of a face that a portrait moves: eyes, lips, outline."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.topology import INNER_LIPS, LEFT_EYE_OUTER, OUTER_LIPS, RIGHT_EYE_OUTER, RIGID

OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150,
    136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
"""The face's outline from the top of the forehead, clockwise as seen."""

CHIN = 152

HEAD = (*RIGID, 5, 4, 98, 327, 234, 454, 93, 323, 21, 251, 54, 284)
"""Points that carry the head's motion in space: the rigid ones, the nose, and the outline down to the ears."""

LIP_RINGS = np.array(
    [
        INNER_LIPS,
        (62, 96, 89, 179, 86, 15, 316, 403, 319, 325, 292, 407, 272, 271, 268, 12, 38, 41, 42, 183),
        (76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306, 408, 304, 303, 302, 11, 72, 73, 74, 184),
        OUTER_LIPS,
        (57, 43, 106, 182, 83, 18, 313, 406, 335, 273, 287, 410, 322, 391, 393, 164, 167, 165, 92, 186),
    ]
)
"""Lips from teeth to skin, (5, 20): each ring from the right corner along the lower lip and back along the upper."""

CHIN_RINGS = np.array(
    [
        LIP_RINGS[4, 1:10],
        (202, 204, 194, 201, 200, 421, 418, 424, 422),
        (210, 211, 32, 208, 199, 428, 262, 431, 430),
        (169, 170, 140, 171, 175, 396, 369, 395, 394),
        (150, 149, 176, 148, 152, 377, 400, 378, 379),
    ]
)
"""Rows of the skin from below the lower lip to the chin's outline, (5, 9), each point below one of the lip's."""

EYES = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
)
"""Edges of the lids of the right and the left eye: outer corner, lower lid, inner corner, upper lid."""

ABOVE_UPPER_LIDS = ((190, 56, 28, 27, 29, 30, 247), (414, 286, 258, 257, 259, 260, 467))
"""The row of points above the upper lid of either eye, in the order of its ring's last seven."""

IRISES = ((468, 469, 470, 471, 472), (473, 474, 475, 476, 477))
"""Middle and rim of either iris."""

UPPER_OF_LOWER_LID = tuple(zip(range(1, 8), range(15, 8, -1), strict=True))
"""Places in a ring of `EYES`: each point of the lower lid with the upper one it meets."""

UPPER_OF_LOWER_LIP = tuple(zip(range(1, 10), range(19, 10, -1), strict=True))
"""Places in the ring of inner lips: each lower point with the upper one it meets."""

BROWS = (70, 63, 105, 66, 107, 46, 53, 52, 65, 55, 300, 293, 334, 296, 336, 276, 283, 282, 295, 285)
"""Points of both brows, upper and lower rows."""

FOREHEAD = (68, 104, 69, 108, 151, 337, 299, 333, 298, 9, 71, 301)
"""Points of the skin above them."""

N_MESH = 468
"""Points of the mesh; those of the irises follow."""


def eye_distance(landmarks: FloatArray) -> NDArray[Any]:
    """Distance (...) between the outer eye corners of landmarks (..., 478, 2 or 3): the unit of all face measures."""
    return np.linalg.norm(landmarks[..., LEFT_EYE_OUTER, :] - landmarks[..., RIGHT_EYE_OUTER, :], axis=-1)


def parts_cut_off(landmarks: FloatArray, width: int, height: int) -> list[str]:
    """Which of eyes and mouth of landmarks (478, 2 or 3) aren't wholly in a picture of that size, pixels."""
    rings = {"eyes": [*EYES[0], *EYES[1]], "mouth": list(INNER_LIPS)}
    last = np.array([width - 1, height - 1])
    return [
        name for name, ring in rings.items() if not ((landmarks[ring, :2] >= 0) & (landmarks[ring, :2] <= last)).all()
    ]


def ring_triangles(ring: tuple[int, ...]) -> NDArray[np.int64]:
    """Triangles (n - 2, 3) that fill a slit, from the pairs of its upper and lower edge.

    The ring starts at one corner, runs along the lower edge to the other corner at half its length, and back.
    """
    n = len(ring)
    lower, upper = ring[: n // 2 + 1], (ring[0], *ring[: n // 2 - 1 : -1])
    halves = [(lower[i], lower[i + 1], upper[i]) for i in range(1, n // 2)]
    halves += [(lower[i + 1], upper[i + 1], upper[i]) for i in range(n // 2 - 1)]
    return np.array(halves, np.int64)


def upright(landmarks: FloatArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The face's own axes in the picture.

    Parameters
    ----------
    landmarks : ndarray, shape (478, 2 or 3), pixels

    Returns
    -------
    origin : ndarray, shape (2,), pixels
        The middle between the outer eye corners.
    axes : ndarray, shape (2, 2), pixels
        Rows: one eye distance to the picture's right along the eyes, and as much towards the chin.
    """
    right, left = landmarks[RIGHT_EYE_OUTER, :2], landmarks[LEFT_EYE_OUTER, :2]
    # eyes of a turned head are near each other: its height says how large it is
    height = np.linalg.norm(landmarks[CHIN, :2] - landmarks[OVAL[0], :2]) / _HEIGHT_PER_EYE_DISTANCE
    across = (left - right) / np.linalg.norm(left - right) * max(float(height), float(np.linalg.norm(left - right)))
    return (right + left) / 2, np.array([across, (-across[1], across[0])])


_HEIGHT_PER_EYE_DISTANCE = 2.05

GAPS = np.concatenate([ring_triangles(ring) for ring in (INNER_LIPS, *EYES)])
"""Triangles that close the mesh over mouth and eyes."""
