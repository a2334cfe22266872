"""From a decoded frame to the picture that a player shows: its colours, its square pixels, its right way up."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

ACCURATE = Interpolation.BILINEAR | Interpolation.FULL_CHR_H_INT | Interpolation.ACCURATE_RND
"""swscale's default is up to 2 levels off; this is exact to rounding."""

AVCOL_SPC_UNSPECIFIED = 2
"""FFmpeg's number for a picture that does not say its colour matrix."""

MAX_SD_WIDTH, MAX_SD_HEIGHT = 1024, 576
"""Largest picture that players take for BT.601 when the file does not say."""


class FrameConverter:
    """Turns decoded frames into upright RGB pictures; keeps swscale's tables from frame to frame.

    Parameters
    ----------
    stretch : Fraction or None
        Width of a stored pixel over its height; old camcorders store narrow ones.
    """

    def __init__(self, stretch: Fraction | None) -> None:
        self._reformatter = VideoReformatter()
        self._stretch = stretch or Fraction(1)
        self._orientation: np.ndarray | None = None

    def to_rgb(self, frame: VideoFrame) -> np.ndarray:
        """Upright RGB picture of a decoded frame, shape (height, width, 3), uint8."""
        picture = self._reformatter.reformat(
            frame,
            width=max(1, round(frame.width * self._stretch)),
            format="rgb24",
            src_colorspace=_colour_matrix(frame),
            dst_color_range=ColorRange.JPEG,
            interpolation=ACCURATE,
            threads=1,
        )
        if self._orientation is None:
            # asked once a file: asking ties a frame into a reference cycle, so that it would outlive its use
            self._orientation = _display_matrix(frame)
        return _upright(picture.to_ndarray(), self._orientation)


def _colour_matrix(frame: VideoFrame) -> Colorspace | None:
    """Colour matrix to decode with; None means the one that the frame names.

    A file that names none is taken as players take it, BT.601 for small pictures and BT.709 for large ones, so that
    the colours are those that the person saw.
    """
    if frame.colorspace != AVCOL_SPC_UNSPECIFIED or frame.format.name.startswith(("rgb", "bgr", "gbr")):
        return None
    is_small = frame.width <= MAX_SD_WIDTH and frame.height <= MAX_SD_HEIGHT
    return Colorspace.ITU601 if is_small else Colorspace.ITU709


def _display_matrix(frame: VideoFrame) -> np.ndarray:
    """The 2 x 2 part of the display matrix, shape (2, 2), int; identity where the file has none."""
    side_data = frame.side_data.get("DISPLAYMATRIX")
    if side_data is None:
        return np.eye(2, dtype=int)
    entries = np.frombuffer(cast(bytes, side_data), dtype=np.int32, count=9).reshape(3, 3)[:2, :2]
    # 16.16 fixed point; phones only write quarter turns and mirrors
    return np.rint(entries / 65536.0).astype(int)


def _upright(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Turn and mirror `image` as `matrix` says: stored pixel (x, y) is shown at (x, y) @ matrix."""
    if matrix[0, 0] == 0 and matrix[1, 1] == 0 and matrix[0, 1] and matrix[1, 0]:
        image, flip_x, flip_y = image.transpose(1, 0, 2), matrix[1, 0] < 0, matrix[0, 1] < 0
    else:
        flip_x, flip_y = matrix[0, 0] < 0, matrix[1, 1] < 0
    if flip_x:
        image = image[:, ::-1]
    if flip_y:
        image = image[::-1]
    return np.ascontiguousarray(image)
