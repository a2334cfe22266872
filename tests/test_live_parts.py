"""The parts of live speech by themselves: when pictures are shown, what is recorded, what is counted."""

import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import count, islice, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from present import present

from hygiesync.apps.live import stopping
from hygiesync.apps.live.panels import Situation, level_meter, statistics_panel, status_panels
from hygiesync.apps.live.stopping import PATIENCE_S, StopRequest, done_in_time, stop_signals
from hygiesync.devices.sound.clock import StreamClock
from hygiesync.devices.sound.source import SILENCE_DB, SoundHealth
from hygiesync.errors import InputError
from hygiesync.live.histogram import Histogram
from hygiesync.live.playout import MAX_WAITING, Playout, TimedFrame
from hygiesync.live.recorder import Recorder
from hygiesync.live.statistics import PARTS, Statistics
from hygiesync.live.template import FIRST_S, Head
from hygiesync.media.audio import read_audio
from hygiesync.media.video import VideoWriter, read_frames
from hygiesync.rendering.interfaces import TemplateFace, TemplateFrame
from hygiesync.timing import sample_time

RATE, FPS = 16_000, 60
PICTURE = np.zeros((2, 2, 3), np.uint8)


# --- counting


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1.9), min_size=1, max_size=200), st.sampled_from([0.05, 0.5, 0.95, 0.99]))
def test_a_histogram_knows_quantiles_to_a_tenth_of_a_millisecond(durations: list[float], share: float) -> None:
    histogram = Histogram()
    for duration in durations:
        histogram.add(duration)
    exact = np.quantile(durations, share, method="inverted_cdf") * 1e3
    assert histogram.quantile_ms(share) == pytest.approx(exact, abs=0.11)


def test_a_histogram_takes_anything() -> None:
    histogram = Histogram()
    assert histogram.quantile_ms(0.5) == 0
    for duration in (-1.0, 0.0, 5.0):
        histogram.add(duration)
    assert histogram.quantile_ms(1.0) == pytest.approx(2000, abs=0.1)


def make_frame(
    sample: int = 0,
    heard: float = 0.0,
    known: float = 0.0,
    taken: float = 0.0,
    stepped: float = 0.0,
    ready: float = 0.0,
) -> TimedFrame:
    return TimedFrame(PICTURE, sample, heard, known, taken, stepped, ready)


def test_the_parts_of_latency_add_up() -> None:
    statistics = Statistics()
    for number in range(100):
        now = number / FPS
        statistics.shown(make_frame(0, now - 0.1, now - 0.02, now - 0.015, now - 0.012, now - 0.004), now)
    result = statistics.to_dict(n_missed=25)
    assert result["latency_ms"]["p50"] == pytest.approx(100, abs=0.2)
    assert sum(result["latency_parts_ms"][name]["p50"] for name in PARTS) == pytest.approx(100, abs=0.5)
    assert result["latency_parts_ms"]["lookahead"]["p95"] == pytest.approx(80, abs=0.2)
    assert result["pictures_per_s"] == pytest.approx(FPS, abs=0.01)
    assert (result["pictures_shown"], result["missed_ratio"]) == (100, 0.2)
    assert statistics.recent_pictures_per_s == pytest.approx(FPS)


def test_pauses_do_not_count_as_slow() -> None:
    statistics = Statistics()
    for number in range(60):
        if number == 30:
            statistics.paused()
        statistics.shown(make_frame(), number / FPS + (100 if number >= 30 else 0))
    assert statistics.pictures_per_s == pytest.approx(FPS * 59 / 58)
    assert Statistics().pictures_per_s == 0


# --- playout


def running_clock(rate_error: float = 0.0) -> StreamClock:
    """A clock of sound that began at host time 100 s."""
    clock = StreamClock(RATE)
    for block in range(1, 200):
        clock.observe(block * 160, 100 + block * 160 / (RATE * (1 + rate_error)))
    return clock


