"""The monitor: the sound is heard when its picture is seen."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from numpy.typing import NDArray

from hygiesync.devices.sound.clock import SampleClock
from hygiesync.devices.sound.speaker import Speaker
from hygiesync.live.playout import Playout


class Monitor:
    """A sink that plays the sound, as late as pictures are shown.

    Parameters
    ----------
    speaker : Speaker
        Started; at the rate of the sound that it is handed.
    clock : SampleClock
        Of that sound.
    playout : Playout
        Of the pictures.
    """

    def __init__(self, speaker: Speaker, clock: SampleClock, playout: Playout) -> None:
        self._speaker, self._clock, self._playout = speaker, clock, playout
        self._n_samples = 0

    def write_audio(self, samples: NDArray[Any]) -> None:
        """See :class:`hygiesync.live.worker.Sink`."""
        self._speaker.play_at(samples, self._n_samples, self._clock, self._playout.delay_s)
        self._n_samples += len(samples)

    def write_frame(self, picture: NDArray[Any], time_s: Fraction) -> None:
        """Pictures make no sound."""
