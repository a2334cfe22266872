"""Live speech as it is used: a real sound server and a real window, and what happens when something goes wrong."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import psutil
import pytest
from display import needs_display, virtual_display, without_display
from media_files import tags_of
from sound_server import SoundServer, needs_sound_server

from hygiesync import Engine
from hygiesync.apps.live.session import LiveOptions, run_live
from hygiesync.devices.sound.clock import StreamClock
from hygiesync.devices.sound.sound_file import SoundFile
from hygiesync.devices.sound.source import SoundHealth
from hygiesync.face.comparison import compare_lips
from hygiesync.face.landmarks import LandmarkDetector
from hygiesync.face.pose import apply_similarity
from hygiesync.face.shape import mouth_opening
from hygiesync.face.tracking import track_face
from hygiesync.live.playout import Playout
from hygiesync.live.template import Head
from hygiesync.live.worker import MAX_LEVEL, EngineWorker
from hygiesync.media.audio import read_audio, write_wav
from hygiesync.media.video import probe
from hygiesync.pipelines.offline import RenderOptions, render
from hygiesync.render.mouth_drawing import MouthDrawing
from hygiesync.speech_to_shape.stream import coefficients_at

pytestmark = pytest.mark.slow

RATE = 16_000
TIMEOUT_S = 120
TITLE = "avatar - hygiesync (synthetic media)"


@pytest.fixture(scope="module")
def speech(held_out_video, tmp_path_factory):
    """A few seconds of the talker's voice: samples, and the file they are in."""
    path = tmp_path_factory.mktemp("speech") / "speech.wav"
    samples = read_audio(held_out_video)
    write_wav(path, samples, RATE)
    return read_audio(path), path


@contextmanager
def live(avatar, *arguments, environment=None):
    """A live session in a process of its own, ended when the context is."""
    command = [sys.executable, "-m", "hygiesync", "live", str(avatar), *(str(argument) for argument in arguments)]
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def finish(process):
    """Exit code and what was said."""
    out, err = process.communicate(timeout=TIMEOUT_S)
    assert "Traceback" not in err, err
    return process.returncode, out, err


def wait_for_file(path, n_bytes=50_000):
    """Until a recording has grown so far: pictures are coming."""
    give_up_s = time.perf_counter() + TIMEOUT_S
    while not (path.exists() and path.stat().st_size >= n_bytes):
        assert time.perf_counter() < give_up_s, f"{path} does not grow"
        time.sleep(0.05)


def lips_of(video, avatar):
    """Times (n,) and canonical lower faces (n, n_lower, 2) of a video, as a detector sees them."""
    track = track_face(probe(video))
    assert track.has_face.all()
    seen = avatar.pose.to_canonical(track.rigid.astype(np.float64))
    return track.times_s, apply_similarity(seen, track.lower)


def at_times(times_s, shapes, wanted_s):
    flat = shapes.reshape(len(shapes), -1)
    columns = [np.interp(wanted_s, times_s, column) for column in flat.T]
    return np.stack(columns, 1).reshape(len(wanted_s), *shapes.shape[1:])


def compare_with_offline(recording, avatar, folder):
    """A recording's lips against those of rendering its own sound at leisure."""
    render(avatar, recording, folder / "offline.mp4", RenderOptions(fps=Fraction(60), preset="ultrafast"))
    wanted = lips_of(folder / "offline.mp4", avatar)
    times_s, lips = lips_of(recording, avatar)
    clock = np.arange(times_s[0] + 0.1, min(times_s[-1], wanted[0][-1]) - 0.1, 1 / 60)
    return compare_lips(at_times(*wanted, clock), at_times(times_s, lips, clock), 1 / 60)


def middle(screenshot):
    """The face in a screenshot, without the text in the window's corners."""
    rows, columns = (np.flatnonzero(screenshot.any((axis, 2))) for axis in (1, 0))
    height, width = np.ptp(rows), np.ptp(columns)
    return screenshot[
        rows[0] + height // 3 : rows[-1] - height // 3, columns[0] + width // 3 : columns[-1] - width // 3
    ]


