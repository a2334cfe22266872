"""``hygiesync live``: opens everything, shows what is due, does what the keys say, and closes everything in order.

The main thread shows pictures and is the only one that touches the window. It looks at the performer each time round,
so a failure there ends the program with its own line.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from hygiesync.apps.live.panels import Situation, statistics_panel, status_panels
from hygiesync.apps.live.screen import CameraScreen, Nowhere, Screen
from hygiesync.apps.live.stopping import StopRequest, done_in_time
from hygiesync.avatar.bundle import Avatar
from hygiesync.avatar.provenance import Method, Provenance
from hygiesync.concurrency.library_threads import prompt_threads
from hygiesync.devices.camera.virtual import VirtualCamera
from hygiesync.devices.sound import portaudio
from hygiesync.devices.sound.sound_file import SoundFile
from hygiesync.devices.sound.source import SoundHealth, SoundSource
from hygiesync.devices.sound.sources import open_source
from hygiesync.devices.sound.speaker import Speaker
from hygiesync.devices.window import Key, Panel, Window
from hygiesync.engine import Engine
from hygiesync.errors import HygieSyncError, UsageError
from hygiesync.live.monitor import Monitor
from hygiesync.live.playout import Playout, TimedFrame
from hygiesync.live.recorder import Recorder
from hygiesync.live.statistics import Statistics
from hygiesync.live.template import Head
from hygiesync.live.worker import EngineWorker, Sink
from hygiesync.media.audio import read_audio_blocks
from hygiesync.timing import SAMPLE_RATE

MUTE, PAUSE, FREEZE, RESET, RECORD, STATISTICS, QUIT = (
    "mute", "pause", "freeze", "reset", "record", "statistics", "quit",
)  # fmt: skip

KEYS = (
    Key("m", MUTE, "mute: the avatar hears nothing, and is at rest"),
    Key("space", PAUSE, "pause: the picture stands still, and nothing is heard"),
    Key("z", FREEZE, "freeze: the head stands still, the mouth speaks on"),
    Key("backspace", RESET, "begin anew"),
    Key("r", RECORD, "record, or finish the recording"),
    Key("s", STATISTICS, "statistics"),
    Key("q", QUIT, "quit"),
    Key("escape", QUIT, "quit"),
)

OUTPUTS = ("window", "virtual-camera", "none")

_POLL_S = 0.008
"""Longest time between two looks at the keys."""

_STATISTICS_EVERY_S = 0.2
"""Time between two sets of numbers; faster ones can't be read."""


@dataclass(frozen=True)
class LiveOptions:
    """What a live session may be asked for.

    Attributes
    ----------
    input_device : str, optional
        A microphone's name or number, or a sound file that is played as if spoken; the default microphone without it.
    fps : Fraction
        Pictures a second.
    lookahead_ms : float, optional
        How far ahead the network may hear; the avatar's own when left out.
    expressiveness : float
        How far the mouth goes from rest.
    output : str
        One of `OUTPUTS`.
    monitor : bool
        Play the sound, delayed to match the picture.
    record : Path, optional
        The mp4 to record to from the start.
    duration_s : float, optional
        End by itself after so long.
    full_screen, mirror, statistics : bool
        How the window begins.
    """

    input_device: str | None = None
    fps: Fraction = Fraction(60)
    lookahead_ms: float | None = None
    expressiveness: float = 1.0
    output: str = "window"
    monitor: bool = False
    record: Path | None = None
    duration_s: float | None = None
    full_screen: bool = False
    mirror: bool = False
    statistics: bool = False


Say = Callable[[str], None]
"""Told of what the user should know, a line at a time."""


def run_live(
    avatar: Avatar, options: LiveOptions, say: Say | None = None, stop: StopRequest | None = None
) -> dict[str, Any]:
    """Run a session until its end: the window is closed, the file or the time is over, or `stop` is set.

    Parameters
    ----------
    avatar : Avatar
    options : LiveOptions
    say : callable, optional
    stop : StopRequest, optional
        See :func:`hygiesync.apps.live.stopping.stop_signals`.

    Returns
    -------
    dict
        What was measured; see :meth:`LiveSession.result`.

    Raises
    ------
    MissingDependencyError
        When a device, a display or a library is missing.
    InputError
        When the sound file or the recording's place can't be used.
    UsageError
        When an option is out of range, or the recording would take the place of the sound.
    KeyboardInterrupt
        When `stop` was set before anything was shown.
    """
    if options.duration_s is not None and not options.duration_s > 0:
        raise UsageError(f"duration: expected a number of seconds above 0, got {options.duration_s:g}")
    stop = stop or StopRequest()
    with ExitStack() as stack:
        session = LiveSession(avatar, options, stack, say or (lambda line: None))
        stop.check()
        with prompt_threads():
            session.run(stop)
        return session.result()


