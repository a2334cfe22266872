"""Recording from a real microphone stream: PortAudio on a sound server of the test's own."""

import time
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from sound_server import DEVICE, SoundServer, needs_sound_server

from hygiesync.apps.record import recorder
from hygiesync.apps.record.options import RecordOptions
from hygiesync.apps.record.recorder import record
from hygiesync.media.audio import probe_audio, read_audio
from hygiesync.media.video import VideoWriter, probe, read_frames

pytestmark = [pytest.mark.device, needs_sound_server]

RATE = 48_000


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RecordOptions:
    """Options of a recording of a minute at most, of plain pictures."""
    from test_record import NoFaces

    monkeypatch.setattr(recorder, "FaceWatch", NoFaces)
    with VideoWriter(tmp_path / "grey.mp4", 64, 48, Fraction(25), preset="ultrafast") as writer:
        for number in range(25 * 60):
            writer.write(np.full((48, 64, 3), 60 + number % 100, np.uint8), Fraction(number, 25))
    (tmp_path / "text.txt").write_text("Words.\n" * 99)
    return RecordOptions(
        "me", camera=str(tmp_path / "grey.mp4"), input_device=DEVICE, out=tmp_path / "me", text=tmp_path / "text.txt",
        seconds_of_silence=0, has_window=False,
    )  # fmt: skip


def noise(duration_s: int) -> np.ndarray:
    """Noise of the frequencies that voices have, which the file's codec keeps."""
    white = np.random.default_rng(0).standard_normal(round(duration_s * RATE))
    return (0.6 * np.convolve(white, np.ones(12) / 12, "same")).astype(np.float32)


def test_what_is_played_is_in_the_file(options: RecordOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    with SoundServer(RATE) as server:
        server.use_here(monkeypatch)
        played = noise(30)
        server.play(played)
        result = record(RecordOptions(**{**vars(options), "duration_s": 3.0}), told.append)
    path = options.folder / "me.mp4"
    (take,) = result.manifest.takes
    assert take.microphone == DEVICE
    assert probe_audio(path).sample_rate == take.sample_rate
    assert take.sample_rate >= 44_100
    heard = read_audio(path, RATE)
    assert len(heard) / RATE == pytest.approx(float(probe(path).duration_s), abs=0.06)
    part = heard[RATE : RATE + RATE // 2]
    spectrum = np.fft.rfft(played, 2**21) * np.conj(np.fft.rfft(part, 2**21))
    start = int(np.argmax(np.fft.irfft(spectrum)))
    assert np.corrcoef(part, played[start : start + len(part)])[0, 1] > 0.9


@pytest.mark.slow
def test_a_sound_server_that_dies_and_returns(options: RecordOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    """The video goes on, silence stands for what was lost, and it is told."""
    told: list[str] = []
    with SoundServer(RATE) as server, ThreadPoolExecutor(1) as worker:
        server.use_here(monkeypatch)
        server.play(noise(60))

        def disturb() -> None:
            time.sleep(2.0)
            server.kill()
            time.sleep(0.5)
            server.start()
            server.play(noise(60))

        disturbing = worker.submit(disturb)
        result = record(RecordOptions(**{**vars(options), "duration_s": 7.0}), told.append)
        disturbing.result()
    path = options.folder / "me.mp4"
    (take,) = result.manifest.takes
    assert any("lost" in line for line in told), told
    assert take.n_samples_filled > 0.1 * RATE
    heard = read_audio(path, RATE)
    blocks = np.sqrt((heard[: len(heard) // 4800 * 4800].reshape(-1, 4800) ** 2).mean(1))
    assert blocks[2] > 0.1
    assert blocks.min() < 0.001
    assert blocks[-3:].max() > 0.1  # it is back
    pictures_s = [float(frame.time_s) for frame in read_frames(path)]
    assert np.diff(pictures_s).max() < 0.5
    assert pictures_s[-1] == pytest.approx(len(heard) / RATE, abs=0.15)
