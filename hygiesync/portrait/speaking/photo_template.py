"""A picture as a template: the same image for ever, and the life of its face.

The image never changes; what a frame says is where the head is and what the eyes do. A renderer that knows the picture
draws both (:mod:`hygiesync.portrait.speaking.photo_renderer`); one that does not still finds the face where it says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.pose import fit_similarity
from hygiesync.face.topology import LOWER_FACE, RIGID
from hygiesync.portrait.head import HeadMotion, facing_deg, pivot_of, rotation_of
from hygiesync.portrait.parts import eye_distance
from hygiesync.portrait.speaking.idle_motion import IdleMotion, IdlePose
from hygiesync.portrait.speaking.talking_face import SpokenShapes, TalkingFace
from hygiesync.rendering.interfaces import TemplateFace, TemplateFrame
from hygiesync.timing import n_video_frames, video_frame_time

_FREE_DEG, _STIFF_OVER_DEG, _STIFF = 15.0, 20.0, 0.25
"""A face that is turned aside sways less: what its far cheek hides can't be shown. Up to 15 degrees it sways freely,
from 35 on by a quarter."""


@dataclass(frozen=True, slots=True)
class PhotoFace(TemplateFace):
    """The face of a picture at one moment of its life.

    Attributes
    ----------
    life : IdlePose
    head : HeadMotion
        Of that moment.
    liveliness : float
        What all motion that speech brings besides is multiplied with; 0 where the face stands still.
    """

    life: IdlePose = field(kw_only=True)
    head: HeadMotion = field(kw_only=True)
    liveliness: float = field(kw_only=True, default=0.0)


class PhotoTemplate:
    """Frames of one picture at a constant rate, without end.

    Thread-safe; an iterator of frames is for one thread.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), uint8, RGB
    landmarks : ndarray, shape (478, 3), pixels
    fps : Fraction
    life : IdleMotion, optional
        Left out, the face stands still.
    """

    def __init__(
        self, image: NDArray[np.uint8], landmarks: FloatArray, fps: Fraction, life: IdleMotion | None = None
    ) -> None:
        self._image, self._landmarks, self._fps, self._life = image, landmarks, fps, life
        self._liveliness = 0.0 if life is None else life.liveliness
        self._unit = float(eye_distance(landmarks))
        self._pivot = pivot_of(landmarks, self._unit)
        turned = float(np.abs(facing_deg(landmarks)[:2]).max())
        self._sway = 1 - np.clip((turned - _FREE_DEG) / _STIFF_OVER_DEG, 0, 1) * (1 - _STIFF)
        face = TalkingFace(landmarks)
        self._rigid = SpokenShapes(face).rigid
        self._lower = face.landmarks(np.zeros(3))[list(LOWER_FACE)]

    def frames(self) -> Iterator[TemplateFrame[PhotoFace]]:
        """The frames, for ever."""
        return self.frames_from(Fraction(0))

    def frames_from(self, time_s: Fraction) -> Iterator[TemplateFrame[PhotoFace]]:
        """See :class:`hygiesync.rendering.interfaces.SeekableTemplate`."""
        for number in count(n_video_frames(time_s, self._fps)):
            time_s = video_frame_time(number, self._fps)
            life = IdlePose.none() if self._life is None else self._life.at(float(time_s))
            yield TemplateFrame(self._image, time_s, self.face(life))

    def face(self, life: IdlePose) -> PhotoFace:
        """The face at a moment."""
        shift = np.append(self._unit * life.shift, 0.0)
        head = HeadMotion(rotation_of(self._sway * life.turn_deg), 1.0, self._pivot, shift)
        seen = head.apply(self._landmarks[list(RIGID)])[:, :2]
        return PhotoFace(
            to_picture=fit_similarity(self._rigid, seen),
            turn=np.zeros(2),
            lower=head.apply(self._lower)[:, :2],
            life=life,
            head=head,
            liveliness=self._sway * self._liveliness,
        )
