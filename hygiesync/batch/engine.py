"""What a batch asks of whatever does its jobs: processes of this machine, or of others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from hygiesync.batch.job import Job, Made, Outcome

MAX_TRIES = 2
"""How often a job is begun whose process was ended from outside: perhaps it is what ended it."""

Work: TypeAlias = Callable[[Job], Made]
"""Does a job; raises HygieSyncError when it can't be done."""

MakeWork: TypeAlias = Callable[[], Work]
"""Called in each process once; must be picklable."""


class BatchEngine(Protocol):
    """Does jobs side by side. To be used by one thread."""

    @property
    def n_free(self) -> int:
        """How many jobs it will take now. Never hand it more: what waits, waits in the table."""
        ...

    @property
    def n_under_way(self) -> int:
        """Jobs that were taken and have not ended."""
        ...

    def submit(self, job: Job) -> None:
        """Take a job."""
        ...

    def results(self, timeout_s: float) -> list[Outcome]:
        """Jobs that have ended since the last call; waits for one, at most so long."""
        ...

    def cancel(self) -> None:
        """End what is under way at once, without results. Outputs that are not whole do not appear."""
        ...
