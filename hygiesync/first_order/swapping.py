"""Parts of one picture's face, or of anything else, put into another picture: blended as features, then painted.

References
----------
Siarohin et al., *Motion-supervised Co-Part Segmentation*, ICPR 2020 (arXiv 2004.03234), section on part swaps.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.errors import UsageError
from hygiesync.first_order.bundle import ModelManifest
from hygiesync.first_order.keypoints import KeyPoints
from hygiesync.first_order.model import FirstOrderModel
from hygiesync.first_order.segment_model import SegmentModel, Segments
from hygiesync.media.container import PathLike

SwappingModel: TypeAlias = FirstOrderModel | SegmentModel

_SPREAD = 1.5
"""Softness, in places of the features, of the border beyond which a picture's own pixels are kept."""


def load_swapping_model(folder: PathLike) -> SwappingModel:
    """Read a model of either kind.

    Raises
    ------
    InputError
        When it is none, or damaged.
    """
    is_segmented = ModelManifest.read(Path(folder)).configuration.model.is_segmented
    return SegmentModel.load(folder) if is_segmented else FirstOrderModel.load(folder)


class PartSwap:
    """Takes parts of one picture.

    Parameters
    ----------
    model : FirstOrderModel or SegmentModel
    picture : ndarray, shape (size, size, 3), RGB, uint8, or float32 from 0 to 1
    """

    def __init__(self, model: SwappingModel, picture: NDArray[Any]) -> None:
        self._model, self._aligns = model, model.configuration.model.aligns_corners
        self._source: Any = model.source(picture)
        self._side = self._source.features.shape[-1]

    def look(self, target: NDArray[Any]) -> KeyPoints | Segments:
        """What the model sees in a target picture (size, size, 3), RGB, uint8, or float32 from 0 to 1."""
        return self._model.segments(target) if isinstance(self._model, SegmentModel) else self._model.points(target)

    def draw(
        self, target: NDArray[Any], seen: Any, mask: NDArray[np.float32], *, is_of_picture: bool = False
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The target with parts of the picture in it, and how much is taken from the picture at each place.

        Parameters
        ----------
        target : ndarray, shape (size, size, 3), RGB, uint8, or float32 from 0 to 1
        seen : KeyPoints or Segments
            What :meth:`look` gave.
        mask : ndarray, shape (k side, k side), float32, 0 to 1
            The parts in the target, in `k` times the size of the features.
        is_of_picture : bool
            The mask shows the parts in the picture, and moves with it.

        Returns
        -------
        picture : ndarray, shape (size, size, 3), float32, RGB, 0 to 1
        blend : ndarray, shape (side, side), float32
            In the size of the features.
        """
        deformation, visible = self._model.motion(self._source, seen)
        moved = warped(self._source.features[0], deformation[0], aligns_corners=self._aligns) * visible[0]
        blend = scaled_mask(mask, self._side)
        if is_of_picture:
            blend = warped(blend[None], deformation[0], aligns_corners=self._aligns)[0]
        mixed = self._model.features(target)[0] * (1 - blend) + moved * blend
        kept = self._model.as_input(target)
        if self._model.keeps_pixels:
            kept = self._mixed_pixels(kept[0], deformation[0], blend)[None]
        still = self._standing_still(self._side)[None]
        painted = self._model.paint(mixed[None], still, np.ones_like(visible), kept)
        return painted, blend

    def _mixed_pixels(
        self, target: NDArray[np.float32], deformation: NDArray[np.float32], blend: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Planes of the target and of the moved picture, mixed as their features are."""
        places = self._standing_still(target.shape[-1])
        larger = warped(np.concatenate([deformation.transpose(2, 0, 1), blend[None]]), places, aligns_corners=True)
        moved = warped(self._source.picture[0], larger[:2].transpose(1, 2, 0), aligns_corners=True)
        return np.asarray(target * (1 - larger[2]) + moved * larger[2], np.float32)

    def _standing_still(self, side: int) -> NDArray[np.float32]:
        """The deformation (side, side, 2) that changes nothing."""
        end = 1.0 if self._aligns else 1.0 - 1.0 / side
        line = np.linspace(-end, end, side, dtype=np.float32)
        return np.stack(np.meshgrid(line, line), -1)


def warped(
    planes: NDArray[np.float32], deformation: NDArray[np.float32], *, aligns_corners: bool
) -> NDArray[np.float32]:
    """Planes (c, h, w) looked up between pixels at coordinates (h', w', 2), (x, y), -1 to 1; zero beyond the border."""
    height, width = planes.shape[1:]
    size = np.array([width, height], np.float32)
    places = (deformation + 1) / 2 * (size - 1) if aligns_corners else ((deformation + 1) * size - 1) / 2
    # a border of zeros, in which everything further out ends as well
    padded = np.pad(planes, ((0, 0), (1, 2), (1, 2)))
    x, y = np.moveaxis(np.clip(places + 1, 0, size + 1), -1, 0)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    right, low = (x - left).astype(np.float32), (y - top).astype(np.float32)
    upper = padded[:, top, left] * (1 - right) + padded[:, top, left + 1] * right
    lower = padded[:, top + 1, left] * (1 - right) + padded[:, top + 1, left + 1] * right
    return np.asarray(upper * (1 - low) + lower * low, np.float32)


def scaled_mask(mask: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """A mask (k side, k side) at every k-th pixel, blurred before; beyond the border it is zero.

    Raises
    ------
    UsageError
        When its size is no multiple of `side`.
    """
    step, rest = divmod(mask.shape[0], side)
    if rest or mask.shape[0] != mask.shape[1]:
        raise UsageError(f"`mask`: expected a square, a multiple of {side} pixels wide, got {mask.shape}")
    if step == 1:
        return mask
    sigma = (step - 1) / 2
    size = 2 * round(4 * sigma) + 1
    blurred = cv2.GaussianBlur(mask, (size, size), sigma, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(blurred[::step, ::step], np.float32)


def segment_mask(segments: Segments, numbers: tuple[int, ...], *, is_hard: bool = False) -> NDArray[np.float32]:
    """How much of each place (h, w) belongs to some of the segments; 0 or 1 with `is_hard`.

    Raises
    ------
    UsageError
        When there are none of these numbers.
    """
    n = len(segments.maps) - 1
    if not numbers or not all(1 <= number <= n for number in numbers):
        named = ",".join(map(str, numbers)) or "none"
        raise UsageError(f"`segments`: expected some of 1 to {n}, got {named}")
    mask = segments.maps[list(numbers)].sum(0)
    return (mask > 0.5).astype(np.float32) if is_hard else np.asarray(mask, np.float32)


def surroundings(blend: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where a painted picture takes the place of a target: a blend (h, w) and a little around it, softly."""
    wider = cv2.dilate(blend, np.ones((3, 3), np.uint8))
    return np.asarray(np.clip(2 * cv2.GaussianBlur(wider, (0, 0), _SPREAD), 0, 1), np.float32)
