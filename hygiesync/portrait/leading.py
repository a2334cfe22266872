"""Which frame of a driving video stands for the picture as it is: one a person, and one for each way of filming them.

Motion is measured from it. After a cut to another person, or to the same one seen from nearer or elsewhere, the former
one is no measure any more: the difference would be taken for motion, and deform the face.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.face.identity import Look, look_of, unlikeness
from hygiesync.face.people import ALIKE
from hygiesync.portrait.driving import DrivingFrame

MAX_ZOOM, MAX_SHIFT = 1.2, 0.6
"""How much larger a face may be, and how many of its widths away, to be filmed in the same way as before a cut."""

Draw = Callable[[DrivingFrame], NDArray[Any]]


@dataclass
class _Lead:
    look: Look
    reference: DrivingFrame
    draw: Draw


class Leads:
    """What draws each frame of a driving video.

    Parameters
    ----------
    drawer : callable
        Makes what draws frames, from the one that stands for the picture as it is.
    first : DrivingFrame, optional
        Stands for the picture as it is where its person is first seen; the first frame with a face when left out.
    """

    def __init__(self, drawer: Callable[[DrivingFrame], Draw], first: DrivingFrame | None = None) -> None:
        self._drawer = drawer
        self._leads: list[_Lead] = []
        self._current: _Lead | None = None
        self._shot = -1
        if first is not None:
            self._current = self._begin(first)

    @property
    def reference(self) -> DrivingFrame | None:
        """The first frame that stood for the picture as it is; None before there is one."""
        return self._leads[0].reference if self._leads else None

    def draw(self, frame: DrivingFrame) -> NDArray[Any]:
        """The picture, moved as a frame with landmarks says."""
        if self._current is None or (frame.shot != self._shot and frame.is_seen):
            self._current = self._known(frame) or self._begin(frame)
            self._shot = frame.shot
        return self._current.draw(frame)

    def _known(self, frame: DrivingFrame) -> _Lead | None:
        """The one to go on with after a cut: of the same person, filmed in the same way."""
        look = self._look(frame)
        alike = [
            lead
            for lead in self._leads
            if 1 / MAX_ZOOM <= look.width / lead.look.width <= MAX_ZOOM
            and float(np.linalg.norm(look.middle - lead.look.middle)) <= MAX_SHIFT * lead.look.width
            and unlikeness(look, lead.look) <= ALIKE
        ]
        return min(alike, key=lambda lead: unlikeness(look, lead.look), default=None)

    def _begin(self, frame: DrivingFrame) -> _Lead:
        lead = _Lead(self._look(frame), frame, self._drawer(frame))
        self._leads.append(lead)
        return lead

    @staticmethod
    def _look(frame: DrivingFrame) -> Look:
        assert frame.landmarks is not None
        return look_of(frame.image, frame.landmarks)
