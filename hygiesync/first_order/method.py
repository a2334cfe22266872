"""The learnt way to move a face, behind the same interface as the mesh's: the method `first-order` of `animate`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from hygiesync.errors import UsageError
from hygiesync.first_order.animation import MovingPicture
from hygiesync.first_order.crop import Square, bounds
from hygiesync.first_order.frame_swap import RegionSwap
from hygiesync.first_order.keypoints import CarryOptions
from hygiesync.first_order.model import FirstOrderModel
from hygiesync.first_order.pasting import Pasting
from hygiesync.first_order.regions import FACE
from hygiesync.media.container import PathLike
from hygiesync.portrait.transfer import REGIONS, TransferOptions
from hygiesync.weights import FIRST_ORDER_FACE

if TYPE_CHECKING:
    from hygiesync.portrait.driving import DrivingFrame


class FirstOrderAnimation:
    """An animation method (:class:`hygiesync.pipelines.animation_methods.AnimationMethod`) that is learnt.

    Parameters
    ----------
    model : path, optional
        A model's folder; the small face model that comes with the package when left out.
    """

    def __init__(self, model: PathLike | None = None) -> None:
        self._model = FirstOrderModel.load(FIRST_ORDER_FACE if model is None else model)

    def animator(
        self, picture: NDArray[Any], landmarks: NDArray[Any], reference: DrivingFrame, transfer: TransferOptions
    ) -> Callable[[DrivingFrame], NDArray[Any]]:
        """What makes pictures of the size of `picture`, in which its face moves as the driving one.

        Raises
        ------
        UsageError
            When only some of the motion is asked for: learnt points have no names.
        """
        if set(transfer.only) != set(REGIONS):
            raise UsageError("`only`: the method first-order moves all of a face; use the method mesh for parts of it")
        square = _square(picture, landmarks)
        driving_square = _square(reference.image, _known(reference))
        size = self._model.size
        options = CarryOptions(is_absolute=transfer.is_absolute, adapts_scale=transfer.adapts_scale)
        points = self._model.points(driving_square.cut(reference.image, size))
        moving = MovingPicture(self._model, square.cut(picture, size), options, points)
        pasting = Pasting(picture.shape[1], picture.shape[0], square)

        def draw(frame: DrivingFrame) -> NDArray[Any]:
            made = moving.move(driving_square.cut(frame.image, size), float(frame.time_s))
            return pasting.paste(picture, made)

        return draw

    def swapper(
        self, picture: NDArray[Any], landmarks: NDArray[Any], reference: DrivingFrame
    ) -> Callable[[DrivingFrame], NDArray[Any]]:
        """What puts the face of `picture`, moved by the driving frames, onto them, inside the face's outline."""
        square = _square(picture, landmarks)
        driving_square = _square(reference.image, _known(reference))
        swap = RegionSwap(self._model, square.cut(picture, self._model.size), driving_square, (FACE,))

        def draw(frame: DrivingFrame) -> NDArray[Any]:
            return swap.draw(frame.image, frame.landmarks if frame.is_seen else None)

        return draw


def _square(image: NDArray[Any], landmarks: NDArray[Any]) -> Square:
    return Square.around(bounds(landmarks), image.shape[1], image.shape[0])


def _known(frame: DrivingFrame) -> NDArray[Any]:
    assert frame.landmarks is not None
    return frame.landmarks
