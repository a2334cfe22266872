"""What to expect of an avatar, and of more video, in words: what was measured, and what was measured on others.

How much the lips gain by more video depends on who speaks and how. So the gain is taken from other people's learning
curves, as the share that is left of what is missing to 1, and told as a range where their curves say different things.
Nothing is said of a length that no curve reaches.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hygiesync.evaluation.training_report.headline import Findings


@dataclass(frozen=True)
class LearningCurve:
    """How the opening's correlation on held-out speech grew with the speech that one person was learnt from.

    Attributes
    ----------
    speech : str
    seconds : tuple of float
        Increasing.
    correlations : tuple of float
    """

    speech: str
    seconds: tuple[float, ...]
    correlations: tuple[float, ...]

    def at(self, seconds: float) -> float:
        """Correlation after so many seconds: a line over the logarithm of the time."""
        return float(np.interp(np.log(seconds), np.log(self.seconds), self.correlations))

    def covers(self, start_s: float, end_s: float) -> bool:
        """Whether both lengths lie within what was measured."""
        return self.seconds[0] <= start_s and end_s <= self.seconds[-1]


CURVES = (
    LearningCurve("single words", (10, 20, 48), (0.758, 0.843, 0.907)),
    LearningCurve("news, cut every second", (10, 20, 46, 104), (0.235, 0.151, 0.338, 0.458)),
    LearningCurve("sentences of few words", (30, 60, 120, 300), (0.808, 0.851, 0.897, 0.913)),
)
"""Measured against raw detections (docs/speech_to_shape.md): the first two with the network that hears whole
recordings, one seed each; the sentences with the one that hears 80 ms ahead, two to three seeds."""

NEAR = 0.1
"""One curve alone is believed where it passes so near to the person's own correlation."""

WORTH_FILMING = 1.25
"""More video is this many times as long, at the least."""

MIN_CORRELATION = 0.2
"""Lips that follow less than this say nothing of what they would do."""

MIN_HELD_OUT_S = 3.0


@dataclass(frozen=True)
class Estimate:
    """What more video would give, as far as others' curves can tell.

    Attributes
    ----------
    seconds : float
        Of speech.
    low, high : float
        Correlation of the opening.
    curves : tuple of LearningCurve
        By which this is told.
    """

    seconds: float
    low: float
    high: float
    curves: tuple[LearningCurve, ...]


def estimate(correlation: float, learnt_s: float, curves: tuple[LearningCurve, ...] = CURVES) -> Estimate | None:
    """What the longest video that can be told of would give; None where nothing that was measured tells.

    Parameters
    ----------
    correlation : float
        The person's own, measured.
    learnt_s : float
        Seconds that it was learnt from.
    curves : tuple of LearningCurve
    """
    if correlation < MIN_CORRELATION:
        return None
    for seconds in sorted({end for curve in curves for end in curve.seconds}, reverse=True):
        if seconds < WORTH_FILMING * learnt_s:
            return None
        telling = tuple(curve for curve in curves if curve.covers(learnt_s, seconds))
        if len(telling) > 1 or (telling and abs(telling[0].at(learnt_s) - correlation) <= NEAR):
            left = [(1 - curve.at(seconds)) / (1 - curve.at(learnt_s)) for curve in telling]
            gained = [1 - (1 - correlation) * min(share, 1.0) for share in left]
            return Estimate(seconds, min(gained), max(gained), telling)
    return None


def expectation(findings: Findings) -> str:
    """Two sentences for the top of the report."""
    if findings.held_out_s < MIN_HELD_OUT_S:
        return f"Only {findings.held_out_s:.1f} s were kept for measuring: too little to say what to expect."
    correlation, evidence = findings.comparison.opening_correlation, findings.evidence
    measured = (
        f"In renderings the opening follows the real one at {correlation:.2f} on speech that was not learnt from"
        f" (1 is perfect; measured on {findings.held_out_s:.0f} s)."
    )
    learnt_s = evidence.duration_s * evidence.n_usable_frames / max(1, evidence.n_frames)
    more = estimate(correlation, learnt_s)
    if more is None:
        return f"{measured} What more video of such speech would give was not measured."
    low, high = f"{more.low:.2f}", f"{more.high:.2f}"
    about = low if low == high else f"{low} to {high}"
    whose = "; ".join(curve.speech for curve in more.curves)
    return f"{measured} {more.seconds:.0f} s of speech would give about {about}, as it did for others ({whose})."
