"""An avatar at any picture size, and what it is to say there: only the pixels are more than it was filmed with."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.errors import InputError
from hygiesync.face.topology import LOWER_MOUTH_REGION
from hygiesync.rendering.atlas import Atlas, encode_picture
from hygiesync.rendering.interfaces import PlainFrame, TemplateFace, TemplateFrame

MAX_PICTURES = 400
"""Atlas pictures that are enlarged."""

MAX_PATCH_PX = 384
_N_TEMPLATES = 4
_MOUTH_HEIGHT = 0.62
"""How far down the picture the middle of the mouth lies, as a share of its height."""


@dataclass(frozen=True)
class Enlargement:
    """What is drawn at one picture size.

    Attributes
    ----------
    atlas : Atlas
        The avatar's first pictures, enlarged.
    script : list of (PlainFrame, ndarray)
        The template and coefficients (n_components,) of each round.
    """

    atlas: Atlas
    script: list[tuple[PlainFrame, NDArray[Any]]]


def enlarge(avatar: VideoAvatar, size: tuple[int, int], n_rounds: int) -> Enlargement:
    """The avatar, enlarged to fill pictures of `size` (width, height).

    Raises
    ------
    InputError
        When the idle loop shows no face.
    """
    originals = [frame for frame in islice(avatar.idle(avatar.fps).template.frames(), _N_TEMPLATES) if frame.face]
    if not originals or originals[0].face is None:
        raise InputError(f"{avatar.directory}: the idle loop shows no face at its beginning; train the avatar again")
    region = originals[0].face.lower[LOWER_MOUTH_REGION]
    scale = _patch_px(size) / float(np.ptp(region, axis=0).max())
    middle = np.array([size[0] / 2, size[1] * _MOUTH_HEIGHT])
    shift = middle - scale * (region.min(0) + region.max(0)) / 2
    templates = [_enlarged_template(frame, size, scale, shift) for frame in originals]
    coefficients = avatar.atlas.coefficients[:MAX_PICTURES]
    script = [
        (templates[number % len(templates)], coefficients[number % len(coefficients)]) for number in range(n_rounds)
    ]
    return Enlargement(enlarged_atlas(avatar.atlas, scale), script)


def enlarged_atlas(atlas: Atlas, scale: float) -> Atlas:
    """The first pictures of an atlas, as those of a video `scale` times as large."""
    some = slice(0, MAX_PICTURES)
    pictures = tuple(
        encode_picture(cv2.resize(atlas.camera_picture(index), None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC))
        for index in range(len(atlas.pictures[some]))
    )
    return Atlas(
        pictures=pictures,
        vertices=(atlas.vertices[some] * scale).astype(np.float32),
        coefficients=atlas.coefficients[some],
        turns=atlas.turns[some],
        frame_numbers=atlas.frame_numbers[some],
        codes=atlas.codes[some],
        detail=atlas.detail,
    )


def _patch_px(size: tuple[int, int]) -> int:
    """Longer side of the mouth's patch in a picture of `size` (width, height)."""
    return min(min(size) // 2, MAX_PATCH_PX)


def _enlarged_template(frame: PlainFrame, size: tuple[int, int], scale: float, shift: NDArray[Any]) -> PlainFrame:
    matrix = np.column_stack([scale * np.eye(2), shift])
    image = cv2.warpAffine(frame.image, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    face = frame.face
    assert face is not None
    to_picture = scale * face.to_picture
    to_picture[:, 2] += shift
    return TemplateFrame(image, frame.time_s, TemplateFace(to_picture, face.turn, scale * face.lower + shift))