# --- a microphone and a window


class Run:
    """What is left of the session with a microphone and a window."""

    def __init__(self, folder):
        self.recording, self.json = folder / "said.mp4", folder / "measured.json"
        self.screenshots = []
        self.result = None
        self.measured = None


@pytest.fixture(scope="module")
def spoken(avatar_directory, speech, tmp_path_factory):
    """A quarter of a minute of real speech through a real sound server into a real window."""
    folder = tmp_path_factory.mktemp("live")
    run = Run(folder)
    samples, _ = speech
    (folder / "x").mkdir()
    with SoundServer() as server, virtual_display(folder / "x") as display:
        server.play(np.tile(samples, 12))
        with live(
            avatar_directory, "--duration", 15, "--record", run.recording, "--json", run.json, "--statistics",
            environment={**server.env, "DISPLAY": display.name},
        ) as process:  # fmt: skip
            display.client.find_window(TITLE)
            wait_for_file(run.recording)
            for _ in range(3):
                time.sleep(1)
                run.screenshots.append(display.screenshot())
            run.result = finish(process)
    run.measured = json.loads(run.json.read_text())
    return run


@pytest.mark.device
@pytest.mark.slow
@needs_sound_server
@needs_display
class TestAMicrophoneAndAWindow:
    def test_it_ends_well_and_says_what_it_measured(self, spoken):
        code, out, err = spoken.result
        assert code == 0, err
        assert "pictures/s" in out and "latency" in out
        measured = spoken.measured
        assert measured["duration_s"] == pytest.approx(15, abs=1)
        assert measured["failure"] == ""
        assert measured["recordings"] == [str(spoken.recording)]

    def test_no_sound_is_lost(self, spoken):
        assert spoken.measured["audio_blocks_lost"] == 0
        assert spoken.measured["audio_overflows"] == 0
        assert spoken.measured["audio_filled_s"] == 0

    def test_every_picture_is_shown_or_counted(self, spoken):
        measured = spoken.measured
        n_pictures = measured["pictures_shown"] + measured["pictures_missed"]
        assert n_pictures == pytest.approx(60 * measured["duration_s"], rel=0.05)
        assert measured["missed_ratio"] == pytest.approx(measured["pictures_missed"] / n_pictures, abs=1e-5)

    def test_latency_is_more_than_the_lookahead_and_made_of_its_parts(self, spoken):
        parts, latency = spoken.measured["latency_parts_ms"], spoken.measured["latency_ms"]
        assert latency["p95"] >= latency["p50"] > 70
        assert sum(part["p50"] for part in parts.values()) == pytest.approx(latency["p50"], abs=10)

    def test_the_window_shows_the_avatar(self, spoken, talker_avatar):
        with LandmarkDetector() as detector:
            faces = [detector.detect(screenshot) for screenshot in spoken.screenshots]
        assert all(face is not None for face in faces)

    def test_the_recording_is_in_sync(self, spoken, talker_avatar, tmp_path):
        comparison = compare_with_offline(spoken.recording, talker_avatar, tmp_path)
        assert abs(comparison.lag_ms) <= 20
        assert comparison.opening_correlation > 0.9


