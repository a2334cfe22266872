"""The client for assistants, and the plug-ins against the real frameworks, where these are installed.

MediaPipe and the frameworks want different versions of protobuf. So `make assistants` runs this file in an environment
for each framework, while HYGIESYNC_PYTHON serves.
"""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from servers import TOKEN, Client, running_server, server_process

from hygiesync.assistants.client import RATE, AvatarClient, Event, Picture, SpokenSound
from hygiesync.errors import InputError

pytestmark = pytest.mark.slow

VOICE_RATE = 24_000
VOICE = (np.sin(np.arange(VOICE_RATE) * 0.05) * 12_000).astype("<i2").tobytes()
"""A second of a tone."""


SERVING_PYTHON = os.environ.get("HYGIESYNC_PYTHON")
"""Of the environment that serves, where this one can't."""

AVATAR = "demo" if SERVING_PYTHON else "portrait"


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A server; one in another environment makes its own avatar."""
    folder = tmp_path_factory.mktemp("server")
    if SERVING_PYTHON:
        with server_process(folder, python=Path(SERVING_PYTHON)) as process:
            yield process
    else:
        with running_server(folder, (request.getfixturevalue("portrait_avatar_directory"),)) as running:
            yield running


def test_a_client_pushes_sound_and_gets_pictures_and_the_same_sound(server: Client) -> None:
    async def converse() -> None:
        async with AvatarClient(server.url, TOKEN, AVATAR) as avatar:
            assert avatar.fps == 25
            await avatar.push(VOICE, VOICE_RATE)
            await avatar.flush()
            seen: list[Any] = []
            async for item in avatar:
                seen.append(item)
                if isinstance(item, Event) and item.type == "resting":
                    break
            pictures = [item for item in seen if isinstance(item, Picture)]
            assert pictures[0].image.shape == (*avatar.size[::-1], 3)
            loud = [item for item in seen if isinstance(item, SpokenSound) and any(item.data)]
            assert len(loud) * 0.02 == pytest.approx(1.0, abs=0.1)

    asyncio.run(converse())


def test_a_client_without_the_token_is_told_so(server: Client) -> None:
    async def converse() -> None:
        async with AvatarClient(server.url, "wrong", AVATAR):
            pass

    with pytest.raises(InputError, match="no session was begun"):
        asyncio.run(converse())


def test_pipecat_feeds_the_avatar_and_gets_frames(server: Client) -> None:
    pytest.importorskip("pipecat")
    from pipecat.frames.frames import (
        EndFrame,
        InterruptionFrame,
        OutputImageRawFrame,
        TTSAudioRawFrame,
        TTSStoppedFrame,
    )
    from pipecat.tests.utils import SleepFrame, run_test

    from hygiesync.assistants.pipecat import AvatarVideoService

    async def converse() -> list[Any]:
        service = AvatarVideoService(server.url, TOKEN, AVATAR)
        frames = [
            TTSAudioRawFrame(audio=VOICE, sample_rate=VOICE_RATE, num_channels=1),
            TTSStoppedFrame(),
            SleepFrame(sleep=2.0),
            InterruptionFrame(),
            EndFrame(),
        ]
        down, _ = await run_test(service, frames_to_send=frames, send_end_frame=False)
        return list(down)

    frames = asyncio.run(converse())
    pictures = [frame for frame in frames if isinstance(frame, OutputImageRawFrame)]
    assert len(pictures) > 10
    assert len(pictures[0].image) == 3 * pictures[0].size[0] * pictures[0].size[1]
    sound = [frame for frame in frames if isinstance(frame, TTSAudioRawFrame)]
    assert {frame.sample_rate for frame in sound} == {RATE}
    assert sum(len(frame.audio) for frame in sound) / 2 / RATE == pytest.approx(1.0, abs=0.2)
    assert any(isinstance(frame, TTSStoppedFrame) for frame in frames)


def test_livekit_pushes_audio_and_iterates_over_frames(server: Client) -> None:
    pytest.importorskip("livekit.agents")
    from livekit import rtc
    from livekit.agents.voice.avatar import AudioSegmentEnd, VideoGenerator

    from hygiesync.assistants.livekit import AvatarVideoGenerator

    async def converse() -> None:
        async with AvatarVideoGenerator(server.url, TOKEN, AVATAR) as avatar:
            assert isinstance(avatar, VideoGenerator)
            assert avatar.options().video_fps == 25
            await avatar.push_audio(rtc.AudioFrame(VOICE, VOICE_RATE, 1, len(VOICE) // 2))
            await avatar.push_audio(AudioSegmentEnd())
            seen: list[Any] = []
            async for item in avatar:
                seen.append(item)
                if isinstance(item, AudioSegmentEnd):
                    break
            pictures = [item for item in seen if isinstance(item, rtc.VideoFrame)]
            sound = [item for item in seen if isinstance(item, rtc.AudioFrame)]
            assert (pictures[0].width, pictures[0].height) == (
                avatar.options().video_width,
                avatar.options().video_height,
            )
            assert sum(frame.duration for frame in sound) == pytest.approx(1.0, abs=0.15)
            await avatar.push_audio(rtc.AudioFrame(VOICE, VOICE_RATE, 1, len(VOICE) // 2))
            await avatar.clear_buffer()

    asyncio.run(converse())
