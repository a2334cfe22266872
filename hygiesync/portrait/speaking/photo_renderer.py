"""The renderer of a photo: mouth curves and a moment of life become a picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.interpolation import smoothstep
from hygiesync.portrait.eyes import are_covered
from hygiesync.portrait.head import rotation_of
from hygiesync.portrait.layers import Layers
from hygiesync.portrait.painter import PortraitPainter
from hygiesync.portrait.parts import BROWS, CHIN, EYES, FOREHEAD, IRISES, UPPER_OF_LOWER_LID, eye_distance, upright
from hygiesync.portrait.speaking.idle_motion import IdlePose
from hygiesync.portrait.speaking.mouth_interior import MouthInterior
from hygiesync.portrait.speaking.photo_template import PhotoFace
from hygiesync.portrait.speaking.speech_motion import SpeechMotion
from hygiesync.portrait.speaking.talking_face import TalkingFace
from hygiesync.portrait.surroundings import Surroundings
from hygiesync.portrait.transfer import MotionTransfer, lid_gap
from hygiesync.rendering.interfaces import TemplateFrame

_LOWER, _UPPER = np.array(UPPER_OF_LOWER_LID).T

_FOREHEAD = 0.45
"""How far the forehead's skin follows the brows."""

_LIFT, _WIDER, _LEAN = 0.028, 0.012, 0.02
"""How far a breath lifts the shoulders and draws them apart, and they lean aside, in eye distances."""

_NECK = (0.1, 0.9)
"""Heights below the chin, in eye distances, between which the shoulders begin."""


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
        self._has_eyes = not are_covered(image, landmarks)
        _, axes = upright(landmarks)
        self._across = axes / np.linalg.norm(axes, axis=1, keepdims=True)
        self._unit = float(eye_distance(landmarks))
        self._chest = _Chest(landmarks)
        self._speech = SpeechMotion()

    @property
    def lag(self) -> int:
        """0: every frame is drawn at once."""
        return 0

    def reset(self) -> None:
        """The head goes on from where it is; a picture that is asked for again begins anew.

        What is remembered is on the clock of the pictures (:class:`SpeechMotion`), which a reset doesn't stop.
        """

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
        sound : ndarray, shape (N_SOUND_FRAMES, n_mels), float32, log10 of power
            What the head's nods and the blinks go by.
        """
        face = template.face
        assert face is not None, "a photo's template always says where the face is"
        if face.liveliness > 0:
            face = self._speaking(face, self._speech.at(template.time_s, sound, face.life))
        yield template, self.draw(coefficients, face)

    @staticmethod
    def _speaking(face: PhotoFace, life: IdlePose) -> PhotoFace:
        """The face with what speech adds to its idle life."""
        more = face.liveliness * (life.turn_deg - face.life.turn_deg)
        head = replace(face.head, rotation=rotation_of(more) @ face.head.rotation)
        return replace(face, life=life, head=head)

    def flush(self) -> Iterator[tuple[TemplateFrame[PhotoFace], NDArray[Any]]]:
        """Nothing waits."""
        return iter(())

    def draw(self, curves: FloatArray, face: PhotoFace) -> NDArray[np.uint8]:
        """The picture (H, W, 3), uint8, RGB, of a mouth and a moment."""
        driving = self._face.landmarks(curves)
        if self._has_eyes:
            self._move_eyes(driving, face.life)
        target = self._transfer(face.head.apply(driving))
        return self._painter.render(replace(target, drift=self._chest.drift(face.life)), self._paint_mouth)

    def _move_eyes(self, landmarks: FloatArray, life: IdlePose) -> None:
        """Close the lids of landmarks (478, 3), in place, as far as a moment says, and turn the eyes."""
        for ring, iris in zip(EYES, IRISES, strict=True):
            lids = self._landmarks[list(ring)]
            lower, upper = lids[_LOWER], lids[_UPPER]
            landmarks[np.array(ring)[_UPPER]] = lower + lid_gap(lids, life.openness) * (upper - lower)
            width = float(np.linalg.norm(lids[8] - lids[0]))
            landmarks[list(iris), :2] += width * life.gaze @ self._across
        landmarks[list(BROWS), :2] -= self._unit * life.brow * self._across[1]
        landmarks[list(FOREHEAD), :2] -= _FOREHEAD * self._unit * life.brow * self._across[1]


class _Chest:
    """Shoulders that rise and lean."""

    def __init__(self, landmarks: FloatArray) -> None:
        origin, axes = upright(landmarks)
        places = np.concatenate([landmarks, Surroundings(landmarks).vertices])[len(landmarks) :, :2]
        self._place = (places - origin) @ np.linalg.inv(axes)
        chin = ((landmarks[CHIN, :2] - origin) @ np.linalg.inv(axes))[1]
        self._share = smoothstep((self._place[:, 1] - chin - _NECK[0]) / (_NECK[1] - _NECK[0]))[:, None]
        self._axes = axes

    def drift(self, life: IdlePose) -> NDArray[np.float64]:
        """How far (n_vertices, 2) the surroundings' vertices move, pixels."""
        wider = _WIDER * life.breath * np.clip(self._place[:, 0], -2, 2)
        moved = np.stack([wider + _LEAN * life.lean, np.full(len(wider), -_LIFT * life.breath)], -1)
        drift: NDArray[np.float64] = self._share * moved @ self._axes
        return drift


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
