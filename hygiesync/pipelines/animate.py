"""A driving video's motion on a still picture, as an mp4."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.avatar.provenance import Method, Provenance
from hygiesync.concurrency.library_threads import single_threaded_libraries
from hygiesync.concurrency.prefetch import prefetched
from hygiesync.engine import VideoFrame
from hygiesync.errors import InputError, UsageError
from hygiesync.extras import require
from hygiesync.face.target import FaceChoice, Target, find_target
from hygiesync.media.container import PathLike
from hygiesync.media.images import read_still
from hygiesync.media.sound_survey import survey_sound
from hygiesync.media.video import VideoInfo, probe
from hygiesync.media.video_survey import survey_video
from hygiesync.pipelines.animation_methods import animation_method
from hygiesync.pipelines.by_engine import EngineOptions, animate_picture
from hygiesync.pipelines.encoding import EncodingOptions
from hygiesync.pipelines.output import check_not_same, write_pictures
from hygiesync.pipelines.soundtrack import Soundtrack
from hygiesync.portrait.driving import DrivingFrame, best_frame, detected, watch_driving
from hygiesync.portrait.face_selection import chosen_face
from hygiesync.portrait.leading import Leads
from hygiesync.portrait.transfer import REGIONS, TransferOptions
from hygiesync.progress import Progress
from hygiesync.timing import n_video_frames

if TYPE_CHECKING:
    from hygiesync.pipelines.animation_methods import AnimationMethod, Animator

_WATCHED_AHEAD, _DRAWN_AHEAD = 3, 3


@dataclass(frozen=True, kw_only=True)
class AnimateOptions(EncodingOptions, EngineOptions):
    """What an animation may be asked for.

    Attributes
    ----------
    transfer : TransferOptions
    uses_best_frame : bool
        The reference is the driving frame most like the picture, not the first one.
    face : int or str, optional
        Which of the picture's faces: a number, 1 is the leftmost, ``left``, ``right`` or ``largest``; needed where
        there are several.
    driving_face : int or str, optional
        Whose face leads, where several people are seen in the video: a number from the left, ``left``, ``right``,
        ``largest`` or ``speaking``; the clearly largest, or who speaks, when left out.
    audio_track : int, optional
        Which of the video's sound tracks, 1 is the first; the default one when left out.
    swaps : bool
        Put the picture's face onto the driving video's head.
    method : str
        Which way of moving pictures, among :data:`hygiesync.pipelines.animation_methods.METHODS`.
    says_text : bool
        The driving video was made from a text, so this one is, too; recorded in the file.

    With an `engine` none of these but `face` is asked for.
    """

    transfer: TransferOptions = field(default_factory=TransferOptions)
    uses_best_frame: bool = False
    face: FaceChoice = None
    driving_face: FaceChoice = None
    audio_track: int | None = None
    swaps: bool = False
    method: str = "mesh"
    says_text: bool = False


def animate(
    image: PathLike,
    driving: PathLike,
    out: PathLike,
    options: AnimateOptions | None = None,
    *,
    has_consent: bool = False,
    progress: Progress | None = None,
    warn: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Write an mp4 in which the face of a picture moves as that of a driving video, with its sound.

    Parameters
    ----------
    image : path
        A photograph, a painting, a statue.
    driving : path
        A video of a face; its times and its sound are kept.
    out : path
        The mp4 to write. After an error it is gone.
    options : AnimateOptions, optional
    has_consent : bool
        Whether those shown (the picture's person; with `swaps` the video's too) agreed; recorded in the file.
    progress, warn : callable, optional

    Returns
    -------
    dict
        ``n_frames``, ``n_frames_without_face``, ``width``, ``height``, ``reference_s`` (time of the driving frame
        that stands for the picture as it is).

    Raises
    ------
    InputError
        When a file can't be used, or a face isn't found where one is needed.
    UsageError
        When an option asks for what there isn't.
    """
    require("photo", "animating a picture")
    options = _checked(options or AnimateOptions())
    if options.engine is not None:
        return animate_picture(
            image, driving, out, options, options,
            face=options.face, has_consent=has_consent, progress=progress, warn=warn,
        )  # fmt: skip
    return _by_ourselves(image, driving, out, options, has_consent=has_consent, progress=progress, warn=warn)


def _by_ourselves(
    image: PathLike,
    driving: PathLike,
    out: PathLike,
    options: AnimateOptions,
    *,
    has_consent: bool,
    progress: Progress | None,
    warn: Callable[[str], None] | None,
) -> dict[str, Any]:
    moves = animation_method(options.method)
    check_not_same(out, image, driving)
    info = probe(driving)
    picture = read_still(image, warn=warn)
    alert = warn or (lambda message: None)
    target = _leader(info, options, alert)
    work = _Animation(moves, picture, chosen_face(picture, image, options.face), driving, options, target)
    report, n_frames = progress or (lambda *_: None), n_video_frames(info.duration_s, info.fps)
    if options.uses_best_frame:
        work.find_best_frame(lambda done: report("choosing a frame", done, n_frames, ""))
    size = (info.width, info.height) if options.swaps else (picture.shape[1], picture.shape[0])
    tags = _provenance(options, image, has_consent).tags()

    def count(time_s: Fraction) -> None:
        report("animating", n_video_frames(time_s, info.fps) + 1, n_frames, "")

    with single_threaded_libraries(), closing(prefetched(work.pictures(), _DRAWN_AHEAD)) as drawn:
        sound = Soundtrack(driving, is_heard=False, track=options.audio_track) if info.has_audio else None
        write_pictures(drawn, out, size, info.fps, tags, sound=sound, encoding=options, progress=count)
    if work.n_unseen:
        alert(f"{driving}: {work.n_unseen} of {work.n_frames} frames show no face; there the last motion is held")
    return work.summary(size)


