"""A loudspeaker says each sample at its time: its buffer with simulated clocks, and a real null sink, recorded."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from present import present
from sound_server import DEVICE, SAMPLE_RATE, SoundServer, needs_sound_server

from hygiesync.devices.sound.clock import StreamClock
from hygiesync.devices.sound.devices import find_output
from hygiesync.devices.sound.output_buffer import PlayoutBuffer
from hygiesync.devices.sound.speaker import Speaker
from hygiesync.errors import MissingDependencyError

RATE = 16_000
BLOCK = 160
SCALE = 2**22
TIMEOUT_S = 60.0


def counting(n_samples: int, first: int = 0) -> np.ndarray:
    """Samples that say their own number, from 1."""
    return ((first + np.arange(n_samples) + 1) / SCALE).astype(np.float32)


def take_all(buffer: PlayoutBuffer, n_blocks: int) -> np.ndarray:
    return np.concatenate([buffer.take(BLOCK) for _ in range(n_blocks)])


def test_block_is_heard_at_its_frame() -> None:
    buffer = PlayoutBuffer(RATE)
    buffer.write(np.ones(BLOCK, np.float32), 500)
    heard = take_all(buffer, 10)
    np.testing.assert_array_equal(np.nonzero(heard)[0], np.arange(500, 660))


def test_blocks_in_time_are_passed_on_exactly() -> None:
    buffer, taken = PlayoutBuffer(RATE), []
    for block in range(500):
        # jitter below what is heard moves nothing
        buffer.write(counting(BLOCK, block * BLOCK), 480 + block * BLOCK + 6 * np.sin(block))
        taken.append(buffer.take(BLOCK))
    heard = np.concatenate(taken)
    np.testing.assert_array_equal(heard[480:], counting(500 * BLOCK)[: len(heard) - 480])
    assert (buffer.n_jumps, buffer.n_stretched) == (1, 0)


@pytest.mark.parametrize("drift_ppm", [100, -100, 500, -500])
def test_drift_is_followed_without_a_break(drift_ppm: int) -> None:
    buffer, taken = PlayoutBuffer(RATE), []
    for block in range(6000):
        buffer.write(counting(BLOCK, block * BLOCK), 800 + block * BLOCK * (1 + drift_ppm * 1e-6))
        taken.append(buffer.take(BLOCK))
    heard = np.concatenate(taken)[800:].astype(np.float64) * SCALE
    offset = heard - 1 - np.arange(len(heard)) / (1 + drift_ppm * 1e-6)
    assert np.abs(offset).max() < 0.001 * RATE
    assert np.diff(heard).min() > 0 and np.diff(heard).max() < 2.1  # nothing repeated, nothing left out
    assert buffer.n_jumps == 1
    assert buffer.n_stretched == pytest.approx(abs(drift_ppm) * 1e-6 * 6000 * BLOCK, abs=12)


def test_what_comes_too_late_is_not_heard_and_the_rest_is_in_time() -> None:
    buffer = PlayoutBuffer(RATE)
    take_all(buffer, 10)
    buffer.write(counting(BLOCK), 1500)  # 100 of its frames have passed
    heard = take_all(buffer, 2)
    np.testing.assert_array_equal(heard[:60], counting(BLOCK)[100:])
    assert not heard[60:].any()
    buffer.write(counting(BLOCK), 0)
    assert not take_all(buffer, 300).any()


def test_sound_goes_on_in_time_after_the_writer_was_kept() -> None:
    buffer, taken = PlayoutBuffer(RATE), []
    for block in range(100):
        if not 40 <= block < 60:
            buffer.write(counting(BLOCK, block * BLOCK), block * BLOCK + 320)
        taken.append(buffer.take(BLOCK))
    heard = np.round(np.concatenate(taken) * SCALE).astype(int)
    (where,) = np.nonzero(heard)
    np.testing.assert_array_equal(heard[where] - 1, where - 320)
    assert buffer.n_jumps == 2


@pytest.mark.slow
@given(st.lists(st.tuples(st.floats(-1e5, 1e5), st.integers(0, 1000), st.integers(0, 1000)), min_size=1, max_size=40))
def test_nothing_is_heard_twice_or_at_another_time(steps: list[tuple[float, int, int]]) -> None:
    buffer, n_written = PlayoutBuffer(RATE), 0
    for place, n_samples, n_taken in steps:
        buffer.write(counting(n_samples, n_written), buffer.n_taken + place)
        n_written += n_samples
        heard = buffer.take(n_taken)
        assert np.all(np.diff(heard[heard > 0]) > 0)
        assert len(heard) == n_taken
    take_all(buffer, 3 * RATE // BLOCK)
    assert not take_all(buffer, 3 * RATE // BLOCK).any()  # no ghost comes round


def test_what_the_callback_overtakes_is_not_heard_a_round_later() -> None:
    class Overtaken(np.ndarray):
        """Samples in whose place the callback takes a block just before they are written."""

        def __getitem__(self, places: Any) -> Any:
            buffer.take(BLOCK)
            return np.asarray(self)[places]

    buffer = PlayoutBuffer(RATE)
    buffer.write(np.ones(2 * BLOCK, np.float32).view(Overtaken), 0)
    assert buffer.n_taken == BLOCK
    heard = np.concatenate([buffer.take(BLOCK) for _ in range(3 * RATE // BLOCK)])
    np.testing.assert_array_equal(np.nonzero(heard)[0], np.arange(BLOCK))


def test_speaker_without_a_device_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hygiesync.devices.sound.devices.list_output_devices", list)
    with pytest.raises(MissingDependencyError, match="loudspeaker: none is there"):
        Speaker().start()


class Recorder:
    """Reads what the sink plays, and when."""

    def __init__(self, server: SoundServer) -> None:
        self.clock = StreamClock(SAMPLE_RATE)
        self._pieces: list[np.ndarray] = []
        self._process = server.record()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        n_samples, rest = 0, b""
        while piece := os.read(present(self._process.stdout).fileno(), 1 << 16):
            piece = rest + piece
            n_whole = len(piece) // 4 * 4
            rest = piece[n_whole:]
            self._pieces.append(np.frombuffer(piece[:n_whole], np.float32))
            n_samples += n_whole // 4
            self.clock.observe(n_samples, time.perf_counter())

    def heard(self) -> np.ndarray:
        return np.concatenate(self._pieces) if self._pieces else np.zeros(0, np.float32)

    def stop(self) -> None:
        self._process.kill()
        self._thread.join(TIMEOUT_S)
        present(self._process.stdout).close()


@pytest.fixture(scope="module")
def server() -> Iterator[SoundServer]:
    with SoundServer() as server:
        yield server


@pytest.fixture
def speaker(server: SoundServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Speaker]:
    server.start()
    server.use_here(monkeypatch)
    speaker = Speaker(find_output(DEVICE), SAMPLE_RATE)
    speaker.start()
    yield speaker
    speaker.close()


def wait_for(condition: Callable[[], bool]) -> float:
    start_s = time.perf_counter()
    while not condition():
        assert time.perf_counter() - start_s < TIMEOUT_S
        time.sleep(0.01)
    return time.perf_counter() - start_s


def speak(speaker: Speaker, duration_s: float, delay_s: float, drift_ppm: float = 0.0) -> StreamClock:
    """A microphone's timeline, block by block in real time; returns its clock."""
    clock, rate, n_samples = StreamClock(SAMPLE_RATE), SAMPLE_RATE * (1 + drift_ppm * 1e-6), 0
    start_s = time.perf_counter()
    while n_samples < duration_s * SAMPLE_RATE:
        due_s = start_s + (n_samples + BLOCK) / rate
        time.sleep(max(0.0, due_s - time.perf_counter()))
        clock.observe(n_samples + BLOCK, due_s)
        speaker.play_at(counting(BLOCK, n_samples), n_samples, clock, delay_s)
        n_samples += BLOCK
    time.sleep(delay_s + 0.2)
    return clock


