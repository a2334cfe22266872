"""Stretches of a recording in which the mouth speaks and nothing is heard: a microphone that died, or was muted.

Nothing may be learnt there, and least of all what a mouth at rest looks like. A pause is quiet, too; but in it the
mouth is still. So both are looked at: how loud it is, and how much the mouth opens and closes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.shape import mouth_opening
from hygiesync.face.topology import LEFT_EYE_OUTER, RIGHT_EYE_OUTER, RIGID
from hygiesync.face.track import FaceTrack
from hygiesync.speech.bands import loudness
from hygiesync.timing import described_time, mel_frames_to_time, time_to_mel_frames

LOUD_QUANTILE, QUIET_BELOW = 0.98, 2.0
"""Mel frames this much (bel) below the loudest but two in a hundred are quiet: 20 dB below syllables."""

AROUND_S = 0.5
"""Time around sound that belongs to it: lips move before and after."""

MIN_LENGTH_S = 3.0
"""Pauses within speech are shorter."""

MIN_MOTION = 0.5
"""Share of the motion while speaking from which a mouth speaks: in pauses it has 0.1 to 0.3."""

MIN_SEEN_S = 2.0

Span = tuple[float, float]

_EYES = [RIGID.index(RIGHT_EYE_OUTER), RIGID.index(LEFT_EYE_OUTER)]


def deaf_spans(mel: NDArray[np.float32], track: FaceTrack) -> tuple[Span, ...]:
    """Spans (start, end), seconds, in which one sees speech and hears none.

    Parameters
    ----------
    mel : ndarray, shape (n_mel_frames, n_mels), float32
    track : FaceTrack
        Of the same recording.
    """
    if not len(mel) or not len(track):
        return ()
    level = loudness(mel)
    is_loud = level > np.quantile(level, LOUD_QUANTILE) - QUIET_BELOW
    reach = time_to_mel_frames(AROUND_S)
    is_quiet = ~np.lib.stride_tricks.sliding_window_view(np.pad(is_loud, reach), 2 * reach + 1).any(axis=1)
    opening = _opening(track)
    positions = np.searchsorted(_mel_times(len(mel)), track.times_s).clip(0, len(mel) - 1)
    usual = _motion(opening[~is_quiet[positions]])
    spans = []
    for start, stop in _runs(is_quiet):
        start_s, end_s = (float(mel_frames_to_time(edge)) for edge in (start, stop))
        seen = opening[(track.times_s >= start_s) & (track.times_s < end_s)]
        seen_s = (end_s - start_s) * float(np.mean(~np.isnan(seen))) if len(seen) else 0.0
        if end_s - start_s >= MIN_LENGTH_S and seen_s >= MIN_SEEN_S and _motion(seen) >= MIN_MOTION * usual > 0:
            spans.append((start_s, end_s))
    return tuple(spans)


def is_within(times_s: FloatArray, spans: tuple[Span, ...]) -> NDArray[np.bool_]:
    """Which of the times (n,) lie in one of the spans, or at its edge."""
    inside = np.zeros(len(times_s), bool)
    for start_s, end_s in spans:
        inside |= (times_s >= start_s - AROUND_S) & (times_s < end_s + AROUND_S)
    return inside


def heard_loudness(mel: NDArray[np.float32], spans: tuple[Span, ...]) -> FloatArray:
    """Loudness (n,) of the mel frames outside the spans, bel."""
    return loudness(mel)[~is_within(_mel_times(len(mel)), spans)]


def _mel_times(n_frames: int) -> NDArray[np.float64]:
    first, step = float(described_time(0, 0)), float(mel_frames_to_time(1))
    return first + step * np.arange(n_frames)


def _opening(track: FaceTrack) -> NDArray[np.float64]:
    """Inner lips' distance (n_frames,), eye distances; NaN without a face."""
    eyes = np.linalg.norm(np.diff(track.rigid[:, _EYES].astype(np.float64), axis=1)[:, 0], axis=-1)
    return np.asarray(mouth_opening(track.lower), np.float64) / np.maximum(eyes, 1.0)


def _motion(opening: FloatArray) -> float:
    """How far an opening (n,) strays from its mean; 0 where it is not seen."""
    known = opening[~np.isnan(opening)]
    return float(known.std()) if len(known) > 1 else 0.0


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Spans [start, stop) of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]
