"""A ring buffer between one thread that writes and one that reads, in which neither ever waits for the other.

The writer alone moves `_n_written`, the reader alone `_n_read`; each is one integer that is published after the items
are in place (Python's own lock makes the assignment whole). No lock: an audio callback must not stand behind a reader.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Ring:
    """Holds items of one dtype between a writing and a reading thread.

    Parameters
    ----------
    capacity : int
        Items that fit.
    dtype : dtype-like
        Of one item.
    """

    def __init__(self, capacity: int, dtype: np.typing.DTypeLike) -> None:
        if capacity < 1:
            raise ValueError(f"capacity: expected at least 1, got {capacity}")
        self._items = np.zeros(capacity, dtype)
        self._n_written = 0
        self._n_read = 0

    def __len__(self) -> int:
        """Items that wait to be read."""
        return self._n_written - self._n_read

    @property
    def capacity(self) -> int:
        """Items that fit."""
        return len(self._items)

    def push(self, items: NDArray[Any]) -> bool:
        """Add items: all of them, or none when they don't fit. For the writing thread.

        Parameters
        ----------
        items : ndarray, shape (n,)

        Returns
        -------
        bool
            Whether they fitted.
        """
        n, capacity = len(items), len(self._items)
        if n > capacity - (self._n_written - self._n_read):
            return False
        begin = self._n_written % capacity
        n_first = min(n, capacity - begin)
        self._items[begin : begin + n_first] = items[:n_first]
        self._items[: n - n_first] = items[n_first:]
        self._n_written += n
        return True

    def pop(self, n: int | None = None) -> NDArray[Any]:
        """Take the oldest `n` items, or all; fewer when there are not as many. For the reading thread.

        Returns
        -------
        ndarray, shape (n,)
            A copy.
        """
        n_waiting = self._n_written - self._n_read
        n = n_waiting if n is None else min(n, n_waiting)
        capacity = len(self._items)
        begin = self._n_read % capacity
        n_first = min(n, capacity - begin)
        items = np.concatenate([self._items[begin : begin + n_first], self._items[: n - n_first]])
        self._n_read += n
        return items
