"""How far a painted mouth is from the real one: absolute differences, and structure at several scales.

References
----------
Wang, Simoncelli & Bovik, *Multi-scale structural similarity*, 2003. Zhao et al., *Loss Functions for Image Restoration
with Neural Networks*, 2017, for the mix.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_STRUCTURE_SHARE = 0.84
"""Zhao et al., section 3.4."""

_WINDOW, _N_SCALES = 7, 3
_C1, _C2 = 0.01**2, 0.03**2
"""Of structural similarity, for colours from 0 to 1."""


def painting_loss(painted: Tensor, real: Tensor, weight: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Loss of patches, and its parts.

    Parameters
    ----------
    painted, real : Tensor, shape (B, height, width, 3), levels of 255
    weight : Tensor, shape (B, height, width)
        How much each pixel counts.
    """
    a, b = (patch.permute(0, 3, 1, 2).float() / 255 for patch in (painted, real))
    w = weight[:, None].float()
    absolute = _mean((a - b).abs(), w)
    unlikeness = 1 - _similarity(a, b, w)
    loss = (1 - _STRUCTURE_SHARE) * absolute * _OF_ABSOLUTE + _STRUCTURE_SHARE * unlikeness
    return loss, {"loss": loss, "absolute": absolute, "unlikeness": unlikeness}


_OF_ABSOLUTE = 6.0
"""Brings mean absolute differences, some hundredths, to the size of the structural part."""


def _similarity(a: Tensor, b: Tensor, weight: Tensor) -> Tensor:
    """Mean structural similarity over `_N_SCALES` scales, each half as fine as the one before."""
    found = []
    for scale in range(_N_SCALES):
        if scale:
            a, b, weight = (functional.avg_pool2d(x, 2) for x in (a, b, weight))
        found.append(_mean(_similarity_map(a, b), weight))
    return torch.stack(found).mean()


def _similarity_map(a: Tensor, b: Tensor) -> Tensor:
    def blurred(x: Tensor) -> Tensor:
        return functional.avg_pool2d(x, _WINDOW, 1, _WINDOW // 2, count_include_pad=False)

    mean_a, mean_b = blurred(a), blurred(b)
    var_a, var_b = blurred(a * a) - mean_a**2, blurred(b * b) - mean_b**2
    both = blurred(a * b) - mean_a * mean_b
    return ((2 * mean_a * mean_b + _C1) * (2 * both + _C2)) / ((mean_a**2 + mean_b**2 + _C1) * (var_a + var_b + _C2))


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    return (values * weight).sum() / (weight.sum() * values.shape[1]).clamp_min(1e-6)
