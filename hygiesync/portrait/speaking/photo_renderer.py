"""The renderer of a photo: mouth curves and a moment of life become a picture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.portrait.layers import Layers
from hygiesync.portrait.painter import PortraitPainter
from hygiesync.portrait.parts import EYES, IRISES, UPPER_OF_LOWER_LID, upright
from hygiesync.portrait.speaking.idle_motion import IdlePose
from hygiesync.portrait.speaking.mouth_interior import MouthInterior
from hygiesync.portrait.speaking.photo_template import PhotoFace
from hygiesync.portrait.speaking.talking_face import TalkingFace
from hygiesync.portrait.transfer import MotionTransfer, lid_gap
from hygiesync.rendering.interfaces import TemplateFrame

_LOWER, _UPPER = np.array(UPPER_OF_LOWER_LID).T


class PhotoRenderer:
    """Draws one photo's face speaking; a :class:`hygiesync.rendering.interfaces.Renderer`.

    Not thread-safe: it is one engine's.

    The face that is wanted, lids and irises and all, is put together from the photo's own landmarks and drawn as if it
    drove the photo: one way of moving pictures, whoever moves them.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), uint8, RGB
    landmarks : ndarray, shape (478, 3), pixels
    layers : Layers
        The picture taken apart, as from :func:`speaking_layers`.
    triangles : ndarray, shape (n, 3), int
        Of the face's mesh.
    """

    def __init__(
        self, image: NDArray[np.uint8], landmarks: FloatArray, layers: Layers, triangles: NDArray[np.int64]
    ) -> None:
        self._landmarks = landmarks
        self._face = TalkingFace(landmarks)
        self._paint_mouth = MouthInterior(image, landmarks, self._face)
        self._painter = PortraitPainter(image, landmarks, layers, triangles)
        self._transfer = MotionTransfer(landmarks, landmarks, 1.0)
        _, axes = upright(landmarks)
        self._across = axes / np.linalg.norm(axes, axis=1, keepdims=True)

    @property
    def lag(self) -> int:
        """0: every frame is drawn at once."""
        return 0

    def reset(self) -> None:
        """Nothing is remembered."""

    def push(
        self, template: TemplateFrame[PhotoFace], coefficients: FloatArray, sound: NDArray[Any]
    ) -> Iterator[tuple[TemplateFrame[PhotoFace], NDArray[np.uint8]]]:
        """The frame with its face alive and speaking.

        Parameters
        ----------
        template : TemplateFrame
            Of a :class:`PhotoTemplate` of the same photo.
        coefficients : ndarray, shape (3,)
            Mouth curves, as in :data:`hygiesync.tts.visemes.CURVES`.
        sound : ndarray
            Not looked at.
        """
        assert template.face is not None, "a photo's template always says where the face is"
        yield template, self.draw(coefficients, template.face)

    def flush(self) -> Iterator[tuple[TemplateFrame[PhotoFace], NDArray[Any]]]:
        """Nothing waits."""
        return iter(())

    def draw(self, curves: FloatArray, face: PhotoFace) -> NDArray[np.uint8]:
        """The picture (H, W, 3), uint8, RGB, of a mouth and a moment."""
        driving = self._face.landmarks(curves)
        self._move_eyes(driving, face.life)
        return self._painter.render(self._transfer(face.head.apply(driving)), self._paint_mouth)

    def _move_eyes(self, landmarks: FloatArray, life: IdlePose) -> None:
        """Close the lids of landmarks (478, 3), in place, as far as a moment says, and turn the eyes."""
        for ring, iris in zip(EYES, IRISES, strict=True):
            lids = self._landmarks[list(ring)]
            lower, upper = lids[_LOWER], lids[_UPPER]
            landmarks[np.array(ring)[_UPPER]] = lower + lid_gap(lids, life.openness) * (upper - lower)
            width = float(np.linalg.norm(lids[8] - lids[0]))
            landmarks[list(iris), :2] += width * life.gaze @ self._across


def speaking_layers(image: NDArray[np.uint8], landmarks: FloatArray, matte: NDArray[np.float32]) -> Layers:
    """A picture (H, W, 3) taken apart for speaking: nothing but dark is left between lips that are open in it.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), uint8, RGB
    landmarks : ndarray, shape (478, 3), pixels
    matte : ndarray, shape (H, W), float32, 0 to 1
        Coarse share of the person, as from :func:`hygiesync.face.landmarks.person_matte`.
    """
    interior = MouthInterior(image, landmarks, TalkingFace(landmarks))
    return Layers.from_picture(interior.without_teeth(image, landmarks), matte, landmarks)
