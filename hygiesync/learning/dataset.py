"""Training sequences: mel frames beside the coefficients that they should give, cut into training and validation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.errors import InputError
from hygiesync.speech.mel import N_MELS
from hygiesync.timing import described_time, mel_frames_to_time, time_to_mel_frames

VALIDATION_SHARE = 0.05
"""Part of each recording kept for validation: its end, in one piece."""

GUARD_S = 0.5
"""Seconds dropped between the two parts, so that no sound is heard on both sides."""

MAX_LABEL_GAP_S = 0.13
"""Labels are interpolated between video frames at most this far apart (three frames at 25 fps)."""


@dataclass(frozen=True)
class LabelledClip:
    """One recording on the mel clock.

    Attributes
    ----------
    heard : ndarray, shape (n_frames, n_mels) or (n_frames, n_mels + n_sounds), float32
        Mel frames, and behind them the sounds that the generic model hears in them, for a network that hears these too.
    coefficients : ndarray, shape (n_frames, n_components), float32
        What the network should answer at each frame; it describes ``described_time(frame, lookahead)``.
    is_known : ndarray, shape (n_frames,), bool
        Where there is such an answer: false beside cuts, missing faces and the ends.
    """

    heard: FloatArray
    coefficients: FloatArray
    is_known: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.heard)

    def __getitem__(self, frames: slice) -> LabelledClip:
        return LabelledClip(self.heard[frames], self.coefficients[frames], self.is_known[frames])

    @property
    def mel(self) -> FloatArray:
        """The mel frames alone."""
        return self.heard[:, :N_MELS]

    @property
    def n_sounds(self) -> int:
        """Columns behind the mel frames."""
        return max(0, self.heard.shape[1] - N_MELS)

    def with_sounds(self, sounds: NDArray[np.float32]) -> LabelledClip:
        """The same clip with sounds (n_frames, n_sounds) behind its mel frames."""
        return replace(self, heard=np.concatenate([self.mel, sounds], axis=1))


def align(
    mel: NDArray[np.float32],
    coefficients: FloatArray,
    times_s: FloatArray,
    shots: NDArray[np.int64],
    is_usable: NDArray[np.bool_],
    lookahead: int,
) -> LabelledClip:
    """Bring video-rate labels to the mel clock.

    Parameters
    ----------
    mel : ndarray, shape (n_mel_frames, n_mels), float32
    coefficients : ndarray, shape (n_video_frames, n_components)
    times_s : ndarray, shape (n_video_frames,), seconds
        Presentation times of the labels; any spacing.
    shots : ndarray, shape (n_video_frames,), int
        No label is interpolated across two shots.
    is_usable : ndarray, shape (n_video_frames,), bool
        Frames whose labels may be believed.
    lookahead : int
        Mel frames that the network may hear beyond the time it describes.
    """
    wanted = np.array([float(described_time(index, lookahead)) for index in range(len(mel))])
    after = np.clip(np.searchsorted(times_s, wanted), 1, len(times_s) - 1)
    before = after - 1
    span = times_s[after] - times_s[before]
    share = np.clip((wanted - times_s[before]) / span, 0, 1)[:, None]
    is_known = (
        (wanted >= times_s[0])
        & (wanted <= times_s[-1])
        & (shots[before] == shots[after])
        & is_usable[before]
        & is_usable[after]
        & (span <= MAX_LABEL_GAP_S)
    )
    labels = np.where(is_known[:, None], (1 - share) * coefficients[before] + share * coefficients[after], 0)
    return LabelledClip(mel.astype(np.float32), labels.astype(np.float32), is_known)


def split(
    sequences: list[LabelledClip], share: float = VALIDATION_SHARE
) -> tuple[list[LabelledClip], list[LabelledClip]]:
    """Cut each sequence into a beginning to train on and an end to validate on, with a guard between them.

    Raises
    ------
    InputError
        When what is left has too few believable frames to learn from.
    """
    guard = time_to_mel_frames(GUARD_S)
    training, validation = [], []
    for sequence in sequences:
        start = round(len(sequence) * (1 - share))
        training.append(sequence[: max(0, start - guard)])
        validation.append(sequence[start:])
    n_known = sum(int(part.is_known.sum()) for part in training)
    if n_known < time_to_mel_frames(3.0) or not any(part.is_known.any() for part in validation):
        raise InputError(
            "training needs at least a few seconds in which the face is seen and heard; expected minutes, got"
            f" {float(mel_frames_to_time(n_known)):.1f} s; film a longer video, with the face in view"
        )
    return training, validation


def batches(
    sequences: list[LabelledClip], window: int, batch_size: int, n_batches: int, rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]]:
    """Random windows of the sequences.

    Yields
    ------
    heard : ndarray, shape (batch_size, window, n_heard), float32
    coefficients : ndarray, shape (batch_size, window, n_components), float32
    is_known : ndarray, shape (batch_size, window), bool
    """
    long_enough = [sequence for sequence in sequences if len(sequence) >= window]
    if not long_enough:
        window = max(len(sequence) for sequence in sequences)
        long_enough = [sequence for sequence in sequences if len(sequence) == window]
    starts = np.array([len(sequence) - window + 1 for sequence in long_enough])
    for _ in range(n_batches):
        which = rng.choice(len(long_enough), batch_size, p=starts / starts.sum())
        begin = rng.integers(0, starts[which])
        parts = [long_enough[i][b : b + window] for i, b in zip(which, begin, strict=True)]
        yield (
            np.stack([part.heard for part in parts]),
            np.stack([part.coefficients for part in parts]),
            np.stack([part.is_known for part in parts]),
        )


def splice(
    heard: FloatArray,
    coefficients: FloatArray,
    is_known: NDArray[np.bool_],
    share: float,
    unsure: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """Let some windows go on as others do, so that no sentence is learnt by heart as a whole.

    Parameters
    ----------
    heard, coefficients, is_known : ndarray
        Windows of :func:`batches`.
    share : float
        Of the windows that go on as another one, from somewhere in their middle on.
    unsure : int
        Mel frames after a splice without an answer: they describe what was heard before it, or was hardly heard yet.
    rng : Generator

    Returns
    -------
    heard, coefficients, is_known : ndarray, like those given
    """
    n_windows, n_frames = is_known.shape
    cut = rng.integers(n_frames // 4, n_frames - n_frames // 4, n_windows)
    cut[rng.random(n_windows) >= share] = n_frames
    frames = np.arange(n_frames)
    is_other = frames >= cut[:, None]
    other = rng.permutation(n_windows)
    is_sure = ~is_other | (frames >= cut[:, None] + unsure)
    return (
        np.where(is_other[..., None], heard[other], heard),
        np.where(is_other[..., None], coefficients[other], coefficients),
        np.where(is_other, is_known[other], is_known) & is_sure,
    )
