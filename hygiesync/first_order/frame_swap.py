"""Parts of a picture put into the frames of a video: parts of a face, by its landmarks, or a model's own segments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.errors import UsageError
from hygiesync.first_order.crop import Square
from hygiesync.first_order.keypoints import KeyPoints
from hygiesync.first_order.pasting import Pasting
from hygiesync.first_order.regions import region_mask
from hygiesync.first_order.segment_model import SegmentModel, Segments
from hygiesync.first_order.swapping import PartSwap, SwappingModel, segment_mask, surroundings


class _FrameSwap:
    """What both ways share: a square of each frame is painted anew, and put back around the parts only."""

    def __init__(self, model: SwappingModel, picture: NDArray[np.uint8], square: Square) -> None:
        self._size, self._square = model.size, square
        self._swap = PartSwap(model, picture)
        self._picture_mask: NDArray[np.float32] | None = None
        self._pasting: Pasting | None = None

    def _drawn(
        self, frame: NDArray[Any], target: NDArray[np.uint8], seen: KeyPoints | Segments, mask: NDArray[np.float32]
    ) -> NDArray[Any]:
        made, blend = self._swap.draw(target, seen, mask, is_of_picture=self._picture_mask is not None)
        if self._pasting is None:
            self._pasting = Pasting(frame.shape[1], frame.shape[0], self._square)
        return self._pasting.paste(frame, np.rint(made * 255).astype(np.uint8), surroundings(blend))


class RegionSwap(_FrameSwap):
    """Takes parts of the face in one picture.

    Parameters
    ----------
    model : FirstOrderModel or SegmentModel
    picture : ndarray, shape (size, size, 3), uint8, RGB
    square : Square
        Of the frames: what the model sees.
    regions : sequence of str
        Some of :data:`hygiesync.first_order.regions.REGIONS`.
    picture_landmarks : ndarray, shape (478, 2 or 3), optional
        Of `picture`, in its pixels: the parts have the outlines that they have there, moved. Without, those of the
        frames.

    Raises
    ------
    UsageError
        When a part is unknown.
    """

    def __init__(
        self,
        model: SwappingModel,
        picture: NDArray[np.uint8],
        square: Square,
        regions: Sequence[str],
        picture_landmarks: FloatArray | None = None,
    ) -> None:
        super().__init__(model, picture, square)
        self._regions = tuple(regions)
        if picture_landmarks is not None:
            self._picture_mask = self._region(picture_landmarks)

    def draw(self, frame: NDArray[Any], landmarks: FloatArray | None) -> NDArray[Any]:
        """A frame (h, w, 3), uint8, RGB, with the parts in it; as it is where no face is seen.

        Parameters
        ----------
        frame : ndarray
        landmarks : ndarray, shape (478, 2 or 3), or None
            Of the frame's face, pixels.
        """
        if landmarks is None:
            return frame
        square = self._square
        target = square.cut(frame, self._size)
        mask = self._picture_mask
        if mask is None:
            mask = self._region((landmarks[:, :2] - (square.left, square.top)) * (self._size / square.side))
        return self._drawn(frame, target, self._swap.look(target), mask)

    def _region(self, landmarks: FloatArray) -> NDArray[np.float32]:
        return region_mask(landmarks, (self._size, self._size), *self._regions)


class SegmentSwap(_FrameSwap):
    """Takes segments of one picture, which a model of co-segmentation knows by number.

    Parameters
    ----------
    model : SegmentModel
    picture : ndarray, shape (size, size, 3), uint8, RGB
    square : Square
        Of the frames: what the model sees.
    segments : sequence of int
        Numbers from 1.
    is_hard : bool
        What belongs to them for the most part is wholly taken, the rest not at all.
    follows_picture : bool
        They have the outlines that they have in the picture, moved; else those of the frames.

    Raises
    ------
    UsageError
        When there are no such segments.
    """

    def __init__(
        self,
        model: SwappingModel,
        picture: NDArray[np.uint8],
        square: Square,
        segments: Sequence[int],
        *,
        is_hard: bool = False,
        follows_picture: bool = False,
    ) -> None:
        if not isinstance(model, SegmentModel):
            raise UsageError("`segments`: this model has none; name one of co-segmentation, or choose `regions`")
        super().__init__(model, picture, square)
        self._numbers, self._is_hard = tuple(segments), is_hard
        in_picture = self._chosen(model.segments(picture))
        if follows_picture:
            self._picture_mask = in_picture

    def draw(self, frame: NDArray[Any]) -> NDArray[Any]:
        """A frame (h, w, 3), uint8, RGB, with the segments in it."""
        target = self._square.cut(frame, self._size)
        seen = self._swap.look(target)
        assert isinstance(seen, Segments)
        mask = self._chosen(seen) if self._picture_mask is None else self._picture_mask
        return self._drawn(frame, target, seen, mask)

    def _chosen(self, segments: Segments) -> NDArray[np.float32]:
        return segment_mask(segments, self._numbers, is_hard=self._is_hard)
