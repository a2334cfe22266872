"""A loudspeaker that says each sample of a timeline at its time, a fixed delay after it was heard.

For monitoring: the voice is heard when its picture is seen. Three clocks are at work: the microphone's and the
loudspeaker's sound cards, and the host's between them. The loudspeaker's is followed by what PortAudio says of when a
block will be heard, as a median over half a second: unlike arrivals, such reports err both ways.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync import timing
from hygiesync.devices.sound.clock import SampleClock
from hygiesync.devices.sound.devices import OutputDevice, find_again, find_output, list_output_devices
from hygiesync.devices.sound.formats import open_first
from hygiesync.devices.sound.output_buffer import PlayoutBuffer
from hygiesync.devices.sound.portaudio import DeviceStream
from hygiesync.devices.sound.reconnecting import ReconnectingDevice
from hygiesync.devices.sound.resampler import BlockResampler

BLOCK_S = 0.01
"""Length of a block (seconds)."""

MARGIN_S = 0.015
"""Time by which a block is written before the callback takes it, at least (seconds): the writer has other work."""

N_OBSERVED = 51
"""Callbacks over which the output's clock is a median: half a second."""

STALL_S = 0.05
"""After so long without a callback the output has run dry, and is heard later by an unknown time (seconds)."""

MAX_LATENCY_S = 1.0
"""A latency beyond this is a mistake of the driver's (seconds)."""


class Speaker:
    """Plays the samples of a timeline in time with pictures. `play_at` is for one thread; it never waits.

    Parameters
    ----------
    device : OutputDevice, optional
        Which one; left out, the system's default.
    sample_rate : int
        Of what is played (Hz).
    """

    def __init__(self, device: OutputDevice | None = None, sample_rate: int = timing.SAMPLE_RATE) -> None:
        self.sample_rate = sample_rate
        self._device = device
        self._reconnecting = ReconnectingDevice(self._open, "watcher of the loudspeaker")
        self._playing: Output | None = None
        self._resampler: BlockResampler | None = None
        self._next_sample = -1
        self._due_sample = 0.0

    @property
    def name(self) -> str:
        """For people."""
        return "loudspeaker" if self._device is None else self._device.name

    @property
    def is_alive(self) -> bool:
        """Whether the device takes blocks. A lost device is opened again when it is back."""
        return self._reconnecting.is_alive

    @property
    def min_delay_s(self) -> float:
        """Shortest delay that can be kept now (seconds): what the output needs, and a margin; 0 while it is lost."""
        output = self._reconnecting.device
        return 0.0 if output is None else output.latency_s + MARGIN_S

    def start(self) -> None:
        """Open the device.

        Raises
        ------
        MissingDependencyError
            When there is none, or it doesn't open.
        """
        if self._device is None:
            self._device = find_output()
        self._reconnecting.start()

    def play_at(self, samples: NDArray[np.float32], first_sample: int, clock: SampleClock, delay_s: float) -> None:
        """Have samples heard at their time.

        Sound that comes too late for its time is not heard; a delay shorter than `min_delay_s` is made as long.

        Parameters
        ----------
        samples : ndarray, shape (n,), float32
        first_sample : int
            Number of the first of them on the timeline.
        clock : SampleClock
            The timeline's.
        delay_s : float
            Sample n is heard at ``clock.time_of(n) + delay_s``.

        Raises
        ------
        Exception
            What went wrong in the thread that keeps the device open.
        """
        self._reconnecting.check()
        output = self._reconnecting.device
        if output is None or not output.has_begun or len(samples) == 0:
            return
        if output is not self._playing or first_sample != self._next_sample:
            self._playing, self._due_sample = output, first_sample
            self._resampler = None if output.rate == self.sample_rate else BlockResampler(self.sample_rate, output.rate)
        self._next_sample = first_sample + len(samples)
        frames = samples if self._resampler is None else self._resampler.push(samples)
        heard_s = clock.time_of(0) + self._due_sample / self.sample_rate + max(delay_s, self.min_delay_s)
        output.buffer.write(frames, output.frame_heard_at(heard_s))
        self._due_sample += len(frames) * self.sample_rate / output.rate

    def close(self) -> None:
        """Let the device go; may be called twice."""
        self._reconnecting.close()

    def _open(self) -> Output:
        assert self._device is not None
        device = find_again(self._device, list_output_devices())
        return open_first(device, self.sample_rate, lambda rate, n_channels: Output(device.index, rate, n_channels))


class Output:
    """One opened loudspeaker: its buffer, and when its frames are heard.

    Parameters
    ----------
    device_index : int
        PortAudio's number.
    rate, n_channels : int
        To open it with (Hz; 1 or 2).

    Attributes
    ----------
    rate : int
    buffer : PlayoutBuffer
    last_s : float
        Host time of the last callback, or of the opening.
    has_begun : bool
        Whether there was a callback.
    latency_s : float
        From a callback to when the block it filled has been heard (seconds).

    Raises
    ------
    MissingDependencyError
        When the device does not open like this.
    """

    def __init__(self, device_index: int, rate: int, n_channels: int) -> None:
        self.rate = rate
        self.buffer = PlayoutBuffer(rate)
        self.last_s = time.perf_counter()
        self.has_begun = False
        self.latency_s = 0.0
        self._origin_s = 0.0
        self._observed: deque[tuple[float, float]] = deque(maxlen=N_OBSERVED)
        self._nominal_latency_s = 2 * BLOCK_S
        self._stream = DeviceStream(
            "OutputStream",
            device=device_index,
            samplerate=rate,
            channels=n_channels,
            dtype="float32",
            blocksize=round(rate * BLOCK_S),
            latency="low",
            callback=self._on_block,
        )
        self._nominal_latency_s = self._stream.latency_s

    @property
    def is_finished(self) -> bool:
        """Whether there will be no further callback."""
        return self._stream.is_finished

    def frame_heard_at(self, host_s: float) -> float:
        """Number of the frame that is heard at a host time."""
        return (host_s - self._origin_s) * self.rate

    def close(self) -> None:
        """Let the device go; may be called twice."""
        self._stream.close()

    def _on_block(self, frames: NDArray[Any], n_frames: int, times: Any, _status: Any) -> None:
        """PortAudio's thread."""
        host_s = time.perf_counter()
        latency_s = times.outputBufferDacTime - times.currentTime
        if not 0 < latency_s < MAX_LATENCY_S:  # some drivers don't say
            latency_s = self._nominal_latency_s
        if host_s - self.last_s > STALL_S:
            self._observed.clear()
        origin_s = host_s + latency_s - self.buffer.n_taken / self.rate
        self._observed.append((origin_s, latency_s + n_frames / self.rate))
        self._origin_s, self.latency_s = map(_median, zip(*self._observed, strict=True))
        frames[:] = self.buffer.take(n_frames)[:, None]
        self.last_s = host_s
        self.has_begun = True


def _median(values: Iterable[float]) -> float:
    in_order = sorted(values)
    return in_order[len(in_order) // 2]
