"""Long sounds in parts: the pictures are those of a rendering in one go, and so are the sound and the times."""

from fractions import Fraction
from itertools import chain, islice
from pathlib import Path

import numpy as np
import pytest

from hygiesync.avatar.bundle import Avatar
from hygiesync.avatar.loading import load_avatar
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.engine import Engine
from hygiesync.errors import InputError
from hygiesync.media.audio import probe_audio, read_audio, write_wav
from hygiesync.media.video import VideoWriter, probe, read_frames
from hygiesync.pipelines import parts as parts_module
from hygiesync.pipelines.heard_part import PLACES, STARTS, HeardPart, heard_name, read_places, read_starts
from hygiesync.pipelines.offline import RenderOptions, render, scene_for
from hygiesync.pipelines.parts import RUN_IN_S, hear_parts, join_parts, part_pictures, render_part
from hygiesync.pipelines.soundtrack import Soundtrack
from hygiesync.rendering.interfaces import frames_from
from hygiesync.timing import SAMPLE_RATE, n_video_frames


def long_speech(samples: np.ndarray, folder: Path, duration_s: float, pause_s: float = 0.6) -> Path:
    """A voice again and again, with pauses."""
    pause = np.random.default_rng(0).normal(size=int(pause_s * SAMPLE_RATE)) * 1e-4
    one = np.concatenate([samples, pause.astype(np.float32)])
    path = folder / "long.wav"
    write_wav(path, np.resize(one, int(duration_s * SAMPLE_RATE)), SAMPLE_RATE)
    return path


def in_one_go(avatar: Avatar, sound: Path, options: RenderOptions) -> list[tuple[Fraction, np.ndarray]]:
    scene = scene_for(avatar, options, probe_audio(sound).duration_s)
    engine = Engine(avatar, scene=scene, lookahead_ms=options.lookahead_ms)
    # in the blocks in which it is heard: sums over others differ in their last bits
    frames = [frame for block in Soundtrack(sound, is_heard=True).heard() for frame in engine.push(block)]
    return [(frame.time_s, frame.image) for frame in (*frames, *engine.flush())]


def check_parts(avatar: Avatar, sound: Path, folder: Path, n_parts: int, options: RenderOptions) -> list[HeardPart]:
    """Compare the pictures of parts with those in one go, before any is encoded; gives the parts."""
    hear_parts(avatar, sound, folder, n_parts, options)
    parts = [HeardPart.read(folder / heard_name(number)) for number in range(n_parts)]
    places = read_places(folder / PLACES) if options.template is not None else None
    scenes = (scene_for(avatar, options, Fraction(0), places=places) for _ in parts)
    pictures = chain.from_iterable(map(part_pictures, scenes, parts))
    expected = in_one_go(avatar, sound, options)
    got = [(frame.time_s, frame.image) for frame in pictures]
    assert [time_s for time_s, _ in got] == [time_s for time_s, _ in expected]
    unlike = [n for n, ((_, one), (_, other)) in enumerate(zip(got, expected, strict=True)) if (one != other).any()]
    assert not unlike, (
        f"pictures {unlike[:10]} of {len(expected)}; parts start at {[float(part.start_s) for part in parts]} s"
    )
    return parts


def test_parts_of_a_filmed_person_are_what_one_rendering_is(
    talker_avatar: VideoAvatar, speech: tuple[np.ndarray, Path], tmp_path: Path
) -> None:
    options = RenderOptions(fps=Fraction(12))
    sound = long_speech(speech[0], tmp_path, 22.0)
    parts = check_parts(talker_avatar, sound, tmp_path, 2, options)
    assert parts[-1].time_s(0) > RUN_IN_S, "the last part would begin at the start"
    # they are cut where nobody speaks
    samples = read_audio(sound)
    usual = np.abs(samples).mean()
    for part in parts[1:]:
        middle = int(part.start_s * SAMPLE_RATE)
        assert np.abs(samples[middle - 1600 : middle + 1600]).mean() < 0.1 * usual


