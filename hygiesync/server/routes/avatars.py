"""The avatars that there are, and new ones: from a picture, or from a video that was sent in pieces."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp import web

from hygiesync.avatar.video_avatar import REPORT
from hygiesync.extras import require
from hygiesync.server.bodies import check_length, save_body
from hygiesync.server.faults import RefusedError
from hygiesync.server.fields import Fields, read_fields
from hygiesync.server.folder import avatar_folder_name
from hygiesync.server.jobs.job import INPUT, PHOTO, TRAIN
from hygiesync.server.keys import FOLDER, JOBS, SETTINGS, SHELF, UPLOADS

MAX_NAME = 60
_MIN_SIDE, _MAX_SIDE, _SIDE = 128, 1024, 512

ROUTES = web.RouteTableDef()


@ROUTES.get("/avatars")
async def list_avatars(request: web.Request) -> web.Response:
    """All avatars."""
    shelf = request.app[SHELF]
    return web.json_response({"avatars": await asyncio.to_thread(lambda: [shelf.describe(n) for n in shelf.names()])})


@ROUTES.get("/avatars/{name}")
async def one_avatar(request: web.Request) -> web.Response:
    """One avatar."""
    return web.json_response(await asyncio.to_thread(request.app[SHELF].describe, request.match_info["name"]))


@ROUTES.get("/avatars/{name}/picture")
async def picture(request: web.Request) -> web.Response:
    """How it looks."""
    jpeg = await asyncio.to_thread(request.app[SHELF].picture, request.match_info["name"])
    return web.Response(body=jpeg, content_type="image/jpeg")


@ROUTES.get("/avatars/{name}/report")
async def report(request: web.Request) -> web.StreamResponse:
    """The page that a training ended with."""
    path = request.app[SHELF].folder_of(request.match_info["name"]) / REPORT
    if not path.is_file():
        raise RefusedError(404, "this avatar has no report; those made from a video have")
    # A page of its own that runs nothing: it is shown in a frame, or saved.
    return web.FileResponse(path, headers={"Content-Type": "text/html; charset=utf-8", "Content-Disposition": "inline"})


def _checked_consent(fields: Fields) -> bool:
    if not fields.flag("consent"):
        raise RefusedError(400, "consent: the person shown must agree before an avatar is made; send true when they do")
    return True


@ROUTES.post("/photo")
async def from_photo(request: web.Request) -> web.Response:
    """A picture, in the body, becomes an avatar."""
    require("photo", "an avatar from a photo")
    fields = Fields(request.query)
    options = {
        "avatar": avatar_folder_name(fields.text("name", max_length=MAX_NAME, default="photo")),
        "consent": _checked_consent(fields),
        "max_side": fields.whole("max_side", _MIN_SIDE, _MAX_SIDE, _SIDE),
    }
    fields.finish()
    options["out"] = str(request.app[FOLDER].avatars / str(options["avatar"]))
    max_bytes = request.app[SETTINGS].max_upload_bytes
    check_length(request, max_bytes)
    job = await request.app[JOBS].add(PHOTO, options, lambda folder: save_body(request, folder / INPUT, max_bytes))
    return web.json_response(job.to_dict(), status=202)


@ROUTES.post("/train")
async def from_video(request: web.Request) -> web.Response:
    """A video, sent in pieces before, becomes an avatar."""
    require("train", "training")
    fields = await read_fields(request)
    uploads = request.app[UPLOADS]
    upload = uploads.whole(fields.text("upload", max_length=MAX_NAME))
    options = {
        "avatar": avatar_folder_name(fields.text("name", max_length=MAX_NAME, default="video")),
        "consent": _checked_consent(fields),
        "preset": fields.choice("preset", ("fast", "balanced", "best"), "balanced"),
    }
    fields.finish()
    options["out"] = str(request.app[FOLDER].avatars / str(options["avatar"]))

    async def take(folder: Path) -> None:
        uploads.move(upload, folder / INPUT)

    job = await request.app[JOBS].add(TRAIN, options, take)
    return web.json_response(job.to_dict(), status=202)