class _Animation:
    """One picture and one driving video on their way to pictures."""

    def __init__(
        self,
        method: AnimationMethod,
        picture: NDArray[np.uint8],
        landmarks: FloatArray,
        driving: PathLike,
        options: AnimateOptions,
        target: Target | None,
    ) -> None:
        self._method = method
        self._picture, self._landmarks, self._driving, self._options = picture, landmarks, driving, options
        self._target = target
        self._reference: DrivingFrame | None = None
        self._leads: Leads | None = None
        self.n_frames = self.n_unseen = 0

    def find_best_frame(self, report: Callable[[int], None]) -> None:
        """Look through the driving video for the frame most like the picture."""

        def counted() -> Iterator[DrivingFrame]:
            for number, frame in enumerate(detected(self._driving, self._target), 1):
                report(number)
                yield frame

        self._reference = best_frame(counted(), self._landmarks)
        if self._reference is None:
            raise InputError(_no_face(self._driving))

    def summary(self, size: tuple[int, int]) -> dict[str, Any]:
        """What :func:`animate` returns, for pictures of `size` (width, height)."""
        return {
            "n_frames": self.n_frames,
            "n_frames_without_face": self.n_unseen,
            "width": size[0],
            "height": size[1],
            "reference_s": float(self._leads.reference.time_s) if self._leads and self._leads.reference else 0.0,
        }

    def pictures(self) -> Iterator[VideoFrame]:
        """The animated pictures, at the driving frames' times."""
        with closing(prefetched(watch_driving(self._driving, self._target), _WATCHED_AHEAD)) as frames:
            for frame in frames:
                self.n_frames += 1
                self.n_unseen += not frame.is_seen
                yield VideoFrame(self._one(frame), frame.time_s)
        if self._leads is None:
            raise InputError(_no_face(self._driving))

    def _one(self, frame: DrivingFrame) -> NDArray[np.uint8]:
        if frame.landmarks is None:
            return frame.image if self._options.swaps else self._picture
        if self._leads is None:
            self._leads = Leads(self._drawer, self._reference)
        return self._leads.draw(frame)

    def _drawer(self, reference: DrivingFrame) -> Animator:
        if self._options.swaps:
            return self._method.swapper(self._picture, self._landmarks, reference)
        return self._method.animator(self._picture, self._landmarks, reference, self._options.transfer)


def _leader(info: VideoInfo, options: AnimateOptions, warn: Callable[[str], None]) -> Target | None:
    """Whose face leads; None for whoever is seen, where several are, one after the other."""
    for note in survey_video(info.path).notes():
        warn(f"{info.path}: {note}")
    if info.has_audio:
        sound = survey_sound(info.path, options.audio_track)
        for note in (*sound.notes(), *sound.lengths(info.duration_s)):
            warn(f"{info.path}: {note}")
    target = find_target(info, options.driving_face, track=options.audio_track)
    if options.driving_face is None and target.others and target.most_at_once == 1:
        warn(
            f"{info.path}: shows several people one after the other; each leads in turn: choose one with `driving_face`"
        )
        return None
    if target.note:
        warn(target.note.replace("`face`", "`driving_face`"))
    return target


def _no_face(driving: PathLike) -> str:
    return f"{driving}: no face was found in any frame; expected a video of one face, frontal and well lit"


def _checked(options: AnimateOptions) -> AnimateOptions:
    plain = AnimateOptions()
    for field_name, name in (("transfer", "only"), ("uses_best_frame",) * 2, ("swaps",) * 2, ("method",) * 2):
        if options.engine is not None and getattr(options, field_name) != getattr(plain, field_name):
            raise UsageError(f"`{name}`: {options.engine} moves pictures in its own way; leave out this, or `engine`")
    unknown = sorted(set(options.transfer.only) - set(REGIONS))
    if unknown or not options.transfer.only:
        raise UsageError(f"`only`: expected some of {','.join(REGIONS)}, got {','.join(options.transfer.only)!r}")
    return options


def _provenance(options: AnimateOptions, image: PathLike, has_consent: bool) -> Provenance:
    method = Method.FACE_SWAPPED if options.swaps else Method.FROM_TEXT if options.says_text else Method.VIDEO_DRIVEN
    return Provenance(method, Path(image).name, has_consent)
