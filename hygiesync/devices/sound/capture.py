"""One opened microphone, from the audio callback to its reader: everything that the callback touches.

Each opening has its own ring, so a callback that is late in dying never writes into its successor's.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.devices.sound.portaudio import DeviceStream
from hygiesync.devices.sound.ring import Ring
from hygiesync.devices.sound.wakeup import Wakeup

BLOCK_S = 0.01
"""Length of a block (seconds): a step of the network.

Measured on the monitor of a PulseAudio null sink, through PortAudio's ALSA and ALSA's pulse plugin, 10 s each. `late`
is how much later than evenly a block came. No setting overflowed, even while the callback stood still for 5 s.

    block    latency   interval, ms: median (1 to 99 %)   late, ms: median, 95 %
    5 ms     low        5.0  (3.0 to 6.9)                  0.2   1.0
    10 ms    low       10.0  (6.7 to 13.4)                 0.3   1.5
    10 ms    30 ms     10.0  (8.9 to 11.2)                 0.2   0.3
    10 ms    high       0.1  (0 to 20.2): in pairs         6.9  10.3
    20 ms    low       20.0  (19.0 to 21.2)                0.3   0.5

With 'low', PortAudio asks ALSA for two periods of a block, and the plugin passes a period on to the server as its
fragment: so each block is handed over as it is complete. 'high' asks for larger fragments. PULSE_LATENCY_MSEC=10 in the
environment changes nothing, =20 brings pairs; it is left alone. Shorter blocks gain nothing, for a step of the network
needs 10 ms of sound.
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

    samples: NDArray[np.float32]
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

    def _on_block(self, samples: NDArray[Any], n_samples: int, times: Any, status: Any) -> None:
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
