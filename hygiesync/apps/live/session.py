"""``hygiesync live``: opens everything, shows what is due, does what the keys say, and closes everything in order.

The main thread shows pictures and is the only one that touches the window. It looks at the session's threads each time
round, so a failure there ends the program with its own line.
"""

from __future__ import annotations

from contextlib import ExitStack
from time import perf_counter
from typing import Any

from numpy.typing import NDArray

from hygiesync.apps.live.controls import KEYS, Controls
from hygiesync.apps.live.options import LiveOptions
from hygiesync.apps.live.panels import statistics_panel, status_panels
from hygiesync.apps.live.screen import CameraScreen, Nowhere, Screen
from hygiesync.apps.live.stopping import StopRequest, done_in_time
from hygiesync.avatar.bundle import Avatar
from hygiesync.concurrency.library_threads import prompt_threads
from hygiesync.devices.camera.virtual import VirtualCamera
from hygiesync.devices.sound import portaudio
from hygiesync.devices.sound.sound_file import SoundFile
from hygiesync.devices.sound.source import LiveSource, SoundHealth
from hygiesync.devices.sound.sources import open_live_source
from hygiesync.devices.sound.speaker import Speaker
from hygiesync.devices.window import Panel, Window
from hygiesync.errors import UsageError
from hygiesync.live.playout import TimedFrame
from hygiesync.live.session import LiveSession, LiveSettings
from hygiesync.media.audio import read_audio_blocks
from hygiesync.progress import Tell

_POLL_S = 0.008
"""Longest time between two looks at the keys."""

_STATISTICS_EVERY_S = 0.2
"""Time between two sets of numbers; faster ones can't be read."""


def run_live(
    avatar: Avatar, options: LiveOptions, tell: Tell | None = None, stop: StopRequest | None = None
) -> dict[str, Any]:
    """Run a session until its end: the window is closed, the file or the time is over, or `stop` is set.

    Parameters
    ----------
    avatar : Avatar
    options : LiveOptions
    tell : callable, optional
        Told of what the user should know, a line at a time.
    stop : StopRequest, optional
        See :func:`hygiesync.apps.live.stopping.stop_signals`.

    Returns
    -------
    dict
        What was measured; see :meth:`hygiesync.live.session.LiveSession.result`. Besides ``duration_s`` and ``output``.

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
        raise UsageError(f"`duration_s`: expected a number of seconds above 0, got {options.duration_s:g}")
    stop = stop or StopRequest()
    with ExitStack() as stack:
        show = LiveShow(avatar, options, stack, tell or (lambda line: None))
        stop.check()
        with prompt_threads():
            show.run(stop)
        return show.result()


class LiveShow:
    """A session on a screen, and all that belongs to it. For the main thread.

    Parameters
    ----------
    avatar : Avatar
    options : LiveOptions
    stack : ExitStack
        Closes what is opened here.
    tell : callable
    """

    def __init__(self, avatar: Avatar, options: LiveOptions, stack: ExitStack, tell: Tell) -> None:
        self._options, self._tell, self._name = options, tell, avatar.manifest.name
        self._source = open_live_source(options.input_device)
        stack.callback(self._let_go, self._source)
        self._check_sound()
        settings = LiveSettings(options.fps, options.lookahead_ms, options.expressiveness)
        speaker = self._open_speaker(stack) if options.monitor else None
        self._session = stack.enter_context(LiveSession(avatar, self._source, settings, speaker=speaker))
        stack.callback(self._stop)
        self._controls = Controls(self._session, self._name, options.record, tell, shows_statistics=options.statistics)
        self._screen = stack.enter_context(self._make_screen())
        self._last_picture: NDArray[Any] | None = None
        self._last_panels: list[Panel] = []
        self._last_statistics: tuple[float, Panel] | None = None
        self._lasted_s = 0.0
        self._problem = ""

    def run(self, stop: StopRequest) -> None:
        """Show what is due until the end."""
        session = self._session
        session.start(self._options.record)
        start_s = perf_counter()
        goes_on = True
        while goes_on:
            goes_on = not stop.is_set and not self._controls.do_all(self._screen.poll())
            session.check()
            now_s = perf_counter()
            self._lasted_s = now_s - start_s
            if self._options.duration_s is not None and self._lasted_s >= self._options.duration_s:
                break
            if session.is_finished:
                break
            timed = session.take(now_s)
            if timed is None:
                session.wait(now_s, _POLL_S)
            elif session.is_paused:
                self._show_changes()
            else:
                self._show(timed)
        self._stop(is_wanted=not goes_on)
        session.check()

    def result(self) -> dict[str, Any]:
        """What was measured; see :func:`run_live`."""
        return {
            **self._session.result(), "duration_s": round(self._lasted_s, 3), "output": self._options.output,
        }  # fmt: skip

    def _stop(self, is_wanted: bool = False) -> None:
        if self._session.recorder.path is not None:
            self._tell(f"{self._session.recorder.path}: finishing")
        self._session.stop(is_wanted)

    def _check_sound(self) -> None:
        """Refuse a sound file that can't be read, or would be recorded over, before anything is opened or replaced."""
        sound, record = self._options.input_device, self._options.record
        if not isinstance(self._source, SoundFile) or sound is None:
            return
        next(read_audio_blocks(sound))
        if record is not None and record.exists() and record.samefile(sound):
            raise UsageError(f"{record}: is also heard; choose another `record`, or the sound would be lost")

    def _open_speaker(self, stack: ExitStack) -> Speaker:
        speaker = Speaker(sample_rate=self._source.original_rate)
        stack.callback(self._let_go, speaker)
        speaker.start()
        return speaker

    def _let_go(self, device: LiveSource | Speaker) -> None:
        """Close a device; one that does not close is no reason to wait for ever."""
        if not done_in_time(device.close):
            self._tell(f"{device.name}: the sound server does not answer; it is left as it is")
            portaudio.abandon()

    def _make_screen(self) -> Screen:
        size = self._session.size
        if self._options.output == "none":
            return Nowhere()
        if self._options.output == "virtual-camera":
            return CameraScreen(VirtualCamera(*size, float(self._options.fps)))
        return Window(
            f"{self._name} - hygiesync (synthetic media)", size, KEYS,
            full_screen=self._options.full_screen, mirror=self._options.mirror,
        )  # fmt: skip

    def _show(self, timed: TimedFrame) -> None:
        self._last_picture, self._last_panels = timed.picture, self._panels()
        self._screen.show(timed.picture, self._last_panels)
        self._session.shown(timed)

    def _show_changes(self) -> None:
        """The picture as it stands, when there is something else to say about it."""
        panels = self._panels()
        if self._last_picture is not None and panels != self._last_panels:
            self._last_panels = panels
            self._screen.show(self._last_picture, panels)

    def _panels(self) -> list[Panel]:
        health = self._session.health()
        if health.message != self._problem:
            self._problem = health.message
            self._tell(health.message or f"{self._source.name}: back again")
        panels = status_panels(self._controls.situation(health.message))
        if self._controls.shows_statistics:
            panels.append(self._statistics_panel(health))
        return panels

    def _statistics_panel(self, health: SoundHealth) -> Panel:
        """The statistics, made anew a few times a second only: quantiles and letters take time from pictures."""
        now_s = perf_counter()
        if self._last_statistics is None or now_s - self._last_statistics[0] >= _STATISTICS_EVERY_S:
            panel = statistics_panel(self._session.statistics, self._session.n_missed, health, self._source.name)
            self._last_statistics = now_s, panel
        return self._last_statistics[1]