@pytest.mark.device
@needs_sound_server
@pytest.mark.parametrize("delay_s", [0.09, 0.4])
def test_heard_at_its_time(speaker: Speaker, server: SoundServer, delay_s: float) -> None:
    recorder = Recorder(server)
    wait_for(lambda: speaker.is_alive and recorder.clock.is_running)
    clock = speak(speaker, 4, delay_s, drift_ppm=500)
    recorder.stop()
    (where,) = np.nonzero(recorder.heard())
    numbers = recorder.heard()[where].astype(np.float64) * SCALE - 1
    is_settled = numbers > SAMPLE_RATE
    assert np.count_nonzero(is_settled) > 2 * SAMPLE_RATE
    came, due = where[is_settled], np.rint(numbers[is_settled])
    late_s = [recorder.clock.time_of(int(n)) - clock.time_of(int(m)) - delay_s for n, m in zip(came, due, strict=True)]
    # a starved machine may run the output dry, and be late until that is made up
    assert np.percentile(np.abs(late_s), 80) < 0.02, np.percentile(late_s, [0, 5, 50, 95, 100])


@pytest.mark.device
@needs_sound_server
def test_speaker_plays_again_after_the_server_was_killed(speaker: Speaker, server: SoundServer) -> None:
    wait_for(lambda: speaker.is_alive)
    server.kill()
    wait_for(lambda: not speaker.is_alive)
    speak(speaker, 0.1, 0.1)  # nobody hears it, and nobody is kept waiting
    server.start()
    assert wait_for(lambda: speaker.is_alive) < 3
    recorder = Recorder(server)
    wait_for(lambda: recorder.clock.is_running)
    speak(speaker, 1, 0.1)
    recorder.stop()
    assert np.count_nonzero(recorder.heard()) > 0.5 * SAMPLE_RATE
