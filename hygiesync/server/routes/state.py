"""Whether there is a server, how it is doing, and what it can be asked."""

from __future__ import annotations

from aiohttp import web

from hygiesync.server.keys import JOBS, METRICS, SESSIONS
from hygiesync.server.metrics import CONTENT_TYPE
from hygiesync.server.openapi import description

ROUTES = web.RouteTableDef()


@ROUTES.get("/healthz")
async def health(request: web.Request) -> web.Response:
    """Whether it answers; for whoever starts and restarts it."""
    return web.json_response({"status": "ok"})


@ROUTES.get("/metrics")
async def metrics(request: web.Request) -> web.Response:
    """What is counted, for Prometheus."""
    text = request.app[METRICS].text(request.app[SESSIONS].measures())
    return web.Response(text=text, headers={"Content-Type": CONTENT_TYPE})


@ROUTES.get("/openapi.json")
async def openapi(request: web.Request) -> web.Response:
    """The API's description."""
    return web.json_response(description())


@ROUTES.get("/state")
async def state(request: web.Request) -> web.Response:
    """What the page shows of the server."""
    sessions = request.app[SESSIONS]
    running = sum(1 for job in request.app[JOBS].all() if not job.has_ended)
    return web.json_response({"sessions": len(sessions), "max_sessions": sessions.max_sessions, "jobs": running})
