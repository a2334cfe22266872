"""Loading an avatar, whichever kind it is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar, overload

from hygiesync.avatar.bundle import Avatar
from hygiesync.avatar.manifest import FROM_PHOTO, FROM_VIDEO, Manifest
from hygiesync.avatar.photo_avatar import PhotoAvatar
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.errors import UsageError

SomeAvatar = TypeVar("SomeAvatar", bound=Avatar)

KINDS: dict[str, type[Avatar]] = {FROM_VIDEO: VideoAvatar, FROM_PHOTO: PhotoAvatar}
"""The class of an avatar by the origin that its manifest tells of."""


def files_of(manifest: Manifest) -> tuple[str, ...]:
    """Names of the files that a bundle speaks from: those of its kind, and what else of use it has."""
    kind = KINDS[manifest.origin]
    return (*kind.FILES, *(name for name in kind.OPTIONAL if name in manifest.files))


@overload
def load_avatar(directory: str | os.PathLike[str]) -> Avatar: ...


@overload
def load_avatar(directory: str | os.PathLike[str], kind: type[SomeAvatar]) -> SomeAvatar: ...


def load_avatar(directory: str | os.PathLike[str], kind: type[Avatar] = Avatar) -> Avatar:
    """Load an avatar that :func:`hygiesync.train` or :func:`hygiesync.avatar_from_photo` made.

    Parameters
    ----------
    directory : str or os.PathLike
        The bundle's folder, such as ``models/me``.
    kind : type, optional
        A class of avatars, where only that kind will do.

    Returns
    -------
    Avatar
        Never changed by those who use it, so any number of engines in any threads may share it.

    Raises
    ------
    InputError
        When it is missing, damaged (every file's sha256 is checked), or of a newer schema.
    UsageError
        When it is not of the `kind` asked for.
    """
    folder = Path(directory)
    manifest = Manifest.read(folder)
    found = KINDS[manifest.origin]
    if not issubclass(found, kind):
        raise UsageError(
            f"{folder}: was made from a {manifest.origin}, and this needs an avatar made from a {kind.ORIGIN}"
        )
    manifest.check_files(folder, files_of(manifest))
    return found.from_files(folder, manifest)
