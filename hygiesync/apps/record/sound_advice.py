"""What the speaker should change about the sound, judged by the limits of training. Pure: samples in, advice out."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.building.sound_level import FULL_SCALE, SoundLevel
from hygiesync.building.video_quality import MAX_CLIPPED_SHARE, MIN_SPEECH_DB, MIN_SPEECH_TO_BACKGROUND_DB, Advice
from hygiesync.timing import SAMPLE_RATE, time_to_samples

SPEECH_S, SILENCE_S = 4.0, 5.0
"""How much of what was last said, and of the last silence, is listened to: a sentence has loud and soft syllables."""

MIN_SPEECH_S, MIN_SILENCE_S = 2.0, 1.0

CLIPPING_S = 3.0


class SoundAdviser:
    """Advice from the sound of sentences and of silences.

    Parameters
    ----------
    sample_rate : int
        Of the samples to come (Hz).
    """

    def __init__(self, sample_rate: int) -> None:
        self._step = max(1, round(sample_rate / SAMPLE_RATE))
        self._speech = _Tail(time_to_samples(SPEECH_S))
        self._silence = _Tail(time_to_samples(SILENCE_S))
        self._clipped: deque[tuple[int, int]] = deque()
        self._n_clipping = time_to_samples(CLIPPING_S, sample_rate)

    def push(self, samples: NDArray[Any], is_speech: bool | None) -> None:
        """Take note of samples (n,), float32.

        Parameters
        ----------
        samples : ndarray
        is_speech : bool or None
            True while a sentence is to be read, False in a silence, None where anything may be heard.
        """
        self._clipped.append((int(np.sum(np.abs(samples) >= FULL_SCALE)), len(samples)))
        while sum(n for _, n in self._clipped) - self._clipped[0][1] >= self._n_clipping:
            self._clipped.popleft()
        # for a level it does not matter that what lies above half the new rate folds back
        if is_speech is not None:
            (self._speech if is_speech else self._silence).append(samples[:: self._step])

    def begin_sentence(self) -> None:
        """Forget how the last sentence sounded."""
        self._speech.clear()

    def advice(self) -> list[Advice]:
        """What should change now, most pressing first."""
        found = []
        n_heard = sum(n for _, n in self._clipped)
        if n_heard and sum(n for n, _ in self._clipped) > MAX_CLIPPED_SHARE * n_heard:
            found.append(Advice("the sound is clipped", "turn the microphone's level down"))
        if len(self._speech) < time_to_samples(MIN_SPEECH_S):
            return found
        speech_db = SoundLevel.from_samples(self._speech.samples()).speech_db
        if speech_db < MIN_SPEECH_DB:
            found.append(Advice("you are hardly heard", "speak up, or go nearer to the microphone"))
        elif len(self._silence) >= time_to_samples(MIN_SILENCE_S):
            background_db = SoundLevel.from_samples(self._silence.samples()).background_db
            if speech_db - background_db < MIN_SPEECH_TO_BACKGROUND_DB:
                found.append(Advice("the background is loud", "turn off music and fans, go nearer to the microphone"))
        return found


class _Tail:
    """The last samples of a kind."""

    def __init__(self, n_most: int) -> None:
        self._n_most = n_most
        self._blocks: deque[NDArray[Any]] = deque()
        self._length = 0

    def append(self, samples: FloatArray) -> None:
        self._blocks.append(samples)
        self._length += len(samples)
        while self._length - len(self._blocks[0]) >= self._n_most:
            self._length -= len(self._blocks.popleft())

    def clear(self) -> None:
        self._blocks.clear()
        self._length = 0

    def samples(self) -> NDArray[np.float32]:
        return np.concatenate(self._blocks)

    def __len__(self) -> int:
        return self._length
