"""Teaching the generic speech model: mouth curves for any voice, learnt as a person's are, from voices that are made.

The network is the one that every avatar has, its coefficients the mouth curves; the opening is one of them, so that its
closing head has the plainest aperture there is. It begins with the ear, as theirs do, and goes on for longer: what is a
worse beginning for one person is a better model of all. As it learns it must also name the sounds, which keeps it from
guessing the mouth from loudness alone; that part of the head is thrown away afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from hygiesync.learning.aperture import Aperture
from hygiesync.learning.augment import Augmentation, in_rooms, other_tract, random_colour
from hygiesync.learning.network import NetworkSettings, SpeechToShape
from hygiesync.learning.speech_encoder import SpeechEncoder
from hygiesync.learning.synthetic_corpus import SOUNDS, Corpus
from hygiesync.tts.visemes import CURVES

OPENING = CURVES.index("opening")

MEETING = 0.02
"""Openings (of 0 to 1) under this are lips that meet."""

_CURVE_WEIGHTS = (4.0, 1.0, 1.0)
_CURVES_SHARE, _CHANGES_SHARE, _OPENING_SHARE, _MEETING_SHARE, _EARLY_SHARE = 10.0, 20.0, 1.0, 0.3, 0.3
"""Weights of the curves' squared error, that of their changes, the opening's absolute error and the cross entropy of
lips that meet, against the cross entropy of the sounds; and of each early answer against the answer proper."""

_CHANGE_SPANS = (1, 4)
"""Mel frames over which changes are compared: lips that quiver are far off over one frame, and over no longer span."""


@dataclass(frozen=True)
class GenericSettings:
    """How the generic model is taught.

    Attributes
    ----------
    n_steps, batch_size, window, warm_up : int
        Batches of windows of mel frames; the first `warm_up` frames of each count for nothing.
    tract_spread : float
        Standard deviation of the logarithm of the vocal tract's length.
    colour, n_colours
        Strength and number of the ripples that a microphone adds, log10 of power.
    room_share : float
        Share of windows that are heard in a room with reverberation.
    augmentation : Augmentation
    eagerness : float
        Log-odds added in the end to those that the lips meet. Of a voice that was never seen to speak closures are less
        certain than of a person's own, and to miss one is seen sooner than one too many.
    """

    n_steps: int = 1600
    batch_size: int = 32
    window: int = 200
    warm_up: int = 20
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    dropout: float = 0.1
    tract_spread: float = 0.1
    colour: float = 0.25
    n_colours: int = 5
    room_share: float = 0.4
    augmentation: Augmentation = field(
        default_factory=lambda: Augmentation(
            grain=0.2, gain=0.5, narrow_share=0.15, noise_share=1.0, noise_below=(1.8, 6.0)
        )
    )
    eagerness: float = 1.1
    seed: int = 0

    def heard(self, mel: np.ndarray, std: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Windows out of other throats, in other rooms and through other microphones."""
        heard = in_rooms(other_tract(mel, self.tract_spread, rng), self.room_share, rng)
        heard = heard + random_colour(len(mel), self.colour, self.n_colours, rng)
        return self.augmentation.apply(heard, std, rng)


Progress = Callable[[int, int, str], None]
"""Called every `REPORT_EVERY` steps with (steps done, in all, note)."""

REPORT_EVERY = 50


