"""``hygiesync serve``: open a port, say where, serve until it is asked to end, and end in order."""

from __future__ import annotations

import asyncio
import contextlib
import io
import ipaddress
import signal
import socket
import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from aiohttp import web

from hygiesync.errors import InputError, UsageError
from hygiesync.progress import Tell
from hygiesync.server.app import make_app
from hygiesync.server.certificate import self_signed
from hygiesync.server.patience import PatientServer
from hygiesync.server.settings import LOOPBACK, ServerSettings

_SHUTDOWN_S = 2.0
"""Time that requests have to end when the server does (seconds)."""


def serve(
    settings: ServerSettings,
    tls: tuple[Path, Path] | None,
    tell: Tell,
    *,
    ready: Callable[[str], None],
    is_self_signed: bool = False,
) -> None:
    """Serve until Ctrl-C or the terminate signal.

    Parameters
    ----------
    settings : ServerSettings
        Its port may be 0: any that is free.
    tls : tuple of Path, optional
        Certificate and key.
    tell : callable
        Told of what the user should know, a line at a time.
    ready : callable
        Told the page's URL once it is served.
    is_self_signed : bool
        Make a certificate.

    Raises
    ------
    UsageError
        When other machines could reach it without TLS, or the port is taken.
    InputError
        When certificate, folder or an avatar can't be used.
    """
    settings = replace(settings, has_tls=tls is not None or is_self_signed)
    check_reach(settings.host, has_tls=settings.has_tls)
    names = () if is_loopback(settings.host) else machine_names()
    app = make_app(settings, names)
    if is_self_signed:
        tls = self_signed(settings.folder, (*LOOPBACK, *names, *settings.allowed_hosts))
        tell("the certificate is the server's own: the browser asks once whether it may be trusted")
    elif not settings.has_tls:
        tell("browsers give this page the microphone on this machine only; for a tablet, serve with TLS")
    context = None if tls is None else _tls_context(*tls)
    asyncio.run(_serve(app, settings, context, names, ready))


def check_reach(host: str, *, has_tls: bool) -> None:
    """Refuse to be reached by other machines without TLS.

    Raises
    ------
    UsageError
        When it would be.
    """
    if not has_tls and not is_loopback(host):
        raise UsageError(
            f"`host`: {host} can be reached by other machines, and that needs TLS: name `tls_cert` and `tls_key`, or"
            " let `tls_self_signed` make them"
        )


async def _serve(
    app: web.Application,
    settings: ServerSettings,
    context: ssl.SSLContext | None,
    names: tuple[str, ...],
    ready: Callable[[str], None],
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    assert runner.server is not None
    try:
        try:
            listening = await loop.create_server(
                PatientServer(runner.server), settings.host, settings.port, ssl=context, reuse_address=True
            )
        except OSError as error:
            raise UsageError(
                f"`port`: {settings.host}:{settings.port} can't be listened at ({error.strerror}); choose another"
            ) from error
        port = listening.sockets[0].getsockname()[1]
        ready(page_url(settings, names, port))
        await stop.wait()
        listening.close()
    finally:
        await runner.cleanup()


def page_url(settings: ServerSettings, names: tuple[str, ...], port: int) -> str:
    """Where the page is; its fragment, which browsers never send, holds the token."""
    host = settings.host
    if host in ("0.0.0.0", "::", ""):
        host = next((name for name in names if _is_address(name)), socket.gethostname())
    shown = f"[{host}]" if ":" in host else host
    return f"{settings.scheme}://{shown}:{port}/#token={settings.token}"


def qr_code(text: str) -> str:
    """A QR code of `text` for a terminal."""
    import segno

    out = io.StringIO()
    segno.make(text, error="l").terminal(out, compact=True)
    return out.getvalue()


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it there."""
    return host in LOOPBACK or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def machine_names() -> tuple[str, ...]:
    """Names and addresses that other machines may call this one by."""
    name = socket.gethostname()
    found = {name, f"{name}.local"}
    with contextlib.suppress(OSError):  # a machine whose own name nobody knows still has its address
        found.update(str(info[4][0]) for info in socket.getaddrinfo(name, None))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect(("192.0.2.1", 9))  # nothing is sent: the system says which address it would send from
        found.add(str(probe.getsockname()[0]))
    return tuple(sorted(found - set(LOOPBACK)))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise InputError(f"{certificate}, {key}: expected a certificate and its key in PEM ({error})") from error
    return context
