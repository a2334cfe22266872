"""What the speaker reads over the picture: the sentence, how far it is, and what to do better.

The sentence stands at the top, since cameras sit above screens: whoever reads there looks almost into the lens.
"""

from __future__ import annotations

from collections.abc import Sequence

from hygiesync.apps.record import session as does
from hygiesync.apps.record.script import SENTENCE, SILENCE, Item
from hygiesync.apps.record.session import Phase, Session
from hygiesync.devices.window import Key, Panel

KEYS = (
    Key("space", does.NEXT, "begin; next sentence"),
    Key("return", does.NEXT, "begin; next sentence"),
    Key("right", does.NEXT, "begin; next sentence"),
    Key("r", does.RETAKE, "read this sentence again"),
    Key("backspace", does.PREVIOUS, "go back, and read the sentence before again"),
    Key("left", does.PREVIOUS, "go back, and read the sentence before again"),
    Key("p", does.PAUSE, "pause; go on"),
    Key("a", does.AUTOMATIC, "go on by itself after each sentence, or not"),
    Key("q", does.QUIT, "stop here"),
    Key("escape", does.QUIT, "stop here"),
)

AMBER, GREY, RED, WHITE = (255, 200, 80), (170, 170, 170), (255, 90, 80), (255, 255, 255)

SENTENCE_SIZE, NEXT_SIZE = 1.9, 0.9

_QUIETEST_DB, _N_BARS = -60.0, 24


def panels(session: Session, now_s: float, recorded_s: float, level_db: float, advice: Sequence[str]) -> list[Panel]:
    """Text over the picture.

    Parameters
    ----------
    session : Session
    now_s : float
        On the clock that the session is told.
    recorded_s : float
        Seconds in the file.
    level_db : float
        Of the microphone, below full scale.
    advice : sequence of str
        What to do better, a line each.
    """
    shown = [*_prompt(session, now_s)]
    if advice:
        shown.append(Panel(tuple(advice), "bottom", 1.1, AMBER))
    shown.append(Panel((_status(session, recorded_s, level_db),), "bottom", 0.8, RED if session.is_recording else GREY))
    return shown


def what_to_do(item: Item) -> str:
    """An item in one line, for the screen and for terminals."""
    if item.kind == SENTENCE:
        return item.text
    return "Sit still, mouth closed, and say nothing." if item.kind == SILENCE else "Say nothing for a moment."


def _prompt(session: Session, now_s: float) -> list[Panel]:
    if session.phase is Phase.REVIEW:
        lines = "That was all, thank you!", "Space: done.   Backspace: read the last sentence again."
        return [Panel(lines, "top", 1.2)]
    if session.phase is Phase.PAUSED:
        return [Panel(_while_paused(session), "top", 1.0)]  # the face is looked at before it is filmed
    shown = [Panel((what_to_do(session.item),), "top", SENTENCE_SIZE)]
    if session.item.direction:
        shown.append(Panel((session.item.direction,), "top", 1.0, AMBER))
    following = session.items[session.position + 1 : session.position + 2]
    if following and session.item.kind == SENTENCE:
        shown.append(Panel((what_to_do(following[0]),), "top", NEXT_SIZE, GREY))
    if session.phase is Phase.COUNTDOWN:
        shown.append(Panel((f"{_whole(session.remaining_s(now_s))}",), "middle", 4.0))
    elif session.item.kind != SENTENCE:
        shown.append(Panel((f"{_whole(session.remaining_s(now_s))} s",), "middle", 1.5))
    return shown


def _while_paused(session: Session) -> tuple[str, ...]:
    if session.readings:
        return "Paused: nothing is recorded.", "Space: go on.   Backspace: one sentence back.   Q: stop here."
    left_s = sum(item.duration_s for item in session.items[session.position :])
    n_sentences = sum(item.kind == SENTENCE for item in session.items[session.position :])
    return (
        f"{n_sentences} sentences, about {max(1, round(left_s / 60))} minutes.",
        "Read each one aloud as it comes, in your own way, and press Space for the next.",
        "If one goes wrong: R. If you saw it too late: Backspace.",
        "Press Space when you are ready.   H lists all keys.",
    )


def _status(session: Session, recorded_s: float, level_db: float) -> str:
    sentences = [number for number, item in enumerate(session.items) if item.kind == SENTENCE]
    n_before = sum(number < session.position for number in sentences)
    number = min(n_before + (session.item.kind == SENTENCE), len(sentences))
    state = "recording" if session.is_recording else session.phase.value
    automatic = "   automatic" if session.is_automatic else ""
    minutes, seconds = divmod(int(recorded_s), 60)
    return f"{state}{automatic}   {number} of {len(sentences)}   {minutes}:{seconds:02d}   microphone {_bars(level_db)}"


def _bars(level_db: float) -> str:
    share = min(1.0, max(0.0, 1 - level_db / _QUIETEST_DB))
    n_bars = round(share * _N_BARS)
    return "|" * n_bars + "." * (_N_BARS - n_bars)


def _whole(seconds: float) -> int:
    return int(seconds) + 1
