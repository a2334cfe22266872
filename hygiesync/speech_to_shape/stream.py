r"""From samples to a track of coefficients in time: mel, network and voice activity in one streaming part.

::

    samples -> mel frames -> network ----> coefficients --.
                        \-> voice or not -> gate ---------+--> rest + gate * (coefficients - rest), at any time

The network's answer at mel frame k describes the time `lookahead` frames before frame k was known, and it is asked at
any time in between by linear interpolation. In silence the gate takes the mouth to rest and holds it there, whatever
the network makes of noise; since it hears `lookahead` ahead, it opens before the first sound.

In pauses that sound as the training video's did, the gate stays open: there the network knows better. It has seen what
this mouth does between sentences, and people draw breath with parted lips before they speak; to hold those shut costs
0.04 of the opening's correlation on a speaker who does.
"""

from __future__ import annotations

from collections import deque
from fractions import Fraction

import numpy as np

from hygiesync.speech.activity import VoiceActivity
from hygiesync.speech.mel import N_MELS, POWER_FLOOR, MelSpectrogram
from hygiesync.speech_to_shape.onnx_step import OnnxStep
from hygiesync.timing import HOP_LENGTH, described_time, mel_frames_to_time, mel_position, time_to_mel_frames

N_SOUND_FRAMES = 16
"""Mel frames (10 ms each) that a renderer is given with a moment: 80 ms on each side of it, which is as far ahead as
the default lookahead hears."""

OPENING_FRAMES, CLOSING_FRAMES = time_to_mel_frames(0.04), time_to_mel_frames(0.04)
"""Mel frames in which the gate opens and closes all the way.

After speech that ends abruptly the mouth is at rest some 110 ms later. The window of the last frame with voice, the
frames that the detector averages over, its hold and this make up that time; change none of them alone.
"""


