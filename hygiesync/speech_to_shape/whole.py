r"""From a whole recording to coefficients, for those who can wait: the network hears what comes before *and* after.

In constant memory for hours: the recording is heard in windows that overlap, and each window answers for its inner part
only. What lies beyond the margin is too far away to change what recurrence and convolutions answer, so the windows
together say what one pass over the whole recording would. Where the generic model's sounds are heard too, whose
attention reaches over a whole window, a window that began elsewhere differs by 0.03 to 0.06 standard deviations in the
mean, and by 0.16 to 0.29 in one of a hundred frames (three people); so the windows begin at fixed times of the
recording, and its answer is always the same::

    window 1   [============ answered ============|- margin -]
    window 2                        [- margin -|==== answered ====|- margin -]
    window 3                                              [- margin -|==== ...

After the recording's end there is silence.
"""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.speech.activity import VoiceActivity
from hygiesync.speech.mel import N_MELS, MelSpectrogram
from hygiesync.speech_to_shape.gate import SilenceGate
from hygiesync.speech_to_shape.onnx_window import OnnxWindow
from hygiesync.speech_to_shape.track import CoefficientTrack, SoundTrack
from hygiesync.timing import HOP_LENGTH, mel_frames_to_time, time_to_mel_frames

WINDOW_FRAMES = time_to_mel_frames(10.24)
"""Mel frames that a window is long: the longer, the fewer are heard twice."""

MARGIN_FRAMES = time_to_mel_frames(2.56)
"""Mel frames at a window's ends that are heard and not answered for. A test holds that windows with this margin give
what one pass gives, within 1e-4 of a standard deviation, when what they hear reaches no further."""

ANSWER_FRAMES = 1
"""Mel frames before a frame is known that its answer describes: the frame's middle, nearly."""

GATE_FRAMES = time_to_mel_frames(0.08)
"""Mel frames before a voice at which the silence gate begins to open: as far as a stream with the usual lookahead."""

_SILENCE = np.zeros(10 * HOP_LENGTH, np.float32)


class WholeRecordingStream:
    """Hears samples, answers with coefficients once it has heard far enough on. Not thread-safe.

    Parameters
    ----------
    window : OnnxWindow
    rest : ndarray, shape (n_components,)
        Coefficients of the resting mouth.
    background : float or None
        Loudness of the training video's pauses, if there was one; see :class:`VoiceActivity`.
    expressiveness : float
        How far the mouth goes from rest.
    """

    def __init__(
        self,
        window: OnnxWindow,
        rest: NDArray[Any],
        background: float | None,
        expressiveness: float = 1.0,
    ) -> None:
        self._window, self._rest, self._expressiveness = window, rest, expressiveness
        self._spectrogram, self._activity = MelSpectrogram(), VoiceActivity(background)
        self.reset()

    def reset(self) -> None:
        """Forget everything heard."""
        self._spectrogram.reset()
        self._activity.reset()
        self._track = CoefficientTrack(self._rest, ANSWER_FRAMES)
        self._sound = SoundTrack(MARGIN_FRAMES)
        self._gate = SilenceGate(GATE_FRAMES)
        self._mel = np.zeros((0, N_MELS), np.float32)
        self._first_mel = self._n_answered = 0
        # what the gate says at a frame is about a moment so many frames before
        self._openness: deque[float] = deque()
        self._n_early = GATE_FRAMES - ANSWER_FRAMES

    @property
    def lookahead_s(self) -> Fraction:
        """How much of what follows a moment is heard at the least before it is answered, seconds."""
        return mel_frames_to_time(MARGIN_FRAMES)

    @property
    def latency_s(self) -> Fraction:
        """How much longer than to a time must be heard at the most before it is answered, seconds."""
        return mel_frames_to_time(self._window.n_frames + 2)

    @property
    def known_until_s(self) -> Fraction:
        """See :class:`SpeechStream`."""
        return self._track.known_until_s

    @property
    def n_kept(self) -> int:
        """Mel frames that are remembered, for whoever watches memory."""
        return max(len(self._mel), len(self._openness))

    def push(self, samples: NDArray[Any]) -> None:
        """See :class:`SpeechStream`."""
        mel = self._spectrogram.push(samples)
        self._sound.extend(mel)
        self._mel = np.concatenate([self._mel, mel])
        for is_voice, is_familiar in zip(*self._activity.listen(mel), strict=True):
            openness = self._gate.push(bool(is_voice), bool(is_familiar))
            if self._n_early:
                self._n_early -= 1
            else:
                self._openness.append(openness)
        while len(self._mel) >= self._window.n_frames:
            self._answer()

    def finish(self, end_s: Fraction) -> None:
        """See :class:`SpeechStream`."""
        while self.known_until_s < end_s:
            self.push(_SILENCE)

    def at(self, time_s: Fraction) -> NDArray[Any]:
        """See :class:`SpeechStream`."""
        return self._track.at(time_s)

    def sound_at(self, time_s: Fraction) -> NDArray[Any]:
        """See :class:`SpeechStream`."""
        return self._sound.at(time_s)

    def _answer(self) -> None:
        """Answer for the inner part of the next window, and forget what no later window needs."""
        answers = self._window.answer(self._mel[: self._window.n_frames])
        inner = answers[self._n_answered - self._first_mel : self._window.n_frames - MARGIN_FRAMES]
        for coefficients in inner:
            scale = self._expressiveness * self._openness.popleft()
            self._track.append(self._rest + scale * (coefficients - self._rest))
        self._n_answered += len(inner)
        n_forgotten = self._n_answered - MARGIN_FRAMES - self._first_mel
        self._mel = self._mel[n_forgotten:]
        self._first_mel += n_forgotten
