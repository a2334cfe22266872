"""``hygiesync serve``: avatars in a browser, and for programs."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hygiesync.apps.commands import common
from hygiesync.errors import InputError, UsageError

if TYPE_CHECKING:
    from hygiesync.server.settings import ServerSettings

_TOKEN_BYTES = 32
_MIN_TOKEN = 16
_TOKEN_VARIABLE = "HYGIESYNC_TOKEN"

_MEBIBYTE = 1024 * 1024


def add(commands: common.Commands) -> None:
    """The command's options."""
    parser = common.command(
        commands, "serve", run, "avatars in a browser, and for programs that speak",
        "Serve avatars to browsers: talk, type, drop sound files, make avatars from pictures and videos.\n\n"
        "  hygiesync serve                              a page with a demonstration's avatar, on this machine\n"
        "  hygiesync serve models/me models/mona\n"
        "  hygiesync serve models/me --host 0.0.0.0 --tls-self-signed     for a tablet on the same network\n\n"
        "It prints one address, and a QR code of it. The address holds the token that everything needs: whoever has\n"
        "it may use the server. Browsers give a page the microphone by HTTPS only, or on the same machine.\n"
        f"The token is made anew each time, or taken from the variable {_TOKEN_VARIABLE}. Ctrl-C ends the server;\n"
        "renderings that were not done are begun again at its next start.",
    )  # fmt: skip
    parser.add_argument(
        "avatars", nargs="*", type=Path, metavar="AVATAR", help="folders that `hygiesync train` or `photo` made"
    )
    parser.add_argument("--host", default="127.0.0.1", metavar="H", help="address to listen at (%(default)s)")
    parser.add_argument("--port", type=int, default=8031, metavar="N", help="port; 0 for any (%(default)s)")
    parser.add_argument(
        "--allow-host", dest="allowed_hosts", action="append", default=[], metavar="NAME",
        help="a further name that browsers may call it by; may be given several times",
    )  # fmt: skip
    parser.add_argument("--tls-cert", type=Path, metavar="FILE", help="certificate, PEM")
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="its key, PEM")
    parser.add_argument("--tls-self-signed", action="store_true", help="make a certificate")
    parser.add_argument(
        "--max-sessions", default="2", metavar="N|auto",
        help="conversations at a time; auto lets in as many as the processor bears (%(default)s)",
    )  # fmt: skip
    parser.add_argument("--fps", default="25", metavar="F", help="pictures a second of conversations (%(default)s)")
    parser.add_argument(
        "--lookahead-ms", type=float, metavar="N", help="how far ahead conversations hear (as the avatar was trained)"
    )
    parser.add_argument(
        "--folder", type=Path, metavar="DIR",
        help="the server's own folder, for jobs and avatars that are made in the page (~/.local/share/hygiesync)",
    )  # fmt: skip
    parser.add_argument(
        "--max-upload-mb", dest="max_upload_mb", type=int, default=200, metavar="N",
        help="largest sound or picture, MiB (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--ice-server", dest="ice_servers", action="append", default=[], metavar="URL",
        help="STUN or TURN server for browsers on other networks, such as stun:host:3478 (none)",
    )  # fmt: skip
    common.json_file(parser, "the address and the token")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from hygiesync.extras import require

    require("serve", "the server")
    from hygiesync.server.avatars import AvatarShelf
    from hygiesync.server.demo_avatar import make_demo_avatar
    from hygiesync.server.folder import ServerFolder
    from hygiesync.server.serving import check_reach, qr_code, serve

    if (arguments.tls_cert is None) != (arguments.tls_key is None):
        raise UsageError("`tls_cert` and `tls_key`: expected both, got one")
    settings = _settings(arguments)
    check_reach(settings.host, has_tls=arguments.tls_cert is not None or arguments.tls_self_signed)
    folder = ServerFolder(settings.folder)
    if not AvatarShelf(settings.avatars, folder.avatars).names():
        common.say_so("no avatar was named: making one from a portrait in the public domain")
        make_demo_avatar(folder.avatars)

    def ready(url: str) -> None:
        if arguments.json is not None:
            _write_for_user(arguments.json, json.dumps({"url": url, "token": settings.token}) + "\n")
        if sys.stdout.isatty():
            print(qr_code(url))
        print(url, flush=True)

    tls = None if arguments.tls_cert is None else (arguments.tls_cert, arguments.tls_key)
    serve(settings, tls, common.say_so, ready=ready, is_self_signed=arguments.tls_self_signed)
    common.say_so("ended")
    return 0


def _write_for_user(path: Path, text: str) -> None:
    """Write a file that holds the token: nobody else on this machine may read it."""
    try:
        path.unlink(missing_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise InputError(f"{path}: can't be written ({error.strerror})") from error


def _settings(arguments: argparse.Namespace) -> ServerSettings:
    from hygiesync.server.settings import ServerSettings
    from hygiesync.timing import parse_fps

    token = os.environ.get(_TOKEN_VARIABLE) or secrets.token_urlsafe(_TOKEN_BYTES)
    if len(token) < _MIN_TOKEN or not token.replace("-", "").replace("_", "").isalnum() or not token.isascii():
        raise UsageError(f"{_TOKEN_VARIABLE}: expected {_MIN_TOKEN} letters, digits, - and _ or more; leave it unset")
    if arguments.max_upload_mb < 1:
        raise UsageError(f"`max_upload_mb`: expected 1 or more, got {arguments.max_upload_mb}")
    return ServerSettings(
        folder=arguments.folder or _default_folder(),
        avatars=tuple(arguments.avatars),
        token=token,
        host=arguments.host,
        port=arguments.port,
        allowed_hosts=tuple(arguments.allowed_hosts),
        max_sessions=_max_sessions(arguments.max_sessions),
        fps=parse_fps(arguments.fps),
        lookahead_ms=arguments.lookahead_ms,
        max_upload_bytes=arguments.max_upload_mb * _MEBIBYTE,
        ice_servers=tuple(arguments.ice_servers),
    )


def _max_sessions(text: str) -> int | None:
    if text == "auto":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"`max_sessions`: expected a number from 1 on, or auto, got {text!r}")
    return int(text)


def _default_folder() -> Path:
    """Where programs keep their data, by the XDG Base Directory Specification."""
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "hygiesync"
