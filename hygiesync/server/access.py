"""Who may ask: the token, the names that the server may be called by, pages of its own origin, and how often.

A page of another site can make a browser send requests to this machine. It knows no token, its `Origin` is another, and
if it lets a name of its own point here (DNS rebinding), `Host` is another.
"""

from __future__ import annotations

import hmac
import time
from urllib.parse import urlsplit

from aiohttp import web

from hygiesync.server.faults import Handler, RefusedError
from hygiesync.server.limits import RateLimit
from hygiesync.server.settings import LOOPBACK, ServerSettings

SUBPROTOCOL = "hygiesync"
"""What a WebSocket speaks. A browser can set no header there, so the token comes as a second subprotocol."""

TOKEN_SUBPROTOCOL = "token."

PUBLIC = ("/", "/healthz")
_PUBLIC_FOLDER = "/page/"
"""What needs no token: the page itself, which must be there before one can be sent, and whether there is a server."""

_REQUESTS_PER_S, _REQUEST_BURST = 50.0, 200
_WRONG_TOKENS_PER_S, _WRONG_TOKEN_BURST = 0.2, 20
"""Guessing is hopeless anyway (256 bits). Whoever shares an address with a guesser and knows the token passes."""

_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:"
    " mediastream:; connect-src 'self' {sockets}; worker-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)

_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(self), fullscreen=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Access:
    """Lets requests pass or refuses them; a middleware.

    Parameters
    ----------
    settings : ServerSettings
    own_names : tuple of str
        Names and addresses of the machine, where it is reached from others.
    """

    def __init__(self, settings: ServerSettings, own_names: tuple[str, ...] = ()) -> None:
        self._token = settings.token.encode()
        self._names = {name.lower() for name in (*LOOPBACK, *own_names, *settings.allowed_hosts)}
        self._requests = RateLimit(_REQUESTS_PER_S, _REQUEST_BURST)
        self._wrong_tokens = RateLimit(_WRONG_TOKENS_PER_S, _WRONG_TOKEN_BURST)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check a request before anything else is done with it."""
        self.check(request)
        return await handler(request)

    def check(self, request: web.Request) -> None:
        """Refuse what may not pass.

        Raises
        ------
        RefusedError
            400 for a host that is none of the server's, 403 for another origin, 401 without the token, 429 for too
            many.
        """
        self._check_host(request)
        self._check_origin(request)
        caller, now_s = request.remote or "", time.monotonic()
        if not self._requests.allows(caller, now_s):
            raise RefusedError(429, f"more than {_REQUESTS_PER_S:g} requests a second; wait a moment", 1)
        if request.path not in PUBLIC and not request.path.startswith(_PUBLIC_FOLDER):
            self._check_token(request, caller, now_s)

    def _check_host(self, request: web.Request) -> None:
        name = _host_name(request.headers.get("Host", ""))
        if name not in self._names:
            raise RefusedError(400, "Host: the server is not called by this name; use the address that it printed")

    def _check_origin(self, request: web.Request) -> None:
        origin = request.headers.get("Origin")
        if origin is not None:
            parts = urlsplit(origin)
            if parts.scheme not in ("http", "https") or parts.netloc.lower() != request.headers["Host"].lower():
                raise RefusedError(403, "pages of other sites may not use this server")
        elif request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin") and not _is_followed(request):
            raise RefusedError(403, "pages of other sites may not use this server")

    def _check_token(self, request: web.Request, caller: str, now_s: float) -> None:
        if not hmac.compare_digest(_token_of(request).encode(errors="surrogateescape"), self._token):
            if not self._wrong_tokens.allows(caller, now_s):
                raise RefusedError(429, "too many wrong tokens came from this address; wait a moment", 5)
            raise RefusedError(401, "expected the token that the server printed, as `Authorization: Bearer TOKEN`")


def _is_followed(request: web.Request) -> bool:
    """Whether somebody followed a link to the page, such as in a message; it shows nothing without the token."""
    return request.path == "/" and request.headers.get("Sec-Fetch-Mode") == "navigate"


def _host_name(host: str) -> str:
    """The name in a `Host` header, without its port and brackets; empty where it is none."""
    try:
        parts = urlsplit(f"//{host}")
        is_plain = parts.netloc == host and not parts.username and (parts.port is None or parts.port > 0)
    except ValueError:
        return ""
    return (parts.hostname or "").lower() if is_plain else ""


def _token_of(request: web.Request) -> str:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return token.strip()
    for protocol in request.headers.get("Sec-WebSocket-Protocol", "").split(","):
        if protocol.strip().startswith(TOKEN_SUBPROTOCOL):
            return protocol.strip().removeprefix(TOKEN_SUBPROTOCOL)
    return ""


async def add_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Tell the browser what it may do with an answer; a signal of the application."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    host = request.headers.get("Host", "")
    sockets = f"ws://{host} wss://{host}" if _host_name(host) else ""
    response.headers["Content-Security-Policy"] = _CSP.format(sockets=sockets)
