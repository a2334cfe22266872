"""Whatever goes wrong becomes one line of JSON with the right status; nobody is shown a traceback."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from hygiesync.errors import HygieSyncError, InputError, MissingDependencyError, UsageError
from hygiesync.plain_text import one_line

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

LOG = logging.getLogger("hygiesync.server")

_STATUS: tuple[tuple[type[HygieSyncError], int], ...] = (
    (UsageError, 400),
    (InputError, 422),
    (MissingDependencyError, 501),
)


class RefusedError(Exception):
    """A request is answered with a status and one line.

    Parameters
    ----------
    status : int
        Of HTTP, 4xx or 5xx.
    message : str
        What was expected, what came, what to do.
    retry_after_s : int, optional
        When it may be asked again.
    """

    def __init__(self, status: int, message: str, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.status, self.retry_after_s = status, retry_after_s


def fault_response(status: int, message: str, retry_after_s: int | None = None) -> web.Response:
    """The answer that says what is wrong."""
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return web.json_response({"error": one_line(message)}, status=status, headers=headers)


def status_of(error: HygieSyncError) -> int:
    """The status of HTTP that an error of the library stands for."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


@web.middleware
async def faults_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every error in one line."""
    try:
        return await handler(request)
    except RefusedError as refusal:
        return fault_response(refusal.status, str(refusal), refusal.retry_after_s)
    except HygieSyncError as error:
        return fault_response(status_of(error), str(error))
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return fault_response(error.status, error.reason)
    except (ConnectionError, TimeoutError):
        return fault_response(408, "the request did not come in time; send it again")
    except Exception as error:
        if isinstance(error, web.RequestPayloadError | UnicodeDecodeError):
            return fault_response(400, "the request's body can't be read; send it again")
        LOG.exception("%s %s: a fault of the server's own", request.method, request.path)
        return fault_response(500, f"a fault of the server's own ({type(error).__name__}); its log says more")
