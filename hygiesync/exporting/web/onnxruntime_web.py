"""onnxruntime-web, which runs the network in the browser: taken out of its npm package when an avatar is exported.

Nothing of it is fetched when a page is shown. Only three of the package's files are needed, and the one large one, 14
MB of WebAssembly, is stored compressed: a plain web server would send it as it is.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from hygiesync.errors import InputError, MissingDependencyError

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
"""Another version may have other files and another interface."""

_MODULE, _LOADER = "dist/ort.wasm.min.mjs", "dist/ort-wasm-simd-threaded.mjs"
_WASM = "dist/ort-wasm-simd-threaded.wasm"
_IN_PACKAGE = {_MODULE, _LOADER, _WASM, "package.json"}

MODULE, LOADER, PACKED_WASM = "ort.wasm.min.js", "ort-wasm-simd-threaded.js", "ort-wasm-simd-threaded.pack"
"""Names in an export: many web servers don't know that `.mjs` is JavaScript, and then browsers refuse to run it."""

_TIMEOUT_S = 300

LICENSE = """\
ONNX Runtime Web (onnxruntime-web {version}), the files {files}

MIT License

Copyright (c) Microsoft Corporation

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


def load_onnxruntime_web(package: Path | None = None) -> dict[str, bytes]:
    """The files of onnxruntime-web.

    Parameters
    ----------
    package : Path, optional
        ``onnxruntime-web-1.30.0.tgz``, or a folder such as ``node_modules/onnxruntime-web``. Left out, it is the one in
        the current folder's `node_modules`, or what npm downloads.

    Returns
    -------
    dict
        Name -> content, with the licence.

    Raises
    ------
    InputError
        When it is no such package, or of another version.
    MissingDependencyError
        When it must be downloaded, and npm is missing or fails.
    """
    if package is None:
        installed = Path("node_modules", PACKAGE)
        if not installed.is_dir():
            return _downloaded()
        package = installed
    return _packed(_read(package), package)


def _downloaded() -> dict[str, bytes]:
    npm = shutil.which("npm")
    advice = f"or name the file {PACKAGE}-{VERSION}.tgz by `onnxruntime_web`"
    if npm is None:
        raise MissingDependencyError(f"{PACKAGE} is needed, and there is no npm to fetch it; install npm, {advice}")
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", "--silent", f"{PACKAGE}@{VERSION}"]
        # what npm has fetched before needs no network
        environment = os.environ | {"npm_config_prefer_offline": "true"}
        try:
            done = subprocess.run(
                command, cwd=folder, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise MissingDependencyError(
                f"npm did not fetch {PACKAGE} within {_TIMEOUT_S} s; try again, {advice}"
            ) from None
        fetched = list(Path(folder).glob("*.tgz"))
        if done.returncode or len(fetched) != 1:
            reason = (done.stderr.strip().splitlines() or ["no reason was given"])[0]
            raise MissingDependencyError(f"npm could not fetch {PACKAGE} ({reason}); connect to the network, {advice}")
        return _packed(_read(fetched[0]), fetched[0])


def _read(package: Path) -> dict[str, bytes]:
    """What of the package is there: path in the package -> content."""
    try:
        if package.is_dir():
            return {name: (package / name).read_bytes() for name in _IN_PACKAGE if (package / name).is_file()}
        with tarfile.open(package, "r:gz") as archive:
            found = {}
            for member in archive:
                name = member.name.removeprefix("package/")
                file = archive.extractfile(member) if name in _IN_PACKAGE and member.isfile() else None
                if file is not None:
                    found[name] = file.read()
            return found
    except (OSError, tarfile.TarError, EOFError) as error:
        raise InputError(
            f"{package}: can't be read as the npm package {PACKAGE} ({error}); download it again with"
            f" `npm pack {PACKAGE}@{VERSION}`"
        ) from error


def _packed(found: dict[str, bytes], package: Path) -> dict[str, bytes]:
    missing = sorted(_IN_PACKAGE - found.keys())
    if missing:
        raise InputError(f"{package}: expected the npm package {PACKAGE}, and it has no {missing[0]}")
    try:
        described = json.loads(found["package.json"])
        name, version = described["name"], described["version"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{package}: its package.json is damaged; download it again") from error
    if (name, version) != (PACKAGE, VERSION):
        raise InputError(
            f"{package}: expected {PACKAGE} {VERSION}, got {name} {version}; get it with `npm pack {PACKAGE}@{VERSION}`"
        )
    license_text = LICENSE.format(version=VERSION, files=", ".join((MODULE, LOADER, PACKED_WASM)))
    return {
        MODULE: _without_source_map(found[_MODULE]),
        LOADER: _without_source_map(found[_LOADER]),
        PACKED_WASM: gzip.compress(found[_WASM], 9, mtime=0),
        "LICENSE": license_text.encode("utf-8"),
    }


def _without_source_map(module: bytes) -> bytes:
    """A module without the line that sends debuggers after a file that isn't here."""
    lines = module.rstrip().split(b"\n")
    return b"\n".join(line for line in lines if not line.startswith(b"//# sourceMappingURL=")) + b"\n"
