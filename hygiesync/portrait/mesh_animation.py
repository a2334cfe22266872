"""The mesh's way to move a picture: its own pixels on triangles that follow a driving face."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from hygiesync.face.identity import look_of, unlikeness
from hygiesync.face.landmarks import mesh_triangles, person_matte
from hygiesync.portrait.body import BodyMotion
from hygiesync.portrait.driving import DrivingFrame
from hygiesync.portrait.eyes import are_covered
from hygiesync.portrait.layers import Layers
from hygiesync.portrait.mouth import LentMouth, SkinLight
from hygiesync.portrait.painter import PortraitPainter
from hygiesync.portrait.parts import eye_distance
from hygiesync.portrait.swap import FaceSwap
from hygiesync.portrait.transfer import REGIONS, MotionTransfer, TransferOptions

_SAME_PLACE = TransferOptions(is_absolute=True, adapts_scale=False, is_limited=False)


_OWN_FACE = 0.2
"""Unlikeness up to which the picture's face is the driving person's own: a person filmed in one go has 0.1, and of the
pairs of two people that were tried none had less than 0.26."""


class MeshAnimation:
    """An animation method (:class:`hygiesync.pipelines.animation_methods.AnimationMethod`) that needs no training."""

    def animator(
        self, picture: NDArray[Any], landmarks: NDArray[Any], reference: DrivingFrame, transfer: TransferOptions
    ) -> Callable[[DrivingFrame], NDArray[Any]]:
        """What draws the picture as each driving frame moves it."""
        triangles = mesh_triangles()
        scale = picture.shape[0] / reference.image.shape[0]
        if are_covered(picture, landmarks):
            # dark glasses are stiff: neither lids nor brows bend them
            transfer = replace(transfer, only=tuple(part for part in transfer.only if part != "eyes"))
        carried = MotionTransfer(landmarks, _known(reference), scale, transfer)
        layers = Layers.from_picture(picture, person_matte(picture), landmarks)
        painter = PortraitPainter(picture, landmarks, layers, triangles)
        mouth = LentMouth(_light(reference.image, _known(reference)).to(_light(picture, landmarks)))
        body = None
        if not transfer.is_absolute and "pose" in transfer.only:
            matte = person_matte(reference.image)
            looks = look_of(picture, landmarks), look_of(reference.image, _known(reference))
            # what is left out of the motion no flow may bring back
            is_own = set(transfer.only) == set(REGIONS) and unlikeness(*looks) <= _OWN_FACE
            body = BodyMotion(reference.image, _known(reference), matte, landmarks, triangles, is_own=is_own)

        def draw(frame: DrivingFrame) -> NDArray[Any]:
            target = carried(_known(frame))
            if body is not None:
                target = body.carry(target, frame)
            return painter.render(target, mouth.lend(frame.image, _known(frame)))

        return draw

    def swapper(
        self, picture: NDArray[Any], landmarks: NDArray[Any], reference: DrivingFrame
    ) -> Callable[[DrivingFrame], NDArray[Any]]:
        """What draws each driving frame with the picture's face."""
        swap = FaceSwap(picture, landmarks, mesh_triangles(), float(eye_distance(_known(reference))))
        itself = MotionTransfer(landmarks, _known(reference), 1.0, _SAME_PLACE)
        return lambda frame: swap.render(frame.image, itself(_known(frame))) if frame.is_seen else frame.image


def _known(frame: DrivingFrame) -> NDArray[Any]:
    assert frame.landmarks is not None
    return frame.landmarks


def _light(image: NDArray[Any], landmarks: NDArray[Any]) -> SkinLight:
    return SkinLight.from_face(image, landmarks, float(eye_distance(landmarks)))
