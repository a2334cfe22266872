"""Where engines are installed, and what is missing of one.

Engines lie beside each other in a folder: ``engines`` where hygiesync is run, as ``models`` and ``recordings`` do, or
what the environment variable `HYGIESYNC_ENGINES` names. Each has its authors' files, and in ``.venv`` an environment of
its own, made by venv or by conda.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from enum import Enum
from importlib.resources import files
from pathlib import Path

from hygiesync.errors import MissingDependencyError
from hygiesync.external.interface import EngineCard

ENGINES_VARIABLE = "HYGIESYNC_ENGINES"
ENGINES_FOLDER = "engines"

IMPORT_TIMEOUT_S = 120.0
"""Time in which an environment must have found its modules: torch from a cold disk takes half a minute."""

_PYTHONS = (".venv/bin/python", ".venv/python.exe", ".venv/Scripts/python.exe")


class State(str, Enum):
    """How far an engine is installed."""

    ABSENT = "not installed"
    NO_CODE = "code missing"
    NO_ENVIRONMENT = "environment missing"
    NO_WEIGHTS = "weights missing"
    INSTALLED = "installed"


@dataclass(frozen=True)
class Installation:
    """What is there of an engine.

    Attributes
    ----------
    card : EngineCard
    home : Path
        Its folder, which need not be there.
    state : State
    python : Path or None
        Its environment's.
    missing : tuple of str
        Files that it lacks.
    """

    card: EngineCard
    home: Path
    state: State
    python: Path | None
    missing: tuple[str, ...]

    @property
    def is_ready(self) -> bool:
        """Whether it can be run."""
        return self.state is State.INSTALLED

    def describe(self) -> str:
        """Its state in a line."""
        if self.state is State.INSTALLED:
            return f"installed in {self.home}"
        if self.state is State.ABSENT:
            return self.state.value
        return f"{self.state.value}: {', '.join(self.missing)} not in {self.home}"

    def ready_python(self) -> Path:
        """Its Python, of an engine that can be run.

        Raises
        ------
        MissingDependencyError
            When something of it is missing.
        """
        if not self.is_ready or self.python is None:
            raise MissingDependencyError(
                f"{self.card.title}: {self.describe()}; `hygiesync engines {self.card.name}` says how to install it"
            )
        return self.python


def find_installation(card: EngineCard) -> Installation:
    """What is there of an engine; nothing of it is run."""
    home = Path(os.environ.get(ENGINES_VARIABLE) or ENGINES_FOLDER).absolute() / card.name
    # not resolved: an environment's python is a link, and only by that name it finds its packages
    python = next((home / name for name in _PYTHONS if (home / name).is_file()), None)
    if not home.is_dir():
        return Installation(card, home, State.ABSENT, None, ())
    if not (home / card.entry).is_file():
        return Installation(card, home, State.NO_CODE, python, (card.entry,))
    if python is None:
        return Installation(card, home, State.NO_ENVIRONMENT, None, (_PYTHONS[2 if sys.platform == "win32" else 0],))
    missing = tuple(name for name in card.weights if not (home / name).is_file())
    return Installation(card, home, State.NO_WEIGHTS if missing else State.INSTALLED, python, missing)


def install_steps(card: EngineCard) -> str:
    """What to type to install an engine, from its authors' own instructions."""
    steps = (files("hygiesync.external") / "steps" / f"{card.name}.txt").read_text(encoding="utf-8")
    folder = os.environ.get(ENGINES_VARIABLE) or ENGINES_FOLDER
    return steps.format(folder=folder, repository=card.repository, commit=card.commit)


def modules_not_found(installation: Installation) -> list[str]:
    """Modules of `card.modules` that the engine's own Python does not find; none of them is imported.

    Raises
    ------
    MissingDependencyError
        When the engine is not installed, or its Python does not answer.
    """
    python = installation.ready_python()
    program = "import sys, importlib.util as u; print(*[m for m in sys.argv[1:] if u.find_spec(m) is None])"
    try:
        done = subprocess.run(
            [python, "-c", program, *installation.card.modules],
            capture_output=True, text=True, timeout=IMPORT_TIMEOUT_S, check=True, cwd=installation.home,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        raise MissingDependencyError(
            f"{installation.card.title}: its Python {python} does not answer ({type(error).__name__}); make its"
            " environment anew"
        ) from error
    return done.stdout.split()
