"""Live speech as it is used: a real sound server and a real window."""

import json
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from display import needs_display, virtual_display
from live_sessions import (
    RATE,
    TITLE,
    compare_with_offline,
    finish,
    lips_of,
    live,
    wait_for_file,
)
from sound_server import SoundServer, needs_sound_server

from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.face.landmarks import LandmarkDetector
from hygiesync.face.shape import mouth_opening
from hygiesync.media.audio import probe_audio, read_audio, write_wav
from hygiesync.media.video import probe

pytestmark = pytest.mark.slow

DURATION_S = 8
"""Of the session with a microphone and a window."""

FPS = 30
"""Of recordings of which only sound and lips are looked at, so that they are looked at in half the time."""


def middle(screenshot: np.ndarray) -> np.ndarray:
    """The face in a screenshot, without the text in the window's corners."""
    rows, columns = (np.flatnonzero(screenshot.any((axis, 2))) for axis in (1, 0))
    height, width = np.ptp(rows), np.ptp(columns)
    return screenshot[
        rows[0] + height // 3 : rows[-1] - height // 3, columns[0] + width // 3 : columns[-1] - width // 3
    ]


# --- a microphone and a window


class Run:
    """What is left of the session with a microphone and a window."""

    def __init__(self, folder: Path) -> None:
        self.recording, self.json = folder / "said.mp4", folder / "measured.json"
        self.screenshots: list[np.ndarray] = []
        self.result: tuple[int, str, str]
        self.measured: dict[str, Any]


