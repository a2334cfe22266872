"""What a kind of jobs says of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hygiesync.batch.columns import Setting
from hygiesync.batch.job import Task
from hygiesync.batch.looking import Looks, Problems

VIDEO_SUFFIXES = (".mp4", ".m4v")


@dataclass(frozen=True)
class Kind:
    """One way to make something of a row.

    Attributes
    ----------
    name : str
        What the column ``kind`` holds.
    source : str
        The column that only rows of this kind fill: it tells the kind where that isn't said.
    subject : str
        The column that is needed beside it; nothing where there is none.
    settings : dict of str to Setting
        Columns that say how.
    task_of : callable
        The task of a row's cells; what is wrong with them goes into the problems, and then the task is not used.
    out_suffixes : tuple of str
        Endings of outputs; none where they are folders.
    """

    name: str
    source: str
    subject: str
    settings: Mapping[str, Setting]
    task_of: Callable[[Mapping[str, str], Looks, Problems], Task | None]
    out_suffixes: tuple[str, ...] = VIDEO_SUFFIXES

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that its rows may fill."""
        return ("kind", *filter(None, (self.subject,)), self.source, "out", *self.settings)