@pytest.mark.device
@pytest.mark.slow
@needs_sound_server
def test_a_sound_server_that_dies_and_comes_back(avatar_directory, talker_avatar, speech, tmp_path):
    samples, _ = speech
    recording = tmp_path / "said.mp4"
    with SoundServer() as server:
        server.play(np.tile(samples, 8))
        with live(
            avatar_directory, "--no-window", "--record", recording, "--json", tmp_path / "j.json",
            environment=server.env,
        ) as process:  # fmt: skip
            wait_for_file(recording, 400_000)
            server.kill()
            time.sleep(2.5)
            server.start()
            time.sleep(3.0)
            server.play(np.tile(samples, 8))
            time.sleep(4.0)
            process.send_signal(signal.SIGINT)
            code, _, err = finish(process)
    assert code == 0, err
    assert "lost" in err and "back again" in err
    measured = json.loads((tmp_path / "j.json").read_text())
    assert measured["audio_blocks_lost"] == 0
    assert measured["audio_filled_s"] > 2
    times_s, lips = lips_of(recording, talker_avatar)
    opening = mouth_opening(lips)
    silence = read_audio(recording)
    loud = np.flatnonzero(np.abs(silence) > 0.02) / RATE
    gap = int(np.argmax(np.diff(loud)))
    lost_s, back_s = loud[gap], loud[gap + 1]
    assert 2 < back_s - lost_s < 12
    resting = opening[(times_s > lost_s + 0.3) & (times_s < back_s - 0.3)]
    speaking = opening[(times_s > back_s + 0.3) & (times_s < back_s + 3)]
    assert resting.std() < 0.2 * speaking.std(), "the mouth rests while there is nothing to hear, and speaks again"
    comparison = compare_with_offline(recording, talker_avatar, tmp_path)
    assert abs(comparison.lag_ms) <= 20


@pytest.mark.device
@pytest.mark.slow
@needs_sound_server
def test_a_sound_server_that_does_not_answer_does_not_hold_it(avatar_directory, tmp_path):
    """It neither dies nor speaks, and whoever closes a stream waits for it: PortAudio for ever."""
    recording, measured = tmp_path / "said.mp4", tmp_path / "j.json"
    with SoundServer() as server, live(
        avatar_directory, "--no-window", "--record", recording, "--json", measured, environment=server.env
    ) as process:  # fmt: skip
        wait_for_file(recording)
        pulse = psutil.Process(server._server.pid)
        pulse.suspend()
        try:
            time.sleep(2)
            process.send_signal(signal.SIGINT)
            code, _, err = finish(process)
        finally:
            pulse.resume()
    assert code == 0, err
    assert "does not answer" in err
    assert json.loads(measured.read_text())["recordings"] == [str(recording)]
    assert probe(recording).n_frames > 30


# --- ends


@pytest.mark.device
@needs_display
def test_closing_the_window_ends_it_in_order(avatar_directory, speech, tmp_path):
    recording, measured = tmp_path / "said.mp4", tmp_path / "j.json"
    (tmp_path / "x").mkdir()
    with virtual_display(tmp_path / "x") as display, live(
        avatar_directory, "--input-device", speech[1], "--record", recording, "--json", measured,
        environment=display.environment,
    ) as process:  # fmt: skip
        window = display.client.find_window(TITLE)
        wait_for_file(recording)
        display.client.ask_to_close(window)
        assert finish(process)[0] == 0
    assert json.loads(measured.read_text())["pictures_shown"] > 0
    assert probe(recording).n_frames > 30


@pytest.mark.device
@needs_display
def test_keys(avatar_directory, speech, tmp_path):
    (tmp_path / "x").mkdir()
    sound = tmp_path / "long.wav"
    write_wav(sound, np.tile(speech[0], 10), RATE)
    with virtual_display(tmp_path / "x") as display, live(
        avatar_directory, "--input-device", sound, "--record", tmp_path / "said.mp4", environment=display.environment
    ) as process:  # fmt: skip
        display.client.focus(display.client.find_window(TITLE))
        wait_for_file(tmp_path / "said.mp4")
        for key in ("s", "m", "z", "h", "h", "x", "r", "r", "BackSpace", "space"):
            display.client.press(key)
            time.sleep(0.3)
        still = [middle(display.screenshot()) for _ in range(2) if not time.sleep(0.4)]
        display.client.press("q")
        code, out, err = finish(process)
    assert code == 0, err
    assert np.array_equal(*still), "paused"
    assert sorted(path.name for path in tmp_path.glob("*.mp4")) == ["said-2.mp4", "said.mp4"]
    assert out.count("recorded") == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_order(avatar_directory, speech, tmp_path, number):
    recording = tmp_path / "said.mp4"
    sound = tmp_path / "long.wav"
    write_wav(sound, np.tile(speech[0], 10), RATE)
    with live(
        avatar_directory, "--no-window", "--input-device", sound, "--record", recording, "--json", tmp_path / "j.json"
    ) as process:
        wait_for_file(recording)
        process.send_signal(number)
        code, out, err = finish(process)
    assert code == 0, err
    assert str(recording) in out
    assert probe(recording).n_frames > 30
    assert "Synthetic media (speech-driven live)" in tags_of(recording)["comment"]
    assert (tmp_path / "j.json").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("delay_s", [0.25, 0.5, 0.75])
