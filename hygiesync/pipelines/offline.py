"""Rendering a sound file to an mp4: a loop over the engine, in constant memory for any length."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Generic

from hygiesync.avatar.bundle import WHOLE_RECORDING, Avatar
from hygiesync.avatar.provenance import Method, Provenance
from hygiesync.avatar.template import FacePlaces
from hygiesync.concurrency.library_threads import single_threaded_libraries
from hygiesync.concurrency.prefetch import prefetched
from hygiesync.engine import Engine, VideoFrame, check_expressiveness
from hygiesync.errors import UsageError
from hygiesync.face.target import FaceChoice, parse_face
from hygiesync.media.container import PathLike
from hygiesync.media.sound import Sound
from hygiesync.pipelines.by_engine import EngineOptions, speak_avatar
from hygiesync.pipelines.encoding import EncodingOptions
from hygiesync.pipelines.output import check_not_same, write_pictures
from hygiesync.pipelines.soundtrack import Soundtrack
from hygiesync.progress import Progress
from hygiesync.rendering.compositor import WHOLE_PATH_LAG
from hygiesync.rendering.interfaces import Face, Scene, TemplateFrame, TemplateSource
from hygiesync.rendering.landmark_renderer import LandmarkRenderer
from hygiesync.timing import n_video_frames

_READ_AHEAD, _DRAWN_AHEAD = 2, 3
"""Pictures that the threads before drawing and before encoding may be ahead."""


@dataclass(frozen=True, kw_only=True)
class RenderOptions(EncodingOptions, EngineOptions):
    """What a rendering may be asked for.

    Attributes
    ----------
    template : path, optional
        Video whose mouth is replaced; the avatar's idle loop when left out.
    fps : Fraction, optional
        Pictures a second; the template's own times (as a still, its average rate), or the training video's rate,
        when left out.
    still : bool
        Put the mouth into one picture of the template that stands still.
    landmarks_only : bool
        Draw points on black in place of the face.
    expressiveness : float
        How far the mouth goes from rest; 1 is as the person does.
    life : str, optional
        How far the head and shoulders of a photo move beside its mouth: ``calm``, as when left out, ``lively`` or
        ``still``; see :meth:`hygiesync.avatar.bundle.Avatar.with_life`.
    lookahead_ms : float
        How far ahead the network may hear: the whole recording, since nobody waits, unless it is to be seen what is
        drawn live.
    face : int or str, optional
        Whose mouth in the template, where several people are seen: a number from the left, ``left``, ``right``,
        ``largest`` or ``speaking``; who looks like the avatar when left out.
    audio_track : int, optional
        Which of the sound's tracks, 1 is the first; the one that the file marks as its default when left out.
    renderer : str, optional
        What draws a filmed person's mouth, ``retrieval`` or ``unet``; as the avatar was trained when left out.

    With an `engine`, which hears for itself, `expressiveness`, `life`, `lookahead_ms`, `landmarks_only`,
    `audio_track` and `renderer` are refused.
    """

    template: PathLike | None = None
    fps: Fraction | None = None
    still: bool = False
    landmarks_only: bool = False
    expressiveness: float = 1.0
    life: str | None = None
    lookahead_ms: float = WHOLE_RECORDING
    face: FaceChoice = None
    audio_track: int | None = None
    renderer: str | None = None


class _ReadAhead(Generic[Face]):
    """A template source that is read ahead by a thread."""

    def __init__(self, source: TemplateSource[Face]) -> None:
        self._source = source

    def frames(self) -> Iterator[TemplateFrame[Face]]:
        """The source's frames."""
        return prefetched(self._source.frames(), _READ_AHEAD)


