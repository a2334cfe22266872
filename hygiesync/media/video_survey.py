"""What a file's pictures are: their clock, their colours, their lines; and, once all are read, their true length."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import cast

from av.video.frame import VideoFrame

from hygiesync import timing
from hygiesync.errors import InputError
from hygiesync.media.colours import is_high_range, is_wide, other_colours
from hygiesync.media.container import PathLike, decode_frames, open_input
from hygiesync.media.streams import (
    check_not_cut_off,
    clock_origin,
    find_video_stream,
    frame_time,
)

_FEW = 5
"""Pictures that tell how the others are stored."""

_EVEN_SHARE = Fraction(1, 4)
"""Share of a picture's usual length by which times may be uneven and still be called regular: clocks are coarse."""

_MIN_OFFSET_S = Fraction(1, 10)


@dataclass(frozen=True)
class VideoSurvey:
    """What was found.

    Attributes
    ----------
    container, codec : str
        FFmpeg's names.
    origin_s : Fraction
        Time on the file's own clock that counts as zero: that of the first picture.
    n_frames : int
        Pictures that were read.
    end_s : Fraction
        When the last of them ends.
    is_irregular : bool
        Whether they follow each other unevenly.
    is_interlaced : bool
    colours : str
        Name of colours that are no ordinary screen's; else empty.
    """

    container: str
    codec: str
    origin_s: Fraction
    n_frames: int
    end_s: Fraction
    is_irregular: bool
    is_interlaced: bool
    colours: str

    def notes(self) -> Iterator[str]:
        """What whoever uses the pictures should know, a line each."""
        if abs(self.origin_s) >= _MIN_OFFSET_S:
            yield f"its clock begins at {float(self.origin_s):.3f} s; that counts as 0, for the sound as well"
        if self.colours:
            yield f"its colours are {self.colours}; they are brought to an ordinary screen's"
        if self.is_interlaced:
            yield "it is interlaced; its pictures are made whole"


def survey_video(path: PathLike, *, is_whole: bool = False) -> VideoSurvey:
    """Look at a video's first pictures, or at all of them.

    Parameters
    ----------
    path : str or os.PathLike
    is_whole : bool
        Read all pictures, so that `n_frames` and `end_s` are the file's, and damage is found.

    Raises
    ------
    InputError
        When the file can't be opened, has no video, or can't be read as far as it is looked at.
    """
    with open_input(path) as container:
        stream = find_video_stream(container)
        if stream is None:
            raise InputError(f"{os.fspath(path)}: has no video that can be decoded; expected a video file")
        origin = clock_origin(container)
        frames = (cast(VideoFrame, frame) for frame in decode_frames(container, stream, path, is_told=is_whole))
        times: list[Fraction] = []
        is_interlaced, colours, end_s = False, "", Fraction(0)
        for frame in frames if is_whole else islice(frames, _FEW):
            time_s = frame_time(frame, origin)
            if time_s is None:
                continue
            if times and time_s < times[-1]:
                raise InputError(f"{os.fspath(path)}: its time stamps run backwards near {float(time_s):.2f} s")
            times.append(time_s)
            end_s = time_s + frame.duration * cast(Fraction, frame.time_base)
            is_interlaced |= frame.interlaced_frame
            if not colours and (is_high_range(frame) or is_wide(frame)):
                colours = other_colours(frame)
        if not times:
            raise InputError(f"{os.fspath(path)}: not one video frame can be decoded; copy or record it again")
        if is_whole:
            check_not_cut_off(container, stream, end_s + origin, path)
        return VideoSurvey(
            container.format.name,
            stream.codec_context.name,
            origin,
            len(times),
            end_s,
            _is_irregular(times),
            is_interlaced,
            colours,
        )


def _is_irregular(times: list[Fraction]) -> bool:
    if len(times) < 3:
        return False
    usual = (times[-1] - times[0]) / (len(times) - 1)
    return any(
        abs(time_s - times[0] - timing.video_frame_time(number, 1 / usual)) > _EVEN_SHARE * usual
        for number, time_s in enumerate(times)
    )
