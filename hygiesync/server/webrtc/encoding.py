"""Encoders with a bitrate that fits the pictures' size.

aiortc's own begin at half a megabit, whatever the size, and its ceiling of 1.5 blurs a face of 512 pixels.
"""

from __future__ import annotations

import time
from fractions import Fraction
from typing import Any

import numpy as np
from aiortc import RTCRtpSender
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import Vp8Encoder
from av import VideoFrame

BITS_PER_PIXEL = 0.4
"""Of each picture of a face that talks before a still background; by eye, beyond it nothing is gained."""

MIN_BITRATE, MAX_BITRATE = 300_000, 8_000_000

_LEAST_SHARE = 0.25
"""A receiver that asks for less than this of the full bitrate gets this all the same; below, the mouth is mush."""

VIDEO_CLOCK = 90_000
"""Ticks of a video stream's clock (Hz), RFC 7741."""

_N_TRIED = 12


def bitrate_for(size: tuple[int, int], fps: Fraction) -> int:
    """Bits a second for pictures of a (width, height).

    Examples
    --------
    >>> bitrate_for((512, 512), Fraction(25))
    2621440
    """
    return round(min(max(BITS_PER_PIXEL * size[0] * size[1] * fps, MIN_BITRATE), MAX_BITRATE))


class _SizedBitrate:
    """The bitrate of an encoder of aiortc: up to a full one, less where the receiver asks for less."""

    def __init__(self, bitrate: int) -> None:
        super().__init__()
        self._full = self._wanted = bitrate

    @property
    def bitrate(self) -> int:
        """Bits a second that the codec was told; 0 before the first picture."""
        codec: Any = getattr(self, "codec", None)
        return 0 if codec is None else int(codec.bit_rate)

    @property
    def target_bitrate(self) -> int:
        """Bits a second."""
        return self._wanted

    @target_bitrate.setter
    def target_bitrate(self, bitrate: int) -> None:
        self._wanted = round(min(max(bitrate, _LEAST_SHARE * self._full), self._full))


class SizedVp8Encoder(_SizedBitrate, Vp8Encoder):
    """VP8 at a bitrate for its pictures' size."""


class SizedH264Encoder(_SizedBitrate, H264Encoder):
    """H.264, as :class:`SizedVp8Encoder`."""


def set_encoder(sender: RTCRtpSender, encoder: Any) -> None:
    """Let a sender, before it begins, encode with `encoder` in place of the one that it would make."""
    # aiortc has no other way to choose it; a test sees the bitrate take effect
    assert hasattr(sender, "_RTCRtpSender__encoder")
    sender._RTCRtpSender__encoder = encoder


def encoding_cost(size: tuple[int, int], fps: Fraction) -> float:
    """Processor time a second that pictures of a size take to be encoded, measured on noise that moves."""
    width, height = size
    noise = np.random.default_rng(0).integers(96, 160, (height + 2 * _N_TRIED, width, 3), np.uint8)
    encoder = SizedVp8Encoder(bitrate_for(size, fps))
    start_s = 0.0
    for number in range(_N_TRIED):
        if number == 2:  # the first, a key frame, is dearer, and opens the codec
            start_s = time.thread_time()
        picture = np.ascontiguousarray(noise[number : number + height])
        encoder.encode(video_frame(picture, number / float(fps)))
    return (time.thread_time() - start_s) / (_N_TRIED - 2) * float(fps)


def video_frame(picture: Any, time_s: float) -> VideoFrame:
    """A picture (H, W, 3), RGB, as aiortc wants it; odd sides lose a pixel, since 4:2:0 has none."""
    height, width = (side - side % 2 for side in picture.shape[:2])
    frame = VideoFrame.from_ndarray(np.ascontiguousarray(picture[:height, :width]), format="rgb24")
    frame.pts = round(time_s * VIDEO_CLOCK)
    frame.time_base = Fraction(1, VIDEO_CLOCK)
    return frame
