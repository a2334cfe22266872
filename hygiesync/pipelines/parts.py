r"""A long sound rendered in parts that are joined without a seam, each part by whoever has time.

The whole sound is heard once, since what a voice is depends on all that was heard before. What came of it is written
down picture by picture, and cut where it is most silent::

    sound --> heard once --> mouths of part 1 --> pictures --> mp4 --.
                        \--> mouths of part 2 --> pictures --> mp4 ----> joined, with the sound --> mp4
                         \-> mouths of part 3 --> pictures --> mp4 --'

A part's pictures are those of a rendering in one go, but for a photo whose head moves with the speech: its nods depend
on all that was said before. The template goes on from where it would be, and where its faces
are is looked for once; the path through the atlas is looked for from `RUN_IN_S` before the part on, by when it is that
of the whole, and its end is decided on what follows. The sound is encoded once, when the parts are joined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from fractions import Fraction
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.avatar.bundle import Avatar
from hygiesync.avatar.provenance import Method, Provenance
from hygiesync.avatar.template import FacePlaces
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.concurrency.library_threads import single_threaded_libraries
from hygiesync.concurrency.prefetch import prefetched
from hygiesync.engine import VideoFrame
from hygiesync.errors import InputError
from hygiesync.media.container import PathLike
from hygiesync.media.joining import JoiningWriter
from hygiesync.pipelines.heard_part import PLACES, STARTS, HeardPart, Moment, heard_name, write_places, write_starts
from hygiesync.pipelines.offline import RenderOptions, scene_for
from hygiesync.pipelines.output import write_pictures
from hygiesync.pipelines.soundtrack import Soundtrack
from hygiesync.rendering.compositor import WHOLE_PATH_LAG
from hygiesync.rendering.interfaces import Scene, frames_from
from hygiesync.timing import sample_time, video_frame_time

RUN_IN_S = Fraction(4)
"""Drawn before a part and thrown away (seconds): paths through the atlas that begin differently have met by then."""

_RUN_OUT = WHOLE_PATH_LAG + 1
"""Pictures after a part that its last ones may be decided on."""

_SEARCHED_S = Fraction(10)
"""How far around a part's planned end silence is looked for (seconds): nobody speaks longer without drawing breath."""

_SILENCE_S = Fraction(1, 2)
"""How long a silence should be that is cut in (seconds)."""

_DRAWN_AHEAD = 3


def hear_parts(
    avatar: Avatar,
    audio: PathLike,
    folder: Path,
    n_parts: int,
    options: RenderOptions,
    warn: Callable[[str], None] | None = None,
) -> Fraction:
    """Hear a whole sound, and write what each part's mouths do; find the faces of a template.

    Parameters
    ----------
    avatar : Avatar
    audio : path
    folder : Path
        Where the files go; see :mod:`hygiesync.pipelines.heard_part`.
    n_parts : int
        As many, about equally long.
    options : RenderOptions
    warn : callable, optional

    Returns
    -------
    Fraction
        Length of the sound, seconds.

    Raises
    ------
    InputError
        When the sound or the template can't be used, or the sound is much shorter than it says.
    """
    alert = warn or (lambda message: None)
    avatar = _alive(avatar, options)
    sound = Soundtrack(audio, is_heard=True, track=options.audio_track)
    for note in sound.notes:
        alert(f"{audio}: {note}")
    starts = []
    with single_threaded_libraries():
        times = _picture_times(avatar, folder, sound.duration_s, options, alert)
        for number, part in enumerate(_cut(_heard(avatar, sound, options, times), sound.duration_s, n_parts)):
            part.write(folder / heard_name(number))
            starts.append(part.start_s)
    if len(starts) != n_parts:
        length = f"{float(sound.duration_s):.0f} s"
        raise InputError(f"{audio}: is much shorter than the {length} that it states; don't split it")
    write_starts(folder / STARTS, starts)
    return sound.duration_s


def part_pictures(scene: Scene[Any], part: HeardPart) -> Iterator[VideoFrame]:
    """The pictures of a part, as they are when all is drawn in one go.

    Parameters
    ----------
    scene : Scene
        A new one, as :func:`hygiesync.pipelines.offline.scene_for` makes it.
    part : HeardPart
    """

    def drawn() -> Iterator[tuple[Any, NDArray[Any]]]:
        templates = prefetched(frames_from(scene.template, part.time_s(0)), _DRAWN_AHEAD)
        with closing(templates):
            for mouth, sound, template in zip(part.mouths, part.sounds, templates, strict=False):
                yield from scene.renderer.push(template, mouth, sound)
        yield from scene.renderer.flush()

    for number, (template, picture) in enumerate(drawn()):
        if number >= part.end:
            return
        if number >= part.start:
            yield VideoFrame(picture, template.time_s)


def render_part(
    avatar: Avatar, part: HeardPart, out: PathLike, options: RenderOptions, places: FacePlaces | None = None
) -> None:
    """Write the pictures of a part to an mp4 without sound, whose time zero is the part's first picture.

    Parameters
    ----------
    avatar : Avatar
    part : HeardPart
    out : path
    options : RenderOptions
        The same for all parts.
    places : FacePlaces, optional
        What :func:`hear_parts` found in the video that is dubbed, where one is.
    """
    scene = scene_for(_alive(avatar, options), options, Fraction(0), places=places)
    pictures = (VideoFrame(picture.image, picture.time_s - part.start_s) for picture in part_pictures(scene, part))
    tags = Provenance.from_avatar(avatar, Method.FROM_SOUND).tags()
    with single_threaded_libraries(), closing(prefetched(pictures, _DRAWN_AHEAD)) as drawn:
        write_pictures(drawn, out, scene.size, scene.fps, tags, sound=None, encoding=options)


