"""Sessions: spoken to by a WebSocket, seen by WebRTC."""

import asyncio
import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from servers import AUTHORIZED, VOICE, RunningServer, running_server, speaking, wait_for

from hygiesync.server.keys import PEERS
from hygiesync.server.messages import PICTURE, SOUND, unpacked
from hygiesync.server.sessions.cost import SERVING_COST
from hygiesync.server.sessions.feed import FEED_RATE
from hygiesync.server.webrtc.encoding import bitrate_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(portrait_avatar_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("server"), (portrait_avatar_directory,), idle_s=1.0) as running:
        yield running


@pytest.fixture(autouse=True)
def all_sessions_end(server: RunningServer) -> Iterator[None]:
    """Who hangs up does not wait for the server's part of it; the next test finds all sessions free."""
    yield
    wait_for(lambda: len(server.sessions), lambda n: n == 0)


def loudness(messages: list[bytes]) -> list[tuple[float, int]]:
    """Moment and loudest sample of each block of sound."""
    blocks = [unpacked(message) for message in messages if message[0] == SOUND]
    return [(time_s, int(np.abs(np.frombuffer(content, "<i2").astype(int)).max())) for _, time_s, content in blocks]


def test_what_is_pushed_is_said_with_pictures_and_the_same_sound(server: RunningServer) -> None:
    async def converse() -> None:
        async with speaking(server, "avatar=portrait&pictures=jpeg&sound=pcm") as (socket, heard):
            assert (await heard.event("started"))["width"] == 256
            await heard.until(lambda heard: len(heard.messages) > 20)
            assert max(level for _, level in loudness(heard.messages)) == 0
            await socket.send_bytes(VOICE.tobytes())
            await socket.send_str('{"type": "flush"}')
            await heard.event("speaking")
            heard.messages.clear()
            assert (await heard.event("resting"))["said_s"] == pytest.approx(1.0, abs=0.01)
            blocks = loudness(heard.messages)
            times_s = [time_s for time_s, _ in blocks]
            assert np.diff(times_s) == pytest.approx(0.02, abs=1e-5)
            assert sum(level > 100 for _, level in blocks) >= 40
            pictures = [unpacked(message) for message in heard.messages if message[0] == PICTURE]
            assert all(content[:2] == b"\xff\xd8" for _, _, content in pictures)
            assert len(pictures) >= 12

    asyncio.run(converse())


def test_an_interruption_drops_the_unsaid_in_sound_and_picture(server: RunningServer) -> None:
    async def converse() -> None:
        async with speaking(server, "avatar=portrait&sound=pcm") as (socket, heard):
            await heard.event("started")
            await socket.send_bytes(VOICE.tobytes() * 6)
            await heard.event("speaking")
            await heard.until(lambda heard: len(loudness(heard.messages)) > 30)
            await socket.send_str('{"type": "interrupt"}')
            told = await heard.event("resting")
            assert told["interrupted"]
            assert 0 < told["said_s"] < 6
            heard.messages.clear()
            await heard.until(lambda heard: len(heard.messages) > 20)
            levels = [level for _, level in loudness(heard.messages)]
            assert not any(levels[2:])  # 150 ms are seven blocks; the fade is within the first
            await socket.send_bytes(VOICE.tobytes())
            await heard.event("speaking")  # and it can be spoken to again

    asyncio.run(converse())


def test_a_text_is_said_and_commands_are_followed(server: RunningServer) -> None:
    async def converse() -> None:
        async with speaking(server, "avatar=portrait") as (socket, heard):
            session = (await heard.event("started"))["id"]
            path = f"/sessions/{session}"
            said = await asyncio.to_thread(server.json, "POST", f"{path}/say", {"text": "Hello.", "language": "en"})
            assert said["duration_s"] > 0.3
            assert (await heard.event("resting"))["said_s"] == pytest.approx(said["duration_s"], abs=0.02)
            await socket.send_str('{"type": "mute", "value": true}')
            await socket.send_str('{"type": "mark", "value": false}')
            await socket.send_str('{"type": "ping", "number": 7}')
            pong = await heard.event("pong")
            assert (pong["number"], pong["muted"], pong["marked"]) == (7, True, False)
            assert await asyncio.to_thread(server.json, "POST", f"{path}/interrupt") == {
                "said_s": pytest.approx(0.5, abs=1)
            }
            assert (await asyncio.to_thread(server.ask, "DELETE", path))[0] == 200
            with pytest.raises(AssertionError, match="closed"):
                await heard.until(lambda heard: False)

    asyncio.run(converse())