class SpeechToShapeStream:
    """Hears samples, answers with coefficients at given times.

    Parameters
    ----------
    predictor : OnnxStep
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
        self,
        predictor: OnnxStep,
        rest: np.ndarray,
        background: float | None,
        lookahead: int,
        expressiveness: float = 1.0,
    ) -> None:
        self._predictor, self._rest, self._lookahead = predictor, rest, lookahead
        self._expressiveness = expressiveness
        self._spectrogram, self._activity = MelSpectrogram(), VoiceActivity(background)
        self.reset()

    def reset(self) -> None:
        """Forget everything heard."""
        for part in (self._spectrogram, self._activity, self._predictor):
            part.reset()
        # before the first frame there is nothing but rest, so that without lookahead too there is an answer at time 0
        self._track: deque[np.ndarray] = deque([self._rest])
        self._first = -1
        self._mel: deque[np.ndarray] = deque()
        self._first_mel = 0
        self._gate = 0.0
        self._frames_since_voice = self._lookahead + 1

    @property
    def lookahead_s(self) -> Fraction:
        """How much of what follows a moment the network hears before it answers, seconds."""
        return mel_frames_to_time(self._lookahead)

    @property
    def latency_s(self) -> Fraction:
        """How much longer than to a time t must be heard before the coefficients at t are certain, seconds."""
        return mel_frames_to_time(self._lookahead + 1)

    @property
    def known_until_s(self) -> Fraction:
        """Latest time whose coefficients are known, seconds; negative while nothing is."""
        return described_time(self._first + len(self._track) - 1, self._lookahead)

    def push(self, samples: np.ndarray) -> None:
        """Hear some samples (n,), float32, at 16 kHz; any number of them."""
        mel = self._spectrogram.push(samples)
        self._mel.extend(mel)
        for coefficients, is_voice, is_familiar in zip(
            self._predictor.push(mel), *self._activity.listen(mel), strict=True
        ):
            scale = self._expressiveness * self._next_gate(bool(is_voice), bool(is_familiar))
            self._track.append(self._rest + scale * (coefficients - self._rest))

    def at(self, time_s: Fraction) -> np.ndarray:
        """Coefficients (n_components,) at `time_s`, which must be known; what lies before it is forgotten."""
        position = mel_position(time_s, self._lookahead)
        before = max(position.numerator // position.denominator, -1)
        while self._first < before and len(self._track) > 1:
            self._track.popleft()
            self._first += 1
        share = float(position - before)
        if share <= 0 or len(self._track) == 1:
            return self._track[0]
        # in this order, a mouth at rest on both sides is exactly at rest
        return self._track[0] + share * (self._track[1] - self._track[0])

    def sound_at(self, time_s: Fraction) -> np.ndarray:
        """The sound around a moment, for renderers that look at it themselves.

        Parameters
        ----------
        time_s : Fraction
            Must be known, and not lie before one that was asked for; what is no longer needed is forgotten.

        Returns
        -------
        ndarray, shape (N_SOUND_FRAMES, N_MELS), float32, log10 of power
            Half of the mel frames are those known at `time_s`, half come after. Before the first frame, and where
            less was heard than would be looked ahead, the nearest frame stands in; silence where nothing was heard.
        """
        last = mel_position(time_s, 0).__floor__() + N_SOUND_FRAMES // 2
        wanted = range(last - N_SOUND_FRAMES + 1, last + 1)
        while self._first_mel < wanted[0] and len(self._mel) > 1:
            self._mel.popleft()
            self._first_mel += 1
        if not self._mel:
            return np.full((N_SOUND_FRAMES, N_MELS), np.log10(POWER_FLOOR), np.float32)
        newest = min(len(self._mel) - 1, self._heard_by(time_s) - self._first_mel)
        return np.stack([self._mel[min(max(index - self._first_mel, 0), newest)] for index in wanted])

    def finish(self, end_s: Fraction) -> None:
        """The sound is over: silence is heard until every moment before `end_s` is known."""
        while self.known_until_s < end_s:
            self.push(np.zeros(HOP_LENGTH, np.float32))

    def _heard_by(self, time_s: Fraction) -> int:
        """The last mel frame that is heard before the answer about `time_s`, whatever was pushed since."""
        return max(mel_position(time_s, self._lookahead).__ceil__(), self._first_mel)

    def _next_gate(self, is_voice: bool, is_familiar: bool) -> float:
        """The gate for the time that this frame's answer describes: open in a familiar room, or with voice in sight."""
        self._frames_since_voice = 0 if is_voice else self._frames_since_voice + 1
        if is_familiar or self._frames_since_voice <= self._lookahead:
            self._gate = min(1.0, self._gate + 1 / OPENING_FRAMES)
        else:
            self._gate = max(0.0, self._gate - 1 / CLOSING_FRAMES)
        return self._gate


def coefficients_at(stream: SpeechToShapeStream, samples: np.ndarray, times_s: list[Fraction]) -> np.ndarray:
    """Coefficients (n_times, n_components) of a whole signal (n,), at 16 kHz, at increasing times."""
    return moments_at(stream, samples, times_s)[0]


def moments_at(
    stream: SpeechToShapeStream, samples: np.ndarray, times_s: list[Fraction]
) -> tuple[np.ndarray, np.ndarray]:
    """All that a renderer is given of a whole signal.

    Parameters
    ----------
    stream : SpeechToShapeStream
        It begins anew.
    samples : ndarray, shape (n,), float32, at 16 kHz
    times_s : list of Fraction
        Increasing.

    Returns
    -------
    coefficients : ndarray, shape (n_times, n_components)
    sounds : ndarray, shape (n_times, N_SOUND_FRAMES, N_MELS), float32
        See :meth:`SpeechToShapeStream.sound_at`.
    """
    stream.reset()
    stream.push(samples)
    if times_s:
        stream.finish(times_s[-1])
    moments = [(stream.at(time_s), stream.sound_at(time_s)) for time_s in times_s]
    return np.array([coefficients for coefficients, _ in moments]), np.array([sound for _, sound in moments])
