"""The renderer of real mouths: for each template frame a picture is chosen out of the atlas, and drawn into it.

Which picture is `mouth_choice`'s, how it is drawn `mouth_drawing`'s; here is only what is held back until its picture
is decided.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.shape import ShapeModel
from hygiesync.rendering.appearance import AppearanceModel
from hygiesync.rendering.atlas import Atlas
from hygiesync.rendering.canvas import MouthCanvas
from hygiesync.rendering.interfaces import PlainFrame
from hygiesync.rendering.mesh import FaceMesh
from hygiesync.rendering.mouth_choice import MouthChoice
from hygiesync.rendering.mouth_drawing import MouthDrawing

WHOLE_PATH_LAG = 16
"""Frames of lag with which the path through the atlas is nearly always that of the search over the whole sequence."""


class Drawing(Protocol):
    """What puts a mouth into a frame, after an atlas picture that was chosen for it."""

    def draw(
        self, template: PlainFrame, coefficients: NDArray[Any], index: int, appearance: NDArray[np.float32]
    ) -> NDArray[np.uint8]:
        """See :meth:`hygiesync.rendering.mouth_drawing.MouthDrawing.draw`."""
        ...


class Compositor:
    """Draws mouths into template frames, each after an atlas picture.

    Not thread-safe: it is one engine's. What it is made of may be shared.

    Parameters
    ----------
    choice : MouthChoice
        Frames wait as long as its choices do.
    drawing : Drawing
        Real pictures, or what is painted after them.
    """

    def __init__(self, choice: MouthChoice, drawing: Drawing) -> None:
        self._choice, self._drawing = choice, drawing
        self.reset()

    @classmethod
    def from_models(
        cls,
        shape: ShapeModel,
        atlas: Atlas,
        mesh: FaceMesh,
        canvas: MouthCanvas,
        appearance: AppearanceModel,
        lag: int = 0,
    ) -> Compositor:
        """A renderer of what is known of one person.

        Parameters
        ----------
        shape : ShapeModel
        atlas : Atlas
        mesh : FaceMesh
        canvas : MouthCanvas
        appearance : AppearanceModel
        lag : int
            Frames that a frame may wait for those after it, so that the path through the atlas is smooth.
        """
        return cls(MouthChoice(shape, atlas, appearance, lag), MouthDrawing(shape, atlas, mesh, canvas, appearance))

    @property
    def lag(self) -> int:
        """Frames that a frame may wait for those after it."""
        return self._choice.lag

    def reset(self) -> None:
        """Forget earlier frames."""
        self._choice.reset()
        self._waiting: deque[tuple[PlainFrame, NDArray[Any], NDArray[Any]]] = deque()

    def push(
        self, template: PlainFrame, coefficients: FloatArray, sound: NDArray[Any]
    ) -> Iterator[tuple[PlainFrame, NDArray[np.uint8]]]:
        """See :meth:`Renderer.push`. Pictures are drawn as they are taken; the sound is not looked at."""
        return self._push(template, coefficients)

    def _push(self, template: PlainFrame, coefficients: NDArray[Any]) -> Iterator[tuple[PlainFrame, NDArray[Any]]]:
        if template.face is None:
            # the mouth is away: a path needs not lead through what nobody sees
            yield from self.flush()
            self._choice.reset()
            yield template, template.image.copy()
            return
        appearance, decided = self._choice.push(coefficients, template.face.turn)
        self._waiting.append((template, coefficients, appearance))
        yield from self._draw_next(decided)

    def flush(self) -> Iterator[tuple[PlainFrame, NDArray[np.uint8]]]:
        """See :meth:`Renderer.flush`."""
        yield from self._draw_next(self._choice.flush())

    def render(self, template: PlainFrame, coefficients: FloatArray) -> NDArray[np.uint8]:
        """One picture at once, for a compositor without lag.

        Parameters
        ----------
        template : TemplateFrame
        coefficients : ndarray, shape (n_components,), standard deviations

        Returns
        -------
        ndarray, shape (H, W, 3), uint8, RGB
            A new array; outside the lower face, and without a face everywhere, the template's own pixels.
        """
        if self.lag:
            raise ValueError(f"a compositor with a lag of {self.lag} frames can't draw a frame at once; use push")
        ((_, picture),) = self._push(template, coefficients)
        return picture

    def _draw_next(self, chosen: Sequence[int]) -> Iterator[tuple[PlainFrame, NDArray[np.uint8]]]:
        for index in chosen:
            template, coefficients, appearance = self._waiting.popleft()
            yield template, self._drawing.draw(template, coefficients, index, appearance)
