"""The network that paints: the source's features, moved, darkened where they can't be seen, and decoded."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from hygiesync.first_order.learning.blocks import Down, Residual, Same, Up
from hygiesync.first_order.learning.dense_motion import DenseMotion, DenseMotionNetwork
from hygiesync.first_order.learning.motion import Points, resized, resized_grid, warped
from hygiesync.first_order.settings import GeneratorSettings, ModelSettings


class Generated(NamedTuple):
    """What a generator makes of a batch: pictures (n, n_channels, h, w), 0 to 1, and the motion in them."""

    prediction: Tensor
    motion: DenseMotion


class PaintingPart(nn.Module):
    """Encoder, residual blocks and decoder, which painters with any kind of motion share."""

    def __init__(self, settings: GeneratorSettings, n_channels: int) -> None:
        super().__init__()
        widths = settings.widths
        self.first = Same(n_channels, widths[0])
        self.down_blocks = nn.ModuleList(Down(*pair) for pair in pairwise(widths))
        self.up_blocks = nn.ModuleList(Up(*pair) for pair in pairwise(widths[::-1]))
        self.bottleneck = nn.Sequential()
        for number in range(settings.n_residual):
            self.bottleneck.add_module(f"r{number}", Residual(widths[-1]))
        self.final = nn.Conv2d(widths[0], n_channels, 7, padding=3)

    def encode(self, pictures: Tensor) -> Tensor:
        """Features (n, widths[-1], h / 2^n_down, w / 2^n_down) of pictures (n, n_channels, h, w)."""
        features = self.first(pictures)
        for block in self.down_blocks:
            features = block(features)
        return features

    def decode(self, features: Tensor) -> Tensor:
        """Pictures of features, 0 to 1."""
        features = self.bottleneck(features)
        for block in self.up_blocks:
            features = block(features)
        return torch.sigmoid(self.final(features))


class Generator(PaintingPart):
    """The occlusion-aware generator (paper, section 3.2)."""

    def __init__(self, settings: ModelSettings) -> None:
        nn.Module.__init__(self)
        self.settings = settings
        self.dense_motion_network = DenseMotionNetwork(settings)
        painting = PaintingPart(settings.generator, settings.n_channels)
        for name, part in painting.named_children():
            self.add_module(name, part)

    def forward(self, pictures: Tensor, driving: Points, source: Points) -> Generated:
        """Source pictures (n, n_channels, h, w) with points `source`, moved to `driving`."""
        motion = self.dense_motion_network(pictures, driving, source)
        return Generated(self.paint(self.encode(pictures), motion), motion)

    def paint(self, features: Tensor, motion: DenseMotion) -> Tensor:
        """Pictures of the source's features, moved."""
        height, width = features.shape[2:]
        grid = resized_grid(motion.deformation, height, width)
        features = warped(features, grid, self.settings.aligns_corners)
        if motion.occlusion is not None:
            features = features * resized(motion.occlusion, height, width)
        return self.decode(features)
