"""What a training's report says of what to expect: measured numbers, others' curves, and nothing beyond them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from present import present
from test_training_report import coefficients, evidence, held_out

from hygiesync.evaluation.training_report.expectation import CURVES, LearningCurve, estimate, expectation
from hygiesync.evaluation.training_report.headline import Findings

GOOD = LearningCurve("good", (10, 40), (0.6, 0.8))
POOR = LearningCurve("poor", (10, 160), (0.2, 0.6))


def test_a_line_over_the_logarithm_of_time() -> None:
    assert GOOD.at(20) == pytest.approx(0.7)
    assert GOOD.at(10) == 0.6
    assert GOOD.covers(10, 40)
    assert not GOOD.covers(9, 40)
    assert not GOOD.covers(10, 41)


def test_two_curves_give_a_range() -> None:
    told = estimate(0.5, 10, (GOOD, POOR))
    assert present(told).seconds == 40
    # GOOD leaves a half of what is missing, POOR three quarters
    assert (present(told).low, present(told).high) == pytest.approx((0.625, 0.75))


def test_one_curve_is_believed_only_by_those_who_are_like_it() -> None:
    assert present(estimate(0.25, 10, (GOOD, POOR))).seconds == 160
    assert present(estimate(0.25, 10, (GOOD, POOR))).high == pytest.approx(0.625)
    assert estimate(0.5, 10, (POOR,)) is None


@pytest.mark.parametrize("correlation", [0.25, 0.5, 0.62, 0.85, 0.95])
@pytest.mark.parametrize("learnt_s", [5, 9, 12, 20, 46, 90, 110, 200, 290, 600])
def test_nothing_is_promised_that_was_not_measured(correlation: float, learnt_s: int) -> None:
    told = estimate(correlation, learnt_s)
    if told is not None:
        assert all(curve.covers(learnt_s, told.seconds) for curve in told.curves)
        assert told.seconds >= 1.25 * learnt_s
        assert correlation <= told.low <= told.high < 1
    if learnt_s < 10 or learnt_s > 240:
        assert told is None


def test_lips_that_hardly_follow_promise_nothing() -> None:
    assert estimate(0.1, 20) is None


def test_a_curve_that_falls_takes_nothing_away() -> None:
    assert present(estimate(0.25, 10, (LearningCurve("falls", (10, 40), (0.3, 0.2)),))).low == 0.25


def test_curves_are_in_order() -> None:
    for curve in CURVES:
        assert list(curve.seconds) == sorted(curve.seconds)
        assert len(curve.seconds) == len(curve.correlations)


class TestWords:
    def said(self, **changes: Any) -> str:
        return expectation(Findings.from_evidence(evidence(**changes)))

    def test_what_was_measured_and_what_more_would_give(self) -> None:
        told = self.said(n_frames=600)
        correlation = Findings.from_evidence(evidence()).comparison.opening_correlation
        assert f"at {correlation:.2f}" in told
        assert "measured on 6 s" in told
        assert "48 s of speech would give about" in told
        assert "single words; news" in told

    def test_only_usable_frames_were_learnt_from(self) -> None:
        # 20 s of which a third shows no face: too short for any curve
        assert "was not measured" in self.said(n_frames=1500)

    def test_long_videos_are_promised_nothing(self) -> None:
        assert self.said(duration_s=400.0).endswith("was not measured.")

    def test_little_held_out_says_nothing(self) -> None:
        some = held_out(np.sin(np.arange(200.0)) + 2, np.sin(np.arange(200.0)) + 2)
        told = self.said(held_out=(some,), coefficients=coefficients(np.linspace(0, 3, 50)))
        assert told == "Only 2.0 s were kept for measuring: too little to say what to expect."

    def test_lips_against_the_real_ones(self) -> None:
        real = evidence().held_out[0]
        told = self.said(held_out=(replace(real, predicted=coefficients(12 - real.real[:, 0])),))
        assert "at -1.00" in told
        assert told.endswith("was not measured.")