@pytest.fixture(scope="module")
def spoken(avatar_directory: Path, speech: tuple[np.ndarray, Path], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Some seconds of real speech through a real sound server into a real window."""
    folder = tmp_path_factory.mktemp("live")
    run = Run(folder)
    samples, _ = speech
    (folder / "x").mkdir()
    with SoundServer() as server, virtual_display(folder / "x") as display:
        server.play(np.tile(samples, 8))
        with live(
            avatar_directory, "--duration", DURATION_S, "--record", run.recording, "--json", run.json, "--statistics",
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
@needs_sound_server
@needs_display
class TestAMicrophoneAndAWindow:
    def test_it_ends_well_and_says_what_it_measured(self, spoken: Run) -> None:
        code, out, err = spoken.result
        assert code == 0, err
        assert "pictures/s" in out and "latency" in out
        measured = spoken.measured
        assert measured["duration_s"] == pytest.approx(DURATION_S, abs=1)
        assert measured["failure"] == ""
        assert measured["recordings"] == [str(spoken.recording)]

    def test_no_sound_is_lost(self, spoken: Run) -> None:
        assert spoken.measured["audio_blocks_lost"] == 0
        assert spoken.measured["audio_overflows"] == 0
        assert spoken.measured["audio_filled_s"] == 0

    def test_every_picture_is_shown_or_counted(self, spoken: Run) -> None:
        measured = spoken.measured
        n_pictures = measured["pictures_shown"] + measured["pictures_missed"]
        assert n_pictures == pytest.approx(60 * measured["duration_s"], abs=45)
        assert measured["missed_ratio"] == pytest.approx(measured["pictures_missed"] / n_pictures, abs=1e-5)

    def test_latency_is_more_than_the_lookahead_and_made_of_its_parts(self, spoken: Run) -> None:
        parts, latency = spoken.measured["latency_parts_ms"], spoken.measured["latency_ms"]
        assert latency["p95"] >= latency["p50"] > 70
        assert sum(part["p50"] for part in parts.values()) == pytest.approx(latency["p50"], abs=10)

    def test_the_window_shows_the_avatar(self, spoken: Run, talker_avatar: VideoAvatar) -> None:
        with LandmarkDetector() as detector:
            faces = [detector.detect(screenshot) for screenshot in spoken.screenshots]
        assert all(face is not None for face in faces)

    def test_the_recording_is_in_sync(self, spoken: Run, talker_avatar: VideoAvatar, tmp_path: Path) -> None:
        comparison = compare_with_offline(spoken.recording, talker_avatar, tmp_path)
        assert abs(comparison.lag_ms) <= 20
        assert comparison.opening_correlation > 0.9


def band_level_db(samples: np.ndarray, rate: int, low_hz: int, high_hz: int) -> float:
    """Power of a band of frequencies, dB of full scale."""
    power = np.abs(np.fft.rfft(samples)) ** 2 / len(samples) ** 2 * 2
    frequencies = np.fft.rfftfreq(len(samples), 1 / rate)
    return 10 * np.log10(power[(low_hz <= frequencies) & (frequencies < high_hz)].sum() + 1e-12)


@pytest.mark.device
@needs_sound_server
def test_a_recording_sounds_as_the_microphone_did(
    avatar_directory: Path, talker_avatar: VideoAvatar, speech: tuple[np.ndarray, Path], tmp_path: Path
) -> None:
    """The engine hears up to 8 kHz; the file has what lies above it too, and is in sync all the same."""
    recording, rate = tmp_path / "said.mp4", 48_000
    voice = np.interp(np.arange(3 * len(speech[0])) / 3, np.arange(len(speech[0])), speech[0])
    voice = np.convolve(voice, np.sinc(np.arange(-60, 61) / 3) / 3 * np.hanning(121), "same")
    hiss = np.fft.rfft(np.random.default_rng(0).standard_normal(len(voice)))
    hiss[: len(hiss) * 9 // 24] = hiss[len(hiss) * 15 // 24 :] = 0  # from 9 to 15 kHz
    played = voice + 0.01 * np.fft.irfft(hiss, len(voice)) / np.fft.irfft(hiss, len(voice)).std()
    with SoundServer(rate) as server:
        server.play(np.tile(played, 4).astype(np.float32))
        with live(
            avatar_directory, "--no-window", "--fps", FPS, "--duration", 6, "--record", recording,
            "--json", tmp_path / "j.json", environment=server.env,
        ) as process:  # fmt: skip
            code, _, err = finish(process)
    assert code == 0, err
    measured = json.loads((tmp_path / "j.json").read_text())
    assert measured["recording_rate"] == probe_audio(recording).sample_rate >= 44_100
    heard = read_audio(recording, measured["recording_rate"])
    middle_of_it = heard[measured["recording_rate"] : 5 * measured["recording_rate"]]
    wanted_db = band_level_db(played, rate, 9_000, 15_000)
    assert wanted_db > -45
    assert band_level_db(middle_of_it, measured["recording_rate"], 9_000, 15_000) == pytest.approx(wanted_db, abs=3)
    comparison = compare_with_offline(recording, talker_avatar, tmp_path, FPS)
    assert abs(comparison.lag_ms) <= 20
    assert comparison.opening_correlation > 0.9


@pytest.mark.device
@needs_sound_server
def test_a_sound_server_that_dies_and_comes_back(
    avatar_directory: Path, talker_avatar: VideoAvatar, speech: tuple[np.ndarray, Path], tmp_path: Path
) -> None:
    samples, _ = speech
    recording = tmp_path / "said.mp4"
    with SoundServer() as server:
        server.play(np.tile(samples, 8))
        with live(
            avatar_directory, "--no-window", "--fps", FPS, "--record", recording, "--json", tmp_path / "j.json",
            environment=server.env,
        ) as process:  # fmt: skip
            wait_for_file(recording, 200_000)
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
    comparison = compare_with_offline(recording, talker_avatar, tmp_path, FPS, (times_s, lips))
    assert abs(comparison.lag_ms) <= 20


@pytest.mark.device
@needs_sound_server
def test_a_sound_server_that_does_not_answer_does_not_hold_it(avatar_directory: Path, tmp_path: Path) -> None:
    """It neither dies nor speaks, and whoever closes a stream waits for it: PortAudio for ever."""
    recording, measured = tmp_path / "said.mp4", tmp_path / "j.json"
    with SoundServer() as server, live(
        avatar_directory, "--no-window", "--record", recording, "--json", measured, environment=server.env
    ) as process:  # fmt: skip
        wait_for_file(recording)
        pulse = psutil.Process(server.pid)
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


@pytest.mark.device
@needs_display
def test_closing_the_window_ends_it_in_order(
    avatar_directory: Path, speech: tuple[np.ndarray, Path], tmp_path: Path
) -> None:
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
def test_keys(avatar_directory: Path, speech: tuple[np.ndarray, Path], tmp_path: Path) -> None:
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
        time.sleep(0.4)
        still = middle(display.screenshot())
        time.sleep(0.4)
        still_later = middle(display.screenshot())
        display.client.press("q")
        code, out, err = finish(process)
    assert code == 0, err
    assert np.array_equal(still, still_later), "paused"
    assert sorted(path.name for path in tmp_path.glob("*.mp4")) == ["said-2.mp4", "said.mp4"]
    assert out.count("recorded") == 2
