"""Which of FaceMesh's 478 points are what: names for sets of landmark indices, in MediaPipe's published numbering.

`RIGID` are the points that speech does not move: they carry the head's pose. `LOWER_FACE` are the points that it does
move: lips, the skin around them, chin and jaw; they carry the shape. Index tuples prefixed ``LOWER_`` count within
`LOWER_FACE`.
"""

from __future__ import annotations

# Eye corners, nose bridge, middle of the forehead, temples.
RIGID = (33, 133, 362, 263, 168, 6, 197, 195, 8, 9, 151, 10, 127, 356)

RIGHT_EYE_OUTER, LEFT_EYE_OUTER = 33, 263
"""Outer corners of the person's eyes; their distance is the unit of the canonical face."""

OUTER_LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
INNER_LIPS = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191)
LIPS = OUTER_LIPS + INNER_LIPS

INNER_LIP_TOP, INNER_LIP_BOTTOM = 13, 14
MOUTH_CORNER_RIGHT, MOUTH_CORNER_LEFT = 61, 291

# Points below the nose within three mesh edges of the lips, and the chin with the front half of the jaw's outline.
# The jaw's hinges are left out: there the outline slides over the cheek when the head turns.
LOWER_FACE = (
    0, 11, 12, 13, 14, 15, 16, 17, 18, 32, 37, 38, 39, 40, 41, 42, 43, 57, 61, 62, 72, 73, 74, 76, 77, 78, 80, 81, 82,
    83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 95, 96, 106, 135, 136, 140, 146, 148, 149, 150, 152, 164, 165, 167, 169,
    170, 171, 175, 176, 178, 179, 180, 181, 182, 183, 184, 185, 186, 191, 194, 199, 200, 201, 202, 204, 206, 207, 208,
    210, 211, 212, 214, 216, 262, 267, 268, 269, 270, 271, 272, 273, 287, 291, 292, 302, 303, 304, 306, 307, 308, 310,
    311, 312, 313, 314, 315, 316, 317, 318, 319, 320, 321, 322, 324, 325, 335, 364, 365, 369, 375, 377, 378, 379, 391,
    393, 394, 395, 396, 400, 402, 403, 404, 405, 406, 407, 408, 409, 410, 415, 418, 421, 422, 424, 427, 428, 430, 431,
    432, 434, 436,
)  # fmt: skip

# A closed line around the mouth: between nose and lip, over the cheeks' still skin, across the chin above its edge.
MOUTH_REGION = (164, 393, 391, 436, 432, 422, 431, 262, 428, 199, 208, 32, 211, 202, 212, 216, 165, 167)


def within_lower_face(indices: tuple[int, ...]) -> list[int]:
    """Positions within `LOWER_FACE` of landmarks given by their FaceMesh numbers."""
    position = {index: place for place, index in enumerate(LOWER_FACE)}
    return [position[index] for index in indices]


LOWER_LIPS = within_lower_face(LIPS)
LOWER_OUTER_LIPS = within_lower_face(OUTER_LIPS)
LOWER_INNER_LIPS = within_lower_face(INNER_LIPS)
LOWER_MOUTH_REGION = within_lower_face(MOUTH_REGION)
LOWER_TOP, LOWER_BOTTOM = within_lower_face((INNER_LIP_TOP, INNER_LIP_BOTTOM))
LOWER_RIGHT, LOWER_LEFT = within_lower_face((MOUTH_CORNER_RIGHT, MOUTH_CORNER_LEFT))
