"""The one progress bar of a batch."""

from __future__ import annotations

import sys
from types import TracebackType

from tqdm import tqdm

from hygiesync.batch.driving import Stop, Tally

_FORMAT = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"


class BatchBar:
    """Shows jobs a minute, the real-time factor of the whole, failures, and the time left; a context manager.

    Parameters
    ----------
    n_jobs : int
    stop : Stop
        Once it is asked, the bar says so.
    """

    def __init__(self, n_jobs: int, stop: Stop) -> None:
        self._stop = stop
        self._bar = tqdm(
            total=n_jobs, desc="batch", file=sys.stderr, dynamic_ncols=True, bar_format=_FORMAT, smoothing=0.05
        )
        self._n_kept = 0

    def __call__(self, tally: Tally) -> None:
        """Show how far it is."""
        if self._stop.is_asked:
            self._bar.set_description_str("finishing what is under way (Ctrl-C again: end at once)", refresh=False)
        if tally.n_kept > self._n_kept:  # they took no time, so the time left is not reckoned from them
            self._bar.initial += tally.n_kept - self._n_kept
            self._n_kept = tally.n_kept
        self._bar.set_postfix_str(figures(tally, self.elapsed_s), refresh=False)
        n_new = tally.n_ended - self._bar.n
        if n_new or sys.stderr.isatty():  # a log has a line for what changed, and no more
            self._bar.update(n_new)
            self._bar.refresh()

    @property
    def elapsed_s(self) -> float:
        """Seconds since it began."""
        return float(self._bar.format_dict["elapsed"])

    def __enter__(self) -> BatchBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._bar.close()


def figures(tally: Tally, elapsed_s: float) -> str:
    """Speed and failures, in few words.

    Examples
    --------
    >>> figures(Tally(10, n_made=3, sound_s=60.0), 30.0)
    '6.0 jobs/min, real-time factor 0.50, 0 failed'
    """
    n_worked = tally.n_made + len(tally.failures)
    per_minute = 60 * n_worked / elapsed_s if elapsed_s else 0.0
    factor = f"{elapsed_s / tally.sound_s:.2f}" if tally.sound_s else "-"
    return f"{per_minute:.1f} jobs/min, real-time factor {factor}, {len(tally.failures)} failed"