def test_a_signal_while_it_starts_is_not_lost(avatar_directory, speech, tmp_path, number, delay_s):
    """Wherever it comes: in the middle of an import, of a first drawing, or after it."""
    recording = tmp_path / "said.mp4"
    with live(avatar_directory, "--no-window", "--input-device", speech[1], "--record", recording) as process:
        while "hygiesync" not in str(psutil.Process(process.pid).cmdline()):
            time.sleep(0.01)
        time.sleep(delay_s)
        process.send_signal(number)
        start_s = time.perf_counter()
        code, _, err = finish(process)
    assert time.perf_counter() - start_s < 0.5 * len(speech[0]) / RATE
    assert code in (0, 130, -number), err  # by the signal itself only before a line of ours has run
    assert not recording.exists() or probe(recording).n_frames > 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--no-window", "--input-device", "missing.wav"], 3),
        (["--input-device", "SPEECH"], 4),
        (["--no-window", "--input-device", "SPEECH", "--monitor"], 4),
        (["--no-window", "--input-device", "RECORDING"], 2),
    ],
)
def test_what_was_recorded_before_survives_a_session_that_does_not_begin(
    avatar_directory, speech, tmp_path, arguments, code
):
    recording = tmp_path / "precious.mp4"
    recording.write_bytes(speech[1].read_bytes())
    names = {"SPEECH": speech[1], "RECORDING": recording}
    environment = without_display() | {"PULSE_SERVER": "unix:/nowhere"}
    with live(
        avatar_directory, *(names.get(argument, argument) for argument in arguments), "--record", recording,
        environment=environment,
    ) as process:  # fmt: skip
        assert finish(process)[0] == code
    assert recording.read_bytes() == speech[1].read_bytes()


@pytest.mark.parametrize("length_s", [0.05, 0.3])
def test_a_short_file_is_shown_to_its_end(talker_avatar, speech, tmp_path, length_s):
    """Its last pictures come at once, since they wait for no more sound, and are shown in their own time."""
    sound = tmp_path / "short.wav"
    write_wav(sound, speech[0][: round(length_s * RATE)], RATE)
    result = run_live(talker_avatar, LiveOptions(input_device=str(sound), output="none"))
    assert result["pictures_shown"] + result["pictures_missed"] == round(60 * length_s)
    assert result["pictures_missed"] <= 1
    assert result["pictures_per_s"] == pytest.approx(60, rel=0.2)


def test_samples_that_are_no_sound_are_silence(talker_avatar, speech):
    heard = []

    class SpeechEncoder:
        def write_audio(self, samples):
            heard.append(samples)

        def write_frame(self, picture, sample):
            pass

    samples = speech[0][:8000].copy()
    samples[4000:4010], samples[5000:5010] = np.nan, 1e30
    source, fps = SimulatedMicrophone(samples, 0.4), Fraction(25)
    engine = Engine(talker_avatar, scene=replace(talker_avatar.idle(fps), renderer=CoefficientRecorder()))
    performer = EngineWorker(engine, source, Playout(source.clock), fps, sinks=[SpeechEncoder()], now=source.now_s)
    performer.start()
    while not performer.is_finished:
        time.sleep(0.01)
    performer.check()
    said = np.concatenate(heard)
    assert np.isfinite(said).all() and np.abs(said).max() <= MAX_LEVEL
    np.testing.assert_array_equal(said[:4000], samples[:4000])
    assert not said[4000:4010].any()


