"""Teaching the generic ear: which sound is spoken, and what a mouth would do, for any voice.

The network is the one that every avatar has, with another head: three mouth curves and the phonemes. Heavy variation of
what is heard (length of the vocal tract, loudness, colour, noise) stands for the voices and rooms that espeak lacks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from hygiesync.learning.augment import Augmentation, other_tract, random_colour
from hygiesync.learning.network import NetworkSettings, SpeechToShape
from hygiesync.learning.speech_encoder import SpeechEncoder
from hygiesync.learning.synthetic_corpus import SOUNDS, Corpus
from hygiesync.tts.visemes import CURVES

_TRACT_SPREAD = 0.08
"""Standard deviation of the logarithm of the vocal tract's length."""

_COLOUR, _N_COLOURS = 0.25, 5
_CURVE_WEIGHTS = (4.0, 1.0, 1.0)
_CURVES_SHARE = 10.0
"""Weight of the curves' squared error against the phonemes' cross entropy: about as much in the end."""

_AUGMENTATION = Augmentation(grain=0.2, gain=0.5, narrow_share=0.0, noise_share=1.0, noise_below=(1.5, 6.0))


@dataclass(frozen=True)
class PretrainingSettings:
    """How the ear is taught.

    Not for long: after 600 or 1200 steps it tells half of the sounds or more, and people's networks learn alike from
    there. After 3000 it tells seven in ten of espeak's, and they learn worse.
    """

    n_steps: int = 600
    batch_size: int = 32
    window: int = 200
    warm_up: int = 20
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    dropout: float = 0.1
    seed: int = 0


Progress = Callable[[int, int, str], None]
"""Called every `REPORT_EVERY` steps with (steps done, in all, note)."""

REPORT_EVERY = 50


def pretrain(
    corpus: Corpus, lesson: PretrainingSettings | None = None, progress: Progress | None = None
) -> SpeechEncoder:
    """Teach an ear on a corpus.

    Parameters
    ----------
    corpus : Corpus
    lesson : PretrainingSettings, optional
    progress : callable, optional

    Returns
    -------
    SpeechEncoder
    """
    lesson = PretrainingSettings() if lesson is None else lesson
    torch.manual_seed(lesson.seed)
    rng = np.random.default_rng(lesson.seed)
    std = corpus.mel.std(0) + 1e-3
    heard = np.concatenate([_heard(_windows(corpus, lesson, rng)[0], std, rng) for _ in range(8)])
    network = SpeechToShape(
        NetworkSettings(len(CURVES) + len(SOUNDS), dropout=lesson.dropout),
        torch.from_numpy(heard.mean((0, 1))),
        torch.from_numpy(heard.std((0, 1))),
    )
    optimiser = torch.optim.AdamW(
        network.parameters(), lesson.learning_rate, betas=(0.9, 0.98), weight_decay=lesson.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, lesson.learning_rate, total_steps=lesson.n_steps, pct_start=0.1, cycle_momentum=False
    )
    network.train()
    for step in range(1, lesson.n_steps + 1):
        mel, curves, sounds = _windows(corpus, lesson, rng)
        ((answer, _),), _ = network.raw_outputs(torch.from_numpy(_heard(mel, std, rng)))
        answer = answer[:, lesson.warm_up :]
        loss, share = _loss(answer, curves[:, lesson.warm_up :], sounds[:, lesson.warm_up :])
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if progress is not None and step % REPORT_EVERY == 0:
            progress(step, lesson.n_steps, f"loss {float(loss.detach()):.2f}, {share:.0%} of the sounds")
    return SpeechEncoder.from_network(network)


def _loss(answer: Tensor, curves: np.ndarray, sounds: np.ndarray) -> tuple[Tensor, float]:
    """The loss, and the share of sounds that were told right."""
    wanted = torch.from_numpy(sounds)
    error = (answer[..., : len(CURVES)] - torch.from_numpy(curves)) ** 2 * answer.new_tensor(_CURVE_WEIGHTS)
    scores = answer[..., len(CURVES) :]
    loss = _CURVES_SHARE * error.mean() + functional.cross_entropy(scores.flatten(0, 1), wanted.flatten())
    return loss, float((scores.detach().argmax(-1) == wanted).float().mean())


def _windows(
    corpus: Corpus, lesson: PretrainingSettings, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    starts = rng.integers(0, len(corpus.mel) - lesson.window, lesson.batch_size)
    frames = starts[:, None] + np.arange(lesson.window)
    return corpus.mel[frames], corpus.curves[frames], corpus.sounds[frames]


def _heard(mel: np.ndarray, std: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Out of another throat and through another microphone, in another room."""
    other = other_tract(mel, _TRACT_SPREAD, rng)
    return _AUGMENTATION.apply(other + random_colour(len(mel), _COLOUR, _N_COLOURS, rng), std, rng)
