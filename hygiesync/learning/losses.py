"""How far a network's mouths are off: their shape and its changes, their opening, and whether the lips meet."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from hygiesync.learning.aperture import CLOSED
from hygiesync.learning.mouth_network import MouthNetwork
from hygiesync.learning.settings import TrainingSettings


@dataclass(frozen=True)
class MouthLoss:
    """The losses of one head's answers; shapes (B, T, n_components) throughout.

    Attributes
    ----------
    metric : Tensor, shape (n_components, n_directions), float32
        What makes differences of coefficients into distances.
    settings : TrainingSettings
    """

    metric: Tensor
    settings: TrainingSettings

    def of_shape(self, predicted: Tensor, wanted: Tensor, is_known: Tensor) -> Tensor:
        """Squared distance between mouths plus that of their velocities, over the frames with an answer."""
        warm_up, span = self._warm_up(predicted), self.settings.velocity_span
        known = is_known[:, warm_up:].float()
        error = (predicted - wanted)[:, warm_up:] @ self.metric.to(predicted.device)
        position = _weighted_mean((error**2).sum(-1), known)
        change = error[:, span:] - error[:, :-span]
        velocity = _weighted_mean((change**2).sum(-1), known[:, span:] * known[:, :-span])
        return position + self.settings.velocity_weight * velocity

    def of_opening(
        self, network: MouthNetwork, predicted: Tensor, closure_logit: Tensor, wanted: Tensor, is_known: Tensor
    ) -> Tensor:
        """How far off the opening is, in its standard deviations, and how surprising that lips meet or don't."""
        warm_up, opening_std = self._warm_up(predicted), network.opening_gradient.norm()
        if opening_std == 0:
            return predicted.new_zeros(())
        known = is_known[:, warm_up:].float()
        opening, wanted_opening = (network.opening(c[:, warm_up:]) for c in (predicted, wanted))
        distance = _weighted_mean((opening - wanted_opening).abs() / opening_std, known)
        surprise = functional.binary_cross_entropy_with_logits(
            closure_logit[:, warm_up:], (wanted_opening < CLOSED).float(), reduction="none"
        )
        return self.settings.opening_weight * distance + self.settings.closure_weight * _weighted_mean(surprise, known)

    def _warm_up(self, predicted: Tensor) -> int:
        return min(self.settings.warm_up, predicted.shape[1] // 2)


def frames_later(tensor: Tensor, n_frames: int) -> Tensor:
    """What lies `n_frames` later in (B, T, ...); zeros, which is unknown, beyond the end."""
    later = torch.zeros_like(tensor)
    later[:, : tensor.shape[1] - n_frames] = tensor[:, n_frames:]
    return later


def _weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum() / weights.sum().clamp(min=1.0)
