"""Columns on how videos are encoded, which kinds of jobs share."""

from __future__ import annotations

from collections.abc import Mapping

import av

from hygiesync.batch.columns import Setting, one_of, whole_number

MAX_CRF = 51
"""The worst quality that x264 knows."""

ENCODER_PRESETS = (
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo",
)  # fmt: skip
"""x264's, https://trac.ffmpeg.org/wiki/Encode/H.264#Preset."""


def _codec(text: str) -> str:
    try:
        av.codec.Codec(text, "w")
    except (av.error.FFmpegError, ValueError) as error:
        raise ValueError from error
    return text


ENCODING: Mapping[str, Setting] = {
    "codec": Setting("codec", "FFmpeg's name of a video encoder, such as libx264", _codec),
    "crf": whole_number("crf", 0, MAX_CRF),
    "encoder_preset": one_of("preset", ENCODER_PRESETS),
}
