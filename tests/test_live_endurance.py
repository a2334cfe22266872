"""Live speech when the machine is busy, stopped, or speaks for very long."""

import gc
import json
import signal
import threading
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from live_sessions import (
    RATE,
    TIMEOUT_S,
    CoefficientRecorder,
    SimulatedMicrophone,
    compare_with_offline,
    finish,
    live,
    wait_for_file,
)

from hygiesync import Engine
from hygiesync.apps.live.options import LiveOptions
from hygiesync.apps.live.session import run_live
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.devices.sound.sound_file import SoundFile
from hygiesync.live.playout import Playout
from hygiesync.live.template import Head
from hygiesync.live.worker import EngineWorker
from hygiesync.media.audio import read_audio, write_wav
from hygiesync.rendering.mouth_drawing import MouthDrawing
from hygiesync.speech_to_shape.stream import coefficients_at

pytestmark = pytest.mark.slow


def test_a_stopped_process_comes_back_in_time(
    avatar_directory: Path, talker_avatar: VideoAvatar, speech: tuple[np.ndarray, Path], tmp_path: Path
) -> None:
    """Starvation: nothing of the program runs for a second. Pictures are missing then, and no sound is."""
    recording = tmp_path / "said.mp4"
    with live(
        avatar_directory, "--no-window", "--input-device", speech[1], "--record", recording,
        "--json", tmp_path / "j.json",
    ) as process:  # fmt: skip
        wait_for_file(recording)
        process.send_signal(signal.SIGSTOP)
        time.sleep(1.0)
        process.send_signal(signal.SIGCONT)
        assert finish(process)[0] == 0
    measured = json.loads((tmp_path / "j.json").read_text())
    assert measured["pictures_missed"] >= 30
    assert measured["audio_blocks_lost"] == 0
    assert len(read_audio(recording)) / RATE == pytest.approx(len(speech[0]) / RATE, abs=0.1)
    assert abs(compare_with_offline(recording, talker_avatar, tmp_path).lag_ms) <= 20


def test_a_slow_renderer_drops_pictures_and_recovers(
    talker_avatar: VideoAvatar, speech: tuple[np.ndarray, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_s, draw = time.perf_counter(), MouthDrawing.draw
    drawn_s = []

    def slow_for_a_while(self: MouthDrawing, *arguments: Any) -> np.ndarray:
        now_s = time.perf_counter()
        drawn_s.append(now_s)
        if start_s + 2.0 < now_s < start_s + 4.0:
            time.sleep(0.1)
        return draw(self, *arguments)

    monkeypatch.setattr(MouthDrawing, "draw", slow_for_a_while)
    sound = tmp_path / "long.wav"
    write_wav(sound, np.tile(speech[0], 2), RATE)
    result = run_live(talker_avatar, LiveOptions(input_device=str(sound), output="none"))
    assert 50 <= result["pictures_missed"] <= 400
    assert result["audio_blocks_lost"] == 0
    assert result["latency_ms"]["p50"] < 200
    afterwards = sum(moment > start_s + 4.2 for moment in drawn_s) / (drawn_s[-1] - start_s - 4.2)
    slowed = sum(start_s + 2.2 < moment < start_s + 4 for moment in drawn_s) / 1.8
    assert slowed < 12
    assert afterwards > 3 * slowed


def test_a_failure_of_the_worker_ends_it_with_its_own_error(
    talker_avatar: VideoAvatar, speech: tuple[np.ndarray, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: MouthDrawing, *arguments: object) -> None:
        raise ZeroDivisionError("the worker's own")

    warmed_up = threading.Event()
    monkeypatch.setattr(EngineWorker, "warm_up", lambda self: warmed_up.set())
    monkeypatch.setattr(MouthDrawing, "draw", fail)
    with pytest.raises(ZeroDivisionError, match="the worker's own"):
        run_live(talker_avatar, LiveOptions(input_device=str(speech[1]), output="none"))
    assert warmed_up.is_set()


@pytest.mark.parametrize("lookahead_ms", [0, 80])
def test_live_and_offline_draw_the_same_lips(
    talker_avatar: VideoAvatar, speech: tuple[np.ndarray, Path], lookahead_ms: int
) -> None:
    samples, path = speech
    renderer, fps = CoefficientRecorder(), Fraction(60)
    head = Head(talker_avatar.idle(fps).template, fps)
    scene = replace(talker_avatar.idle(fps), template=head, renderer=renderer)
    engine = Engine(talker_avatar, scene=scene, lookahead_ms=lookahead_ms)
    source = SoundFile(path)
    worker = EngineWorker(engine, source, Playout(source.clock), fps)
    source.start()
    worker.start()
    give_up_s = time.perf_counter() + TIMEOUT_S
    while not worker.is_finished:
        assert time.perf_counter() < give_up_s
        time.sleep(0.05)
    worker.check()
    times_s = [time_s for time_s, _ in renderer.seen]
    wanted = coefficients_at(talker_avatar.speech_stream(lookahead_ms=lookahead_ms), samples, times_s)
    assert len(times_s) > 0.5 * 60 * len(samples) / RATE
    np.testing.assert_allclose([coefficients for _, coefficients in renderer.seen], wanted, atol=1e-4)


def test_two_minutes_cost_no_memory_and_no_files(talker_avatar: VideoAvatar, speech: tuple[np.ndarray, Path]) -> None:
    source, fps = SimulatedMicrophone(speech[0], 120), Fraction(2)
    playout = Playout(source.clock)
    scene = talker_avatar.idle(fps)
    engine = Engine(talker_avatar, scene=replace(scene, template=Head(scene.template, fps)))
    shown = []
    worker = EngineWorker(engine, source, playout, fps, now=source.now_s)
    for index in range(len(talker_avatar.atlas)):  # opened mouths stay open within a bound: what grows now is a leak
        talker_avatar.atlas.picture(index)
    gc.collect()
    process = psutil.Process()
    sizes: list[tuple[int, int, int]] = []
    worker.start()
    while not worker.is_finished:
        timed = playout.take(source.now_s() + 1)
        if timed is not None:
            shown.append(timed.ready_s - timed.heard_s)
        moment_s = source.n_read // RATE
        if not sizes or moment_s >= sizes[-1][0] + 10:  # kept at every turn, sizes were the growth themselves
            gc.collect()  # what waits to be collected is no leak
            sizes.append((moment_s, process.memory_info().rss, process.num_fds()))
        time.sleep(0.002)
    worker.check()
    assert worker.n_skipped == 0
    assert len(shown) + playout.n_dropped >= 120 * 2 - 10
    assert 0.06 < np.mean(shown[-100:]) < 0.12, "after two minutes pictures belong to the same moments as at first"
    early = max(rss for moment, rss, _ in sizes if 20 < moment < 45)
    late = max(rss for moment, rss, _ in sizes if moment > 100)
    assert late - early < 4e6
    assert {n_fds for moment, _, n_fds in sizes if moment > 100} <= {n_fds for moment, _, n_fds in sizes if moment > 20}
