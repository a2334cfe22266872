"""Gradient-domain blending: put a patch into a picture so that neither a line nor a step in colour shows.

Poisson image editing keeps the patch's gradients inside a mask and the picture's colours on its rim. That is the same
as adding to the patch a *membrane*: the smoothest function that on the rim equals (picture - patch)::

    result = patch + m,     laplace(m) = 0 inside,     m = picture - patch on the rim

A pyramid gives a start that is right but for slow waves (each coarser level knows the rim's place less exactly). Two
steps of conjugate gradients take those off, each aimed by one multigrid cycle, which meets all wave lengths at once.

References
----------
Perez, Gangnet & Blake, *Poisson Image Editing*, SIGGRAPH 2003, equations 2 and 4 (membrane form: section 2);
McAdams, Sifakis & Teran, *A Parallel Multigrid Poisson Solver*, SCA 2010, algorithms 1 and 3.
"""

from __future__ import annotations

import cv2
import numpy as np

_NEIGHBOURS = np.array([[0, 0.25, 0], [0.25, 0, 0.25], [0, 0.25, 0]], np.float32)
_DAMPING = 0.8
_START_RELAXATIONS, _CYCLE_RELAXATIONS = 1, 2
_COARSEST, _COARSEST_RELAXATIONS = 8, 30
_STEPS = 2

_FEATHER = 0.07
"""Width of the feather inside the rim, in widths of the mask's picture."""


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


def feather(blended: np.ndarray, picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Let a blend come in over a short way from the mask's rim.

    A fold that crosses the rim never lies in exactly the same place in both pictures. There the rim's difference is a
    spike, which the blend alone carries inwards as a bright speck. Both pictures hold the same landmarks, so that
    mixing them shows no ghost.

    Parameters
    ----------
    blended, picture : ndarray, shape (H, W, 3), uint8
    mask : ndarray, shape (H, W), bool

    Returns
    -------
    ndarray, shape (H, W, 3), uint8
        `picture` outside the mask and at its rim, `blended` deeper inside.
    """
    depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3)
    share = np.clip(depth / (_FEATHER * mask.shape[1]), 0, 1)[..., None]
    return np.rint(picture + share * (blended.astype(np.float32) - picture)).astype(np.uint8)


def membrane(difference: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Harmonic interpolation across a mask.

    Parameters
    ----------
    difference : ndarray, shape (H, W, 3), float32
        Values to interpolate; only those on the mask's rim matter.
    mask : ndarray, shape (H, W), bool
        Where to interpolate. The picture's border lets nothing through.

    Returns
    -------
    ndarray, shape (H, W, 3), float32
        Equal to `difference` outside the mask.
    """
    rim = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & ~mask
    known, inside = (np.repeat(part[..., None].astype(np.float32), 3, axis=2) for part in (rim, mask))
    field = _start(difference * known, known)
    remainder = -_roughness(field, inside)
    direction = np.zeros_like(field)
    aimed_before, remainder_before = np.ones(3, np.float32), remainder
    for _ in range(_STEPS):
        aim = _cycle(remainder, inside)
        direction = aim + direction * _ratio(_dot(aim, remainder - remainder_before), aimed_before)
        change = _roughness(direction, inside)
        aimed_before, remainder_before = _dot(aim, remainder), remainder
        length = _ratio(_dot(direction, remainder), _dot(direction, change))
        field, remainder = field + length * direction, remainder - length * change
    return np.where(mask[..., None], field, difference)


def _start(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Rough membrane, coarse to fine; `values` are zero where `known` is."""
    height, width = known.shape[:2]
    unknown = 1 - known
    if min(height, width) <= _COARSEST:
        mean = values.sum((0, 1)) / np.maximum(known.sum((0, 1)), 1.0)
        return _relax(values + unknown * mean, None, unknown, _COARSEST_RELAXATIONS)
    weight, coarse = _halve(known), _halve(values)
    coarse = _start(coarse / np.maximum(weight, 1e-6), (weight > 0).astype(np.float32))
    return _relax(values + unknown * _enlarge(coarse, width, height), None, unknown, _START_RELAXATIONS)


def _cycle(wanted: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Field, zero outside, whose roughness is nearly `wanted` (zero outside): one multigrid V-cycle."""
    height, width = inside.shape[:2]
    field = _DAMPING * wanted  # the first round of a relaxation that starts from zero
    if min(height, width) <= _COARSEST:
        return _relax(field, wanted, inside, _COARSEST_RELAXATIONS)
    field = _relax(field, wanted, inside, _CYCLE_RELAXATIONS - 1)
    coarse_inside = (_halve(inside) > 0.75).astype(np.float32)
    # roughness is measured per pixel: on pixels twice as wide the same bend is four times as rough
    coarse = _cycle(4 * coarse_inside * _halve(wanted - _roughness(field, inside)), coarse_inside)
    field += inside * _enlarge(coarse, width, height)
    return _relax(field, wanted, inside, _CYCLE_RELAXATIONS)


def _relax(field: np.ndarray, wanted: np.ndarray | None, inside: np.ndarray, n_rounds: int) -> np.ndarray:
    """`field`, changed in place by damped Jacobi rounds towards the `wanted` roughness (none: smooth) inside."""
    for _ in range(n_rounds):
        step = _roughness(field, inside)
        if wanted is not None:
            step -= wanted
        step *= _DAMPING
        field -= step
    return field


def _roughness(field: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """How far each value inside lies above the mean of its four neighbours; 0 elsewhere."""
    above = cv2.filter2D(field, -1, _NEIGHBOURS, borderType=cv2.BORDER_REPLICATE)
    np.subtract(field, above, out=above)
    above *= inside
    return above


def _halve(field: np.ndarray) -> np.ndarray:
    height, width = field.shape[:2]
    return cv2.resize(field, ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_AREA)


def _enlarge(field: np.ndarray, width: int, height: int) -> np.ndarray:
    return cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR)


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum("ijk,ijk->k", a, b)


def _ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Quotient of two sums of squares' kind, 0 where there is nothing left to divide."""
    return np.where(np.abs(b) > 1e-9, a / np.where(np.abs(b) > 1e-9, b, 1), 0).astype(np.float32)
