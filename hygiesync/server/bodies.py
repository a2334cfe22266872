"""Large bodies go to a file as they come, within a size, and not slower than a pace."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import BinaryIO

from aiohttp import web

from hygiesync.server.faults import RefusedError

STALL_S = 10.0
"""A sender that is silent for so long is given up (seconds)."""

MIN_BYTES_PER_S = 4096
"""A sender that is slower than this on the whole is given up; a telephone's sound needs more."""


async def save_body(request: web.Request, path: Path, max_bytes: int) -> int:
    """Write a request's body to `path`, which is there whole or not at all.

    Returns
    -------
    int
        Its size, bytes.

    Raises
    ------
    RefusedError
        400 for nothing, 408 for a sender that is too slow, 413 for more than `max_bytes`.
    """
    check_length(request, max_bytes)
    unfinished = path.with_name(f"{path.name}.part")
    try:
        with unfinished.open("wb") as file:
            n_bytes = await append_body(request, file, max_bytes)
        if n_bytes == 0:
            raise RefusedError(400, "the body: expected a file's bytes, got nothing")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return n_bytes


async def append_body(request: web.Request, file: BinaryIO, max_bytes: int) -> int:
    """Write a request's body to an open file; see :func:`save_body`."""
    loop = asyncio.get_running_loop()
    start_s, n_bytes = loop.time(), 0
    while True:
        try:
            piece = await asyncio.wait_for(request.content.readany(), STALL_S)
        except asyncio.TimeoutError:
            raise RefusedError(408, f"nothing came for {STALL_S:g} s; send it again") from None
        if not piece:
            return n_bytes
        n_bytes += len(piece)
        if n_bytes > max_bytes:
            raise RefusedError(413, f"the body: expected at most {max_bytes} bytes, got more")
        lasted_s = loop.time() - start_s
        if lasted_s > STALL_S and n_bytes < MIN_BYTES_PER_S * lasted_s:
            raise RefusedError(408, f"the body comes slower than {MIN_BYTES_PER_S} bytes a second; send it faster")
        await loop.run_in_executor(None, file.write, piece)


def check_length(request: web.Request, max_bytes: int) -> None:
    """Refuse what says itself that it is too large, before it is read."""
    if (request.content_length or 0) > max_bytes:
        raise RefusedError(413, f"the body: expected at most {max_bytes} bytes, got {request.content_length}")
