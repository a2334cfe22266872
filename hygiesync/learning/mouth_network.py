"""What every network of mouths has, however it hears: normalisation, and lips that are made to meet.

A mean of what may come next is a mouth half open: the mean-squared error predicts the conditional mean, so lips never
close. Whether they *do* meet is therefore a question of its own, answered by one more output (the closure logit), and
where the answer is yes the opening is taken away.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from hygiesync.learning.aperture import Aperture
from hygiesync.speech.mel import N_MELS

CLOSING_ODDS = -1.5
"""Log-odds of lips that meet from which on they are made to: under even, since a closure missed is seen at once, and
one too many hardly. See docs/speech_to_shape.md."""

CLOSING_WIDTH = 0.4
"""Log-odds over which the closing sets in."""

Answer = tuple[Tensor, Tensor]
"""Coefficients (B, T, n_components) before any closing, and log-odds (B, T) that the lips meet."""


class MouthNetwork(nn.Module):
    """Buffers and closing that streaming networks and those of whole recordings share.

    Parameters
    ----------
    n_components : int
    dropout : float
        Of whole channels.
    n_early : int
        Early heads beside the main one.
    mel_mean, mel_std : Tensor, shape (N_MELS,), optional
        Statistics of the training sound; part of the weights, so no file is normalised by itself.
    aperture : Aperture, optional
        How the person's lips part; without it they are never made to meet.
    """

    mel_mean: Tensor
    mel_std: Tensor
    opening_gradient: Tensor
    opening_at_mean: Tensor
    opening_path: Tensor
    opening_gain: Tensor
    early_opening_gain: Tensor

    closing_odds = CLOSING_ODDS
    """Log-odds from which on a network of this kind closes lips; whoever hears more is surer of it."""

    def __init__(
        self,
        n_components: int,
        dropout: float,
        n_early: int = 0,
        mel_mean: Tensor | None = None,
        mel_std: Tensor | None = None,
        aperture: Aperture | None = None,
    ) -> None:
        super().__init__()
        self._dropout = dropout
        self.register_buffer("mel_mean", torch.zeros(N_MELS) if mel_mean is None else mel_mean.float())
        self.register_buffer("mel_std", torch.ones(N_MELS) if mel_std is None else mel_std.float())
        aperture = Aperture.none(n_components) if aperture is None else aperture
        self.register_buffer("opening_gradient", torch.from_numpy(aperture.gradient).float())
        self.register_buffer("opening_at_mean", torch.tensor(aperture.at_mean).float())
        self.register_buffer("opening_path", torch.from_numpy(aperture.path).float())
        self.register_buffer("opening_gain", torch.ones(()))
        self.register_buffer("early_opening_gain", torch.ones(n_early))

    def opening(self, coefficients: Tensor) -> Tensor:
        """Opening (B, T) of mouths (B, T, n_components), canonical units; see :class:`Aperture`."""
        return coefficients @ self.opening_gradient + self.opening_at_mean

    def apply_closure(self, answers: list[Answer]) -> tuple[Tensor, list[Tensor]]:
        """Coefficients of what was heard, lips closed where they meet: the main head's, and the early heads'."""
        main, *early = answers
        return (
            self._apply_closure(*main, self.opening_gain),
            [self._apply_closure(*one, self.early_opening_gain[index]) for index, one in enumerate(early)],
        )

    def _apply_closure(self, coefficients: Tensor, closure_logit: Tensor, opening_gain: Tensor) -> Tensor:
        """Take the opening away where the lips meet, and multiply it by its gain elsewhere."""
        kept = opening_gain * torch.sigmoid((self.closing_odds - closure_logit) / CLOSING_WIDTH)
        return coefficients + ((kept - 1) * self.opening(coefficients))[..., None] * self.opening_path

    def drop_channels(self, x: Tensor) -> Tensor:
        """Dropout of whole channels of (B, T, channels): one draw for all times, which recurrence does not average out.

        References
        ----------
        Gal & Ghahramani, *A Theoretically Grounded Application of Dropout in Recurrent Neural Networks*, 2016.
        """
        if not self.training:
            return x
        return x * functional.dropout(x.new_ones(x.shape[0], 1, x.shape[2]), self._dropout)
