"""How far off the lips are by class: by what the mouth does, by what is heard, and by word.

What the mouth does is told from the real lips, by this person's own range (:class:`MouthRange`); the first that fits::

    opening  closed | slit       |            | wide open
             0      15 %         35 %         60 %       100 %   of the way from shut to wide
    width    a mouth between: narrow quarter = rounded, broad quarter = spread, else half open

What is heard is told from the spectrum: silence where the voice detector hears none; hissing where the bands above
3.5 kHz are louder than those below 1 kHz (s, sh, f, the burst of t); else voiced.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.evaluation.training_report.stretches import MouthRange, Stretch
from hygiesync.evaluation.training_report.words import Word
from hygiesync.face.comparison import lip_distance
from hygiesync.face.shape import mouth_width
from hygiesync.speech.mel import N_MELS, hz_to_mel
from hygiesync.timing import SAMPLE_RATE, mel_frames_to_time

MOUTHS = ("closed", "slit", "rounded", "spread", "half open", "wide open")
SOUNDS = ("silence", "voiced", "hissing")

_LOW_HZ, _HIGH_HZ = 1000.0, 3500.0


@dataclass(frozen=True)
class ClassError:
    """How far off the lips are in one class.

    Attributes
    ----------
    name : str
    duration_s : float
        How much of it was held out.
    lip_distance_pct : float
        Mean distance of the lip points, % of the distance between the eyes.
    opening_error_pct : float
        Mean of predicted less real opening, likewise; below 0 the predicted mouth is too closed.
    n_times : int
        How often it was said; 0 for what isn't said.
    """

    name: str
    duration_s: float
    lip_distance_pct: float
    opening_error_pct: float
    n_times: int = 0


def mouth_classes(stretch: Stretch, mouth: MouthRange) -> NDArray[np.int64]:
    """Which of `MOUTHS` (n,) the real mouth is at each time, by number; where it is not known, it means nothing."""
    opening, width = np.nan_to_num(stretch.real_opening), 100 * mouth_width(stretch.real)
    conditions = [
        opening <= mouth.closed_below,
        opening >= mouth.wide_above,
        opening <= mouth.slit_below,
        width <= mouth.narrow,
        width >= mouth.spread,
    ]
    names = ("closed", "wide open", "slit", "rounded", "spread")
    return np.select(conditions, [MOUTHS.index(name) for name in names], MOUTHS.index("half open"))


def sound_classes(mel: FloatArray, is_voice: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Which of `SOUNDS` (n,) is heard in log-mel frames (n, n_mels), by number."""
    low_end, high_start = (_band_at(frequency_hz) for frequency_hz in (_LOW_HZ, _HIGH_HZ))
    is_hissing = mel[:, high_start:].mean(1) > mel[:, :low_end].mean(1)
    return np.where(~is_voice, SOUNDS.index("silence"), SOUNDS.index("voiced") + is_hissing)


def _band_at(frequency_hz: float) -> int:
    """Number of the mel band whose centre is nearest to a frequency."""
    whole = float(hz_to_mel(SAMPLE_RATE / 2))
    return round(float(hz_to_mel(frequency_hz)) / whole * (N_MELS + 1)) - 1


def errors_by_mouth(stretches: Sequence[Stretch], mouth: MouthRange) -> list[ClassError]:
    """Errors by what the mouth does; classes that were not seen are left out."""
    return _errors_by(stretches, [mouth_classes(stretch, mouth) for stretch in stretches], MOUTHS)


def errors_by_sound(stretches: Sequence[Stretch]) -> list[ClassError]:
    """Errors by what is heard; classes that were not heard are left out."""
    heard = [sound_classes(stretch.held_out.mel, stretch.held_out.is_voice) for stretch in stretches]
    return _errors_by(stretches, heard, SOUNDS)


def errors_by_word(stretches: Sequence[Stretch], words: Sequence[Sequence[Word]]) -> list[ClassError]:
    """Errors by word, the worst first; silence is left out.

    Parameters
    ----------
    stretches : sequence of Stretch
    words : sequence of sequence of Word
        Those of each stretch's video.
    """
    spans: dict[str, list[tuple[Stretch, slice]]] = {}
    for stretch, said in zip(stretches, words, strict=True):
        for word in said:
            span = word.within(stretch.held_out.times_s)
            if not word.is_silence and span is not None and stretch.is_known[span].any():
                spans.setdefault(word.text, []).append((stretch, span))
    errors = [_error_in(name, _picked(some), len(some)) for name, some in spans.items()]
    return sorted(errors, key=lambda error: -error.lip_distance_pct)


_Parts = list[tuple[Stretch, NDArray[Any]]]


def _errors_by(
    stretches: Sequence[Stretch], classes: Sequence[NDArray[np.int64]], names: Sequence[str]
) -> list[ClassError]:
    errors = []
    for number, name in enumerate(names):
        parts = [(s, s.is_known & (numbers == number)) for s, numbers in zip(stretches, classes, strict=True)]
        if any(flags.any() for _, flags in parts):
            errors.append(_error_in(name, parts))
    return errors


def _picked(spans: Iterable[tuple[Stretch, slice]]) -> _Parts:
    parts = []
    for stretch, span in spans:
        flags = np.zeros_like(stretch.is_known)
        flags[span] = stretch.is_known[span]
        parts.append((stretch, flags))
    return parts


def _error_in(name: str, parts: _Parts, n_times: int = 0) -> ClassError:
    real, predicted = (
        np.concatenate([mouths[flags] for mouths, flags in some])
        for some in ([(s.real, f) for s, f in parts], [(s.predicted, f) for s, f in parts])
    )
    opening_errors = np.concatenate([(s.predicted_opening - s.real_opening)[flags] for s, flags in parts])
    return ClassError(
        name=name,
        duration_s=float(mel_frames_to_time(len(real))),
        lip_distance_pct=lip_distance(real, predicted),
        opening_error_pct=float(opening_errors.mean()),
        n_times=n_times,
    )
