"""What a training leaves to be judged by: all that its report shows, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.building.video_quality import Advice
from hygiesync.face.shape import ShapeModel
from hygiesync.learning.dataset import LabelledClip
from hygiesync.speech.activity import VoiceActivity
from hygiesync.timing import described_time


@dataclass(frozen=True)
class HeldOut:
    """The part of one recording that the network did not learn from, at the times that its answers describe.

    Attributes
    ----------
    times_s : ndarray, shape (n,), seconds
        On the recording's clock, a mel frame apart.
    real, predicted : ndarray, shape (n, n_components)
        Coefficients.
    is_known : ndarray, shape (n,), bool
        Where `real` is known.
    mel : ndarray, shape (n, n_mels), log10 of power
        What is heard at each time.
    is_voice : ndarray, shape (n,), bool
        Whether that is voice.
    """

    times_s: NDArray[np.float64]
    real: NDArray[np.float32]
    predicted: NDArray[np.float32]
    is_known: NDArray[np.bool_]
    mel: NDArray[np.float32] = field(repr=False)
    is_voice: NDArray[np.bool_] = field(repr=False)

    def __len__(self) -> int:
        return len(self.times_s)


@dataclass(frozen=True)
class TrainingEvidence:
    """All that a training's report is made from.

    Attributes
    ----------
    name : str
        The avatar's.
    preset : str
    sources : tuple of str
        File names of the videos.
    duration_s : float
        Of all videos.
    training_loss, validation_loss : sequence of float
        One entry an epoch.
    best_epoch : int
        With the lowest validation loss, from 0.
    shape : ShapeModel
    rest : ndarray, shape (n_components,)
        Coefficients of the resting mouth.
    coefficients : ndarray, shape (n_usable_frames, n_components)
        Of all frames that were learned from or measured on.
    n_frames : int
        Of all videos, usable or not.
    held_out : tuple of HeldOut
        One for each video, in their order.
    advice : tuple of Advice
        What the videos could do better.
    """

    name: str
    preset: str
    sources: tuple[str, ...]
    duration_s: float
    training_loss: tuple[float, ...]
    validation_loss: tuple[float, ...]
    best_epoch: int
    shape: ShapeModel
    rest: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    n_frames: int
    held_out: tuple[HeldOut, ...]
    advice: tuple[Advice, ...] = ()

    @property
    def n_usable_frames(self) -> int:
        return len(self.coefficients)


def hold_out(sequence: LabelledClip, predicted: FloatArray, lookahead: int, background: float) -> HeldOut:
    """The end of a recording beside the network's answers for it.

    Parameters
    ----------
    sequence : LabelledClip
        The whole recording.
    predicted : ndarray, shape (n, n_components)
        Answers at its last `n` mel frames.
    lookahead : int
        Mel frames; an answer describes what was heard so many frames before.
    background : float
        Loudness of the recording's pauses.
    """
    start = len(sequence) - len(predicted)
    numbers = np.arange(start, len(sequence))
    heard = np.maximum(numbers - lookahead, 0)
    end = sequence[start:]
    return HeldOut(
        times_s=np.array([float(described_time(number, lookahead)) for number in numbers.tolist()]),
        real=end.coefficients,
        predicted=predicted,
        is_known=end.is_known,
        mel=sequence.mel[heard],
        is_voice=VoiceActivity(background).push(sequence.mel)[heard],
    )
