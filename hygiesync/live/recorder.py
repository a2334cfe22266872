"""Recording a live session to an mp4, in a thread of its own: what was heard and what was drawn, on one clock.

Each picture lies in the file at the moment of sound whose mouth it shows, whenever it came to the screen, so the file
is as exact as an offline rendering. Sound is held back until the picture of its time is there, and the file ends with
the last picture.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import numpy as np

from hygiesync.errors import InputError
from hygiesync.media.video import VideoWriter
from hygiesync.timing import SAMPLE_RATE, sample_time, time_to_samples, video_frame_time

MAX_WAITING_BYTES = 128_000_000
"""Pictures that may wait for the encoder; beyond it new ones are left out of the file, and counted."""

_CRF = 18
"""Of x264 at its fastest: the encoder shares two cores with all the rest. Files are large, and look as they should."""


class Recorder:
    """An audience that writes down what it hears and sees, from `start` to `stop`.

    Parameters
    ----------
    size : tuple of int
        (width, height) of the pictures.
    fps : Fraction
    metadata : dict of str to str
        Tags of the file.

    Files are finished in the background, so that the picture does not stand still; :meth:`wait` waits for them.
    """

    def __init__(self, size: tuple[int, int], fps: Fraction, metadata: dict[str, str]) -> None:
        self._size, self._fps, self._metadata = size, fps, metadata
        self._recording: _Recording | None = None
        self._all: list[_Recording] = []
        self._n_samples = 0

    @property
    def path(self) -> Path | None:
        """File that is being written; None while nothing is recorded."""
        recording = self._recording
        return None if recording is None or recording.failure is not None else recording.path

    @property
    def duration_s(self) -> float:
        """Sound in the file so far, seconds."""
        recording = self._recording
        first_sample = None if recording is None else recording.first_sample
        return 0.0 if first_sample is None else float(sample_time(self._n_samples - first_sample))

    @property
    def failure(self) -> InputError | None:
        """Why the newest recording ended early, if it did. Its file is playable up to there."""
        return self._all[-1].failure if self._all else None

    @property
    def failures(self) -> list[InputError]:
        """The same of all recordings."""
        return [recording.failure for recording in self._all if recording.failure is not None]

    @property
    def n_left_out(self) -> int:
        """Pictures that came faster than they could be written."""
        return sum(recording.n_left_out for recording in self._all)

    def start(self, path: Path) -> None:
        """Record to `path` from the next sound on.

        Raises
        ------
        InputError
            When `path` can't be written.
        """
        self.stop()
        for recording in self._all:
            if recording.path == path:
                recording.join()
        writer = VideoWriter(
            path, *self._size, self._fps, audio_rate=SAMPLE_RATE, audio_channels=1, metadata=self._metadata,
            keeps_fragments=True, crf=_CRF, preset="ultrafast", n_threads=1,
        )  # fmt: skip
        recording = _Recording(writer, path, video_frame_time(1, self._fps))
        self._all.append(recording)
        self._recording = recording

    def stop(self, is_wanted: bool = False) -> None:
        """End the file with the last picture that came.

        Parameters
        ----------
        is_wanted : bool
            Somebody asked for the end: then it is no failure if no picture had come yet, and there is no file.
        """
        recording, self._recording = self._recording, None
        if recording is not None:
            recording.end(is_wanted)

    def wait(self, is_wanted: bool = False) -> list[Path]:
        """Stop, and wait until all files are finished.

        Returns
        -------
        list of Path
            The files that there are.
        """
        self.stop(is_wanted)
        for recording in self._all:
            recording.join()
        return list(dict.fromkeys(recording.path for recording in self._all if recording.path.exists()))

    def check(self) -> None:
        """Raise what went wrong in a recording's thread other than that its file can't be written."""
        for recording in self._all:
            if recording.fault is not None:
                raise recording.fault

    def write_audio(self, samples: np.ndarray) -> None:
        """See :class:`hygiesync.live.worker.Sink`."""
        recording = self._recording
        if recording is not None:
            recording.write_audio(samples, self._n_samples)
        self._n_samples += len(samples)

    def write_frame(self, picture: np.ndarray, sample: int) -> None:
        """See :class:`hygiesync.live.worker.Sink`."""
        recording = self._recording
        if recording is not None:
            recording.write_frame(picture, sample)


class _Recording:
    """One file and the thread that writes it.

    It begins with the first sound that it is told of. Only the performer knows which that is: opening a file takes
    longer than a block, and another thread that asked before or after would be wrong by that.
    """

    def __init__(self, writer: VideoWriter, path: Path, frame_s: Fraction) -> None:
        self.path = path
        self.first_sample: int | None = None
        self.failure: InputError | None = None
        self.fault: Exception | None = None
        self.n_left_out = 0
        self._n_seen = 0
        self._may_be_empty = False
        self._writer, self._frame_s = writer, frame_s
        self._queue: queue.SimpleQueue[np.ndarray | tuple[np.ndarray, Fraction] | None] = queue.SimpleQueue()
        self._is_over = False
        self._n_waiting_bytes = 0
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        # a file that can't be written is refused here, before anything is said
        self._open = ExitStack()
        self._open.enter_context(writer)
        self._thread.start()

    def write_audio(self, samples: np.ndarray, first_sample: int) -> None:
        if self.first_sample is None:
            self.first_sample = first_sample
        self._queue.put(samples)

    def write_frame(self, picture: np.ndarray, sample: int) -> None:
        if self.first_sample is None or sample < self.first_sample or self.failure is not None:
            return
        self._n_seen += 1
        with self._lock:
            if self._n_waiting_bytes + picture.nbytes > MAX_WAITING_BYTES:
                self.n_left_out += 1
                return
            self._n_waiting_bytes += picture.nbytes
        self._queue.put((picture, sample_time(sample - self.first_sample)))

    def end(self, may_be_empty: bool) -> None:
        self._may_be_empty = may_be_empty
        self._queue.put(None)

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        try:
            with self._open:
                self._write()
        except InputError as error:
            if self._n_seen or not self._may_be_empty:
                self.failure = error
        except Exception as error:  # raised again by `Recorder.check`, where the user hears of it
            self.fault = error
        for _ in self._items():  # what still comes must not pile up
            pass

    def _items(self) -> Iterator[np.ndarray | tuple[np.ndarray, Fraction]]:
        """What was put in, up to the end, of which there is only one to wait for."""
        while not self._is_over:
            item = self._queue.get()
            if item is None:
                self._is_over = True
            else:
                yield item

    def _write(self) -> None:
        sound: deque[np.ndarray] = deque()
        n_written = 0
        for item in self._items():
            if isinstance(item, np.ndarray):
                sound.append(item)
                continue
            picture, time_s = item
            n_due = time_to_samples(time_s + self._frame_s)
            while sound and n_written < n_due:
                samples = sound.popleft()
                n_taken = min(len(samples), n_due - n_written)
                if n_taken < len(samples):
                    sound.appendleft(samples[n_taken:])
                self._writer.write_audio(samples[:n_taken])
                n_written += n_taken
            self._writer.write(picture, time_s)
            with self._lock:
                self._n_waiting_bytes -= picture.nbytes