def shown_times(playout: Playout, readiness: zip, until_s: float) -> list[tuple[int, float]]:
    """When a viewer that never sleeps takes which sample, of pictures that are ready at given times."""
    shots = [make_frame(sample, ready=ready) for sample, ready in readiness]
    taken, now = [], 100.0
    while now < until_s:
        while shots and shots[0].ready_s <= now:
            playout.put(shots.pop(0))
        timed = playout.take(now)
        if timed is not None:
            taken.append((timed.sample, now))
        now += 0.0005
    return taken


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_pictures_that_come_in_bursts_are_shown_evenly(seed: int) -> None:
    rng = np.random.default_rng(seed)
    samples = [round(number * RATE / FPS) for number in range(240)]
    ready = [100 + sample / RATE + 0.09 + rng.uniform(0, 0.009) for sample in samples]
    playout = Playout(running_clock())
    shown = shown_times(playout, zip(samples, ready, strict=True), 104.2)
    assert [sample for sample, _ in shown] == samples
    assert playout.n_dropped == 0
    steps = np.diff([now for _, now in shown[60:]])
    assert np.quantile(np.abs(steps - 1 / FPS), 0.9) < 0.003
    assert 0.09 < playout.delay_s < 0.1
    assert playout.is_empty


def test_what_has_fallen_behind_is_dropped_and_counted() -> None:
    samples = [round(number * RATE / FPS) for number in range(240)]
    ready = [100 + sample / RATE + 0.09 for sample in samples]
    stalled = [max(moment, 102.0) if 101 < moment < 102 else moment for moment in ready]
    playout = Playout(running_clock())
    shown = shown_times(playout, zip(samples, stalled, strict=True), 104.2)
    n_dropped = len(samples) - len(shown)
    assert playout.n_dropped == n_dropped
    assert 50 <= n_dropped <= 60
    late = [now - 100 - sample / RATE - 0.09 for sample, now in shown if now > 102.01]
    assert max(late) < 0.021, "after the stall it is in time again"


def test_no_more_than_a_few_wait() -> None:
    playout = Playout(running_clock())
    for number in range(50):
        playout.put(make_frame(round(number * RATE / FPS), ready=100 + number / FPS + 0.1))
    assert playout.n_dropped == 50 - MAX_WAITING
    assert playout.take(100.0) is None
    assert present(playout.take(200.0)).sample == round(49 * RATE / FPS)
    assert playout.n_dropped == 49


def test_waiting_ends_with_a_picture() -> None:
    playout = Playout(running_clock())
    threading.Timer(0.05, lambda: playout.put(make_frame())).start()
    playout.wait(now_s=100.0, timeout_s=60.0)
    assert not playout.is_empty


# --- the head


class Numbered:
    """A template whose pictures say their number."""

    def frames(self) -> Iterator[TemplateFrame]:
        for number in count():
            yield TemplateFrame(np.full((2, 2, 3), number % 256, np.uint8), Fraction(number, 25), None)


def test_a_frozen_head_moves_on_from_where_it_was() -> None:
    head = Head(Numbered(), Fraction(25))
    frames, seen = head.frames(), []
    for is_frozen in (False, True, False):
        head.is_frozen = is_frozen
        seen += list(islice(frames, 5))
    assert [frame.time_s for frame in seen] == [FIRST_S + Fraction(number, 25) for number in range(15)]
    assert 0 <= FIRST_S < Fraction(1, 100)
    assert [int(frame.image[0, 0, 0]) for frame in seen] == [0, 1, 2, 3, 4, 4, 4, 4, 4, 4, 5, 6, 7, 8, 9]


def test_a_head_that_is_closed_leaves_no_thread() -> None:
    class Source:
        def frames(self) -> Iterator[TemplateFrame[TemplateFace]]:
            return (TemplateFrame(PICTURE, Fraction(number, 25), None) for number in count())

    before = threading.active_count()
    head = Head(Source(), Fraction(25))
    head.close()
    frames = head.frames()
    next(frames)
    assert threading.active_count() == before + 1
    head.close()
    head.close()
    assert threading.active_count() == before


# --- ending


def test_ctrl_c_is_noted_and_raises_nothing() -> None:
    before = signal.getsignal(signal.SIGINT)
    with stop_signals() as stop:
        stop.check()
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        assert stop.is_set
        with pytest.raises(KeyboardInterrupt):
            stop.check()
    assert signal.getsignal(signal.SIGINT) is before


def test_who_waits_in_vain_for_the_end_may_insist() -> None:
    stop = StopRequest()
    stop.set(10.0)
    stop.set(10.0 + PATIENCE_S / 2)
    with pytest.raises(KeyboardInterrupt):
        stop.set(10.1 + PATIENCE_S)


