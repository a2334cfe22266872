"""Recording a live session to an mp4: what was heard, as the microphone gave it, and what was drawn, on one clock.

Each picture lies in the file at the moment of sound whose mouth it shows, whenever it came to the screen, so the file
is as exact as an offline rendering. Sound is held back until the picture of its time is there, and the file ends with
the last picture.
"""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.errors import InputError
from hygiesync.media.background_writer import BackgroundWriter
from hygiesync.media.video import VideoWriter
from hygiesync.timing import SAMPLE_RATE, sample_time, time_to_samples, video_frame_time

_CRF = 18
"""Of x264 at its fastest: the encoder shares two cores with all the rest. Files are large, and look as they should."""


class Recorder:
    """A sink that writes down what it is handed, from `start` to `stop`.

    One thread hands over sound and pictures, another starts and stops.

    Parameters
    ----------
    size : tuple of int
        (width, height) of the pictures.
    fps : Fraction
    metadata : dict of str to str
        Tags of the file.
    sample_rate : int
        Of the sound (Hz), among :data:`hygiesync.media.writer.AAC_SAMPLE_RATES`.

    Files are finished in the background, so that the picture does not stand still; :meth:`wait` waits for them.
    """

    def __init__(
        self, size: tuple[int, int], fps: Fraction, metadata: dict[str, str], sample_rate: int = SAMPLE_RATE
    ) -> None:
        self._size, self._fps, self._metadata, self._sample_rate = size, fps, metadata, sample_rate
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
        return 0.0 if first_sample is None else float(sample_time(self._n_samples - first_sample, self._sample_rate))

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
            path, *self._size, self._fps, audio_rate=self._sample_rate, audio_channels=1, metadata=self._metadata,
            keeps_fragments=True, crf=_CRF, preset="ultrafast", n_threads=1,
        )  # fmt: skip
        recording = _Recording(
            BackgroundWriter(writer, may_wait=False), path, self._sample_rate, video_frame_time(1, self._fps)
        )
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

    def write_audio(self, samples: FloatArray) -> None:
        """See :class:`hygiesync.live.worker.Sink`."""
        recording = self._recording
        if recording is not None:
            recording.write_audio(samples, self._n_samples)
        self._n_samples += len(samples)

    def write_frame(self, picture: NDArray[np.uint8], time_s: Fraction) -> None:
        """See :class:`hygiesync.live.worker.Sink`."""
        recording = self._recording
        if recording is not None:
            recording.write_frame(picture, time_s)


class _Recording:
    """One file and what has to be known of it while it is written.

    It begins with the first sound that it is told of. Only the engine's worker knows which that is: opening a file
    takes longer than a block, and another thread that asked before or after would be wrong by that.
    """

    def __init__(self, writer: BackgroundWriter, path: Path, sample_rate: int, frame_s: Fraction) -> None:
        self.path = path
        self.first_sample: int | None = None
        self._writer, self._sample_rate, self._frame_s = writer, sample_rate, frame_s
        self._held: deque[NDArray[Any]] = deque()
        self._n_written = self._n_seen = 0
        self._may_be_empty = False
        writer.start()  # a file that can't be written is refused here, before anything is said

    @property
    def failure(self) -> InputError | None:
        """Why it ended early; that no picture came is none if somebody wanted the end."""
        error = self._writer.error
        return error if isinstance(error, InputError) and (self._n_seen or not self._may_be_empty) else None

    @property
    def fault(self) -> BaseException | None:
        """What else went wrong."""
        return None if isinstance(self._writer.error, InputError) else self._writer.error

    @property
    def n_left_out(self) -> int:
        return self._writer.n_left_out

    def write_audio(self, samples: FloatArray, first_sample: int) -> None:
        if self.first_sample is None:
            self.first_sample = first_sample
        self._held.append(samples)

    def write_frame(self, picture: NDArray[np.uint8], time_s: Fraction) -> None:
        if self.first_sample is None:
            return
        time_s -= sample_time(self.first_sample, self._sample_rate)
        if time_s < 0 or self._writer.error is not None:
            return
        self._n_seen += 1
        self._write_sound(time_to_samples(time_s + self._frame_s, self._sample_rate))
        self._writer.write(picture, time_s)

    def end(self, may_be_empty: bool) -> None:
        self._may_be_empty = may_be_empty
        self._writer.end()

    def join(self) -> None:
        self._writer.join()

    def _write_sound(self, n_due: int) -> None:
        """Hand on what belongs before the picture's end."""
        while self._held and self._n_written < n_due:
            samples = self._held.popleft()
            n_taken = min(len(samples), n_due - self._n_written)
            if n_taken < len(samples):
                self._held.appendleft(samples[n_taken:])
            self._writer.write_audio(samples[:n_taken])
            self._n_written += n_taken
