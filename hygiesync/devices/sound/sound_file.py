"""A sound file played in real time as if it were spoken into a microphone.

Its samples are those that offline rendering reads, so that live and offline lips are the same. They come in blocks
that are each due at a time computed from the block's number; no thread is needed for that, and nothing piles up when
nobody reads.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync import timing
from hygiesync.devices.sound.clock import StreamClock
from hygiesync.devices.sound.level import LevelMeter
from hygiesync.devices.sound.source import FIRST_BLOCK, SoundHealth
from hygiesync.media.audio import read_audio_blocks
from hygiesync.media.container import PathLike


class SoundFile:
    """A source of sound that plays a file; see :class:`~hygiesync.devices.sound.source.LiveSource`.

    Parameters
    ----------
    path : str or os.PathLike
        Any file with sound.
    sample_rate : int
        Samples a second to deliver (Hz).
    block : int
        Samples that arrive at once; 160 at 16 kHz are the 10 ms that a microphone's blocks have, and the first is then
        as short as a microphone's.
    original_rate : int, optional
        Samples a second of the sound as it is kept (Hz); `sample_rate` when left out.
    """

    def __init__(
        self,
        path: PathLike,
        sample_rate: int = timing.SAMPLE_RATE,
        block: int = timing.HOP_LENGTH,
        *,
        original_rate: int | None = None,
    ) -> None:
        self.name = Path(path).name
        self.sample_rate = sample_rate
        self.clock = StreamClock(sample_rate)
        self.original_rate = original_rate or sample_rate
        self._path = path
        self._block_length = block
        is_like_a_microphone = (sample_rate, block) == (timing.SAMPLE_RATE, timing.HOP_LENGTH)
        self._first_length = FIRST_BLOCK if is_like_a_microphone else block
        self._meter = LevelMeter(sample_rate)
        self._lock = threading.Lock()  # the reader's; `close` may come from another thread
        self._blocks: Iterator[NDArray[Any]] = iter(())
        self._next: NDArray[Any] | None = None
        self._start_s = 0.0
        self._n_delivered = 0
        self._is_open = False
        self._original_blocks: Iterator[NDArray[Any]] = iter(())
        self._original_ahead = np.zeros(0, np.float32)
        self._n_original = 0

    def start(self) -> None:
        """Open the file; time begins to run.

        Raises
        ------
        InputError
            When it can't be read or has no sound.
        """
        with self._lock:
            self._blocks = self._read_blocks()
            self._next = next(self._blocks, None)
            self._original_blocks = read_audio_blocks(self._path, self.original_rate, block_length=self.original_rate)
            self._start_s = time.perf_counter()
            self.clock.observe(0, self._start_s)
            self._is_open = True

    def read(self, timeout_s: float) -> NDArray[np.float32] | None:
        """The samples that are due; see :meth:`SoundSource.read`. None after the file's end.

        Raises
        ------
        InputError
            When the file turns out to be damaged.
        """
        deadline_s = time.perf_counter() + timeout_s
        with self._lock:
            if self._next is None or not self._is_open:
                return None
            due_s = self._due(self._n_delivered + len(self._next))
        wait_s = min(due_s, deadline_s) - time.perf_counter()
        if wait_s > 0:
            time.sleep(wait_s)
        with self._lock:
            return self._take_due(time.perf_counter()) if self._is_open else None

    def take_original(self) -> NDArray[Any]:
        """The file's sound at `original_rate`, up to where it was read; see :meth:`LiveSource.take_original`."""
        with self._lock:
            is_over = self._next is None
            end = timing.time_to_samples(timing.sample_time(self._n_delivered, self.sample_rate), self.original_rate)
            pieces, n_have = [self._original_ahead], len(self._original_ahead)
            while is_over or self._n_original + n_have < end:
                block = next(self._original_blocks, None)
                if block is None:
                    break
                pieces.append(block)
                n_have += len(block)
            have = np.concatenate(pieces)
            n_due = n_have if is_over else min(n_have, end - self._n_original)
            self._original_ahead = have[n_due:]
            self._n_original += n_due
            return have[:n_due]

    def arrival_of(self, sample: int) -> float:
        """When the block with this sample was due."""
        n_whole = (sample - self._first_length) // self._block_length + 1
        end = self._first_length + n_whole * self._block_length
        # the file's last block may be short
        return self._due(min(end, self._n_delivered) if sample < self._n_delivered else end)

    def health(self) -> SoundHealth:
        """How it is doing: alive until its end."""
        return SoundHealth(is_alive=self._is_open and self._next is not None, level_db=self._meter.level_db)

    def close(self) -> None:
        """Let the file go."""
        with self._lock:
            self._is_open, self._next, self._blocks = False, None, iter(())
            self._original_blocks, self._original_ahead = iter(()), np.zeros(0, np.float32)

    def _take_due(self, now_s: float) -> NDArray[np.float32]:
        taken = []
        while self._next is not None and self._due(self._n_delivered + len(self._next)) <= now_s:
            self._n_delivered += len(self._next)
            taken.append(self._next)
            self.clock.observe(self._n_delivered, self._due(self._n_delivered))
            self._next = next(self._blocks, None)
        samples = np.concatenate(taken) if taken else np.zeros(0, np.float32)
        self._meter.push(samples)
        return samples

    def _read_blocks(self) -> Iterator[NDArray[np.float32]]:
        """The file's blocks, the first of its own length."""
        blocks = read_audio_blocks(self._path, self.sample_rate, block_length=self._block_length)
        held = next(blocks)
        yield held[: self._first_length]
        held = held[self._first_length :]
        for block in blocks:
            joined = np.concatenate([held, block])
            yield joined[: self._block_length]
            held = joined[self._block_length :]
        if len(held):
            yield held

    def _due(self, n_samples: int) -> float:
        return self._start_s + float(timing.sample_time(n_samples, self.sample_rate))
