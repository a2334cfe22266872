"""A sound file played as if spoken: the samples of offline rendering, at the pace of speech."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from present import present

from hygiesync.devices.sound.level import LevelMeter
from hygiesync.devices.sound.sound_file import SoundFile
from hygiesync.devices.sound.source import FIRST_BLOCK
from hygiesync.errors import InputError
from hygiesync.media.audio import read_audio
from hygiesync.timing import HOP_LENGTH, WIN_LENGTH


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    """Half a second and a bit, at a rate that must be changed."""
    path = tmp_path / "said.wav"
    soundfile.write(path, 0.3 * np.sin(np.arange(22_777) / 7), 44_100)
    return path


@pytest.fixture
def source(wav: Path) -> Iterator[SoundFile]:
    source = SoundFile(wav)
    yield source
    source.close()


def play(source: SoundFile) -> tuple[np.ndarray, list[tuple[float, int]]]:
    """All that it gives, and (host time, samples so far) after each read."""
    source.start()
    pieces, reads = [], []
    while (samples := source.read(0.05)) is not None:
        pieces.append(samples)
        reads.append((time.perf_counter(), sum(map(len, pieces))))
    return np.concatenate(pieces), reads


def test_the_samples_of_offline_rendering(source: SoundFile, wav: Path) -> None:
    heard, _ = play(source)
    np.testing.assert_array_equal(heard, read_audio(wav))
    assert heard.dtype == np.float32


def test_never_before_its_time(source: SoundFile) -> None:
    heard, reads = play(source)
    for host_s, n_samples in reads:
        assert source.arrival_of(n_samples - 1) <= host_s
        assert source.clock.time_of(n_samples) <= host_s + 0.011
    start_s = source.clock.time_of(0)
    assert reads[-1][0] - start_s >= len(heard) / 16_000
    assert source.arrival_of(0) == source.arrival_of(FIRST_BLOCK - 1) == pytest.approx(start_s + 0.005)
    assert source.arrival_of(FIRST_BLOCK) == source.arrival_of(FIRST_BLOCK + 159) == pytest.approx(start_s + 0.015)
    assert source.arrival_of(FIRST_BLOCK + 160) == pytest.approx(start_s + 0.025)


def test_each_mel_frame_is_complete_at_the_end_of_a_block() -> None:
    ends = {FIRST_BLOCK + n * HOP_LENGTH for n in range(100)}
    assert {WIN_LENGTH + n * HOP_LENGTH for n in range(50)} <= ends


def test_reader_that_sleeps_gets_all_that_is_due(source: SoundFile) -> None:
    source.start()
    time.sleep(0.2)
    assert len(present(source.read(0))) >= 0.2 * 16_000 - 160


def test_nothing_within_the_timeout_is_empty(wav: Path) -> None:
    source = SoundFile(wav, block=8000)
    source.start()
    assert present(source.read(0.001)).shape == (0,)
    source.close()


def test_health(source: SoundFile) -> None:
    assert not source.health().is_alive
    source.start()
    assert source.health().is_alive
    while source.read(0.05) is not None:
        health = source.health()
    assert health.level_db == pytest.approx(20 * np.log10(0.3 / np.sqrt(2)), abs=0.5)
    assert not source.health().is_alive
    assert (health.n_overflows, health.n_blocks_lost, health.n_filled, health.message) == (0, 0, 0, "")


def test_closed_is_over(source: SoundFile) -> None:
    source.start()
    source.read(0.05)
    source.close()
    source.close()
    assert source.read(1) is None


@pytest.mark.parametrize("content", [None, b"", b"RIFF no sound at all"])
def test_unreadable_file_is_told_at_the_start(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "broken.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"broken\.wav"):
        SoundFile(path).start()


def test_meter_rises_at_once_and_falls_slowly() -> None:
    meter = LevelMeter(16_000)
    assert meter.level_db == -120
    meter.push(np.full(800, 0.1, np.float32))
    assert meter.level_db == pytest.approx(-20, abs=0.01)
    levels = []
    for _ in range(400):
        meter.push(np.zeros(160, np.float32))
        levels.append(meter.level_db)
    assert levels[9] == pytest.approx(-24, abs=0.1)  # 40 dB a second
    assert np.all(np.diff(levels) <= 0)
    assert levels[-1] == -120
    meter.push(np.zeros(0, np.float32))
    assert meter.level_db == -120
