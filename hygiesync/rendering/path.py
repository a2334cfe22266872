"""The path through the atlas: which picture follows which, decided over a sequence and not frame by frame.

Every frame offers candidates, each with a *cost* (how unlike it is to what is wanted). Going from one picture to the
next of the same take is free, anything else is a jump and costs. The cheapest path through all frames is Viterbi's::

    best[t, j]  =  cost[t, j]  +  min over i of (best[t - 1, i] + jump(i, j))

A choice is *certain* when the best paths to all of the newest candidates agree on it: whatever comes later, it will not
be taken back. So pictures come out one after the other, and are those of the search over the whole sequence; only
when nothing has been agreed on for `lag` frames is the path that is best so far taken at its word.

References
----------
Viterbi, *Error bounds for convolutional codes*, 1967; Sramek, Brejova & Vinar, *On-line Viterbi algorithm*, 2007.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray

JUMP_COST = 0.006
"""Canonical units that a jump within the atlas costs."""

_NEIGHBOURHOOD = 2
"""Pictures this far apart in a take follow each other without a jump."""


def jump_costs(before: NDArray[np.int64], after: NDArray[np.int64]) -> NDArray[np.float64]:
    """Costs (n_before, n_after) of going between pictures with frame numbers (n_before,) and (n_after,)."""
    distance = np.abs(before[:, None] - after)
    return np.where(distance <= _NEIGHBOURHOOD, 0.0, JUMP_COST)


@dataclass(frozen=True, slots=True)
class _Step:
    """One frame's candidates, and for each the place of its best predecessor in the step before."""

    candidates: NDArray[Any]
    came_from: NDArray[Any]


class PathSearch:
    """Finds the cheapest path while frames come in.

    Not thread-safe: it has the state of one stream.

    Parameters
    ----------
    frame_numbers : ndarray, shape (n_pictures,), int
        Of the atlas.
    lag : int
        Frames that a choice may wait for. With 0 every frame is decided at once, on what came before it.
    """

    def __init__(self, frame_numbers: NDArray[np.int64], lag: int) -> None:
        self._frame_numbers, self._lag = frame_numbers, lag
        self.reset()

    def reset(self) -> None:
        """Forget the path."""
        self._steps: deque[_Step] = deque()
        self._best: NDArray[Any] | None = None
        self._last_chosen: int | None = None

    @property
    def n_waiting(self) -> int:
        """Frames whose picture is not yet decided."""
        return len(self._steps)

    def likely_followers(self, n_paths: int = 8) -> NDArray[np.int64]:
        """Pictures beside those where the best `n_paths` paths are, which may go on without a jump: worth offering."""
        if self._last_chosen is None and not self._steps:
            return np.zeros(0, np.int64)
        if self._steps:
            assert self._best is not None
            best_first = np.argsort(self._best)[:n_paths]
            ends = self._steps[-1].candidates[best_first[np.isfinite(self._best[best_first])]]
        else:
            ends = np.array([self._last_chosen])
        around = (ends[:, None] + np.arange(-_NEIGHBOURHOOD, _NEIGHBOURHOOD + 1)).ravel()
        return around[(around >= 0) & (around < len(self._frame_numbers))]

    def push(self, candidates: NDArray[np.int64], costs: FloatArray) -> list[int]:
        """Go one frame on.

        Parameters
        ----------
        candidates : ndarray, shape (n,), int
            Atlas pictures, at least one.
        costs : ndarray, shape (n,), canonical units

        Returns
        -------
        list of int
            Pictures that became certain, in order, beginning with the oldest frame that had none.
        """
        if self._steps:
            assert self._best is not None
            total = self._best[:, None] + self._jumps(self._steps[-1].candidates, candidates)
            came_from = total.argmin(0)
            self._best = total[came_from, np.arange(len(candidates))] + costs
        else:
            came_from = np.zeros(len(candidates), np.int64)
            self._best = costs.astype(np.float64)
            if self._last_chosen is not None:
                self._best = self._best + self._jumps(np.array([self._last_chosen]), candidates)[0]
        self._best = self._best - self._best.min()  # only differences count; sums over hours would lose them
        self._steps.append(_Step(candidates, came_from))
        decided = self._agreed()
        if len(self._steps) > self._lag:
            decided += self._take(len(self._steps) - self._lag, int(self._best.argmin()))
        return decided

    def flush(self) -> list[int]:
        """The rest of the path: no more frames will come."""
        if not self._steps:
            return []
        assert self._best is not None
        return self._take(len(self._steps), int(self._best.argmin()))

    def _jumps(self, before: NDArray[np.int64], after: NDArray[np.int64]) -> NDArray[np.float64]:
        return jump_costs(self._frame_numbers[before], self._frame_numbers[after])

    def _agreed(self) -> list[int]:
        """Take what the best paths to all of the newest candidates share."""
        places = np.arange(len(self._steps[-1].candidates))
        for age, step in enumerate(reversed(self._steps)):
            if len(places) == 1:
                return self._take(len(self._steps) - age, int(places[0]), age)
            places = np.unique(step.came_from[places])
        return []

    def _take(self, n_frames: int, place: int, age: int = 0) -> list[int]:
        """Decide the oldest `n_frames`, on the path through `place` of the step that is `age` frames old."""
        chosen: list[int] = []
        for index in range(len(self._steps) - 1 - age, -1, -1):
            if index == n_frames - 1:
                last_place = place
            if index < n_frames:
                chosen.append(int(self._steps[index].candidates[place]))
            place = int(self._steps[index].came_from[place])
        for _ in range(n_frames):
            self._steps.popleft()
        self._last_chosen = chosen[0]
        self._drop_other_paths(last_place)
        return chosen[::-1]

    def _drop_other_paths(self, place: int) -> None:
        """Give up paths that did not come through `place` of the step before the oldest one."""
        is_alive: NDArray[Any] | None = None
        for step in self._steps:
            is_alive = step.came_from == place if is_alive is None else is_alive[step.came_from]
        if is_alive is not None:
            assert self._best is not None
            self._best = np.where(is_alive, self._best, np.inf)
