"""Sessions: spoken to by a WebSocket, seen by WebRTC, untouched by whoever is hostile beside them."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import numpy as np
import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from servers import (
    AUTHORIZED,
    PROTOCOLS,
    TOKEN,
    Client,
    Listener,
    RunningServer,
    running_server,
    server_process,
    wait_for,
)

from hygiesync.server.messages import PICTURE, SOUND, unpacked
from hygiesync.server.sessions.feed import FEED_RATE
from hygiesync.server.webrtc.encoding import bitrate_for

pytestmark = pytest.mark.slow

VOICE = (np.sin(np.arange(2 * FEED_RATE) * 0.05) * np.sin(np.arange(2 * FEED_RATE) * 0.0008) * 20_000).astype("<i2")
"""Two seconds of a tone that swells and falls as syllables do."""


@pytest.fixture(scope="module")
def server(portrait_avatar_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("server"), (portrait_avatar_directory,), idle_s=1.0) as running:
        yield running


@asynccontextmanager
async def speaking(server: Client, query: str) -> AsyncIterator[tuple[Any, Listener]]:
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(f"{server.url}/speak?{query}", protocols=PROTOCOLS) as socket,
    ):
        yield socket, Listener(socket)


def loudness(messages: list[bytes]) -> list[tuple[float, int]]:
    """Moment and loudest sample of each block of sound."""
    blocks = [unpacked(message) for message in messages if message[0] == SOUND]
    return [(time_s, int(np.abs(np.frombuffer(content, "<i2").astype(int)).max())) for _, time_s, content in blocks]


def test_what_is_pushed_is_said_with_pictures_and_the_same_sound(server: RunningServer) -> None:
    async def converse() -> None:
        async with speaking(server, "avatar=portrait&pictures=jpeg&sound=pcm") as (socket, heard):
            assert (await heard.event("started"))["width"] == 256
            await heard.until(lambda heard: len(heard.messages) > 30)
            assert max(level for _, level in loudness(heard.messages)) == 0
            await socket.send_bytes(VOICE.tobytes())
            await socket.send_str('{"type": "flush"}')
            await heard.event("speaking")
            heard.messages.clear()
            assert (await heard.event("resting"))["said_s"] == pytest.approx(2.0, abs=0.01)
            blocks = loudness(heard.messages)
            times_s = [time_s for time_s, _ in blocks]
            assert np.diff(times_s) == pytest.approx(0.02, abs=1e-5)
            assert sum(level > 100 for _, level in blocks) >= 80
            pictures = [unpacked(message) for message in heard.messages if message[0] == PICTURE]
            assert all(content[:2] == b"\xff\xd8" for _, _, content in pictures)
            assert len(pictures) >= 25

    asyncio.run(converse())
    wait_for(lambda: len(server.sessions), lambda n: n == 0)


def test_an_interruption_drops_the_unsaid_in_sound_and_picture(server: RunningServer) -> None:
    async def converse() -> None:
        async with speaking(server, "avatar=portrait&sound=pcm") as (socket, heard):
            await heard.event("started")
            await socket.send_bytes(VOICE.tobytes() * 3)
            await heard.event("speaking")
            await heard.until(lambda heard: len(loudness(heard.messages)) > 60)
            await socket.send_str('{"type": "interrupt"}')
            told = await heard.event("resting")
            assert told["interrupted"]
            assert 0 < told["said_s"] < 6
            heard.messages.clear()
            await heard.until(lambda heard: len(heard.messages) > 40)
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
    begun = [server.json("POST", "/sessions", {"avatar": "portrait"}) for _ in range(2)]
    status, headers, content = server.ask("POST", "/sessions", {"avatar": "portrait"})
    assert (status, headers["Retry-After"]) == (503, "10")
    assert "all 2 sessions are taken" in json.loads(content)["error"]
    wait_for(lambda: len(server.sessions), lambda n: n == 0)  # nobody looked on
    assert server.ask("GET", f"/sessions/{begun[0]['id']}")[0] == 404


def test_admission_follows_what_sessions_cost(portrait_avatar_directory: Path, tmp_path: Path) -> None:
    with running_server(tmp_path, (portrait_avatar_directory,), max_sessions=None, fps=25) as auto:
        auto.sessions._encoding_cost = lambda size: 0.6 * auto.sessions._cores
        auto.json("POST", "/sessions", {"avatar": "portrait"})
        status, _, content = auto.ask("POST", "/sessions", {"avatar": "portrait"})
        assert status == 503
        assert "1 such sessions fit" in json.loads(content)["error"]


def test_a_session_that_fails_ends_alone(server: RunningServer) -> None:
    async def converse() -> None:
        async with speaking(server, "avatar=portrait") as (_, other), speaking(server, "avatar=portrait") as (_, heard):
            failing = server.sessions.get((await heard.event("started"))["id"])
            await other.event("started")
            failing._live._worker._failure = RuntimeError("a fault that is put in")
            assert (await heard.event("ended"))["reason"] == "a fault of the server's own"
            n_before = server.sessions.all()
            assert len(n_before) <= 2
            await other._socket.send_str('{"type": "ping"}')
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
        running = server.sessions.get(session)
        [peer] = running._viewers
        encoder: Any = peer._video_sender._RTCRtpSender__encoder  # type: ignore[attr-defined]
        assert encoder.codec.bit_rate <= bitrate_for((256, 256), running.fps)
        await connection.close()

    asyncio.run(look())
    wait_for(lambda: len(server.sessions), lambda n: n == 0)


def hostile_requests(port: int, random: Random) -> Iterator[bytes]:
    """Five hundred requests, none of which anybody in good faith would send."""
    host, auth = f"Host: 127.0.0.1:{port}\r\n", f"Authorization: Bearer {TOKEN}\r\n"
    paths = ["/avatars", "/jobs", "/sessions", "/metrics", "/uploads/" + "0" * 16, "/speak?avatar=portrait"]
    tricks = [
        "/avatars/../../etc/passwd",
        "/avatars/%2e%2e%2fx/picture",
        "/page/%2e%2e/settings.py",
        "/page/..\\settings.py",
        "/jobs/%00/file",
        "/jobs/" + "a" * 3000,
        "//etc/passwd",
        "/avatars/%F0%9F%98%80/picture",
    ]
    bad_sdp = [
        "v=0",
        "v=0\r\nm=video",
        "\r\n" * 50,
        "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" * 9,
        "v=0\r\na=ice-ufrag:\r\n",
    ]
    for number in range(500):
        path = random.choice(paths)
        junk = random.randbytes(random.randint(1, 300))
        kinds = (
            f"GET {path} HTTP/1.1\r\n{host}\r\n".encode(),
            f"GET {path} HTTP/1.1\r\n{host}Authorization: Bearer {junk.hex()[:50]}\r\n\r\n".encode(),
            f"GET {path} HTTP/1.1\r\nHost: evil{number}.example\r\n{auth}\r\n".encode(),
            f"GET {path} HTTP/1.1\r\n{host}{auth}Origin: http://evil.example\r\n\r\n".encode(),
            f"GET {random.choice(tricks)} HTTP/1.1\r\n{host}{auth}\r\n".encode(),
            f"POST /say HTTP/1.1\r\n{host}{auth}Content-Length: 99999999999\r\n\r\n".encode(),
            f"POST /say HTTP/1.1\r\n{host}{auth}Content-Length: {len(junk)}\r\n\r\n".encode() + junk,
            f"POST /render?avatar=portrait HTTP/1.1\r\n{host}{auth}Content-Length: 999999999\r\n\r\n".encode(),
            _offer(random.choice(bad_sdp), host, auth),
            junk.replace(b"\n", b"") + b"\r\n\r\n",
        )
        yield kinds[number % len(kinds)]


def _offer(sdp: str, host: str, auth: str) -> bytes:
    body = json.dumps({"type": "offer", "sdp": sdp}).encode()
    return f"POST /sessions/SESSION/offer HTTP/1.1\r\n{host}{auth}Content-Length: {len(body)}\r\n\r\n".encode() + body


def test_hostile_requests_are_refused_and_a_running_session_does_not_notice(
    portrait_avatar_directory: Path, tmp_path: Path
) -> None:
    async def converse(server: Client) -> None:
        async with speaking(server, "avatar=portrait&pictures=jpeg") as (socket, heard):
            session = (await heard.event("started"))["id"]
            await heard.until(lambda heard: len(heard.messages) > 25)
            await socket.send_str('{"type": "ping"}')
            before = await heard.event("pong")
            attacking = asyncio.create_task(asyncio.to_thread(attack, server, session))
            while not attacking.done():
                await heard.until(lambda heard: len(heard.messages) > 0)
                heard.messages.clear()
            statuses = await attacking
            assert {status // 100 for status in statuses} == {4}, statuses
            await socket.send_str('{"type": "ping"}')
            pong = await heard.event("pong")
            assert (pong["id"], pong["pictures_shown"] > before["pictures_shown"]) == (session, True)
            await socket.send_bytes(VOICE.tobytes())
            await socket.send_str('{"type": "flush"}')
            assert (await heard.event("resting"))["said_s"] == pytest.approx(2.0, abs=0.01)

    def attack(server: Client, session: str) -> list[int]:
        answers = []
        for request in hostile_requests(server.port, Random(0)):
            answer = server.raw(request.replace(b"SESSION", session.encode()))
            answers.append(int(answer.split(b" ", 2)[1]))
        return answers

    with server_process(tmp_path, portrait_avatar_directory) as server:
        asyncio.run(converse(server))
        code, said = server.end()
    assert code == 0
    assert "Traceback" not in said
    assert TOKEN not in said


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
    wait_for(lambda: len(server.sessions), lambda n: n == 0)
    wait_for(lambda: [one.name for one in threading.enumerate() if one.name == "engine"], lambda names: not names)
    assert server.ask("GET", "/avatars", headers=AUTHORIZED)[0] == 200


def test_a_rendering_that_sigterm_cut_off_is_done_after_the_next_start(
    portrait_avatar_directory: Path, tmp_path: Path
) -> None:
    with server_process(tmp_path, portrait_avatar_directory) as first:
        job = first.json("POST", "/say", {"avatar": "portrait", "text": "Apples and pears. " * 10})
        wait_for(lambda: first.json("GET", f"/jobs/{job['id']}"), lambda now: now["total"] > 0)
        code, said = first.end()
        assert (code, "Traceback" in said) == (0, False)
    assert not (tmp_path / "jobs" / job["id"] / "out.mp4").exists()
    with server_process(tmp_path, portrait_avatar_directory) as second:
        assert second.ask("GET", f"/jobs/{job['id']}/file")[0] == 409
        assert second.wait_for_job(job)["state"] == "done"
        assert second.ask("GET", f"/jobs/{job['id']}/file")[0] == 200
