"""Stand-in engines, installed as the real ones are: their folder, their Python, files where their weights would be."""

import shlex
import shutil
import sys
from pathlib import Path

from hygiesync.external.registry import ENGINES

_STAND_INS = Path(__file__).parent / "stand_ins"


def install(folder: Path, name: str) -> Path:
    """Install the stand-in of an engine below `folder`, and give its folder."""
    card = ENGINES[name]().card
    home = folder / name
    for file in (*card.weights, card.entry, ".venv/bin/python"):
        (home / file).parent.mkdir(parents=True, exist_ok=True)
        (home / file).touch()
    shutil.copy(_STAND_INS / f"{name}.py", home / card.entry)
    shutil.copy(_STAND_INS / "common.py", home / "stand_in.py")
    python = home / ".venv/bin/python"
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o755)
    return home
