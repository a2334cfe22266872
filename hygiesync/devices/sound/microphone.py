"""A microphone that never gives up: lost samples become silence, and a lost device is opened again when it is back.

Three threads, each with its own part and no lock between them::

    PortAudio's    copies a block into a ring and wakes the reader             capture.py
    the reader's   takes blocks from the ring, lays them on the timeline       `read`, timeline.py
    a watcher's    sees that blocks have stopped, and opens the device again   reconnecting.py
"""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from numpy.typing import NDArray

from hygiesync import timing
from hygiesync.devices.sound.capture import Capture
from hygiesync.devices.sound.clock import StreamClock
from hygiesync.devices.sound.devices import InputDevice, find_again, list_input_devices
from hygiesync.devices.sound.formats import open_first
from hygiesync.devices.sound.level import LevelMeter
from hygiesync.devices.sound.reconnecting import ReconnectingDevice
from hygiesync.devices.sound.resampler import BlockResampler
from hygiesync.devices.sound.source import FIRST_BLOCK, SoundHealth
from hygiesync.devices.sound.timeline import Timeline
from hygiesync.devices.sound.wakeup import Wakeup

TICK_S = 0.02
"""Time after which a waiting reader looks whether silence is due (seconds)."""


class Microphone:
    """A source of sound that listens to a device; see :class:`~hygiesync.devices.sound.source.SoundSource`.

    Parameters
    ----------
    device : InputDevice
        Which one.
    sample_rate : int
        Samples a second to deliver (Hz); a device that does not offer it is resampled.
    first_block : int, optional
        Samples to keep of the very first block; see :data:`hygiesync.devices.sound.source.FIRST_BLOCK`, which it is at
        the engine's rate when left out.
    """

    def __init__(
        self, device: InputDevice, sample_rate: int = timing.SAMPLE_RATE, first_block: int | None = None
    ) -> None:
        self.name = device.name
        self.sample_rate = sample_rate
        self.clock = StreamClock(sample_rate)
        self._device = device
        if first_block is None and sample_rate == timing.SAMPLE_RATE:
            first_block = FIRST_BLOCK
        self._timeline = Timeline(self.clock, first_block)
        self._meter = LevelMeter(sample_rate)
        self._wakeup = Wakeup()
        self._reconnecting = ReconnectingDevice(self._open, f"watcher of {device.name}")
        self._opened: deque[Capture] = deque()  # from the watcher to the reader
        self._reading: Capture | None = None
        self._resampler: BlockResampler | None = None
        self._n_blocks_lost_before = 0

    def start(self) -> None:
        """Open the device.

        Raises
        ------
        MissingDependencyError
            When it doesn't open.
        """
        self._reconnecting.start()

    def read(self, timeout_s: float) -> NDArray[Any] | None:
        """The samples since the last read; see :meth:`SoundSource.read`. None only after `close`."""
        deadline_s = time.perf_counter() + timeout_s
        while not self._reconnecting.is_closed:
            self._reconnecting.check()
            self._take_blocks()
            now_s = time.perf_counter()
            self._timeline.tick(now_s)
            samples = self._timeline.take()
            if len(samples) or now_s >= deadline_s:
                self._meter.push(samples)
                return samples
            self._wakeup.wait(min(TICK_S, deadline_s - now_s))
        return None

    def arrival_of(self, sample: int) -> float:
        """When the block with this sample reached the callback; see :meth:`SoundSource.arrival_of`."""
        return self._timeline.arrival_of(sample)

    def health(self) -> SoundHealth:
        """How it is doing."""
        is_alive, captures = self._reconnecting.is_alive, (self._reading, *self._opened)
        return SoundHealth(
            is_alive=is_alive,
            message="" if is_alive else self._trouble(),
            n_overflows=self._timeline.n_overflows,
            n_blocks_lost=self._n_blocks_lost_before + sum(c.n_blocks_lost for c in captures if c is not None),
            n_filled=self._timeline.n_filled,
            level_db=self._meter.level_db,
        )

    def close(self) -> None:
        """Let the device go."""
        self._reconnecting.close()

    def _trouble(self) -> str:
        if self._reconnecting.was_lost:
            return f"microphone lost: {self.name}; waiting for it"
        return f"microphone: {self.name}; waiting for its first sound"

    def _take_blocks(self) -> None:
        """Lay what has come on the timeline; go on to the next opening once one is finished."""
        while True:
            if self._reading is not None:
                for block in self._reading.blocks():
                    samples = block.samples if self._resampler is None else self._resampler.push(block.samples)
                    self._timeline.push(samples, block.host_s, block.has_overflowed, block.captured_s)
            if not self._opened:
                return
            if self._reading is not None:
                self._n_blocks_lost_before += self._reading.n_blocks_lost
            self._reading = self._opened.popleft()
            rate = self._reading.rate
            self._resampler = None if rate == self.sample_rate else BlockResampler(rate, self.sample_rate)
            self._timeline.begin_stream()

    def _open(self) -> Capture:
        """Open it, and hand it to the reader."""
        device = find_again(self._device, list_input_devices())
        capture = open_first(
            device, self.sample_rate, lambda rate, n_channels: Capture(device.index, rate, n_channels, self._wakeup)
        )
        self._opened.append(capture)
        return capture
