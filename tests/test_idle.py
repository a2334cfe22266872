"""The idle loop: cut where it closes by itself, else played forth and back; never with a jump."""

from collections.abc import Callable
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest
from present import present
from tracks import TrackOf

from hygiesync.avatar.template import FacePlaces, IdleTemplate
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.building.face_fitting import Recording, fit_face
from hygiesync.building.idle_loop import MAX_IDLE_S, MIN_LOOP_S, build_idle_loop, loop_as_video
from hygiesync.media.video import VideoWriter, probe, read_frames
from hygiesync.synthetic.portrait import Portrait
from hygiesync.timing import video_frame_time

FPS, SIZE, PERIOD = Fraction(25), 320, 60


def swaying(number: int) -> np.ndarray:
    """A head that goes round an ellipse, so that forth and back would show it run the wrong way."""
    angle = 2 * np.pi * number / PERIOD
    return np.array([[1.0, 0, 12 * np.cos(angle)], [0, 1, 8 * np.sin(angle)]])


def drifting(number: int) -> np.ndarray:
    """A head that slowly moves to one side, and is nowhere twice."""
    return np.array([[1.0, 0, 0.15 * number - 15], [0, 1, 0.1 * number - 10]])


def gathered(directory: Path, pose: Callable[[int], np.ndarray], track_of: TrackOf) -> tuple[FacePlaces, Path]:
    """Places and pictures of the idle loop of a head that moves like `pose`, its mouth closed most of the time."""
    portrait, video, path = Portrait(SIZE), directory / "person.mp4", directory / "idle.mp4"
    with VideoWriter(video, SIZE, SIZE, FPS) as writer:
        for number in range(200):
            opening = 0.5 * abs(np.sin(number)) if number < 20 else 0.02 * np.sin(number)
            writer.write(portrait.render(max(opening, 0.0), 0.0, 0.0, pose(number))[0], video_frame_time(number, FPS))
    recording = Recording(probe(video), track_of(video), np.zeros((1, 80), np.float32))
    return build_idle_loop([recording], fit_face([recording]), path), path


@pytest.fixture(scope="module")
def swaying_loop(tmp_path_factory: pytest.TempPathFactory, track_of: TrackOf) -> tuple[FacePlaces, Path]:
    return gathered(tmp_path_factory.mktemp("swaying"), swaying, track_of)


@pytest.fixture(scope="module")
def drifting_loop(tmp_path_factory: pytest.TempPathFactory, track_of: TrackOf) -> tuple[FacePlaces, Path]:
    return gathered(tmp_path_factory.mktemp("drifting"), drifting, track_of)


@pytest.mark.slow
def test_of_several_sizes_and_rates_the_loop_has_its_own(
    swaying_loop: tuple[FacePlaces, Path], track_of: TrackOf, tmp_path: Path
) -> None:
    """The first recording is restless, smaller and slower; an avatar is as the one that its loop was cut from."""
    portrait, small = Portrait(160), tmp_path / "small.mp4"
    with VideoWriter(small, 160, 160, Fraction(30000, 1001)) as writer:
        for number in range(50):
            image, _ = portrait.render(0.5 * abs(np.sin(number)), 0.0, 0.0, np.array([[1.0, 0, number % 9], [0, 1, 0]]))
            writer.write(image, video_frame_time(number, Fraction(30000, 1001)))
    infos = [probe(small), probe(swaying_loop[1].with_name("person.mp4"))]
    recordings = [Recording(info, track_of(info.path), np.zeros((1, 80), np.float32)) for info in infos]
    places = build_idle_loop(recordings, fit_face(recordings), tmp_path / "idle.mp4")
    loop = loop_as_video(tmp_path / "idle.mp4", infos)
    assert (loop.width, loop.height, loop.fps) == (SIZE, SIZE, FPS)
    assert all(frame.image.shape == (SIZE, SIZE, 3) for frame in read_frames(tmp_path / "idle.mp4"))
    assert places.lower.max() > 160


def step(one: np.ndarray, other: np.ndarray) -> float:
    """How far two pictures are apart, grey levels."""
    return float(np.abs(one.astype(int) - other).mean())


def steps(path: Path) -> tuple[float, list[float]]:
    """(jump from last to first picture, steps between the others)."""
    pictures = [frame.image for frame in read_frames(path)]
    return step(pictures[-1], pictures[0]), [step(*pair) for pair in pairwise(pictures)]


@pytest.mark.slow
def test_a_movement_that_comes_round_is_one_loop(swaying_loop: tuple[FacePlaces, Path]) -> None:
    """The loop is as long as some rounds, and encloses their area; what goes forth and back encloses none."""
    places, path = swaying_loop
    x, y = places.lower.mean(1).T
    n_rounds = round(len(x) / PERIOD)
    assert abs(len(x) - n_rounds * PERIOD) <= 1
    area = (x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2
    assert area == pytest.approx(n_rounds * np.pi * 12 * 8, rel=0.1)
    jump, others = steps(path)
    assert jump <= 1.2 * max(others)


@pytest.mark.slow
def test_a_movement_that_never_returns_is_played_forth_and_back(drifting_loop: tuple[FacePlaces, Path]) -> None:
    places, path = drifting_loop
    middle = len(places.times_s) // 2
    np.testing.assert_array_equal(places.lower[1:middle], places.lower[:middle:-1])
    pictures = [frame.image for frame in read_frames(path)]
    assert step(pictures[1], pictures[-1]) < 2
    jump, others = steps(path)
    assert jump <= 1.2 * max(others)


@pytest.mark.slow
def test_loops_are_neither_short_nor_long_and_have_the_mouth_throughout(
    swaying_loop: tuple[FacePlaces, Path], drifting_loop: tuple[FacePlaces, Path]
) -> None:
    for places, path in (swaying_loop, drifting_loop):
        assert MIN_LOOP_S <= len(places.times_s) / FPS <= 2 * MAX_IDLE_S
        assert len(places.times_s) == sum(1 for _ in read_frames(path))
        assert (places.strengths == 1).all()


@pytest.mark.slow
@pytest.mark.parametrize("fps", [FPS, Fraction(30000, 1001)])
def test_the_loop_is_endless_on_an_exact_clock(swaying_loop: tuple[FacePlaces, Path], fps: Fraction) -> None:
    """At its own rate the loop's n-th frame is frame n modulo its length, for as long as one looks."""
    places, path = swaying_loop
    frames = list(islice(IdleTemplate(path, places, fps).frames(), 3 * len(places.times_s)))
    assert [frame.time_s for frame in frames] == [video_frame_time(number, fps) for number in range(len(frames))]
    if fps == FPS:
        for number, frame in enumerate(frames):
            np.testing.assert_array_equal(present(frame.face).lower, places.lower[number % len(places.times_s)])


def test_the_trained_avatar_has_a_loop_without_a_jump(talker_avatar: VideoAvatar) -> None:
    jump, others = steps(talker_avatar.directory / "idle.mp4")
    assert jump <= 1.2 * max(others)
    assert len(talker_avatar.idle_places.strengths) == len(others) + 1
