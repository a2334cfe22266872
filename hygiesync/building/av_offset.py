r"""How late or early a video's sound is against the lips.

The opening that is seen is compared with the opening that is heard (:mod:`hygiesync.speech.lip_opening`), shifted
against each other. How sure the answer is, is asked of the recording itself: pieces of two seconds are drawn from it
again and again, and the spread of the answers is the error of the answer (the bootstrap [1]_, in blocks)::

    seen   ____/\__/\/\____/\__
    heard  ___/\__/\/\____/\___      correlates best one step later: the sound is early

On 20 s of speech the draws agree within some 10 ms. Silence, noise or another speaker's voice correlate with hardly
anything, the draws disagree, and nothing is said: in none of 303 trials with sounds that did not belong. Only sentences
of one and the same metre can be taken for each other (7 of 144 trials with a corpus of such sentences).

.. [1] Efron, Tibshirani, *An introduction to the bootstrap*, 1993.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.building.face_fitting import FittedFace, LabelledFrames, Recording
from hygiesync.face.shape import mouth_opening
from hygiesync.interpolation import peak_offset
from hygiesync.learning.dataset import align
from hygiesync.speech.lip_opening import heard_opening
from hygiesync.timing import WIN_LENGTH, mel_frames_to_time, sample_time, time_to_mel_frames

SEARCHED_S = 0.6
"""Offsets up to this are found; recorders are seldom further off, and further away chance finds more to agree with."""

MIN_SEEN_S = 10.0
"""Seconds of visible lips that an answer needs."""

MIN_CORRELATION = 0.3
"""Of the seen and the heard opening at the best shift: real speech reaches 0.45 to 0.7, sounds that do not belong stay
below 0.25 in 99 of 100 trials."""

MIN_AGREEMENT = 0.9
"""Share of the drawn answers that must lie near the whole recording's, for it to be believed."""

NEAR_MS = 40.0
"""What near is: a picture at 25 a second."""

WORTH_TELLING_MS = 60.0
"""Smaller offsets are left alone: they are hard to see, and 20 s of speech in sync are measured up to 27 ms late."""

_SLOW_S = 1.0
"""What changes slower than this is the head's turning and the voice's level, and is taken off both sides."""

_BLOCK_S, _N_DRAWS = 2.0, 200
_REACH = time_to_mel_frames(SEARCHED_S)
_SHIFTS = np.arange(-_REACH, _REACH + 1)


@dataclass(frozen=True)
class Offset:
    """A recording's sound against its lips.

    Attributes
    ----------
    late_ms : float
        How late the sound is; negative is early.
    error_ms : float
        Standard error of that, judged by the answers that are near it.
    agreement : float
        Share of the answers that are near it.
    correlation : float
        Of the seen and the heard opening at this offset.
    seen_s : float
        Seconds of visible lips.
    """

    late_ms: float
    error_ms: float
    agreement: float
    correlation: float
    seen_s: float

    @property
    def is_certain(self) -> bool:
        """Whether it may be believed."""
        return (
            self.seen_s >= MIN_SEEN_S
            and self.correlation >= MIN_CORRELATION
            and self.agreement >= MIN_AGREEMENT
            and abs(self.late_ms) <= 1000 * SEARCHED_S - NEAR_MS
        )

    @property
    def in_words(self) -> str:
        """Such as ``"180 ms late"``."""
        return f"{abs(self.late_ms):.0f} ms {'late' if self.late_ms > 0 else 'early'}"

    @property
    def is_worth_telling(self) -> bool:
        """Whether it is certain, and large enough to be seen."""
        return self.is_certain and abs(self.late_ms) > WORTH_TELLING_MS


def measure_offsets(recordings: Sequence[Recording], face: FittedFace) -> list[Offset]:
    """Each recording's offset, certain or not."""
    return [measure_offset(recording, frames) for recording, frames in zip(recordings, face.frames, strict=True)]


