"""Where an export may be written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hygiesync.errors import InputError, UsageError
from hygiesync.media.atomic_folder import check_place


def checked_destination(
    avatar_directory: Path, out: Path, is_export: Callable[[Path], bool], what: str, example: str
) -> Path:
    """Where to write, with links followed, once it is sure that nothing else is lost by it.

    Parameters
    ----------
    avatar_directory : Path
        Of the avatar that is exported.
    out : Path
    is_export : callable
        Whether a folder is an earlier export, which may be replaced.
    what, example : str
        What may be replaced, and a good place for it, for the messages.

    Raises
    ------
    UsageError
        When `out` holds something else, or lies within the avatar.
    InputError
        When `out` can't be written.
    """
    check_place(out, is_export, what, example)
    try:
        directory, source = out.resolve(), avatar_directory.resolve()
    except (OSError, RuntimeError) as error:  # RuntimeError: links that go in circles, before Python 3.13
        raise InputError(f"{out}: can't be written ({error}); choose another place") from error
    if source in (directory, *directory.parents):
        raise UsageError(f"{out}: lies within the avatar, which training it again replaces; choose another `out`")
    return directory
