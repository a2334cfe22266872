"""The worker that owns the engine: takes sound as it comes, draws what can still be shown in time.

Sound is never dropped, or lips and time would come apart. Pictures are: one whose successor is already due is not
drawn, so after a stall the worker is back in time with the next picture.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from time import perf_counter
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.concurrency.library_threads import single_threaded_libraries
from hygiesync.devices.sound.source import LiveSource
from hygiesync.engine import Engine, VideoFrame
from hygiesync.live.playout import Playout, TimedFrame
from hygiesync.timing import sample_time, time_to_samples, video_frame_time

_READ_S = 0.05
"""Longest wait for sound, after which the worker looks whether it is to stop."""

_WARM_UP_SAMPLES = 8_000

MAX_LEVEL = 8.0
"""Loudest sample that is believed, 18 dB above full scale: a driver's faults must not reach network and encoder."""


class Sink(Protocol):
    """Something that is handed all sound and all pictures, in the worker's thread; it must not wait."""

    def write_audio(self, samples: NDArray[Any]) -> None:
        """The next samples (n,), float32, of the timeline, at the source's original rate."""
        ...

    def write_frame(self, picture: NDArray[Any], time_s: Fraction) -> None:
        """A picture (H, W, 3), uint8, RGB, of a moment of the timeline; its sound may still come."""
        ...


class EngineWorker:
    """Runs an engine on a source of sound, in a thread.

    It is one thread, which another one starts, asks and stops.

    Parameters
    ----------
    engine : Engine
        With a template of a constant rate.
    source : LiveSource
        Started by whoever made it.
    playout : Playout
        Where pictures go.
    fps : Fraction
    sinks : sequence of Sink
    now : callable
        Host time; another one in simulations.

    Attributes
    ----------
    is_muted : bool
        Silence is heard in place of the sound.
    n_skipped : int
        Pictures that were not drawn, since they were late.
    """

    def __init__(
        self,
        engine: Engine,
        source: LiveSource,
        playout: Playout,
        fps: Fraction,
        sinks: Sequence[Sink] = (),
        now: Callable[[], float] = perf_counter,
    ) -> None:
        self._now = now
        self._engine, self._source, self._playout, self._sinks = engine, source, playout, sinks
        self._frame_s = video_frame_time(1, fps)
        self._n_samples = self._first_sample = self._n_unheard = 0
        self._next_time_s = Fraction(0)
        self._stop, self._wants_reset, self._wants_silence = (threading.Event() for _ in range(3))
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self.is_muted = False
        self.n_skipped = 0

    def warm_up(self) -> None:
        """Load and try all that the first pictures need, so that they are not late."""
        with single_threaded_libraries():
            for _ in self._engine.push(np.zeros(_WARM_UP_SAMPLES, np.float32)):
                pass
            self._engine.reset()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def reset(self) -> None:
        """Let the engine begin anew: nothing heard, the head at the loop's start."""
        self._wants_reset.set()

    def interrupt(self) -> None:
        """Let the mouth go to rest from the next picture on: what was heard and has no picture yet is forgotten."""
        self._wants_silence.set()

    @property
    def is_finished(self) -> bool:
        """Whether the sound is over and every picture was handed on."""
        return not self._thread.is_alive()

    def check(self) -> None:
        """Raise what ended it, if that was a failure."""
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """End it, and wait for that."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            with single_threaded_libraries():
                self._speak()
        except BaseException as error:  # raised again by `check`, where the user hears of it
            self._failure = error

    def _speak(self) -> None:
        while not self._stop.is_set():
            samples = self._source.read(_READ_S)
            self._hand_on(self._source.take_original())
            if samples is None:
                self._finish()
                return
            if len(samples):
                self._push(samples)

    def _hand_on(self, original: NDArray[Any]) -> None:
        """The sound as it came goes to the sinks, ahead of its pictures."""
        if len(original):
            heard = self._heard(original)
            for one in self._sinks:
                one.write_audio(heard)

    def _push(self, samples: NDArray[Any]) -> None:
        taken_s = self._now()
        if self._wants_reset.is_set():
            self._wants_reset.clear()
            self._engine.reset()
            self._first_sample, self._next_time_s = self._n_samples, Fraction(0)
            self._n_unheard = 0
        if self._wants_silence.is_set():
            self._wants_silence.clear()
            self._forget_unseen(taken_s)
        self._n_samples += len(samples)
        known_s = self._source.arrival_of(self._n_samples - 1)
        self._draw(self._engine.push(self._heard(self._after_unheard(samples))), known_s, taken_s)

    def _forget_unseen(self, now_s: float) -> None:
        """Silence takes the place of what was heard after the last picture, so that time goes on without a gap."""
        from_s = self._engine.interrupt()
        n_forgotten = self._n_samples - self._first_sample - time_to_samples(from_s)
        self._n_unheard = max(0, -n_forgotten)  # the next picture may lie beyond all that was heard
        self._draw(self._engine.push(np.zeros(max(0, n_forgotten), np.float32)), now_s, now_s)

    def _after_unheard(self, samples: NDArray[Any]) -> NDArray[Any]:
        n_unheard = min(self._n_unheard, len(samples))
        self._n_unheard -= n_unheard
        return samples[n_unheard:]

    def _heard(self, samples: NDArray[Any]) -> NDArray[Any]:
        return np.zeros_like(samples) if self.is_muted else _believable(samples)

    def _finish(self) -> None:
        """The last pictures, which wait for no more sound."""
        if self._n_samples == self._first_sample:
            return
        now_s = self._now()
        self._draw(self._engine.flush(), now_s, now_s, is_end=True)

    def _draw(self, pictures: Iterator[VideoFrame], known_s: float, taken_s: float, is_end: bool = False) -> None:
        """Hand the pictures on; those of the end come all at once, long before they are due."""
        stepped_s = self._now()
        while True:
            self._skip_late()
            frame = next(pictures, None)
            if frame is None:
                return
            self.n_skipped += round((frame.time_s - self._next_time_s) / self._frame_s)
            self._next_time_s = frame.time_s + self._frame_s
            sample = self._first_sample + time_to_samples(frame.time_s)
            heard_s = min(self._source.arrival_of(min(sample, self._n_samples - 1)), known_s)
            ready_s = self._now()
            if is_end:
                self._stop.wait(self._playout.room_in_s(ready_s))
            timed = TimedFrame(frame.image, sample, heard_s, known_s, taken_s, stepped_s, ready_s)
            self._playout.put(timed, is_usual=not is_end)
            for one in self._sinks:
                one.write_frame(frame.image, sample_time(self._first_sample) + frame.time_s)

    def _skip_late(self) -> None:
        """Don't draw what a picture that is due and certain would replace at once."""
        if not self._playout.has_begun:
            return
        due_s = sample_time(int(self._playout.due_sample(self._now())) - self._first_sample)
        self._engine.skip_until(min(due_s, self._engine.known_until_s) - self._frame_s)


def _believable(samples: FloatArray) -> NDArray[np.float32]:
    """Samples (n,) with silence for what is no number, and no louder than anything can be."""
    return np.clip(np.nan_to_num(samples, nan=0.0), -MAX_LEVEL, MAX_LEVEL)
