"""One timeline at two rates: what the engine hears and what is recorded are the same sound at the same moments."""

from pathlib import Path

import numpy as np
import pytest
from present import present

from hygiesync.devices.sound.clock import StreamClock
from hygiesync.devices.sound.engine_rate import EngineRateSource, first_block_length
from hygiesync.devices.sound.sound_file import SoundFile
from hygiesync.devices.sound.source import FIRST_BLOCK, SoundHealth
from hygiesync.media.audio import write_wav

RATES = [16_000, 44_100, 48_000, 32_000]


class Device:
    """A microphone at a rate of its own, whose blocks of 10 ms are there at once."""

    def __init__(self, rate: int, samples: np.ndarray) -> None:
        self.name, self.sample_rate, self.clock = "device", rate, StreamClock(rate)
        first, hop = first_block_length(rate), rate // 100
        cuts = range(first, len(samples), hop)
        self._blocks = np.split(samples, list(cuts))
        self.ends = np.cumsum([len(block) for block in self._blocks])
        self.n_read = 0

    def start(self) -> None:
        pass

    def read(self, timeout_s: float) -> np.ndarray | None:
        if self.n_read == len(self._blocks):
            return None
        self.n_read += 1
        self.clock.observe(int(self.ends[self.n_read - 1]), 100 + self.ends[self.n_read - 1] / self.sample_rate)
        return self._blocks[self.n_read - 1]

    def arrival_of(self, sample: int) -> float:
        return 100 + self.ends[np.searchsorted(self.ends, sample, side="right")] / self.sample_rate

    def health(self) -> SoundHealth:
        return SoundHealth(True, n_filled=self.sample_rate)

    def close(self) -> None:
        pass


def chirp(rate: int, duration_s: float) -> np.ndarray:
    """A tone that rises from 100 to 6000 Hz: every moment sounds like no other."""
    times = np.arange(round(rate * duration_s)) / rate
    return (0.5 * np.sin(2 * np.pi * (100 * times + 5900 / (2 * duration_s) * times**2))).astype(np.float32)


def read_all(source: EngineRateSource | SoundFile) -> tuple[list[np.ndarray], np.ndarray]:
    heard, kept = [], []
    while (samples := source.read(1.0)) is not None:
        heard.append(samples)
        kept.append(source.take_original())
    return heard, np.concatenate([*kept, source.take_original()])


@pytest.mark.parametrize("rate", RATES)
def test_both_are_the_same_sound_at_the_same_moments(rate: int) -> None:
    played = chirp(rate, 20)
    source = EngineRateSource(Device(rate, played))
    heard, kept = read_all(source)
    np.testing.assert_array_equal(kept, played)
    heard = np.concatenate(heard)
    assert 0 <= len(played) * 16_000 / rate - len(heard) < 0.005 * 16_000, "held back in the filter, no more"
    wanted = chirp(16_000, 20)[: len(heard)]
    inner = slice(800, len(heard) - 800)
    assert np.abs(heard[inner] - wanted[inner]).max() < 0.02, "no drift and no shift, at the end as at the beginning"


@pytest.mark.parametrize("rate", RATES)
def test_a_mel_frame_is_complete_at_the_end_of_a_block(rate: int) -> None:
    heard, _ = read_all(EngineRateSource(Device(rate, chirp(rate, 2))))
    ends = np.cumsum([len(samples) for samples in heard])
    assert set((ends[1:-2] - FIRST_BLOCK) % 160) == {0}


@pytest.mark.parametrize("rate", RATES)
def test_clock_and_arrivals_are_those_of_the_timeline(rate: int) -> None:
    device = Device(rate, chirp(rate, 1))
    source = EngineRateSource(device)
    n_heard = 0
    for _ in range(20):
        n_heard += len(present(source.read(1.0)))
    assert source.clock.sample_rate == 16_000
    assert source.clock.time_of(8000) == pytest.approx(100.5)
    assert source.clock.at_rate(rate).time_of(rate) == pytest.approx(101)
    now_s = device.clock.time_of(int(device.ends[19]))
    assert source.arrival_of(n_heard - 1) == pytest.approx(now_s), "the last sample came with the last block"
    assert source.arrival_of(0) == pytest.approx(100 + first_block_length(rate) / rate)
    assert source.health().n_filled == 16_000


@pytest.mark.slow
@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_a_file_gives_what_offline_hears_and_its_own_sound_beside_it(rate: int, tmp_path: Path) -> None:
    played = chirp(44_100, 1.234)
    write_wav(tmp_path / "chirp.wav", played, 44_100)
    source = SoundFile(tmp_path / "chirp.wav", original_rate=rate)
    source.start()
    heard, kept, ahead = [], [], []
    while (samples := source.read(1.0)) is not None:
        heard.append(samples)
        kept.append(source.take_original())
        ahead.append(sum(map(len, kept)) / rate - sum(map(len, heard)) / 16_000)
    kept.append(source.take_original())
    plain = SoundFile(tmp_path / "chirp.wav")
    plain.start()
    alone, _ = read_all(plain)
    np.testing.assert_array_equal(np.concatenate(heard), np.concatenate(alone))
    assert np.abs(ahead[:-1]).max() < 1 / 16_000
    kept = np.concatenate(kept)
    assert len(kept) == pytest.approx(1.234 * rate, abs=1)
    if rate == 44_100:
        np.testing.assert_allclose(kept, played, atol=1e-4)
