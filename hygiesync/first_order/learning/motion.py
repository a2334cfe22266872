"""Points, the motion that they say, and pictures moved by it: what all networks share, without weights.

Coordinates are (x, y), -1 at the centre of the first pixel and 1 at that of the last.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

POINT_VARIANCE = 0.01
"""Of the gaussians that show a network where points are (paper, section 3.2)."""

MIN_DETERMINANT = 1e-5
"""A Jacobian nearer to singular is inverted as if its determinant were this: early in training, some are."""


class Points(NamedTuple):
    """Key points of a batch of pictures.

    Attributes
    ----------
    value : Tensor, shape (n, n_points, 2)
    jacobian : Tensor, shape (n, n_points, 2, 2)
        How the picture is turned, scaled and sheared around each, against a reference that nobody ever sees; the
        identity where a model has none.
    """

    value: Tensor
    jacobian: Tensor

    def detached(self) -> Points:
        """The same points, through which no gradient flows."""
        return Points(self.value.detach(), self.jacobian.detach())


def coordinate_grid(height: int, width: int, like: Tensor) -> Tensor:
    """Coordinates of each pixel, shape (height, width, 2), of the dtype and device of `like`."""
    x = 2 * torch.arange(width, dtype=like.dtype, device=like.device) / (width - 1) - 1
    y = 2 * torch.arange(height, dtype=like.dtype, device=like.device) / (height - 1) - 1
    return torch.stack([x.expand(height, width), y[:, None].expand(height, width)], -1)


def gaussians(points: Tensor, height: int, width: int) -> Tensor:
    """exp(-|z - p|^2 / (2 variance)) at each pixel z: (..., 2) -> (..., height, width)."""
    grid = coordinate_grid(height, width, points)
    squared = ((grid - points[..., None, None, :]) ** 2).sum(-1)
    return torch.exp(-0.5 * squared / POINT_VARIANCE)


def inverse_2x2(matrices: Tensor) -> Tensor:
    """Inverse of (..., 2, 2), in closed form, which every runtime has; see :data:`MIN_DETERMINANT`."""
    a, b, c, d = matrices[..., 0, 0], matrices[..., 0, 1], matrices[..., 1, 0], matrices[..., 1, 1]
    determinant = a * d - b * c
    floor = torch.where(determinant < 0, -MIN_DETERMINANT, MIN_DETERMINANT).to(determinant.dtype)
    determinant = torch.where(determinant.abs() < MIN_DETERMINANT, floor, determinant)
    adjugate = torch.stack([torch.stack([d, -b], -1), torch.stack([-c, a], -1)], -2)
    return adjugate / determinant[..., None, None]


def product_2x2(left: Tensor, right: Tensor) -> Tensor:
    """Product of matrices (..., 2, 2), by sums: mixed precision would round a matrix product's coordinates."""
    return (left[..., :, :, None] * right[..., None, :, :]).sum(-2)


def sparse_motions(source: Points, driving: Points, height: int, width: int) -> Tensor:
    """Where each pixel of the driving picture comes from, as each point alone would have it.

    Returns
    -------
    Tensor, shape (n, n_points + 1, height, width, 2)
        First the background's, which stays where it is; then ``p_s + J_s J_d^-1 (z - p_d)`` (paper, equation 4).
    """
    grid = coordinate_grid(height, width, driving.value)
    n = len(driving.value)
    offsets = grid - driving.value[:, :, None, None, :]
    matrices = product_2x2(source.jacobian, inverse_2x2(driving.jacobian))
    moved = (matrices[:, :, None, None] * offsets[..., None, :]).sum(-1)
    moved = moved + source.value[:, :, None, None, :]
    still = grid.expand(n, 1, height, width, 2)
    return torch.cat([still, moved], 1)


def warped(pictures: Tensor, grid: Tensor, aligns_corners: bool, padding: str = "zeros") -> Tensor:
    """Pictures (n, c, h, w) sampled at coordinates (n, h', w', 2), bilinear."""
    return functional.grid_sample(pictures, grid, mode="bilinear", padding_mode=padding, align_corners=aligns_corners)


def resized_grid(grid: Tensor, height: int, width: int) -> Tensor:
    """Coordinates (n, h, w, 2) for another number of pixels."""
    if grid.shape[1:3] == (height, width):
        return grid
    resized = functional.interpolate(grid.permute(0, 3, 1, 2), (height, width), mode="bilinear", align_corners=False)
    return resized.permute(0, 2, 3, 1)


def resized_aligned(grid: Tensor, height: int, width: int) -> Tensor:
    """Coordinates (n, h, w, 2) for another number of pixels; those of the corners stay, and so does the identity."""
    planes = grid.permute(0, 3, 1, 2)
    return functional.interpolate(planes, (height, width), mode="bilinear", align_corners=True).permute(0, 2, 3, 1)


def resized(maps: Tensor, height: int, width: int) -> Tensor:
    """Maps (n, c, h, w) of another size."""
    if maps.shape[2:] == (height, width):
        return maps
    return functional.interpolate(maps, (height, width), mode="bilinear", align_corners=False)