@pytest.mark.parametrize("fps", [None, Fraction(10)])
def test_parts_of_a_dubbed_video_are_what_one_rendering_is(
    talker_avatar: VideoAvatar,
    held_out_video: Path,
    speech: tuple[np.ndarray, Path],
    tmp_path: Path,
    fps: Fraction | None,
) -> None:
    """The video is shorter than the sound, and is played forth and back."""
    template = thinned(held_out_video, tmp_path / "template.mp4")
    sound = long_speech(speech[0], tmp_path, 12.0)
    check_parts(talker_avatar, sound, tmp_path, 2, RenderOptions(template=template, fps=fps))


def thinned(video: Path, path: Path) -> Path:
    """Every third picture of a video, at its own time: fewer to draw."""
    info = probe(video)
    with VideoWriter(path, info.width, info.height, info.fps / 3) as writer:
        for frame in islice(read_frames(video), 0, None, 3):
            writer.write(frame.image, frame.time_s)
    return path


def test_parts_of_a_photo_are_what_one_rendering_is(
    portrait_avatar_directory: Path, speech: tuple[np.ndarray, Path], tmp_path: Path
) -> None:
    avatar = load_avatar(portrait_avatar_directory)
    check_parts(avatar, long_speech(speech[0], tmp_path, 12.0), tmp_path, 2, RenderOptions(fps=Fraction(6), still=True))


def test_joined_parts_have_the_times_and_the_sound_of_one_rendering(
    portrait_avatar_directory: Path, speech: tuple[np.ndarray, Path], tmp_path: Path
) -> None:
    avatar = load_avatar(portrait_avatar_directory)
    options = RenderOptions(fps=Fraction(30000, 1001) / 4, crf=0, still=True)
    sound = long_speech(speech[0], tmp_path, 12.0)
    render(avatar, sound, tmp_path / "whole.mp4", options)
    hear_parts(avatar, sound, tmp_path, 2, options)
    videos = [tmp_path / f"part{number}.mp4" for number in range(2)]
    for number, video in enumerate(videos):
        render_part(avatar, HeardPart.read(tmp_path / heard_name(number)), video, options)
    join_parts(avatar, videos, read_starts(tmp_path / STARTS), sound, tmp_path / "joined.mp4", options)
    whole, joined = (list(read_frames(tmp_path / f"{name}.mp4")) for name in ("whole", "joined"))
    assert [frame.time_s for frame in joined] == [frame.time_s for frame in whole]
    for one, other in zip(joined, whole, strict=True):  # encoded without loss
        np.testing.assert_array_equal(one.image, other.image)
    np.testing.assert_array_equal(read_audio(tmp_path / "joined.mp4"), read_audio(tmp_path / "whole.mp4"))


@pytest.mark.parametrize("start_s", [Fraction(1, 3), Fraction(21)])
def test_a_template_goes_on_from_where_it_would_be(talker_avatar: VideoAvatar, start_s: Fraction) -> None:
    template = talker_avatar.idle(Fraction(10)).template
    n_before = n_video_frames(start_s, Fraction(10))
    played = template.frames()
    expected = [next(played) for _ in range(n_before + 15)][n_before:]
    sought = frames_from(template, start_s)
    for frame in expected:
        found = next(sought)
        assert found.time_s == frame.time_s >= start_s
        np.testing.assert_array_equal(found.image, frame.image)


def test_a_sound_that_ends_too_soon_is_told(
    portrait_avatar_directory: Path, speech: tuple[np.ndarray, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Boasting(Soundtrack):
        def __init__(self, audio: Path, *, is_heard: bool, track: int | None) -> None:
            super().__init__(audio, is_heard=is_heard, track=track)
            self.duration_s *= 100

    monkeypatch.setattr(parts_module, "Soundtrack", Boasting)
    avatar = load_avatar(portrait_avatar_directory)
    with pytest.raises(InputError, match="much shorter"):
        hear_parts(avatar, speech[1], tmp_path, 3, RenderOptions())