def join_parts(
    avatar: Avatar,
    parts: Sequence[Path],
    starts_s: Sequence[Fraction],
    audio: PathLike,
    out: PathLike,
    options: RenderOptions,
) -> None:
    """Write one mp4 of the parts of a rendering and its sound; pictures are copied, not encoded again.

    Parameters
    ----------
    avatar : Avatar
    parts : sequence of Path
        The mp4s, in order.
    starts_s : sequence of Fraction
        When each starts, seconds.
    audio : path
    out : path
    options : RenderOptions
    """
    sound = Soundtrack(audio, is_heard=False, track=options.audio_track)
    tags = Provenance.from_avatar(avatar, Method.FROM_SOUND).tags()
    blocks, n_samples = sound.kept(), 0
    with JoiningWriter(
        out, parts[0], audio_rate=sound.sample_rate, audio_channels=sound.n_channels, metadata=tags
    ) as writer:
        for path, start_s in zip(parts, starts_s, strict=True):
            for time_s in writer.copied(path, start_s):
                while sample_time(n_samples, sound.sample_rate) <= time_s and (block := next(blocks, None)) is not None:
                    writer.write_audio(block)
                    n_samples += len(block)
        for block in blocks:
            writer.write_audio(block)


def is_dubbed(options: RenderOptions) -> bool:
    """Whether the mouth goes into a video that moves."""
    return options.template is not None and not options.still


def _alive(avatar: Avatar, options: RenderOptions) -> Avatar:
    """The avatar in the manner of life that is asked for."""
    return avatar if options.life is None else avatar.with_life(options.life)


def _picture_times(
    avatar: Avatar, folder: Path, duration_s: Fraction, options: RenderOptions, warn: Callable[[str], None]
) -> Iterator[Fraction]:
    """When pictures are shown; where a video is dubbed, its faces are found first, and written down."""
    places: FacePlaces | None = None
    if is_dubbed(options) and isinstance(avatar, VideoAvatar):
        assert options.template is not None
        places = avatar.watch(options.template, duration_s=duration_s, face=options.face, warn=warn)
        write_places(folder / PLACES, places)
    scene = scene_for(avatar, options, duration_s, places=places)
    if places is not None and options.fps is None:
        return (frame.time_s for frame in scene.template.frames())
    return (video_frame_time(number, scene.fps) for number in count())


def _heard(avatar: Avatar, sound: Soundtrack, options: RenderOptions, times: Iterator[Fraction]) -> Iterator[Moment]:
    """Mouth and sound of each picture, as the engine asks for them."""
    stream = avatar.speech_stream(options.expressiveness, options.lookahead_ms)
    n_samples, time_s = 0, next(times)
    for block in sound.heard():
        stream.push(block)
        n_samples += len(block)
        while time_s <= stream.known_until_s:
            yield time_s, stream.at(time_s), stream.sound_at(time_s)
            time_s = next(times)
    end_s = sample_time(n_samples)
    stream.finish(end_s)
    while time_s < end_s:
        yield time_s, stream.at(time_s), stream.sound_at(time_s)
        time_s = next(times)


def _cut(heard: Iterator[Moment], duration_s: Fraction, n_parts: int) -> Iterator[HeardPart]:
    """Cut what is heard into parts, each with its run-in and run-out; at most a part and the search are in memory."""
    searched_s = min(_SEARCHED_S, duration_s / n_parts / 4)
    kept: list[Moment] = []
    start = 0
    for number in range(1, n_parts):
        planned_s = duration_s * number / n_parts
        within = 0
        while within < len(kept) and kept[within][0] < planned_s + searched_s:
            within += 1
        while len(kept) < within + _RUN_OUT and (moment := next(heard, None)) is not None:
            kept.append(moment)
            within += moment[0] < planned_s + searched_s
        low = next((index for index, moment in enumerate(kept) if moment[0] >= planned_s - searched_s), len(kept))
        if kept[-1][0] < planned_s or within - low < 1:
            return
        end = low + _most_silent(kept[low:within])
        yield HeardPart.of(kept[: end + _RUN_OUT], start, end)
        run_in = next(index for index, moment in enumerate(kept) if moment[0] >= kept[end][0] - RUN_IN_S)
        del kept[:run_in]
        start = end - run_in
    kept.extend(heard)
    if len(kept) > start:
        yield HeardPart.of(kept, start, len(kept))


def _most_silent(moments: Sequence[Moment]) -> int:
    """Index of the picture in the middle of the most silent moment."""
    levels = np.array([sound.mean() for _, _, sound in moments])
    span_s = moments[-1][0] - moments[0][0]
    width = min(round(len(moments) * _SILENCE_S / span_s) | 1, len(levels)) if span_s else 1
    return int(np.convolve(levels, np.ones(width), "valid").argmin()) + width // 2
