"""The network that hears a whole recording, before and after a moment, from log-mel frames to shape coefficients.

For those who need not answer as they hear. At half the frame rate from its second convolution on: mouths move no faster
than 25 times a second, and the recurrence has half as far to carry::

    mel (B, T, 80) -> normalise -> conv, conv / 2, conv (+ GELU) -.-> context
    sounds (B, T, 384) -> every second -> 16 components ----------'
        -> linear -> (B, T / 2) -> in between, the mean of both neighbours -> (B, T) -.-> coefficients -> close
                                                                                     '-> lips meet? ------^

The context is one of two. An LSTM forwards and backwards hears everything, and learns words that it has heard. Dilated
convolutions hear a quarter of a second both ways, and learn sounds: they are better at words never heard, worse at
known ones and at little video. An ensemble of both is as good at each as the better one (docs/speech_to_shape.md).

References
----------
Graves & Schmidhuber, *Framewise phoneme classification with bidirectional LSTM networks*, 2005.
Bai, Kolter & Koltun, *An Empirical Evaluation of Generic Convolutional and Recurrent Networks for Sequence Modeling*,
2018 (dilated convolutions with residual connections).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from hygiesync.learning.aperture import Aperture
from hygiesync.learning.mouth_network import Answer, MouthNetwork
from hygiesync.speech.mel import N_MELS

_STRIDE, _STRIDED = 2, 1
"""Frames that the second convolution steps."""

RECURRENT, CONVOLUTIONAL = "recurrent", "convolutional"
"""Kinds of context."""

_DILATIONS = (1, 2, 4)
"""Of the convolutional context, whose kernels have three taps, in steps of two mel frames: 140 ms both ways, and with
the convolutions before it 220 ms. With a block of 8 beside them new words are heard a little worse."""


@dataclass(frozen=True)
class WholeNetworkSettings:
    """Sizes of a network; saved with its weights.

    Attributes
    ----------
    lstm_width : int
        Of each direction.
    dropout : float
        Of whole channels, before the context and after it.
    context, second_context : str
        `RECURRENT` or `CONVOLUTIONAL`; the second network of an ensemble has the second.
    n_sounds : int
        Columns that are heard behind the mel frames: the generic model's sounds; 0 where they are not heard.
    n_parts : int
        Principal components that are kept of them. With 48, words that were never said in training are followed alike,
        a woman's single words worse, and the man at the podium a little better (docs/speech_to_shape.md).
    """

    n_components: int
    conv_width: int = 128
    kernel_size: int = 5
    n_convolutions: int = 3
    lstm_width: int = 128
    dropout: float = 0.3
    context: str = RECURRENT
    second_context: str = RECURRENT
    n_sounds: int = 0
    n_parts: int = 16

    @property
    def width(self) -> int:
        """Channels that the context hears."""
        return self.conv_width + (self.n_parts if self.n_sounds else 0)

    def member(self, number: int) -> WholeNetworkSettings:
        """Sizes of an ensemble's network `number`, from 0."""
        return replace(self, context=self.second_context) if number % 2 else self

    @property
    def early_frames(self) -> tuple[int, ...]:
        """None: whoever hears everything has no reason to answer early."""
        return ()

    def to_dict(self) -> dict[str, Any]:
        """The settings by name, for saving."""
        return asdict(self)

    def build(self, mel_mean: Tensor, mel_std: Tensor, aperture: Aperture | None) -> WholeSpeechToShape:
        """A network of these sizes, with random weights."""
        return WholeSpeechToShape(self, mel_mean, mel_std, aperture)


