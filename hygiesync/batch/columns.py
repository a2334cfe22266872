"""The columns of a table of jobs: what each may hold.

They are the options of `hygiesync render` and `say`, with underscores, so that whoever knows the commands knows the
columns.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import av

from hygiesync.engine import check_expressiveness
from hygiesync.errors import UsageError
from hygiesync.external.registry import ENGINES
from hygiesync.face.target import RULES, parse_face
from hygiesync.portrait.speaking.idle_motion import LIVELINESS
from hygiesync.timing import parse_fps
from hygiesync.tts.voice import MAX_PITCH, MAX_WORDS_PER_MINUTE, MIN_PITCH, MIN_WORDS_PER_MINUTE

MAX_CRF = 51
"""The worst quality that x264 knows."""

ENCODER_PRESETS = (
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo",
)  # fmt: skip
"""x264's, https://trac.ffmpeg.org/wiki/Encode/H.264#Preset."""

_SHOWN = 60
"""Characters of a wrong value that a message repeats."""


@dataclass(frozen=True)
class Setting:
    """A column that says how something is said.

    Attributes
    ----------
    parameter : str
        The library's name of it.
    expected : str
        What it may hold, for people.
    parse : callable
        The value of a cell; raises ValueError or UsageError.
    """

    parameter: str
    expected: str
    parse: Callable[[str], Any]


def _yes_or_no(text: str) -> bool:
    return {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}[text.lower()]


def _within(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise ValueError
        return value

    return parse


def _expressiveness(text: str) -> float:
    value = float(text)
    check_expressiveness(value)
    return value


def _lookahead_ms(text: str) -> float:
    value = float("inf") if text == "all" else float(text)
    if not value >= 0:
        raise ValueError
    return value


def _codec(text: str) -> str:
    try:
        av.codec.Codec(text, "w")
    except (av.error.FFmpegError, ValueError) as error:
        raise ValueError from error
    return text


def _encoder_preset(text: str) -> str:
    if text not in ENCODER_PRESETS:
        raise ValueError
    return text


def _engine(text: str) -> str:
    if text not in ENGINES:
        raise ValueError
    return text


def _life(text: str) -> str:
    if text not in LIVELINESS:
        raise ValueError
    return text


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise ValueError
    return value


def _words(text: str) -> tuple[str, ...]:
    return tuple(shlex.split(text))


_YES_OR_NO = "yes or no"

RENDER_SETTINGS: Mapping[str, Setting] = {
    "template": Setting("template", "a video", str),
    "still": Setting("still", _YES_OR_NO, _yes_or_no),
    "fps": Setting("fps", "a frame rate of 1 to 240, such as 25, 29.97 or 30000/1001", parse_fps),
    "life": Setting("life", f"one of {', '.join(LIVELINESS)}", _life),
    "expressiveness": Setting("expressiveness", "a number from 0 to 2", _expressiveness),
    "lookahead_ms": Setting("lookahead_ms", "milliseconds from 0 on, or all", _lookahead_ms),
    "face": Setting("face", f"a number from 1 on, or one of {', '.join(RULES)}", parse_face),
    "audio_track": Setting("audio_track", "a number from 1 on", _within(1, 10_000)),
    "landmarks_only": Setting("landmarks_only", _YES_OR_NO, _yes_or_no),
    "engine": Setting("engine", f"one of {', '.join(ENGINES)}", _engine),
    "engine_timeout": Setting("time_limit_s", "seconds, more than 0", _positive),
    "engine_args": Setting("engine_arguments", "arguments of the engine's own", _words),
    "codec": Setting("codec", "FFmpeg's name of a video encoder, such as libx264", _codec),
    "crf": Setting("crf", f"a whole number from 0 to {MAX_CRF}", _within(0, MAX_CRF)),
    "encoder_preset": Setting("preset", f"one of {', '.join(ENCODER_PRESETS)}", _encoder_preset),
}
"""How pictures are made."""

VOICE_SETTINGS: Mapping[str, Setting] = {
    "language": Setting("language", "a language such as en, fr or cmn", str),
    "voice": Setting("name", "a voice such as f3, flite-slt or a Piper voice's .onnx file", str),
    "speed": Setting(
        "words_per_minute",
        f"words a minute, {MIN_WORDS_PER_MINUTE} to {MAX_WORDS_PER_MINUTE}",
        _within(MIN_WORDS_PER_MINUTE, MAX_WORDS_PER_MINUTE),
    ),
    "pitch": Setting("pitch", f"a whole number from {MIN_PITCH} to {MAX_PITCH}", _within(MIN_PITCH, MAX_PITCH)),
}
"""How a text is read aloud."""

COLUMNS = ("avatar", "audio", "text", "out", *RENDER_SETTINGS, *VOICE_SETTINGS)


def parse_settings(cells: Mapping[str, str], known: Mapping[str, Setting]) -> tuple[dict[str, Any], dict[str, str]]:
    """Values of the cells that are among the `known` ones.

    Returns
    -------
    values : dict
        By the library's names.
    problems : dict of str to str
        What is wrong, by columns.
    """
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name, setting in known.items():
        if name not in cells:
            continue
        text = cells[name].strip()
        try:
            values[setting.parameter] = setting.parse(text)
        except (ValueError, KeyError, UsageError):
            problems[name] = expected_but_got(setting.expected, text)
    return values, problems


def expected_but_got(expected: str, text: str) -> str:
    """The line on a wrong value.

    Examples
    --------
    >>> expected_but_got("yes or no", "perhaps")
    "expected yes or no, got 'perhaps'"
    """
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    return f"expected {expected}, got {shown!r}"
