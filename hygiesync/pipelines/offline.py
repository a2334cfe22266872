"""Rendering a sound file to an mp4: a loop over the engine, in constant memory for any length."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction

from hygiesync.avatar.bundle import Avatar
from hygiesync.avatar.provenance import Method, Provenance
from hygiesync.avatar.still_template import StillTemplate
from hygiesync.avatar.template import FacePlaces, VideoTemplate
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.concurrency.library_threads import single_threaded_libraries
from hygiesync.concurrency.prefetch import prefetched
from hygiesync.engine import Engine, VideoFrame, check_expressiveness
from hygiesync.errors import UsageError
from hygiesync.face.tracking import watch
from hygiesync.media.audio import probe_audio, read_audio_blocks
from hygiesync.media.container import PathLike
from hygiesync.media.video import VideoInfo, probe
from hygiesync.pipelines.encoding import EncodingOptions
from hygiesync.pipelines.output import check_not_same, write_pictures
from hygiesync.progress import Progress
from hygiesync.render.compositor import WHOLE_PATH_LAG
from hygiesync.render.interfaces import Renderer, TemplateFrame, TemplateSource
from hygiesync.render.landmark_renderer import LandmarkRenderer
from hygiesync.timing import n_video_frames

BLOCK_LENGTH = 1600
"""Samples pushed at a time: a tenth of a second."""


_READ_AHEAD, _DRAWN_AHEAD = 2, 3
"""Pictures that the threads before drawing and before encoding may be ahead."""

_SPARE_TEMPLATE_S = 1
"""Seconds of a template that are watched beyond the sound's end: more than the sound's stated length can err."""

_STILL_WITHIN_S = Fraction(5)
"""A still is looked for in this many first seconds of a template: nobody talks that long without closing the mouth."""


@dataclass(frozen=True, kw_only=True)
class RenderOptions(EncodingOptions):
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
    lookahead_ms : float, optional
        How far ahead the network may hear; the avatar's own when left out.
    """

    template: PathLike | None = None
    fps: Fraction | None = None
    still: bool = False
    landmarks_only: bool = False
    expressiveness: float = 1.0
    lookahead_ms: float | None = None


class _LoopedFrames:
    """A template source that is read ahead by a thread."""

    def __init__(self, source: TemplateSource) -> None:
        self._source = source

    def frames(self) -> Iterator[TemplateFrame]:
        """The source's frames."""
        return prefetched(self._source.frames(), _READ_AHEAD)


def render(
    avatar: Avatar,
    audio: PathLike,
    out: PathLike,
    options: RenderOptions | None = None,
    progress: Progress | None = None,
    *,
    method: Method = Method.FROM_SOUND,
) -> None:
    """Write an mp4 in which `avatar` says what `audio` holds.

    Parameters
    ----------
    avatar : Avatar
    audio : path
        Any file with sound; the result is as long as it is.
    out : path
        The mp4 to write. It appears at once and is playable even if the program is killed; after an error it is gone.
    options : RenderOptions, optional
    progress : callable, optional
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
    check_not_same(out, audio, options.template, *(avatar.directory / name for name in avatar.manifest.files))
    next(read_audio_blocks(audio, block_length=BLOCK_LENGTH))
    report = progress or (lambda *_: None)
    duration_s = probe_audio(audio).duration_s
    source, info = _template(avatar, options, duration_s, report)
    width, height = (info.width, info.height) if info else (avatar.manifest.width, avatar.manifest.height)
    fps = options.fps or (info.fps if info else avatar.fps)
    renderer: Renderer = LandmarkRenderer(avatar.shape) if options.landmarks_only else avatar.renderer(WHOLE_PATH_LAG)
    engine = Engine(
        avatar, template=_LoopedFrames(source), renderer=renderer, expressiveness=options.expressiveness,
        lookahead_ms=options.lookahead_ms,
    )  # fmt: skip
    n_frames = n_video_frames(duration_s, fps)

    def count(time_s: Fraction) -> None:
        report("rendering", n_video_frames(time_s, fps) + 1, n_frames, "")

    with single_threaded_libraries(), closing(prefetched(_spoken(engine, audio), _DRAWN_AHEAD)) as drawn:
        tags = Provenance.from_avatar(avatar, method).tags()
        write_pictures(drawn, out, (width, height), fps, tags, audio=audio, encoding=options, progress=count)


def _spoken(engine: Engine, audio: PathLike) -> Iterator[VideoFrame]:
    """Pictures of an engine that hears the whole of a file's sound."""
    for block in read_audio_blocks(audio, block_length=BLOCK_LENGTH):
        yield from engine.push(block)
    yield from engine.flush()


def _template(
    avatar: Avatar, options: RenderOptions, duration_s: Fraction, report: Progress
) -> tuple[TemplateSource, VideoInfo | None]:
    """Where the pictures come from, and the video that is dubbed, if any."""
    if options.template is None:
        fps = options.fps or avatar.fps
        if options.still:
            return avatar.still_template(fps), None
        return avatar.idle_template(fps), None
    if not isinstance(avatar, VideoAvatar):
        raise UsageError(
            f"--template: {avatar.manifest.name} was made from a photo and can't speak in a video; leave it out, or put"
            " the photo's face there with `hygiesync animate --swap`"
        )
    info = probe(options.template)
    until_s = _STILL_WITHIN_S if options.still else duration_s + _SPARE_TEMPLATE_S if duration_s else None
    n_frames = n_video_frames(min(info.duration_s, until_s or info.duration_s), info.fps)
    track = watch(info, 0.0, lambda done: report("watching", done, n_frames, ""), until_s=until_s)
    places = FacePlaces.from_track(track, avatar.pose)
    if options.still:
        return StillTemplate.from_video(info.path, places, options.fps or info.fps), info
    return VideoTemplate(info, places, options.fps), info
