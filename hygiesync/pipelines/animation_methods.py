"""The ways to move a picture, by name. A new one is a class that fits `AnimationMethod`, and a line in `METHODS`.

A method is imported when it is asked for, so that one which needs torch costs the others nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from hygiesync.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hygiesync.portrait.driving import DrivingFrame
    from hygiesync.portrait.transfer import TransferOptions

    Animator = Callable[[DrivingFrame], NDArray[Any]]
    """Makes a picture (height, width, 3) of each driving frame, in order; only of frames with landmarks."""


class AnimationMethod(Protocol):
    """A way to move a picture.

    In both calls `picture` is (height, width, 3) uint8 RGB, `landmarks` (478, 3) are its face's, pixels, and
    `reference` is the driving frame, with landmarks, that stands for the picture as it is.
    """

    def animator(
        self, picture: NDArray[Any], landmarks: NDArray[Any], reference: DrivingFrame, transfer: TransferOptions
    ) -> Animator:
        """What makes pictures of the size of `picture`, in which its face moves as the driving one."""

    def swapper(self, picture: NDArray[Any], landmarks: NDArray[Any], reference: DrivingFrame) -> Animator:
        """What makes pictures of the driving frames' size, with the face of `picture` on the driving head."""


METHODS = {
    "mesh": "hygiesync.portrait.mesh_animation.MeshAnimation",
    "first-order": "hygiesync.first_order.method.FirstOrderAnimation",
}
"""Name -> class that is made without arguments, or of a model's folder."""

OWN_MODELS = ("first-order",)
"""Methods that may be given a model: ``NAME:FOLDER``."""


def animation_method(name: str) -> AnimationMethod:
    """A new object of the method of that name, or of ``NAME:FOLDER`` with a model of one's own.

    Raises
    ------
    UsageError
        When there is none.
    InputError
        When the model can't be used.
    """
    name, _, folder = name.partition(":")
    if name not in METHODS:
        raise UsageError(f"`method`: expected one of {', '.join(METHODS)}, got {name!r}")
    if folder and name not in OWN_MODELS:
        raise UsageError(f"`method`: {name} takes no model, got {folder!r}; expected {OWN_MODELS[0]}:{folder}")
    module, _, kind = METHODS[name].rpartition(".")
    made = getattr(import_module(module), kind)
    method: AnimationMethod = made(folder) if folder else made()
    return method
