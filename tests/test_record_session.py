"""The course of a recording, in every order in which keys may be pressed, without waiting for any of it."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hygiesync.apps.record.script import REST, SENTENCE, SILENCE, Item, load_script
from hygiesync.apps.record.session import (
    AUTOMATIC,
    NEXT,
    PAUSE,
    PREVIOUS,
    QUIT,
    RETAKE,
    Ended,
    Phase,
    Reading,
    Session,
    Started,
    Stopped,
    Superseded,
)

ITEMS = (
    Item(SILENCE, "", "calm", "", 20.0),
    Item(REST, "", "calm", "", 3.0),
    Item(SENTENCE, "One.", "calm", "", 2.0),
    Item(SENTENCE, "Two.", "calm", "", 2.5),
    Item(SENTENCE, "Three.", "calm", "", 4.0),
)


def begun(**options: bool) -> Session:
    """A session whose countdown began at 100 s."""
    session = Session(ITEMS, **options)
    assert session.tick(100.0) == []
    return session


def at_sentence(number: int = 2, **options: Any) -> tuple[Session, float]:
    """A session that reached a sentence at 126 s or later, and the time."""
    session = begun(**options)
    session.tick(126.0)
    now_s = 126.0
    while session.position < number:
        now_s += 1
        session.do(NEXT, now_s)
    return session, now_s


class TestByItself:
    def test_countdown_silence_and_rest_go_on_by_themselves(self) -> None:
        session = begun()
        assert (session.phase, session.remaining_s(101.0)) == (Phase.COUNTDOWN, 2.0)
        assert session.tick(103.5) == [Started(103.0)]
        assert (session.item.kind, session.remaining_s(104.0)) == (SILENCE, 19.0)
        assert session.tick(130.0) == [Ended(0, 123.0), Ended(1, 126.0)]
        assert (session.phase, session.item.text) == (Phase.READING, "One.")

    def test_a_sentence_waits_for_its_reader(self) -> None:
        session, now_s = at_sentence()
        assert session.tick(now_s + 600) == []
        assert session.item.text == "One."
        assert session.remaining_s(now_s + 600) == 0

    def test_automatic_takes_the_usual_time_of_each_sentence(self) -> None:
        session = begun(is_automatic=True)
        events = session.tick(500.0)
        assert events == [
            Started(103.0), Ended(0, 123.0), Ended(1, 126.0), Ended(2, 128.0), Ended(3, 130.5), Ended(4, 134.5),
            Stopped(134.5),
        ]  # fmt: skip
        assert session.is_done and session.is_complete

    def test_late_ticks_change_nothing(self) -> None:
        together, apart = begun(is_automatic=True), begun(is_automatic=True)
        events = [event for tenth in range(1000, 1400) for event in apart.tick(tenth / 10)]
        assert together.tick(140.0) == events
        assert together.readings == apart.readings

    def test_no_countdown(self) -> None:
        session = Session(ITEMS, countdown_s=0.0)
        assert session.tick(5.0) == [Started(5.0)]

    def test_it_may_wait_for_the_speaker(self) -> None:
        session = Session(ITEMS, waits=True)
        assert session.tick(0.0) == session.tick(1000.0) == []
        assert session.phase is Phase.PAUSED
        assert session.do(NEXT, 1001.0) == []
        assert session.tick(1004.0) == [Started(1004.0)]

    def test_a_script_of_ours_takes_as_long_as_it_says(self) -> None:
        script = load_script("de")
        session = Session(script.items, is_automatic=True, countdown_s=0)
        session.tick(0.0)
        *_, last = session.tick(1000.0)
        assert isinstance(last, Stopped)
        assert last.at_s == pytest.approx(script.duration_s)


class TestKeys:
    def test_next(self) -> None:
        session, now_s = at_sentence()
        assert session.do(NEXT, now_s + 2) == [Ended(2, now_s + 2)]
        assert session.readings[-1] == Reading(2, 126.0, now_s + 2)
        assert session.item.text == "Two."

    def test_next_ends_countdown_and_silence_early(self) -> None:
        session = begun()
        assert session.do(NEXT, 101.0) == [Started(101.0)]
        assert session.do(NEXT, 105.0) == [Ended(0, 105.0)]
        assert session.readings[0].is_complete

    def test_retake(self) -> None:
        session, now_s = at_sentence()
        assert session.do(RETAKE, now_s + 1) == [Ended(2, now_s + 1)]
        assert session.readings[-1] == Reading(2, 126.0, now_s + 1, is_complete=False, is_superseded=True)
        assert (session.phase, session.item.text) == (Phase.READING, "One.")
        session.do(NEXT, now_s + 4)
        assert session.readings[-1] == Reading(2, now_s + 1, now_s + 4)

    def test_previous_supersedes_both(self) -> None:
        session, now_s = at_sentence(3)
        assert session.do(PREVIOUS, now_s + 0.5) == [Ended(3, now_s + 0.5), Superseded(2)]
        assert session.item.text == "One."
        assert [reading.is_superseded for reading in session.readings] == [False, False, True, True]
        assert session.phase is Phase.READING

    def test_previous_twice_goes_back_two(self) -> None:
        session, now_s = at_sentence(4)
        session.do(PREVIOUS, now_s + 1)
        assert Superseded(2) in session.do(PREVIOUS, now_s + 2)
        assert session.item.text == "One."

    def test_previous_at_the_beginning_begins_again(self) -> None:
        session = begun()
        session.tick(103.0)
        assert session.do(PREVIOUS, 110.0) == [Ended(0, 110.0)]
        assert (session.position, session.remaining_s(110.0)) == (0, 20.0)

    def test_a_pause_breaks_the_sentence_off_and_stops_recording(self) -> None:
        session, now_s = at_sentence()
        assert session.do(PAUSE, now_s + 1) == [Ended(2, now_s + 1), Stopped(now_s + 1)]
        assert session.readings[-1].is_superseded
        assert not session.is_recording
        assert session.tick(now_s + 999) == []
        assert session.do(PAUSE, now_s + 1000) == []
        assert session.phase is Phase.COUNTDOWN
        assert session.tick(now_s + 1003) == [Started(now_s + 1003)]
        assert session.item.text == "One."

    def test_a_pause_in_the_countdown_records_nothing(self) -> None:
        session = begun()
        assert session.do(PAUSE, 101.0) == []
        assert (session.phase, session.readings) == (Phase.PAUSED, [])

    def test_previous_in_a_pause(self) -> None:
        session, now_s = at_sentence(3)
        session.do(PAUSE, now_s + 1)
        assert session.do(PREVIOUS, now_s + 5) == [Superseded(2)]
        assert (session.phase, session.item.text) == (Phase.COUNTDOWN, "One.")

    def test_the_end_may_be_looked_back_on(self) -> None:
        session, now_s = at_sentence(4)
        assert session.do(NEXT, now_s + 3) == [Ended(4, now_s + 3), Stopped(now_s + 3)]
        assert (session.phase, session.is_done) == (Phase.REVIEW, False)
        assert session.do(PREVIOUS, now_s + 9) == [Superseded(4)]
        assert (session.phase, session.item.text) == (Phase.COUNTDOWN, "Three.")
        assert not session.is_complete
        session.tick(now_s + 12)
        session.do(NEXT, now_s + 15)
        assert session.do(NEXT, now_s + 16) == []
        assert session.is_done and session.is_complete

    def test_quit_keeps_what_was_begun(self) -> None:
        session, now_s = at_sentence()
        assert session.do(QUIT, now_s + 1) == [Ended(2, now_s + 1), Stopped(now_s + 1)]
        assert session.readings[-1] == Reading(2, 126.0, now_s + 1, is_complete=False)
        assert session.is_done and not session.is_complete

    def test_quit_before_the_beginning(self) -> None:
        session = begun()
        assert session.do(QUIT, 101.0) == []
        assert session.is_done

    def test_automatic_is_switched_on_and_off(self) -> None:
        session, now_s = at_sentence()
        session.do(AUTOMATIC, now_s)
        assert session.tick(128.0) == [Ended(2, 128.0)]
        session.do(AUTOMATIC, 129.0)
        assert session.tick(999.0) == []

    def test_going_on_with_an_interrupted_one(self) -> None:
        session = Session(ITEMS, first=3, is_automatic=True, countdown_s=0.0)
        assert session.tick(0.0) == [Started(0.0)]
        assert session.do(PREVIOUS, 1.0) == [Ended(0, 1.0)]  # what lies before is in another take
        assert session.position == 3
        session.tick(100.0)
        assert session.is_complete


ACTIONS = st.tuples(
    st.floats(0.0, 12.0), st.sampled_from([None, NEXT, NEXT, NEXT, RETAKE, PREVIOUS, PAUSE, AUTOMATIC, QUIT])
)


@given(st.lists(ACTIONS, max_size=60), st.booleans(), st.booleans())
def test_whatever_is_pressed(steps: list[tuple[float, str | None]], is_automatic: bool, waits: bool) -> None:
    """Readings never overlap, lie where it was recorded, and each item counts once at most."""
    session = Session(ITEMS, is_automatic=is_automatic, waits=waits)
    now_s, events = 0.0, session.tick(0.0)
    for wait_s, action in steps:
        now_s += wait_s
        events += session.tick(now_s) if action is None else session.do(action, now_s)

    recorded: list[tuple[float, float | None]] = []
    superseded = set()
    for event in events:
        if isinstance(event, Started):
            assert not recorded or recorded[-1][1] is not None
            recorded.append((event.at_s, None))
        elif isinstance(event, Stopped):
            assert recorded[-1][1] is None
            recorded[-1] = recorded[-1][0], event.at_s
        elif isinstance(event, Superseded):
            assert event.number not in superseded
            superseded.add(event.number)
    assert session.is_recording == bool(recorded and recorded[-1][1] is None)

    ends = [event.number for event in events if isinstance(event, Ended)]
    assert ends == list(range(len(session.readings)))
    for reading in session.readings:
        assert reading.start_s <= reading.end_s <= now_s
        assert any(start <= reading.start_s and (end is None or reading.end_s <= end) for start, end in recorded)
    for earlier, later in pairwise(session.readings):
        assert earlier.end_s <= later.start_s
    counting = [reading.item for reading in session.readings if not reading.is_superseded]
    assert len(set(counting)) == len(counting)
    assert superseded <= {number for number, reading in enumerate(session.readings) if reading.is_superseded}
    if session.phase is Phase.REVIEW:
        assert session.is_complete
