"""From the rate of a device to ours, block by block, with the filter that sound files are read with."""

from __future__ import annotations

from typing import Any

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from hygiesync.media.audio_timeline import ANTI_ALIASING


class BlockResampler:
    """Resamples a mono stream in blocks of any length; holds back a few milliseconds for its filter.

    Parameters
    ----------
    from_rate, to_rate : int
        Samples a second that come and go (Hz).
    """

    def __init__(self, from_rate: int, to_rate: int) -> None:
        self._from_rate = from_rate
        self._resampler = AudioResampler(format="flt", layout="mono", rate=to_rate, options=ANTI_ALIASING)

    def push(self, samples: NDArray[Any]) -> NDArray[Any]:
        """The resampled samples that are complete once `samples` have come; both of shape (n,), float32."""
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples[None], np.float32), format="flt", layout="mono")
        frame.sample_rate = self._from_rate
        pieces = [piece.to_ndarray()[0] for piece in self._resampler.resample(frame)]
        return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
