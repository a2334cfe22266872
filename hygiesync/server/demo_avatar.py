"""The avatar of a server that was given none: a portrait in the public domain."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from hygiesync.errors import HygieSyncError
from hygiesync.extras import require

NAME = "demo"

_MAKE = """\
import sys
from pathlib import Path

from hygiesync.building.from_photo import avatar_from_photo
from hygiesync.media.images import write_png
from hygiesync.synthetic.portrait import photograph

picture = Path(sys.argv[1])
write_png(picture, photograph())
avatar_from_photo(picture, sys.argv[2], has_consent=True, max_side=512)
"""


def make_demo_avatar(folder: Path) -> Path:
    """Make it, in a process of its own: what finds faces is not needed afterwards, and takes much memory.

    Parameters
    ----------
    folder : Path
        Of avatars.

    Raises
    ------
    MissingDependencyError
        When what it takes is not installed.
    """
    require("serve", "the demonstration's avatar")
    picture = folder / f"{NAME}.png"
    command = [sys.executable, "-c", _MAKE, str(picture), str(folder / NAME)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    picture.unlink(missing_ok=True)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no reason was given"])[-1]
        raise HygieSyncError(f"the demonstration's avatar can't be made ({last})")
    return folder / NAME