def test_a_killed_session_leaves_a_playable_recording(avatar_directory, speech, tmp_path):
    recording = tmp_path / "said.mp4"
    with live(avatar_directory, "--no-window", "--input-device", speech[1], "--record", recording) as process:
        wait_for_file(recording, 200_000)
        process.kill()
        process.wait()
    assert probe(recording).n_frames > 0


def test_a_full_disk_ends_the_recording_and_not_the_session(avatar_directory, speech, tmp_path):
    recording = tmp_path / "said.mp4"

    with live(
        avatar_directory, "--no-window", "--input-device", speech[1], "--record", recording,
        "--json", tmp_path / "j.json",
    ) as process:  # fmt: skip
        psutil.Process(process.pid).rlimit(psutil.RLIMIT_FSIZE, (300_000, 300_000))
        code, _, err = finish(process)
    assert code == 3
    assert len([line for line in err.splitlines() if "can't be written" in line and "error:" in line]) == 1
    measured = json.loads((tmp_path / "j.json").read_text())
    assert measured["duration_s"] > len(speech[0]) / RATE
    assert "can't be written" in measured["failure"]
    assert probe(recording).n_frames > 0


# --- hard times


def test_a_stopped_process_comes_back_in_time(avatar_directory, talker_avatar, speech, tmp_path):
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


def test_a_slow_renderer_drops_pictures_and_recovers(talker_avatar, speech, tmp_path, monkeypatch):
    start_s, draw = time.perf_counter(), MouthDrawing.draw
    drawn_s = []

    def slow_for_a_while(self, *arguments):
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


def test_a_failure_of_the_performer_ends_it_with_its_own_error(talker_avatar, speech, monkeypatch):
    def fail(self, *arguments):
        raise ZeroDivisionError("the performer's own")

    warmed_up = threading.Event()
    monkeypatch.setattr(EngineWorker, "warm_up", lambda self: warmed_up.set())
    monkeypatch.setattr(MouthDrawing, "draw", fail)
    with pytest.raises(ZeroDivisionError, match="the performer's own"):
        run_live(talker_avatar, LiveOptions(input_device=str(speech[1]), output="none"))
    assert warmed_up.is_set()


class CoefficientRecorder:
    """A renderer that keeps what it was asked for."""

    lag = 0

    def __init__(self):
        self.seen = []

    def push(self, template, coefficients, sound):
        self.seen.append((template.time_s, coefficients))
        yield template, template.image

    def flush(self):
        return iter(())

    def reset(self):
        self.seen = []


@pytest.mark.parametrize("lookahead_ms", [0, 80])
def test_live_and_offline_draw_the_same_lips(talker_avatar, speech, lookahead_ms):
    samples, path = speech
    renderer, fps = CoefficientRecorder(), Fraction(60)
    head = Head(talker_avatar.idle(fps).template, fps)
    scene = replace(talker_avatar.idle(fps), template=head, renderer=renderer)
    engine = Engine(talker_avatar, scene=scene, lookahead_ms=lookahead_ms)
    source = SoundFile(path)
    performer = EngineWorker(engine, source, Playout(source.clock), fps)
    source.start()
    performer.start()
    give_up_s = time.perf_counter() + TIMEOUT_S
    while not performer.is_finished:
        assert time.perf_counter() < give_up_s
        time.sleep(0.05)
    performer.check()
    times_s = [time_s for time_s, _ in renderer.seen]
    wanted = coefficients_at(talker_avatar.speech_stream(lookahead_ms=lookahead_ms), samples, times_s)
    assert len(times_s) > 0.5 * 60 * len(samples) / RATE
    np.testing.assert_allclose([coefficients for _, coefficients in renderer.seen], wanted, atol=1e-4)


