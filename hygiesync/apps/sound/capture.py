"""One opened microphone, from the audio callback to its reader: everything that the callback touches.

Each opening has its own ring, so a callback that is late in dying never writes into its successor's.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from hygiesync.apps.sound.portaudio import DeviceStream
from hygiesync.apps.sound.ring import Ring
from hygiesync.apps.sound.wakeup import Wakeup

BLOCK_S = 0.01
"""Length of a block (seconds): a step of the network.

Measured on the monitor of a PulseAudio null sink, through PortAudio's ALSA and ALSA's pulse plugin: with 10 ms blocks
and 'low' latency PortAudio asks for two periods of 10 ms, the plugin passes them on as the server's fragment size, and
blocks come every 10.0 ms (99 % within 6.2 to 13.8 ms).
"""

RING_S = 30.0
"""Sound that the ring holds while nobody reads (seconds)."""

_MARK = np.dtype(
    [("n_samples", np.int64), ("host_s", np.float64), ("has_overflowed", np.bool_), ("captured_s", np.float64)]
)


@dataclass(frozen=True)
class Block:
    """What one callback brought.

    Attributes
    ----------
    samples : ndarray, shape (n,), float32
        Mixed to one channel.
    host_s : float
        Host time at which the callback began (seconds).
    has_overflowed : bool
        Whether PortAudio said that input before it was lost.
    captured_s : float or None
        When its first sample was captured, on PortAudio's clock (seconds); None where the driver doesn't say.
    """

    samples: np.ndarray
    host_s: float
    has_overflowed: bool
    captured_s: float | None


class Capture:
    """Opens a microphone and queues its blocks.

    Parameters
    ----------
    device_index : int
        PortAudio's number.
    rate, n_channels : int
        To open it with (Hz; 1 or 2).
    wakeup : Wakeup
        Is set when a block has come.

    Attributes
    ----------
    rate : int
    n_blocks_lost : int
        Blocks that did not fit the ring.
    last_s : float
        Host time of the last callback, or of the opening.
    has_begun : bool
        Whether a block has come.

    Raises
    ------
    MissingDependencyError
        When the device does not open like this.
    """

    def __init__(self, device_index: int, rate: int, n_channels: int, wakeup: Wakeup) -> None:
        self.rate = rate
        self.n_blocks_lost = 0
        self.has_begun = False
        self.last_s = time.perf_counter()
        self._n_channels = n_channels
        block_length = round(rate * BLOCK_S)
        self._wakeup = wakeup
        self._samples = Ring(round(RING_S * rate) * n_channels, np.float32)
        self._marks = Ring(round(RING_S * rate / block_length) + 1, _MARK)
        self._mark = np.zeros(1, _MARK)
        self._stream = DeviceStream(
            "InputStream",
            device=device_index,
            samplerate=rate,
            channels=n_channels,
            dtype="float32",
            blocksize=block_length,
            latency="low",
            callback=self._on_block,
        )

    @property
    def is_finished(self) -> bool:
        """Whether no further block will come."""
        return self._stream.is_finished

    def blocks(self) -> Iterator[Block]:
        """The blocks that have come since the last call. For the reading thread."""
        for mark in self._marks.pop():
            samples = self._samples.pop(int(mark["n_samples"]) * self._n_channels)
            if self._n_channels > 1:
                samples = samples.reshape(-1, self._n_channels).mean(axis=1)
            captured_s = float(mark["captured_s"]) or None
            yield Block(samples, float(mark["host_s"]), bool(mark["has_overflowed"]), captured_s)

    def close(self) -> None:
        """Let the device go; may be called twice."""
        self._stream.close()

    def _on_block(self, samples: np.ndarray, n_samples: int, times: Any, status: Any) -> None:
        """PortAudio's thread: copy, note, wake, and nothing else."""
        host_s = time.perf_counter()
        self._mark[0] = (n_samples, host_s, bool(status.input_overflow), times.inputBufferAdcTime)
        # the mark goes last: whoever sees it finds the samples in place
        if len(self._marks) == self._marks.capacity or not self._samples.push(samples.reshape(-1)):
            self.n_blocks_lost += 1
        else:
            self._marks.push(self._mark)
        self.last_s = host_s
        self.has_begun = True
        self._wakeup.set()
