"""How pictures are encoded into an mp4."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class EncodingOptions:
    """What may be asked of the video encoder.

    Attributes
    ----------
    crf : int
        Quality, 0 (lossless) to 51.
    preset : str
        The encoder's speed, such as ``veryfast``.
    codec : str
        FFmpeg's name of the encoder.
    n_threads : int
        Threads that encode.
    """

    crf: int = 17
    preset: str = "veryfast"
    codec: str = "libx264"
    n_threads: int = 2
