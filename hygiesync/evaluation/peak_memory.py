"""How much memory a piece of work takes, with the processes that it starts."""

from __future__ import annotations

import threading
from types import TracebackType

_LOOK_EVERY_S = 0.05


class PeakMemory:
    """The most memory that this process and its children held while the body ran; a context manager.

    Looked at twenty times a second by a thread; pages that processes share count for each.

    Attributes
    ----------
    n_bytes : int
    """

    def __init__(self) -> None:
        self.n_bytes = 0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()

    def _look(self) -> None:
        import psutil

        here = psutil.Process()
        while True:
            held = 0
            for process in [here, *here.children(recursive=True)]:
                try:
                    held += process.memory_info().rss
                except psutil.Error:  # it has ended meanwhile
                    continue
            self.n_bytes = max(self.n_bytes, held)
            if self._is_over.wait(_LOOK_EVERY_S):
                return