def render(
    avatar: Avatar,
    audio: PathLike | Sound,
    out: PathLike,
    options: RenderOptions | None = None,
    *,
    progress: Progress | None = None,
    warn: Callable[[str], None] | None = None,
    method: Method = Method.FROM_SOUND,
) -> None:
    """Write an mp4 in which `avatar` says what `audio` holds.

    Parameters
    ----------
    avatar : Avatar
    audio : path or Sound
        Any file with sound, or samples; the result is as long as it is.
    out : path
        The mp4 to write. It appears at once and is playable even if the program is killed; after an error it is gone.
        An older file stays until the new one is whole.
    options : RenderOptions, optional
    progress, warn : callable, optional
        Told of work done, and of what should be known about the files.
    method : Method
        Where the sound came from; recorded in the file.

    Raises
    ------
    InputError
        When the sound, the template or the output can't be used.
    UsageError
        When `out` is one of the files that are read, or an option is out of range.
    """
    options = options or RenderOptions()
    check_expressiveness(options.expressiveness)
    parse_face(options.face)
    if options.life is not None:
        avatar = avatar.with_life(options.life)
    files = (avatar.directory / name for name in avatar.manifest.files)
    check_not_same(out, None if isinstance(audio, Sound) else audio, options.template, *files)
    alert = warn or (lambda message: None)
    if options.engine is not None:
        _render_by_engine(avatar, audio, out, options, method, progress, alert)
    else:
        _render_here(avatar, audio, out, options, method, progress or (lambda *_: None), alert)


def _render_here(
    avatar: Avatar,
    audio: PathLike | Sound,
    out: PathLike,
    options: RenderOptions,
    method: Method,
    tell: Progress,
    alert: Callable[[str], None],
) -> None:
    sound = Soundtrack(audio, is_heard=True, track=options.audio_track)
    for note in sound.notes:
        alert(f"{audio}: {note}")
    scene = scene_for(avatar, options, sound.duration_s, tell, alert)
    engine = Engine(
        avatar,
        scene=replace(scene, template=_ReadAhead(scene.template)),
        expressiveness=options.expressiveness,
        lookahead_ms=options.lookahead_ms,
    )
    n_frames = n_video_frames(sound.duration_s, scene.fps)

    def count(time_s: Fraction) -> None:
        tell("rendering", n_video_frames(time_s, scene.fps) + 1, n_frames, "")

    tags = Provenance.from_avatar(avatar, method).tags()
    with single_threaded_libraries(), closing(prefetched(_spoken(engine, sound), _DRAWN_AHEAD)) as drawn:
        write_pictures(drawn, out, scene.size, scene.fps, tags, sound=sound, encoding=options, progress=count)


def _render_by_engine(
    avatar: Avatar,
    audio: PathLike | Sound,
    out: PathLike,
    options: RenderOptions,
    method: Method,
    progress: Progress | None,
    warn: Callable[[str], None],
) -> None:
    plain = RenderOptions()
    for name in ("expressiveness", "life", "lookahead_ms", "landmarks_only", "audio_track", "renderer"):
        if getattr(options, name) != getattr(plain, name):
            raise UsageError(
                f"`{name}`: {options.engine} hears and draws by itself; leave it out, or leave out `engine`"
            )
    sound_s = Soundtrack(audio, is_heard=False).duration_s
    tell = progress or (lambda *_: None)
    speak_avatar(
        avatar, audio, out, lambda fps: scene_for(avatar, replace(options, fps=fps), sound_s, tell, warn),
        options, options, options.fps, method, progress,
    )  # fmt: skip


def _spoken(engine: Engine, sound: Soundtrack) -> Iterator[VideoFrame]:
    """Pictures of an engine that hears the whole of a sound."""
    for block in sound.heard():
        yield from engine.push(block)
    yield from engine.flush()


def scene_for(
    avatar: Avatar,
    options: RenderOptions,
    duration_s: Fraction,
    progress: Progress | None = None,
    warn: Callable[[str], None] | None = None,
    places: FacePlaces | None = None,
) -> Scene[Any]:
    """Where the pictures of a rendering come from, and what draws.

    Parameters
    ----------
    avatar : Avatar
    options : RenderOptions
    duration_s : Fraction
        Of the sound, seconds.
    progress, warn : callable, optional
    places : FacePlaces, optional
        Of the template's faces, where they are known.
    """
    avatar = avatar.with_renderer(options.renderer)
    scene: Scene[Any]
    if options.template is not None:
        scene = avatar.dub(
            options.template,
            fps=options.fps,
            still=options.still,
            duration_s=duration_s,
            lag=WHOLE_PATH_LAG,
            face=options.face,
            places=places,
            progress=progress,
            warn=warn,
        )
    elif options.still:
        scene = avatar.still(options.fps or avatar.fps, WHOLE_PATH_LAG)
    else:
        scene = avatar.idle(options.fps or avatar.fps, WHOLE_PATH_LAG)
    return replace(scene, renderer=LandmarkRenderer(avatar.shape)) if options.landmarks_only else scene
