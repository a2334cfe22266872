"""The application: all parts put together, begun and ended in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from functools import lru_cache, partial
from importlib import resources
from pathlib import Path

from aiohttp import WSCloseCode, web

from hygiesync.concurrency.library_threads import prompt_threads
from hygiesync.server import routes
from hygiesync.server.access import Access, add_security_headers
from hygiesync.server.avatars import AvatarShelf
from hygiesync.server.faults import Handler, faults_as_json
from hygiesync.server.folder import ServerFolder
from hygiesync.server.jobs.manager import JobManager
from hygiesync.server.keys import (
    FOLDER,
    JOBS,
    METRICS,
    PEERS,
    SESSIONS,
    SETTINGS,
    SHELF,
    SOCKETS,
    UPLOADS,
    Peers,
    Sockets,
)
from hygiesync.server.metrics import Metrics
from hygiesync.server.sessions.registry import SessionRegistry
from hygiesync.server.settings import MAX_JSON_BYTES, ServerSettings
from hygiesync.server.uploads import Uploads
from hygiesync.server.webrtc.encoding import encoding_cost

PAGE_FILES = {
    "page.css": "text/css", "page.js": "text/javascript", "connection.js": "text/javascript",
    "microphone.js": "text/javascript", "recorder.js": "text/javascript", "jobs.js": "text/javascript",
    "making.js": "text/javascript", "words.js": "text/javascript", "server.js": "text/javascript",
    "socket.js": "text/javascript", "together.js": "text/javascript",
    "api.html": "text/html", "icon.svg": "image/svg+xml",
}  # fmt: skip
"""All files of the page, which are served and nothing else."""


def make_app(settings: ServerSettings, own_names: tuple[str, ...] = ()) -> web.Application:
    """The application of a server.

    Parameters
    ----------
    settings : ServerSettings
    own_names : tuple of str
        Names and addresses that it is reached by from other machines.

    Raises
    ------
    InputError, UsageError
        When an avatar or the folder can't be used.
    """
    access = Access(settings, own_names)
    app = web.Application(
        middlewares=[_counted, faults_as_json, access.middleware],
        client_max_size=MAX_JSON_BYTES,
        logger=logging.getLogger("hygiesync.server"),
    )
    folder, metrics = ServerFolder(settings.folder), Metrics()
    app[SETTINGS], app[FOLDER], app[METRICS] = settings, folder, metrics
    app[SHELF] = AvatarShelf(settings.avatars, folder.avatars)
    app[UPLOADS] = Uploads(folder.uploads, settings.max_video_bytes, settings.piece_bytes)
    app[JOBS] = JobManager(folder.jobs, metrics, settings.job_memory_bytes, settings.job_cpu_s)
    cost_of_encoding = lru_cache(partial(encoding_cost, fps=settings.fps))
    app[SESSIONS] = SessionRegistry(settings, app[SHELF], metrics, cost_of_encoding)
    app[PEERS], app[SOCKETS] = Peers(), Sockets()
    app.router.add_get("/", _page)
    app.router.add_get("/page/{file}", _page_file)
    for table in routes.ALL:
        app.router.add_routes(table)
    app.on_response_prepare.append(add_security_headers)
    app.cleanup_ctx.append(_running)
    app.on_shutdown.append(_hang_up)
    return app


@web.middleware
async def _counted(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await handler(request)
    request.app[METRICS].add("requests_total", labels={"status": str(response.status)})
    return response


async def _running(app: web.Application) -> AsyncIterator[None]:
    with prompt_threads():
        await app[JOBS].start()
        app[SESSIONS].start()
        yield
        peers = app[PEERS]
        await asyncio.gather(*(peer.close() for peer in list(peers)), return_exceptions=True)
        await app[SESSIONS].stop()
        await app[JOBS].stop()


async def _hang_up(app: web.Application) -> None:
    """Sockets would keep the server waiting for their clients."""
    sockets = app[SOCKETS]
    for socket in list(sockets):
        await socket.close(code=WSCloseCode.GOING_AWAY, message=b"the server ends")


def _page_path(name: str) -> Path:
    return Path(str(resources.files("hygiesync.server") / "page" / name))


async def _page(request: web.Request) -> web.StreamResponse:
    return web.FileResponse(_page_path("index.html"), headers={"Content-Type": "text/html; charset=utf-8"})


async def _page_file(request: web.Request) -> web.StreamResponse:
    name = request.match_info["file"]
    if name not in PAGE_FILES:
        raise web.HTTPNotFound
    return web.FileResponse(_page_path(name), headers={"Content-Type": f"{PAGE_FILES[name]}; charset=utf-8"})
