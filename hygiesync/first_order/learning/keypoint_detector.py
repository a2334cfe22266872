"""The network that finds a picture's key points, and how the picture is deformed around each of them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hygiesync.first_order.learning.blocks import Hourglass, scaled_down
from hygiesync.first_order.learning.motion import Points, coordinate_grid
from hygiesync.first_order.settings import ModelSettings


class KeypointDetector(nn.Module):
    """Each point is the middle of a heat map of its own, each Jacobian the mean of a map under it.

    The heads have no padding: the heat map is six pixels smaller than the features, and -1 to 1 are its corners.
    """

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        own = settings.keypoints
        self.settings = settings
        self.predictor = Hourglass(own, settings.n_channels)
        self.kp = nn.Conv2d(self.predictor.n_out, settings.n_points, 7)
        self.n_jacobians = (1 if own.has_single_jacobian else settings.n_points) if own.has_jacobians else 0
        if self.n_jacobians:
            self.jacobian = nn.Conv2d(self.predictor.n_out, 4 * self.n_jacobians, 7)
            nn.init.zeros_(self.jacobian.weight)
            self.jacobian.bias = nn.Parameter(torch.tensor([1.0, 0.0, 0.0, 1.0] * self.n_jacobians))
        self.down = scaled_down(settings.n_channels, own.scale)

    def forward(self, pictures: Tensor) -> Points:
        """Points of pictures (n, n_channels, h, w), RGB, 0 to 1."""
        features = self.predictor(self.down(pictures))
        heat = self._heat(features)
        grid = coordinate_grid(heat.shape[2], heat.shape[3], heat)
        value = (heat[..., None] * grid).sum((2, 3))
        return Points(value, self._jacobian(features, heat))

    def _heat(self, features: Tensor) -> Tensor:
        scores = self.kp(features)
        heat = torch.softmax(scores.flatten(2) / self.settings.keypoints.temperature, 2)
        return heat.view(scores.shape)

    def _jacobian(self, features: Tensor, heat: Tensor) -> Tensor:
        n, n_points = heat.shape[:2]
        if not self.n_jacobians:
            return torch.eye(2, dtype=heat.dtype, device=heat.device).expand(n, n_points, 2, 2)
        maps = self.jacobian(features).view(n, self.n_jacobians, 4, *heat.shape[2:])
        return (heat[:, :, None] * maps).sum((3, 4)).view(n, n_points, 2, 2)
