"""The figures of a report that are drawn from numbers: where pictures differ, and what happens at the loop's seam."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.evaluation.contact_sheet import lay_out
from hygiesync.evaluation.loop_seam import LoopSeam
from hygiesync.evaluation.picture_quality import PictureComparison
from hygiesync.face.shape import ShapeModel
from hygiesync.face.topology import LOWER_MOUTH_REGION

if TYPE_CHECKING:
    from matplotlib.colors import Colormap

FULL_SCALE = 24
"""Mean difference, levels of 255, that a map of differences shows at its brightest."""

EDGE_SCALE = 3
"""Mean change of the gradient, levels per pixel, that a map of edges shows at its most red or blue."""

CHANGE_GAIN = 6
"""How much the loop's changes are amplified."""

_REAL_EDGE_SCALE = 12
_MAP_WIDTH = 340
_WHITE, _BLUE = (255, 255, 255), (31, 111, 214)


def seam_maps(shape: ShapeModel, pictures: Mapping[str, PictureComparison]) -> bytes:
    """Maps of the lower face: the mean difference to the real pictures above, edges more and fewer than theirs below.

    Parameters
    ----------
    shape : ShapeModel
        For the outline of what is blended in.
    pictures : mapping
        "reencoded", "oracle" and "ours" are shown.

    Returns
    -------
    bytes
        A PNG.
    """
    import matplotlib

    heat, signed = matplotlib.colormaps["inferno"], matplotlib.colormaps["RdBu_r"]
    rows = ("reencoded", "oracle", "ours")
    window = pictures["oracle"].lower_face
    outline = window.to_pixels(shape.mean[LOWER_MOUTH_REGION]) * (_MAP_WIDTH / window.width)
    face = _enlarged(pictures["oracle"].mean_real)
    ink = _coloured(matplotlib.colormaps["Greys"], pictures["oracle"].mean_real_edges / _REAL_EDGE_SCALE)
    for picture, colour in ((face, _WHITE), (ink, _BLUE)):
        cv2.polylines(picture, [np.rint(outline * 16).astype(np.int32)], True, colour, 1, cv2.LINE_AA, 4)
    differences = [_coloured(heat, pictures[row].mean_difference / FULL_SCALE) for row in rows]
    added = [_coloured(signed, 0.5 + pictures[row].mean_added_edges / (2 * EDGE_SCALE)) for row in rows]
    return lay_out(
        [("difference", [face, *differences]), ("edges", [ink, *added])], ["real, mean of all frames", *rows]
    )


def loop_strip(loop: LoopSeam) -> bytes:
    """Pictures around the loop's seam above their changes, as a JPEG."""
    changes = np.minimum(loop.changes.astype(np.float32) * CHANGE_GAIN, 255).astype(np.uint8)
    n_after = len(loop.pictures) - loop.n_before
    captions = [f"end − {left}" for left in range(loop.n_before, 0, -1)]
    captions += ["start", *(f"start + {number}" for number in range(1, n_after))]
    grey = np.repeat(changes[..., None], 3, axis=-1)
    return lay_out([("picture", list(loop.pictures)), ("change", list(grey))], captions, "jpeg")


def _coloured(colours: Colormap, level: FloatArray) -> NDArray[np.uint8]:
    """Picture (h, w, 3), uint8, of a map (H, W) of levels from 0 to 1."""
    return (colours(np.clip(_enlarged(level), 0.0, 1.0))[..., :3] * 255).astype(np.uint8)


def _enlarged(picture: NDArray[Any]) -> NDArray[Any]:
    """Map (H, W) or picture (H, W, 3) at the maps' width."""
    height, width = picture.shape[:2]
    how = cv2.INTER_AREA if width > _MAP_WIDTH else cv2.INTER_CUBIC
    return cv2.resize(picture, (_MAP_WIDTH, round(_MAP_WIDTH * height / width)), interpolation=how)
