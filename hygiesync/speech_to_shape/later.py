"""Asking a stream about a later moment of the sound than the picture's, where sound and lips are not in time."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.speech_to_shape.stream import SpeechStream


class LaterSound:
    """What is asked about a moment is answered about a later moment of the sound. Not thread-safe.

    Parameters
    ----------
    stream : SpeechStream
        Used by nobody else.
    late_s : Fraction
        How much later; negative where lips come after their sound.
    """

    def __init__(self, stream: SpeechStream, late_s: Fraction) -> None:
        self._stream, self._late_s = stream, late_s

    @property
    def lookahead_s(self) -> Fraction:
        """See :class:`SpeechStream`."""
        return self._stream.lookahead_s + self._late_s

    @property
    def latency_s(self) -> Fraction:
        """See :class:`SpeechStream`."""
        return self._stream.latency_s + self._late_s

    @property
    def known_until_s(self) -> Fraction:
        """See :class:`SpeechStream`."""
        return self._stream.known_until_s - self._late_s

    def push(self, samples: NDArray[Any]) -> None:
        """See :class:`SpeechStream`."""
        self._stream.push(samples)

    def finish(self, end_s: Fraction) -> None:
        """See :class:`SpeechStream`."""
        self._stream.finish(end_s + self._late_s)

    def at(self, time_s: Fraction) -> NDArray[Any]:
        """See :class:`SpeechStream`."""
        return self._stream.at(time_s + self._late_s)

    def sound_at(self, time_s: Fraction) -> NDArray[np.float32]:
        """See :class:`SpeechStream`."""
        return self._stream.sound_at(time_s + self._late_s)

    def reset(self) -> None:
        """See :class:`SpeechStream`."""
        self._stream.reset()
