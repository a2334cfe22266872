"""One output among many, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from hygiesync.batch.fingerprint import Fingerprints
    from hygiesync.batch.workshop import Workshop

DONE, FAILED = "done", "failed"


class Task(Protocol):
    """What a row asks for. Picklable, small, and never changed."""

    @property
    def kind(self) -> str:
        """Name of its kind; see :mod:`hygiesync.batch.kinds`."""
        ...

    @property
    def subject(self) -> str:
        """The avatar, picture or video that it is of: jobs of the same one come one after another."""
        ...

    @property
    def proof(self) -> str:
        """The file of an output that is a folder which stands for all of it; nothing where it is a file."""
        ...

    def inputs(self, hashes: Fingerprints) -> dict[str, Any]:
        """All that the output is made from, for :class:`Fingerprints`.

        Raises
        ------
        InputError
            When a file can't be read.
        """
        ...

    def make(self, out: Path, workshop: Workshop) -> Fraction:
        """Make the output, a file or a folder; gives the length of what was made (seconds).

        Raises
        ------
        HygieSyncError
            When it can't be done.
        """
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """One output to make.

    Attributes
    ----------
    row : int
        Where it stands in the table: the heading of a CSV is row 1.
    out : str
        The output, relative to the place of outputs; no two jobs have the same.
    task : Task
    """

    row: int
    out: str
    task: Task

    @property
    def proof(self) -> str:
        """The file that is there when the output is."""
        return f"{self.out}/{self.task.proof}" if self.task.proof else self.out


@dataclass(frozen=True, slots=True)
class Made:
    """An output that is whole and in its place.

    Attributes
    ----------
    duration_s : float
        Length of the sound or the video (seconds).
    n_bytes : int
    sha256 : str
        Of the file, hexadecimal; of a folder's proof, as `n_bytes`.
    inputs : str
        Hash of all that it was made from; see :mod:`hygiesync.batch.fingerprint`.
    """

    duration_s: float
    n_bytes: int
    sha256: str
    inputs: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended.

    Attributes
    ----------
    job : Job
    seconds : float
        What its last try took, without waiting.
    made : Made, optional
        What it made; it failed without.
    error : str
        Why it failed, in one line.
    notes : tuple of str
        What should be known and stopped nothing.
    n_tries : int
        How often it was begun: more than once when the process that did it was ended.
    """

    job: Job
    seconds: float
    made: Made | None = None
    error: str = ""
    notes: tuple[str, ...] = ()
    n_tries: int = 1

    @property
    def state(self) -> str:
        """``done`` or ``failed``."""
        return FAILED if self.made is None else DONE
