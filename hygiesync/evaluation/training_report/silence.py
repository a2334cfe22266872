"""What lips do when the voice stops: how soon they close, and how still they are then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hygiesync.evaluation.training_report.stretches import Stretch, runs
from hygiesync.timing import mel_frames_to_time, time_to_mel_frames

MIN_PAUSE_S = 0.3
"""Shorter silences are within speech."""

SETTLED_S = 0.2
"""Seconds of a pause in which lips may still come to rest."""

_AT_REST = 0.1
"""Part of the way from the resting mouth to a wide one up to which a mouth has closed."""


@dataclass(frozen=True)
class SilenceBehaviour:
    """Real and predicted lips in the pauses.

    Attributes
    ----------
    duration_s : float
        Of all pauses.
    n_ends : int
        How many of them began when a voice ended.
    real_closing_s, predicted_closing_s : float
        Median time from the voice's end to lips that have closed; lips that never do count as the pause's length.
        NaN without such pauses.
    real_motion_pct, predicted_motion_pct : float
        Standard deviation of the opening within pauses, once settled, % of the distance between the eyes; NaN without.
    """

    duration_s: float
    n_ends: int
    real_closing_s: float
    predicted_closing_s: float
    real_motion_pct: float
    predicted_motion_pct: float


def pauses(stretch: Stretch) -> list[slice]:
    """Silences (runs of times) that are long enough and in which the real lips are known."""
    shortest = time_to_mel_frames(MIN_PAUSE_S)
    is_silent = ~stretch.held_out.is_voice & stretch.is_known
    return [pause for pause in runs(is_silent) if pause.stop - pause.start >= shortest]


def begins_with_voices_end(stretch: Stretch, pause: slice) -> bool:
    """Whether there is voice right before a pause."""
    return pause.start > 0 and bool(stretch.held_out.is_voice[pause.start - 1])


def silence_behaviour(stretches: Sequence[Stretch], rest_pct: float, wide_pct: float) -> SilenceBehaviour:
    """Compare lips in silence.

    Parameters
    ----------
    stretches : sequence of Stretch
    rest_pct, wide_pct : float
        Opening of the resting mouth and of a wide one, % of the distance between the eyes.
    """
    closed = rest_pct + _AT_REST * max(0.0, wide_pct - rest_pct)
    settled = time_to_mel_frames(SETTLED_S)
    n_frames, closing, deviations = 0, [], []
    for stretch in stretches:
        for pause in pauses(stretch):
            openings = np.stack([stretch.real_opening[pause], stretch.predicted_opening[pause]])
            n_frames += openings.shape[1]
            still = openings[:, settled:]
            deviations.append(still - still.mean(1, keepdims=True))
            if begins_with_voices_end(stretch, pause):
                closing.append([_first(track <= closed) for track in openings])
    real_s, predicted_s = (float(mel_frames_to_time(1)) * np.median(closing, axis=0)) if closing else (np.nan, np.nan)
    motion = np.concatenate(deviations, axis=1).std(1) if deviations else np.full(2, np.nan)
    return SilenceBehaviour(
        duration_s=float(mel_frames_to_time(n_frames)),
        n_ends=len(closing),
        real_closing_s=float(real_s),
        predicted_closing_s=float(predicted_s),
        real_motion_pct=float(motion[0]),
        predicted_motion_pct=float(motion[1]),
    )


def _first(flags: NDArray[np.bool_]) -> int:
    """Number of the first true flag (n,); n when none is."""
    return int(flags.argmax()) if flags.any() else len(flags)
