"""Live sessions from a file: how they begin and end, and what is said when something is wrong."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from signal import Signals

import numpy as np
import psutil
import pytest
from display import without_display
from live_sessions import (
    RATE,
    CoefficientRecorder,
    SimulatedMicrophone,
    finish,
    live,
    wait_for_file,
)
from media_files import tags_of

from hygiesync import Engine
from hygiesync.apps.cli import main
from hygiesync.apps.live.options import LiveOptions
from hygiesync.apps.live.session import run_live
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.live.playout import Playout
from hygiesync.live.worker import MAX_LEVEL, EngineWorker
from hygiesync.media.audio import write_wav
from hygiesync.media.video import probe

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_order(
    avatar_directory: Path, speech: tuple[np.ndarray, Path], tmp_path: Path, number: Signals
) -> None:
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
def test_a_signal_while_it_starts_is_not_lost(
    avatar_directory: Path, speech: tuple[np.ndarray, Path], tmp_path: Path, number: Signals, delay_s: float
) -> None:
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
    avatar_directory: Path, speech: tuple[np.ndarray, Path], tmp_path: Path, arguments: list[str], code: int
) -> None:
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
def test_a_short_file_is_shown_to_its_end(
    talker_avatar: VideoAvatar, speech: tuple[np.ndarray, Path], tmp_path: Path, length_s: float
) -> None:
    """Its last pictures come at once, since they wait for no more sound, and are shown in their own time."""
    sound = tmp_path / "short.wav"
    write_wav(sound, speech[0][: round(length_s * RATE)], RATE)
    result = run_live(talker_avatar, LiveOptions(input_device=str(sound), output="none"))
    assert result["pictures_shown"] + result["pictures_missed"] == round(60 * length_s)
    assert result["pictures_missed"] <= 1
    assert result["pictures_per_s"] == pytest.approx(60, rel=0.2)


def test_samples_that_are_no_sound_are_silence(talker_avatar: VideoAvatar, speech: tuple[np.ndarray, Path]) -> None:
    heard = []

    class SoundKeeper:
        def write_audio(self, samples: np.ndarray) -> None:
            heard.append(samples)

        def write_frame(self, picture: np.ndarray, time_s: Fraction) -> None:
            pass

    samples = speech[0][:8000].copy()
    samples[4000:4010], samples[5000:5010] = np.nan, 1e30
    source, fps = SimulatedMicrophone(samples, 0.4), Fraction(25)
    engine = Engine(talker_avatar, scene=replace(talker_avatar.idle(fps), renderer=CoefficientRecorder()))
    worker = EngineWorker(engine, source, Playout(source.clock), fps, sinks=[SoundKeeper()], now=source.now_s)
    worker.start()
    while not worker.is_finished:
        time.sleep(0.01)
    worker.check()
    said = np.concatenate(heard)
    assert np.isfinite(said).all() and np.abs(said).max() <= MAX_LEVEL
    np.testing.assert_array_equal(said[:4000], samples[:4000])
    assert not said[4000:4010].any()


def test_a_killed_session_leaves_a_playable_recording(
    avatar_directory: Path, speech: tuple[np.ndarray, Path], tmp_path: Path
) -> None:
    recording = tmp_path / "said.mp4"
    with live(avatar_directory, "--no-window", "--input-device", speech[1], "--record", recording) as process:
        wait_for_file(recording, 200_000)
        process.kill()
        process.wait()
    assert probe(recording).n_frames > 0


def test_a_full_disk_ends_the_recording_and_not_the_session(
    avatar_directory: Path, speech: tuple[np.ndarray, Path], tmp_path: Path
) -> None:
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


# --- wrong usage


def check_refused(given: int, err: str, code: int, *words: str) -> None:
    """That it ended with one clear line."""
    assert given == code, err
    assert "Traceback" not in err
    lines = [line for line in err.splitlines() if line.startswith("hygiesync: error: ")]
    assert len(lines) == 1, err
    assert all(word in lines[0] for word in words)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--input-device", "missing.wav"], 3, ["missing.wav"]),
        (["--duration", "0"], 2, ["duration"]),
        (["--duration", "nan"], 2, ["duration"]),
        (["--fps", "0"], 2, ["frame rate"]),
        (["--lookahead-ms", "-5"], 2, ["lookahead"]),
        (["--expressiveness", "9"], 2, ["expressiveness"]),
        (["--record", "no/such/folder/out.mp4"], 3, ["no/such/folder"]),
        (["--json", "no/such/folder/out.json"], 3, ["no/such/folder"]),
        (["--output", "virtual-camera"], 2, ["--no-window"]),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    avatar_directory: Path,
    speech: tuple[np.ndarray, Path],
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    words: list[str],
) -> None:
    sound = [] if "--input-device" in arguments else ["--input-device", str(speech[1])]
    given = main(["live", str(avatar_directory), *sound, "--no-window", "--duration", "1", *arguments])
    check_refused(given, capsys.readouterr().err, code, *words)


def test_a_microphone_that_is_not_there_is_named(avatar_directory: Path) -> None:
    """In a process of its own: a sound library that looked once for devices finds no others later."""
    with live(avatar_directory, "--no-window", "--duration", 1, "--input-device", "no such microphone") as process:
        given, _, err = finish(process)
    check_refused(given, err, 4, "no such microphone")


def test_without_a_display_it_says_what_to_do(avatar_directory: Path, speech: tuple[np.ndarray, Path]) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    with live(avatar_directory, "--input-device", speech[1], environment=environment) as process:
        code, _, err = finish(process)
    assert code == 4
    assert "--no-window" in err


def test_without_an_avatar_it_says_what_was_expected(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hygiesync", "live", "--no-window"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent.parent, check=False)
    assert done.returncode == 2
    assert "models/me" in done.stderr
