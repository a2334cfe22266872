"""The folder that an avatar becomes for the web: a page, the runtime, and the avatar's data.

::

    index.html ...         the page, and what it needs
    service-worker.js      keeps all of it, so that it works without a network
    files.json             what there is, each with its sha256
    hygiesync/             the runtime: ES modules, as they lie in hygiesync/web, with onnxruntime-web beside them
    avatar/                avatar.json, and the files that it names
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from hygiesync.avatar.bundle import Avatar
from hygiesync.avatar.photo_avatar import PhotoAvatar
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.errors import UsageError
from hygiesync.exporting.destination import checked_destination
from hygiesync.exporting.web.filmed_photo import amounts_of, filmed
from hygiesync.exporting.web.onnxruntime_web import load_onnxruntime_web
from hygiesync.exporting.web.packs import fingerprint
from hygiesync.exporting.web.video_avatar import video_avatar_files
from hygiesync.extras import require
from hygiesync.media.atomic_folder import atomic_folder
from hygiesync.progress import Progress
from hygiesync.version import __version__

FORMAT = "hygiesync web avatar"
SCHEMA_VERSION = 1
"""Raised whenever an older runtime could not read a newer avatar."""

INDEX, FILE_LIST, PAGE = "avatar.json", "files.json", "index.html"
RUNTIME, DATA, ONNXRUNTIME, SERVICE_WORKER = "hygiesync", "avatar", "onnxruntime-web", "service-worker.js"

_WEB = Path(__file__).parents[2] / "web"
_SERVER_PAGE = Path(__file__).parents[2] / "server" / "page"
_SHARED = ("page.css", "words.js", "icon.svg")

_NOT_PRELOADED = {"index.js", "element.js", "worklet.js", "speech/runtime.js"}
"""Modules that the page doesn't run, or not on its own thread, or only after the first picture."""

DEFAULT_MAX_MB = 12.0
"""Megabytes of an avatar's data, when nothing else is asked for: some ten seconds on a slow mobile network."""


def export_web(
    avatar: Avatar,
    out: str | os.PathLike[str],
    *,
    onnxruntime_web: str | os.PathLike[str] | None = None,
    max_mb: float = DEFAULT_MAX_MB,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write an avatar that speaks in a browser, whole or not at all.

    Parameters
    ----------
    avatar : Avatar
    out : str or os.PathLike
        Folder to make; an earlier export for the web there is replaced at the very end.
    onnxruntime_web : str or os.PathLike, optional
        The npm package, a ``.tgz`` or a folder; left out, the one in `node_modules`, or what npm fetches.
    max_mb : float
        What the avatar's data may take, megabytes; the runtime comes on top.
    progress : callable, optional

    Returns
    -------
    dict
        The content of `files.json`.

    Raises
    ------
    UsageError
        When `out` holds something else, lies within the avatar, or `max_mb` is too little.
    InputError
        When `out` can't be written, or `onnxruntime_web` is another package.
    MissingDependencyError
        When onnx, of the extra `web`, is missing; when onnxruntime-web must be fetched, and npm is missing or fails.
    """
    what = "avatar exported for the web"
    directory = checked_destination(avatar.directory, Path(out), _is_export, what, "exported/me-web")
    if not max_mb > 0:
        raise UsageError(f"`max_mb`: expected more than 0 megabytes, got {max_mb:g}")
    require("web", "exporting for the web")
    runtime = _runtime_files(load_onnxruntime_web(Path(onnxruntime_web) if onnxruntime_web is not None else None))
    files = _avatar_files(avatar, max_mb, progress) | runtime | _page_files()
    described = _described(files)
    with atomic_folder(directory) as partial:
        for name, content in files.items():
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            (partial / name).write_bytes(content)
        (partial / FILE_LIST).write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")
    return described


def _avatar_files(avatar: Avatar, max_mb: float, progress: Progress | None) -> dict[str, bytes]:
    manifest = avatar.manifest
    if isinstance(avatar, PhotoAvatar):
        with tempfile.TemporaryDirectory() as folder:
            made = video_avatar_files(filmed(avatar, Path(folder), progress), max_mb, progress, of_curves=amounts_of)
    elif isinstance(avatar, VideoAvatar):
        made = video_avatar_files(avatar, max_mb, progress)
    else:
        raise UsageError(f"{avatar.directory}: expected an avatar made from a video or a photo, got {manifest.origin}")
    index = {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "hygiesync_version": __version__,
        "name": manifest.name,
        "origin": manifest.origin,
        "consent": manifest.consent,
        "synthetic_media_note": manifest.synthetic_media_note,
        "width": manifest.width,
        "height": manifest.height,
        "fps": manifest.fps,
        "lookahead": manifest.lookahead,
        "early_lookaheads": manifest.early_lookaheads,
        "background": avatar.background,
        **made.index,
    }
    written = (json.dumps(index, separators=(",", ":")) + "\n").encode("utf-8")
    return {f"{DATA}/{name}": content for name, content in {**made.contents, INDEX: written}.items()}


def _runtime_files(onnxruntime_web: dict[str, bytes]) -> dict[str, bytes]:
    """The runtime, and what runs the network."""
    files = {
        f"{RUNTIME}/{name}": content for name, content in _content_of(_WEB).items() if not name.startswith("page/")
    }
    return files | {f"{RUNTIME}/{ONNXRUNTIME}/{name}": content for name, content in onnxruntime_web.items()}


def _page_files() -> dict[str, bytes]:
    """The page; its looks and words are those of the server's page."""
    files = {name: (_SERVER_PAGE / name).read_bytes() for name in _SHARED} | _content_of(_WEB / "page")
    files[PAGE] = files[PAGE].replace(b"{preloads}", "\n".join(_preloads()).encode())
    return files


def _preloads() -> list[str]:
    """Links to the runtime's modules: a browser would otherwise learn of them one after another."""
    names = [name for name in _content_of(_WEB) if name.endswith(".js") and not name.startswith("page/")]
    return [f'<link rel="modulepreload" href="{RUNTIME}/{name}">' for name in names if name not in _NOT_PRELOADED]


def _content_of(folder: Path) -> dict[str, bytes]:
    """Path below `folder` -> content, of all files there."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def _described(files: dict[str, bytes]) -> dict[str, Any]:
    """Content of `files.json`; its `version` changes whenever any file does, and is written into the service worker."""
    version = hashlib.sha256(
        "".join(f"{name} {fingerprint(content)['sha256']}\n" for name, content in sorted(files.items())).encode()
    ).hexdigest()
    files[SERVICE_WORKER] = files[SERVICE_WORKER].replace(b"{version}", version.encode())
    return {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "hygiesync_version": __version__,
        "version": version,
        "files": {name: fingerprint(content) for name, content in sorted(files.items())},
    }


def _is_export(directory: Path) -> bool:
    """Whether a folder was written by :func:`export_web`, and nothing was added to it since."""
    try:
        described = json.loads((directory / FILE_LIST).read_text(encoding="utf-8"))
        there = {path.relative_to(directory).as_posix() for path in directory.rglob("*") if not path.is_dir()}
        return bool(described["format"] == FORMAT) and there == {*described["files"], FILE_LIST}
    except (OSError, ValueError, KeyError, TypeError):
        return False
