"""The course of a recording: countdown, item by item, pauses and retakes, until it is done.

No thread, no device and no clock in here: what happens comes in with its time, and what follows from it goes out as
events. So every order in which a person may press keys can be tried without waiting for it::

    COUNTDOWN --> READING --> READING ... --> REVIEW --> DONE
        ^           |  pause                     |  previous
        '--------- PAUSED                        '--> COUNTDOWN

A *reading* is one attempt at one item. Reading an item again supersedes the attempt before. Nothing is recorded in a
pause, so a reading that a pause broke off is superseded too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from hygiesync.apps.record.script import SENTENCE, Item

COUNTDOWN_S = 3.0

NEXT, RETAKE, PREVIOUS, PAUSE, AUTOMATIC, QUIT = "next", "retake", "previous", "pause", "automatic", "quit"
"""What the speaker may ask for."""


class Phase(Enum):
    """What is going on."""

    COUNTDOWN = "countdown"
    READING = "reading"
    PAUSED = "paused"
    REVIEW = "review"
    DONE = "done"


@dataclass(frozen=True)
class Reading:
    """One attempt at one item.

    Attributes
    ----------
    item : int
        Number of the item.
    start_s, end_s : float
        Span on the clock that the session is told.
    is_complete : bool
        Whether it was read to its end, as far as the speaker said.
    is_superseded : bool
        Whether a later attempt takes its place.
    """

    item: int
    start_s: float
    end_s: float
    is_complete: bool = True
    is_superseded: bool = False


@dataclass(frozen=True)
class Started:
    """From `at_s` on, what is seen and heard is to be recorded; an item begins."""

    at_s: float


@dataclass(frozen=True)
class Ended:
    """Reading number `number` has ended at `at_s`; where it goes on, the next item begins there."""

    number: int
    at_s: float


@dataclass(frozen=True)
class Superseded:
    """Reading number `number`, told of before, is superseded after all."""

    number: int


@dataclass(frozen=True)
class Stopped:
    """From `at_s` on, nothing is to be recorded."""

    at_s: float


Event = Started | Ended | Superseded | Stopped


class Session:
    """Leads through a script.

    Parameters
    ----------
    items : sequence of Item
    first : int
        The item to begin with.
    is_automatic : bool
        Whether sentences go on by themselves after their reading time, and the end needs no confirmation.
    countdown_s : float
    waits : bool
        Whether it begins paused, so that the speaker may look at the picture first.

    Attributes
    ----------
    phase : Phase
    position : int
        Number of the item that is being read, or comes next.
    readings : list of Reading
        All attempts that have ended, in order.
    """

    def __init__(
        self, items: Sequence[Item], *, first: int = 0, is_automatic: bool = False, countdown_s: float = COUNTDOWN_S,
        waits: bool = False,
    ) -> None:  # fmt: skip
        assert items and 0 <= first < len(items)
        self.items = tuple(items)
        self.is_automatic = is_automatic
        self.position = first
        self.phase = Phase.PAUSED if waits else Phase.COUNTDOWN
        self.readings: list[Reading] = []
        self._first = first
        self._countdown_s = countdown_s
        self._since_s: float | None = None

    @property
    def item(self) -> Item:
        """The item that is being read, or comes next."""
        return self.items[self.position]

    @property
    def is_done(self) -> bool:
        """Whether nothing more is to be done."""
        return self.phase is Phase.DONE

    @property
    def is_recording(self) -> bool:
        """Whether what is seen and heard now is recorded."""
        return self.phase is Phase.READING

    @property
    def is_complete(self) -> bool:
        """Whether every item since the first has a reading that counts."""
        counting = {reading.item for reading in self.readings if reading.is_complete and not reading.is_superseded}
        return counting.issuperset(range(self._first, len(self.items)))

    def remaining_s(self, now_s: float) -> float:
        """Seconds left of the countdown or, at an easy pace, of the item; zero in other phases."""
        if self._since_s is None or self.phase not in (Phase.COUNTDOWN, Phase.READING):
            return 0.0
        whole = self._countdown_s if self.phase is Phase.COUNTDOWN else self.item.duration_s
        return max(0.0, whole - (now_s - self._since_s))

    def tick(self, now_s: float) -> list[Event]:
        """Let time pass, up to `now_s` seconds; the first call begins the countdown.

        Every step happens at the time at which it was due, however late this is called.
        """
        if self._since_s is None:
            self._since_s = now_s
        events: list[Event] = []
        while (due_s := self._due_s()) is not None and due_s <= now_s:
            events += self._begin(due_s) if self.phase is Phase.COUNTDOWN else self._go_on(due_s)
        return events

    def do(self, action: str, now_s: float) -> list[Event]:
        """What follows from what the speaker asks for at `now_s`; nothing where it makes no sense.

        Parameters
        ----------
        action : {"next", "retake", "previous", "pause", "automatic", "quit"}
        now_s : float
            Not before the last call.
        """
        events = self.tick(now_s)
        if action == AUTOMATIC:
            self.is_automatic = not self.is_automatic
            return events
        if self.phase is Phase.DONE:
            return events
        if action == QUIT:
            return events + self._quit(now_s)
        answers = {
            Phase.COUNTDOWN: {NEXT: self._begin, PAUSE: self._pause, PREVIOUS: self._go_back},
            Phase.READING: {NEXT: self._go_on, PAUSE: self._pause, PREVIOUS: self._go_back, RETAKE: self._retake},
            Phase.PAUSED: {NEXT: self._count_down, PAUSE: self._count_down, PREVIOUS: self._go_back},
            Phase.REVIEW: {NEXT: self._finish, PREVIOUS: self._go_back, RETAKE: self._go_back},
        }
        answer = answers[self.phase].get(action)
        return events if answer is None else events + answer(now_s)

    def _due_s(self) -> float | None:
        """When the next step happens by itself."""
        assert self._since_s is not None
        if self.phase is Phase.COUNTDOWN:
            return self._since_s + self._countdown_s
        if self.phase is Phase.READING and (self.is_automatic or self.item.kind != SENTENCE):
            return self._since_s + self.item.duration_s
        return None

    def _enter(self, phase: Phase, now_s: float) -> None:
        self.phase, self._since_s = phase, now_s

    def _count_down(self, now_s: float) -> list[Event]:
        self._enter(Phase.COUNTDOWN, now_s)
        return []

    def _begin(self, now_s: float) -> list[Event]:
        self._enter(Phase.READING, now_s)
        return [Started(now_s)]

    def _end(self, now_s: float, *, is_complete: bool = True, is_superseded: bool = False) -> list[Event]:
        """Close the reading that is going on."""
        assert self._since_s is not None
        self.readings.append(Reading(self.position, self._since_s, now_s, is_complete, is_superseded))
        return [Ended(len(self.readings) - 1, now_s)]

    def _go_on(self, now_s: float) -> list[Event]:
        events = self._end(now_s)
        if self.position + 1 < len(self.items):
            self.position += 1
            self._enter(Phase.READING, now_s)
            return events
        self._enter(Phase.DONE if self.is_automatic else Phase.REVIEW, now_s)
        return [*events, Stopped(now_s)]

    def _retake(self, now_s: float) -> list[Event]:
        events = self._end(now_s, is_complete=False, is_superseded=True)
        self._enter(Phase.READING, now_s)
        return events

    def _go_back(self, now_s: float) -> list[Event]:
        """Read the item before again; in the review, where none is being read, the last one."""
        was_reading = self.phase is Phase.READING
        events = self._end(now_s, is_complete=False, is_superseded=True) if was_reading else []
        if self.phase is not Phase.REVIEW:
            self.position = max(self._first, self.position - 1)
        events += self._supersede(self.position)
        self._enter(Phase.READING if was_reading else Phase.COUNTDOWN, now_s)
        return events

    def _supersede(self, item: int) -> list[Event]:
        events: list[Event] = []
        for number, reading in enumerate(self.readings):
            if reading.item == item and not reading.is_superseded:
                self.readings[number] = replace(reading, is_superseded=True)
                events.append(Superseded(number))
        return events

    def _pause(self, now_s: float) -> list[Event]:
        events: list[Event] = []
        if self.phase is Phase.READING:
            events = [*self._end(now_s, is_complete=False, is_superseded=True), Stopped(now_s)]
        self._enter(Phase.PAUSED, now_s)
        return events

    def _finish(self, now_s: float) -> list[Event]:
        self._enter(Phase.DONE, now_s)
        return []

    def _quit(self, now_s: float) -> list[Event]:
        events: list[Event] = []
        if self.phase is Phase.READING:
            events = [*self._end(now_s, is_complete=False), Stopped(now_s)]
        self._enter(Phase.DONE, now_s)
        return events
