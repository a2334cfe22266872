"""Reading ahead in a thread, so that decoding and drawing overlap."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator
from typing import TypeVar

Item = TypeVar("Item")

_END = object()


def prefetched(source: Iterator[Item], depth: int) -> Generator[Item]:
    """The items of `source`, up to `depth` of them made ahead by a thread.

    An exception in `source` is raised here, at its place. When the iterator is closed or dropped, the thread ends and
    `source` is closed.
    """
    ready: queue.Queue[object] = queue.Queue(depth)
    stop = threading.Event()
    thread = threading.Thread(target=_produce, args=(source, ready, stop), daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not _END:
            if isinstance(item, _Failure):
                raise item.error
            yield item  # type: ignore[misc]
    finally:
        stop.set()
        thread.join()


class _Failure:
    def __init__(self, error: BaseException) -> None:
        self.error = error


def _produce(source: Iterator[Item], ready: queue.Queue[object], stop: threading.Event) -> None:
    try:
        for item in source:
            if not _put(ready, item, stop):
                return
        _put(ready, _END, stop)
    except BaseException as error:  # handed to whoever reads
        _put(ready, _Failure(error), stop)
    finally:
        if isinstance(source, Generator):
            source.close()


def _put(ready: queue.Queue[object], item: object, stop: threading.Event) -> bool:
    """Put `item` unless the reader is gone."""
    while not stop.is_set():
        try:
            ready.put(item, timeout=0.1)
            return True
        except queue.Full:
            continue
    return False
