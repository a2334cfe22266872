"""The server's own folder, and the names in it, which only the server makes up."""

from __future__ import annotations

import re
import secrets
import unicodedata
from pathlib import Path

from hygiesync.errors import InputError
from hygiesync.server.faults import RefusedError

_ID = re.compile(r"[0-9a-f]{16}")


class ServerFolder:
    """Where a server keeps things.

    Parameters
    ----------
    root : Path
        Made when missing.

    Raises
    ------
    InputError
        When it can't be made.
    """

    def __init__(self, root: Path) -> None:
        self.jobs, self.uploads, self.avatars = root / "jobs", root / "uploads", root / "avatars"
        try:
            for folder in (self.jobs, self.uploads, self.avatars):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise InputError(f"{root}: can't be made ({error.strerror}); choose another `folder`") from error


def new_id() -> str:
    """A name that nobody guesses."""
    return secrets.token_hex(8)


def checked_id(text: str) -> str:
    """`text`, if it can be a name that :func:`new_id` made.

    Raises
    ------
    RefusedError
        404 otherwise.
    """
    if not _ID.fullmatch(text):
        raise RefusedError(404, "there is nothing of this name")
    return text


def avatar_folder_name(wish: str) -> str:
    """A folder's name for a new avatar: letters and digits of what somebody would like to call it, and a number.

    Examples
    --------
    >>> avatar_folder_name("../../Zoé!")[:-5]
    'zoe'
    """
    plain = unicodedata.normalize("NFKD", wish).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:30] or "avatar"
    return f"{words}-{secrets.token_hex(2)}"
