"""Between the resting mouth and the network's answer: open where somebody speaks.

In silence the gate takes the mouth to rest and holds it there, whatever the network makes of noise; since it hears
ahead, it opens before the first sound. In pauses that sound as the training video's did, it stays open: there the
network knows better. It has seen what this mouth does between sentences, and people draw breath with parted lips before
they speak; to hold those shut costs 0.04 of the opening's correlation on a speaker who does.
"""

from __future__ import annotations

from hygiesync.timing import time_to_mel_frames

OPENING_FRAMES, CLOSING_FRAMES = time_to_mel_frames(0.04), time_to_mel_frames(0.04)
"""Mel frames in which the gate opens and closes all the way.

After speech that ends abruptly the mouth is at rest some 110 ms later. The window of the last frame with voice, the
frames that the detector averages over, its hold and this make up that time; change none of them alone.
"""


class SilenceGate:
    """How far the mouth follows the network, 0 (rest) to 1, frame by frame.

    Parameters
    ----------
    lookahead : int
        Mel frames that are heard beyond the moment that the gate is for.
    """

    def __init__(self, lookahead: int) -> None:
        self._lookahead = lookahead
        self._openness = 0.0
        self._frames_since_voice = lookahead + 1

    def push(self, is_voice: bool, is_familiar: bool) -> float:
        """Openness `lookahead` frames before a frame with voice or without, in a familiar room or not."""
        self._frames_since_voice = 0 if is_voice else self._frames_since_voice + 1
        if is_familiar or self._frames_since_voice <= self._lookahead:
            self._openness = min(1.0, self._openness + 1 / OPENING_FRAMES)
        else:
            self._openness = max(0.0, self._openness - 1 / CLOSING_FRAMES)
        return self._openness
