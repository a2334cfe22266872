"""The networks that tell real pictures from made ones, one for each of several sizes."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import spectral_norm

from hygiesync.first_order.learning.motion import Points, gaussians
from hygiesync.first_order.settings import DiscriminatorSettings, ModelSettings


class Judgement(NamedTuple):
    """Features of each block, and a map (n, 1, h', w') of how real each place looks: 1 real, 0 made."""

    features: list[Tensor]
    realness: Tensor


class _Block(nn.Module):
    def __init__(self, n_in: int, n_out: int, has_norm: bool, is_spectral: bool, pools: bool) -> None:
        super().__init__()
        self.conv = _conv(n_in, n_out, 4, is_spectral)
        self.norm = nn.InstanceNorm2d(n_out, affine=True) if has_norm else nn.Identity()
        self.pools = pools

    def forward(self, x: Tensor) -> Tensor:
        x = functional.leaky_relu(self.norm(self.conv(x)), 0.2)
        return functional.avg_pool2d(x, 2) if self.pools else x


class _OneSize(nn.Module):
    def __init__(self, settings: DiscriminatorSettings, n_in: int) -> None:
        super().__init__()
        widths = [n_in, *settings.widths[1:]]
        last = len(widths) - 2
        self.down_blocks = nn.ModuleList(
            _Block(widths[k], widths[k + 1], k > 0, settings.is_spectral, k < last) for k in range(last + 1)
        )
        self.conv = _conv(widths[-1], 1, 1, settings.is_spectral)

    def forward(self, x: Tensor) -> Judgement:
        features = []
        for block in self.down_blocks:
            x = block(x)
            features.append(x)
        return Judgement(features, self.conv(x))


class Discriminator(nn.Module):
    """One judge a size; the sizes are those of a pyramid of pictures.

    With `sees_points` it is also shown where the driving picture's points are.
    """

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        own = settings.discriminator
        self.settings = own
        n_in = settings.n_channels + (settings.n_points if own.sees_points else 0)
        self.discs = nn.ModuleDict({_key(scale): _OneSize(own, n_in) for scale in own.scales})

    def forward(self, pyramid: dict[float, Tensor], points: Points | None = None) -> dict[float, Judgement]:
        """Judge pictures (n, n_channels, h, w) of each size; `points` where the network sees them."""
        return {scale: self.discs[_key(scale)](self._seen(pyramid[scale], points)) for scale in self.settings.scales}

    def _seen(self, pictures: Tensor, points: Points | None) -> Tensor:
        if not self.settings.sees_points:
            return pictures
        assert points is not None, "it sees points"
        return torch.cat([pictures, gaussians(points.value, *pictures.shape[2:])], 1)


def _key(scale: float) -> str:
    # a module's name can't hold a dot
    return f"{scale:g}".replace(".", "-")


def _conv(n_in: int, n_out: int, size: int, is_spectral: bool) -> nn.Conv2d:
    conv = nn.Conv2d(n_in, n_out, size)
    return spectral_norm(conv) if is_spectral else conv
