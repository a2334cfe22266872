"""A server in this process, and what asks it."""

import asyncio
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp
import numpy as np
from aiohttp import web

if TYPE_CHECKING:
    from hygiesync.server.sessions.registry import SessionRegistry

TOKEN = "a-token-that-only-tests-know"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
PROTOCOLS = ("hygiesync", f"token.{TOKEN}")
LONG_S = 60.0

CERTIFICATE, KEY = "certificate.pem", "key.pem"
"""Files in the server's folder when it makes them itself."""

VOICE = (np.sin(np.arange(48_000) * 0.05) * np.sin(np.arange(48_000) * 0.0008) * 20_000).astype("<i2")
"""A second, at 48 kHz, of a tone that swells and falls as syllables do."""


class Client:
    """A plain client of a server, by TLS where it has a context for that."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.port, self.tls = port, tls

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, *, knows: bool = True
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of an answer."""
        connection = (
            HTTPSConnection("127.0.0.1", self.port, timeout=LONG_S, context=self.tls)
            if self.tls
            else HTTPConnection("127.0.0.1", self.port, timeout=LONG_S)
        )
        content = json.dumps(body).encode() if isinstance(body, dict) else body
        try:
            connection.request(method, path, content, {**(AUTHORIZED if knows else {}), **(headers or {})})
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def json(self, method: str, path: str, body: Any = None) -> Any:
        """The content of an answer that is no refusal."""
        status, _, content = self.ask(method, path, body)
        assert status < 400, content
        return json.loads(content)

    def wait_for_job(self, job: dict[str, Any]) -> dict[str, Any]:
        return wait_for(lambda: self.json("GET", f"/jobs/{job['id']}"), lambda now: now["state"] in ENDED)

    def raw(self, data: bytes) -> bytes:
        """The beginning of what is answered to bytes that need not be HTTP."""
        with ExitStack() as closing:
            connection = closing.enter_context(socket.create_connection(("127.0.0.1", self.port), timeout=LONG_S))
            if self.tls:
                connection = closing.enter_context(self.tls.wrap_socket(connection, server_hostname="127.0.0.1"))
            connection.sendall(data)
            return connection.recv(65536)


class RunningServer(Client):
    """A server that runs in a thread."""

    def __init__(self, app: web.Application, port: int) -> None:
        super().__init__(port)
        self.app = app

    @property
    def page(self) -> str:
        """The page's address, with the token."""
        return f"{self.url}/#token={TOKEN}"

    @property
    def sessions(self) -> "SessionRegistry":
        from hygiesync.server.keys import SESSIONS

        return self.app[SESSIONS]


class ServerProcess(Client):
    """``hygiesync serve`` in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], page: str, tls: ssl.SSLContext | None) -> None:
        super().__init__(urlsplit(page).port or 0, tls)
        self.process, self.page = process, page

    def end(self) -> tuple[int, str]:
        """Exit code and what was said, once it was asked to end."""
        self.process.terminate()
        _, said = self.process.communicate(timeout=LONG_S)
        return self.process.returncode, said


@contextmanager
def server_process(
    folder: Path, *arguments: object, port: int = 0, python: Path = Path(sys.executable)
) -> Iterator[ServerProcess]:
    """The command, from when it serves."""
    command = [str(python), "-m", "hygiesync", "serve", "--port", str(port), "--folder", str(folder)]
    process = subprocess.Popen(
        [*command, *map(str, arguments)], env={**os.environ, "HYGIESYNC_TOKEN": TOKEN, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        page = process.stdout.readline().strip()
        assert page.startswith("http"), process.communicate()[1]
        is_tls = page.startswith("https")
        yield ServerProcess(process, page, ssl.create_default_context(cafile=folder / CERTIFICATE) if is_tls else None)
    finally:
        process.kill()
        process.communicate()


ENDED = ("done", "failed", "lost")


def wait_for(ask: Callable[[], Any], is_so: Callable[[Any], bool], timeout_s: float = LONG_S) -> Any:
    """What `ask` answers once `is_so` of it."""
    give_up_s = time.monotonic() + timeout_s
    while not is_so(answer := ask()):
        assert time.monotonic() < give_up_s, f"still {answer}"
        time.sleep(0.02)
    return answer


@contextmanager
def running_server(
    folder: Path, avatars: tuple[Path, ...], *, port: int = 0, **settings: Any
) -> Iterator[RunningServer]:
    """A server of these avatars, at a port that is free or at this one, ended in order when the context is."""
    # not imported where only a server in another environment is asked
    from hygiesync.server.app import make_app
    from hygiesync.server.patience import PatientServer
    from hygiesync.server.settings import ServerSettings

    started, ports = threading.Event(), []
    stop: list[Callable[[], object]] = []
    app = make_app(ServerSettings(folder=folder, avatars=avatars, token=TOKEN, **settings))

    async def serve() -> None:
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        stop.append(lambda: loop.call_soon_threadsafe(over.set))
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        assert runner.server is not None
        listening = await loop.create_server(PatientServer(runner.server), "127.0.0.1", port, reuse_address=True)
        ports.append(listening.sockets[0].getsockname()[1])
        started.set()
        await over.wait()
        listening.close()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="server")
    thread.start()
    assert started.wait(LONG_S)
    try:
        yield RunningServer(app, ports[0])
    finally:
        stop[0]()
        thread.join(LONG_S)
        assert not thread.is_alive()


class Listener:
    """What came down a WebSocket."""

    def __init__(self, client: Any) -> None:
        self._socket = client
        self.events: list[dict[str, Any]] = []
        self.messages: list[bytes] = []

    async def until(self, is_enough: Callable[["Listener"], bool]) -> "Listener":
        """Listen until something has come."""
        while not is_enough(self):
            message = await asyncio.wait_for(self._socket.receive(), LONG_S)
            if message.type is aiohttp.WSMsgType.TEXT:
                self.events.append(json.loads(message.data))
            elif message.type is aiohttp.WSMsgType.BINARY:
                self.messages.append(message.data)
            else:
                raise AssertionError(f"the socket was closed: {message}")
        return self

    async def event(self, kind: str) -> dict[str, Any]:
        """The next event of a kind."""
        n_before = len(self.events)
        await self.until(lambda heard: any(event["type"] == kind for event in heard.events[n_before:]))
        return next(event for event in self.events[n_before:] if event["type"] == kind)


@asynccontextmanager
async def speaking(server: Client, query: str) -> AsyncIterator[tuple[Any, Listener]]:
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(f"{server.url}/speak?{query}", protocols=PROTOCOLS, ssl=server.tls or True) as socket,
    ):
        yield socket, Listener(socket)
