"""The mouth of people who speak as they do every day, where :mod:`hygiesync.tts.visemes` has them speak distinctly.

Three things differ, all of them known of real lips: spread vowels and the sounds of the tongue are not said with lips
nearly closed, but at half of a wide vowel's opening and more (only rounding narrows them further); what the tongue does
inside leaves the lips to the vowels around it; and neighbours melt into each other over a longer time. On a speaker's
real lips, with phonemes known, the curves made so correlate at 0.69 in place of 0.63.

References
----------
Abry and Boë, *Laws for lips*, Speech Communication 5, 1986, for lip heights of spread and rounded sounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.tts.speech import PAUSE, Phoneme
from hygiesync.tts.visemes import VISEMES, Viseme, mouth_curves

_OPENING_POWER = 0.6
"""Openings are raised to this power, and to 1 where the lips are rounded."""

_YIELDING = 0.4
"""Part of the opening's dominance that a sound of the tongue keeps."""

_BELL_S = 0.025

_VOWELS = frozenset("iɪᵻɨeɛæaɑɐʌəɘɤɜɞɒɔoɵʊuʉɯyʏøœɶ")
_LABIALS = frozenset("pbmfvɱʋwʍɥ")


def _relaxed(letter: str, viseme: Viseme) -> Viseme:
    if viseme.is_closed or letter == PAUSE:
        return viseme
    power = _OPENING_POWER + (1 - _OPENING_POWER) * max(0.0, -viseme.width)
    yielding = 1.0 if letter in _VOWELS | _LABIALS else _YIELDING
    return replace(viseme, opening=viseme.opening**power, opening_dominance=yielding * viseme.opening_dominance)


RELAXED_VISEMES = {letter: _relaxed(letter, viseme) for letter, viseme in VISEMES.items()}


def natural_curves(phonemes: Sequence[Phoneme], times: FloatArray) -> NDArray[np.float64]:
    """Mouth curves (n, 3), as :func:`hygiesync.tts.visemes.mouth_curves`, of everyday speech at `times` (n,)."""
    return mouth_curves(phonemes, times, RELAXED_VISEMES, _BELL_S)
