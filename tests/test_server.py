"""The server's HTTP: who may ask, what is refused, jobs, uploads, avatars that are made."""

import asyncio
import json
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from servers import TOKEN, RunningServer, running_server, wait_for

from hygiesync.media.audio import write_wav
from hygiesync.media.video import probe
from hygiesync.server import bodies, fields
from hygiesync.server.jobs.job import LOST, MAX_STARTS, RUNNING, Job
from hygiesync.server.openapi import OPERATIONS
from hygiesync.server.settings import MAX_JSON_BYTES


@pytest.fixture(scope="module")
def server(portrait_avatar_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("server")
    with running_server(folder, (portrait_avatar_directory,), max_upload_bytes=300_000) as running:
        yield running


@pytest.fixture
def wav(tmp_path: Path) -> bytes:
    write_wav(tmp_path / "noise.wav", np.random.default_rng(0).normal(0, 0.1, 8000), 16_000)
    return (tmp_path / "noise.wav").read_bytes()


def test_the_page_needs_no_token_and_runs_only_what_is_its_own(server: RunningServer) -> None:
    status, headers, body = server.ask("GET", "/", knows=False)
    assert (status, b"/page/page.js" in body) == (200, True)
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    for name in ("page.js", "page.css", "api.html", "icon.svg"):
        assert server.ask("GET", f"/page/{name}", knows=False)[0] == 200
    assert "Access-Control-Allow-Origin" not in headers


def test_every_route_is_described_and_wants_the_token(server: RunningServer) -> None:
    described = {(operation.method.upper(), operation.path) for operation in OPERATIONS}
    routes = {
        (route.method, route.resource.canonical)
        for route in server.app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    assert routes - {("GET", "/"), ("GET", "/page/{file}")} == described
    for method, path in described - {("GET", "/healthz")}:
        concrete = path.replace("{name}", "portrait").replace("{id}", "0" * 16)
        assert server.ask(method, concrete, knows=False)[0] in (401, 429), path
    assert set(server.json("GET", "/openapi.json")["paths"]) == {path for _, path in described}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 400),
        ({"Host": "localhost@evil.example"}, 400),
        ({"Host": "127.0.0.1:99999999"}, 400),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
def test_others_are_refused(server: RunningServer, headers: dict[str, str], status: int) -> None:
    assert server.ask("GET", "/avatars", headers=headers)[0] == status


def test_a_token_of_bytes_that_are_no_text_is_a_wrong_one(server: RunningServer) -> None:
    port = urlsplit(server.url).port
    assert port is not None
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(f"GET /avatars HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer ".encode())
        connection.sendall(b"\xff\xfe\r\nConnection: close\r\n\r\n")
        answer = connection.makefile("rb").readline()
    assert b" 4" in answer


def test_a_link_to_the_page_may_be_followed_from_elsewhere(server: RunningServer) -> None:
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert server.ask("GET", "/", headers=followed, knows=False)[0] == 200
    assert server.ask("GET", "/avatars", headers=followed)[0] == 403


def test_its_own_page_may_ask(server: RunningServer) -> None:
    for name in ("127.0.0.1", "localhost"):
        own = {"Host": f"{name}:{server.port}", "Origin": f"http://{name}:{server.port}"}
        assert server.ask("GET", "/avatars", headers=own)[0] == 200


def test_avatars_are_told_of_and_shown(server: RunningServer) -> None:
    [told] = server.json("GET", "/avatars")["avatars"]
    assert (told["name"], told["made_from"], told["consent"]) == ("portrait", "photo", "stated")
    status, headers, body = server.ask("GET", told["picture"])
    assert (status, headers["Content-Type"], body[:2]) == (200, "image/jpeg", b"\xff\xd8")
    assert server.ask("GET", "/avatars/portrait/report")[0] == 404


def test_a_sound_becomes_a_video(server: RunningServer, wav: bytes, tmp_path: Path) -> None:
    status, _, content = server.ask("POST", "/render?avatar=portrait", wav)
    assert status == 202
    job = json.loads(content)
    assert server.ask("GET", f"/jobs/{job['id']}/file")[0] == 409
    told = server.ask("GET", f"/jobs/{job['id']}/events")[2].decode()
    states = [json.loads(line[6:])["state"] for line in told.splitlines() if line.startswith("data: ")]
    assert states[-1] == "done"
    status, headers, video = server.ask("GET", f"/jobs/{job['id']}/file")
    assert (status, headers["Content-Type"]) == (200, "video/mp4")
    (tmp_path / "said.mp4").write_bytes(video)
    assert probe(tmp_path / "said.mp4").width == 256
    assert server.ask("GET", f"/jobs/{job['id']}/file", headers={"Range": "bytes=0-9"})[0] == 206
    server.json("DELETE", f"/jobs/{job['id']}")
    assert server.ask("GET", f"/jobs/{job['id']}/file")[0] == 404


def test_what_is_no_sound_fails_in_one_line(server: RunningServer) -> None:
    job = json.loads(server.ask("POST", "/render?avatar=portrait", b"#EXTM3U\n/etc/passwd\n" * 20)[2])
    ended = server.wait_for_job(job)
    assert ended["state"] == "failed"
    assert 'hygiesync_jobs_total{kind="render",state="failed"}' in server.ask("GET", "/metrics")[2].decode()
    assert "\n" not in ended["error"]
    assert "/" not in ended["error"].replace("/jobs/", "")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("POST", "/say", {"avatar": "portrait", "text": "Hello", "voice": "/etc/voice.onnx"}, 400, "voice"),
        ("POST", "/say", {"avatar": "portrait", "text": "Hello", "language": "../en"}, 400, "language"),
        ("POST", "/say", {"avatar": "portrait", "text": ""}, 400, "text"),
        ("POST", "/say", {"avatar": "portrait", "text": "Hello", "colour": "red"}, 400, "colour"),
        ("POST", "/say", {"avatar": "../portrait", "text": "Hello"}, 404, "avatar"),
        ("POST", "/say", b"[1, 2]", 400, "JSON object"),
        ("POST", "/say", b"{" * 60_000, 400, "JSON object"),
        ("POST", "/say", b"x" * (MAX_JSON_BYTES + 1), 413, "at most"),
        ("POST", "/render?avatar=portrait", b"", 400, "nothing"),
        ("POST", "/render?avatar=portrait", b"x" * 300_001, 413, "at most"),
        ("POST", "/render?avatar=portrait&expressiveness=nan", b"x", 400, "expressiveness"),
        ("POST", "/photo?name=me", b"x", 400, "consent"),
        ("POST", "/photo?name=me&consent=false", b"x", 400, "agree"),
        ("POST", "/train", {"upload": "0" * 16, "consent": True}, 404, "upload"),
        ("GET", "/avatars/..%2f..%2fetc%2fpasswd/picture", None, 404, "avatar"),
        ("GET", "/page/..%2fsettings.py", None, 404, "Not Found"),
        ("GET", "/jobs/..%2f..", None, 404, "job"),
        ("GET", "/speak?avatar=portrait", None, 426, "WebSocket"),
        ("PATCH", "/say", None, 405, "Not Allowed"),
    ],
)
def test_wrong_requests_are_told_what_is_wrong(
    server: RunningServer, method: str, path: str, body: object, status: int, says: str
) -> None:
    answered, headers, content = server.ask(method, path, body)
    assert answered == status, content
    assert says in json.loads(content)["error"]
    assert headers["Content-Type"].startswith("application/json")


