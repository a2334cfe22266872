"""Training of the generic model for whole recordings: mouth curves for any voice, by what Whisper hears.

A few small layers learn to read curves out of the states of Whisper's first layers, which stay as they are. What is
taught is the same synthetic speech as the generic streaming model's, and the same losses; nobody's real lips are in it.
The states of a fixed number of windows are found once, each window as the stream will hear it (long, and without what
is around it: the layers' states depend on where in a window a sound is).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from hygiesync.learning import loop
from hygiesync.learning.augment import Augmentation
from hygiesync.learning.mouth_network import Answer, MouthNetwork
from hygiesync.learning.settings import LoopSettings
from hygiesync.learning.synthetic_corpus import SOUNDS, Corpus
from hygiesync.learning.synthetic_voices import LOSS, TOLD_SHARE, VoiceWindows
from hygiesync.learning.train_generic import GenericSettings, lone_opening, loss_of_curves
from hygiesync.learning.whisper_layers import WIDTH, WhisperLayers
from hygiesync.learning.whole_network import at_every_frame
from hygiesync.speech_to_shape.hearing import STRIDE
from hygiesync.speech_to_shape.whole import WINDOW_FRAMES
from hygiesync.tts.visemes import CURVES

N_LAYERS = 3
"""Of Whisper's four. Opening's correlation over five people, each at the best shift within 100 ms: 0.481 with two
layers, 0.504 with three, 0.517 with all, each of which has 1.8 million weights (docs/speech_to_shape.md)."""


@dataclass(frozen=True)
class GenericWholeSettings:
    """How the generic model for whole recordings is trained.

    Attributes
    ----------
    n_windows : int
        Windows of `WINDOW_FRAMES` mel frames that are heard once, each in another voice, room and noise.
    n_epochs, steps_per_epoch, batch_size, n_states : int
        Batches of stretches of `n_states` states.
    width : int
        Channels of the layers that are learnt.
    eagerness : float
        As that of :class:`GenericSettings`.
    voices : GenericSettings
        How the windows are made to sound otherwise: less than for a network that learns to hear by it. With all that
        :class:`GenericSettings` does, five people's openings are followed at 0.352 in place of 0.383.
    """

    n_windows: int = 720
    n_epochs: int = 18
    steps_per_epoch: int = 50
    batch_size: int = 16
    n_states: int = 300
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    dropout: float = 0.2
    width: int = 128
    eagerness: float = 1.1
    seed: int = 0
    voices: GenericSettings = field(
        default_factory=lambda: GenericSettings(
            tract_std=0.04,
            colour=0.1,
            room_share=0.1,
            augmentation=Augmentation(grain=0.0, gain=0.3, narrow_share=0.1, noise_share=0.5, noise_below=(1.8, 6.0)),
        )
    )

    def loop(self) -> LoopSettings:
        """What the training loop needs to know of them."""
        return LoopSettings(
            self.n_epochs, self.steps_per_epoch, self.learning_rate, self.weight_decay, rise_share=0.3, seed=self.seed
        )


class CurvesOfStates(MouthNetwork):
    """Mouth curves out of the states of :class:`WhisperLayers`: (B, T, WIDTH) to (B, STRIDE * T, n_components).

    Parameters
    ----------
    n_components : int
        The curves, and while it is trained a score for each sound behind them.
    width : int
    dropout : float
    mean, std : Tensor, shape (WIDTH,), optional
        Statistics of the states.
    """

    state_mean: Tensor
    state_std: Tensor

    def __init__(
        self, n_components: int, width: int, dropout: float, mean: Tensor | None = None, std: Tensor | None = None
    ) -> None:
        super().__init__(n_components, dropout, aperture=lone_opening(n_components))
        self.register_buffer("state_mean", torch.zeros(WIDTH) if mean is None else mean)
        self.register_buffer("state_std", torch.ones(WIDTH) if std is None else std)
        self.narrower = nn.Linear(WIDTH, width)
        self.convolutions = nn.ModuleList(nn.Conv1d(width, width, 5, padding=2) for _ in range(2))
        self.head = nn.Linear(width, n_components + 1)

    def normalised(self, states: Tensor) -> Tensor:
        """States with mean 0 and variance 1."""
        return (states - self.state_mean) / self.state_std

    def raw_outputs(self, normalised: Tensor) -> list[Answer]:
        """Curves before any closing (and scores of the sounds), and log-odds that the lips meet."""
        x = functional.dropout(normalised, self._dropout, self.training)
        x = self.narrower(x).transpose(1, 2)
        for convolution in self.convolutions:
            x = functional.dropout(functional.gelu(convolution(x)), self._dropout, self.training)
        answer = at_every_frame(self.head(x.transpose(1, 2)), STRIDE * normalised.shape[1])
        return [(answer[..., :-1], answer[..., -1])]


class GenericWhole(nn.Module):
    """Mouth curves (B, T, 3), lips closed where they meet, of mel frames (B, T, N_MELS), T even; and what is heard.

    The second answer, (B, T / 2, WIDTH), are the states themselves: the *sounds* that a person's own network hears
    beside the mel frames.
    """

    def __init__(self, listener: WhisperLayers, curves: CurvesOfStates) -> None:
        super().__init__()
        self.listener, self.curves = listener, curves

    def forward(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        """Curves and sounds of a window; see the class."""
        sounds = self.curves.normalised(self.listener(mel))
        curves, _ = self.curves.apply_closure(self.curves.raw_outputs(sounds))
        return curves, sounds


def train_generic_whole(
    corpus: Corpus,
    listener: WhisperLayers,
    settings: GenericWholeSettings | None = None,
    listened: Callable[[int], None] | None = None,
    progress: loop.ProgressCallback | None = None,
) -> GenericWhole:
    """Train the layers behind Whisper's on the mouth curves of a corpus.

    Parameters
    ----------
    corpus : Corpus
        Made with a lookahead of :data:`hygiesync.speech_to_shape.whole.ANSWER_FRAMES`.
    listener : WhisperLayers
    settings : GenericWholeSettings, optional
    listened : callable, optional
        Called with 1 after each window that was heard.
    progress : callable, optional

    Returns
    -------
    GenericWhole
        In evaluation mode.
    """
    settings = GenericWholeSettings() if settings is None else settings
    objective = _CurvesOfWindows(corpus, listener, settings, listened)
    loop.train(objective, settings.loop(), progress=progress)
    return GenericWhole(listener, _without_sounds(objective.network, settings)).eval()


class _CurvesOfWindows:
    """Curves, closures and sounds of windows that were heard; see :class:`hygiesync.learning.loop.Objective`."""

    def __init__(
        self,
        corpus: Corpus,
        listener: WhisperLayers,
        settings: GenericWholeSettings,
        listened: Callable[[int], None] | None,
    ) -> None:
        self.settings = settings
        windows = VoiceWindows(corpus, 1, WINDOW_FRAMES, settings.voices.heard)
        rng = np.random.default_rng(settings.seed)
        heard = []
        for _ in range(settings.n_windows):
            mel, curves, sounds = windows.draw(rng)
            with torch.no_grad():
                heard.append((listener(torch.from_numpy(mel))[0].half().numpy(), curves[0], sounds[0]))
            if listened is not None:
                listened(1)
        self._states, self._curves, self._sounds = (np.stack(part) for part in zip(*heard, strict=True))
        mean, std = _statistics(self._states)
        with loop.seeded(settings.seed):
            self.network = CurvesOfStates(len(CURVES) + len(SOUNDS), settings.width, settings.dropout, mean, std)

    @property
    def identity(self) -> Any:
        return asdict(self.settings)

    def batches(self, n_steps: int, rng: np.random.Generator) -> Iterator[tuple[NDArray[Any], ...]]:
        n_batch, n_states = self.settings.batch_size, self.settings.n_states
        for _ in range(n_steps):
            which = rng.integers(0, len(self._states), n_batch)
            starts = rng.integers(0, self._states.shape[1] - n_states + 1, n_batch)
            states = starts[:, None] + np.arange(n_states)
            frames = STRIDE * starts[:, None] + np.arange(STRIDE * n_states)
            of_each = which[:, None]
            yield (
                self._states[of_each, states].astype(np.float32),
                self._curves[of_each, frames],
                self._sounds[of_each, frames],
            )

    def loss(self, *batch: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        states, curves, sounds = batch
        ((answer, closure_logit),) = self.network.raw_outputs(self.network.normalised(states))
        loss, told_share = loss_of_curves(answer, closure_logit, curves, sounds)
        return loss, {LOSS: loss, TOLD_SHARE: told_share}

    def validate(self) -> dict[str, float]:
        return {}


def _statistics(states: NDArray[np.float16]) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (WIDTH,) of states (n, T, WIDTH)."""
    some = states[:: max(1, len(states) // 64)].reshape(-1, WIDTH).astype(np.float32)
    return torch.from_numpy(some.mean(0)), torch.from_numpy(some.std(0) + 1e-3)


def _without_sounds(network: CurvesOfStates, settings: GenericWholeSettings) -> CurvesOfStates:
    """The same layers, which say the curves and, `eagerness` sooner, that the lips meet, and no more."""
    kept = dict(network.state_dict())
    rows = torch.tensor([*range(len(CURVES)), -1])
    for name in ("head.weight", "head.bias"):
        kept[name] = kept[name][rows]
    kept["head.bias"][-1] += settings.eagerness
    for name in ("opening_gradient", "opening_path"):
        kept[name] = kept[name][: len(CURVES)]
    curves_only = CurvesOfStates(len(CURVES), settings.width, settings.dropout)
    curves_only.load_state_dict(kept)
    return curves_only.eval()
