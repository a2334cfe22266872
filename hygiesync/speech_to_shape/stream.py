r"""From samples to coefficients in time, for those who can't wait: mel, network and voice activity in one part.

::

    samples -> mel frames -> network ----> coefficients --.
                        \-> voice or not -> gate ---------+--> rest + gate * (coefficients - rest), at any time

The network's answer at mel frame k describes the time `lookahead` frames before frame k was known, and it is asked at
any time in between by linear interpolation.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.speech.activity import VoiceActivity
from hygiesync.speech.mel import MelSpectrogram
from hygiesync.speech_to_shape.gate import SilenceGate
from hygiesync.speech_to_shape.onnx_step import OnnxStep
from hygiesync.speech_to_shape.track import CoefficientTrack, SoundTrack
from hygiesync.timing import HOP_LENGTH, mel_frames_to_time


class SpeechStream(Protocol):
    """What the engine asks of whatever hears. Not thread-safe."""

    @property
    def lookahead_s(self) -> Fraction:
        """How much of what follows a moment is heard before it is answered, seconds."""
        ...

    @property
    def latency_s(self) -> Fraction:
        """How much longer than to a time t must be heard before the coefficients at t are certain, seconds."""
        ...

    @property
    def known_until_s(self) -> Fraction:
        """Latest time whose coefficients are known, seconds; negative while nothing is."""
        ...

    def push(self, samples: NDArray[Any]) -> None:
        """Hear some samples (n,), float32, at 16 kHz; any number of them."""
        ...

    def finish(self, end_s: Fraction) -> None:
        """The sound is over, and silence follows: every moment up to `end_s` becomes known."""
        ...

    def at(self, time_s: Fraction) -> NDArray[Any]:
        """Coefficients (n_components,) at `time_s`, which must be known; what lies before it is forgotten."""
        ...

    def sound_at(self, time_s: Fraction) -> NDArray[Any]:
        """Mel frames (N_SOUND_FRAMES, N_MELS) around `time_s`; see :meth:`SoundTrack.at`."""
        ...

    def reset(self) -> None:
        """Forget everything heard."""
        ...


class SpeechToShapeStream:
    """Hears samples, answers with coefficients at given times. Not thread-safe.

    Parameters
    ----------
    step : OnnxStep
    rest : ndarray, shape (n_components,)
        Coefficients of the resting mouth.
    background : float or None
        Loudness of the training video's pauses, if there was one; see :class:`VoiceActivity`.
    lookahead : int
        Mel frames that the network was trained to hear ahead.
    expressiveness : float
        How far the mouth goes from rest: 1 is as the person does, 0 is a mouth at rest.
    """

    def __init__(
        self, step: OnnxStep, rest: FloatArray, background: float | None, lookahead: int, expressiveness: float = 1.0
    ) -> None:
        self._step, self._rest, self._lookahead = step, rest, lookahead
        self._expressiveness = expressiveness
        self._spectrogram, self._activity = MelSpectrogram(), VoiceActivity(background)
        self.reset()

    def reset(self) -> None:
        """Forget everything heard."""
        for part in (self._spectrogram, self._activity, self._step):
            part.reset()
        self._track = CoefficientTrack(self._rest, self._lookahead)
        self._sound = SoundTrack(self._lookahead)
        self._gate = SilenceGate(self._lookahead)

    @property
    def lookahead_s(self) -> Fraction:
        """See :class:`SpeechStream`."""
        return mel_frames_to_time(self._lookahead)

    @property
    def latency_s(self) -> Fraction:
        """See :class:`SpeechStream`."""
        return mel_frames_to_time(self._lookahead + 1)

    @property
    def known_until_s(self) -> Fraction:
        """See :class:`SpeechStream`."""
        return self._track.known_until_s

    def push(self, samples: FloatArray) -> None:
        """See :class:`SpeechStream`."""
        mel = self._spectrogram.push(samples)
        self._sound.extend(mel)
        for coefficients, is_voice, is_familiar in zip(self._step.push(mel), *self._activity.listen(mel), strict=True):
            scale = self._expressiveness * self._gate.push(bool(is_voice), bool(is_familiar))
            self._track.append(self._rest + scale * (coefficients - self._rest))

    def finish(self, end_s: Fraction) -> None:
        """See :class:`SpeechStream`."""
        while self.known_until_s < end_s:
            self.push(np.zeros(HOP_LENGTH, np.float32))

    def at(self, time_s: Fraction) -> NDArray[np.float64]:
        """See :class:`SpeechStream`."""
        return self._track.at(time_s)

    def sound_at(self, time_s: Fraction) -> NDArray[Any]:
        """See :class:`SpeechStream`."""
        return self._sound.at(time_s)


def coefficients_at(stream: SpeechStream, samples: FloatArray, times_s: list[Fraction]) -> NDArray[np.float64]:
    """Coefficients (n_times, n_components) of a whole signal (n,), at 16 kHz, at increasing times."""
    return moments_at(stream, samples, times_s)[0]


def moments_at(
    stream: SpeechStream, samples: NDArray[np.float32], times_s: list[Fraction]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """All that a renderer is given of a whole signal.

    Parameters
    ----------
    stream : SpeechStream
        It begins anew.
    samples : ndarray, shape (n,), float32, at 16 kHz
    times_s : list of Fraction
        Increasing.

    Returns
    -------
    coefficients : ndarray, shape (n_times, n_components)
    sounds : ndarray, shape (n_times, N_SOUND_FRAMES, N_MELS), float32
        See :meth:`SoundTrack.at`.
    """
    stream.reset()
    stream.push(samples)
    if times_s:
        stream.finish(times_s[-1])
    moments = [(stream.at(time_s), stream.sound_at(time_s)) for time_s in times_s]
    return np.array([coefficients for coefficients, _ in moments]), np.array([sound for _, sound in moments])
