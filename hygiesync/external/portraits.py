"""A picture whose face an engine moves: cut out for it, and put back without a seam."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.engine import VideoFrame
from hygiesync.errors import InputError
from hygiesync.external.dubbing import DUBBING_FPS
from hygiesync.external.run import EngineCall, pictures_of, working_folder, write_sound
from hygiesync.external.seamless_square import SeamlessSquare
from hygiesync.face.landmarks import LandmarkDetector
from hygiesync.first_order.crop import Square, bounds, joined
from hygiesync.media.container import PathLike
from hygiesync.media.images import write_png
from hygiesync.media.sound import Sound
from hygiesync.media.video import VideoWriter, probe, read_frames
from hygiesync.progress import Progress
from hygiesync.timing import video_frame_time

_SIDE = 512
"""Side of the squares that engines are given, pixels: what they were shown when they learnt, or twice that."""

_SPEAKING_MARGIN = 0.35
"""Room around a face that speaks, as a part of it: about what SadTalker cuts out for itself."""

_MOVING_MARGIN = 0.7
"""Room around a face whose head moves: more than LivePortrait cuts out for itself, so that the border stands still."""

_DRIVING_MARGIN = 0.5
_CRF = 10


@dataclass(frozen=True)
class Portrait:
    """A picture and the face in it.

    Attributes
    ----------
    picture : ndarray, shape (H, W, 3), uint8, RGB
    landmarks : ndarray, shape (478, 2 or 3), pixels
    """

    picture: NDArray[np.uint8]
    landmarks: FloatArray

    def square(self, margin: float) -> Square:
        """The square around the face, with so much room on each side, as far as there is picture."""
        height, width = self.picture.shape[:2]
        return Square.around(bounds(self.landmarks), width, height, margin)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.picture.shape[1], self.picture.shape[0]


def speak_by_engine(
    call: EngineCall, portrait: Portrait, sound: PathLike | Sound, progress: Progress | None = None
) -> Generator[VideoFrame, None, None]:
    """Pictures of a portrait that says a sound, 25 a second, as many as the sound is long.

    Parameters
    ----------
    call : EngineCall
        Of an engine that lets pictures speak.
    portrait : Portrait
    sound : path or Sound
    progress : callable, optional

    Raises
    ------
    MissingDependencyError
        When the engine fails.
    """
    square = portrait.square(_SPEAKING_MARGIN)
    with working_folder() as work:
        n_frames = write_sound(work / "sound.wav", sound, DUBBING_FPS)
        write_png(work / "source.png", square.cut(portrait.picture, _SIDE))
        made = call.run(work, work / "source.png", work / "sound.wav", DUBBING_FPS, progress)
        place = SeamlessSquare(portrait.picture, square)
        with closing(pictures_of(made, n_frames, call.title)) as pictures:
            for number, picture in enumerate(pictures):
                yield VideoFrame(place.paste(picture), video_frame_time(number, DUBBING_FPS))


def animate_by_engine(
    call: EngineCall, portrait: Portrait, driving: PathLike, progress: Progress | None = None
) -> Generator[VideoFrame, None, None]:
    """Pictures of a portrait that moves as the face in a video does, one for each of the video's, at its time.

    Parameters
    ----------
    call : EngineCall
        Of an engine that animates.
    portrait : Portrait
    driving : path
    progress : callable, optional

    Raises
    ------
    InputError
        When the video can't be read, or shows no face.
    MissingDependencyError
        When the engine fails.
    """
    lead, times_s = _driving_square(driving, progress)
    square = portrait.square(_MOVING_MARGIN)
    with working_folder() as work:
        write_png(work / "source.png", square.cut(portrait.picture, min(_even(square.side), 2 * _SIDE)))
        with VideoWriter(work / "driving.mp4", _SIDE, _SIDE, DUBBING_FPS, crf=_CRF) as writer:
            for number, frame in enumerate(read_frames(driving, n_threads=1)):
                writer.write(lead.cut(frame.image, _SIDE), video_frame_time(number, DUBBING_FPS))
        made = call.run(work, work / "source.png", work / "driving.mp4", DUBBING_FPS, progress)
        place = SeamlessSquare(portrait.picture, square)
        with closing(pictures_of(made, len(times_s), call.title)) as pictures:
            for time_s, picture in zip(times_s, pictures, strict=True):
                yield VideoFrame(place.paste(picture), time_s)


def _driving_square(driving: PathLike, progress: Progress | None) -> tuple[Square, list[Fraction]]:
    """The square of a video that its face never leaves, and the times of its frames."""
    info = probe(driving)
    box: NDArray[np.float64] | None = None
    times_s: list[Fraction] = []
    with LandmarkDetector() as detector:
        for frame in read_frames(driving, n_threads=1):
            landmarks = detector.detect(frame.image)
            if landmarks is not None:
                box = bounds(landmarks) if box is None else joined(box, bounds(landmarks))
            times_s.append(frame.time_s)
            if progress is not None:
                progress("watching", len(times_s), info.n_frames, "")
    if box is None:
        raise InputError(
            f"{driving}: no face was found in any frame; expected a video of one face, frontal and well lit"
        )
    return Square.around(box, info.width, info.height, _DRIVING_MARGIN), times_s


def _even(side: int) -> int:
    return max(2, side // 2 * 2)
