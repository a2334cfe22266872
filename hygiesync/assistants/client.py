"""A client of ``hygiesync serve``: sound in at any pace, pictures and the same sound out in time.

The plug-ins beside it stand on it. It needs aiohttp, which their frameworks bring, and none of the server's other
packages.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

import numpy as np
from numpy.typing import NDArray

from hygiesync.devices.sound.resampler import BlockResampler
from hygiesync.errors import InputError, MissingDependencyError
from hygiesync.media.images import rgb_of
from hygiesync.server.messages import MAX_SOUND_BYTES, PICTURE, sound_bytes, unpacked

RATE = 48_000
"""Samples a second of the sound that comes back (Hz)."""

_FULL_SCALE = 32768


@dataclass(frozen=True)
class Picture:
    """A picture of the avatar.

    Attributes
    ----------
    image : ndarray, shape (H, W, 3), uint8, RGB
    time_s : float
        Its moment of the session.
    """

    image: NDArray[np.uint8]
    time_s: float


@dataclass(frozen=True)
class SpokenSound:
    """Sound that belongs to the pictures of its time.

    Attributes
    ----------
    data : bytes
        16-bit samples, little-endian, mono, at `RATE`.
    time_s : float
    """

    data: bytes
    time_s: float


@dataclass(frozen=True)
class Event:
    """What the server tells: ``speaking``, ``said``, ``resting``, ``ended``.

    Attributes
    ----------
    type : str
    content : dict
    """

    type: str
    content: dict[str, Any]


class AvatarClient:
    """A session of one's own; an asynchronous context manager, and an iterator of what comes.

    Parameters
    ----------
    url : str
        The server's, such as ``http://127.0.0.1:8031``.
    token : str
    avatar : str
    options : str
        Further fields of ``/speak``, such as ``mark`` and ``lookahead_ms``.

    Attributes
    ----------
    size : tuple of int
        (width, height) of the pictures, once connected.
    fps : float

    Examples
    --------
    >>> async with AvatarClient(url, token, "me") as avatar:  # doctest: +SKIP
    ...     await avatar.push(pcm, 24_000)
    ...     await avatar.flush()
    ...     async for item in avatar:
    ...         show(item)
    """

    def __init__(self, url: str, token: str, avatar: str, **options: str) -> None:
        query = {"avatar": avatar, "pictures": "jpeg", "sound": "pcm", **options}
        self._address = f"{url.rstrip('/').replace('http', 'ws', 1)}/speak?{urlencode(query)}"
        self._protocols = ("hygiesync", f"token.{token}")
        self._client: Any = None
        self._socket: Any = None
        self._resampler: BlockResampler | None = None
        self._rate = 0
        self.size, self.fps = (0, 0), 0.0

    async def __aenter__(self) -> AvatarClient:
        try:
            import aiohttp
        except ModuleNotFoundError as error:
            raise MissingDependencyError("a client needs aiohttp, which is not installed") from error
        self._client = aiohttp.ClientSession()
        try:
            self._socket = await self._client.ws_connect(self._address, protocols=self._protocols)
            started = json.loads((await self._socket.receive()).data)
        except (aiohttp.ClientError, TypeError, ValueError) as error:
            await self._client.close()
            raise InputError(f"{self._address.partition('?')[0]}: no session was begun ({error})") from error
        self.size, self.fps = (started["width"], started["height"]), started["fps"]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the session; again does nothing."""
        if self._socket is not None:
            await self._socket.close()
            await self._client.close()

    async def push(self, data: bytes, sample_rate: int, n_channels: int = 1) -> None:
        """Sound to be said after what waits.

        Parameters
        ----------
        data : bytes
            16-bit samples, little-endian; channels interleaved.
        sample_rate, n_channels : int
        """
        samples = np.frombuffer(data, "<i2").reshape(-1, n_channels).mean(1).astype(np.float32) / _FULL_SCALE
        if sample_rate != RATE:
            if self._resampler is None or self._rate != sample_rate:
                self._resampler, self._rate = BlockResampler(sample_rate, RATE), sample_rate
            samples = self._resampler.push(samples)
        content = sound_bytes(samples)
        for begin in range(0, len(content), MAX_SOUND_BYTES):
            await self._socket.send_bytes(content[begin : begin + MAX_SOUND_BYTES])

    async def flush(self) -> None:
        """No more for now: once all is said, the avatar rests."""
        self._resampler = None
        await self._socket.send_json({"type": "flush"})

    async def interrupt(self) -> None:
        """Fall silent, and forget what was not said."""
        self._resampler = None
        await self._socket.send_json({"type": "interrupt"})

    async def __aiter__(self) -> AsyncIterator[Picture | SpokenSound | Event]:
        async for message in self._socket:
            if isinstance(message.data, str):
                content = json.loads(message.data)
                yield Event(content["type"], content)
                continue
            kind, time_s, data = unpacked(message.data)
            yield Picture(rgb_of(data), time_s) if kind == PICTURE else SpokenSound(data, time_s)
