"""A microphone that never gives up: lost samples become silence, and a lost device is opened again when it is back.

Three threads, each with its own part and no lock between them::

    PortAudio's    copies a block into a ring and wakes the reader            capture.py
    the reader's   takes blocks from the ring, lays them on the timeline      `read`, timeline.py
    the watch's    sees that blocks have stopped, and opens the device again  `_watch`

Settings, measured on Linux through PortAudio's ALSA, ALSA's pulse plugin and PulseAudio 16, on the monitor of a null
sink: with 10 ms blocks and 'low' latency, blocks come every 10.0 ms.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque

import numpy as np

from hygiesync import timing
from hygiesync.apps.sound import portaudio
from hygiesync.apps.sound.capture import Capture
from hygiesync.apps.sound.clock import StreamClock
from hygiesync.apps.sound.devices import InputDevice, find_again, list_input_devices
from hygiesync.apps.sound.level import LevelMeter
from hygiesync.apps.sound.resampler import BlockResampler
from hygiesync.apps.sound.source import SoundHealth
from hygiesync.apps.sound.timeline import Timeline
from hygiesync.apps.sound.wakeup import Wakeup
from hygiesync.errors import MissingDependencyError

logger = logging.getLogger(__name__)

BLOCK_S = 0.01
"""Length of a block (seconds): one step of the network."""

LOST_S = 0.25
"""Without a block for this long, the device is taken as lost (seconds)."""

OPENING_S = 3.0
"""Time that a device is given after it was opened until its first block (seconds)."""

WATCH_S = 0.05
"""Time between two looks at the device (seconds)."""

RETRY_S = 0.3
"""Time between two attempts to open a lost device (seconds)."""

RETRIES_BEFORE_OTHERS_END = 6
"""Every so many attempts PortAudio is started anew even though that interrupts other open streams."""

TICK_S = 0.02
"""Time after which a waiting reader looks whether silence is due (seconds)."""


class Microphone:
    """A source of sound that listens to a device; see :class:`~hygiesync.apps.sound.source.SoundSource`.

    Parameters
    ----------
    device : InputDevice
        Which one.
    sample_rate : int
        Samples a second to deliver (Hz); a device that does not offer it is resampled.
    """

    def __init__(self, device: InputDevice, sample_rate: int = timing.SAMPLE_RATE) -> None:
        self.name = device.name
        self.sample_rate = sample_rate
        self.clock = StreamClock(sample_rate)
        self._device = device
        self._timeline = Timeline(self.clock)
        self._meter = LevelMeter(sample_rate)
        self._wakeup = Wakeup()
        self._capture: Capture | None = None  # the watch's
        self._opened: deque[Capture] = deque()  # from the watch to the reader
        self._reading: Capture | None = None  # the reader's
        self._resampler: BlockResampler | None = None
        self._n_blocks_lost_before = 0
        self._failure: Exception | None = None
        self._is_closing = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="microphone watch", daemon=True)

    def start(self) -> None:
        """Open the device.

        Raises
        ------
        MissingDependencyError
            When it doesn't open.
        """
        self._capture = self._open(self._device)
        self._watcher.start()

    def read(self, timeout_s: float) -> np.ndarray | None:
        """The samples since the last read; see :meth:`SoundSource.read`. None only after `close`."""
        deadline_s = time.perf_counter() + timeout_s
        while not self._is_closing.is_set():
            if self._failure is not None:
                raise self._failure
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
        capture = self._capture
        is_alive = capture is not None and capture.has_begun and not _is_lost(capture, time.perf_counter())
        message = "" if is_alive else f"microphone lost: {self.name}; waiting for it"
        if not is_alive and capture is not None and not capture.has_begun:
            message = f"microphone: {self.name}; waiting for its first sound"
        return SoundHealth(
            is_alive=is_alive,
            message=message,
            n_overflows=self._timeline.n_overflows,
            n_blocks_lost=self._n_blocks_lost_before + (0 if capture is None else capture.n_blocks_lost),
            n_filled=self._timeline.n_filled,
            level_db=self._meter.level_db,
        )

    def close(self) -> None:
        """Let the device go."""
        self._is_closing.set()
        if self._watcher.is_alive():
            self._watcher.join()
        self._drop_capture()

    def _take_blocks(self) -> None:
        """Lay what has come on the timeline; go on to the next opening once one is finished."""
        while True:
            if self._reading is not None:
                for block in self._reading.blocks():
                    samples = block.samples if self._resampler is None else self._resampler.push(block.samples)
                    self._timeline.push(samples, block.host_s, block.has_overflowed)
            if not self._opened:
                return
            self._reading = self._opened.popleft()
            rate = self._reading.rate
            self._resampler = None if rate == self.sample_rate else BlockResampler(rate, self.sample_rate)
            self._timeline.begin_stream()

    def _watch(self) -> None:
        """Thread: keep the device open; what goes wrong in it is raised by `read`."""
        try:
            self._keep_open()
        except Exception as error:  # a thread's exception would be lost
            self._failure = error

    def _keep_open(self) -> None:
        """See that blocks come; when they stop, try to open the device again until it is back."""
        n_retries = 0
        while not self._is_closing.is_set():
            capture = self._capture
            if capture is not None and not _is_lost(capture, time.perf_counter()):
                self._is_closing.wait(WATCH_S)
                continue
            if capture is not None:
                logger.info("%s", self.health().message)
                self._drop_capture()
                n_retries = 0
            try:
                self._capture = self._open_again(n_retries)
            except MissingDependencyError:
                n_retries += 1
                self._is_closing.wait(RETRY_S)

    def _open_again(self, n_retries: int) -> Capture:
        """Open the device by its name among those that are there now."""
        must_see = n_retries % RETRIES_BEFORE_OTHERS_END == RETRIES_BEFORE_OTHERS_END - 1
        portaudio.refresh(end_streams=must_see)
        return self._open(find_again(self._device, list_input_devices()))

    def _open(self, device: InputDevice) -> Capture:
        """Open at our rate, else at the device's own; in one channel, else in two."""
        own_rate = round(device.default_rate)
        ways = [(rate, n) for rate in dict.fromkeys((self.sample_rate, own_rate)) for n in (1, 2)]
        reasons = []
        for rate, n_channels in ways:
            if n_channels > device.n_channels:
                continue
            try:
                capture = Capture(device.index, rate, n_channels, round(rate * BLOCK_S), self._wakeup)
            except MissingDependencyError as error:
                reasons.append(str(error))
                continue
            self._opened.append(capture)
            return capture
        raise MissingDependencyError(
            f"microphone: {device.name} does not open ({reasons[0] if reasons else 'it has no channels'}); see that no"
            " other program holds it, or choose another with --input-device"
        )

    def _drop_capture(self) -> None:
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.close()
            self._n_blocks_lost_before += capture.n_blocks_lost


def _is_lost(capture: Capture, now_s: float) -> bool:
    patience_s = LOST_S if capture.has_begun else OPENING_S
    return capture.is_finished or now_s - capture.last_s > patience_s
