r"""Lips that shut for b, p and m: how many of the real closures the predicted lips reach.

::

    real       _.-._       .-._        the least opening of a stretch counts as a closure when it is small enough;
                    \     /            it is reached when the predicted lips come within `TOLERANCE_PCT` of it,
                     `---'             at most `REACH_S` before or after
    predicted  _.-.__   __.-._
                     `-'
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from hygiesync.evaluation.training_report.stretches import MouthRange, Stretch, runs
from hygiesync.evaluation.training_report.words import Word
from hygiesync.timing import time_to_mel_frames

REACH_S = 0.06
TOLERANCE_PCT = 0.3
"""% of the distance between the eyes."""


@dataclass(frozen=True)
class Closures:
    """How many times the real lips shut, and how many of those the predicted ones did too."""

    n_real: int
    n_reached: int

    @property
    def share(self) -> float:
        """Share of the real closures that is reached; NaN without any."""
        return self.n_reached / self.n_real if self.n_real else float("nan")


def closures_in_words(stretches: Sequence[Stretch], words: Sequence[Sequence[Word]], mouth: MouthRange) -> Closures:
    """Closures in words that hold a b, a p or an m; a word counts once, however many it holds.

    Parameters
    ----------
    stretches : sequence of Stretch
    words : sequence of sequence of Word
        Those of each stretch's video.
    mouth : MouthRange
        Says how small an opening is shut.
    """
    counted = []
    for stretch, said in zip(stretches, words, strict=True):
        spans = [word.within(stretch.held_out.times_s) for word in said if word.has_bilabial]
        counted.append(_count(stretch, [span for span in spans if span is not None], mouth.closed_below))
    return _sum(counted)


def closures_in_speech(stretches: Sequence[Stretch], mouth: MouthRange) -> Closures:
    """Closures wherever there is voice: each time that the real lips are shut counts once."""
    counted = []
    for stretch in stretches:
        is_shut = stretch.held_out.is_voice & (np.nan_to_num(stretch.real_opening, nan=np.inf) <= mouth.closed_below)
        counted.append(_count(stretch, runs(is_shut), mouth.closed_below))
    return _sum(counted)


def _count(stretch: Stretch, spans: Iterable[slice], closed_below: float) -> Closures:
    reach = time_to_mel_frames(REACH_S)
    real = np.nan_to_num(stretch.real_opening, nan=np.inf)
    n_real = n_reached = 0
    for span in spans:
        least = int(span.start + real[span].argmin())
        if real[least] <= closed_below:
            near = stretch.predicted_opening[max(0, least - reach) : least + reach + 1]
            n_real += 1
            n_reached += int(near.min() <= real[least] + TOLERANCE_PCT)
    return Closures(n_real, n_reached)


def _sum(counted: Sequence[Closures]) -> Closures:
    return Closures(sum(c.n_real for c in counted), sum(c.n_reached for c in counted))
