"""The command in a process of its own: what it refuses, TLS, hostile requests, and how it ends and begins again."""

import asyncio
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from random import Random

import psutil
import pytest
from servers import KEY, LONG_S, TOKEN, VOICE, Client, ServerProcess, server_process, speaking, wait_for

from hygiesync.apps.cli import main
from hygiesync.server.jobs.job import RUNNING, Job

pytestmark = pytest.mark.slow

MAX_GROWTH = 8_000_000
"""Bytes that the server's memory may grow by in six sessions: a picture of each would be more."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's."""
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def server(folder: Path, portrait_avatar_directory: Path) -> Iterator[ServerProcess]:
    """One for all tests, which other machines could reach; the last test ends it."""
    arguments = [portrait_avatar_directory, "--host", "0.0.0.0", "--tls-self-signed", "--json", folder / "told.json"]
    with server_process(folder, *arguments) as running:
        yield running


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--host", "0.0.0.0"], "--host: 0.0.0.0 can be reached by other machines"),
        (["--max-sessions", "0"], "--max-sessions: expected a number from 1 on, or auto"),
        (["--tls-cert", "certificate.pem"], "--tls-cert and --tls-key: expected both"),
        (["--port", "70000"], "--port: expected 0 to 65535"),
        (["--max-upload-mb", "0"], "--max-upload-mb: expected 1 or more"),
        (["--lookahead-ms", "300"], "--lookahead-ms: expected 0 to 200"),
        (["--fps", "1000"], "--fps: expected a frame rate"),
    ],
)
def test_the_command_refuses_what_can_not_be_served(
    arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--folder", str(tmp_path / "folder"), *arguments]) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "folder").exists()


def test_other_machines_are_served_with_a_certificate_of_its_own(server: ServerProcess, folder: Path) -> None:
    assert server.page.startswith("https://")
    assert server.ask("GET", "/page/page.js", knows=False)[0] == 200
    assert json.loads((folder / "told.json").read_text()) == {"url": server.page, "token": TOKEN}
    for secret in (folder / KEY, folder / "told.json"):
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_sessions_one_after_another_leave_nothing_behind(server: ServerProcess) -> None:
    async def converse() -> None:
        async with speaking(server, "avatar=portrait&pictures=jpeg&sound=pcm&lookahead_ms=0") as (socket, heard):
            await socket.send_bytes(VOICE.tobytes()[:9600])
            await heard.until(lambda heard: len(heard.messages) > 2)

    process = psutil.Process(server.process.pid)

    def use() -> tuple[int, int, int]:
        """Of how much there is more with each session that leaves something: threads, descriptors, processes."""
        return process.num_threads(), process.num_fds(), len(process.children(recursive=True))

    for _ in range(4):
        asyncio.run(converse())
    wait_for(lambda: server.json("GET", "/sessions")["sessions"], lambda running: not running)
    before, memory = use(), process.memory_info().rss
    for _ in range(6):
        asyncio.run(converse())
    wait_for(use, lambda now: all(later <= earlier for later, earlier in zip(now, before, strict=True)))
    assert process.memory_info().rss - memory < MAX_GROWTH


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


def test_hostile_requests_are_refused_and_a_running_session_does_not_notice(server: ServerProcess) -> None:
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
            assert (await heard.event("resting"))["said_s"] == pytest.approx(1.0, abs=0.01)

    def attack(server: Client, session: str) -> list[int]:
        answers = []
        for request in hostile_requests(server.port, Random(0)):
            answer = server.raw(request.replace(b"SESSION", session.encode()))
            answers.append(int(answer.split(b" ", 2)[1]))
        return answers

    asyncio.run(converse(server))


def test_a_rendering_that_sigterm_cut_off_is_done_after_the_next_start(
    server: ServerProcess, folder: Path, portrait_avatar_directory: Path
) -> None:
    job = server.json("POST", "/say", {"avatar": "portrait", "text": "Apples and pears. " * 4})
    wait_for(lambda: server.json("GET", f"/jobs/{job['id']}"), lambda now: now["total"] > 0)
    server.json("POST", "/sessions", {"avatar": "portrait"})
    its_processes = psutil.Process(server.process.pid).children(recursive=True)
    code, said = server.end()
    assert code == 0
    assert not psutil.wait_procs(its_processes, LONG_S)[1]
    assert "Traceback" not in said
    assert TOKEN not in said
    assert Job.load(folder / "jobs" / job["id"]).state == RUNNING
    assert not (folder / "jobs" / job["id"] / "out.mp4").exists()
    with server_process(folder, portrait_avatar_directory) as second:
        assert second.ask("GET", f"/jobs/{job['id']}/file")[0] == 409
        assert second.wait_for_job(job)["state"] == "done"
        assert second.ask("GET", f"/jobs/{job['id']}/file")[0] == 200
