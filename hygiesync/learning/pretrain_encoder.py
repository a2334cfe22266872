"""Pretraining of the speech encoder: which sound is spoken, and what a mouth would do, for any voice.

Heavy variation of what is heard (length of the vocal tract, loudness, colour, noise) stands for the voices and rooms
that espeak lacks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hygiesync.array_types import FloatArray
from hygiesync.learning import loop
from hygiesync.learning.augment import Augmentation, other_tract, random_colour
from hygiesync.learning.network import NetworkSettings, SpeechToShape
from hygiesync.learning.settings import LoopSettings
from hygiesync.learning.speech_encoder import SpeechEncoder
from hygiesync.learning.synthetic_corpus import SOUNDS, Corpus
from hygiesync.learning.synthetic_voices import CURVE_WEIGHTS, LOSS, TOLD_SHARE, VoiceWindows, loss_of_sounds
from hygiesync.tts.visemes import CURVES

_TRACT_STD = 0.08
"""Standard deviation of the logarithm of the vocal tract's length."""

_COLOUR, _N_COLOURS = 0.25, 5
_CURVES_WEIGHT = 10.0
"""Of the curves' squared error against the phonemes' cross entropy: about as much in the end."""

_AUGMENTATION = Augmentation(grain=0.2, gain=0.5, narrow_share=0.0, noise_share=1.0, noise_below=(1.5, 6.0))


@dataclass(frozen=True)
class PretrainingSettings:
    """How the speech encoder is pretrained.

    Not for long: after 600 or 1200 steps it tells half of the sounds or more, and people's networks learn alike from
    there. After 3000 it tells seven in ten of espeak's, and they learn worse.
    """

    n_epochs: int = 12
    steps_per_epoch: int = 50
    batch_size: int = 32
    window: int = 200
    warm_up: int = 20
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    dropout: float = 0.1
    seed: int = 0

    def loop(self) -> LoopSettings:
        """What the training loop needs to know of them."""
        return LoopSettings(
            self.n_epochs, self.steps_per_epoch, self.learning_rate, self.weight_decay, rise_share=0.1, seed=self.seed
        )


def pretrain(
    corpus: Corpus, settings: PretrainingSettings | None = None, progress: loop.ProgressCallback | None = None
) -> SpeechEncoder:
    """Train a speech encoder on a corpus.

    Parameters
    ----------
    corpus : Corpus
    settings : PretrainingSettings, optional
    progress : callable, optional

    Returns
    -------
    SpeechEncoder
    """
    objective = _Pretraining(corpus, PretrainingSettings() if settings is None else settings)
    loop.train(objective, objective.settings.loop(), progress=progress)
    return SpeechEncoder.from_network(objective.network)


class _Pretraining:
    """Curves and sounds of a corpus; see :class:`hygiesync.learning.loop.Objective`."""

    def __init__(self, corpus: Corpus, settings: PretrainingSettings) -> None:
        self.settings = settings
        self.windows = VoiceWindows(corpus, settings.batch_size, settings.window, _heard)
        mean, std = self.windows.statistics(np.random.default_rng(settings.seed))
        with loop.seeded(settings.seed):
            self.network = SpeechToShape(
                NetworkSettings(len(CURVES) + len(SOUNDS), dropout=settings.dropout),
                torch.from_numpy(mean),
                torch.from_numpy(std),
            )

    @property
    def identity(self) -> Any:
        return asdict(self.settings)

    def batches(self, n_steps: int, rng: np.random.Generator) -> Iterator[tuple[NDArray[Any], ...]]:
        return (self.windows.draw(rng) for _ in range(n_steps))

    def loss(self, *batch: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        mel, curves, sounds = batch
        warm_up = self.settings.warm_up
        ((answer, _),), _ = self.network.raw_outputs(mel)
        of_sounds, told_share = loss_of_sounds(answer[:, warm_up:], sounds[:, warm_up:])
        error = (answer[..., : len(CURVES)] - curves)[:, warm_up:]
        loss = _CURVES_WEIGHT * (error**2 * error.new_tensor(CURVE_WEIGHTS)).mean() + of_sounds
        return loss, {LOSS: loss, TOLD_SHARE: told_share}

    def validate(self) -> dict[str, float]:
        return {}


def _heard(mel: FloatArray, std: FloatArray, rng: np.random.Generator) -> NDArray[np.float32]:
    """Out of another throat and through another microphone, in another room."""
    other = other_tract(mel, _TRACT_STD, rng)
    return _AUGMENTATION.apply(other + random_colour(len(mel), _COLOUR, _N_COLOURS, rng), std, rng)
