"""Pictures that an engine of others makes, for calls that make a file."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from hygiesync.avatar.bundle import Avatar
from hygiesync.avatar.photo_avatar import PhotoAvatar
from hygiesync.avatar.provenance import Method, Provenance
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.engine import VideoFrame
from hygiesync.errors import InputError, UsageError
from hygiesync.external.dubbing import DUBBING_FPS, dub_by_engine
from hygiesync.external.interface import Ability
from hygiesync.external.portraits import Portrait, animate_by_engine, speak_by_engine
from hygiesync.external.process import TIME_LIMIT_S
from hygiesync.external.registry import engine_for
from hygiesync.external.run import EngineCall
from hygiesync.extras import require
from hygiesync.face.target import FaceChoice
from hygiesync.media.container import PathLike
from hygiesync.media.images import read_still
from hygiesync.media.sound import Sound
from hygiesync.media.video import probe
from hygiesync.pipelines.encoding import EncodingOptions
from hygiesync.pipelines.output import check_not_same, write_pictures
from hygiesync.pipelines.soundtrack import Soundtrack
from hygiesync.portrait.face_selection import chosen_face
from hygiesync.progress import Progress
from hygiesync.rendering.interfaces import Scene
from hygiesync.timing import n_video_frames


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """Which engine of others is to make the pictures, and how long it may take.

    Attributes
    ----------
    engine : str, optional
        One of :data:`hygiesync.external.registry.ENGINES`; hygiesync itself when left out.
    time_limit_s : float
        Then the engine is ended.
    engine_arguments : tuple of str
        More arguments of the engine's own.
    """

    engine: str | None = None
    time_limit_s: float = TIME_LIMIT_S
    engine_arguments: tuple[str, ...] = ()

    def call(self, ability: Ability) -> EngineCall:
        """The engine, ready to be run.

        Raises
        ------
        UsageError
            When there is none of that name, it does something else, or there is no time for it.
        MissingDependencyError
            When it, or what hygiesync needs beside it, is not installed.
        """
        assert self.engine is not None
        if not self.time_limit_s > 0:
            raise UsageError(f"`time_limit_s`: expected more than 0 s, got {self.time_limit_s:g}")
        engine, installation = engine_for(self.engine, ability)
        require("photo", "using an engine")
        return EngineCall(engine, installation, self.time_limit_s, self.engine_arguments)


def speak_avatar(
    avatar: Avatar,
    audio: PathLike | Sound,
    out: PathLike,
    scene_at: Callable[[Fraction], Scene[Any]],
    options: EngineOptions,
    encoding: EncodingOptions,
    fps: Fraction | None,
    method: Method,
    progress: Progress | None = None,
) -> None:
    """Write an mp4 in which an engine lets an avatar say a sound.

    Parameters
    ----------
    avatar : Avatar
        Of a filmed person with an engine that dubs, of a photo with one that lets pictures speak.
    audio : path or Sound
    out : path
    scene_at : callable
        The scene that is dubbed, at a given rate; its renderer is not used.
    options : EngineOptions
    encoding : EncodingOptions
    fps : Fraction, optional
        Engines count in whole numbers; 25 when left out.
    method : Method
    progress : callable, optional

    Raises
    ------
    UsageError
        When the engine can't do that.
    MissingDependencyError
        When it is not installed, or fails.
    """
    rate = fps or DUBBING_FPS
    if isinstance(avatar, VideoAvatar):
        if rate.denominator != 1:
            raise UsageError(f"`fps`: engines count in whole numbers, got {rate}; leave it out for {DUBBING_FPS}")
        call = options.call(Ability.DUBS)
        scene = scene_at(rate)
        pictures = dub_by_engine(call, avatar, scene.template, scene.size, audio, rate, progress)
        size = scene.size
    else:
        assert isinstance(avatar, PhotoAvatar)
        _check_speaking_rate(rate)
        call = options.call(Ability.SPEAKS)
        portrait = Portrait(avatar.picture, avatar.landmarks)
        pictures, size = speak_by_engine(call, portrait, audio, progress), portrait.size
    tags = Provenance.from_avatar(avatar, method, call.title).tags()
    _write(pictures, out, size, rate, tags, Soundtrack(audio, is_heard=False), encoding, progress)


def speak_picture(
    image: PathLike,
    audio: PathLike | Sound,
    out: PathLike,
    options: EngineOptions,
    *,
    encoding: EncodingOptions | None = None,
    face: FaceChoice = None,
    has_consent: bool = False,
    method: Method = Method.FROM_SOUND,
    progress: Progress | None = None,
    warn: Callable[[str], None] | None = None,
) -> None:
    """Write an mp4 in which an engine lets a picture say a sound.

    Parameters
    ----------
    image : path
        A picture with a face.
    audio : path or Sound
    out : path
    options : EngineOptions
        With an engine that lets pictures speak.
    encoding : EncodingOptions, optional
    face : int or str, optional
        Which of the picture's faces, 1 is the leftmost.
    has_consent : bool
        Whether the person shown agreed; recorded in the file.
    method : Method
    progress, warn : callable, optional

    Raises
    ------
    InputError
        When the picture or the sound can't be used.
    UsageError, MissingDependencyError
        As :func:`speak_avatar`.
    """
    check_not_same(out, image, None if isinstance(audio, Sound) else audio)
    call = options.call(Ability.SPEAKS)
    picture = read_still(image, warn=warn)
    portrait = Portrait(picture, chosen_face(picture, image, face))
    tags = Provenance(method, Path(image).name, has_consent, engine=call.title).tags()
    pictures = speak_by_engine(call, portrait, audio, progress)
    sound = Soundtrack(audio, is_heard=False)
    _write(pictures, out, portrait.size, DUBBING_FPS, tags, sound, encoding or EncodingOptions(), progress)


def animate_picture(
    image: PathLike,
    driving: PathLike,
    out: PathLike,
    options: EngineOptions,
    encoding: EncodingOptions,
    *,
    face: FaceChoice = None,
    has_consent: bool = False,
    progress: Progress | None = None,
    warn: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Write an mp4 in which an engine moves a picture as the face in a video moves, with the video's sound.

    Parameters
    ----------
    image, driving, out : path
    options : EngineOptions
        With an engine that animates.
    encoding : EncodingOptions
    face : int or str, optional
    has_consent : bool
    progress, warn : callable, optional

    Returns
    -------
    dict
        ``n_frames``, ``width``, ``height``, ``engine``.

    Raises
    ------
    InputError, UsageError, MissingDependencyError
        As :func:`speak_picture`.
    """
    check_not_same(out, image, driving)
    call = options.call(Ability.ANIMATES)
    info = probe(driving)
    picture = read_still(image, warn=warn)
    portrait = Portrait(picture, chosen_face(picture, image, face))
    tags = Provenance(Method.VIDEO_DRIVEN, Path(image).name, has_consent, engine=call.title).tags()
    sound = Soundtrack(driving, is_heard=False) if info.has_audio else None
    pictures = animate_by_engine(call, portrait, driving, progress)
    n_frames = _write(pictures, out, portrait.size, info.fps, tags, sound, encoding, progress)
    return {"n_frames": n_frames, "width": portrait.size[0], "height": portrait.size[1], "engine": call.title}


