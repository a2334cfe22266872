"""A video service for Pipecat: a voice's sound goes in, pictures and the sound in time with them come out.

Put it behind the text-to-speech service::

    Pipeline([transport.input(), stt, llm, tts, AvatarVideoService(url, token, "me"), transport.output()])

References
----------
Pipecat's own video services, such as ``pipecat.services.simli.video``.
"""

from __future__ import annotations

from typing import Any

from hygiesync.assistants.client import RATE, AvatarClient, Picture, SpokenSound
from hygiesync.extras import imports_of

with imports_of("pipecat", "a Pipecat service"):
    from pipecat.frames.frames import (
        CancelFrame,
        EndFrame,
        Frame,
        InterruptionFrame,
        OutputImageRawFrame,
        TTSAudioRawFrame,
        TTSStoppedFrame,
    )
    from pipecat.processors.frame_processor import FrameDirection
    from pipecat.services.ai_service import AIService


class AvatarVideoService(AIService):
    """An avatar that says what the voice before it makes.

    Parameters
    ----------
    url, token, avatar : str
        See :class:`hygiesync.assistants.client.AvatarClient`.
    more : dict
        For Pipecat's `AIService`.
    """

    def __init__(self, url: str, token: str, avatar: str, **more: Any) -> None:
        super().__init__(**more)
        self._avatar = AvatarClient(url, token, avatar)
        self._receiving: Any = None

    async def setup(self, setup: Any) -> None:
        """Connect, so that the avatar is seen at rest from the beginning."""
        await super().setup(setup)
        await self._avatar.__aenter__()
        self._receiving = self.create_task(self._receive())

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Take the voice's sound; let all else pass."""
        await super().process_frame(frame, direction)
        if isinstance(frame, TTSAudioRawFrame):
            await self._avatar.push(frame.audio, frame.sample_rate, frame.num_channels)
            return
        if isinstance(frame, TTSStoppedFrame):
            await self._avatar.flush()
        elif isinstance(frame, InterruptionFrame):
            await self._avatar.interrupt()
        elif isinstance(frame, EndFrame | CancelFrame):
            await self._close()
        await self.push_frame(frame, direction)

    async def cleanup(self) -> None:
        """End the session."""
        await super().cleanup()
        await self._close()

    async def _receive(self) -> None:
        async for item in self._avatar:
            if isinstance(item, Picture):
                height, width = item.image.shape[:2]
                await self.push_frame(
                    OutputImageRawFrame(image=item.image.tobytes(), size=(width, height), format="RGB")
                )
            elif isinstance(item, SpokenSound) and any(item.data):
                await self.push_frame(TTSAudioRawFrame(audio=item.data, sample_rate=RATE, num_channels=1))

    async def _close(self) -> None:
        if self._receiving is not None:
            await self.cancel_task(self._receiving)
            self._receiving = None
        await self._avatar.close()
