"""The few numbers that say how good an avatar's lips are, each with what good looks like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hygiesync.building.evidence import TrainingEvidence
from hygiesync.evaluation.training_report.closures import Closures, closures_in_speech
from hygiesync.evaluation.training_report.silence import SilenceBehaviour, silence_behaviour
from hygiesync.evaluation.training_report.stretches import MouthRange, Stretch, known_mouths, stretches_of
from hygiesync.face.comparison import LipComparison, compare_lips, lip_distance
from hygiesync.face.shape import mouth_opening
from hygiesync.timing import MEL_RATE, mel_frames_to_time


@dataclass(frozen=True)
class Findings:
    """What is found out about a training before anything is drawn.

    Attributes
    ----------
    evidence : TrainingEvidence
    stretches : tuple of Stretch
    mouth : MouthRange
    comparison : LipComparison
        Over all held-out times that are known.
    still_distance_pct : float
        Lip distance of the mean mouth, which never moves, likewise.
    silence : SilenceBehaviour
    closures : Closures
        In speech.
    held_out_s : float
        Known seconds that all this is measured on.
    """

    evidence: TrainingEvidence
    stretches: tuple[Stretch, ...]
    mouth: MouthRange
    comparison: LipComparison
    still_distance_pct: float
    silence: SilenceBehaviour
    closures: Closures
    held_out_s: float

    @classmethod
    def from_evidence(cls, evidence: TrainingEvidence) -> Findings:
        """Measure the held-out stretches."""
        stretches = stretches_of(evidence)
        mouth = MouthRange.from_shapes(evidence.shape.inverse_transform(evidence.coefficients))
        real, predicted = known_mouths(stretches)
        rest_pct = 100 * float(mouth_opening(evidence.shape.inverse_transform(evidence.rest)))
        return cls(
            evidence=evidence,
            stretches=stretches,
            mouth=mouth,
            comparison=compare_lips(real, predicted, float(1 / MEL_RATE)),
            still_distance_pct=lip_distance(real, np.broadcast_to(evidence.shape.mean, real.shape)),
            silence=silence_behaviour(stretches, rest_pct, mouth.wide),
            closures=closures_in_speech(stretches, mouth),
            held_out_s=float(mel_frames_to_time(len(real))),
        )


@dataclass(frozen=True)
class Measure:
    """A measure as it is read: its name, its value, and one sentence on what a good one is."""

    label: str
    value: str
    good: str


def headline(findings: Findings) -> list[Measure]:
    """The measures of a report's first table."""
    lips, silence = findings.comparison, findings.silence
    return [
        Measure(
            "Lip distance",
            f"{lips.lip_distance_pct:.2f} % (a mouth that never moves: {findings.still_distance_pct:.2f} %)",
            "Far below the mouth that never moves; finding lips in a picture errs by some 0.4 % by itself.",
        ),
        Measure(
            "Opening follows the real one",
            f"correlation {lips.opening_correlation:.2f}",
            "1 is perfect; from 0.8 the mouth opens and closes with the right sounds.",
        ),
        Measure(
            "Width follows the real one",
            f"correlation {lips.width_correlation:.2f}",
            "Harder to hear than the opening: from 0.6 rounding and smiling vowels can be told apart.",
        ),
        Measure(
            "Amplitude of the opening",
            f"{lips.opening_amplitude:.2f} × the real one",
            "0.8 to 1.1 is good; less is a mumbling mouth, and the usual sign of too little video.",
        ),
        Measure(
            "Lag",
            f"{lips.lag_ms:+.0f} ms",
            "Within ±40 ms it is hardly seen; above 0 the predicted lips are late.",
        ),
        Measure(
            "Motion in silence",
            _beside(silence.predicted_motion_pct, silence.real_motion_pct, "{:.2f} %"),
            "No more than the real lips; when speaking, a gate holds the mouth still in silence as well.",
        ),
        Measure(
            "Closing after speech",
            _beside(1000 * silence.predicted_closing_s, 1000 * silence.real_closing_s, "{:.0f} ms"),
            "As soon as the real lips, or sooner; when speaking, the gate closes the mouth within 120 ms.",
        ),
        Measure(
            "Lips that shut within speech",
            f"{findings.closures.n_reached} of {findings.closures.n_real} closures",
            "From 8 in 10 is good: b, p and m are where a viewer notices first.",
        ),
    ]


def _beside(predicted: float, real: float, form: str) -> str:
    """Two numbers as text; NaN could not be measured."""
    return "no pause to measure" if np.isnan(real) else f"{form.format(predicted)} (real {form.format(real)})"
