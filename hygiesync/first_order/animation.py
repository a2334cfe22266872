"""A still picture moved by a model, frame by frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.concurrency.side_by_side import side_by_side
from hygiesync.first_order.keypoints import CarryOptions, KeyPoints, PointFilter, carried, hull_area
from hygiesync.first_order.model import FirstOrderModel

N_SIDE_BY_SIDE = 2
"""Pictures made at a time: two on two cores are faster than two threads on one picture."""


@dataclass(frozen=True)
class SquarePicture:
    """A square picture (size, size, 3), uint8, RGB, as a model takes it, and its time."""

    image: NDArray[np.uint8]
    time_s: Fraction


class MovingPicture:
    """A source picture, and the motion that is carried to it.

    Parameters
    ----------
    model : FirstOrderModel
    image : ndarray, shape (size, size, 3), uint8, RGB
    options : CarryOptions, optional
    reference : KeyPoints, optional
        Points of the driving picture that stands for the source as it is; those of the first one when left out.
    """

    def __init__(
        self,
        model: FirstOrderModel,
        image: NDArray[np.uint8],
        options: CarryOptions | None = None,
        reference: KeyPoints | None = None,
    ) -> None:
        self._model, self._options, self._reference = model, options or CarryOptions(), reference
        self._source = model.source(image)
        self._filter = PointFilter(self._options.smoothing_s)

    @property
    def size(self) -> int:
        """Side of the pictures, pixels."""
        return self._model.size

    def target(self, driving: KeyPoints, time_s: float) -> KeyPoints:
        """Where the source's points go; times don't go back."""
        smoothed = self._filter(driving, time_s)
        self._reference = self._reference or smoothed
        return carried(self._source.points, smoothed, self._reference, self._options)

    def draw(self, target: KeyPoints) -> NDArray[np.uint8]:
        """The source moved to points."""
        return self._model.draw(self._source, target)

    def move(self, image: NDArray[np.uint8], time_s: float) -> NDArray[np.uint8]:
        """The source as a driving picture (size, size, 3) moves it."""
        return self.draw(self.target(self._model.points(image), time_s))

    def pictures(self, frames: Iterable[SquarePicture]) -> Iterator[SquarePicture]:
        """The source as each driving frame moves it, two at a time."""
        found = side_by_side(lambda frame: (self._model.points(frame.image), frame.time_s), frames, N_SIDE_BY_SIDE)
        targets = ((self.target(points, float(time_s)), time_s) for points, time_s in found)
        return side_by_side(lambda item: SquarePicture(self.draw(item[0]), item[1]), targets, N_SIDE_BY_SIDE)


def best_reference(
    model: FirstOrderModel, source: KeyPoints, frames: Iterable[SquarePicture]
) -> tuple[KeyPoints, Fraction]:
    """Points and time of the driving frame whose points lie most like the source's.

    Place and size don't count. The published tool compares 68 landmarks of a face in the same way; learnt points do it
    for whatever a model knows.
    """
    wanted = _normalised(source.value)
    found = side_by_side(lambda frame: (model.points(frame.image), frame.time_s), frames, N_SIDE_BY_SIDE)
    return min(found, key=lambda item: float(((_normalised(item[0].value) - wanted) ** 2).sum()))


def _normalised(points: FloatArray) -> NDArray[np.float64]:
    centred = points - points.mean(0)
    return np.asarray(centred / max(float(np.sqrt(hull_area(points))), 1e-6), np.float64)
