"""One text of espeak-ng through ctypes, run as a script of its own: ``python espeak_process.py < request > answer``.

espeak-ng keeps hidden state (pitch flutter, the phase of the glottal wave) that nothing resets, so the second
sentence of one process differs from the same sentence said first; and its library may not be entered twice at once.
A fresh process for each text makes speech reproducible and safe from threads for about 50 ms, which is why this file
imports only the standard library.

The request is JSON: ``library``, ``data`` (paths), ``text``, ``language``, ``words_per_minute``, ``pitch``. The answer
begins with one line of JSON (``sample_rate``, or ``error`` and ``message``). Then comes each clause as soon as it is
spoken: one line of JSON (``events`` and ``n_bytes``), and its samples as raw int16.
"""

from __future__ import annotations

import ctypes
import json
import sys
from typing import Any, BinaryIO

_SYNCHRONOUS = 2
_PHONEME_EVENTS, _PHONEMES_AS_IPA, _DONT_EXIT = 0x0001, 0x0002, 0x8000
_UTF8 = 1
_RATE, _PITCH = 1, 3
_LIST_TERMINATED, _CLAUSE_END, _PHONEME = 0, 5, 7
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


def speak(request: dict[str, Any], answer: BinaryIO) -> None:
    """Write the answer to one request."""
    try:
        espeak = ctypes.CDLL(request["library"])
    except OSError as error:
        _write_line(answer, {"error": "library", "message": str(error)})
        return
    options = _PHONEME_EVENTS | _PHONEMES_AS_IPA | _DONT_EXIT
    sample_rate = espeak.espeak_Initialize(_SYNCHRONOUS, 0, request["data"].encode(), options)
    if sample_rate <= 0:
        _write_line(answer, {"error": "library", "message": f"espeak_Initialize returned {sample_rate}"})
        return
    if hasattr(espeak, "espeak_ng_SetRandSeed"):
        # Breath noise is seeded with the time of day otherwise; before version 1.52 it could not be helped.
        espeak.espeak_ng_SetRandSeed(ctypes.c_long(_SEED))
    if espeak.espeak_SetVoiceByName(request["language"].encode()) != 0:
        _write_line(answer, {"error": "language", "message": request["language"]})
        return
    espeak.espeak_SetParameter(_RATE, request["words_per_minute"], 0)
    espeak.espeak_SetParameter(_PITCH, request["pitch"], 0)
    _write_line(answer, {"sample_rate": sample_rate})
    _speak_clauses(espeak, request["text"].encode() + b"\0", answer)


def _speak_clauses(espeak: ctypes.CDLL, text: bytes, answer: BinaryIO) -> None:
    audio = bytearray()
    events: list[tuple[str, int]] = []

    def write() -> None:
        _write_line(answer, {"events": events, "n_bytes": len(audio)})
        answer.write(audio)
        answer.flush()
        audio.clear()
        events.clear()

    def collect(wave: int | None, n_samples: int, reported: Any) -> int:
        if wave and n_samples > 0:
            audio.extend(ctypes.string_at(wave, n_samples * ctypes.sizeof(ctypes.c_short)))
        for event in reported:
            if event.type == _LIST_TERMINATED:
                break
            if event.type == _PHONEME:
                events.append((_name_of(event), event.sample))
            elif event.type == _CLAUSE_END:  # it comes with the clause's last samples
                write()
        return 0

    callback = _Callback(collect)
    espeak.espeak_SetSynthCallback(callback)
    espeak.espeak_Synth(text, ctypes.c_size_t(len(text)), 0, 1, 0, _UTF8, None, None)
    espeak.espeak_Synchronize()
    if audio:
        write()


def _write_line(answer: BinaryIO, content: dict[str, Any]) -> None:
    answer.write(json.dumps(content).encode() + b"\n")
    answer.flush()


def main() -> None:
    """Answer the request on standard input."""
    speak(json.load(sys.stdin), sys.stdout.buffer)


if __name__ == "__main__":
    main()
