"""Hearing and loading: how long a mel frame takes from sound to shape, and how long an avatar takes to be there."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.apps.benchmarks.stopwatch import percentiles, seconds_of
from hygiesync.avatar.loading import load_avatar
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.speech.mel import MelSpectrogram
from hygiesync.speech_to_shape.onnx_step import OnnxStep
from hygiesync.timing import HOP_LENGTH, sample_time, time_to_samples

N_LOADS = 5
"""Times that the avatar is loaded."""

HEARD_S = 20.0
"""Seconds of sound that are heard."""

_BLOCK_LENGTH = 1600


def measure_listening(avatar: VideoAvatar) -> dict[str, Any]:
    """Time of one mel frame through spectrogram and network, and how many seconds of sound are heard in one second."""
    generator = np.random.default_rng(0)
    samples = (0.1 * generator.standard_normal(time_to_samples(HEARD_S))).astype(np.float32)
    spectrogram, predictor = MelSpectrogram(), OnnxStep(avatar.step)

    def hear(block: NDArray[Any]) -> None:
        predictor.push(spectrogram.push(block))

    steps_s = [seconds_of(partial(hear, block)) for block in _blocks(samples, HOP_LENGTH)]
    stream = avatar.speech_stream()
    spent_s = sum(seconds_of(partial(stream.push, block)) for block in _blocks(samples, _BLOCK_LENGTH))
    heard_s = float(sample_time(len(samples)))
    return {"mel_frame_us": percentiles(steps_s, 1e6), "sound_s_per_s": round(heard_s / spent_s, 1)}


def measure_loading(avatar: VideoAvatar) -> dict[str, float]:
    """Milliseconds that loading the avatar's bundle takes, as percentiles."""
    return percentiles([seconds_of(partial(load_avatar, avatar.directory)) for _ in range(N_LOADS)], 1e3)


def _blocks(samples: NDArray[Any], length: int) -> Iterator[NDArray[Any]]:
    return (samples[start : start + length] for start in range(0, len(samples), length))
