r"""A person continued beyond the edges of their picture, so that a head that moves brings no edge along.

A tightly cropped head ends where its picture ends. When it moves down or aside, what lay beyond comes into view, and
nobody knows what that is: hair, where the crop cut hair. So next to the edge the picture is mirrored, which keeps its
texture, but never as deep as the face, since a second forehead above the hair would be seen at once; the mirror is
folded there, and further out it gives way to smooth colours. A head that the upper edge cuts is closed by a dome as
wide as the cut; what an edge at the side or below cuts goes on::

         .--~~--.        dome, mirrored hair
    ----/--------\----   the picture's upper edge
       |  hair    |
       |  .----.  |      the face is not mirrored
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.portrait.layers import pull_push
from hygiesync.portrait.parts import OVAL, upright

BORDER = 1.2
"""Width of what is made up around a picture, in eye distances: as far as heads and shoulders come in."""

_MOST_BORDER = 0.4
"""The same as a part of the picture's longer side: more is no picture any more."""

_FACE_MARGIN = 1.06
"""How much larger than the face's outline is what is not mirrored."""

_DEPTH = 0.3
"""How deep an edge is mirrored at most, in eye distances."""

_TEXTURED = (0.1, 0.7)
"""Distances from the edge, in eye distances, between which the mirrored picture gives way to smooth colours."""

_STEP_REACH = 0.12
"""How far from the edge the smooth colours have become their own, in eye distances."""

_DOME = 0.3
"""Height of the dome over a head that is cut, as a part of the cut's width; a circle's would be 0.5."""

_SKIN_FROM = 0.55
"""Part of the way from the hair's colour to the skin's from which a pixel above the face is skin."""

_ALIKE, _FEWEST_PX = 40.0, 20
"""Levels by which hair's and skin's colours differ where they can be told apart; and pixels that hair has at least."""

_ROUGH_PX = 3.0
"""How smoothly the mirror's depth and the dome change along an edge, in hundredths of the eye distance."""


@dataclass(frozen=True)
class Continued:
    """A person with a border around them.

    Attributes
    ----------
    person : ndarray, shape (H + 2 * border, W + 2 * border, 3), uint8, RGB
    alpha : ndarray, shape (H + 2 * border, W + 2 * border), uint8
    border : int
        Pixels on each side.
    """

    person: NDArray[np.uint8]
    alpha: NDArray[np.uint8]
    border: int


def continued(person: NDArray[np.uint8], alpha: NDArray[np.uint8], landmarks: FloatArray) -> Continued:
    """A person continued beyond the edges of their picture.

    Parameters
    ----------
    person : ndarray, shape (H, W, 3), uint8, RGB
        Their colours, as in :class:`hygiesync.portrait.layers.Layers`.
    alpha : ndarray, shape (H, W), uint8
        How much of each pixel is theirs.
    landmarks : ndarray, shape (478, 2 or 3), pixels
    """
    unit = float(np.linalg.norm(upright(landmarks)[1][0]))
    border = round(min(BORDER * unit, _MOST_BORDER * max(alpha.shape)))
    face = _not_mirrored(person, alpha, landmarks)
    # one edge after the other, each of what the last one left: corners are continued twice
    for turns in range(4):
        person, alpha, face = (np.ascontiguousarray(np.rot90(layer, turns)) for layer in (person, alpha, face))
        person, alpha = _above(person, alpha, face, border, unit, is_head=turns == 0)
        face = cv2.copyMakeBorder(face, border, 0, 0, 0, cv2.BORDER_CONSTANT)
        person, alpha, face = (np.ascontiguousarray(np.rot90(layer, -turns)) for layer in (person, alpha, face))
    return Continued(person, alpha, border)


