"""One try of a job: whatever happens in it becomes an outcome."""

from __future__ import annotations

import logging
import time

from hygiesync.batch.engine import Work
from hygiesync.batch.job import Job, Outcome
from hygiesync.errors import HygieSyncError


class _Collector(logging.Handler):
    """Keeps what is logged, since many processes that wrote it to one terminal could not be told apart."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.notes: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.notes.append(record.getMessage())


def attempt(work: Work, job: Job) -> Outcome:
    """Do a job; it fails alone, with its reason."""
    collector = _Collector()
    logging.getLogger().addHandler(collector)
    start_s = time.monotonic()
    made, error = None, ""
    try:
        made = work(job)
    except HygieSyncError as failure:
        error = str(failure)
    except MemoryError:
        error = "it needs more memory than there is; make the file smaller, or let fewer workers run"
    except Exception as failure:  # a fault of our own in one job must not end the others
        error = f"a fault of hygiesync's own: {type(failure).__name__}: {failure}; please report it"
    finally:
        logging.getLogger().removeHandler(collector)
    return Outcome(job, time.monotonic() - start_s, made, error, tuple(collector.notes))
