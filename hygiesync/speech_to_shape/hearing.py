"""What the generic model hears in a whole recording, for networks that hear it beside the mel frames."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.speech.mel import N_MELS, POWER_FLOOR
from hygiesync.speech_to_shape.onnx_window import OnnxWindow
from hygiesync.speech_to_shape.whole import MARGIN_FRAMES

STRIDE = 2
"""Mel frames to one answer of :meth:`OnnxWindow.sounds`."""


def sounds_of(window: OnnxWindow, mel: NDArray[Any]) -> NDArray[np.float32]:
    """Sounds at every mel frame, heard in the windows in which :class:`WholeRecordingStream` will hear them.

    Parameters
    ----------
    window : OnnxWindow
        The generic model.
    mel : ndarray, shape (n_frames, N_MELS), log10 of power
        A whole recording; after it comes silence.

    Returns
    -------
    ndarray, shape (n_frames, width), float32
        Each answer twice, for the frame that it is about and the next.
    """
    n_frames, length = len(mel), window.n_frames
    step = length - 2 * MARGIN_FRAMES
    silence = np.full((length, N_MELS), np.log10(POWER_FLOOR), np.float32)
    padded = np.concatenate([mel, silence])
    parts = []
    for start in range(0, max(1, n_frames), step):
        sounds = window.sounds(padded[start : start + length]).repeat(STRIDE, axis=0)
        parts.append(sounds[MARGIN_FRAMES if start else 0 : length - MARGIN_FRAMES])
    return np.concatenate(parts)[:n_frames].astype(np.float32)
