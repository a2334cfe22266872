"""Renderings as jobs: begun, watched, fetched."""

from __future__ import annotations

import asyncio
import json
import re

from aiohttp import web

from hygiesync.engine import MAX_EXPRESSIVENESS
from hygiesync.server.bodies import check_length, save_body
from hygiesync.server.faults import RefusedError
from hygiesync.server.fields import Fields, read_fields
from hygiesync.server.jobs.job import DONE, INPUT, RENDER, RESULT, SAY, Job
from hygiesync.server.keys import JOBS, SETTINGS, SHELF
from hygiesync.server.settings import MAX_TEXT_LENGTH
from hygiesync.tts.voice import (
    MAX_PITCH,
    MAX_WORDS_PER_MINUTE,
    MIN_PITCH,
    MIN_WORDS_PER_MINUTE,
    PITCH,
    WORDS_PER_MINUTE,
)

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+-]{0,39}")
"""A language or a voice: never a path, which the library would take for a voice's file."""

_ALIVE_S = 15.0
"""A watcher is sent something so often, so that a broken connection is noticed (seconds)."""

ROUTES = web.RouteTableDef()


def _job(request: web.Request) -> Job:
    return request.app[JOBS].get(request.match_info["id"])


def voice_fields(fields: Fields) -> dict[str, object]:
    """Which voice reads a text."""
    names = {"language": fields.text("language", max_length=40, default="en")}
    names["voice"] = fields.text("voice", max_length=40) if fields.has("voice") else ""
    for name, value in names.items():
        if value and not _PLAIN_NAME.fullmatch(value):
            raise RefusedError(400, f"{name}: expected letters, digits and dashes, such as fr or f3")
    return {
        **names,
        "words_per_minute": fields.whole(
            "words_per_minute", MIN_WORDS_PER_MINUTE, MAX_WORDS_PER_MINUTE, WORDS_PER_MINUTE
        ),
        "pitch": fields.whole("pitch", MIN_PITCH, MAX_PITCH, PITCH),
    }


def _speaker(request: web.Request, fields: Fields) -> dict[str, object]:
    """Who speaks, and how lively."""
    name = fields.text("avatar", max_length=100)
    return {
        "avatar": name,
        "directory": str(request.app[SHELF].folder_of(name).absolute()),
        "expressiveness": fields.number("expressiveness", 0, MAX_EXPRESSIVENESS, 1),
    }


@ROUTES.post("/render")
async def render(request: web.Request) -> web.Response:
    """A sound, in the body, is said by an avatar."""
    fields = Fields(request.query)
    options = _speaker(request, fields)
    fields.finish()
    max_bytes = request.app[SETTINGS].max_upload_bytes
    check_length(request, max_bytes)
    job = await request.app[JOBS].add(RENDER, options, lambda folder: save_body(request, folder / INPUT, max_bytes))
    return web.json_response(job.to_dict(), status=202)


@ROUTES.post("/say")
async def say(request: web.Request) -> web.Response:
    """A text is said by an avatar."""
    fields = await read_fields(request)
    options = {
        **_speaker(request, fields),
        **voice_fields(fields),
        "text": fields.text("text", max_length=MAX_TEXT_LENGTH),
    }
    fields.finish()
    return web.json_response((await request.app[JOBS].add(SAY, options)).to_dict(), status=202)


@ROUTES.get("/jobs")
async def all_jobs(request: web.Request) -> web.Response:
    """All jobs, the newest first."""
    return web.json_response({"jobs": [job.to_dict() for job in request.app[JOBS].all()]})


@ROUTES.get("/jobs/{id}")
async def one_job(request: web.Request) -> web.Response:
    """How far one is."""
    return web.json_response(_job(request).to_dict())


@ROUTES.delete("/jobs/{id}")
async def delete(request: web.Request) -> web.Response:
    """End one, and forget it with its files."""
    await request.app[JOBS].delete(_job(request))
    return web.json_response({})


@ROUTES.get("/jobs/{id}/file")
async def file(request: web.Request) -> web.StreamResponse:
    """The video that one made."""
    job = _job(request)
    path = request.app[JOBS].folder_of(job) / RESULT
    if job.state != DONE or not path.is_file():
        raise RefusedError(409, f"job: is {job.state}, and has no video")
    headers = {
        "Content-Type": "video/mp4",
        "Content-Disposition": f'attachment; filename="{job.options["avatar"]}.mp4"',
    }
    return web.FileResponse(path, headers=headers)


@ROUTES.get("/jobs/{id}/events")
async def events(request: web.Request) -> web.StreamResponse:
    """How far one is, each time that it changes, as server-sent events; ends with the job."""
    job = _job(request)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    changes = request.app[JOBS].watch(job)
    following = asyncio.ensure_future(anext(changes, None))
    try:
        while True:
            done, _ = await asyncio.wait({following}, timeout=_ALIVE_S)
            if not done:
                await response.write(b": alive\n\n")
                continue
            changed = following.result()
            if changed is None:
                return response
            await response.write(f"event: job\ndata: {json.dumps(changed.to_dict())}\n\n".encode())
            following = asyncio.ensure_future(anext(changes, None))
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await changes.aclose()  # type: ignore[attr-defined]