class _Recurrence(nn.Module):
    """All that came before and comes after; (B, T, settings.width) to (B, T, `width`)."""

    def __init__(self, settings: WholeNetworkSettings) -> None:
        super().__init__()
        self.width = 2 * settings.lstm_width
        self.lstm = nn.LSTM(settings.width, settings.lstm_width, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.lstm(x)[0]
        return answer


class _Neighbourhood(nn.Module):
    """What is near; (B, T, settings.width) to (B, T, `width`)."""

    def __init__(self, settings: WholeNetworkSettings) -> None:
        super().__init__()
        self.width = width = settings.width
        self.near = nn.ModuleList(nn.Conv1d(width, width, 3, padding=n, dilation=n) for n in _DILATIONS)
        self.mixed = nn.ModuleList(nn.Conv1d(width, width, 1) for _ in _DILATIONS)

    def forward(self, x: Tensor) -> Tensor:
        x = x.transpose(1, 2)
        for near, mixed in zip(self.near, self.mixed, strict=True):
            x = x + mixed(functional.gelu(near(x)))
        return x.transpose(1, 2)


_CONTEXTS: dict[str, type[_Recurrence] | type[_Neighbourhood]] = {
    RECURRENT: _Recurrence,
    CONVOLUTIONAL: _Neighbourhood,
}


class WholeSpeechToShape(MouthNetwork):
    """Conv1D + bidirectional LSTM, or Conv1D + dilated Conv1D.

    What it hears are mel frames and, behind them, the generic model's sounds where `settings.n_sounds` says so.

    Parameters
    ----------
    settings : WholeNetworkSettings
    mel_mean, mel_std : Tensor, shape (N_MELS,), optional
    aperture : Aperture, optional
    """

    sounds_mean: Tensor
    sounds_parts: Tensor

    closing_odds = -1.0
    """Chosen over two people who speak freely: the opening's correlation is 0.766 with it and 0.759 with -1.5. From
    -0.5 on more of b, p and m are missed (docs/speech_to_shape.md)."""

    def __init__(
        self,
        settings: WholeNetworkSettings,
        mel_mean: Tensor | None = None,
        mel_std: Tensor | None = None,
        aperture: Aperture | None = None,
    ) -> None:
        super().__init__(settings.n_components, settings.dropout, 0, mel_mean, mel_std, aperture)
        self.settings = settings
        widths = [N_MELS] + [settings.conv_width] * settings.n_convolutions
        self.convolutions = nn.ModuleList(
            nn.Conv1d(
                n_in,
                n_out,
                settings.kernel_size,
                stride=_STRIDE if number == _STRIDED else 1,
                padding=settings.kernel_size // 2,
            )
            for number, (n_in, n_out) in enumerate(pairwise(widths))
        )
        if settings.n_sounds:
            self.register_buffer("sounds_mean", torch.zeros(settings.n_sounds))
            self.register_buffer("sounds_parts", torch.zeros(settings.n_sounds, settings.n_parts))
        self.context = _CONTEXTS[settings.context](settings)
        self.head = nn.Linear(self.context.width, settings.n_components + 1)

    def learn_parts(self, sounds: Tensor) -> None:
        """Keep of the sounds what differs most in those (n, n_sounds) of the person, each component of variance 1."""
        mean = sounds.mean(0)
        covariance = torch.cov((sounds - mean).double().T)
        variances, directions = torch.linalg.eigh(covariance)
        kept = slice(-self.settings.n_parts, None)
        scale = variances[kept].clamp_min(1e-9).sqrt()
        self.sounds_mean.copy_(mean)
        self.sounds_parts.copy_((directions[:, kept] / scale).float())

    def forward(self, heard: Tensor) -> Tensor:
        """Coefficients (B, T, n_components), in standard deviations, of what is heard (B, T, n_heard), any T."""
        coefficients, _, _ = self.predict(heard)
        return coefficients

    def predict(self, heard: Tensor) -> tuple[Tensor, list[Tensor], None]:
        """As :meth:`forward`; there are no early heads and no state."""
        answers, state = self.raw_outputs(heard)
        return (*self.apply_closure(answers), state)

    def raw_outputs(self, heard: Tensor) -> tuple[list[Answer], None]:
        """What training looks at: coefficients before any closing, and log-odds (B, T) that the lips meet."""
        x = ((heard[..., :N_MELS] - self.mel_mean) / self.mel_std).transpose(1, 2)
        for layer in self.convolutions:
            x = functional.gelu(layer(x))
        x = x.transpose(1, 2)
        if self.settings.n_sounds:
            parts = (heard[:, ::_STRIDE, N_MELS:] - self.sounds_mean) @ self.sounds_parts
            x = torch.cat([x, self.drop_channels(parts)], dim=2)
        x = self.context(self.drop_channels(x))
        answer = at_every_frame(self.head(self.drop_channels(x)), heard.shape[1])
        return [(answer[..., :-1], answer[..., -1])], None


def at_every_frame(answer: Tensor, n_frames: int) -> Tensor:
    """Answers (B, n_frames, n) from those at every second frame (B, ceil(n_frames / 2), n)."""
    following = torch.cat([answer[:, 1:], answer[:, -1:]], dim=1)
    both = torch.stack([answer, (answer + following) / 2], dim=2)
    return both.flatten(1, 2)[:, :n_frames]
