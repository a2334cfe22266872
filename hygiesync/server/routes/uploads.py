"""Uploads in pieces."""

from __future__ import annotations

from aiohttp import web

from hygiesync.server.fields import Fields, read_fields
from hygiesync.server.keys import UPLOADS
from hygiesync.server.uploads import Upload

_LARGEST = 1 << 40

ROUTES = web.RouteTableDef()


def _upload(request: web.Request) -> Upload:
    return request.app[UPLOADS].get(request.match_info["id"])


@ROUTES.post("/uploads")
async def begin(request: web.Request) -> web.Response:
    """Begin one."""
    fields = await read_fields(request)
    size = fields.whole("size", 1, _LARGEST)
    fields.finish()
    return web.json_response(request.app[UPLOADS].begin(size).to_dict(), status=201)


@ROUTES.get("/uploads/{id}")
async def state(request: web.Request) -> web.Response:
    """How much came, so that a client knows where to go on."""
    return web.json_response(_upload(request).to_dict())


@ROUTES.put("/uploads/{id}")
async def piece(request: web.Request) -> web.Response:
    """The next piece, in the body."""
    fields = Fields(request.query)
    offset = fields.whole("offset", 0, _LARGEST)
    fields.finish()
    upload = _upload(request)
    await request.app[UPLOADS].append(request, upload, offset)
    return web.json_response(upload.to_dict())


@ROUTES.delete("/uploads/{id}")
async def delete(request: web.Request) -> web.Response:
    """Give one up."""
    request.app[UPLOADS].delete(_upload(request))
    return web.json_response({})