STUCK = """
    import ctypes
    from hygiesync.apps.live.stopping import stop_signals
    library, mutex = ctypes.CDLL(None), ctypes.create_string_buffer(64)
    with stop_signals():
        library.pthread_mutex_lock(mutex)
        print("stuck", flush=True)
        library.pthread_mutex_lock(mutex)  # for ever, and no signal ends it
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="gets stuck as Linux does")
def test_who_insists_is_heard_even_if_a_library_waits_for_ever() -> None:
    command = [sys.executable, "-c", textwrap.dedent(STUCK)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parent.parent) as process:
        present(process.stdout).readline()
        process.send_signal(signal.SIGTERM)
        time.sleep(PATIENCE_S + 0.3)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 130


def test_what_does_not_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "CLOSING_S", 0.05)
    never = threading.Event()
    assert done_in_time(lambda: None)
    assert not done_in_time(never.wait)
    never.set()


def test_a_signal_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stop_signals() as stop:
            signal.raise_signal(signal.SIGINT)
            assert not stop.is_set
    finally:
        signal.signal(signal.SIGINT, before)


# --- recording


def read_pictures(path: Path) -> list[tuple[Fraction, np.ndarray]]:
    return [(frame.time_s, frame.image) for frame in read_frames(path)]


def grey(level: int) -> np.ndarray:
    return np.full((48, 64, 3), level, np.uint8)


def perform(recorder: Recorder, n_blocks: int, first_block: int = 0, n_late: int = 9) -> None:
    """Sound in blocks of 10 ms, and 25 pictures a second that come `n_late` blocks after their moment."""
    for block in range(first_block, first_block + n_blocks):
        recorder.write_audio(np.full(160, 0.5 if block % 100 == 50 else 0.0, np.float32))
        moment = block - n_late
        if moment >= 0 and moment % 4 == 0:
            recorder.write_frame(grey(200 if moment % 100 == 52 else 50), sample_time(moment * 160))


def test_a_recording_has_picture_and_sound_of_the_same_moments(tmp_path: Path) -> None:
    recorder = Recorder((64, 48), Fraction(25), {"title": "test"})
    perform(recorder, 37)  # before it is switched on
    recorder.start(tmp_path / "out.mp4")
    assert recorder.path == tmp_path / "out.mp4"
    perform(recorder, 300, first_block=37)
    assert recorder.duration_s == pytest.approx(3.0)
    assert recorder.wait() == [tmp_path / "out.mp4"]
    assert [recorder.failure, recorder.n_left_out, recorder.path] == [None, 0, None]
    pictures = read_pictures(tmp_path / "out.mp4")
    bright = [float(time) for time, picture in pictures if picture.mean() > 120]
    loud = np.flatnonzero(np.abs(read_audio(tmp_path / "out.mp4")) > 0.2) / RATE
    starts = [loud[0], *(after for before, after in pairwise(loud) if after - before > 0.5)]
    assert len(bright) == len(starts) == 3
    np.testing.assert_allclose(bright, np.array(starts) + 0.02, atol=0.003)
    end_s = float(pictures[-1][0]) + 0.04
    assert len(read_audio(tmp_path / "out.mp4")) / RATE == pytest.approx(end_s, abs=0.07)


def test_a_recording_begins_with_the_first_sound_that_it_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder((64, 48), Fraction(25), {})
    perform(recorder, 100)
    open_file = VideoWriter.__enter__

    def slowly(writer: VideoWriter) -> VideoWriter:
        perform(recorder, 30, first_block=100)  # the engine's worker doesn't wait while a file is opened
        return open_file(writer)

    monkeypatch.setattr(VideoWriter, "__enter__", slowly)
    recorder.start(tmp_path / "out.mp4")
    perform(recorder, 200, first_block=130)
    assert recorder.wait() == [tmp_path / "out.mp4"]
    bright = [float(time) for time, picture in read_pictures(tmp_path / "out.mp4") if picture.mean() > 120]
    loud = np.flatnonzero(np.abs(read_audio(tmp_path / "out.mp4")) > 0.2) / RATE
    assert bright[0] == pytest.approx(loud[0] + 0.02, abs=0.003)


def test_a_recording_ended_at_once_by_wish_is_no_failure(tmp_path: Path) -> None:
    recorder = Recorder((64, 48), Fraction(25), {})
    recorder.start(tmp_path / "out.mp4")
    recorder.stop(is_wanted=True)
    assert recorder.wait() == []
    assert recorder.failures == []


def test_the_failure_of_an_earlier_recording_is_not_forgotten(tmp_path: Path) -> None:
    recorder = Recorder((64, 48), Fraction(25), {})
    for _ in range(2):  # the same file: it is begun once the other has let go of it
        recorder.start(tmp_path / "out.mp4")
        recorder.stop()
    recorder.start(tmp_path / "out.mp4")
    perform(recorder, 50)
    assert recorder.wait() == [tmp_path / "out.mp4"]
    assert recorder.failure is None
    assert ["not one picture" in str(failure) for failure in recorder.failures] == [True, True]


def test_a_fault_while_recording_is_raised_where_it_is_heard_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise ZeroDivisionError("the recorder's own")

    recorder = Recorder((64, 48), Fraction(25), {})
    recorder.check()
    recorder.start(tmp_path / "out.mp4")
    monkeypatch.setattr(VideoWriter, "write", fail)
    perform(recorder, 50)
    recorder.wait()
    with pytest.raises(ZeroDivisionError, match="the recorder's own"):
        recorder.check()


def test_several_recordings_in_one_session(tmp_path: Path) -> None:
    recorder = Recorder((64, 48), Fraction(25), {})
    for number in range(2):
        recorder.start(tmp_path / f"{number}.mp4")
        perform(recorder, 100, first_block=100 * number)
        recorder.stop()
    assert recorder.wait() == [tmp_path / "0.mp4", tmp_path / "1.mp4"]
    assert all(len(read_pictures(tmp_path / f"{number}.mp4")) >= 22 for number in range(2))


def test_a_recording_that_is_never_shown_anything_leaves_no_file(tmp_path: Path) -> None:
    recorder = Recorder((64, 48), Fraction(25), {})
    recorder.start(tmp_path / "out.mp4")
    assert recorder.wait() == []
    assert "not one picture" in str(recorder.failure)


def test_a_place_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        Recorder((64, 48), Fraction(25), {}).start(tmp_path / "no" / "out.mp4")


DISK_FULL = """
    import resource, sys, numpy as np
    from fractions import Fraction
    from pathlib import Path
    from hygiesync.live.recorder import Recorder
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, 1_500_000))
    random, recorder = np.random.default_rng(0), Recorder((96, 96), Fraction(25), {})
    recorder.start(Path(sys.argv[1]))
    for number in range(400):
        recorder.write_audio(np.zeros(640, np.float32))
        recorder.write_frame(random.integers(0, 255, (96, 96, 3), dtype=np.uint8), Fraction(number, 25))
    print(recorder.wait(), recorder.path, recorder.failure)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")
