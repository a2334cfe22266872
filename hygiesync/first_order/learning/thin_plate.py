"""A random smooth deformation that is known exactly: what points found in a deformed picture are compared by.

References
----------
Bookstein, *Principal Warps: Thin-Plate Splines and the Decomposition of Deformations*, 1989; the paper, section 3.1.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hygiesync.first_order.learning.motion import coordinate_grid, warped
from hygiesync.first_order.settings import TransformSettings

_EPSILON = 1e-6
"""Added to a distance before its logarithm."""


class ThinPlateTransform:
    """``f(p) = A p + b + sum_i w_i d_i^2 log d_i``, with d_i the L1 distance to the i-th node of a square grid.

    Parameters
    ----------
    affine : Tensor, shape (n, 2, 3)
        A and b of each of a batch.
    bending : Tensor, shape (n, n_nodes)
        The weights w, the same for x and y; the number of nodes is a square.
    """

    def __init__(self, affine: Tensor, bending: Tensor) -> None:
        self.affine, self.bending = affine, bending
        side = round(bending.shape[1] ** 0.5)
        self._nodes = coordinate_grid(side, side, affine).view(-1, 2)

    @classmethod
    def random(cls, n: int, settings: TransformSettings, like: Tensor) -> ThinPlateTransform:
        """Deformations for a batch of `n`, of torch's random numbers, on the device of `like`."""
        affine = torch.eye(2, 3)[None] + settings.sigma_affine * torch.randn(n, 2, 3)
        bending = settings.sigma_tps * torch.randn(n, settings.points_tps**2)
        return cls(affine.to(like), bending.to(like))

    def __call__(self, points: Tensor) -> Tensor:
        """Where points (n, m, 2) go."""
        distances = (points[:, :, None] - self._nodes).abs().sum(-1)
        bent = (distances**2 * torch.log(distances + _EPSILON) * self.bending[:, None]).sum(-1, keepdim=True)
        straight = (self.affine[:, None, :, :2] * points[:, :, None, :]).sum(-1) + self.affine[:, None, :, 2]
        return straight + bent

    def jacobian(self, points: Tensor) -> Tensor:
        """df/dp at points (n, m, 2), shape (n, m, 2, 2), in closed form."""
        offsets = points[:, :, None] - self._nodes
        distances = offsets.abs().sum(-1)
        slope = 2 * distances * torch.log(distances + _EPSILON) + distances**2 / (distances + _EPSILON)
        bent = ((slope * self.bending[:, None])[..., None] * torch.sign(offsets)).sum(2)
        return self.affine[:, None, :, :2] + bent[:, :, None, :]

    def deformed(self, pictures: Tensor, aligns_corners: bool) -> Tensor:
        """Pictures (n, c, h, w) whose pixel at p shows what was at f(p); beyond the border they are mirrored."""
        n, _, height, width = pictures.shape
        grid = coordinate_grid(height, width, pictures).view(1, -1, 2).expand(n, -1, 2)
        return warped(pictures, self(grid).view(n, height, width, 2), aligns_corners, "reflection")
