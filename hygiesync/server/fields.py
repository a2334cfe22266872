"""Reading what a request says: JSON of known fields and a known size, in time."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from hygiesync.server.faults import RefusedError
from hygiesync.server.settings import MAX_JSON_BYTES

BODY_TIMEOUT_S = 10.0
"""A small body that has not come whole within this time is given up (seconds)."""


class Fields:
    """What a client sent, asked for field by field; :meth:`finish` refuses the rest.

    Parameters
    ----------
    content : mapping
        Field names and their values.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = dict(content)

    def text(self, name: str, *, max_length: int, default: str | None = None) -> str:
        """A text that is not empty."""
        value = self._content.pop(name, default)
        if not isinstance(value, str) or not 0 < len(value) <= max_length or "\0" in value:
            raise RefusedError(400, f"{name}: expected a text of 1 to {max_length} characters, got {_shown(value)}")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise RefusedError(400, f"{name}: expected a text, got half a character (a lone surrogate)") from None
        return value

    def choice(self, name: str, among: Sequence[str], default: str | None = None) -> str:
        """One of several words."""
        value = self._content.pop(name, default)
        if not isinstance(value, str) or value not in among:
            raise RefusedError(400, f"{name}: expected one of {', '.join(among)}, got {_shown(value)}")
        return value

    def number(self, name: str, low: float, high: float, default: float | None = None) -> float:
        """A number within bounds; given as text, too, since queries are."""
        value = self._content.pop(name, default)
        if isinstance(value, str):
            try:
                value = float(value[:40])
            except ValueError:
                value = None
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise RefusedError(400, f"{name}: expected a number from {low:g} to {high:g}, got {_shown(value)}")
        if not low <= value <= high:
            raise RefusedError(400, f"{name}: expected {low:g} to {high:g}, got {value:g}")
        return float(value)

    def whole(self, name: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number within bounds."""
        value = self.number(name, low, high, default)
        if value != int(value):
            raise RefusedError(400, f"{name}: expected a whole number from {low} to {high}, got {value:g}")
        return int(value)

    def flag(self, name: str, default: bool | None = None) -> bool:
        """Yes or no; in a query ``true`` or ``false``."""
        value = self._content.pop(name, default)
        value = {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value
        if not isinstance(value, bool):
            raise RefusedError(400, f"{name}: expected true or false, got {_shown(value)}")
        return value

    def has(self, name: str) -> bool:
        """Whether a field is there and not null."""
        return self._content.get(name) is not None

    def finish(self) -> None:
        """Refuse fields that nobody asked for."""
        if self._content:
            raise RefusedError(400, f"unknown field {_shown(next(iter(self._content)))}; see /openapi.json")


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else f"{shown[:40]}..."


def parse_object(text: str | bytes) -> dict[str, Any]:
    """A JSON object of a limited size and depth.

    Raises
    ------
    RefusedError
        400 where it is none.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise RefusedError(400, "expected a JSON object, got something else") from None
    if not isinstance(content, dict):
        raise RefusedError(400, f"expected a JSON object, got {_shown(content)}")
    return content


async def read_fields(request: web.Request) -> Fields:
    """The fields of a request's JSON body.

    Raises
    ------
    RefusedError
        400 where it is no JSON object, 408 where it comes too slowly, 413 where it is too large.
    """
    return Fields(parse_object(await read_small(request)))


async def read_small(request: web.Request) -> bytes:
    """A body of at most `MAX_JSON_BYTES`."""
    if (request.content_length or 0) > MAX_JSON_BYTES:
        raise RefusedError(413, f"the body: expected at most {MAX_JSON_BYTES} bytes, got {request.content_length}")
    try:
        return await asyncio.wait_for(_read_up_to(request, MAX_JSON_BYTES), BODY_TIMEOUT_S)
    except asyncio.TimeoutError:
        raise RefusedError(408, f"the body did not come within {BODY_TIMEOUT_S:g} s; send it again") from None


async def _read_up_to(request: web.Request, n_bytes: int) -> bytes:
    body = bytearray()
    async for piece in request.content.iter_any():
        body += piece
        if len(body) > n_bytes:
            raise RefusedError(413, f"the body: expected at most {n_bytes} bytes, got more")
    return bytes(body)
