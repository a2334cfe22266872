"""What a session hears next, on a timeline that keeps to the clock; pure, time is an argument.

Two kinds of sound come. *Spoken* sound is pushed at any pace, such as a speech synthesiser's bursts; it waits here and
is heard as time goes on. *Live* sound, a microphone's, comes as it is made, and is heard at once::

    spoken   [== burst ==]              [= burst =]
    heard     ==================------- ===========          at the pace of time
    live                        ~~~~~~~

Where nothing comes, silence is heard. A gap of less than `PATIENCE_S` may only be the network's: it is waited for, and
what comes late is heard faster than time until the timeline has caught up. Live sound that comes later than that lies
where silence was heard already, and as much of it is dropped, so that a conversation never lags.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEED_RATE = 48_000
"""Samples a second of a session's sound (Hz): what Opus carries."""

PATIENCE_S = 0.06
"""How far the timeline may stay behind the clock, or live sound run ahead of it (seconds): three packets of Opus."""

RECENT_S = 1.0
"""Sound that came so long ago is not waited for any more (seconds)."""

MAX_SPOKEN_S = 600.0
"""Spoken sound that may wait (seconds)."""

_MAX_LIVE = round(0.5 * FEED_RATE)
"""Live samples that may wait while spoken sound is heard; older ones are dropped."""

SPEAKING, RESTING = "speaking", "resting"


@dataclass(frozen=True)
class Mark:
    """Something that begins at a moment of the timeline.

    Attributes
    ----------
    sample : int
    event : {"speaking", "resting"}
    said_s : float
        Spoken sound before it, seconds.
    """

    sample: int
    event: str
    said_s: float


class Feed:
    """See the module's description. Not thread-safe."""

    def __init__(self) -> None:
        self._spoken: deque[NDArray[Any]] = deque()
        self._live: deque[NDArray[Any]] = deque()
        self._n_spoken = self._n_live = 0
        self._start_s: float | None = None
        self._last_sound_s = float("-inf")
        self._is_speaking = self._is_flushed = False
        self.n_heard = 0
        self.n_said = 0
        self.n_dropped = 0
        self.marks: deque[Mark] = deque()

    def say(self, samples: NDArray[np.float32]) -> bool:
        """Add spoken sound (n,), at `FEED_RATE`; False where too much waits already."""
        if (self._n_spoken + len(samples)) > MAX_SPOKEN_S * FEED_RATE:
            return False
        if len(samples):
            self._spoken.append(samples)
            self._n_spoken += len(samples)
            self._is_flushed = False
        return True

    def hear(self, samples: NDArray[np.float32]) -> None:
        """Add live sound (n,), at `FEED_RATE`."""
        self._live.append(samples)
        self._n_live += len(samples)
        while self._n_live > _MAX_LIVE:
            dropped = self._live.popleft()
            self._n_live -= len(dropped)
            self.n_dropped += len(dropped)

    def flush(self) -> None:
        """No more spoken sound follows for now: once all is heard, the avatar rests."""
        self._is_flushed = True
        if not self._n_spoken:
            self._rest()

    def drop(self) -> None:
        """Forget what was not heard yet."""
        self._spoken.clear()
        self._live.clear()
        self._n_spoken = self._n_live = 0
        self.marks.clear()
        self._is_speaking = self._is_flushed = False

    @property
    def has_live(self) -> bool:
        """Whether live sound waits."""
        return self._n_live > 0

    @property
    def waiting_s(self) -> float:
        """Spoken sound that waits, seconds."""
        return self._n_spoken / FEED_RATE

    def take(self, now_s: float) -> NDArray[np.float32]:
        """What is to be heard now.

        Parameters
        ----------
        now_s : float
            Seconds of a clock that does not go back.

        Returns
        -------
        ndarray, shape (n,), float32
            Perhaps empty.
        """
        if self._start_s is None:
            self._start_s = now_s
        due = int((now_s - self._start_s) * FEED_RATE) - self.n_heard
        pieces = []
        if self._n_spoken:
            pieces.append(self._take_spoken(min(self._n_spoken, max(0, due)), now_s))
            self._live.clear()
            self._n_live = 0
        elif self._n_live:
            pieces.append(self._take_live(due, now_s))
        else:
            pieces.append(self._silence(due, now_s))
        taken = np.concatenate(pieces)
        self.n_heard += len(taken)
        return taken

    def _take_spoken(self, n_wanted: int, now_s: float) -> NDArray[np.float32]:
        if n_wanted and not self._is_speaking:
            self._is_speaking = True
            self.marks.append(Mark(self.n_heard, SPEAKING, self.n_said / FEED_RATE))
        taken, self._n_spoken = _take(self._spoken, n_wanted), self._n_spoken - n_wanted
        self.n_said += n_wanted
        if n_wanted:
            self._last_sound_s = now_s
        if not self._n_spoken and self._is_flushed:
            self._rest(len(taken))
        return taken

    def _take_live(self, due: int, now_s: float) -> NDArray[np.float32]:
        live = _take(self._live, self._n_live)
        self._n_live = 0
        self._last_sound_s = now_s
        room = max(0, due + round(PATIENCE_S * FEED_RATE))
        self.n_dropped += max(0, len(live) - room)
        return live[max(0, len(live) - room) :]

    def _silence(self, due: int, now_s: float) -> NDArray[np.float32]:
        is_recent = now_s - self._last_sound_s < RECENT_S and not self._is_flushed
        if not is_recent and self._is_speaking:
            self._rest()
        patience = round(PATIENCE_S * FEED_RATE) if is_recent else 0
        return np.zeros(max(0, due - patience), np.float32)

    def _rest(self, n_after: int = 0) -> None:
        if self._is_speaking:
            self._is_speaking = False
            self._last_sound_s = float("-inf")
            self.marks.append(Mark(self.n_heard + n_after, RESTING, self.n_said / FEED_RATE))


def _take(pieces: deque[NDArray[Any]], n_wanted: int) -> NDArray[np.float32]:
    """The first `n_wanted` samples of `pieces`, taken out."""
    taken = []
    while n_wanted:
        piece = pieces.popleft()
        if len(piece) > n_wanted:
            pieces.appendleft(piece[n_wanted:])
            piece = piece[:n_wanted]
        taken.append(piece)
        n_wanted -= len(piece)
    return np.concatenate(taken) if taken else np.zeros(0, np.float32)
