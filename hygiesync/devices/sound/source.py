"""What live speech asks of a source of sound: samples on a timeline without holes, and when they arrived.

Host time is ``time.perf_counter()`` everywhere, in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hygiesync import timing
from hygiesync.devices.sound.clock import SampleClock

SILENCE_DB = -120.0
"""Level given for digital silence, dB below full scale."""


FIRST_BLOCK = timing.WIN_LENGTH % timing.HOP_LENGTH
"""Samples of the first block of a timeline at the engine's rate. A mel frame is two and a half hops long: where blocks
of one hop are counted from here, each frame is complete at a block's end, and not half a block before it."""


@dataclass(frozen=True)
class SoundHealth:
    """How a source of sound is doing.

    Attributes
    ----------
    is_alive : bool
        Whether blocks are arriving.
    message : str
        Empty when all is well; else one line such as ``microphone lost: USB Audio; waiting for it``.
    n_overflows : int
        Holes in what the device delivered: those that PortAudio reported, and those found by time.
    n_blocks_lost : int
        Blocks that reached our callback and did not fit our ring. Zero, unless nobody has read for half a minute.
    n_filled : int
        Samples of silence that stand for lost ones.
    level_db : float
        Recent level: RMS over about 50 ms with a decaying peak, dB below full scale, -120 for silence.
    """

    is_alive: bool
    message: str = ""
    n_overflows: int = 0
    n_blocks_lost: int = 0
    n_filled: int = 0
    level_db: float = SILENCE_DB


class SoundSource(Protocol):
    """A source of mono sound in real time. One thread reads; health, clock and arrival times may be asked by any.

    Attributes
    ----------
    name : str
        For people: a device's or a file's name.
    sample_rate : int
        Samples a second that `read` delivers (Hz).
    clock : SampleClock
        Between samples of the timeline and host time.
    """

    name: str
    sample_rate: int

    @property
    def clock(self) -> SampleClock:
        """Between samples of the timeline and host time."""

    def start(self) -> None:
        """Open the source; samples begin to come.

        Raises
        ------
        MissingDependencyError
            When there is no such device, or no library to reach it with.
        InputError
            When a file can't be read.
        """

    def read(self, timeout_s: float) -> NDArray[np.float32] | None:
        """All samples that came since the last read; waits for some if there are none.

        The timeline has no holes: where samples were lost or the device is gone, silence of the right length by time
        stands in their place, delivered as time goes on.

        Parameters
        ----------
        timeout_s : float
            How long to wait at most (seconds).

        Returns
        -------
        ndarray, shape (n,), float32, or None
            Empty when nothing came within `timeout_s`; None once the source has ended for good.
        """

    def arrival_of(self, sample: int) -> float:
        """Host time at which the block that holds a sample of the timeline arrived.

        Parameters
        ----------
        sample : int
            Counted from 0 over all that `read` delivered; not more than some seconds back.

        Returns
        -------
        float
            Seconds of host time.
        """

    def health(self) -> SoundHealth:
        """How the source is doing; may be asked from any thread."""

    def close(self) -> None:
        """Stop and let the device go; may be called twice."""


class LiveSource(SoundSource, Protocol):
    """A source at the engine's rate that also gives the sound as it came, for whoever keeps it or plays it.

    Both are one timeline: the same moment 0, no holes, and no drift between them.

    Attributes
    ----------
    original_rate : int
        Samples a second of the sound as it came (Hz).
    """

    original_rate: int

    def take_original(self) -> NDArray[Any]:
        """The sound (n,), float32, at `original_rate`, that came up to the last read and was not taken yet.

        It may be some milliseconds ahead of what `read` has given. For the thread that reads.
        """
