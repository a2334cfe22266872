"""A process that does jobs of a batch, one after another, on one thread."""

from __future__ import annotations

import os
import signal
from multiprocessing.connection import Connection

from hygiesync.batch.attempt import attempt
from hygiesync.batch.engine import MakeWork
from hygiesync.concurrency.library_threads import single_threaded_libraries
from hygiesync.concurrency.processes import end_with_parent


def serve(connection: Connection, make_work: MakeWork, parent: int) -> None:
    """Take jobs from a connection and answer each with its outcome, until the other side is gone.

    Parameters
    ----------
    connection : Connection
    make_work : callable
    parent : int
        Number of the process that started this one.
    """
    # Ctrl-C reaches all processes of a terminal, and what it means is decided by the one that hands out jobs.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    if os.getppid() != parent:  # it died before it could be asked for its death's signal
        return
    work = make_work()
    with single_threaded_libraries():
        while True:
            try:
                job = connection.recv()
                connection.send(attempt(work, job))
            except (EOFError, OSError):
                return
