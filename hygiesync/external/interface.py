"""What hygiesync asks of an engine of others, and what is known of each.

An engine is somebody else's program in a folder of its own, with a Python of its own. hygiesync gives it ordinary files
(a video or a picture, and what leads it), starts it, and takes a video back. Landmarks, cropping, times, pasting back,
sound and metadata stay hygiesync's::

    template or picture --- cropped ---.
                                        >--> command line of the engine --> video --> pasted back
    sound or driving video ------------'
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Protocol


class Ability(str, Enum):
    """What an engine makes of what."""

    DUBS = "a video says a sound"
    SPEAKS = "a picture says a sound"
    ANIMATES = "a picture moves as a video does"


@dataclass(frozen=True, kw_only=True)
class EngineCard:
    """What is known of an engine before it is installed.

    Attributes
    ----------
    name : str
        What commands call it; its folder's name too.
    title : str
    ability : Ability
    repository, commit : str
        Where it comes from, and the state of it that the adapter was written against.
    code_licence, weights_licence : str
    hardware : str
        What its authors ask for.
    entry : str
        File in its folder that is run, or that shows that its code is there.
    modules : tuple of str
        Top-level modules that its environment must have.
    weights : tuple of str
        Files in its folder without which it can't run.
    """

    name: str
    title: str
    ability: Ability
    repository: str
    commit: str
    code_licence: str
    weights_licence: str
    hardware: str
    entry: str
    modules: tuple[str, ...]
    weights: tuple[str, ...]


@dataclass(frozen=True)
class EngineJob:
    """One run of an engine.

    Attributes
    ----------
    home : Path
        The engine's folder.
    work : Path
        Empty folder for whatever it writes; it is removed afterwards. Its path has none of the characters that a shell
        takes for more than letters, since some engines hand paths to one.
    source : Path
        Video or picture whose face is to move.
    lead : Path
        Sound or driving video that it is to follow.
    fps : Fraction
        Pictures a second of the videos that are handed over.
    extra : tuple of str
        More arguments of the engine's own.
    """

    home: Path
    work: Path
    source: Path
    lead: Path
    fps: Fraction
    extra: tuple[str, ...] = ()


class ExternalEngine(Protocol):
    """An engine's adapter: how it is called, how it tells of its work, and where its video lies."""

    @property
    def card(self) -> EngineCard:
        """What is known of it."""
        ...

    @property
    def stages(self) -> Sequence[tuple[str, str]]:
        """What it prints when a part of its work begins, and what a reader is told then."""
        ...

    def command(self, job: EngineJob) -> list[str]:
        """Arguments for its Python; what it needs in `job.work` is written there first."""
        ...

    def folder(self, job: EngineJob) -> Path:
        """Where it is started."""
        ...

    def result(self, job: EngineJob) -> Path | None:
        """The video that it made; None where it made none."""
        ...

    def complaint(self, line: str) -> str | None:
        """What goes wrong, where a line of its output says so in its own way; else None."""
        ...
