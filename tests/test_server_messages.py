"""What parses strangers' messages, and what keeps a session's sound in time: properties."""

import json
import pickle
from collections import deque
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from present import present

from hygiesync.server.faults import RefusedError
from hygiesync.server.limits import RateLimit
from hygiesync.server.messages import PICTURE, SOUND, packed, parse_control, parse_sound, sound_bytes, unpacked
from hygiesync.server.sessions.feed import FEED_RATE, PATIENCE_S, Feed
from hygiesync.server.sessions.incoming import IncomingSound
from hygiesync.server.sessions.outgoing import BLOCK_LENGTH, OutgoingSound
from hygiesync.server.sessions.pipe import (
    N_SLOTS,
    SharedPictures,
    picture_in,
    picture_message,
    sound_in,
    sound_message,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)

FIELDS = st.dictionaries(st.sampled_from(["type", "value", "number", "x"]), JSON | st.sampled_from(["ping", "mute"]))


@given(st.text() | FIELDS.map(json.dumps) | JSON.map(json.dumps))
def test_any_text_is_a_message_or_refused(text: str) -> None:
    try:
        control = parse_control(text)
    except RefusedError as refused:
        assert refused.status in (400, 413)
    else:
        assert control.type == json.loads(text)["type"]


@given(st.binary(max_size=400))
def test_any_bytes_are_sound_or_refused(data: bytes) -> None:
    try:
        samples = parse_sound(data)
    except RefusedError as refused:
        assert (refused.status, len(data) % 2) == (400, 1)
    else:
        assert len(samples) == len(data) // 2
        assert np.abs(sound_to_int(sound_bytes(samples)) - sound_to_int(data)).max(initial=0) <= 1


def sound_to_int(data: bytes) -> NDArray[Any]:
    return np.frombuffer(data, "<i2").astype(int)


@given(st.sampled_from([PICTURE, SOUND]), st.floats(-1e6, 1e6), st.binary(max_size=50))
def test_messages_down_come_back(kind: int, time_s: float, content: bytes) -> None:
    seen = unpacked(packed(kind, time_s, content))
    assert (seen[0], seen[2]) == (kind, content)
    assert seen[1] == pytest.approx(time_s, abs=1e-6)


@given(st.binary(max_size=30))
def test_any_bytes_are_a_message_down_or_refused(data: bytes) -> None:
    if len(data) < 9 or data[0] not in (PICTURE, SOUND):
        with pytest.raises(ValueError, match="expected a message"):
            unpacked(data)
    else:
        kind, _, content = unpacked(data)
        assert bytes([kind]) + content == data[:1] + data[9:]


STEPS = st.lists(
    st.tuples(st.floats(0.001, 0.2), st.sampled_from(["none", "say", "hear", "flush", "drop"]), st.integers(1, 4000)),
    max_size=60,
)


@given(STEPS)
def test_the_timeline_keeps_to_the_clock_and_the_said_to_its_order(steps: list[tuple[float, str, int]]) -> None:
    feed, now_s, n_said = Feed(), 100.0, 0
    heard, expected = [feed.take(now_s)], []
    for wait_s, what, n_samples in steps:
        now_s += wait_s
        if what == "say":
            numbers = np.arange(n_said + 1, n_said + 1 + n_samples, dtype=np.float32)
            assert feed.say(numbers)
            expected.append(numbers)
            n_said += n_samples
        elif what == "hear":
            feed.hear(np.full(n_samples, -1, np.float32))
        elif what == "flush":
            feed.flush()
        elif what == "drop":
            feed.drop()
        heard.append(feed.take(now_s))
        lead_s = feed.n_heard / FEED_RATE - (now_s - 100)
        assert lead_s <= PATIENCE_S + 1e-3
        assert lead_s >= -PATIENCE_S - 1e-3 or feed.waiting_s >= 0
    said = np.concatenate(heard)
    said = said[said > 0]
    assert len(said) == feed.n_said
    assert (np.diff(said) > 0).all()  # in order, none twice
    if not any(what == "drop" for _, what, _ in steps):
        assert (said == np.concatenate([*expected, np.zeros(0)])[: len(said)]).all()


def test_a_burst_is_said_at_the_pace_of_time_and_marked() -> None:
    feed = Feed()
    feed.take(0.0)
    feed.say(np.ones(FEED_RATE, np.float32))
    feed.flush()
    times_s = np.arange(1, 131) / 100
    heard = np.concatenate([feed.take(float(now_s)) for now_s in times_s])
    assert len(heard) == round(1.3 * FEED_RATE)
    assert heard[:FEED_RATE].all()
    assert not heard[FEED_RATE:].any()
    assert [(mark.event, mark.sample, mark.said_s) for mark in feed.marks] == [
        ("speaking", 0, 0.0),
        ("resting", FEED_RATE, 1.0),
    ]


@pytest.mark.parametrize("is_said", [False, True])
def test_silence_and_what_is_said_are_heard_a_hop_at_a_time(is_said: bool) -> None:
    """And not a sample at a time, as fast as the processor can."""
    source = IncomingSound()
    source.start()
    if is_said:
        source.say(np.ones(FEED_RATE, np.float32))
    lengths = [len(present(source.read(1.0))) for _ in range(20)]
    assert sum(lengths) >= 18 * FEED_RATE // 100


