"""What the engine asks of whatever draws, and of whatever gives it pictures to draw into.

A *scene* is a template source and a renderer that belong together; an avatar makes it. What a template's frames tell of
the face may be more than :class:`TemplateFace` (a photo's also say what its eyes do): both halves of a scene then name
the same kind of face, so that a renderer need not ask what it was given::

    TemplateSource[Face] --- TemplateFrame[Face] ---.
                                                     >--> Renderer[Face] --> pictures
    sound --> coefficients, sound features ---------'
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import dropwhile
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray


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

    to_picture: NDArray[np.float64]
    turn: NDArray[np.float64]
    lower: NDArray[np.float64]
    strength: float = 1.0


Face = TypeVar("Face", bound=TemplateFace)
Face_co = TypeVar("Face_co", bound=TemplateFace, covariant=True)


@dataclass(frozen=True, slots=True)
class TemplateFrame(Generic[Face_co]):
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

    image: NDArray[np.uint8]
    time_s: Fraction
    face: Face_co | None


PlainFrame = TemplateFrame[TemplateFace]
"""A frame of a template that tells no more than where its face is."""


class TemplateSource(Protocol[Face_co]):
    """Something that frames to put mouths into come from."""

    def frames(self) -> Iterator[TemplateFrame[Face_co]]:
        """The frames from the start, without end, in order of time."""
        ...


@runtime_checkable
class SeekableTemplate(Protocol[Face_co]):
    """A template source that need not pass through all frames to come to a later one."""

    def frames_from(self, time_s: Fraction) -> Iterator[TemplateFrame[Face_co]]:
        """What :meth:`TemplateSource.frames` gives from the first frame at `time_s` or later on."""
        ...


def frames_from(template: TemplateSource[Face], time_s: Fraction) -> Iterator[TemplateFrame[Face]]:
    """The frames of any template from the first one at `time_s` or later on, the same as when it's played from zero."""
    if isinstance(template, SeekableTemplate):
        return template.frames_from(time_s)
    return dropwhile(lambda frame: frame.time_s < time_s, template.frames())


class MouthShapes(Protocol):
    """What lower face coefficients stand for; a :class:`hygiesync.face.shape.ShapeModel` is one."""

    def inverse_transform(self, coefficients: NDArray[Any], turns: NDArray[Any] | None = None) -> NDArray[Any]:
        """Canonical lower faces (..., n_lower, 2) of coefficients (..., n_components), on heads turned by `turns`."""
        ...


class Renderer(Protocol[Face]):
    """What draws. One renderer serves one engine: it remembers what it drew."""

    @property
    def lag(self) -> int:
        """Frames that may have to come before a frame is drawn."""
        ...

    def push(
        self, template: TemplateFrame[Face], coefficients: NDArray[Any], sound: NDArray[np.float32]
    ) -> Iterator[tuple[TemplateFrame[Face], NDArray[Any]]]:
        """Take in `template` and what is said in its moment.

        Parameters
        ----------
        template : TemplateFrame
        coefficients : ndarray, shape (n_components,), standard deviations
            The mouth that the network wants.
        sound : ndarray, shape (N_SOUND_FRAMES, n_mels), float32, log10 of power
            The log-mel frames around the moment, as from
            :meth:`hygiesync.speech_to_shape.track.SoundTrack.at`. Retrieval has no use for
            them; a renderer that paints mouths may.

        Yields
        ------
        TemplateFrame, ndarray
            Frames that can now be drawn, in order, each with its picture (H, W, 3), uint8, RGB. All are taken before
            the next push.
        """
        ...

    def flush(self) -> Iterator[tuple[TemplateFrame[Face], NDArray[Any]]]:
        """Frames that are still waiting, drawn."""
        ...

    def reset(self) -> None:
        """Forget earlier frames, and drop those that are waiting."""
        ...


@dataclass(frozen=True)
class Scene(Generic[Face]):
    """Where pictures come from, and what puts mouths into them; for one engine.

    Attributes
    ----------
    template : TemplateSource
    renderer : Renderer
    size : tuple of int
        (width, height) of the pictures.
    fps : Fraction
        Their rate; a nominal one where the template's frames have times of their own.
    """

    template: TemplateSource[Face]
    renderer: Renderer[Face]
    size: tuple[int, int]
    fps: Fraction
