"""The network: a few causal convolutions and an LSTM from log-mel frames to shape coefficients.

Offline, streaming and training are the *same forward*: it takes a state and gives the next one. A fresh state is all
zeros; running a whole sequence from it equals running the frames one by one::

    mel (B, T, 80) -> normalise -> [conv + GELU] x n -> LSTM -> linear -.-> coefficients ---> close -> coefficients
                                      |  ^               |  ^            '-> lips meet? -------^
                                last k-1 inputs        (h, c)              = NetworkState

The mean-squared error is least for the conditional mean: the mean of all mouths that fit what was heard. Some of those
are open, so the predicted lips never close. Whether they meet is therefore an output of its own, the *closure logit*
(log-odds), learnt by cross entropy; where it says that they do, the opening is taken out of the coefficients.

The *main* head describes the moment `lookahead` mel frames ago. *Early* heads, for those who can't wait, describe later
moments, less exactly: the same layers with other last weights, so they cost next to nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from hygiesync.learning.aperture import Aperture
from hygiesync.learning.mouth_network import Answer, MouthNetwork
from hygiesync.speech.mel import N_MELS


@dataclass(frozen=True)
class NetworkSettings:
    """Sizes of a network; saved with its weights.

    Attributes
    ----------
    early_frames : tuple of int
        There is an early head for each: about a moment so many mel frames after the main head's.
    """

    n_components: int
    conv_width: int = 128
    kernel_size: int = 5
    n_convolutions: int = 3
    lstm_width: int = 192
    n_lstm_layers: int = 1
    dropout: float = 0.2
    early_frames: tuple[int, ...] = ()

    def member(self, number: int) -> NetworkSettings:
        """Sizes of an ensemble's network `number`: all are alike."""
        return self

    def to_dict(self) -> dict[str, Any]:
        """The settings by name, for saving."""
        return asdict(self)

    def build(self, mel_mean: Tensor, mel_std: Tensor, aperture: Aperture | None) -> SpeechToShape:
        """A network of these sizes, with random weights."""
        return SpeechToShape(self, mel_mean, mel_std, aperture)


@dataclass(frozen=True)
class NetworkState:
    """What the network remembers between calls.

    Attributes
    ----------
    convolutions : tuple of Tensor, each of shape (B, channels_in, kernel_size - 1)
    hidden, cell : Tensor, shape (n_lstm_layers, B, lstm_width)
        An ensemble's has its members' layers and convolutions one after another.
    """

    convolutions: tuple[Tensor, ...]
    hidden: Tensor
    cell: Tensor

    def tensors(self) -> tuple[Tensor, ...]:
        """All tensors in the order of the exported step's state inputs."""
        return (*self.convolutions, self.hidden, self.cell)

    @classmethod
    def from_tensors(cls, tensors: tuple[Tensor, ...]) -> NetworkState:
        """Inverse of :meth:`tensors`."""
        *convolutions, hidden, cell = tensors
        return cls(tuple(convolutions), hidden, cell)


class SpeechToShape(MouthNetwork):
    """Causal Conv1D + LSTM; what it may hear of the future is in its targets' shift (the lookahead), not in itself.

    Parameters
    ----------
    settings : NetworkSettings
    mel_mean, mel_std : Tensor, shape (N_MELS,), optional
        Statistics of the training sound; part of the weights, so no file is normalised by itself.
    aperture : Aperture, optional
        How the person's lips part; without it they are never made to meet.
    """

    def __init__(
        self,
        settings: NetworkSettings,
        mel_mean: Tensor | None = None,
        mel_std: Tensor | None = None,
        aperture: Aperture | None = None,
    ) -> None:
        super().__init__(
            settings.n_components, settings.dropout, len(settings.early_frames), mel_mean, mel_std, aperture
        )
        self.settings = settings
        widths = [N_MELS] + [settings.conv_width] * settings.n_convolutions
        self.convolutions = nn.ModuleList(
            nn.Conv1d(n_in, n_out, settings.kernel_size) for n_in, n_out in pairwise(widths)
        )
        self.lstm = nn.LSTM(
            settings.conv_width,
            settings.lstm_width,
            settings.n_lstm_layers,
            batch_first=True,
            dropout=settings.dropout if settings.n_lstm_layers > 1 else 0.0,
        )
        n_answers = 1 + len(settings.early_frames)
        self.head = nn.Linear(settings.lstm_width, n_answers * (settings.n_components + 1))

    def initial_state(self, batch_size: int = 1) -> NetworkState:
        """State before anything was heard: zeros."""
        hold = self.settings.kernel_size - 1
        hidden = self.mel_mean.new_zeros(self.settings.n_lstm_layers, batch_size, self.settings.lstm_width)
        widths = [N_MELS] + [self.settings.conv_width] * (self.settings.n_convolutions - 1)
        convolutions = tuple(self.mel_mean.new_zeros(batch_size, width, hold) for width in widths)
        return NetworkState(convolutions, hidden, torch.zeros_like(hidden))

    def forward(self, mel: Tensor, state: NetworkState | None = None) -> tuple[Tensor, NetworkState]:
        """Coefficients for mel frames, and the state after them.

        Parameters
        ----------
        mel : Tensor, shape (B, T, N_MELS), float32, log10 of power
        state : NetworkState, optional
            From the call before; left out, the sequence starts from nothing heard.

        Returns
        -------
        coefficients : Tensor, shape (B, T, n_components), in standard deviations
        state : NetworkState
        """
        coefficients, _, state = self.predict(mel, state)
        return coefficients, state

    def predict(self, mel: Tensor, state: NetworkState | None = None) -> tuple[Tensor, list[Tensor], NetworkState]:
        """As :meth:`forward`, with the early heads' answers, each (B, T, n_components), as `early_frames` has them."""
        answers, state = self.raw_outputs(mel, state)
        return (*self.apply_closure(answers), state)

    def raw_outputs(self, mel: Tensor, state: NetworkState | None = None) -> tuple[list[Answer], NetworkState]:
        """What training looks at: coefficients before any closing, and log-odds (B, T) that the lips meet.

        The main head's is the first pair; the early heads' follow.
        """
        state = self.initial_state(mel.shape[0]) if state is None else state
        x = ((mel - self.mel_mean) / self.mel_std).transpose(1, 2)
        remembered = []
        for layer, past in zip(self.convolutions, state.convolutions, strict=True):
            x = torch.cat([past, x], dim=2)
            remembered.append(x[:, :, -past.shape[2] :])
            x = functional.gelu(layer(x))
        x, (hidden, cell) = self.lstm(self.drop_channels(x.transpose(1, 2)), (state.hidden, state.cell))
        answers = self.head(self.drop_channels(x)).split(self.settings.n_components + 1, dim=-1)
        pairs = [(answer[..., :-1], answer[..., -1]) for answer in answers]
        return pairs, NetworkState(tuple(remembered), hidden, cell)
