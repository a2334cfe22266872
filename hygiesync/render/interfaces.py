"""What the engine asks of whatever draws, and of whatever gives it pictures to draw into."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np


class Renderer(Protocol):
    """What the engine needs of whatever draws the pictures."""

    @property
    def lag(self) -> int:
        """Frames that may have to come before a frame is drawn."""
        ...

    def push(self, template: TemplateFrame, coefficients: np.ndarray) -> Iterator[tuple[TemplateFrame, np.ndarray]]:
        """Take in `template` with the mouth that `coefficients` (n_components,) say.

        Yields
        ------
        TemplateFrame, ndarray
            Frames that can now be drawn, in order, each with its picture (H, W, 3), uint8, RGB.
        """
        ...

    def flush(self) -> Iterator[tuple[TemplateFrame, np.ndarray]]:
        """Frames that are still waiting, drawn."""
        ...

    def reset(self) -> None:
        """Forget earlier frames."""
        ...


@dataclass(frozen=True, slots=True)
class TemplateFace:
    """Where the face of a template frame is.

    Attributes
    ----------
    to_picture : ndarray, shape (2, 3), float64
        Similarity from the canonical face to the picture.
    turn : ndarray, shape (2,), float64, standard deviations
    lower : ndarray, shape (n_lower, 2), float64, pixels
        The template's own lower face.
    strength : float
        How far the mouth is put in: 0 the template's own, 1 the wanted one.
    """

    to_picture: np.ndarray
    turn: np.ndarray
    lower: np.ndarray
    strength: float = 1.0


@dataclass(frozen=True, slots=True)
class TemplateFrame:
    """One picture to put a mouth into.

    Attributes
    ----------
    image : ndarray, shape (H, W, 3), uint8, RGB
        Not to be written to: it may be shown more than once.
    time_s : Fraction
        When the result is shown, seconds.
    face : TemplateFace or None
        None where no face is seen, or none that a mouth can be put on: the picture then passes untouched.
    """

    image: np.ndarray
    time_s: Fraction
    face: TemplateFace | None


class MouthShapes(Protocol):
    """What lower face coefficients stand for; a :class:`hygiesync.face.shape.ShapeModel` is one."""

    def inverse_transform(self, coefficients: np.ndarray, turns: np.ndarray | None = None) -> np.ndarray:
        """Canonical lower faces (..., n_lower, 2) of coefficients (..., n_components), on heads turned by `turns`."""
        ...


class TemplateSource(Protocol):
    """Something that frames to put mouths into come from."""

    def frames(self) -> Iterator[TemplateFrame]:
        """The frames from the start, without end, in order of time."""
        ...
