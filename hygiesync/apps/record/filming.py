"""Filming one take: pictures and sound go to its file, the session goes on, and the window shows both.

One thread does all of it. It never waits for longer than a hundredth of a second, so keys are answered at once; the
camera, the encoder and the search for faces have threads of their own.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace

from hygiesync.apps.record import folder as place
from hygiesync.apps.record.face_advice import summarise
from hygiesync.apps.record.face_watch import FaceWatch
from hygiesync.apps.record.manifest import ReadingRecord, RecordingManifest, TakeRecord
from hygiesync.apps.record.options import RecordOptions
from hygiesync.apps.record.screen import panels, what_to_do
from hygiesync.apps.record.script import SENTENCE
from hygiesync.apps.record.session import QUIT, Ended, Event, Phase, Session, Started, Stopped, Superseded
from hygiesync.apps.record.sound_advice import SoundAdviser
from hygiesync.apps.record.take import Take
from hygiesync.building.video_quality import Advice
from hygiesync.devices.camera.camera import Camera, CameraFrame
from hygiesync.devices.sound.source import SoundSource
from hygiesync.devices.window import Window
from hygiesync.errors import HygieSyncError, MissingDependencyError
from hygiesync.progress import Tell

SETTLING_S = 0.3
"""Sound that is awaited before anything is recorded: the microphone's clock is known by then."""

NO_DEVICE_S = 10.0
"""How long camera and microphone may take to deliver something."""

LAST_MOMENT_S = 0.15
"""How long what was taken before the end may take to arrive."""

WAIT_S = 0.01

MOST_AT_ONCE = 8
"""Pictures that are taken in before the sound and the keys have their turn again."""


