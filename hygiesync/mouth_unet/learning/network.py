r"""The U-Net: it adds to a warped real mouth what that lacks of the wanted one.

    reference, outline --> 16 -----------------------------------> 16 --> + reference --> painted
                             \                                    /
                              32 ------------------------------ 32
                                \                              /
                                 64 ------------------------ 64
                                   \                        /
                                    96, scaled and shifted by the numbers

Its last layer begins at zero, so that it begins with the reference itself.

References
----------
Ronneberger, Fischer & Brox, *U-Net*, MICCAI 2015. Perez et al., *FiLM: Visual Reasoning with a General Conditioning
Layer*, AAAI 2018, for the numbers.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (16, 32, 64, 96)
"""Channels at each scale: a quarter of a billion products for a patch of 96 by 80."""

_N_PLANES = 5
"""Three colours of the reference, lips, and what lies between them."""

_LEVELS = 255.0


def _block(n_in: int, n_out: int, n_layers: int = 2) -> nn.Sequential:
    layers: list[nn.Module] = []
    for number in range(n_layers):
        layers += [
            nn.Conv2d(n_in if number == 0 else n_out, n_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(n_out),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


class MouthUNet(nn.Module):
    """Paints patches.

    Parameters
    ----------
    n_numbers : int
        Numbers that tell of the wanted mouth.
    """

    def __init__(self, n_numbers: int) -> None:
        super().__init__()
        first, *deeper = WIDTHS
        self.first = _block(_N_PLANES, first, 1)
        self.down = nn.ModuleList(_block(a, b) for a, b in zip(WIDTHS, deeper, strict=False))
        self.up = nn.ModuleList(
            _block(below + beside, beside, 1) for beside, below in zip(WIDTHS[-2::-1], WIDTHS[::-1], strict=False)
        )
        self.last = nn.Conv2d(first, 3, 3, padding=1)
        self.film = nn.Sequential(nn.Linear(n_numbers, 64), nn.ReLU(inplace=True), nn.Linear(64, 2 * WIDTHS[-1]))
        for layer in (self.last, self.film[-1]):
            assert isinstance(layer, nn.Conv2d | nn.Linear)
            nn.init.zeros_(layer.weight)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)

    def forward(self, reference: Tensor, outline: Tensor, numbers: Tensor) -> Tensor:
        """Painted patches.

        Parameters
        ----------
        reference : Tensor, shape (B, height, width, 3), uint8
        outline : Tensor, shape (B, height, width, 2), uint8
        numbers : Tensor, shape (B, n_numbers), float32

        Returns
        -------
        Tensor, shape (B, height, width, 3), float32, levels of 255
            Not clipped.
        """
        seen = torch.cat([reference, outline], -1).permute(0, 3, 1, 2).float() / _LEVELS
        x = self.first(seen - 0.5)
        beside = []
        for block in self.down:
            beside.append(x)
            x = block(functional.avg_pool2d(x, 2))
        scale, shift = self.film(numbers)[..., None, None].chunk(2, 1)
        x = x * (1 + scale) + shift
        for block, other in zip(self.up, reversed(beside), strict=True):
            x = block(torch.cat([functional.interpolate(x, scale_factor=2.0, mode="nearest"), other], 1))
        painted = seen[:, :3] + self.last(x)
        return painted.permute(0, 2, 3, 1) * _LEVELS
