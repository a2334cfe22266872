"""One sentence of espeak-ng through ctypes, run as a script of its own: ``python espeak.py < request > answer``.

espeak-ng keeps hidden state (pitch flutter, the phase of the glottal wave) that nothing resets, so the second
sentence of one process differs from the same sentence said first; and its library may not be entered twice at once.
A fresh process for each text makes speech reproducible and safe from threads for about 50 ms, which is why this file
imports only the standard library.

The request is JSON: ``library``, ``data`` (paths), ``text``, ``language``, ``words_per_minute``, ``pitch``. The answer
is one line of JSON (``sample_rate`` and ``events``, or ``error`` and ``message``), then the samples as raw int16.
"""

from __future__ import annotations

import ctypes
import json
import sys
from typing import Any

_SYNCHRONOUS = 2
_PHONEME_EVENTS, _PHONEMES_AS_IPA, _DONT_EXIT = 0x0001, 0x0002, 0x8000
_UTF8 = 1
_RATE, _PITCH = 1, 3
_LIST_TERMINATED, _PHONEME = 0, 7
_NAME_BYTES = 8
_SEED = 1


class _Event(ctypes.Structure):
    """``espeak_EVENT`` of speak_lib.h; the last field is a union of which only the phoneme's name matters here."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position_ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("name", ctypes.c_uint64),
    ]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event))


def _name_of(event: _Event) -> str:
    # Eight bytes at most, without a terminator when full: a long name may end inside a character.
    raw = ctypes.string_at(ctypes.addressof(event) + _Event.name.offset, _NAME_BYTES)
    return raw.split(b"\0")[0].decode("utf-8", errors="ignore")


def _refusal(kind: str, message: str) -> tuple[dict[str, Any], bytes]:
    return {"error": kind, "message": message}, b""


def speak(request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """The answer to one request: its header, and the samples as native int16 bytes."""
    try:
        espeak = ctypes.CDLL(request["library"])
    except OSError as error:
        return _refusal("library", str(error))
    options = _PHONEME_EVENTS | _PHONEMES_AS_IPA | _DONT_EXIT
    sample_rate = espeak.espeak_Initialize(_SYNCHRONOUS, 0, request["data"].encode(), options)
    if sample_rate <= 0:
        return _refusal("library", f"espeak_Initialize returned {sample_rate}")
    if hasattr(espeak, "espeak_ng_SetRandSeed"):
        # Breath noise is seeded with the time of day otherwise; before version 1.52 it could not be helped.
        espeak.espeak_ng_SetRandSeed(ctypes.c_long(_SEED))
    if espeak.espeak_SetVoiceByName(request["language"].encode()) != 0:
        return _refusal("language", request["language"])
    espeak.espeak_SetParameter(_RATE, request["words_per_minute"], 0)
    espeak.espeak_SetParameter(_PITCH, request["pitch"], 0)
    audio, events = bytearray(), []

    def collect(wave: int | None, n_samples: int, reported: Any) -> int:
        if wave and n_samples > 0:
            audio.extend(ctypes.string_at(wave, n_samples * ctypes.sizeof(ctypes.c_short)))
        for event in reported:
            if event.type == _LIST_TERMINATED:
                break
            if event.type == _PHONEME:
                events.append((_name_of(event), event.sample))
        return 0

    callback = _Callback(collect)
    espeak.espeak_SetSynthCallback(callback)
    text = request["text"].encode() + b"\0"
    espeak.espeak_Synth(text, ctypes.c_size_t(len(text)), 0, 1, 0, _UTF8, None, None)
    espeak.espeak_Synchronize()
    return {"sample_rate": sample_rate, "events": events}, bytes(audio)


def main() -> None:
    """Answer the request on standard input."""
    header, audio = speak(json.load(sys.stdin))
    sys.stdout.buffer.write(json.dumps(header).encode() + b"\n" + audio)


if __name__ == "__main__":
    main()