class SimulatedMicrophone:
    """Ten minutes of a microphone, as fast as they are read, on a card that is 100 ppm fast."""

    def __init__(self, samples, duration_s):
        self.name, self.sample_rate, self.clock = "simulated", RATE, StreamClock(RATE)
        self._samples, self._n_left = samples, round(duration_s * RATE)
        self.n_read = 0

    def start(self):
        pass

    def now_s(self):
        return 100 + self.n_read / (RATE * 1.0001)

    def read(self, timeout_s):
        if self.n_read >= self._n_left:
            return None
        begin = self.n_read % (len(self._samples) - 160)
        self.n_read += 160
        self.clock.observe(self.n_read, self.now_s())
        return self._samples[begin : begin + 160]

    def arrival_of(self, sample):
        return 100 + (sample // 160 + 1) * 160 / (RATE * 1.0001)

    def health(self):
        return SoundHealth(True)

    def close(self):
        pass


@pytest.mark.slow
def test_ten_minutes_cost_no_memory_and_no_files(talker_avatar, speech):
    source, fps = SimulatedMicrophone(speech[0], 600), Fraction(2)
    playout = Playout(source.clock)
    scene = talker_avatar.idle(fps)
    engine = Engine(talker_avatar, scene=replace(scene, template=Head(scene.template, fps)))
    shown = []
    performer = EngineWorker(engine, source, playout, fps, now=source.now_s)
    process, sizes = psutil.Process(), []
    performer.start()
    while not performer.is_finished:
        timed = playout.take(source.now_s() + 1)
        if timed is not None:
            shown.append(timed.ready_s - timed.heard_s)
        sizes.append((source.n_read / RATE, process.memory_info().rss, process.num_fds()))
        time.sleep(0.002)
    performer.check()
    assert performer.n_skipped == 0
    assert len(shown) + playout.n_dropped >= 600 * 2 - 10
    assert 0.06 < np.mean(shown[-100:]) < 0.12, "after ten minutes pictures belong to the same moments as at first"
    early = max(rss for moment, rss, _ in sizes if 60 < moment < 120)
    late = max(rss for moment, rss, _ in sizes if moment > 540)
    assert late - early < 8e6
    assert {n_fds for moment, _, n_fds in sizes if moment > 540} <= {n_fds for moment, _, n_fds in sizes if moment > 60}


# --- wrong usage


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--input-device", "no such microphone"], 4, ["no such microphone"]),
        (["--input-device", "missing.wav"], 3, ["missing.wav"]),
        (["--duration", "0"], 2, ["duration"]),
        (["--duration", "nan"], 2, ["duration"]),
        (["--fps", "0"], 2, ["frame rate"]),
        (["--lookahead-ms", "-5"], 2, ["lookahead"]),
        (["--expressiveness", "9"], 2, ["expressiveness"]),
        (["--record", "no/such/folder/out.mp4"], 3, ["no/such/folder"]),
        (["--json", "no/such/folder/out.json"], 3, ["no/such/folder"]),
        (["--no-window", "--output", "virtual-camera"], 2, ["--no-window"]),
    ],
)
def test_what_is_wrong_is_said_in_one_line(avatar_directory, speech, tmp_path, arguments, code, words):
    sound = [] if "--input-device" in arguments else ["--input-device", speech[1]]
    output = [] if "--no-window" in arguments else ["--no-window"]
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    with live(avatar_directory, *sound, *output, "--duration", 1, *arguments, environment=environment) as process:
        given, _, err = finish(process)
    assert given == code, err
    lines = [line for line in err.splitlines() if line.startswith("hygiesync: error: ")]
    assert len(lines) == 1, err
    assert all(word in lines[0] for word in words)


def test_without_a_display_it_says_what_to_do(avatar_directory, speech):
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    with live(avatar_directory, "--input-device", speech[1], environment=environment) as process:
        code, _, err = finish(process)
    assert code == 4
    assert "--no-window" in err


def test_without_an_avatar_it_says_what_was_expected(tmp_path):
    command = [sys.executable, "-m", "hygiesync", "live", "--no-window"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent.parent, check=False)
    assert done.returncode == 2
    assert "models/me" in done.stderr
