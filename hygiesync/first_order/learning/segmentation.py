"""The network of motion co-segmentation: it cuts a picture into segments that move as one, and finds their motion.

References
----------
Siarohin et al., *Motion-supervised Co-Part Segmentation*, ICPR 2020 (arXiv 2004.03234).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from hygiesync.first_order.learning.blocks import Hourglass, scaled_down
from hygiesync.first_order.learning.keypoint_detector import PADDING, heat_maps, matrix_head, mean_matrix, mean_place
from hygiesync.first_order.learning.motion import Points
from hygiesync.first_order.settings import ModelSettings


class Segments(NamedTuple):
    """Segments of a batch of pictures.

    Attributes
    ----------
    maps : Tensor, shape (n, n_segments + 1, h, w)
        How much of each pixel belongs to each, the background first; they add up to 1.
    points : Points
        Where each segment is, and how it is turned, scaled and sheared.
    """

    maps: Tensor
    points: Points


class SegmentationNetwork(nn.Module):
    """A key point detector whose heads are padded, with one more head that says what each pixel belongs to."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        self.settings = settings
        self.predictor = Hourglass(settings.keypoints, settings.n_channels)
        n_features, n = self.predictor.n_out, settings.n_points
        self.shift = nn.Conv2d(n_features, n, 7, padding=PADDING)
        self.affine = matrix_head(n_features, n, PADDING)
        self.segmentation = nn.Conv2d(n_features, n + 1, 7, padding=PADDING)
        self.down = scaled_down(settings.n_channels, settings.keypoints.scale)

    def forward(self, pictures: Tensor) -> Segments:
        """Segments of pictures (n, n_channels, h, w), RGB, 0 to 1."""
        features = self.predictor(self.down(pictures))
        heat = heat_maps(self.shift(features), self.settings.keypoints.temperature)
        points = Points(mean_place(heat), mean_matrix(self.affine(features), heat))
        return Segments(torch.softmax(self.segmentation(features), 1), points)