def teach_generic(
    corpus: Corpus,
    early_frames: tuple[int, ...],
    lesson: GenericSettings | None = None,
    ear: SpeechEncoder | None = None,
    progress: Progress | None = None,
) -> SpeechToShape:
    """Teach a network the mouth curves of a corpus.

    Parameters
    ----------
    corpus : Corpus
    early_frames : tuple of int
        See :class:`NetworkSettings`.
    lesson : GenericSettings, optional
    ear : SpeechEncoder, optional
        Layers that know speech already, to begin with; left out, they begin at random.
    progress : callable, optional

    Returns
    -------
    SpeechToShape
        Its coefficients are the mouth curves; in evaluation mode.
    """
    lesson = GenericSettings() if lesson is None else lesson
    torch.manual_seed(lesson.seed)
    rng = np.random.default_rng(lesson.seed)
    std = corpus.mel.std(0) + 1e-3

    def draw() -> tuple[Tensor, Tensor, Tensor]:
        starts = rng.integers(0, len(corpus.mel) - lesson.window, lesson.batch_size)
        frames = starts[:, None] + np.arange(lesson.window)
        heard = lesson.heard(corpus.mel[frames], std, rng).astype(np.float32)
        return torch.from_numpy(heard), torch.from_numpy(corpus.curves[frames]), torch.from_numpy(corpus.sounds[frames])

    heard = torch.cat([draw()[0] for _ in range(8)])
    network = _network(
        NetworkSettings(len(CURVES) + len(SOUNDS), dropout=lesson.dropout, early_frames=early_frames),
        heard.mean((0, 1)),
        heard.std((0, 1), unbiased=False),
    )
    if ear is not None:
        ear.give_to(network)
    optimiser = torch.optim.AdamW(
        network.parameters(), lesson.learning_rate, betas=(0.9, 0.98), weight_decay=lesson.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, lesson.learning_rate, total_steps=lesson.n_steps, pct_start=0.1, cycle_momentum=False
    )
    network.train()
    for step in range(1, lesson.n_steps + 1):
        mel, curves, sounds = draw()
        answers, _ = network.raw_outputs(mel)
        loss, share = _loss(*answers[0], curves, sounds, lesson.warm_up)
        for n_frames, (answer, closure_logit) in zip(early_frames, answers[1:], strict=True):
            known = slice(None, lesson.window - n_frames)
            early, _ = _loss(
                answer[:, known], closure_logit[:, known], curves[:, n_frames:], sounds[:, n_frames:], lesson.warm_up
            )
            loss = loss + _EARLY_SHARE * early
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if progress is not None and step % REPORT_EVERY == 0:
            progress(step, lesson.n_steps, f"loss {float(loss.detach()):.2f}, {share:.0%} of the sounds")
    return _without_sounds(network, lesson.eagerness)


def _network(settings: NetworkSettings, mean: Tensor | None = None, std: Tensor | None = None) -> SpeechToShape:
    """A network whose opening is the curve of that name, and moves alone."""
    alone = np.zeros(settings.n_components)
    alone[OPENING] = 1.0
    return SpeechToShape(settings, mean, std, Aperture(alone, 0.0, alone))


def _loss(answer: Tensor, closure_logit: Tensor, curves: Tensor, sounds: Tensor, warm_up: int) -> tuple[Tensor, float]:
    """The loss of one answer, and the share of sounds that were told right."""
    answer, closure_logit, curves, sounds = (tensor[:, warm_up:] for tensor in (answer, closure_logit, curves, sounds))
    error = answer[..., : len(CURVES)] - curves
    scores = answer[..., len(CURVES) :]
    lips_meet = (curves[..., OPENING] < MEETING).float()
    weights = error.new_tensor(_CURVE_WEIGHTS)
    changes = torch.stack([((error[:, n:] - error[:, :-n]) ** 2 * weights).mean() for n in _CHANGE_SPANS]).sum()
    loss = (
        _CURVES_SHARE * (error**2 * weights).mean()
        + _CHANGES_SHARE * changes
        + _OPENING_SHARE * error[..., OPENING].abs().mean()
        + _MEETING_SHARE * functional.binary_cross_entropy_with_logits(closure_logit, lips_meet)
        + functional.cross_entropy(scores.flatten(0, 1), sounds.flatten())
    )
    return loss, float((scores.detach().argmax(-1) == sounds).float().mean())


def _without_sounds(network: SpeechToShape, eagerness: float) -> SpeechToShape:
    """The same network, whose head says the curves and, `eagerness` sooner, that the lips meet, and no more."""
    settings = network.settings
    n_answers, size = 1 + len(settings.early_frames), settings.n_components + 1
    rows = torch.tensor([start * size + row for start in range(n_answers) for row in (*range(len(CURVES)), size - 1)])
    kept = dict(network.state_dict())
    for name in ("head.weight", "head.bias"):
        kept[name] = kept[name][rows]
    kept["head.bias"][len(CURVES) :: len(CURVES) + 1] += eagerness
    for name in ("opening_gradient", "opening_path"):
        kept[name] = kept[name][: len(CURVES)]
    spoken = _network(NetworkSettings(len(CURVES), dropout=settings.dropout, early_frames=settings.early_frames))
    spoken.load_state_dict(kept)
    return spoken.eval()
