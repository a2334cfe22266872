"""An avatar on disk and in memory, whatever it was made from.

A bundle is a folder of ordinary files: `avatar.json` says what it is and holds the sha256 of every other file (see
manifest.py), `speech_to_shape.onnx` is one streaming step of the network. What else there is depends on where the
person's looks come from: a video (:mod:`hygiesync.avatar.video_avatar`) or one picture
(:mod:`hygiesync.avatar.photo_avatar`).

A bundle is whole or not there at all (:mod:`hygiesync.building.bundle_writing`). There is no pickle anywhere.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from numpy.typing import NDArray

from hygiesync.avatar.manifest import Manifest
from hygiesync.avatar.template import FacePlaces
from hygiesync.errors import UsageError
from hygiesync.face.target import FaceChoice
from hygiesync.media.container import PathLike
from hygiesync.progress import Progress
from hygiesync.rendering.interfaces import MouthShapes, Scene
from hygiesync.speech_to_shape.later import LaterSound
from hygiesync.speech_to_shape.onnx_step import OnnxStep
from hygiesync.speech_to_shape.onnx_window import OnnxWindow
from hygiesync.speech_to_shape.stream import SpeechStream, SpeechToShapeStream
from hygiesync.speech_to_shape.whole import WholeRecordingStream
from hygiesync.timing import lookahead_frames, mel_frames_to_time

WHOLE_RECORDING = float("inf")
"""A lookahead, ms: as far as there is sound. A bundle without a network for it answers as far ahead as it can."""

STEP = "speech_to_shape.onnx"

WINDOW = "speech_to_shape_whole.onnx"
"""The network that hears whole recordings; bundles of earlier versions have none."""

SomeAvatar = TypeVar("SomeAvatar", bound="Avatar")


@dataclass(frozen=True)
class Avatar(ABC):
    """One person, ready to speak.

    Thread-safe: any number of engines, in any threads, may share one. What it makes (streams, scenes) is one engine's.

    Attributes
    ----------
    directory : Path
    manifest : Manifest
    shape : MouthShapes
        What mouth the coefficients mean.
    rest : ndarray, shape (n_components,)
        Coefficients of the resting mouth.
    background : float or None
        Loudness of the training video's pauses, log10 of power; None where there was no such video.
    step : bytes
        ONNX model of one streaming step.
    window : bytes or None
        ONNX model that hears a window of a whole recording, where there is one.
    """

    ORIGIN: ClassVar[str]
    FILES: ClassVar[tuple[str, ...]]
    """Every file of the bundle that the avatar can't do without."""

    OPTIONAL: ClassVar[tuple[str, ...]] = (WINDOW,)
    """What is checked where it is there."""

    directory: Path
    manifest: Manifest
    shape: MouthShapes
    rest: NDArray[Any]
    background: float | None
    step: bytes = field(repr=False)
    window: bytes | None = field(repr=False)

    @classmethod
    @abstractmethod
    def from_files(cls: type[SomeAvatar], folder: Path, manifest: Manifest) -> SomeAvatar:
        """Read a bundle of this kind, whose manifest and fingerprints are found to be right."""

    @staticmethod
    def read_window(folder: Path, manifest: Manifest) -> bytes | None:
        """The network for whole recordings, where the bundle has one."""
        return (folder / WINDOW).read_bytes() if WINDOW in manifest.files else None

    @abstractmethod
    def idle(self, fps: Fraction, lag: int = 0) -> Scene[Any]:
        """The person at rest, at a constant rate, without end.

        Parameters
        ----------
        fps : Fraction
        lag : int
            Frames that the renderer may hold back to draw better.
        """

    @abstractmethod
    def still(self, fps: Fraction, lag: int = 0) -> Scene[Any]:
        """The person standing still, at a constant rate, without end; parameters as of :meth:`idle`."""

    @abstractmethod
    def with_life(self: SomeAvatar, life: str) -> SomeAvatar:
        """The same person in another manner of life, where it is made and not filmed.

        Parameters
        ----------
        life : str
            ``calm``, ``lively`` or ``still``: how far head and shoulders move beside the mouth.

        Raises
        ------
        UsageError
            When there is no such manner, or the avatar was filmed and moves as it did then.
        """

    @abstractmethod
    def dub(
        self,
        video: PathLike,
        *,
        fps: Fraction | None = None,
        still: bool = False,
        duration_s: Fraction | None = None,
        lag: int = 0,
        face: FaceChoice = None,
        places: FacePlaces | None = None,
        progress: Progress | None = None,
        warn: Callable[[str], None] | None = None,
    ) -> Scene[Any]:
        """A video of the person, whose mouth is to be replaced.

        Parameters
        ----------
        video : path
        fps : Fraction, optional
            Rate of the pictures; the video's own frames at their own times when left out.
        still : bool
            One picture of the video's first seconds in place of all.
        duration_s : Fraction, optional
            How much of the video will be wanted; all of it when left out.
        lag : int
        face : int or str, optional
            Whose mouth, where several people are seen; who looks like the avatar when left out. See
            :mod:`hygiesync.face.target`.
        places : FacePlaces, optional
            Where the face is in each of its frames, where somebody has looked already.
        progress, warn : callable, optional

        Raises
        ------
        InputError
            When the video can't be used.
        UsageError
            When this kind of avatar can't speak in a video.
        """

    def with_renderer(self: SomeAvatar, name: str | None) -> SomeAvatar:
        """The avatar, drawn by a renderer of that name; as it was made when left out.

        Raises
        ------
        UsageError
            When it has none of that name.
        """
        if name is not None:
            raise UsageError(f"`renderer`: {self.manifest.name} was made from a photo, which has one way to be drawn")
        return self

    @property
    def fps(self) -> Fraction:
        """The rate that pictures have when none is asked for."""
        return Fraction(self.manifest.fps)

    def speech_stream(self, expressiveness: float = 1.0, lookahead_ms: float | None = None) -> SpeechStream:
        """A new streaming part that turns samples into this person's coefficients.

        Parameters
        ----------
        expressiveness : float
        lookahead_ms : float, optional
            How far ahead it may hear: the avatar's answer with the longest lookahead within that is used.
            :data:`WHOLE_RECORDING` means as far as there is sound, for those who need not speak as they hear. Left out,
            it is what the avatar was trained for live.

        Raises
        ------
        UsageError
            When it is negative, or none of the avatar's answers comes as early as that.
        """
        if lookahead_ms == WHOLE_RECORDING:
            late_s = Fraction(self.manifest.sound_late_ms).limit_denominator(1000) / 1000
            return LaterSound(self._whole_recording_stream(expressiveness), late_s)
        lookahead, early = self._answer_within(lookahead_ms)
        return SpeechToShapeStream(OnnxStep(self.step, early), self.rest, self.background, lookahead, expressiveness)

    def _whole_recording_stream(self, expressiveness: float) -> SpeechStream:
        """The network that hears everything, or of avatars that have none the one for live, with all it can hear."""
        if self.window is not None:
            return WholeRecordingStream(OnnxWindow(self.window), self.rest, self.background, expressiveness)
        lookahead, step = self.manifest.lookahead, OnnxStep(self.step)
        return SpeechToShapeStream(step, self.rest, self.background, lookahead, expressiveness)

    def _answer_within(self, lookahead_ms: float | None) -> tuple[int, int | None]:
        """Lookahead in mel frames, and the number of the early answer that has it (None: the answer proper)."""
        proper, early = self.manifest.lookahead, self.manifest.early_lookaheads
        if lookahead_ms is not None and not lookahead_ms >= 0:
            raise UsageError(f"`lookahead_ms`: expected 0 ms or more, got {lookahead_ms:g}")
        if lookahead_ms is None or lookahead_frames(lookahead_ms) >= proper:
            return proper, None
        within = [(frames, index) for index, frames in enumerate(early) if frames <= lookahead_frames(lookahead_ms)]
        if not within:
            least_ms = float(mel_frames_to_time(min([proper, *early])) * 1000)
            raise UsageError(
                f"`lookahead_ms`: this avatar answers after {least_ms:g} ms or more, and {lookahead_ms:g} ms were asked"
                " for; make it again"
            )
        return max(within)
