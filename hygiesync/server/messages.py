"""What is said over a WebSocket: control in JSON, sound and pictures in binary.

Up, binary: 16-bit samples, little-endian, mono, at the rate that the socket was opened with. Down, binary::

    byte 0       1 a picture (JPEG), 2 sound (16-bit samples, little-endian, mono)
    bytes 1-8    its moment in the session, microseconds, big-endian
    the rest     the picture, or the samples
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.server.faults import RefusedError
from hygiesync.server.fields import Fields, parse_object

PICTURE, SOUND = 1, 2

_HEADER = struct.Struct(">Bq")

_FULL_SCALE = 32768

MAX_SOUND_BYTES = 4 * 1024 * 1024
"""Largest message of sound: some 40 s at 48 kHz, which a synthesiser may send at once."""

MAX_CONTROL_BYTES = 16 * 1024

FLUSH, INTERRUPT, MUTE, MARK, PING = "flush", "interrupt", "mute", "mark", "ping"


@dataclass(frozen=True)
class Control:
    """A message that tells what to do.

    Attributes
    ----------
    type : {"flush", "interrupt", "mute", "mark", "ping"}
    value : bool
        Of ``mute`` and ``mark``.
    number : float
        Of ``ping``: comes back with ``pong``.
    """

    type: str
    value: bool = False
    number: float = 0.0


def parse_control(text: str) -> Control:
    """A text message.

    Raises
    ------
    RefusedError
        400 where it is none that there is.
    """
    if len(text) > MAX_CONTROL_BYTES:
        raise RefusedError(413, f"message: expected at most {MAX_CONTROL_BYTES} characters, got {len(text)}")
    fields = Fields(parse_object(text))
    kind = fields.choice("type", (FLUSH, INTERRUPT, MUTE, MARK, PING))
    control = Control(
        kind,
        value=fields.flag("value") if kind in (MUTE, MARK) else False,
        number=fields.number("number", 0, 2**53, 0) if kind == PING else 0.0,
    )
    fields.finish()
    return control


def parse_sound(data: bytes) -> NDArray[np.float32]:
    """Samples (n,), -1 to 1, of a binary message.

    Raises
    ------
    RefusedError
        400 where it holds half a sample, 413 where it is too long.
    """
    if len(data) > MAX_SOUND_BYTES:
        raise RefusedError(413, f"sound: expected at most {MAX_SOUND_BYTES} bytes a message, got {len(data)}")
    if len(data) % 2:
        raise RefusedError(400, f"sound: expected 16-bit samples, got {len(data)} bytes, an odd number")
    return np.frombuffer(data, "<i2").astype(np.float32) / _FULL_SCALE


def packed(kind: int, time_s: float, content: bytes) -> bytes:
    """A binary message down.

    Parameters
    ----------
    kind : int
        `PICTURE` or `SOUND`.
    time_s : float
        Moment of the session, seconds.
    content : bytes
    """
    return _HEADER.pack(kind, round(time_s * 1e6)) + content


def unpacked(message: bytes) -> tuple[int, float, bytes]:
    """Kind, moment (seconds) and content of a binary message down; the inverse of :func:`packed`.

    Raises
    ------
    ValueError
        When it is too short, or of no kind that there is.
    """
    if len(message) < _HEADER.size:
        raise ValueError(f"expected a message of at least {_HEADER.size} bytes, got {len(message)}")
    kind, time_us = _HEADER.unpack_from(message)
    if kind not in (PICTURE, SOUND):
        raise ValueError(f"expected a message of kind {PICTURE} or {SOUND}, got {kind}")
    return int(kind), time_us / 1e6, message[_HEADER.size :]


def sound_bytes(samples: NDArray[Any]) -> bytes:
    """Samples (n,), -1 to 1, as they are sent."""
    return np.rint(np.clip(samples, -1, 1) * (_FULL_SCALE - 1)).astype("<i2").tobytes()
