"""The network that makes one motion for every pixel out of what the points say, and tells what can't be seen."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from hygiesync.first_order.learning.blocks import Hourglass, scaled_down
from hygiesync.first_order.learning.motion import Points, gaussians, sparse_motions, warped
from hygiesync.first_order.settings import ModelSettings


class DenseMotion(NamedTuple):
    """Motion of a batch.

    Attributes
    ----------
    deformation : Tensor, shape (n, h, w, 2)
        Coordinates in the source of each pixel of the driving picture.
    mask : Tensor, shape (n, n_points + 1, h, w)
        How much each point's motion counts, the background's first; they add up to 1.
    occlusion : Tensor, shape (n, 1, h, w), or None
        1 where the source shows what is to be seen, 0 where it must be made up; not where a model has none.
    copies : Tensor, shape (n, n_points + 1, n_channels, h, w)
        The source, moved by each motion alone.
    """

    deformation: Tensor
    mask: Tensor
    occlusion: Tensor | None
    copies: Tensor


class DenseMotionNetwork(nn.Module):
    """An hourglass that sees, for each motion, where its point goes and the source moved by it."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        own, n_motions = settings.dense_motion, settings.n_points + 1
        self.settings = settings
        self.hourglass = Hourglass(own, n_motions * (settings.n_channels + 1))
        self.mask = nn.Conv2d(self.hourglass.n_out, n_motions, 7, padding=3)
        self.has_occlusion = settings.generator.has_occlusion
        if self.has_occlusion:
            self.occlusion = nn.Conv2d(self.hourglass.n_out, 1, 7, padding=3)
        self.down = scaled_down(settings.n_channels, own.scale)

    def forward(self, pictures: Tensor, driving: Points, source: Points) -> DenseMotion:
        """Motion from source pictures (n, n_channels, h, w) with points `source` to `driving`."""
        return self.of_small(self.down(pictures), driving, source)

    def of_small(self, pictures: Tensor, driving: Points, source: Points) -> DenseMotion:
        """As :meth:`forward`, of source pictures that are scaled down already."""
        n, n_channels, height, width = pictures.shape
        n_motions = self.settings.n_points + 1
        motions = sparse_motions(source, driving, height, width)
        repeated = pictures[:, None].expand(n, n_motions, n_channels, height, width).flatten(0, 1)
        copies = warped(repeated, motions.flatten(0, 1), self.settings.aligns_corners)
        copies = copies.view(n, n_motions, n_channels, height, width)
        heat = gaussians(driving.value, height, width) - gaussians(source.value, height, width)
        heat = torch.cat([torch.zeros_like(heat[:, :1]), heat], 1)[:, :, None]
        features = self.hourglass(torch.cat([heat, copies], 2).flatten(1, 2))
        mask = torch.softmax(self.mask(features), 1)
        deformation = (mask[..., None] * motions).sum(1)
        occlusion = torch.sigmoid(self.occlusion(features)) if self.has_occlusion else None
        return DenseMotion(deformation, mask, occlusion, copies)
