"""A video generator for LiveKit Agents' avatar worker: `push_audio`, and an iterator of frames.

Hand it to the framework's runner, which publishes what comes::

    async with AvatarVideoGenerator(url, token, "me") as avatar:
        runner = AvatarRunner(room, audio_recv=receiver, video_gen=avatar, options=avatar.options())
        await runner.start()

References
----------
LiveKit Agents, ``livekit.agents.voice.avatar``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import TracebackType

from hygiesync.assistants.client import RATE, AvatarClient, Event, Picture, SpokenSound
from hygiesync.extras import imports_of

with imports_of("livekit", "a LiveKit avatar"):
    from livekit import rtc
    from livekit.agents.voice.avatar import AudioSegmentEnd, AvatarOptions, VideoGenerator

_BYTES_PER_SAMPLE = 2


class AvatarVideoGenerator(VideoGenerator):
    """An avatar that says what it is pushed; an asynchronous context manager.

    Parameters
    ----------
    url, token, avatar : str
        See :class:`hygiesync.assistants.client.AvatarClient`.
    """

    def __init__(self, url: str, token: str, avatar: str) -> None:
        self._avatar = AvatarClient(url, token, avatar)

    async def __aenter__(self) -> AvatarVideoGenerator:
        await self._avatar.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._avatar.close()

    def options(self) -> AvatarOptions:
        """What the runner has to know of the pictures and the sound; once connected."""
        width, height = self._avatar.size
        return AvatarOptions(
            video_width=width, video_height=height, video_fps=self._avatar.fps, audio_sample_rate=RATE, audio_channels=1
        )

    async def push_audio(self, frame: rtc.AudioFrame | AudioSegmentEnd) -> None:
        """Sound to be said, or the end of what was."""
        if isinstance(frame, AudioSegmentEnd):
            await self._avatar.flush()
        else:
            await self._avatar.push(bytes(frame.data), frame.sample_rate, frame.num_channels)

    async def clear_buffer(self) -> None:
        """Fall silent, and forget what was not said."""
        await self._avatar.interrupt()

    async def __aiter__(self) -> AsyncIterator[rtc.VideoFrame | rtc.AudioFrame | AudioSegmentEnd]:
        is_speaking = False
        async for item in self._avatar:
            if isinstance(item, Picture):
                height, width = item.image.shape[:2]
                yield rtc.VideoFrame(width, height, rtc.VideoBufferType.RGB24, item.image.tobytes())
            elif isinstance(item, SpokenSound):
                if is_speaking:
                    n_samples = len(item.data) // _BYTES_PER_SAMPLE
                    yield rtc.AudioFrame(item.data, RATE, 1, n_samples)
            elif isinstance(item, Event) and item.type in ("speaking", "resting"):
                was_speaking, is_speaking = is_speaking, item.type == "speaking"
                if was_speaking and not is_speaking and not item.content.get("interrupted"):
                    yield AudioSegmentEnd()