def test_sessions_beyond_the_number_are_refused_with_the_reason_and_idle_ones_end(server: RunningServer) -> None:
    begun = []
    for _ in range(6):  # on a busy machine the first may end before the second has begun
        status, headers, content = server.ask("POST", "/sessions", {"avatar": "portrait"})
        if status == 503:
            break
        begun.append(json.loads(content))
    assert (status, headers["Retry-After"]) == (503, "10")
    assert "all 2 sessions are taken" in json.loads(content)["error"]
    wait_for(lambda: len(server.sessions), lambda n: n == 0)  # nobody looked on
    assert server.ask("GET", f"/sessions/{begun[0]['id']}")[0] == 404


def test_admission_follows_what_sessions_cost(portrait_avatar_directory: Path, tmp_path: Path) -> None:
    with running_server(tmp_path, (portrait_avatar_directory,), max_sessions=None, cores=SERVING_COST) as auto:
        auto.json("POST", "/sessions", {"avatar": "portrait"})
        status, _, content = auto.ask("POST", "/sessions", {"avatar": "portrait"})
        assert status == 503
        assert "1 such sessions fit" in json.loads(content)["error"]


def test_a_session_that_fails_ends_alone(server: RunningServer) -> None:
    async def converse() -> None:
        async with (
            speaking(server, "avatar=portrait") as (socket, other),
            speaking(server, "avatar=portrait") as (_, heard),
        ):
            await other.event("started")
            failing = server.sessions.get((await heard.event("started"))["id"])
            os.kill(failing.pid, signal.SIGKILL)
            assert (await heard.event("ended"))["reason"] == "a fault of the server's own"
            await socket.send_str('{"type": "ping"}')
            await other.event("pong")

    asyncio.run(converse())


async def offer_to(server: RunningServer, session: str) -> RTCPeerConnection:
    """A client that looks on by WebRTC."""
    connection = RTCPeerConnection()
    connection.addTransceiver("audio", direction="recvonly")
    connection.addTransceiver("video", direction="recvonly")
    await connection.setLocalDescription(await connection.createOffer())
    body = {"type": "offer", "sdp": connection.localDescription.sdp}
    answer = await asyncio.to_thread(server.json, "POST", f"/sessions/{session}/offer", body)
    await connection.setRemoteDescription(RTCSessionDescription(**answer))
    return connection


def test_webrtc_carries_pictures_and_sound_of_one_time(server: RunningServer) -> None:
    async def look() -> None:
        session = (await asyncio.to_thread(server.json, "POST", "/sessions", {"avatar": "portrait"}))["id"]
        connection = await offer_to(server, session)
        tracks: dict[str, Any] = {receiver.track.kind: receiver.track for receiver in connection.getReceivers()}
        first = await asyncio.wait_for(tracks["video"].recv(), 30)
        assert (first.width, first.height) == (256, 256)
        pictures = [await asyncio.wait_for(tracks["video"].recv(), 30) for _ in range(10)]
        gaps_s = np.diff([float(picture.pts * picture.time_base) for picture in pictures])
        assert np.median(gaps_s) == pytest.approx(0.04, abs=1e-3)
        assert (await asyncio.wait_for(tracks["audio"].recv(), 30)).sample_rate == FEED_RATE
        [peer] = server.app[PEERS]
        assert 0 < peer.bitrate <= bitrate_for((256, 256), server.sessions.get(session).fps)
        await connection.close()

    asyncio.run(look())


def test_binary_junk_on_a_socket_is_answered_and_then_let_go(server: RunningServer) -> None:
    async def converse() -> None:
        async with speaking(server, "avatar=portrait") as (socket, heard):
            await heard.event("started")
            await socket.send_str("no JSON")
            assert "JSON object" in (await heard.event("error"))["message"]
            for _ in range(25):
                await socket.send_bytes(b"\x00\x01\x02")
            with pytest.raises(AssertionError, match="closed"):
                await heard.until(lambda heard: False)

    asyncio.run(converse())


def test_nothing_is_left_running(server: RunningServer) -> None:
    wait_for(multiprocessing.active_children, lambda left: not left)
    wait_for(lambda: [one.name for one in threading.enumerate()], lambda names: not any("session" in n for n in names))
    assert server.ask("GET", "/avatars", headers=AUTHORIZED)[0] == 200
