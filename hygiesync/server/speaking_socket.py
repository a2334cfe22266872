"""A WebSocket that a session is spoken to by, and, where asked for, seen and heard by.

It is what assistants stream their voice into, and the page's way where WebRTC can't pass.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from aiohttp import WSCloseCode, WSMsgType, web
from numpy.typing import NDArray

from hygiesync.devices.sound.resampler import BlockResampler
from hygiesync.media.images import jpeg_of
from hygiesync.server.faults import RefusedError
from hygiesync.server.messages import (
    FLUSH,
    INTERRUPT,
    MARK,
    MUTE,
    PICTURE,
    PING,
    SOUND,
    Control,
    packed,
    parse_control,
    parse_sound,
    sound_bytes,
)
from hygiesync.server.sessions.feed import FEED_RATE, MAX_SPOKEN_S
from hygiesync.server.sessions.remote import RemoteSession
from hygiesync.server.sessions.session import ENDED

_MAX_WAITING = 512
"""Events and blocks of sound that may wait for a client that reads slowly; then it is let go."""

_MAX_BAD = 20
"""Messages without sense that a client may send; then it is let go."""

_JPEG_QUALITY = 80


@dataclass(frozen=True)
class SocketSettings:
    """How a socket was opened.

    Attributes
    ----------
    sample_rate : int
        Of the sound that comes (Hz).
    is_live : bool
        Sound is heard as it comes, like a microphone's, and not queued.
    sends_pictures, sends_sound : bool
        Whether they go down this socket.
    """

    sample_rate: int
    is_live: bool
    sends_pictures: bool
    sends_sound: bool


class SpeakingSocket:
    """One client; a viewer of its session.

    Parameters
    ----------
    socket : WebSocketResponse
        Prepared.
    session : RemoteSession
    settings : SocketSettings
    """

    def __init__(self, socket: web.WebSocketResponse, session: RemoteSession, settings: SocketSettings) -> None:
        self._socket, self._session, self._settings = socket, session, settings
        self._loop = asyncio.get_running_loop()
        self._resampler = None if settings.sample_rate == FEED_RATE else BlockResampler(settings.sample_rate, FEED_RATE)
        self._waiting: deque[str | bytes] = deque()
        self._picture: tuple[NDArray[np.uint8], float] | None = None
        self._has_come = asyncio.Event()
        self._has_ended = False
        self._n_bad = 0

    async def run(self) -> None:
        """Talk until the client or the session ends."""
        self._session.add_viewer(self)
        sending = asyncio.create_task(self._send())
        try:
            async for message in self._socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    self._hear(message.data)
                if self._n_bad > _MAX_BAD:
                    await self._socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"too many unknown messages")
                    return
        finally:
            self._session.remove_viewer(self)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    def _hear(self, data: str | bytes) -> None:
        try:
            if isinstance(data, str):
                self._do(parse_control(data))
            else:
                self._take_sound(parse_sound(data))
        except RefusedError as refusal:
            self._n_bad += 1
            self.tell({"type": "error", "message": str(refusal)})

    def _do(self, control: Control) -> None:
        session = self._session
        if control.type == FLUSH:
            self._end_of_sound()
            session.flush()
        elif control.type == INTERRUPT:
            self._end_of_sound()
            session.interrupt()
        elif control.type == MUTE:
            session.is_muted = control.value
        elif control.type == MARK:
            session.is_marked = control.value
        elif control.type == PING:
            self.tell({"type": "pong", "number": control.number, **session.to_dict()})

    def _take_sound(self, samples: NDArray[np.float32]) -> None:
        if self._resampler is not None and len(samples):
            samples = self._resampler.push(samples)
        if self._settings.is_live:
            self._session.hear(samples)
        elif not self._session.say(samples):
            raise RefusedError(429, f"sound: {MAX_SPOKEN_S:g} s wait to be said already; send the rest later")

    def _end_of_sound(self) -> None:
        """What the resampler holds back belongs to what was said; the next sound begins anew."""
        if self._resampler is not None:
            self._resampler = BlockResampler(self._settings.sample_rate, FEED_RATE)

    def show(self, picture: NDArray[np.uint8], time_s: float) -> None:
        """See :class:`hygiesync.server.sessions.session.Viewer`; only the newest is sent."""
        if self._settings.sends_pictures:
            self._picture = picture.copy(), time_s
            self._wake()

    def play(self, samples: NDArray[np.float32], first_sample: int) -> None:
        """See :class:`hygiesync.server.sessions.session.Viewer`."""
        if self._settings.sends_sound:
            self._put(packed(SOUND, first_sample / FEED_RATE, sound_bytes(samples)))

    def tell(self, event: Mapping[str, Any]) -> None:
        """See :class:`hygiesync.server.sessions.session.Viewer`."""
        self._has_ended = self._has_ended or event["type"] == ENDED
        self._put(json.dumps(event))

    def _put(self, message: str | bytes) -> None:
        if len(self._waiting) < _MAX_WAITING:
            self._waiting.append(message)
        else:
            self._has_ended = True
        self._wake()

    def _wake(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._has_come.set)

    async def _send(self) -> None:
        while True:
            await self._has_come.wait()
            self._has_come.clear()
            while self._waiting:
                message = self._waiting.popleft()
                if isinstance(message, str):
                    await self._socket.send_str(message)
                else:
                    await self._socket.send_bytes(message)
            picture, self._picture = self._picture, None
            if picture is not None:
                jpeg = await asyncio.to_thread(jpeg_of, picture[0], _JPEG_QUALITY)
                await self._socket.send_bytes(packed(PICTURE, picture[1], jpeg))
            if self._has_ended and not self._waiting:
                await self._socket.close(code=WSCloseCode.GOING_AWAY, message=b"the session is over")
                return
