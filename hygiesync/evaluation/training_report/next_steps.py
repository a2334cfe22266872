"""What to do after a training, as its numbers say; what its videos say is :mod:`hygiesync.building.video_quality`'s."""

from __future__ import annotations

from collections.abc import Iterator

from hygiesync.building.video_quality import MIN_DURATION_S, Advice
from hygiesync.evaluation.training_report.headline import Findings

ENOUGH_VIDEO_S, ENOUGH_HELD_OUT_S = 240.0, 10.0
_LEARNT_BY_HEART = 0.5
_GOOD_CORRELATION, _GOOD_AMPLITUDE, _GOOD_LAG_MS, _GOOD_CLOSURES = 0.7, 0.75, 40.0, 0.7
_MIN_CLOSURES = 5
_RESTLESS, _RESTLESS_PCT = 2.0, 0.4


def next_steps(findings: Findings) -> list[Advice]:
    """What would make the next training better, what helps most first; empty when nothing stands out."""
    return [*_about_the_video(findings), *_about_learning(findings), *_about_the_lips(findings)]


def _about_the_video(findings: Findings) -> Iterator[Advice]:
    evidence = findings.evidence
    if MIN_DURATION_S <= evidence.duration_s < ENOUGH_VIDEO_S:
        yield Advice(
            f"the video lasts {evidence.duration_s:.0f} s",
            "film longer: five minutes are best, and nothing else helps as much",
        )
    if findings.held_out_s < ENOUGH_HELD_OUT_S:
        yield Advice(
            f"all measures of this page rest on {findings.held_out_s:.1f} s",
            "take them as a hint only; hygiesync evaluate on another video of the person tells more",
        )
    if not findings.silence.n_ends:
        yield Advice(
            "the part that was kept for measuring holds no pause after speech",
            "leave pauses of a second between sentences, and sit silent for twenty seconds",
        )


def _about_learning(findings: Findings) -> Iterator[Advice]:
    evidence = findings.evidence
    n_epochs = len(evidence.validation_loss)
    if n_epochs > 1 and evidence.best_epoch == n_epochs - 1 and evidence.preset == "fast":
        yield Advice(
            "the last epoch was the best: the network may have been learning still",
            "train again with the preset balanced or best",
        )
    if evidence.training_loss[-1] < _LEARNT_BY_HEART * min(evidence.validation_loss):
        yield Advice(
            "the network knows the video by heart (its training loss is far below its validation loss)",
            "film more, and read varied text: training longer on the same video does not help",
        )


def _about_the_lips(findings: Findings) -> Iterator[Advice]:
    lips, silence, closures = findings.comparison, findings.silence, findings.closures
    if abs(lips.lag_ms) > _GOOD_LAG_MS:
        yield Advice(
            f"the predicted lips are {abs(lips.lag_ms):.0f} ms {'late' if lips.lag_ms > 0 else 'early'}",
            "check that sound and picture of the video fit each other all along; film without a wireless microphone",
        )
    if lips.opening_correlation < _GOOD_CORRELATION:
        yield Advice(
            f"the opening follows the real one loosely (correlation {lips.opening_correlation:.2f})",
            "film longer, close to the microphone, in a room without echo, music or other voices",
        )
    if lips.opening_amplitude < _GOOD_AMPLITUDE:
        yield Advice(
            f"the mouth opens only {lips.opening_amplitude:.2f} times as much as the real one",
            "film longer, and speak clearly, neither whispering nor mumbling",
        )
    if closures.n_real >= _MIN_CLOSURES and closures.share < _GOOD_CLOSURES:
        yield Advice(
            f"{closures.n_real - closures.n_reached} of {closures.n_real} closures of the lips are missed",
            "read text with many b, p and m, lit so that the lips stand out from the skin",
        )
    restless = max(_RESTLESS * silence.real_motion_pct, _RESTLESS_PCT)
    if silence.predicted_motion_pct > restless:
        yield Advice(
            f"the predicted lips move in silence ({silence.predicted_motion_pct:.2f} % against"
            f" {silence.real_motion_pct:.2f} %)",
            "sit silent and still for twenty seconds of the video, in a quiet room",
        )
