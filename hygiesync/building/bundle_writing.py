"""Writing a bundle: its files and the manifest with their fingerprints, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hygiesync.avatar.manifest import MANIFEST_NAME, Manifest, sha256_of
from hygiesync.media.atomic_folder import atomic_folder, check_place


def write_bundle(directory: Path, manifest: Manifest, files: tuple[str, ...], fill: Callable[[Path], object]) -> None:
    """Make a bundle whole or not at all.

    Parameters
    ----------
    directory : Path
        Where the bundle will be; an older avatar there is replaced at the very end.
    manifest : Manifest
        Without fingerprints.
    files : tuple of str
        Names of all files that `fill` has to write.
    fill : callable
        Writes them into the folder it is given, and whatever else belongs there.
    """
    with atomic_folder(directory) as partial:
        fill(partial)
        written = {path.name for path in partial.iterdir()}
        assert written >= set(files), f"a bundle without {sorted(set(files) - written)}"
        replace(manifest, files={name: sha256_of(partial / name) for name in sorted(written)}).write(partial)


def check_destination(directory: Path) -> None:
    """Refuse to make a bundle where something else is.

    Raises
    ------
    UsageError
        When `directory` exists and is not an avatar, or is named by dots alone.
    InputError
        When its parent can't be written to.
    """
    check_place(directory, lambda folder: (folder / MANIFEST_NAME).is_file(), "avatar", "models/me")
