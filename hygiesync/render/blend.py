"""Gradient-domain blending: put a patch into a picture so that neither a line nor a step in colour shows.

Poisson image editing keeps the patch's gradients inside a mask and the picture's colours on its rim. That is the same
as adding to the patch a *membrane*: the smoothest function that on the rim equals (picture - patch)::

    result = patch + m,     laplace(m) = 0 inside,     m = picture - patch on the rim

The membrane is so smooth that it is solved from coarse to fine: a pyramid gives a start that a few relaxations on each
level make right.

References
----------
Perez, Gangnet & Blake, *Poisson Image Editing*, SIGGRAPH 2003, equations 2 and 4 (membrane form: section 2);
Agarwala, *Efficient Gradient-Domain Compositing Using Quadtrees*, SIGGRAPH 2007 (why coarse grids do).
"""

from __future__ import annotations

import cv2
import numpy as np

_NEIGHBOURS = np.array([[0, 0.25, 0], [0.25, 0, 0.25], [0, 0.25, 0]], np.float32)
_RELAXATIONS = 12
_COARSEST = 8
_COARSEST_RELAXATIONS = 60


def poisson_blend(patch: np.ndarray, picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Picture with the patch's gradients inside the mask.

    Parameters
    ----------
    patch, picture : ndarray, shape (H, W, 3), uint8
        Aligned with each other. Only pixels inside the mask and beside it count.
    mask : ndarray, shape (H, W), bool
        True where the patch goes.

    Returns
    -------
    ndarray, shape (H, W, 3), uint8
        Equal to `picture` outside the mask.
    """
    inside = mask[..., None]
    difference = cv2.subtract(picture, patch, dtype=cv2.CV_32F)
    blended = np.clip(patch + membrane(difference, mask) + 0.5, 0, 255).astype(np.uint8)
    return np.where(inside, blended, picture)


def membrane(difference: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Harmonic interpolation across a mask, coarse to fine.

    Parameters
    ----------
    difference : ndarray, shape (H, W, n_channels), float32
        Values to interpolate; only those on the mask's rim matter.
    mask : ndarray, shape (H, W), bool
        Where to interpolate. The picture's border lets nothing through.

    Returns
    -------
    ndarray, shape (H, W, n_channels), float32
        Equal to `difference` outside the mask.
    """
    rim = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & ~mask
    known = rim.astype(np.float32)
    return np.where(mask[..., None], _fill(difference * known[..., None], known), difference)


def _fill(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Membrane on one level of the pyramid; `values` are zero where `known` is."""
    height, width = known.shape
    if min(height, width) <= _COARSEST:
        mean = values.sum((0, 1)) / max(float(known.sum()), 1.0)
        start = np.where(known[..., None] > 0, values, mean)
        return _relax(start, known, _COARSEST_RELAXATIONS)
    half = ((width + 1) // 2, (height + 1) // 2)
    weight = cv2.resize(known, half, interpolation=cv2.INTER_AREA)
    coarse_values = cv2.resize(values, half, interpolation=cv2.INTER_AREA)
    is_known = weight > 0
    coarse = np.where(is_known[..., None], coarse_values / np.maximum(weight, 1e-6)[..., None], 0).astype(np.float32)
    coarse = _fill(coarse, is_known.astype(np.float32))
    start = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return _relax(np.where(known[..., None] > 0, values, start), known, _RELAXATIONS)


def _relax(field: np.ndarray, known: np.ndarray, n_rounds: int) -> np.ndarray:
    """Jacobi rounds of Laplace's equation; known values stay."""
    fixed = known[..., None] > 0
    values = field.astype(np.float32)
    current = values
    for _ in range(n_rounds):
        current = np.where(fixed, values, cv2.filter2D(current, -1, _NEIGHBOURS, borderType=cv2.BORDER_REPLICATE))
    return current
