"""What the networks are built of; attribute names are those of published checkpoints."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from hygiesync.first_order.settings import HourglassSettings


class Down(nn.Module):
    """Convolution 3x3, norm, ReLU, and half the size by averages of 2x2."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, 3, padding=1)
        self.norm = nn.BatchNorm2d(n_out)

    def forward(self, x: Tensor) -> Tensor:
        """(n, n_in, h, w) -> (n, n_out, h // 2, w // 2)."""
        return functional.avg_pool2d(functional.relu(self.norm(self.conv(x))), 2)


class Up(nn.Module):
    """Twice the size by repeating pixels, then convolution 3x3, norm, ReLU."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, 3, padding=1)
        self.norm = nn.BatchNorm2d(n_out)

    def forward(self, x: Tensor) -> Tensor:
        """(n, n_in, h, w) -> (n, n_out, 2 h, 2 w)."""
        return functional.relu(self.norm(self.conv(functional.interpolate(x, scale_factor=2.0, mode="nearest"))))


class Same(nn.Module):
    """Convolution 7x7, norm, ReLU."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, 7, padding=3)
        self.norm = nn.BatchNorm2d(n_out)

    def forward(self, x: Tensor) -> Tensor:
        """(n, n_in, h, w) -> (n, n_out, h, w)."""
        return functional.relu(self.norm(self.conv(x)))


class Residual(nn.Module):
    """Two convolutions, each after its norm and ReLU, added to the input.

    References
    ----------
    He et al., *Identity Mappings in Deep Residual Networks*, 2016.
    """

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(n_channels, n_channels, 3, padding=1)
        self.conv2 = nn.Conv2d(n_channels, n_channels, 3, padding=1)
        self.norm1 = nn.BatchNorm2d(n_channels)
        self.norm2 = nn.BatchNorm2d(n_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) -> the same shape."""
        y = self.conv1(functional.relu(self.norm1(x)))
        return x + self.conv2(functional.relu(self.norm2(y)))


class _Encoder(nn.Module):
    def __init__(self, settings: HourglassSettings, n_in: int) -> None:
        super().__init__()
        widths = [n_in, *settings.widths[1:]]
        self.down_blocks = nn.ModuleList(Down(*pair) for pair in pairwise(widths))

    def forward(self, x: Tensor) -> list[Tensor]:
        levels = [x]
        for block in self.down_blocks:
            levels.append(block(levels[-1]))
        return levels


class _Decoder(nn.Module):
    def __init__(self, settings: HourglassSettings) -> None:
        super().__init__()
        widths = settings.widths
        last = settings.n_blocks - 1
        self.up_blocks = nn.ModuleList(
            Up((1 if level == last else 2) * widths[level + 1], widths[level]) for level in reversed(range(last + 1))
        )

    def forward(self, levels: list[Tensor]) -> Tensor:
        x = levels[-1]
        for block, skip in zip(self.up_blocks, levels[-2::-1], strict=True):
            x = torch.cat([block(x), skip], 1)
        return x


class Hourglass(nn.Module):
    """Down, and up again; on the way up each level is given what it was on the way down, at last the input itself.

    References
    ----------
    Ronneberger et al., *U-Net*, 2015; Newell et al., *Stacked Hourglass Networks*, 2016.
    """

    def __init__(self, settings: HourglassSettings, n_in: int) -> None:
        super().__init__()
        self.encoder = _Encoder(settings, n_in)
        self.decoder = _Decoder(settings)
        self.n_out = settings.widths[0] + n_in

    def forward(self, x: Tensor) -> Tensor:
        """(n, n_in, h, w) -> (n, n_out, h, w); h and w can be halved `n_blocks` times."""
        return self.decoder(self.encoder(x))


class AntiAliasDown(nn.Module):
    """Every (1 / scale)-th pixel of a picture blurred by a gaussian; beyond the border all is black.

    The gaussian's standard deviation is (1 / scale - 1) / 2. Black darkens the border a little, and weights that are
    published were trained with that.
    """

    weight: Tensor

    def __init__(self, n_channels: int, scale: float) -> None:
        super().__init__()
        self.step = round(1 / scale)
        sigma = (1 / scale - 1) / 2
        size = 2 * round(4 * sigma) + 1
        # float64 first: published kernels are float32 of this, and tests compare in both
        offsets = torch.arange(size, dtype=torch.float64) - size // 2
        line = torch.exp(-(offsets**2) / (2 * sigma**2))
        kernel = torch.outer(line, line)
        kernel = (kernel / kernel.sum()).float()
        self.register_buffer("weight", kernel.expand(n_channels, 1, size, size).clone())

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) -> (n, c, ceil(h / step), ceil(w / step))."""
        padding = self.weight.shape[-1] // 2
        return functional.conv2d(x, self.weight, stride=self.step, padding=padding, groups=self.weight.shape[0])


def scaled_down(n_channels: int, scale: float) -> nn.Module:
    """What makes pictures `scale` times as large."""
    return nn.Identity() if scale == 1 else AntiAliasDown(n_channels, scale)
