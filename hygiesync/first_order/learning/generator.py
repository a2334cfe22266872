"""The network that paints: the source's features, moved, darkened where they can't be seen, and decoded."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from hygiesync.first_order.learning.blocks import Down, Residual, Same, Up
from hygiesync.first_order.learning.dense_motion import DenseMotion, DenseMotionNetwork
from hygiesync.first_order.learning.motion import Points, resized, resized_aligned, resized_grid, warped
from hygiesync.first_order.settings import GeneratorSettings, ModelSettings

_FIRST_CHOICE = -2.0
"""Before any training pixels are painted by an eighth, so that learning begins near a moved source."""


class Generated(NamedTuple):
    """What a generator makes of a batch: pictures (n, n_channels, h, w), 0 to 1, and the motion in them."""

    prediction: Tensor
    motion: DenseMotion


class PaintingPart(nn.Module):
    """Encoder, residual blocks and decoder, which painters with any kind of motion share.

    Parameters
    ----------
    settings : GeneratorSettings
    n_channels : int
    first_parts : nn.Module
        What a painter has besides, by name, that comes before these parts in published checkpoints.
    """

    def __init__(self, settings: GeneratorSettings, n_channels: int, **first_parts: nn.Module) -> None:
        super().__init__()
        for name, part in first_parts.items():
            self.add_module(name, part)
        widths = settings.widths
        self.first = Same(n_channels, widths[0])
        self.down_blocks = nn.ModuleList(Down(*pair) for pair in pairwise(widths))
        self.up_blocks = nn.ModuleList(Up(*pair) for pair in pairwise(widths[::-1]))
        self.bottleneck = nn.Sequential()
        for number in range(settings.n_residual):
            self.bottleneck.add_module(f"r{number}", Residual(widths[-1]))
        n_kept = n_channels if settings.keeps_pixels else 0
        self.final = nn.Conv2d(widths[0] + n_kept, n_channels + settings.keeps_pixels, 7, padding=3)
        if settings.keeps_pixels:
            assert self.final.bias is not None
            nn.init.constant_(self.final.bias[-1:], _FIRST_CHOICE)

    def encode(self, pictures: Tensor) -> Tensor:
        """Features (n, widths[-1], h / 2^n_down, w / 2^n_down) of pictures (n, n_channels, h, w)."""
        features = self.first(pictures)
        for block in self.down_blocks:
            features = block(features)
        return features

    def paint(
        self,
        features: Tensor,
        deformation: Tensor,
        occlusion: Tensor | None,
        aligns_corners: bool,
        pictures: Tensor | None = None,
    ) -> Tensor:
        """Pictures of features, moved.

        Parameters
        ----------
        features : Tensor, shape (n, c, h, w)
        deformation : Tensor, shape (n, h', w', 2)
            Where each place comes from.
        occlusion : Tensor, shape (n, 1, h', w'), or None
            0 where the features don't show what is to be seen.
        aligns_corners : bool
        pictures : Tensor, shape (n, n_channels, H, W), optional
            What the features are of, for a painter that keeps pixels.
        """
        height, width = features.shape[2:]
        features = warped(features, resized_grid(deformation, height, width), aligns_corners)
        if occlusion is not None:
            features = features * resized(occlusion, height, width)
        kept = None
        if pictures is not None:
            # beyond the border the outermost pixels go on: black would be no pixel of the source
            grid = resized_aligned(deformation, *pictures.shape[2:])
            kept = warped(pictures, grid, aligns_corners, padding="border")
        return self._decode(features, kept)

    def _decode(self, features: Tensor, kept: Tensor | None) -> Tensor:
        """Pictures of features, 0 to 1, in which pixels of others may be kept."""
        features = self.bottleneck(features)
        for block in self.up_blocks:
            features = block(features)
        if kept is None:
            return torch.sigmoid(self.final(features))
        painted = torch.sigmoid(self.final(torch.cat([features, kept], 1)))
        return kept + painted[:, -1:] * (painted[:, :-1] - kept)


class Generator(PaintingPart):
    """The occlusion-aware generator (paper, section 3.2)."""

    dense_motion_network: DenseMotionNetwork

    def __init__(self, settings: ModelSettings) -> None:
        motion = DenseMotionNetwork(settings)
        super().__init__(settings.generator, settings.n_channels, dense_motion_network=motion)
        self.settings = settings

    def forward(self, pictures: Tensor, driving: Points, source: Points) -> Generated:
        """Source pictures (n, n_channels, h, w) with points `source`, moved to `driving`."""
        motion = self.dense_motion_network(pictures, driving, source)
        kept = pictures if self.settings.generator.keeps_pixels else None
        aligns = self.settings.aligns_corners
        painted = self.paint(self.encode(pictures), motion.deformation, motion.occlusion, aligns, kept)
        return Generated(painted, motion)