def test_a_full_disk_ends_the_recording_and_nothing_else(tmp_path: Path) -> None:
    command = [sys.executable, "-c", textwrap.dedent(DISK_FULL), str(tmp_path / "out.mp4")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent)
    assert "None" in done.stdout and "can't be written" in done.stdout
    assert done.stderr == ""
    assert len(read_pictures(tmp_path / "out.mp4")) >= 25


# --- text


def test_panels_say_what_is_the_matter() -> None:
    assert status_panels(Situation()) == []
    panels = status_panels(Situation(("muted", "head frozen"), "a.mp4 0:07", "microphone lost: USB; waiting for it"))
    text = [line for panel in panels for line in panel.lines]
    assert text == ["microphone lost: USB; waiting for it", "muted, head frozen", "recording a.mp4 0:07"]
    panel = statistics_panel(Statistics(), 3, SoundHealth(True, n_overflows=2, level_db=-30.0), "USB Audio")
    assert any("3 missed" in line for line in panel.lines)
    assert "2 overflows, 0 blocks lost" in panel.lines
    assert panel.lines[-1] == "USB Audio"


def test_the_level_meter() -> None:
    assert level_meter(0.0).count("|") == 20
    assert level_meter(-30.0).count("|") == 10
    assert level_meter(SILENCE_DB) == "." * 20 + " silence"