def measure_offset(recording: Recording, frames: LabelledFrames) -> Offset:
    """Offset of one recording's sound against its lips.

    Parameters
    ----------
    recording : Recording
    frames : LabelledFrames
        Of the same recording.
    """
    # `align` answers for the end of a mel frame, the filter for its middle
    times_s = recording.track.times_s + float(sample_time(WIN_LENGTH // 2))
    opening = mouth_opening(frames.canonical)[:, None]
    seen = align(recording.mel, opening, times_s, frames.shots, frames.is_usable, lookahead=0)
    is_seen = seen.is_known
    seen_s = float(mel_frames_to_time(int(is_seen.sum())))
    if seen_s < MIN_SEEN_S:
        return Offset(0.0, 0.0, 0.0, 0.0, seen_s)
    lips = _without_slow(seen.coefficients[:, 0].astype(np.float64), is_seen)
    heard = _without_slow(heard_opening(recording.mel), np.ones(len(recording.mel), bool))
    sums = _block_sums(heard, lips, is_seen)
    late, correlation = _best(sums.sum(0))
    n_blocks = len(sums)
    draws = np.random.default_rng(0).multinomial(n_blocks, np.full(n_blocks, 1 / n_blocks), _N_DRAWS)
    step_ms = 1000 * float(mel_frames_to_time(1))
    away_ms = step_ms * np.abs(np.array([_best(np.tensordot(draw, sums, 1))[0] for draw in draws]) - late)
    is_near = away_ms <= NEAR_MS
    error_ms = float(np.sqrt(np.mean(away_ms[is_near] ** 2))) if is_near.any() else NEAR_MS
    return Offset(step_ms * late, error_ms, float(is_near.mean()), correlation, seen_s)


def fix_offsets(
    recordings: Sequence[Recording], offsets: Sequence[Offset], tell: Callable[[str], None] | None = None
) -> list[Recording]:
    """Recordings whose sound counts as late as it was measured to be, where that is certain and large.

    A network learns in time what it would have to guess otherwise: of two men who speak freely, filmed with sound that
    is some 150 ms late, the opening's correlation on held-out speech rose from 0.41 to 0.56.

    Parameters
    ----------
    recordings : sequence of Recording
    offsets : sequence of Offset
    tell : callable, optional
        Told in one line what becomes of each.
    """
    say = tell or (lambda message: None)
    fixed = []
    for recording, offset in zip(recordings, offsets, strict=True):
        name = Path(recording.video.path).name
        if offset.is_worth_telling:
            say(f"{name}: the sound is {offset.in_words}; this is corrected for what is learned")
            recording = replace(recording, sound_late_s=offset.late_ms / 1000)
        elif offset.is_certain:
            say(f"{name}: the sound is in time within {WORTH_TELLING_MS:.0f} ms, so nothing is corrected")
        else:
            say(f"{name}: whether the sound is in time can't be told with certainty, so nothing is corrected")
        fixed.append(recording)
    return fixed


def record_of(offset: Offset, recording: Recording) -> dict[str, Any]:
    """What an avatar's manifest keeps of an offset."""
    return {
        "late_ms": round(offset.late_ms, 1),
        "error_ms": round(offset.error_ms, 1),
        "is_certain": offset.is_certain,
        "corrected_ms": round(1000 * recording.sound_late_s, 1),
    }


def _without_slow(values: FloatArray, is_known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Values (n,) less their mean around each, of known ones; 0 where unknown."""
    from scipy.ndimage import gaussian_filter1d

    sigma = time_to_mel_frames(_SLOW_S)
    known = is_known.astype(np.float64)
    weight = gaussian_filter1d(known, sigma)
    around = gaussian_filter1d(np.where(is_known, values, 0.0), sigma) / np.maximum(weight, 1e-6)
    return np.where(is_known, values - around, 0.0)


def _block_sums(heard: FloatArray, seen: FloatArray, is_seen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Count, sums, sums of squares and of products of both sides: (n_blocks, n_shifts, 6).

    At shift k, what is heard at frame i is compared with what is seen at i - k: the sound is k frames late.
    """
    n, block = len(heard), time_to_mel_frames(_BLOCK_S)
    starts = np.arange(0, n, block)
    sums = np.zeros((len(starts), len(_SHIFTS), 6))
    for number, shift in enumerate(_SHIFTS):
        there = np.arange(n) + shift
        is_pair = is_seen & (there >= 0) & (there < n)
        a, b = np.where(is_pair, heard[np.clip(there, 0, n - 1)], 0.0), np.where(is_pair, seen, 0.0)
        terms = np.stack([is_pair.astype(float), a, b, a * a, b * b, a * b], axis=1)
        sums[:, number] = np.add.reduceat(terms, starts, axis=0)
    return sums


def _best(sums: FloatArray) -> tuple[float, float]:
    """Shift in mel frames, to a part of one (parabola), and the correlation at the best of all shifts' sums."""
    count, a, b, aa, bb, ab = np.moveaxis(sums, -1, 0)
    count = np.maximum(count, 1)
    power = (aa - a * a / count) * (bb - b * b / count)
    scores = (ab - a * b / count) / np.sqrt(np.maximum(power, 1e-18))
    best = int(scores.argmax())
    return float(_SHIFTS[best]) + peak_offset(scores, best), float(scores[best])
