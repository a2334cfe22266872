"""What the server and a session's process tell each other, and the memory in which both see the pictures.

A message is a byte that says what it is, and its content::

    j  both ways    JSON: a command; an event of the session's, or its state
    h  to it        live sound: samples, float32
    s  to it        sound to be said: samples, float32
    p  from it      a picture lies in the shared memory: its number, and its moment in microseconds
    a  from it      sound: its first sample's number, and samples, float32
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from ctypes import c_uint8
from dataclasses import dataclass
from multiprocessing.context import BaseContext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.live.session import LiveSettings

JSON, HEAR, SAY, PICTURE, SOUND = b"j", b"h", b"s", b"p", b"a"

CLOSE, FLUSH, INTERRUPT, MUTE, MARK, LOOK = "close", "flush", "interrupt", "mute", "mark", "look"
"""Commands; the last three have a ``value``. `LOOK`: whether anybody wants pictures and sound."""

STARTED, FAILED, STATE = "_started", "_failed", "_state"
"""What the process tells the server alone."""

_PICTURE, _SOUND = struct.Struct(">QQ"), struct.Struct(">Q")

N_SLOTS = 4
"""Pictures that may wait in the shared memory; the server takes each within a millisecond or so."""

_COUNTER_BYTES = 8


@dataclass(frozen=True)
class SessionOrder:
    """What a session's process is told when it starts.

    Attributes
    ----------
    id : str
    directory : str
        The avatar's.
    settings : LiveSettings
    is_marked : bool
        Whether pictures carry the visible mark.
    size : tuple of int
        (width, height) of the pictures.
    """

    id: str
    directory: str
    settings: LiveSettings
    is_marked: bool
    size: tuple[int, int]


class SharedPictures:
    """A few pictures in memory that two processes share: one puts in, the other takes out, in order.

    Parameters
    ----------
    size : tuple of int
        (width, height).
    memory : object
        What :meth:`memory_for` gave, or any other buffer of :meth:`n_bytes`, zeros at first.
    """

    def __init__(self, size: tuple[int, int], memory: Any) -> None:
        width, height = size
        whole = np.frombuffer(memory, np.uint8)
        self._taken = whole[:_COUNTER_BYTES].view(np.uint64)
        self._pictures = whole[_COUNTER_BYTES:].reshape(N_SLOTS, height, width, 3)
        self._n_put = 0

    @staticmethod
    def n_bytes(size: tuple[int, int]) -> int:
        """Memory that pictures of a (width, height) take."""
        return _COUNTER_BYTES + N_SLOTS * size[0] * size[1] * 3

    @staticmethod
    def memory_for(size: tuple[int, int], context: BaseContext) -> Any:
        """Memory for pictures of a (width, height), which can be handed to a process of `context`."""
        return context.RawArray(c_uint8, SharedPictures.n_bytes(size))

    def put(self, picture: NDArray[np.uint8]) -> int | None:
        """Put in a picture (H, W, 3), and get its number; None where the other side is too far behind."""
        if self._n_put - int(self._taken[0]) >= N_SLOTS:
            return None
        self._pictures[self._n_put % N_SLOTS] = picture
        self._n_put += 1
        return self._n_put - 1

    def see(self, number: int) -> NDArray[np.uint8]:
        """A picture (H, W, 3), to be read until :meth:`let_go`."""
        picture: NDArray[np.uint8] = self._pictures[number % N_SLOTS]
        return picture

    def let_go(self, number: int) -> None:
        """Its place, and those of all before it, may be used again."""
        self._taken[0] = number + 1


def told(message: Mapping[str, Any]) -> bytes:
    """A message in JSON."""
    return JSON + json.dumps(message).encode()


def samples_message(kind: bytes, samples: NDArray[np.float32]) -> bytes:
    """Sound (n,) for the process."""
    return kind + np.ascontiguousarray(samples, np.float32).tobytes()


def samples_in(content: memoryview) -> NDArray[np.float32]:
    """Samples (n,) of a message's content."""
    return np.frombuffer(content, np.float32)


def picture_message(number: int, time_s: float) -> bytes:
    """A picture's number, and its moment of the session."""
    return PICTURE + _PICTURE.pack(number, round(time_s * 1e6))


def picture_in(content: memoryview) -> tuple[int, float]:
    """The inverse of :func:`picture_message`."""
    number, time_us = _PICTURE.unpack(content)
    return int(number), time_us / 1e6


def sound_message(samples: NDArray[np.float32], first_sample: int) -> bytes:
    """Sound (n,) of the session, and its moment as a sample's number."""
    return SOUND + _SOUND.pack(first_sample) + np.ascontiguousarray(samples, np.float32).tobytes()


def sound_in(content: memoryview) -> tuple[NDArray[np.float32], int]:
    """The inverse of :func:`sound_message`."""
    return samples_in(content[_SOUND.size :]), int(_SOUND.unpack_from(content)[0])