def test_live_sound_is_heard_when_it_comes() -> None:
    source = IncomingSound()
    source.start()
    source.read(1.0)
    source.hear(np.ones(480, np.float32))
    assert present(source.read(1.0)).any()


def test_a_microphone_that_stalls_does_not_make_the_conversation_lag() -> None:
    feed = Feed()
    feed.take(0.0)
    for number in range(10):
        feed.hear(np.ones(480, np.float32))
        feed.take(0.01 * (number + 1))
    feed.take(0.6)  # half a second in which nothing came is silence
    feed.hear(np.ones(FEED_RATE // 2, np.float32))
    late = feed.take(0.61)
    assert len(late) <= (2 * PATIENCE_S + 0.01) * FEED_RATE + 1
    assert feed.n_dropped > 0


@given(st.lists(st.integers(0, 3000), max_size=30), st.lists(st.integers(0, 60_000), min_size=1, max_size=30))
def test_sound_goes_out_whole_in_order_and_not_before_its_time(puts: list[int], takes: list[int]) -> None:
    out, n_put = OutgoingSound(), 0
    taken: list[float] = []
    for n_samples, until in zip(puts, takes, strict=False):
        out.write_audio(np.arange(n_put, n_put + n_samples, dtype=np.float32))
        n_put += n_samples
        for first, block in out.take(until):
            assert first < until
            assert first == block[0] == len(taken)
            assert len(block) == BLOCK_LENGTH
            taken.extend(block)
    assert taken == list(range(len(taken)))


def test_silence_takes_the_place_of_what_is_not_out_yet() -> None:
    out = OutgoingSound()
    out.write_audio(np.ones(4 * BLOCK_LENGTH, np.float32))
    out.take(1)
    out.silence(5 * BLOCK_LENGTH)
    out.write_audio(np.ones(2 * BLOCK_LENGTH, np.float32))  # half of it was on its way already
    rest = np.concatenate([block for _, block in out.take(1e9)])
    assert len(rest) == 5 * BLOCK_LENGTH
    rest, after = rest[:-BLOCK_LENGTH], rest[-BLOCK_LENGTH:]
    assert after.all()
    assert (np.diff(rest) <= 0).all()
    assert not rest[BLOCK_LENGTH // 2 :].any()


@given(st.lists(st.floats(0, 3), max_size=80))
def test_no_more_pass_than_burst_and_pace_allow(waits_s: list[float]) -> None:
    limit, now_s, n_passed = RateLimit(per_s=2, burst=5), 0.0, 0
    for wait_s in waits_s:
        now_s += wait_s
        n_passed += limit.allows("me", now_s)
        assert n_passed <= 5 + 2 * now_s + 1e-6


@given(st.lists(st.booleans(), max_size=60))
def test_a_picture_in_shared_memory_stays_until_it_is_let_go(puts: list[bool]) -> None:
    size = 4, 2
    memory = bytearray(SharedPictures.n_bytes(size))
    inside, outside = SharedPictures(size, memory), SharedPictures(size, memory)
    waiting: deque[tuple[int, int]] = deque()
    for value, is_put in enumerate(puts):
        if is_put:
            number = inside.put(np.full((2, 4, 3), value, np.uint8))
            assert (number is None) == (len(waiting) == N_SLOTS)
            if number is not None:
                waiting.append((number, value))
        elif waiting:
            number, seen = waiting.popleft()
            assert (outside.see(number) == seen).all()
            outside.let_go(number)


@given(st.binary(max_size=40), st.integers(0, 2**40), st.floats(0, 1e6))
def test_messages_of_a_session_come_back(content: bytes, number: int, time_s: float) -> None:
    samples = np.frombuffer(content[: len(content) // 4 * 4], np.float32)
    seen, first = sound_in(memoryview(sound_message(samples, number))[1:])
    assert (seen.tobytes(), first) == (samples.tobytes(), number)
    picture, moment_s = picture_in(memoryview(picture_message(number, time_s))[1:])
    assert picture == number
    assert moment_s == pytest.approx(time_s, abs=1e-6)


def test_half_an_hour_of_talk_keeps_no_more_than_a_minute() -> None:
    """A microphone with gaps, and bursts to be said, at a hundredth of a second each time."""
    feed, out, sizes = Feed(), OutgoingSound(), []
    packet, burst = np.ones(FEED_RATE // 50, np.float32), np.ones(FEED_RATE, np.float32)
    for tick in range(30 * 60 * 50):
        now_s = tick / 50
        if tick % 500 == 0:
            feed.say(burst)
            feed.flush()
        if tick % 7:
            feed.hear(packet)
        out.write_audio(feed.take(now_s))
        out.take(feed.n_heard - FEED_RATE // 10)
        while feed.marks:
            feed.marks.popleft()
        if tick % 3000 == 2999:
            sizes.append(len(pickle.dumps(feed)) + out.n_waiting)
    assert feed.n_said == 180 * FEED_RATE
    assert max(sizes) <= max(sizes[:2]) + 4 * len(packet)
