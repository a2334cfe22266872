"""From many channels to the one or two that are wanted: which of them carry the sound, and which way round.

Adding channels is right only where they agree. A channel that is inverted cancels the other; a voice in a channel that
a file calls "low frequencies", or does not name at all, would be left out. So the channels are compared first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray

ACTIVE_SHARE = 1e-3
"""Power against the loudest channel's from which a channel counts: 30 dB below, there is hum and cross-talk."""

INVERTED_BELOW = -0.5
"""Correlation with the loudest channel below which a channel is that one's inverse: stereo rooms stay above -0.3."""

AUDIBLE_LFE_SHARE = 0.1
"""Share of the loudest channel's power above 300 Hz from which "low frequencies" are none."""

_WEIGHTS = {"FC": 1.0, "FL": 0.707, "FR": 0.707, "LFE": 0.0, "LFE2": 0.0}
_KNOWN = frozenset({*_WEIGHTS, "BL", "BR", "BC", "SL", "SR", "FLC", "FRC"})
_SURROUND = 0.5
"""As ITU-R BS.775-4, table 2, mixes the surround channels down."""

_N_POINTERS = 8
"""Planes that an FFmpeg frame points to by itself (AV_NUM_DATA_POINTERS)."""

_FULL_SCALE = {"s16": 2.0**15, "s32": 2.0**31, "s64": 2.0**63, "flt": 1.0, "dbl": 1.0}


@dataclass(frozen=True)
class Mix:
    """How one number of channels is mixed.

    Attributes
    ----------
    to_mono : ndarray, shape (n_channels,)
    to_stereo : ndarray, shape (2, n_channels), or None
        None where FFmpeg's own way is right: of one or two channels, and of those that the file names rightly.
    note : str
        What is odd about the channels; empty where nothing is.
    """

    to_mono: NDArray[np.float64]
    to_stereo: NDArray[np.float64] | None
    note: str = ""

    @property
    def is_usual(self) -> bool:
        """Whether FFmpeg's own mixing of one or two channels is meant."""
        n_channels = len(self.to_mono)
        return n_channels <= 2 and bool(np.allclose(self.to_mono, 1 / n_channels))

    @classmethod
    def of(cls, covariance: FloatArray, names: Sequence[str]) -> Mix:
        """The mix for channels that were measured.

        Parameters
        ----------
        covariance : ndarray, shape (n_channels, n_channels)
            Sums of products of the channels, without what lies below 300 Hz.
        names : sequence of str
            Of the channels, such as FL; anything for those without one.
        """
        n_channels, power = len(covariance), np.diag(covariance)
        loudest = int(power.argmax())
        if power[loudest] <= 0:
            even = np.full(n_channels, 1 / n_channels)
            return cls(even, np.stack([even, even]) if n_channels > 2 else None)
        is_active = power >= ACTIVE_SHARE * power[loudest]
        alike = covariance[loudest] / np.sqrt(np.maximum(power * power[loudest], 1e-300))
        is_inverted = is_active & (alike < INVERTED_BELOW)
        weights = np.array([_WEIGHTS.get(name, _SURROUND) for name in names]) if n_channels > 2 else np.ones(n_channels)
        is_misnamed = (weights == 0) & (power >= AUDIBLE_LFE_SHARE * power[loudest])
        weights = np.where(is_active, np.where(is_misnamed, 1.0, weights), 0.0)
        if not weights.any():
            weights = is_active.astype(np.float64)
        to_mono = np.where(is_inverted, -weights, weights) / weights.sum()
        is_named = n_channels <= 2 or (all(name in _KNOWN for name in names) and not (is_misnamed | is_inverted).any())
        return cls(to_mono, None if is_named else np.stack([to_mono, to_mono]), _note(names, is_active, is_inverted))


def _note(names: Sequence[str], is_active: NDArray[np.bool_], is_inverted: NDArray[np.bool_]) -> str:
    n_channels = len(names)
    if is_inverted.any():
        which = ", ".join(str(number + 1) for number in np.flatnonzero(is_inverted))
        return f"channel {which} of {n_channels} is the inverse of the others, and is turned round for hearing"
    if n_channels > 2:
        which = ", ".join(str(number + 1) for number in np.flatnonzero(is_active))
        return f"of its {n_channels} channels, those with sound are mixed: {which}"
    return ""


def channel_names(frame: AudioFrame) -> tuple[str, ...]:
    """Names of a frame's channels, such as FL; numbers where it has none."""
    n_channels = frame.layout.nb_channels
    names = [channel.name for channel in frame.layout.channels] if n_channels <= 16 else []
    return tuple(names) if len(names) == n_channels else tuple(str(number) for number in range(n_channels))


def samples_of(frame: AudioFrame) -> NDArray[np.float32]:
    """Samples (n_channels, n) of a decoded frame of any format, -1 to 1."""
    if frame.format.is_planar and frame.layout.nb_channels >= _N_POINTERS:
        frame = _packed(frame)
    stored, n_channels = frame.to_ndarray(), frame.layout.nb_channels
    kind = frame.format.name.removesuffix("p")
    rows = stored if frame.format.is_planar else stored.reshape(-1, n_channels).T
    if kind == "u8":
        return cast(NDArray[np.float32], (rows.astype(np.float32) - 128) / 128)
    return cast(NDArray[np.float32], rows.astype(np.float32) / np.float32(_FULL_SCALE[kind]))


def _packed(frame: AudioFrame) -> AudioFrame:
    """The same samples one channel after another: PyAV reads past the end of a frame of more planes than pointers."""
    made = AudioResampler(format="flt", layout=frame.layout, rate=frame.sample_rate).resample(frame)
    (packed,) = made
    return packed


def mixed(frame: AudioFrame, matrix: FloatArray) -> AudioFrame:
    """A frame of the channels that `matrix`, shape (n_out, n_channels), makes of a frame's own; 1 or 2 of them."""
    samples = np.atleast_2d(matrix).astype(np.float32) @ samples_of(frame)
    made = AudioFrame.from_ndarray(
        np.ascontiguousarray(samples), format="fltp", layout="mono" if len(samples) == 1 else "stereo"
    )
    made.sample_rate, made.time_base, made.pts = frame.sample_rate, frame.time_base, frame.pts
    return made
