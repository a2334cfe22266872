"""Live speech for some seconds, without window and microphone: how late pictures are, and how many are missing."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from hygiesync.apps.live.options import LiveOptions
from hygiesync.apps.live.session import run_live
from hygiesync.avatar.bundle import Avatar
from hygiesync.exporting.export import reference_signal
from hygiesync.media.audio import write_wav
from hygiesync.progress import Progress
from hygiesync.timing import SAMPLE_RATE

LOOKAHEADS_MS = (None, 0.0)
"""The avatar's own, and none."""

N_REPEATS = 5
"""Of two seconds of a test signal."""


def measure_live(avatar: Avatar, report: Progress) -> dict[str, Any]:
    """Sessions at 60 pictures a second that hear a file in real time.

    Returns
    -------
    dict
        Lookahead in milliseconds -> ``pictures_per_s, missed_ratio, latency_ms, latency_parts_ms, audio_blocks_lost``,
        as ``hygiesync live --json`` has them.
    """
    measured: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder) / "sound.wav"
        write_wav(sound, np.tile(reference_signal(), N_REPEATS), SAMPLE_RATE)
        for number, lookahead_ms in enumerate(LOOKAHEADS_MS):
            report("live", number, len(LOOKAHEADS_MS), "")
            result = run_live(avatar, LiveOptions(str(sound), lookahead_ms=lookahead_ms, output="none"))
            wanted = ("pictures_per_s", "missed_ratio", "latency_ms", "latency_parts_ms", "audio_blocks_lost")
            measured[f"{result['lookahead_ms']:g}"] = {name: result[name] for name in wanted}
    report("live", len(LOOKAHEADS_MS), len(LOOKAHEADS_MS), "")
    return measured
