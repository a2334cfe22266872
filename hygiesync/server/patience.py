"""A server that does not wait for ever for a request's first lines, nor bears more connections than it can."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

HEADER_S = 10.0
"""Time that a client has to send a request's headers, or the next request's first byte (seconds)."""

MAX_CONNECTIONS = 256

_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_TOO_MANY = b"HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class PatientServer:
    """A factory of protocols around another one's, which watches their first bytes.

    Parameters
    ----------
    factory : callable
        Makes a protocol that speaks HTTP.
    """

    def __init__(self, factory: Callable[[], asyncio.Protocol]) -> None:
        self._factory = factory
        self.n_connections = 0

    def __call__(self) -> asyncio.Protocol:
        """A protocol for a new connection."""
        return _Watched(self._factory(), self)


class _Watched(asyncio.Protocol):
    """Hands everything on; ends a connection whose first request's headers don't come whole in time."""

    def __init__(self, inner: asyncio.Protocol, server: PatientServer) -> None:
        self._inner, self._server = inner, server
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._last = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._server.n_connections += 1
        self._transport = transport
        self._inner.connection_made(transport)
        if self._server.n_connections > MAX_CONNECTIONS:
            self._end(_TOO_MANY)
        else:
            self._timer = asyncio.get_running_loop().call_later(HEADER_S, self._end, _TOO_SLOW)

    def data_received(self, data: bytes) -> None:
        if self._timer is not None:
            seen = self._last + data
            self._last = seen[-3:]
            if b"\r\n\r\n" in seen:
                self._timer.cancel()
                self._timer = None
        self._inner.data_received(data)

    def _end(self, why: bytes) -> None:
        self._timer = None
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(why)
            self._transport.close()

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        self._server.n_connections -= 1
        if self._timer is not None:
            self._timer.cancel()
        self._inner.connection_lost(error)