class Filming:
    """One take, from the first picture to the last.

    Parameters
    ----------
    options : RecordOptions
    manifest : RecordingManifest
        The take is added to it when it begins.
    session : Session
    camera, source
        Started.
    face_watch : FaceWatch
    window : Window or None
    tell : callable
        Told in one line of what is to be read, and of what to do better.

    Attributes
    ----------
    advised : dict of str to None
        All advice that was given, in order.
    """

    def __init__(
        self,
        options: RecordOptions,
        manifest: RecordingManifest,
        session: Session,
        camera: Camera,
        source: SoundSource,
        face_watch: FaceWatch,
        window: Window | None,
        tell: Tell,
    ) -> None:
        self._options, self._manifest, self._session = options, manifest, session
        self._camera, self._source, self._window = camera, source, window
        self._face_watch, self._tell = face_watch, tell
        self._sound_adviser = SoundAdviser(source.sample_rate)
        self._open = ExitStack()
        self._take: Take | None = None
        self._record: TakeRecord | None = None
        self._newest: CameraFrame | None = None
        self._shown: CameraFrame | None = None
        self._n_heard = 0
        self._is_over = False
        self._told = ""
        self.advised: dict[str, None] = {}

    def run(self) -> None:
        """Film until the session is done.

        Whatever it raises, the file is finished as far as it got, and the manifest says how far that is.

        Raises
        ------
        HygieSyncError
            When a device is gone, or the disk is full.
        KeyboardInterrupt
            After Ctrl-C.
        """
        try:
            with self._open:
                self._wait_for_devices()
                while not self._session.is_done:
                    self._step()
                self._take_in_the_last_moment()
        except BaseException:
            # the reading that was broken off is told of as well
            self._follow(self._session.do(QUIT, time.perf_counter()), is_writing=False)
            with suppress(HygieSyncError):  # the manifest before is valid, and a full disk is told of already
                self._write_manifest()
            raise
        self._write_manifest()

    def _wait_for_devices(self) -> None:
        """Read both until both deliver, so that nothing begins with a part missing."""
        give_up_s = time.perf_counter() + NO_DEVICE_S
        n_needed = SETTLING_S * self._source.sample_rate
        while self._newest is None or self._n_heard < n_needed:
            self._listen_and_look()
            if self._is_over or time.perf_counter() > give_up_s:
                name = self._camera.name if self._newest is None else self._source.name
                raise MissingDependencyError(f"{name}: delivers nothing; check that it is switched on and not in use")

    def _step(self) -> None:
        self._listen_and_look()
        now_s = time.perf_counter()
        self._follow(self._session.tick(now_s))
        if self._is_over or self._has_enough():
            self._follow(self._session.do(QUIT, now_s))
        if self._session.is_done:
            return
        advice = self._advise()
        if self._window is None:
            self._tell_item()
            return
        for action in self._window.poll():
            self._follow(self._session.do(action, time.perf_counter()))
        if self._newest is not None and self._newest is not self._shown:
            shown = panels(self._session, now_s, self._recorded_s, self._source.health().level_db, advice)
            self._window.show(self._newest.image, shown)
            self._shown = self._newest

    def _listen_and_look(self) -> None:
        """Take in what camera and microphone have."""
        frame = self._camera.read(WAIT_S)
        n_taken = 0
        while frame is not None:
            self._newest = frame
            self._face_watch.offer(frame.image, frame.host_s)
            if self._take is not None:
                self._take.write_frame(frame)
            n_taken += 1
            frame = self._camera.read(0.0) if n_taken < MOST_AT_ONCE else None
        samples = self._source.read(0.0)
        if samples is None:
            self._is_over = True
            return
        self._is_over = self._camera.has_ended
        self._n_heard += len(samples)
        is_speech = self._session.item.kind == SENTENCE if self._session.is_recording else None
        self._sound_adviser.push(samples, is_speech)
        if self._take is not None:
            self._take.write_audio(samples)

    def _take_in_the_last_moment(self) -> None:
        end_s = time.perf_counter() + LAST_MOMENT_S
        while not self._is_over and time.perf_counter() < end_s:
            self._listen_and_look()

    def _has_enough(self) -> bool:
        wanted_s = self._options.duration_s
        return wanted_s is not None and self._recorded_s >= wanted_s

    @property
    def _recorded_s(self) -> float:
        return 0.0 if self._take is None else self._take.duration_s

    def _follow(self, events: Sequence[Event], *, is_writing: bool = True) -> None:
        """Do what the session says; without `is_writing`, only take note of it."""
        for event in events:
            if isinstance(event, Started):
                self._begin().start(event.at_s)
            elif isinstance(event, Stopped) and self._take is not None:
                self._take.stop(event.at_s)
            elif isinstance(event, Ended):
                self._note_reading(event.number)
                if self._take is not None:
                    self._take.mark(event.at_s)
            elif isinstance(event, Superseded):
                self._note_superseded(event.number)
        if events and is_writing:
            self._write_manifest()

    def _begin(self) -> Take:
        """The take; its file appears when the first item begins, and replaces an earlier recording only then."""
        if self._take is None:
            if self._options.overwrite:
                place.clear(self._options.folder, self._options.name)
            self._record = TakeRecord(
                video=place.video_name(self._options.name, len(self._manifest.takes)),
                camera=self._camera.name,
                microphone=self._source.name,
                width=self._camera.size[0],
                height=self._camera.size[1],
                fps=str(self._camera.fps),
                sample_rate=self._source.sample_rate,
            )
            self._manifest.takes.append(self._record)
            self._take = self._open.enter_context(
                Take(
                    self._options.folder / self._record.video, self._camera.size, self._camera.fps,
                    self._source.clock, {"title": self._options.name}, self._n_heard,
                )
            )  # fmt: skip
        return self._take

    def _note_reading(self, number: int) -> None:
        reading = self._session.readings[number]
        item = self._session.items[reading.item]
        assert self._take is not None and self._record is not None
        self._record.readings.append(
            ReadingRecord(
                reading.item, item.kind, item.text, item.manner,
                self._take.time_of(reading.start_s), self._take.time_of(reading.end_s),
                reading.is_complete, reading.is_superseded,
            )
        )  # fmt: skip
        self._sound_adviser.begin_sentence()

    def _note_superseded(self, number: int) -> None:
        assert self._record is not None
        self._record.readings[number] = replace(self._record.readings[number], is_superseded=True)

    def _write_manifest(self) -> None:
        record, take = self._record, self._take
        if record is None or take is None:
            return
        health = self._source.health()
        record.duration_s = round(take.duration_s, 6)
        record.n_pictures, record.n_pictures_dropped = take.n_pictures, self._camera.n_dropped
        record.n_sound_overflows, record.n_samples_filled = health.n_overflows, health.n_filled
        self._manifest.write(self._options.folder)

    def _advise(self) -> tuple[str, ...]:
        """What to do better now; what is new is told too, since a terminal keeps it."""
        found: list[Advice] = [*self._face_watch.advice(), *self._sound_adviser.advice()]
        health = self._source.health()
        lines = summarise(found)
        if health.message:
            lines = (health.message, *lines[:1])
        for line in lines:
            if line not in self.advised:
                self.advised[line] = None
                self._tell(f"note: {line}")
        return lines

    def _tell_item(self) -> None:
        session = self._session
        if session.phase is not Phase.READING:
            return
        item = session.item
        line = f"{session.position + 1} of {len(session.items)}: {what_to_do(item)}"
        line += f" ({item.direction})" if item.direction else ""
        if line != self._told:
            self._told = line
            self._tell(line)
