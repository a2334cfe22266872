"""Samples in memory as a sound, wherever else a file with sound is taken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from hygiesync.errors import InputError
from hygiesync.timing import sample_time

_FRAME_LENGTH = 4096
"""Samples that are resampled at a time."""


@dataclass(frozen=True)
class Sound:
    """Samples with their rate.

    Parameters
    ----------
    samples : ndarray, shape (n,) or (n, n_channels), floating point, -1 to 1
        One or two channels.
    sample_rate : int
        Samples a second (Hz).

    Raises
    ------
    InputError
        When there are no samples, or they are not finite floating-point numbers, or the rate is none.
    """

    samples: NDArray[np.float32]
    sample_rate: int

    def __post_init__(self) -> None:
        samples = np.asarray(self.samples)
        if not np.issubdtype(samples.dtype, np.floating):
            raise InputError(
                f"samples: expected floating-point numbers from -1 to 1, got {samples.dtype}; divide 16-bit samples by"
                " 32768"
            )
        if samples.ndim not in (1, 2) or not len(samples) or (samples.ndim == 2 and samples.shape[1] not in (1, 2)):
            raise InputError(f"samples: expected shape (n,), (n, 1) or (n, 2), got {samples.shape}")
        if not np.isfinite(samples).all():
            raise InputError("samples: expected finite numbers, got NaN or infinity")
        if not 1000 <= self.sample_rate <= 1_000_000:
            raise InputError(f"sample_rate: expected samples a second such as 16000 or 48000, got {self.sample_rate}")

    @property
    def n_channels(self) -> int:
        """1 or 2."""
        return 1 if self.samples.ndim == 1 else self.samples.shape[1]

    @property
    def duration_s(self) -> Fraction:
        """Its length, seconds."""
        return sample_time(len(self.samples), self.sample_rate)

    def frames(self) -> Iterator[AudioFrame]:
        """The samples as frames, as a decoder would give them."""
        rows = self.samples.reshape(len(self.samples), -1).astype(np.float32, copy=False)
        layout = "mono" if rows.shape[1] == 1 else "stereo"
        for start in range(0, len(rows), _FRAME_LENGTH):
            part = np.ascontiguousarray(rows[start : start + _FRAME_LENGTH]).reshape(1, -1)
            frame = AudioFrame.from_ndarray(part, format="flt", layout=layout)
            frame.sample_rate = self.sample_rate
            yield frame