def _not_mirrored(person: NDArray[np.uint8], alpha: NDArray[np.uint8], landmarks: FloatArray) -> NDArray[np.uint8]:
    """Where (H, W), 0 or 255, the face is, and what has its skin's colour and not that of the hair."""
    outline = landmarks[list(OVAL), :2]
    middle = outline.mean(0)
    face = np.zeros(alpha.shape, np.uint8)
    cv2.fillConvexPoly(face, np.rint(middle + _FACE_MARGIN * (outline - middle)).astype(np.int32), 255)
    skin = np.zeros(alpha.shape, np.uint8)
    cv2.fillConvexPoly(skin, np.rint(middle + 0.6 * (outline - middle)).astype(np.int32), 255)
    above = np.zeros(alpha.shape, bool)
    above[: max(int(outline[:, 1].min()), 1)] = True
    hair = above & (alpha > 200)
    if not (skin > 0).any() or hair.sum() < _FEWEST_PX:
        return face
    # along the line from the one colour to the other; a bald head has only one
    skin_colour, hair_colour = (np.median(person[where], axis=0) for where in (skin > 0, hair))
    apart = skin_colour - hair_colour
    if np.linalg.norm(apart) < _ALIKE:
        return face
    is_skin = ((person - hair_colour) @ apart) / (apart @ apart) > _SKIN_FROM
    is_skin = cv2.morphologyEx((255 * (is_skin & above)).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return np.maximum(face, is_skin)


def _above(
    person: NDArray[np.uint8],
    alpha: NDArray[np.uint8],
    face: NDArray[np.uint8],
    border: int,
    unit: float,
    *,
    is_head: bool,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Colours (h + border, w, 3) and cover (h + border, w) continued beyond the upper edge."""
    height, width = alpha.shape
    reach = min(height, border)
    blurred = max(1.0, _ROUGH_PX * unit / 100)
    # the first face pixel of each column: no mirror is deeper
    first = np.where(face[:reach].any(0), face[:reach].argmax(0), reach).astype(np.float32)
    first = cv2.erode(first[None], np.ones((1, 2 * round(2 * blurred) + 1), np.uint8))
    depth = np.clip(cv2.GaussianBlur(first, (0, 0), blurred)[0] - 1, 0, _DEPTH * unit)
    away = np.arange(border, 0, -1, dtype=np.float32)[:, None]
    # forth and back between the edge and that depth
    fold = 2 * np.maximum(depth, 0.5)
    rows = np.abs((away - 1 + depth) % fold - depth)
    rows = np.where(depth < 1, 0, rows)
    x = np.broadcast_to(np.arange(width, dtype=np.float32), rows.shape)
    mirrored = cv2.remap(person, x, rows.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    smooth = _smooth(person, alpha, face, border, reach)
    start, end = (unit * distance for distance in _TEXTURED)
    share = np.clip((end - away) / (end - start), 0, 1) * np.clip(depth / (0.05 * unit), 0, 1)
    share = cv2.GaussianBlur(share.astype(np.float32), (0, 0), blurred)[..., None]
    # what is smooth begins with the edge's own colours
    step = cv2.GaussianBlur(person[:1].astype(np.float32), (0, 0), blurred) - smooth[-1:]
    smooth += np.exp(-away / (_STEP_REACH * unit)).astype(np.float32)[..., None] * step
    beyond = smooth + share * (mirrored - smooth)
    cover = np.repeat(alpha[:1], border, axis=0)
    if is_head:
        cover = np.minimum(cover, _domes(alpha[0], border))
    return np.vstack([np.rint(np.clip(beyond, 0, 255)).astype(np.uint8), person]), np.vstack([cover, alpha])


def _smooth(
    person: NDArray[np.uint8], alpha: NDArray[np.uint8], face: NDArray[np.uint8], border: int, reach: int
) -> NDArray[np.float32]:
    """Colours (border, w, 3) beyond the upper edge, from the person's near it that are not their face's."""
    near = person[:reach].astype(np.float32)
    weight = np.where(face[:reach] > 0, 0, alpha[:reach] / np.float32(255))
    if weight.max() < 0.5:
        weight = alpha[:reach] / np.float32(255)
    # the edge itself says most
    weight = weight * np.exp(-np.arange(reach, dtype=np.float32) / max(0.2 * reach, 1))[:, None]
    image = np.vstack([np.zeros((border, *near.shape[1:]), np.float32), near])
    return pull_push(image, np.vstack([np.zeros((border, near.shape[1]), np.float32), weight]))[:border]


def _domes(edge: NDArray[np.uint8], border: int) -> NDArray[np.uint8]:
    """Cover (border, w) of heads that the edge, with a cover of (w,), cuts: half an ellipse over each piece."""
    cover = np.zeros((border, len(edge)), np.uint8)
    steps = np.diff(np.concatenate([[False], edge > 127, [False]]).astype(np.int8))
    starts, ends = np.flatnonzero(steps > 0), np.flatnonzero(steps < 0)
    for start, end in zip(starts, ends, strict=True):
        height = round(_DOME * (end - start))
        dome = np.zeros((border + 1, len(edge)), np.uint8)
        middle, half = ((start + end - 1) / 2, border), ((end - start) / 2, height)
        centre = tuple(round(16 * place) for place in middle)
        axes = tuple(max(round(16 * length), 16) for length in half)
        cv2.ellipse(dome, centre, axes, 0, 0, 360, 255, -1, cv2.LINE_AA, 4)
        cover = np.maximum(cover, dome[:border])
    return cover