@pytest.mark.slow
def test_a_picture_becomes_an_avatar_under_a_name_that_the_server_makes(
    server: RunningServer, portrait_avatar_directory: Path
) -> None:
    picture = (portrait_avatar_directory.parent / "portrait.png").read_bytes()
    job = json.loads(server.ask("POST", "/photo?name=../../Zo%C3%A9&consent=true&max_side=128", picture)[2])
    ended = server.wait_for_job(job)
    assert ended["state"] == "done", ended
    assert ended["result"]["avatar"].startswith("zoe-")
    assert ended["result"]["avatar"] in [told["name"] for told in server.json("GET", "/avatars")["avatars"]]


def test_an_upload_goes_on_where_it_stopped(server: RunningServer) -> None:
    begun = server.json("POST", "/uploads", {"size": 10})
    path = f"/uploads/{begun['id']}"
    assert server.ask("PUT", f"{path}?offset=0", b"01234")[0] == 200
    assert server.ask("PUT", f"{path}?offset=3", b"34567")[0] == 409
    assert server.ask("PUT", f"{path}?offset=5", b"56789and more")[0] == 413
    assert server.json("GET", path)["received"] == 5
    assert server.ask("POST", "/train", {"upload": begun["id"], "consent": True})[0] == 409
    head = f"PUT {path}?offset=5 HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
    with socket.create_connection(("127.0.0.1", server.port), 10) as broken:
        broken.sendall(f"{head}Content-Length: 5\r\n\r\n56".encode())
    # a piece is there whole or not at all: the next is one more first try, once the server saw that the line is broken
    wait_for(lambda: server.ask("PUT", f"{path}?offset=5", b"56789")[0], lambda status: status == 200)
    assert server.json("GET", path)["received"] == 10
    server.json("DELETE", path)
    assert server.ask("GET", path)[0] == 404


