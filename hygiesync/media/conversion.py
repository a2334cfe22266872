"""From a decoded frame to the picture that a player shows: its colours, its square pixels, its right way up."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

from hygiesync.media.colours import ToSrgb, is_high_range, is_wide

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
        self._orientation: NDArray[np.int64] | None = None
        self._to_srgb: ToSrgb | None = None
        self._shape: tuple[int, ...] | None = None

    def to_rgb(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """Upright RGB picture of a decoded frame, shape (height, width, 3), uint8."""
        if is_high_range(frame) or is_wide(frame):
            picture = self._from_other_colours(frame)
        elif _is_plain(frame) and self._stretch == 1:
            picture = self._plainly(frame)
        else:
            picture = self._on_white(frame) if _has_alpha(frame) else _bytes(self._by_swscale(frame))
        if self._orientation is None:
            # asked once a file: asking ties a frame into a reference cycle, so that it would outlive its use
            self._orientation = _display_matrix(frame)
        image = _upright(picture, self._orientation)
        # some files change their size on the way; players show all of it at the first one
        self._shape = self._shape or image.shape
        if image.shape != self._shape:
            image = np.ascontiguousarray(cv2.resize(image, self._shape[1::-1], interpolation=cv2.INTER_AREA))
        return image

    def _on_white(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """A frame that one may see through, as a page shows it."""
        seen = self._by_swscale(frame, "rgba").to_ndarray().astype(np.float32)
        share = seen[..., 3:] / 255
        return np.rint(seen[..., :3] * share + 255 * (1 - share)).astype(np.uint8)

    def _from_other_colours(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """A frame of high range, or of other primaries than a screen's."""
        if self._to_srgb is None:
            self._to_srgb = ToSrgb(self._by_swscale(frame, "gbrp16le"), frame)
        return self._to_srgb(self._by_swscale(frame, "gbrp16le"))

    def _by_swscale(self, frame: VideoFrame, target: str = "rgb24") -> VideoFrame:
        """Any frame, exact to rounding."""
        return self._reformatter.reformat(
            frame,
            width=max(1, round(frame.width * self._stretch)),
            format=target,
            src_colorspace=_colour_matrix(frame),
            dst_color_range=ColorRange.JPEG,
            interpolation=ACCURATE,
            threads=1,
        )

    def _plainly(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """A frame as nearly all cameras and encoders write them: the same colours in a quarter of swscale's time."""
        luma, *chroma = (_plane(frame, number) for number in range(3))
        full = cv2.merge([luma, *(_chroma_at_luma(plane) for plane in chroma)])
        return cv2.transform(full, _TO_RGB[_colour_matrix(frame) or Colorspace(frame.colorspace)])


def _to_rgb(red: float, blue: float) -> NDArray[np.float64]:
    """Matrix (3, 4) from studio-range (Y, Cb, Cr, 1) to RGB, 0 to 255 (ITU-T H.273, equations 38 to 43)."""
    green = 1 - red - blue
    of_cb = np.array([0, -2 * (1 - blue) * blue / green, 2 * (1 - blue)]) * 255 / 224
    of_cr = np.array([2 * (1 - red), -2 * (1 - red) * red / green, 0]) * 255 / 224
    matrix = np.stack([np.full(3, 255 / 219), of_cb, of_cr], 1)
    return np.column_stack([matrix, -matrix @ [16, 128, 128]])


_TO_RGB = {Colorspace.ITU601: _to_rgb(0.299, 0.114), Colorspace.ITU709: _to_rgb(0.2126, 0.0722)}


def _bytes(frame: VideoFrame) -> NDArray[np.uint8]:
    return cast(NDArray[np.uint8], frame.to_ndarray())  # rgb24: a byte a colour


def _has_alpha(frame: VideoFrame) -> bool:
    return frame.format.name.startswith(("yuva", "rgba", "bgra", "argb", "abgr", "gbrap", "pal8", "ya8", "ya16"))


def _is_plain(frame: VideoFrame) -> bool:
    """Whether a frame is 8-bit 4:2:0 in studio range, of even size, with one of the two usual colour matrices."""
    return (
        frame.format.name == "yuv420p"
        and frame.color_range in (ColorRange.UNSPECIFIED, ColorRange.MPEG)
        and (_colour_matrix(frame) or frame.colorspace) in _TO_RGB
        and frame.width % 2 == 0
        and frame.height % 2 == 0
    )


def _plane(frame: VideoFrame, number: int) -> NDArray[np.uint8]:
    """One plane of a frame, (height, width), uint8; not to be used longer than the frame."""
    plane = frame.planes[number]
    return np.frombuffer(cast(bytes, plane), np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]


def _chroma_at_luma(chroma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Chroma (h, w) at every luma pixel, (2 h, 2 w): it lies on every second column, and halfway between two rows."""
    height, width = chroma.shape
    tall = cv2.resize(chroma, (width, 2 * height), interpolation=cv2.INTER_LINEAR)
    # halves are rounded down here, as they were rounded up by the resizing: together they give no colour cast
    between = cv2.addWeighted(tall[:, :-1], 0.5, tall[:, 1:], 0.5, -0.25)
    wide = np.empty((2 * height, 2 * width), np.uint8)
    wide[:, 0::2] = tall
    wide[:, 1:-1:2] = between
    wide[:, -1] = tall[:, -1]
    return wide


def _colour_matrix(frame: VideoFrame) -> Colorspace | None:
    """Colour matrix to decode with; None means the one that the frame names.

    A file that names none is taken as players take it, BT.601 for small pictures and BT.709 for large ones, so that
    the colours are those that the person saw.
    """
    if frame.colorspace != AVCOL_SPC_UNSPECIFIED or frame.format.name.startswith(("rgb", "bgr", "gbr")):
        return None
    is_small = frame.width <= MAX_SD_WIDTH and frame.height <= MAX_SD_HEIGHT
    return Colorspace.ITU601 if is_small else Colorspace.ITU709


def _display_matrix(frame: VideoFrame) -> NDArray[np.int64]:
    """The 2 x 2 part of the display matrix, shape (2, 2), int; identity where the file has none."""
    side_data = frame.side_data.get("DISPLAYMATRIX")
    if side_data is None:
        return np.eye(2, dtype=int)
    entries = np.frombuffer(cast(bytes, side_data), dtype=np.int32, count=9).reshape(3, 3)[:2, :2]
    # 16.16 fixed point; phones only write quarter turns and mirrors
    return np.rint(entries / 65536.0).astype(int)


def _upright(image: NDArray[np.uint8], matrix: NDArray[np.int64]) -> NDArray[np.uint8]:
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
