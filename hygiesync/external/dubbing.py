"""A template of a filmed person whose mouth an engine makes: cut out for it, and put back by our own warp and membrane.

The engine sees a video at a constant rate, cut to a rectangle that the head never leaves, so that it finds the face and
has no more to paint than need be. Of its pictures only the mouth is taken. Its outline meets the template's skin where
the engine's own jaw is: the skin is moved there first.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.engine import VideoFrame
from hygiesync.errors import InputError
from hygiesync.external.run import EngineCall, pictures_of, working_folder, write_sound
from hygiesync.face.pose import apply_similarity
from hygiesync.face.tracking import track_face
from hygiesync.media.container import PathLike
from hygiesync.media.sound import Sound
from hygiesync.media.video import VideoWriter, probe
from hygiesync.progress import Progress
from hygiesync.rendering.interfaces import PlainFrame, TemplateFace, TemplateSource
from hygiesync.rendering.mouth_pasting import MouthPasting
from hygiesync.timing import video_frame_time

DUBBING_FPS = Fraction(25)
"""Pictures a second that engines are given: all of them learnt from 25."""

_HEAD = np.array([[-1.3, -1.5], [1.3, 2.2]])
"""What of a head engines are shown, canonical units: hair and neck too, since their detectors know whole heads."""

_CRF = 10
"""Quality of what engines are given: hardly any loss."""


@dataclass(frozen=True)
class Rectangle:
    """A part of a picture, of even sides: engines write 4:2:0 colour."""

    left: int
    top: int
    width: int
    height: int

    @classmethod
    def around(cls, points: FloatArray, size: tuple[int, int]) -> Rectangle:
        """The smallest around points (n, 2), pixels, inside a picture of `size` (width, height)."""
        low = np.clip(np.floor(points.min(0)), 0, None).astype(int)
        high = np.minimum(np.ceil(points.max(0)), size).astype(int)
        width, height = (high - low) // 2 * 2
        return cls(int(low[0]), int(low[1]), int(width), int(height))

    def cut(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The part of a picture that it is; a view."""
        return image[self.top : self.top + self.height, self.left : self.left + self.width]


def dub_by_engine(
    call: EngineCall,
    avatar: VideoAvatar,
    template: TemplateSource[TemplateFace],
    size: tuple[int, int],
    sound: PathLike | Sound,
    fps: Fraction,
    progress: Progress | None = None,
) -> Generator[VideoFrame, None, None]:
    """Pictures of a template that says a sound by an engine's mouth.

    Parameters
    ----------
    call : EngineCall
        Of an engine that dubs.
    avatar : VideoAvatar
        Whose face it is.
    template : TemplateSource
        At a constant rate of `fps`; its frames are read more than once.
    size : tuple of int
        (width, height) of its pictures.
    sound : path or Sound
    fps : Fraction
    progress : callable, optional

    Yields
    ------
    VideoFrame
        As many as the sound is long.

    Raises
    ------
    InputError
        When the template shows no face.
    MissingDependencyError
        When the engine fails.
    """
    with working_folder() as work:
        n_frames = write_sound(work / "sound.wav", sound, fps)
        part = _where_the_head_is(template, n_frames, size)
        _write_cut(work / "template.mp4", _some(template, n_frames), part, fps)
        made = call.run(work, work / "template.mp4", work / "sound.wav", fps, progress)
        yield from _pasted(avatar, _some(template, n_frames), made, n_frames, part, call.title, progress)


def _some(template: TemplateSource[TemplateFace], n_frames: int) -> Iterator[PlainFrame]:
    return islice(template.frames(), n_frames)


def _where_the_head_is(template: TemplateSource[TemplateFace], n_frames: int, size: tuple[int, int]) -> Rectangle:
    """The part of the pictures that the head never leaves."""
    corners = [apply_similarity(frame.face.to_picture, _HEAD) for frame in _some(template, n_frames) if frame.face]
    if not corners:
        raise InputError("template: no face that looks about towards the camera is seen in it; name another `template`")
    return Rectangle.around(np.concatenate(corners), size)


def _write_cut(out: Path, frames: Iterable[PlainFrame], part: Rectangle, fps: Fraction) -> None:
    """The template as the engine is to see it; where no face is seen, the last one is shown on."""
    shown: NDArray[np.uint8] | None = None
    n_waiting = 0
    n_written = 0
    with VideoWriter(out, part.width, part.height, fps, crf=_CRF) as writer:
        for frame in frames:
            if frame.face is not None:
                shown = np.ascontiguousarray(part.cut(frame.image))
            n_waiting += 1
            while shown is not None and n_waiting:
                writer.write(shown, video_frame_time(n_written, fps))
                n_written, n_waiting = n_written + 1, n_waiting - 1


def _pasted(
    avatar: VideoAvatar,
    frames: Iterator[PlainFrame],
    made: Path,
    n_frames: int,
    part: Rectangle,
    title: str,
    progress: Progress | None,
) -> Iterator[VideoFrame]:
    """The template's frames with the mouths of what was made."""
    lower = _lower_faces(made, n_frames, part, title, progress)
    pasting = MouthPasting(avatar.mesh, avatar.canvas)
    with closing(pictures_of(made, n_frames, title)) as pictures:
        for number, (frame, picture) in enumerate(zip(frames, pictures, strict=True)):
            if frame.face is None:
                yield VideoFrame(frame.image, frame.time_s)
                continue
            whole = frame.image.copy()
            fitted = picture[: part.height, : part.width]
            part.cut(whole)[: fitted.shape[0], : fitted.shape[1]] = fitted
            there = lower[min(number, len(lower) - 1)]
            there = frame.face.lower if np.isnan(there).any() else there
            where = frame.face.lower + frame.face.strength * (there - frame.face.lower)
            vertices = avatar.mesh.place(there, frame.face.to_picture)
            yield VideoFrame(pasting.put(frame, where, whole, vertices), frame.time_s)


def _lower_faces(
    made: Path, n_frames: int, part: Rectangle, title: str, progress: Progress | None
) -> NDArray[np.float64]:
    """Lower faces (n, n_lower, 2), pixels of the whole picture, that the engine painted; NaN where none is seen."""
    n_seen = 0

    def count(n_more: int) -> None:
        nonlocal n_seen
        n_seen += n_more
        if progress is not None:
            progress(f"{title}: watching", n_seen, n_frames, "")

    track = track_face(probe(made), progress=count).smoothed()
    return track.lower.astype(np.float64) + np.array([part.left, part.top])
