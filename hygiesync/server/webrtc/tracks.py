"""A session's pictures and sound as tracks, and a browser's microphone as a session's sound.

The receiver puts sound and pictures together by when they were sent, and both are sent when they are due, so they need
no more than their own time stamps. Frames are made in the session's thread, which hands them in: the loop serves all
sessions.
"""

from __future__ import annotations

import asyncio
from collections import deque
from fractions import Fraction
from typing import Any

import numpy as np
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame
from numpy.typing import NDArray

from hygiesync.devices.sound.resampler import BlockResampler
from hygiesync.server.sessions.feed import FEED_RATE
from hygiesync.server.sessions.remote import RemoteSession
from hygiesync.server.webrtc.encoding import audio_frame, opus_encoder, video_frame

_MAX_PICTURES, _MAX_BLOCKS = 2, 25
"""What waits to be encoded; older ones are dropped, since what is late is of no use."""

_FULL_SCALE = 32767


class _QueueTrack(MediaStreamTrack):
    """A track whose frames come from another thread."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._main_loop = asyncio.get_running_loop()
        self._items: deque[Any] = deque(maxlen=most)
        self._has_come = asyncio.Event()

    def _hand_in(self, item: Any) -> None:
        """From any thread."""
        if not self._main_loop.is_closed():
            self._main_loop.call_soon_threadsafe(self._put, item)

    def _put(self, item: Any) -> None:
        self._items.append(item)
        self._has_come.set()

    async def recv(self) -> Any:
        """The next frame, when there is one."""
        while not self._items:
            if self.readyState != "live":
                raise MediaStreamError
            self._has_come.clear()
            await self._has_come.wait()
        return self._items.popleft()

    def stop(self) -> None:
        """Nothing more comes."""
        super().stop()
        self._has_come.set()


class PictureTrack(_QueueTrack):
    """A session's pictures."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__(_MAX_PICTURES)

    def put(self, picture: NDArray[np.uint8], time_s: float) -> None:
        """A picture (H, W, 3), RGB, and its moment."""
        self._hand_in(video_frame(picture, time_s))


class SoundTrack(_QueueTrack):
    """A session's sound, as packets of Opus.

    aiortc would encode in a thread of its own and measure the level in a loop of Python: half a millisecond a packet.
    """

    kind = "audio"

    def __init__(self) -> None:
        super().__init__(_MAX_BLOCKS)
        self._codec = opus_encoder()

    def put(self, samples: NDArray[np.float32], first_sample: int) -> None:
        """A block (`BLOCK_LENGTH`,), -1 to 1, and its first sample's number."""
        for packet in self._codec.encode(audio_frame(samples)):
            packet.pts, packet.time_base = first_sample, Fraction(1, FEED_RATE)
            self._hand_in(packet)


async def hear_track(track: MediaStreamTrack, session: RemoteSession) -> None:
    """Let a session hear a track until it ends."""
    resamplers: dict[int, BlockResampler] = {}
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        assert isinstance(frame, AudioFrame)
        samples = mono(frame)
        if frame.sample_rate != FEED_RATE:
            resampler = resamplers.setdefault(frame.sample_rate, BlockResampler(frame.sample_rate, FEED_RATE))
            samples = resampler.push(samples)
        session.hear(samples)


def mono(frame: AudioFrame) -> NDArray[np.float32]:
    """A frame's samples (n,), -1 to 1; the mean of its channels."""
    samples = frame.to_ndarray()
    n_channels = len(frame.layout.channels)
    samples = samples.reshape(-1, n_channels).mean(1) if samples.shape[0] == 1 else samples.mean(0)
    return (samples / (_FULL_SCALE + 1)).astype(np.float32)
