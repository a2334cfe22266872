"""A live session: an avatar that speaks what a source of sound hears. It has no window, no keys and no devices.

Whoever has it takes the pictures that are due and shows them, wherever that is::

    source --> engine's worker --> playout --> take(now_s)
                     |
                     '--> recorder, and other sinks
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any

from hygiesync.avatar.bundle import Avatar
from hygiesync.avatar.provenance import Method, Provenance
from hygiesync.devices.sound.source import LiveSource, SoundHealth
from hygiesync.devices.sound.speaker import Speaker
from hygiesync.engine import Engine
from hygiesync.live.monitor import Monitor
from hygiesync.live.playout import Playout, TimedFrame
from hygiesync.live.recorder import Recorder
from hygiesync.live.statistics import Statistics
from hygiesync.live.template import Head
from hygiesync.live.worker import EngineWorker, Sink
from hygiesync.timing import sample_time


@dataclass(frozen=True)
class LiveSettings:
    """How an avatar speaks live.

    Attributes
    ----------
    fps : Fraction
        Pictures a second.
    lookahead_ms : float, optional
        How far ahead the network may hear; the avatar's own when left out.
    expressiveness : float
        How far the mouth goes from rest.
    """

    fps: Fraction = Fraction(60)
    lookahead_ms: float | None = None
    expressiveness: float = 1.0


class LiveSession:
    """One avatar and one source of sound; a context manager, which stops it.

    One thread owns it and calls it. Any number of sessions may share an avatar.

    Parameters
    ----------
    avatar : Avatar
    source : LiveSource
        Not started; closed by whoever opened it.
    settings : LiveSettings
    speaker : Speaker, optional
        Started, at the source's original rate: plays the sound, delayed to match the pictures.
    sinks : sequence of Sink
        Further ones for all sound and all pictures.

    Attributes
    ----------
    recorder : Recorder
        Records to a file whenever it is asked to.
    statistics : Statistics
        Of the pictures that were shown.

    Raises
    ------
    UsageError
        When a setting is out of range.
    """

    def __init__(
        self,
        avatar: Avatar,
        source: LiveSource,
        settings: LiveSettings | None = None,
        *,
        speaker: Speaker | None = None,
        sinks: Sequence[Sink] = (),
    ) -> None:
        settings = settings or LiveSettings()
        fps = settings.fps
        self._avatar_name, self._fps, self._source = avatar.manifest.name, fps, source
        scene = avatar.idle(fps)
        self._head = Head(scene.template, fps)
        engine = Engine(
            avatar,
            scene=replace(scene, template=self._head),
            expressiveness=settings.expressiveness,
            lookahead_ms=settings.lookahead_ms,
        )
        self._lookahead_ms = float(engine.lookahead_s * 1000)
        self._playout = Playout(source.clock)
        self.size = (avatar.manifest.width, avatar.manifest.height)
        self.statistics = Statistics()
        self.recorder = Recorder(
            self.size, fps, Provenance.from_avatar(avatar, Method.LIVE).tags(), source.original_rate
        )
        all_sinks: list[Sink] = [self.recorder, *sinks]
        if speaker is not None:
            all_sinks.append(Monitor(speaker, source.clock.at_rate(source.original_rate), self._playout))
        self._worker = EngineWorker(engine, source, self._playout, fps, all_sinks)
        self._recordings: list[Path] = []
        self._is_muted = self._is_paused = self._is_frozen = False
        try:
            self._worker.warm_up()
        except BaseException:
            self._head.close()
            raise

    def __enter__(self) -> LiveSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
        self._head.close()

    def start(self, record: Path | None = None) -> None:
        """Listen and speak, and record from the start if a file is named.

        Raises
        ------
        MissingDependencyError, InputError
            When the source can't be opened, or the file can't be written.
        """
        self._source.start()
        if record is not None:  # last, since it replaces what was there
            self.recorder.start(record)
        self._worker.start()

    def take(self, now_s: float) -> TimedFrame | None:
        """The picture that is due at a host time, if there is a new one; those before it are dropped."""
        return self._playout.take(now_s)

    def wait(self, now_s: float, timeout_s: float) -> None:
        """Return when a picture may be due, or after `timeout_s`."""
        self._playout.wait(now_s, timeout_s)

    def shown(self, timed: TimedFrame) -> None:
        """Take note that a picture is on the screen now."""
        self.statistics.shown(timed, perf_counter())

    @property
    def is_finished(self) -> bool:
        """Whether the sound is over and every picture was taken."""
        return self._worker.is_finished and self._playout.is_empty

    def check(self) -> None:
        """Raise what went wrong in the threads, if anything did; to be called now and then."""
        self._worker.check()
        self.recorder.check()

    def stop(self, is_wanted: bool = False) -> list[Path]:
        """Fall silent and finish the recordings; again does nothing more.

        Parameters
        ----------
        is_wanted : bool
            Somebody asked for the end: then a recording without a picture is no failure.

        Returns
        -------
        list of Path
            The recordings that there are.
        """
        self._worker.stop()
        self._recordings = self.recorder.wait(is_wanted)
        return self._recordings

    @property
    def is_muted(self) -> bool:
        """Nothing is heard, and the mouth is at rest."""
        return self._is_muted

    @is_muted.setter
    def is_muted(self, value: bool) -> None:
        self._is_muted = value
        self._apply_modes()

    @property
    def is_frozen(self) -> bool:
        """The head stands still, the mouth speaks on."""
        return self._is_frozen

    @is_frozen.setter
    def is_frozen(self, value: bool) -> None:
        self._is_frozen = value
        self._apply_modes()

    @property
    def is_paused(self) -> bool:
        """Nothing is heard and nothing moves; pictures go on coming, and need not be shown."""
        return self._is_paused

    @is_paused.setter
    def is_paused(self, value: bool) -> None:
        self._is_paused = value
        self.statistics.paused()
        self._apply_modes()

    def reset(self) -> None:
        """Begin anew: nothing heard, the head at its motion's start."""
        self._worker.reset()

    def interrupt(self) -> None:
        """Fall silent: what was heard and has no picture yet is forgotten; see :meth:`Engine.interrupt`."""
        self._worker.interrupt()

    @property
    def has_begun(self) -> bool:
        """Whether there was a picture, so that `delay_s` is known."""
        return self._playout.has_begun

    @property
    def delay_s(self) -> float:
        """How far behind its sound a picture is shown, seconds."""
        return self._playout.delay_s

    def time_of(self, timed: TimedFrame) -> float:
        """A picture's moment of the sound, seconds."""
        return float(sample_time(timed.sample))

    @property
    def n_missed(self) -> int:
        """Pictures that were not drawn, or not taken in time."""
        return self._worker.n_skipped + self._playout.n_dropped

    def health(self) -> SoundHealth:
        """How the source is doing."""
        return self._source.health()

    def measures(self) -> dict[str, Any]:
        """Pace and latency so far; see :meth:`hygiesync.live.statistics.Statistics.to_dict`."""
        return self.statistics.to_dict(self.n_missed)

    def result(self) -> dict[str, Any]:
        """What was measured.

        Returns
        -------
        dict
            ``pictures_per_s``, ``missed_ratio``, ``audio_blocks_lost``, ``audio_overflows``, ``audio_filled_s``
            (silence that stands for lost sound), ``latency_ms`` and ``latency_parts_ms`` (each with ``p50`` and
            ``p95``; from a sample's arrival to the picture of its moment on the screen), the settings, ``recordings``,
            and in ``failure`` why a recording ended early, if one did.
        """
        health, failures = self.health(), self.recorder.failures
        return {
            **self.measures(),
            "audio_blocks_lost": health.n_blocks_lost,
            "audio_overflows": health.n_overflows,
            "audio_filled_s": round(health.n_filled / self._source.sample_rate, 3),
            "avatar": self._avatar_name,
            "source": self._source.name,
            "fps": float(self._fps),
            "lookahead_ms": self._lookahead_ms,
            "recording_rate": self._source.original_rate,
            "recordings": [str(path) for path in self._recordings],
            "pictures_not_recorded": self.recorder.n_left_out,
            "failure": str(failures[0]) if failures else "",
        }

    def _apply_modes(self) -> None:
        self._worker.is_muted = self._is_muted or self._is_paused
        self._head.is_frozen = self._is_frozen or self._is_paused
