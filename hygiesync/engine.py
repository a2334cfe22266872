"""The engine: blocks of sound in, timed pictures out. Live and offline are this same class.

It has no threads, no clock and no files of its own: sound is pushed in, the template's frames are pulled from an
iterator, and everything remembered between calls is here, so that it can be reset::

    push(samples) --> stream --> coefficients, sound at a time --.
                                                                  >--> renderer --> VideoFrame
                             template's next frame, its time ----'
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.avatar.bundle import Avatar
from hygiesync.errors import InputError, UsageError
from hygiesync.interpolation import smoothstep
from hygiesync.rendering.interfaces import Scene, TemplateFrame
from hygiesync.timing import parse_fps, sample_time

MAX_EXPRESSIVENESS = 2.0
"""Twice as far from rest as the person goes is a caricature already."""

RELEASE_S = Fraction(1, 10)
"""After an interruption the mouth goes to what is wanted of it within this time, seconds: as fast as lips close between
two syllables, so that it does not jump, and under the 120 ms in which a viewer sees a mouth that goes on."""


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """One picture that comes out.

    Attributes
    ----------
    image : ndarray, shape (H, W, 3), uint8, RGB
    time_s : Fraction
        When it is shown, in seconds on the clock of the pushed samples.
    """

    image: NDArray[np.uint8]
    time_s: Fraction


class Engine:
    """Makes an avatar speak.

    Not thread-safe: one thread at a time, one engine for each speaker. Any number of engines may share an avatar.

    Parameters
    ----------
    avatar : Avatar
    fps : int, float, str or Fraction
        Pictures a second of the avatar's idle motion, where no other scene is given.
    scene : Scene, optional
        The pictures to put the mouth into, at times of their own, and what draws it, as from :meth:`Avatar.idle`,
        :meth:`Avatar.still` or :meth:`Avatar.dub`. It serves this engine alone.
    expressiveness : float
        How far the mouth goes from rest, 0 to 2; 1 is as the person does.
    lookahead_ms : float, optional
        How far ahead the network may hear: less is earlier and less exact; see :meth:`Avatar.speech_stream`.

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
        *,
        scene: Scene[Any] | None = None,
        expressiveness: float = 1.0,
        lookahead_ms: float | None = None,
    ) -> None:
        check_expressiveness(expressiveness)
        scene = scene or avatar.idle(parse_fps(fps))
        self._template, self._renderer = scene.template, scene.renderer
        self._rest = avatar.rest
        self._stream = avatar.speech_stream(expressiveness, lookahead_ms)
        self.reset()

    def reset(self) -> None:
        """Start again: at time zero, at the template's first frame, with nothing heard."""
        self._frames = self._template.frames()
        self._skipped_until_s = Fraction(0)
        self._undrawn: deque[tuple[TemplateFrame[Any], NDArray[Any]]] = deque()
        self._ahead: deque[TemplateFrame[Any]] = deque()
        self._mouth = self._rest
        self._forget(Fraction(0))

    def _forget(self, from_s: Fraction) -> None:
        """Nothing was heard; the next sample lies at `from_s`."""
        self._stream.reset()
        self._renderer.reset()
        self._drawing: Iterator[tuple[TemplateFrame[Any], NDArray[Any]]] = iter(())
        self._sound_start_s, self._n_samples = from_s, 0
        self._end_s: Fraction | None = None
        self._is_flushed = False
        self._mouth_left = self._mouth

    @property
    def known_until_s(self) -> Fraction:
        """Pictures up to this time are certain; nothing is known before the first sound."""
        return self._sound_start_s + self._stream.known_until_s

    @property
    def lookahead_s(self) -> Fraction:
        """How far beyond a moment the network hears before it answers, seconds."""
        return self._stream.lookahead_s

    @property
    def latency_s(self) -> float:
        """A picture for time t comes out once the samples up to t + `latency_s` are in.

        A renderer with a lag may need some frames more; the avatar's own renderer, as it is here, has none.
        """
        return float(self._stream.latency_s)

    def push(self, samples: FloatArray) -> Iterator[VideoFrame]:
        """Hear some samples and get the pictures that became certain.

        Parameters
        ----------
        samples : ndarray, shape (n,), floating point, -1 to 1, at 16 kHz mono
            Any number of them; the same sound in other blocks gives the same pictures.

        Returns
        -------
        iterator of VideoFrame
            Pictures are drawn as they are taken; those not taken come with the next call.

        Raises
        ------
        InputError
            When `samples` is not one row of finite floating-point numbers.
        UsageError
            After :meth:`flush`, which ends the sound.
        """
        if self._end_s is not None:
            raise UsageError("push: the sound was ended by flush(); call reset() or interrupt() before more is pushed")
        samples = _checked(samples)
        self._n_samples += len(samples)
        self._stream.push(samples)
        return self._pictures()

    def skip_until(self, time_s: Fraction) -> None:
        """Don't draw pictures before `time_s`: they would come too late to be shown.

        What is heard is heard all the same, and the template's frames pass. May be called between two pictures of
        :meth:`push`.
        """
        self._skipped_until_s = time_s

    def flush(self) -> Iterator[VideoFrame]:
        """The sound ends here: the pictures of all times before its end.

        Returns
        -------
        iterator of VideoFrame
            As from :meth:`push`; pictures not taken come when it is called again. More sound may be pushed after
            :meth:`reset` or :meth:`interrupt` only.
        """
        self._end_s = self._sound_start_s + sample_time(self._n_samples)
        self._stream.finish(self._end_s - self._sound_start_s)
        return self._pictures()

    def interrupt(self) -> Fraction:
        """Fall silent: forget what was heard and has no picture yet.

        The mouth goes from where it is to what the sound that follows wants of it (to rest, in silence) within
        `RELEASE_S`; the head goes on from where it is. The clock of pictures goes on too, and the next sample that is
        pushed lies at the time of the next picture.

        Returns
        -------
        Fraction
            That time: sound before it had its pictures, what was pushed after it is forgotten.
        """
        self._ahead.extendleft(template for template, _ in reversed(self._undrawn))
        self._undrawn.clear()
        if not self._ahead:
            self._ahead.append(next(self._frames))
        from_s = self._ahead[0].time_s
        self._forget(from_s)
        return from_s

    def _pictures(self) -> Iterator[VideoFrame]:
        """Pictures of all template frames whose mouth is known and that begin before the sound's end.

        A caller may drop this iterator anywhere. So all that goes on is kept in the engine, and the renderer's own
        iterator is asked for one item after another: `yield from` would close it with this one.
        """
        while True:
            drawn = next(self._drawing, None)
            if drawn is not None:
                template, picture = drawn
                _, self._mouth = self._undrawn.popleft()
                yield VideoFrame(picture, template.time_s)
            elif not self._draw_next():
                return

    def _draw_next(self) -> bool:
        """Give the renderer its next frame; False where none can be drawn yet."""
        if not self._ahead:
            self._ahead.append(next(self._frames))
        time_s = self._ahead[0].time_s
        if self._end_s is not None and time_s >= self._end_s:
            if self._is_flushed:
                return False
            self._is_flushed = True
            self._drawing = self._renderer.flush()
            return True
        if time_s > self.known_until_s:
            return False
        template = self._ahead.popleft()
        if time_s >= self._skipped_until_s:
            heard_s = time_s - self._sound_start_s
            mouth = self._mouth_at(heard_s)
            self._undrawn.append((template, mouth))
            self._drawing = self._renderer.push(template, mouth, self._stream.sound_at(heard_s))
        return True

    def _mouth_at(self, heard_s: Fraction) -> NDArray[Any]:
        """Coefficients (n_components,) at a time of the sound; after an interruption, on the way from the mouth then.

        m(t) = wanted(t) + (1 - s(t / RELEASE_S)) (left - rest),  s: :func:`smoothstep`
        """
        wanted = self._stream.at(heard_s)
        if not self._sound_start_s or heard_s >= RELEASE_S:
            return wanted
        return wanted + (1 - smoothstep(float(heard_s / RELEASE_S))) * (self._mouth_left - self._rest)


def _checked(samples: NDArray[Any]) -> NDArray[Any]:
    """`samples` as float32, if they are a signal."""
    samples = np.asarray(samples)
    if not np.issubdtype(samples.dtype, np.floating):
        raise InputError(
            f"samples: expected floating-point numbers from -1 to 1, got {samples.dtype}; divide 16-bit samples by"
            " 32768"
        )
    if samples.ndim != 1 or not np.isfinite(samples).all():
        raise InputError(
            f"samples: expected a mono signal of finite numbers, shape (n,), got shape {samples.shape}"
            + ("" if samples.ndim != 1 else " with NaN or infinity in it")
        )
    return samples.astype(np.float32, copy=False)


def check_expressiveness(value: float) -> None:
    """Refuse what is no scale of articulation.

    Raises
    ------
    UsageError
        When `value` lies outside 0 to 2.
    """
    if not 0 <= value <= MAX_EXPRESSIVENESS:
        raise UsageError(f"`expressiveness`: expected 0 to {MAX_EXPRESSIVENESS:g}, got {value:g}")