class LiveSession:
    """One session and all that belongs to it.

    Parameters
    ----------
    avatar : Avatar
    options : LiveOptions
    stack : ExitStack
        Closes what is opened here.
    say : callable
    """

    def __init__(self, avatar: Avatar, options: LiveOptions, stack: ExitStack, say: Say) -> None:
        self._options, self._say, self._name = options, say, avatar.manifest.name
        scene = avatar.idle(options.fps)
        self._head = Head(scene.template, options.fps)
        engine = Engine(
            avatar,
            scene=replace(scene, template=self._head),
            expressiveness=options.expressiveness,
            lookahead_ms=options.lookahead_ms,
        )
        stack.enter_context(closing(self._head))
        self._source = open_source(options.input_device, SAMPLE_RATE)
        stack.callback(self._let_go, self._source)
        self._check_sound()
        self._lookahead_ms = float(engine.lookahead_s * 1000)
        self._playout = Playout(self._source.clock)
        size = (avatar.manifest.width, avatar.manifest.height)
        self._recorder = Recorder(size, options.fps, Provenance.from_avatar(avatar, Method.LIVE).tags())
        self._recordings: list[Path] = []
        self._performer = EngineWorker(engine, self._source, self._playout, options.fps, self._sinks(stack))
        self._performer.warm_up()
        stack.callback(self.stop)
        self._screen = stack.enter_context(self._make_screen(size))
        self._statistics = Statistics()
        self._shows_statistics = options.statistics
        self._is_muted = self._is_paused = self._is_frozen = False
        self._last_picture: np.ndarray | None = None
        self._last_panels: list[Panel] = []
        self._last_statistics: tuple[float, Panel] | None = None
        self._lasted_s = 0.0
        self._problem = self._refusal = ""

    def run(self, stop: StopRequest) -> None:
        """Show what is due until the end."""
        self._source.start()
        if self._options.record is not None:  # last, since it replaces what was there
            self._recorder.start(self._options.record)
        self._performer.start()
        start_s = perf_counter()
        goes_on = True
        while goes_on:
            goes_on = not stop.is_set and not self._do_all(self._screen.poll())
            self._performer.check()
            self._recorder.check()
            now_s = perf_counter()
            self._lasted_s = now_s - start_s
            if self._options.duration_s is not None and self._lasted_s >= self._options.duration_s:
                break
            if self._performer.is_finished and self._playout.is_empty:
                break
            timed = self._playout.take(now_s)
            if timed is None:
                self._playout.wait(now_s, _POLL_S)
            elif self._is_paused:
                self._show_changes()
            else:
                self._show(timed)
        self.stop(is_wanted=not goes_on)
        self._performer.check()
        self._recorder.check()

    def stop(self, is_wanted: bool = False) -> None:
        """End the performance and finish the recordings; again does nothing.

        Parameters
        ----------
        is_wanted : bool
            Somebody asked for the end.
        """
        self._performer.stop()
        if self._recorder.path is not None:
            self._say(f"{self._recorder.path}: finishing")
        self._recordings = self._recorder.wait(is_wanted)

    def result(self) -> dict[str, Any]:
        """What was measured.

        Returns
        -------
        dict
            ``pictures_per_s``, ``missed_ratio``, ``audio_blocks_lost``, ``audio_overflows``, ``audio_filled_s``
            (silence that stands for lost sound), ``latency_ms`` and ``latency_parts_ms`` (each with ``p50`` and
            ``p95``; from a sample's arrival to the picture of its moment on the screen), ``duration_s``, the settings,
            and in ``failure`` why a recording ended early, if one did.
        """
        health, failures = self._source.health(), self._recorder.failures
        return {
            **self._statistics.to_dict(self._n_missed),
            "audio_blocks_lost": health.n_blocks_lost,
            "audio_overflows": health.n_overflows,
            "audio_filled_s": round(health.n_filled / self._source.sample_rate, 3),
            "duration_s": round(self._lasted_s, 3),
            "avatar": self._name,
            "source": self._source.name,
            "fps": float(self._options.fps),
            "lookahead_ms": self._lookahead_ms,
            "output": self._options.output,
            "recordings": [str(path) for path in self._recordings],
            "pictures_not_recorded": self._recorder.n_left_out,
            "failure": str(failures[0]) if failures else "",
        }

    def _check_sound(self) -> None:
        """Refuse a sound file that can't be read, or would be recorded over, before anything is opened or replaced."""
        sound, record = self._options.input_device, self._options.record
        if not isinstance(self._source, SoundFile) or sound is None:
            return
        next(read_audio_blocks(sound))
        if record is not None and record.exists() and record.samefile(sound):
            raise UsageError(f"{record}: is also heard; choose another --record, or the sound would be lost")

    def _sinks(self, stack: ExitStack) -> list[Sink]:
        if not self._options.monitor:
            return [self._recorder]
        speaker = Speaker()
        stack.callback(self._let_go, speaker)
        speaker.start()
        return [self._recorder, Monitor(speaker, self._source.clock, self._playout)]

    def _let_go(self, device: SoundSource | Speaker) -> None:
        """Close a device; one that does not close is no reason to wait for ever."""
        if not done_in_time(device.close):
            self._say(f"{device.name}: the sound server does not answer; it is left as it is")
            portaudio.abandon()

    def _make_screen(self, size: tuple[int, int]) -> Screen:
        if self._options.output == "none":
            return Nowhere()
        if self._options.output == "virtual-camera":
            return CameraScreen(VirtualCamera(*size, float(self._options.fps)))
        return Window(
            f"{self._name} - hygiesync (synthetic media)", size, KEYS,
            full_screen=self._options.full_screen, mirror=self._options.mirror,
        )  # fmt: skip

    @property
    def _n_missed(self) -> int:
        return self._performer.n_skipped + self._playout.n_dropped

    def _show(self, timed: TimedFrame) -> None:
        self._last_picture, self._last_panels = timed.picture, self._panels()
        self._screen.show(timed.picture, self._last_panels)
        self._statistics.shown(timed, perf_counter())

    def _show_changes(self) -> None:
        """The picture as it stands, when there is something else to say about it."""
        panels = self._panels()
        if self._last_picture is not None and panels != self._last_panels:
            self._last_panels = panels
            self._screen.show(self._last_picture, panels)

    def _panels(self) -> list[Panel]:
        health = self._source.health()
        if health.message != self._problem:
            self._problem = health.message
            self._say(health.message or f"{self._source.name}: back again")
        failure = self._recorder.failure
        path = self._recorder.path
        situation = Situation(
            modes=tuple(
                name
                for name, is_on in (
                    ("paused", self._is_paused), ("muted", self._is_muted), ("head frozen", self._is_frozen)
                )
                if is_on
            ),
            recording="" if path is None else f"{path.name} {_clock_text(self._recorder.duration_s)}",
            problem=health.message or self._refusal or ("" if failure is None else str(failure)),
        )  # fmt: skip
        panels = status_panels(situation)
        if self._shows_statistics:
            panels.append(self._statistics_panel(health))
        return panels

    def _statistics_panel(self, health: SoundHealth) -> Panel:
        """The statistics, made anew a few times a second only: quantiles and letters take time from pictures."""
        now_s = perf_counter()
        if self._last_statistics is None or now_s - self._last_statistics[0] >= _STATISTICS_EVERY_S:
            panel = statistics_panel(self._statistics, self._n_missed, health, self._source.name)
            self._last_statistics = now_s, panel
        return self._last_statistics[1]

    def _do_all(self, actions: list[str]) -> bool:
        """Do what was asked for; whether to end."""
        for action in actions:
            if action == QUIT:
                return True
            self._do(action)
        return False

    def _do(self, action: str) -> None:
        if action == MUTE:
            self._is_muted = not self._is_muted
        elif action == FREEZE:
            self._is_frozen = not self._is_frozen
        elif action == RESET:
            self._performer.reset()
        elif action == STATISTICS:
            self._shows_statistics = not self._shows_statistics
        elif action == RECORD:
            self._toggle_recording()
        elif action == PAUSE:
            self._is_paused = not self._is_paused
            self._statistics.paused()
        self._performer.is_muted = self._is_muted or self._is_paused
        self._head.is_frozen = self._is_frozen or self._is_paused

    def _toggle_recording(self) -> None:
        self._refusal = ""
        if self._recorder.path is not None:
            self._say(f"{self._recorder.path}: finishing")
            self._recorder.stop(is_wanted=True)
            return
        try:
            self._recorder.start(self._free_name())
        except HygieSyncError as error:  # said, and no reason to end: the avatar speaks on
            self._refusal = str(error)
            self._say(self._refusal)

    def _free_name(self) -> Path:
        """A file that is not there yet: beside the one asked for, or in the recordings' folder, named by the time."""
        wanted = self._options.record
        if wanted is None:
            folder = Path("recordings") if Path("recordings").is_dir() else Path()
            wanted = folder / f"{self._name}-{datetime.now():%Y-%m-%d-%H%M%S}.mp4"
        path, number = wanted, 2
        while path.exists():
            path, number = wanted.with_stem(f"{wanted.stem}-{number}"), number + 1
        return path


def _clock_text(duration_s: float) -> str:
    """A length as minutes and seconds."""
    return f"{int(duration_s) // 60}:{int(duration_s) % 60:02d}"
