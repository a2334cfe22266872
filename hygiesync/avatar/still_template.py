"""One picture of a video in place of all of them, for as long as it is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import count, islice
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.avatar.template import FacePlaces
from hygiesync.errors import InputError
from hygiesync.face.pose import apply_similarity, similarity_scale
from hygiesync.face.shape import mouth_opening
from hygiesync.media.video import read_frames
from hygiesync.rendering.interfaces import PlainFrame, TemplateFace, TemplateFrame
from hygiesync.timing import video_frame_time

STILL_WITHIN_S = Fraction(5)
"""A still is looked for in so much of a video, seconds: nobody talks that long without closing the mouth."""

_CLOSED_SHARE = 0.2
"""The frames with the least open mouths that the still is one of, as a share of all: one with open eyes is wanted."""

_MAX_COMPARED = 15
_EYES_WINDOW = np.array([[-0.7, -0.3], [0.7, -0.3], [-0.7, 0.2]])
"""Three corners of both eyes' surroundings, canonical units."""

_EYES_SIZE = (56, 20)


class StillTemplate:
    """One picture at a constant rate, without end.

    Thread-safe; an iterator of frames is for one thread.

    Parameters
    ----------
    frame : TemplateFrame
    fps : Fraction
    """

    def __init__(self, frame: PlainFrame, fps: Fraction) -> None:
        self._frame, self._fps = frame, fps

    @classmethod
    def from_video(cls, video: Path, places: FacePlaces, fps: Fraction) -> StillTemplate:
        """The frame whose mouth is closed and whose eyes look as usual.

        Parameters
        ----------
        video : Path
        places : FacePlaces
            Where the face is in the video's first frames, of which the still is one.
        fps : Fraction

        Raises
        ------
        InputError
            When no frame has a face that a mouth can be put on.
        """
        candidates = _least_open(places)
        if not len(candidates):
            raise InputError(
                f"{video}: no frame in its first {places.times_s[-1]:.1f} s has a face that a mouth can be put on (it"
                " is missing, turned away or covered); cut the video to where the speaker is seen"
            )
        eyes = np.stack(
            [
                _eyes(frame.image, places.to_picture[index])
                for index, frame in enumerate(islice(read_frames(video, n_threads=1), int(candidates[-1]) + 1))
                if index in candidates
            ]
        )
        # eyes are open far more often than not: a blink is what is unlike the others
        chosen = int(candidates[np.abs(eyes - np.median(eyes, axis=0)).mean((1, 2)).argmin()])
        image = next(islice(read_frames(video, n_threads=1), chosen, None)).image
        face = cast(TemplateFace, places.face(chosen))
        # it stands still at a distance from all that the mouth would fade around
        return cls(TemplateFrame(image, Fraction(0), replace(face, strength=1.0)), fps)

    def frames(self) -> Iterator[PlainFrame]:
        """The picture, for ever."""
        for number in count():
            yield TemplateFrame(self._frame.image, video_frame_time(number, self._fps), self._frame.face)


def _least_open(places: FacePlaces) -> NDArray[np.int64]:
    """Indices of a few frames with the least open mouths among those whose mouth is put in as far as anywhere."""
    if not places.strengths.any():
        return np.empty(0, np.int64)
    usable = np.flatnonzero(places.strengths == places.strengths.max())
    opening = mouth_opening(places.lower[usable]) / similarity_scale(places.to_picture[usable])
    closed = usable[opening <= np.quantile(opening, _CLOSED_SHARE)]
    return closed[:: -(-len(closed) // _MAX_COMPARED)]


def _eyes(image: NDArray[np.uint8], to_picture: FloatArray) -> NDArray[np.float32]:
    """Surroundings of the eyes (20, 56), float32, grey, freed of brightness."""
    corners = apply_similarity(to_picture, _EYES_WINDOW).astype(np.float32)
    width, height = _EYES_SIZE
    size = np.array([[0, 0], [width, 0], [0, height]], np.float32)
    window = cv2.warpAffine(image, cv2.getAffineTransform(corners, size), _EYES_SIZE, flags=cv2.INTER_LINEAR)
    grey = cv2.cvtColor(window, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return grey - grey.mean()
