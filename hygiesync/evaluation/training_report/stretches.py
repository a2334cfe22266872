"""Held-out stretches as mouths, and which mouths are closed, wide or narrow for this person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.building.evidence import HeldOut, TrainingEvidence
from hygiesync.face.shape import ShapeModel, mouth_opening, mouth_width

_SHUT_QUANTILE, _WIDE_QUANTILE = 0.02, 0.98
_NARROW_QUANTILE, _SPREAD_QUANTILE = 0.25, 0.75

_CLOSED, _SLIT, _WIDE = 0.15, 0.35, 0.6
"""Parts of the way from a person's shut mouth to a person's wide one."""


@dataclass(frozen=True)
class Stretch:
    """A held-out stretch, decoded.

    Attributes
    ----------
    held_out : HeldOut
        Of n times.
    real, predicted : ndarray, shape (n, n_lower, 2), canonical units
    """

    held_out: HeldOut
    real: NDArray[np.float64] = field(repr=False)
    predicted: NDArray[np.float64] = field(repr=False)

    @classmethod
    def from_held_out(cls, held_out: HeldOut, shape: ShapeModel) -> Stretch:
        """Decode a held-out part."""
        return cls(held_out, shape.inverse_transform(held_out.real), shape.inverse_transform(held_out.predicted))

    @property
    def is_known(self) -> NDArray[np.bool_]:
        return self.held_out.is_known

    @cached_property
    def real_opening(self) -> NDArray[np.float64]:
        """Opening (n,), % of the distance between the eyes; NaN where it is not known."""
        return np.where(self.is_known, 100 * mouth_opening(self.real), np.nan)

    @cached_property
    def predicted_opening(self) -> NDArray[np.float64]:
        """Opening (n,), % of the distance between the eyes."""
        return 100 * mouth_opening(self.predicted)


def stretches_of(evidence: TrainingEvidence) -> tuple[Stretch, ...]:
    """The held-out stretches of all videos, decoded."""
    return tuple(Stretch.from_held_out(held_out, evidence.shape) for held_out in evidence.held_out)


def known_mouths(stretches: Sequence[Stretch]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Real and predicted lower faces (n_known, n_lower, 2) of all stretches, where the real ones are known."""
    real = np.concatenate([stretch.real[stretch.is_known] for stretch in stretches])
    return real, np.concatenate([stretch.predicted[stretch.is_known] for stretch in stretches])


@dataclass(frozen=True)
class MouthRange:
    """Between what a person's mouth moves, % of the distance between the eyes.

    Attributes
    ----------
    shut, wide : float
        Opening: 2 % of the pictures are below the one, 2 % above the other.
    narrow, spread : float
        Width: a quarter of the pictures is below the one, a quarter above the other.
    """

    shut: float
    wide: float
    narrow: float
    spread: float

    @classmethod
    def from_shapes(cls, shapes: FloatArray) -> MouthRange:
        """Of many lower faces (n, n_lower, 2), canonical units."""
        shut, wide = np.quantile(100 * mouth_opening(shapes), [_SHUT_QUANTILE, _WIDE_QUANTILE])
        narrow, spread = np.quantile(100 * mouth_width(shapes), [_NARROW_QUANTILE, _SPREAD_QUANTILE])
        return cls(float(shut), float(wide), float(narrow), float(spread))

    def _between(self, share: float) -> float:
        return self.shut + share * (self.wide - self.shut)

    @property
    def closed_below(self) -> float:
        """Opening up to which lips are closed; detectors leave closed lips a little apart."""
        return self._between(_CLOSED)

    @property
    def slit_below(self) -> float:
        """Opening up to which a mouth is a slit."""
        return self._between(_SLIT)

    @property
    def wide_above(self) -> float:
        """Opening from which a mouth is wide open."""
        return self._between(_WIDE)


def runs(flags: NDArray[np.bool_]) -> Iterator[slice]:
    """Runs of true `flags` (n,), in order."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    for start, end in edges.reshape(-1, 2).tolist():
        yield slice(start, end)
