"""A real video as its own template, half its length later: the same person and light, with another moment's mouth.

A renderer that paints mouths can read the right one off a template that shows it: off the cheeks, the chin, the throat.
On its own moment's picture it then looks better than it is. So nothing is judged on a template that knows the answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from hygiesync.avatar.template import at_constant_rate
from hygiesync.evaluation.real_video import RealVideo
from hygiesync.media.video import read_frames
from hygiesync.rendering.interfaces import PlainFrame, TemplateFrame
from hygiesync.timing import video_frame_time


class OtherMoments:
    """A template source that shows, at each frame's time, the frame half the video away.

    Parameters
    ----------
    real : RealVideo
    fps : Fraction, optional
        A constant rate; the video's own times when left out.
    """

    def __init__(self, real: RealVideo, fps: Fraction | None = None) -> None:
        self._real, self._fps = real, fps
        self._shift = len(real.track) // 2

    def frames(self) -> Iterator[PlainFrame]:
        """The frames, over and over."""
        own = self._endless()
        return own if self._fps is None else at_constant_rate(own, self._fps)

    def _endless(self) -> Iterator[PlainFrame]:
        times_s = [Fraction(time_s) for time_s in self._real.track.times_s.tolist()]
        length_s = times_s[-1] - times_s[0] + video_frame_time(1, self._real.info.fps)
        start_s = Fraction(0)
        while True:
            for number, (image_number, image) in enumerate(self._turned()):
                yield TemplateFrame(image, start_s + times_s[number], self._real.places.face(image_number))
            start_s += length_s

    def _turned(self) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Number and image of each frame, beginning in the middle."""
        n_frames, path = len(self._real.track), self._real.info.path
        middle_s = Fraction(float(self._real.track.times_s[self._shift])) - Fraction(1, 1_000_000)
        for number, frame in enumerate(read_frames(path, middle_s, n_threads=1), self._shift):
            if number < n_frames:
                yield number, frame.image
        for number, frame in enumerate(read_frames(path, None, middle_s, n_threads=1)):
            yield number, frame.image