def _write(
    pictures: Generator[VideoFrame, None, None],
    out: PathLike,
    size: tuple[int, int],
    fps: Fraction,
    tags: dict[str, str],
    sound: Soundtrack | None,
    encoding: EncodingOptions,
    progress: Progress | None,
) -> int:
    """Write what an engine made, and give the number of pictures.

    The file is opened once the first picture is there: until then nothing but the engine's own folder is written.
    """
    n_frames = 0
    duration_s = sound.duration_s if sound is not None else Fraction(0)

    def count(time_s: Fraction) -> None:
        nonlocal n_frames
        n_frames += 1
        if progress is not None:
            progress("writing", n_frames, max(n_frames, n_video_frames(duration_s, fps)), "")

    with closing(_begun(pictures)) as begun:
        write_pictures(begun, out, size, fps, tags, sound=sound, encoding=encoding, progress=count)
    return n_frames


def _begun(pictures: Generator[VideoFrame, None, None]) -> Generator[VideoFrame, None, None]:
    """The pictures, the first of which is made at once."""
    first = next(pictures, None)
    if first is None:
        raise InputError("the sound is too short for a single picture; expected at least 0.04 s")

    def all_of_them() -> Generator[VideoFrame, None, None]:
        with closing(pictures):
            yield first
            yield from pictures

    return all_of_them()


def _check_speaking_rate(rate: Fraction) -> None:
    if rate != DUBBING_FPS:
        raise UsageError(f"`fps`: engines let pictures speak at {DUBBING_FPS} a second, got {rate}; leave it out")
