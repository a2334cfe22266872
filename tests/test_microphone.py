"""A real microphone stream: PortAudio on the monitor of a PulseAudio null sink, with mishaps.

What is played carries its own position: sample k of it has the value (k + 1) / 2**22, which 32-bit floats and the
server pass on exactly. So each sample that is heard says where it belongs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from present import present
from sound_server import DEVICE, SAMPLE_RATE, SoundServer, needs_sound_server

from hygiesync.devices.sound.capture import Capture
from hygiesync.devices.sound.devices import find_input
from hygiesync.devices.sound.microphone import Microphone
from hygiesync.devices.sound.ring import Ring
from hygiesync.devices.sound.source import FIRST_BLOCK

pytestmark = [pytest.mark.device, needs_sound_server]

SCALE = 2**22
TIMEOUT_S = 60.0


def counting(duration_s: int) -> np.ndarray:
    """Samples that say their own number, from 1."""
    return ((np.arange(round(duration_s * SAMPLE_RATE)) + 1) / SCALE).astype(np.float32)


def numbers(samples: np.ndarray) -> np.ndarray:
    """The numbers that samples say; 0 for silence."""
    said = samples.astype(np.float64) * SCALE
    assert np.allclose(said, np.round(said), atol=1e-3)
    return np.round(said).astype(int)


class Listener:
    """Reads a microphone in a thread of its own, as the program does; notes when it read how much."""

    def __init__(self, microphone: Microphone) -> None:
        self.microphone = microphone
        self.pieces: list[np.ndarray] = []
        self.reads: list[tuple[float, int]] = []
        self._thread = threading.Thread(target=self._listen)
        self.microphone.start()
        self._thread.start()

    def _listen(self) -> None:
        n_samples = 0
        while (samples := self.microphone.read(0.05)) is not None:
            self.pieces.append(samples)
            n_samples += len(samples)
            self.reads.append((time.perf_counter(), n_samples))

    def wait_for(self, condition: Callable[[Listener], bool]) -> float:
        """Until `condition(self)`; returns the seconds it took."""
        start_s = time.perf_counter()
        while not condition(self):
            assert time.perf_counter() - start_s < TIMEOUT_S, f"waited in vain; {self.microphone.health()}"
            time.sleep(0.01)
        return time.perf_counter() - start_s

    def heard(self) -> np.ndarray:
        return np.concatenate(self.pieces) if self.pieces else np.zeros(0, np.float32)

    def stop(self) -> None:
        self.microphone.close()
        self._thread.join(TIMEOUT_S)
        assert not self._thread.is_alive()


@pytest.fixture(scope="module")
def running_server() -> Iterator[SoundServer]:
    with SoundServer() as server:
        yield server


@pytest.fixture
def server(running_server: SoundServer) -> Iterator[SoundServer]:
    running_server.start()
    yield running_server
    running_server.hush()


@pytest.fixture
def microphone(server: SoundServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Microphone]:
    server.use_here(monkeypatch)
    microphone = Microphone(find_input(DEVICE), SAMPLE_RATE)
    yield microphone
    microphone.close()


@pytest.fixture
def listener(microphone: Microphone) -> Iterator[Listener]:
    listener = Listener(microphone)
    yield listener
    listener.stop()


def is_alive(listener: Listener) -> bool:
    return listener.microphone.health().is_alive


def test_samples_arrive_without_holes(listener: Listener, server: SoundServer) -> None:
    listener.wait_for(is_alive)
    assert server.play(counting(4)).wait(TIMEOUT_S) == 0
    listener.wait_for(lambda self: not self.heard()[-1600:].any())
    said = numbers(listener.heard())
    (where,) = np.nonzero(said)
    np.testing.assert_array_equal(said[where[0] : where[0] + 4 * SAMPLE_RATE], np.arange(4 * SAMPLE_RATE) + 1)
    health = listener.microphone.health()
    assert (health.n_blocks_lost, health.n_overflows, health.n_filled, health.message) == (0, 0, 0, "")


def test_level_and_clock(listener: Listener, server: SoundServer) -> None:
    listener.wait_for(is_alive)
    assert listener.microphone.health().level_db == -120
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE)
    server.play(tone.astype(np.float32))
    listener.wait_for(lambda self: abs(self.microphone.health().level_db - -9.03) < 0.3)
    n_heard = listener.reads[-1][1]
    clock, arrival_s = listener.microphone.clock, listener.microphone.arrival_of(n_heard - 1)
    assert clock.time_of(n_heard) - 1e-6 <= arrival_s <= time.perf_counter()
    assert clock.sample_at(time.perf_counter()) >= n_heard - 1


def test_server_killed_and_started_again(listener: Listener, server: SoundServer) -> None:
    listener.wait_for(is_alive)
    server.play(counting(60))
    listener.wait_for(lambda self: bool(self.heard().any()))
    server.kill()
    listener.wait_for(lambda self: not is_alive(self))
    assert listener.microphone.health().message == f"microphone lost: {DEVICE}; waiting for it"
    before_s, n_before = listener.reads[-1]
    time.sleep(1.5)
    after_s, n_after = listener.reads[-1]
    # silence, as long as the time that has passed
    assert n_after - n_before == pytest.approx((after_s - before_s) * SAMPLE_RATE, abs=0.15 * SAMPLE_RATE)
    assert not listener.heard()[n_before:n_after].any()
    server.restart()
    assert listener.wait_for(is_alive) < 3
    server.play(counting(60))
    listener.wait_for(lambda self: bool(self.heard()[n_after:].any()))
    health = listener.microphone.health()
    assert (health.message, health.n_blocks_lost) == ("", 0)
    assert health.n_filled > SAMPLE_RATE
    # the timeline is as long as the time since its first sample
    now_s, n_now = listener.reads[-1]
    first_s = listener.reads[0][0]
    assert n_now == pytest.approx((now_s - first_s) * SAMPLE_RATE, abs=0.1 * SAMPLE_RATE)


def test_server_that_starts_twice_before_it_stays(listener: Listener, server: SoundServer) -> None:
    for _ in range(2):
        listener.wait_for(is_alive)
        server.kill()
        listener.wait_for(lambda self: not is_alive(self))
        server.restart()
    listener.wait_for(is_alive)


def test_blocked_callback_leaves_the_sound_in_sync(
    listener: Listener, server: SoundServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener.wait_for(is_alive)
    server.play(counting(8))
    listener.wait_for(lambda self: self.heard()[-1] > 0)
    blocked = threading.Event()
    push = Ring.push

    def push_late(ring: Ring, items: np.ndarray) -> bool:
        if not blocked.is_set():
            blocked.set()
            time.sleep(0.2)
        return push(ring, items)

    monkeypatch.setattr(Ring, "push", push_late)
    listener.wait_for(lambda self: blocked.is_set())
    n_blocked = listener.reads[-1][1]
    listener.wait_for(lambda self: self.reads[-1][1] > n_blocked + 2 * SAMPLE_RATE)
    said = numbers(listener.heard())
    (where,) = np.nonzero(said)
    # each sample that is heard lies as far from the first as when it was played, before the mishap and after
    np.testing.assert_array_equal(said[where] - where, said[where[0]] - where[0])
    assert listener.microphone.health().n_blocks_lost == 0


def test_reader_is_woken_by_each_block(microphone: Microphone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hygiesync.devices.sound.microphone.TICK_S", TIMEOUT_S)
    microphone.start()
    for _ in range(20):
        # not woken, it would give all that came within the timeout
        assert 0 < len(present(microphone.read(TIMEOUT_S))) < TIMEOUT_S / 2 * SAMPLE_RATE


def test_reader_that_sleeps_loses_nothing(microphone: Microphone, server: SoundServer) -> None:
    microphone.start()
    server.play(counting(3))
    time.sleep(2)
    heard: list[np.ndarray] = []
    deadline_s = time.perf_counter() + TIMEOUT_S
    while not (heard and heard[-1].any()):
        heard.append(present(microphone.read(0.05)))
        assert time.perf_counter() < deadline_s
    microphone.close()
    said = numbers(np.concatenate(heard))
    (where,) = np.nonzero(said)
    assert len(where) > 0.5 * SAMPLE_RATE
    assert said[where[0]] <= FIRST_BLOCK + 1, "the beginning of the very first block is left out"
    np.testing.assert_array_equal(said[where], np.arange(len(where)) + said[where[0]])


def test_ring_that_overflows_is_counted(
    microphone: Microphone, server: SoundServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hygiesync.devices.sound.capture.RING_S", 0.3)
    microphone.start()
    deadline_s = time.perf_counter() + TIMEOUT_S
    while microphone.health().n_blocks_lost == 0:
        time.sleep(0.05)
        assert time.perf_counter() < deadline_s
    microphone.close()


def test_device_of_another_rate_is_resampled(server: SoundServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.use_here(monkeypatch)
    rate = 400_000  # more than PulseAudio offers
    listener = Listener(Microphone(find_input(DEVICE), rate))
    listener.wait_for(is_alive)
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE)
    server.play(tone.astype(np.float32))
    listener.wait_for(lambda self: np.count_nonzero(self.heard()) > 2.2 * rate)
    listener.stop()
    heard = listener.heard()
    (where,) = np.nonzero(heard)
    second = heard[where[0] + rate : where[0] + 2 * rate]
    spectrum = np.abs(np.fft.rfft(second))
    assert abs(np.argmax(spectrum) - 1000) <= 1
    assert np.sqrt(np.mean(second**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.1)


def test_nothing_is_left_behind(server: SoundServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.use_here(monkeypatch)
    n_threads = threading.active_count()
    for _ in range(3):
        microphone = Microphone(find_input(DEVICE), SAMPLE_RATE)
        microphone.start()
        microphone.read(1)
        microphone.close()
        microphone.close()
        assert microphone.read(1) is None
    assert threading.active_count() == n_threads


def test_a_fault_in_the_watch_is_raised_by_read(microphone: Microphone, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(**_: object) -> None:
        raise ZeroDivisionError("a fault of ours")

    microphone.start()
    monkeypatch.setattr("hygiesync.devices.sound.reconnecting.portaudio.refresh", break_down)
    monkeypatch.setattr("hygiesync.devices.sound.reconnecting.LOST_S", 0.0)  # every block comes too late
    deadline_s = time.perf_counter() + TIMEOUT_S
    with pytest.raises(ZeroDivisionError, match="a fault of ours"):
        while time.perf_counter() < deadline_s:
            microphone.read(0.05)
    microphone.close()


def test_stereo_is_mixed(server: SoundServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from hygiesync.devices.sound.wakeup import Wakeup

    server.use_here(monkeypatch)
    capture = Capture(find_input(DEVICE).index, SAMPLE_RATE, 2, Wakeup())
    server.play(counting(3))
    heard: list[np.ndarray] = []
    deadline_s = time.perf_counter() + TIMEOUT_S
    while not (heard and heard[-1].any()):
        heard += [block.samples for block in capture.blocks()]
        time.sleep(0.01)
        assert time.perf_counter() < deadline_s
    capture.close()
    said = numbers(np.concatenate(heard))
    assert np.array_equal(said[said > 0], np.arange(np.count_nonzero(said)) + 1)
