"""The engine: blocks of sound in, timed pictures out. Live and offline are this same class.

It has no threads, no clock and no files of its own: sound is pushed in, the template's frames are pulled from an
iterator, and everything remembered between calls is here, so that it can be reset.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from hygiesync.avatar.bundle import Avatar
from hygiesync.errors import InputError, UsageError
from hygiesync.render.interfaces import Renderer, TemplateFrame, TemplateSource
from hygiesync.timing import HOP_LENGTH, parse_fps, sample_time

MAX_EXPRESSIVENESS = 2.0
"""Twice as far from rest as the person goes is a caricature already."""


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """One picture that comes out.

    Attributes
    ----------
    image : ndarray, shape (H, W, 3), uint8, RGB
    time_s : Fraction
        When it is shown, in seconds on the clock of the pushed samples.
    """

    image: np.ndarray
    time_s: Fraction


class Engine:
    """Makes an avatar speak.

    Parameters
    ----------
    avatar : Avatar
    fps : int, float, str or Fraction
        Pictures a second, when the idle loop is the template.
    template : TemplateSource, optional
        Frames to put the mouth into, at times of their own; the avatar's idle loop when left out.
    renderer : Renderer, optional
        What draws; the avatar's own when left out.
    expressiveness : float
        How far the mouth goes from rest, 0 to 2; 1 is as the person does.
    lookahead_ms : float, optional
        How far ahead the network may hear: less is earlier and less exact; see :meth:`Avatar.listener`.

    Raises
    ------
    UsageError
        When the rate or the expressiveness is out of range.

    Examples
    --------
    >>> engine = Engine(load_avatar("models/me"), fps=60)  # doctest: +SKIP
    >>> for frame in engine.push(samples):  # doctest: +SKIP
    ...     show(frame.image)
    """

    def __init__(
        self,
        avatar: Avatar,
        fps: int | float | str | Fraction = 60,
        template: TemplateSource | None = None,
        renderer: Renderer | None = None,
        expressiveness: float = 1.0,
        lookahead_ms: float | None = None,
    ) -> None:
        check_expressiveness(expressiveness)
        self._template = template or avatar.idle_template(parse_fps(fps))
        self._renderer = renderer or avatar.renderer()
        self._listener = avatar.listener(expressiveness, lookahead_ms)
        self.reset()

    def reset(self) -> None:
        """Start again: at time zero, at the template's first frame, with nothing heard."""
        self._listener.reset()
        self._renderer.reset()
        self._frames = self._template.frames()
        self._waiting: TemplateFrame | None = None
        self._n_samples = 0
        self._skipped_until_s = Fraction(0)

    @property
    def known_until_s(self) -> Fraction:
        """Pictures up to this time are certain; negative while none is."""
        return self._listener.known_until_s

    @property
    def lookahead_s(self) -> Fraction:
        """How far beyond a moment the network hears before it answers, seconds."""
        return self._listener.lookahead_s

    @property
    def latency_s(self) -> float:
        """A picture for time t comes out once the samples up to t + `latency_s` are in.

        A renderer with a lag may need some frames more; the avatar's own renderer, as it is here, has none.
        """
        return float(self._listener.latency_s)

    def push(self, samples: np.ndarray) -> Iterator[VideoFrame]:
        """Hear some samples and get the pictures that became certain.

        Parameters
        ----------
        samples : ndarray, shape (n,), float32, -1 to 1, at 16 kHz mono
            Any number of them; the same sound in other blocks gives the same pictures.

        Returns
        -------
        iterator of VideoFrame
            Pictures are drawn as they are taken; those not taken come with the next call.

        Raises
        ------
        InputError
            When `samples` is not one row of finite numbers.
        """
        samples = np.asarray(samples, np.float32)
        if samples.ndim != 1 or not np.isfinite(samples).all():
            raise InputError(
                f"samples: expected a mono signal of finite numbers, shape (n,), got shape {samples.shape}"
                + ("" if samples.ndim != 1 else " with NaN or infinity in it")
            )
        self._n_samples += len(samples)
        self._listener.push(samples)
        return self._due()

    def skip_until(self, time_s: Fraction) -> None:
        """Don't draw pictures before `time_s`: they would come too late to be shown.

        What is heard is heard all the same, and the template's frames pass. May be called between two pictures of
        :meth:`push`.
        """
        self._skipped_until_s = time_s

    def flush(self) -> Iterator[VideoFrame]:
        """The last pictures: silence is heard until every time before the sound's end has its picture.

        Returns
        -------
        iterator of VideoFrame
            After it, :meth:`reset` before pushing again.
        """
        end_s = sample_time(self._n_samples)
        while self._listener.known_until_s < end_s:
            self._listener.push(np.zeros(HOP_LENGTH, np.float32))
        return self._last(end_s)

    def _last(self, end_s: Fraction) -> Iterator[VideoFrame]:
        yield from self._due(end_s)
        yield from _as_video(self._renderer.flush())

    def _due(self, end_s: Fraction | None = None) -> Iterator[VideoFrame]:
        """Pictures of all template frames whose coefficients are known, and that begin before the sound's end."""
        while True:
            if self._waiting is None:
                self._waiting = next(self._frames)
            time_s = self._waiting.time_s
            if time_s > self._listener.known_until_s or (end_s is not None and time_s >= end_s):
                return
            template, self._waiting = self._waiting, None
            if time_s < self._skipped_until_s:
                continue
            yield from _as_video(self._renderer.push(template, self._listener.at(time_s)))


def _as_video(drawn: Iterator[tuple[TemplateFrame, np.ndarray]]) -> Iterator[VideoFrame]:
    return (VideoFrame(picture, template.time_s) for template, picture in drawn)


def check_expressiveness(value: float) -> None:
    """Refuse what is no scale of articulation.

    Raises
    ------
    UsageError
        When `value` lies outside 0 to 2.
    """
    if not 0 <= value <= MAX_EXPRESSIVENESS:
        raise UsageError(f"expressiveness: expected 0 to {MAX_EXPRESSIVENESS:g}, got {value:g}")
