"""The network that finds a picture's key points, and how the picture is deformed around each of them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hygiesync.first_order.learning.blocks import Hourglass, scaled_down
from hygiesync.first_order.learning.motion import Points, coordinate_grid
from hygiesync.first_order.settings import ModelSettings

PADDING = 3
"""Of heads with 7x7 weights, so that their maps have the size of the features."""


class KeypointDetector(nn.Module):
    """Each point is the middle of a heat map of its own, each Jacobian the mean of a map under it.

    Unless the settings say so, the heads have no padding: the heat map is six pixels smaller than the features, and -1
    to 1 are its corners.
    """

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        own = settings.keypoints
        self.settings = settings
        padding = PADDING if own.pads_heads else 0
        self.predictor = Hourglass(own, settings.n_channels)
        self.kp = nn.Conv2d(self.predictor.n_out, settings.n_points, 7, padding=padding)
        self.n_jacobians = (1 if own.has_single_jacobian else settings.n_points) if own.has_jacobians else 0
        if self.n_jacobians:
            self.jacobian = matrix_head(self.predictor.n_out, self.n_jacobians, padding)
        self.down = scaled_down(settings.n_channels, own.scale)

    def forward(self, pictures: Tensor) -> Points:
        """Points of pictures (n, n_channels, h, w), RGB, 0 to 1."""
        features = self.predictor(self.down(pictures))
        heat = heat_maps(self.kp(features), self.settings.keypoints.temperature)
        if self.n_jacobians:
            return Points(mean_place(heat), mean_matrix(self.jacobian(features), heat))
        identity = torch.eye(2, dtype=heat.dtype, device=heat.device)
        return Points(mean_place(heat), identity.expand(*heat.shape[:2], 2, 2))


def matrix_head(n_in: int, n_matrices: int, padding: int) -> nn.Conv2d:
    """Maps of 2x2 matrices, which are the identity before any training."""
    head = nn.Conv2d(n_in, 4 * n_matrices, 7, padding=padding)
    nn.init.zeros_(head.weight)
    head.bias = nn.Parameter(torch.tensor([1.0, 0.0, 0.0, 1.0] * n_matrices))
    return head


def heat_maps(scores: Tensor, temperature: float) -> Tensor:
    """Scores (n, n_points, h, w) as weights that add up to 1 in each map."""
    return torch.softmax(scores.flatten(2) / temperature, 2).view(scores.shape)


def mean_place(heat: Tensor) -> Tensor:
    """The middle (n, n_points, 2) of each heat map, whose corners are at -1 and 1."""
    grid = coordinate_grid(heat.shape[2], heat.shape[3], heat)
    return (heat[..., None] * grid).sum((2, 3))


def mean_matrix(maps: Tensor, heat: Tensor) -> Tensor:
    """The mean (n, n_points, 2, 2) of maps (n, 4 k, h, w) of matrices under each heat map; k is n_points or 1."""
    n, n_points = heat.shape[:2]
    maps = maps.view(n, maps.shape[1] // 4, 4, *heat.shape[2:])
    return (heat[:, :, None] * maps).sum((3, 4)).view(n, n_points, 2, 2)