def test_a_slow_sender_is_let_go(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "STALL_S", 0.1)
    monkeypatch.setattr(fields, "BODY_TIMEOUT_S", 0.1)
    for path in ("/render?avatar=portrait", "/say"):
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 1000\r\n\r\n"
        )
        answer = asyncio.run(_answer(server.port, head.encode() + b"slow"))
        assert answer.startswith(b"HTTP/1.1 408")


async def _answer(port: int, sent: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    answer = await asyncio.wait_for(reader.readline(), 30)
    writer.close()
    return answer


def test_headers_that_do_not_end_are_let_go(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hygiesync.server.patience.HEADER_S", 0.1)
    assert asyncio.run(_answer(server.port, b"GET / HTTP/1.1\r\nHost: ")).startswith(b"HTTP/1.1 408")


def test_metrics_count(server: RunningServer) -> None:
    assert server.ask("GET", "/metrics", knows=False)[0] in (401, 429)
    text = server.ask("GET", "/metrics")[2].decode()
    assert "hygiesync_sessions 0\n" in text
    assert 'hygiesync_requests_total{status="4' in text


@pytest.mark.slow
def test_jobs_that_a_server_left_are_begun_again_or_lost(
    server: RunningServer, portrait_avatar_directory: Path, wav: bytes, tmp_path: Path
) -> None:
    options = {"avatar": "portrait", "directory": str(portrait_avatar_directory), "expressiveness": 1.0}
    for number, n_starts in enumerate((1, MAX_STARTS)):
        job = Job(f"{number:016x}", "render", options, time.time(), state=RUNNING, n_starts=n_starts)
        folder = tmp_path / "jobs" / job.id
        folder.mkdir(parents=True)
        (folder / "input").write_bytes(wav)
        (folder / "unfinished-out.mp4").write_bytes(b"half a video")
        job.save(folder)
    (tmp_path / "jobs" / "of nobody").mkdir()
    with running_server(tmp_path, (portrait_avatar_directory,)) as again:
        assert again.json("GET", "/jobs/0000000000000001")["state"] == LOST
        assert again.ask("GET", "/jobs/0000000000000001/file")[0] == 409
        assert again.wait_for_job({"id": "0" * 16})["state"] == "done"
        video = again.ask("GET", "/jobs/0000000000000000/file")[2]
        assert struct.unpack(">4s", video[4:8])[0] == b"ftyp"
    assert not (tmp_path / "jobs" / "of nobody").exists()


def test_too_many_requests_have_to_wait(portrait_avatar_directory: Path, tmp_path: Path) -> None:
    with running_server(tmp_path, (portrait_avatar_directory,)) as fresh:
        assert fresh.ask("GET", "/avatars", headers={"Authorization": f"Basic {TOKEN}"})[0] == 401
        wrong = [fresh.ask("GET", "/avatars", headers={"Authorization": "Bearer guess"})[0] for _ in range(25)]
        assert wrong[:19] == [401] * 19
        assert wrong[-1] == 429
        assert fresh.ask("GET", "/avatars")[0] == 200  # others at this address are not shut out
