"""A take's file: pictures lie on the sound of their moment, whatever the clocks, the pauses and the delays."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hygiesync.apps.record.take import Take, spans_to_leave_out
from hygiesync.devices.camera.camera import CameraFrame
from hygiesync.devices.sound.clock import StreamClock
from hygiesync.media.audio import read_audio
from hygiesync.media.cut import leave_out
from hygiesync.media.video import probe, read_frames

RATE, FPS, BLOCK = 48_000, 30, 480
BLACK, WHITE = np.zeros((48, 64, 3), np.uint8), np.full((48, 64, 3), 255, np.uint8)
EVENT = 21
"""Pictures between two claps: 0.7 s."""


class World:
    """Claps every 0.7 s, seen and heard by devices whose clocks and delays are their own."""

    def __init__(
        self, take: Take, clock: StreamClock, ppm: float = 0.0, camera_delay_s: float = 0.05, seed: int = 0
    ) -> None:
        self.take, self.clock = take, clock
        self.true_rate = RATE * (1 + ppm * 1e-6)
        self.camera_delay_s = camera_delay_s
        self.random = np.random.default_rng(seed)
        self.now_s, self.n_blocks, self.n_pictures = 50.0, 0, 0
        self.begin_s = self.now_s

    def run(self, until_s: float) -> None:
        """Let time pass until `until_s` after the beginning."""
        while True:
            block_s = self.begin_s + (self.n_blocks + 1) * BLOCK / self.true_rate
            picture_s = self.begin_s + self.n_pictures / FPS
            if min(block_s, picture_s + self.camera_delay_s) > self.begin_s + until_s:
                return
            if block_s < picture_s + self.camera_delay_s:
                self.n_blocks += 1
                self.clock.observe(self.n_blocks * BLOCK, block_s + self.random.exponential(0.001))
                self.take.write_audio(self._sound((self.n_blocks - 1) * BLOCK))
            else:
                self.take.write_frame(CameraFrame(WHITE if self.n_pictures % EVENT == 0 else BLACK, picture_s))
                self.n_pictures += 1

    def _sound(self, first: int) -> np.ndarray:
        times_s = (first + np.arange(BLOCK)) / self.true_rate
        return np.where(times_s % (EVENT / FPS) < 0.01, 0.8 * np.cos(2 * np.pi * 2000 * times_s), 0).astype(np.float32)


@pytest.fixture
def filmed(tmp_path: Path) -> Callable[..., Path]:
    """Make a take in a world: filmed(play, ppm) gives the file."""

    def film(play: Callable[[World], None], **options: Any) -> Path:
        clock = StreamClock(RATE)
        with Take(tmp_path / "take.mp4", (64, 48), Fraction(FPS), clock, {}) as take:
            play(World(take, clock, **options))
        return tmp_path / "take.mp4"

    return film


def flashes_and_clicks(path: Path) -> tuple[np.ndarray, np.ndarray]:
    flashes = [float(frame.time_s) for frame in read_frames(path) if frame.image.mean() > 128]
    loud = np.flatnonzero(np.abs(read_audio(path, RATE)) > 0.25)
    clicks = loud[np.flatnonzero(np.diff(loud, prepend=-RATE) > RATE // 10)] / RATE
    return np.array(flashes), clicks


@pytest.mark.parametrize("ppm", [-300, 0, 300])
def test_pictures_stay_on_the_sound_whatever_the_sound_cards_clock(filmed: Callable[..., Path], ppm: int) -> None:
    def play(world: World) -> None:
        world.run(1.0)
        world.take.start(world.begin_s + 1.0)
        world.run(41.0)

    flashes, clicks = flashes_and_clicks(filmed(play, ppm=ppm))
    assert len(flashes) == len(clicks) > 50
    late_s = flashes - clicks
    assert np.abs(late_s).max() < 0.004  # 300 ppm of 40 s would be 12 ms
    assert abs(np.mean(late_s[-10:]) - np.mean(late_s[:10])) < 0.002


def test_it_begins_with_its_first_picture(filmed: Callable[..., Path]) -> None:
    def play(world: World) -> None:
        world.run(2.0)
        world.take.start(world.begin_s + 2.01)
        world.run(4.0)

    path = filmed(play, camera_delay_s=0.2)
    assert next(read_frames(path)).time_s == 0
    flashes, clicks = flashes_and_clicks(path)
    np.testing.assert_allclose(flashes, clicks, atol=0.004)
    # from the first picture after the start until the last sample that came
    assert len(read_audio(path, RATE)) / RATE == pytest.approx(4.0 - (2 + 1 / FPS), abs=0.03)


def test_a_pause_leaves_no_gap_and_no_offset(filmed: Callable[..., Path]) -> None:
    lengths = []

    def play(world: World) -> None:
        take = world.take
        for start_s, stop_s in ((1.0, 4.0), (9.0, 12.0), (13.0, 16.3)):
            world.run(start_s)
            take.start(world.begin_s + start_s)
            world.run(stop_s)
            lengths.append(take.time_of(world.begin_s + stop_s))
            take.stop(world.begin_s + stop_s)
        world.run(17.0)

    path = filmed(play, camera_delay_s=0.12)
    assert lengths == pytest.approx([3.0, 6.0, 9.3], abs=0.11)
    flashes, clicks = flashes_and_clicks(path)
    assert len(flashes) == len(clicks) >= 11
    np.testing.assert_allclose(flashes, clicks, atol=0.004)
    times_s = np.array([float(frame.time_s) for frame in read_frames(path)])
    assert np.diff(times_s).max() < 2.2 / FPS
    assert float(probe(path).duration_s) == pytest.approx(9.3, abs=0.12)


def test_nothing_of_a_pause_is_in_the_file(filmed: Callable[..., Path]) -> None:
    seen = []

    def play(world: World) -> None:
        world.run(1.0)
        world.take.start(world.begin_s + 1.0)
        world.run(2.0)
        world.take.stop(world.begin_s + 2.0)
        seen.append(world.take.n_pictures)
        world.run(30.0)
        seen.append(world.take.n_pictures)

    path = filmed(play)
    assert seen[1] - seen[0] <= 2  # what was taken before and came later
    assert seen[1] == 30
    assert len(read_audio(path, RATE)) / RATE == pytest.approx(1.0, abs=0.04)


def test_a_stretch_without_a_picture_is_nothing(filmed: Callable[..., Path]) -> None:
    def play(world: World) -> None:
        world.run(1.0)
        world.take.start(world.begin_s + 1.0)
        world.take.stop(world.begin_s + 1.001)
        world.take.start(world.begin_s + 1.0)
        world.run(2.5)

    flashes, clicks = flashes_and_clicks(filmed(play))
    np.testing.assert_allclose(flashes, clicks, atol=0.004)


def test_a_marked_moment_can_be_cut_at(filmed: Callable[..., Path], tmp_path: Path) -> None:
    spans = []

    def play(world: World) -> None:
        take = world.take
        world.run(1.0)
        take.start(world.begin_s + 1.0)
        for mark_s in (3.23, 5.41):
            world.run(mark_s)
            take.mark(world.begin_s + mark_s)
            spans.append(take.time_of(world.begin_s + mark_s))
        world.run(8.0)

    path = filmed(play)
    leave_out(path, tmp_path / "cut.mp4", [(spans[0], spans[1])])
    flashes, clicks = flashes_and_clicks(tmp_path / "cut.mp4")
    assert len(flashes) == len(clicks) == 7
    np.testing.assert_allclose(flashes, clicks, atol=0.004)


def test_what_is_superseded_is_joined_where_it_touches() -> None:
    readings = [(0, 1, False), (1, 2, True), (2, 3, True), (3, 4, False), (4, 4, True), (4, 5, True)]
    assert spans_to_leave_out(readings) == [(1, 3), (4, 5)]
    assert spans_to_leave_out([]) == []
