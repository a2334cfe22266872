"""An avatar exported for the web once a run, and a plain static server that a page is shown from."""

import functools
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from made_once import made_once

from hygiesync.apps.cli import main
from hygiesync.exporting.web.onnxruntime_web import PACKAGE, VERSION


def onnxruntime_package(folder: Path) -> Path:
    """onnxruntime-web's npm package, fetched once a run; tests that want it are left out where it can't be had."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("there is no npm to fetch onnxruntime-web")

    def fetch(made: Path) -> None:
        command = [npm, "pack", "--silent", "--prefer-offline", "--pack-destination", str(made), f"{PACKAGE}@{VERSION}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"npm can't fetch onnxruntime-web: {done.stderr.strip()[:200]}")

    return made_once(folder / "onnxruntime-web", fetch) / f"{PACKAGE}-{VERSION}.tgz"


def exported_for_web(folder: Path, avatar: Path) -> Path:
    """Folder of an export of `avatar`; not to be changed."""
    package = onnxruntime_package(folder)

    def export(made: Path) -> None:
        assert (
            main(["export", str(avatar), "--web", "--out", str(made / "out"), "--onnxruntime-web", str(package)]) == 0
        )

    return made_once(folder / f"web {avatar.name}", export) / "out"


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing of each request."""


@contextmanager
def static_server(folder: Path) -> Iterator[tuple[str, ThreadingHTTPServer]]:
    """Address of a folder, and its server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_QuietHandler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
