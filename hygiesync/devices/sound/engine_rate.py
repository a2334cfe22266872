"""A source at its own rate made one at the engine's: the timeline is laid at the original rate, and resampled after it.

So silence that stands for lost samples is in both, and neither can drift from the other. The filter holds back a few
milliseconds of what the engine hears; its sample n still is the moment n / 16000 of the timeline.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.devices.sound.clock import SampleClock
from hygiesync.devices.sound.resampler import BlockResampler
from hygiesync.devices.sound.source import FIRST_BLOCK, SoundHealth, SoundSource
from hygiesync.timing import HOP_LENGTH, SAMPLE_RATE


class EngineRateSource:
    """A :class:`~hygiesync.devices.sound.source.LiveSource` made of any source of sound.

    Parameters
    ----------
    source : SoundSource
        At the rate that its device likes.
    """

    def __init__(self, source: SoundSource) -> None:
        self.name = source.name
        self.sample_rate, self.original_rate = SAMPLE_RATE, source.sample_rate
        self._source = source
        self._clock = source.clock.at_rate(SAMPLE_RATE)
        self._resampler = None if source.sample_rate == SAMPLE_RATE else BlockResampler(source.sample_rate, SAMPLE_RATE)
        self._original: list[NDArray[Any]] = []
        self._n_read = 0

    @property
    def clock(self) -> SampleClock:
        """Between the engine's samples and host time."""
        return self._clock

    def start(self) -> None:
        """See :meth:`SoundSource.start`."""
        self._source.start()

    def read(self, timeout_s: float) -> NDArray[Any] | None:
        """See :meth:`SoundSource.read`."""
        samples = self._source.read(timeout_s)
        if samples is None or not len(samples):
            return samples
        self._n_read += len(samples)
        self._original.append(samples)
        return samples if self._resampler is None else self._resampler.push(samples)

    def take_original(self) -> NDArray[Any]:
        """See :meth:`LiveSource.take_original`."""
        taken, self._original = self._original, []
        return np.concatenate(taken) if taken else np.zeros(0, np.float32)

    def arrival_of(self, sample: int) -> float:
        """See :meth:`SoundSource.arrival_of`."""
        return self._source.arrival_of(sample * self.original_rate // self.sample_rate)

    def health(self) -> SoundHealth:
        """See :meth:`SoundSource.health`; in the engine's samples."""
        health = self._source.health()
        return replace(health, n_filled=health.n_filled * self.sample_rate // self.original_rate)

    def close(self) -> None:
        """See :meth:`SoundSource.close`."""
        self._source.close()


def first_block_length(rate: int) -> int:
    """Samples to keep of a device's first block, so that what comes out at the engine's rate begins as it likes it.

    See :data:`hygiesync.devices.sound.source.FIRST_BLOCK`: at the end of each block of a hop a mel frame is complete.
    """
    if rate == SAMPLE_RATE:
        return FIRST_BLOCK
    hop = rate * HOP_LENGTH // SAMPLE_RATE
    n_held = HOP_LENGTH - len(BlockResampler(rate, SAMPLE_RATE).push(np.zeros(hop, np.float32)))
    return round((FIRST_BLOCK + n_held) * rate / SAMPLE_RATE)
