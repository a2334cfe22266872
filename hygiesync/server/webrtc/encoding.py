"""Encoders with a bitrate that fits the pictures' size, set for pictures that are drawn and shown at once.

aiortc's own begin at half a megabit, whatever the size, and its ceiling of 1.5 blurs a face of 512 pixels. They also
take several times as long: VP8 filters noise that a drawn picture does not have, and H.264 searches as for a file.
"""

from __future__ import annotations

import time
from fractions import Fraction
from typing import Any, cast

import cv2
import numpy as np
from aiortc import RTCRtpSender
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import Vp8Encoder
from av import AudioFrame, CodecContext, VideoFrame
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray

from hygiesync.server.sessions.feed import FEED_RATE

BITS_PER_PIXEL = 0.4
"""Of each picture of a face that talks before a still background; by eye, beyond it nothing is gained."""

MIN_BITRATE, MAX_BITRATE = 300_000, 8_000_000

_LEAST_SHARE = 0.25
"""A receiver that asks for less than this of the full bitrate gets this all the same; below, the mouth is mush."""

_ANOTHER_BITRATE = 0.1
"""aiortc makes an encoder anew where the bitrate is to change by more than this part."""

VIDEO_CLOCK = 90_000
"""Ticks of a video stream's clock (Hz), RFC 7741."""

SOUND_BITRATE = 64_000
"""Bits a second of mono Opus; RFC 7587, 3.1.1, recommends 28 to 40 thousand for speech, 48 to 64 for music."""

_FULL_SCALE = 32767

_N_TRIED = 12


def bitrate_for(size: tuple[int, int], fps: Fraction) -> int:
    """Bits a second for pictures of a (width, height).

    Examples
    --------
    >>> bitrate_for((512, 512), Fraction(25))
    2621440
    """
    return round(min(max(BITS_PER_PIXEL * size[0] * size[1] * fps, MIN_BITRATE), MAX_BITRATE))


class _PromptEncoder:
    """An encoder of aiortc whose codec is set up here, before aiortc would.

    Its bitrate is a full one, and less where the receiver asks for less.
    """

    codec: VideoCodecContext | None

    def __init__(self, bitrate: int, fps: Fraction) -> None:
        super().__init__()
        self._full = self._wanted = bitrate
        self._fps = fps

    @property
    def target_bitrate(self) -> int:
        """Bits a second that are wanted now."""
        return self._wanted

    @target_bitrate.setter
    def target_bitrate(self, bitrate: int) -> None:
        self._wanted = round(min(max(bitrate, _LEAST_SHARE * self._full), self._full))

    @property
    def bitrate(self) -> int:
        """Bits a second that the codec was told; 0 before the first picture."""
        return 0 if self.codec is None else int(self.codec.bit_rate or 0)

    def encode(self, frame: Any, force_keyframe: bool = False) -> tuple[list[bytes], int]:
        """A picture's packets, and its time stamp; see aiortc."""
        codec = self.codec
        if (
            codec is None
            or (codec.width, codec.height) != (frame.width, frame.height)
            or abs(self._wanted - self.bitrate) > _ANOTHER_BITRATE * self.bitrate
        ):
            self.codec = codec = cast(VideoCodecContext, CodecContext.create(self._CODEC, "w"))
            codec.width, codec.height, codec.pix_fmt = frame.width, frame.height, "yuv420p"
            codec.bit_rate = self._wanted
            codec.framerate, codec.time_base = self._fps, Fraction(1, VIDEO_CLOCK)
            codec.thread_count = 1  # a picture takes a millisecond; threads would only wait for each other
            self._set_up(codec)
        packets: tuple[list[bytes], int] = super().encode(frame, force_keyframe)  # type: ignore[misc]
        return packets

    _CODEC: str

    def _set_up(self, codec: VideoCodecContext) -> None:
        raise NotImplementedError


class SizedVp8Encoder(_PromptEncoder, Vp8Encoder):
    """VP8 at a bitrate for its pictures' size.

    Measured at 512 px: 0.9 ms a picture instead of 2.7, and no worse.
    """

    _CODEC = "libvpx"

    def _set_up(self, codec: VideoCodecContext) -> None:
        bitrate = str(self._wanted)
        codec.gop_size = 3000  # a key frame comes when the receiver asks for it
        codec.qmin, codec.qmax = 2, 56
        codec.options = {
            "deadline": "realtime", "cpu-used": "-12", "lag-in-frames": "0", "static-thresh": "1",
            "bufsize": bitrate, "minrate": bitrate, "maxrate": bitrate, "undershoot-pct": "100", "overshoot-pct": "15",
        }  # fmt: skip


class SizedH264Encoder(_PromptEncoder, H264Encoder):
    """H.264, as :class:`SizedVp8Encoder`."""

    _CODEC = "libx264"

    def _set_up(self, codec: VideoCodecContext) -> None:
        codec.profile = "Baseline"
        codec.options = {"preset": "ultrafast", "tune": "zerolatency", "level": "31"}


def set_encoder(sender: RTCRtpSender, encoder: Any) -> None:
    """Let a sender, before it begins, encode with `encoder` in place of the one that it would make."""
    # aiortc has no other way to choose it; a test sees the bitrate take effect
    assert hasattr(sender, "_RTCRtpSender__encoder")
    sender._RTCRtpSender__encoder = encoder


def encoding_cost(size: tuple[int, int], fps: Fraction) -> float:
    """Processor time a second that pictures of a size take to be encoded, measured on noise that moves."""
    width, height = size
    noise = np.random.default_rng(0).integers(96, 160, (height + 2 * _N_TRIED, width, 3), np.uint8)
    encoder = SizedVp8Encoder(bitrate_for(size, fps), fps)
    start_s = 0.0
    for number in range(_N_TRIED):
        if number == 2:  # the first, a key frame, is dearer, and opens the codec
            start_s = time.thread_time()
        encoder.encode(video_frame(noise[number : number + height], number / float(fps)))
    return (time.thread_time() - start_s) / (_N_TRIED - 2) * float(fps)


def video_frame(picture: NDArray[np.uint8], time_s: float) -> VideoFrame:
    """A picture (H, W, 3), RGB, in the encoders' colours; odd sides lose a pixel, since 4:2:0 has none.

    They are BT.601 in studio range, which is what receivers take a stream for that does not say.
    """
    height, width = (side - side % 2 for side in picture.shape[:2])
    # swscale takes eighteen times as long
    planes = cv2.cvtColor(np.ascontiguousarray(picture[:height, :width]), cv2.COLOR_RGB2YUV_I420)
    frame = VideoFrame.from_ndarray(planes, format="yuv420p")
    frame.pts, frame.time_base = round(time_s * VIDEO_CLOCK), Fraction(1, VIDEO_CLOCK)
    return frame


def opus_encoder() -> AudioCodecContext:
    """An encoder for a session's sound."""
    codec = CodecContext.create("libopus", "w")
    codec.sample_rate, codec.layout, codec.format = FEED_RATE, "mono", "s16"
    codec.time_base, codec.bit_rate = Fraction(1, FEED_RATE), SOUND_BITRATE
    codec.options = {"application": "voip"}
    return codec


def audio_frame(samples: NDArray[np.float32]) -> AudioFrame:
    """Samples (n,), -1 to 1, at `FEED_RATE`, as an encoder wants them."""
    whole = np.rint(np.clip(samples, -1, 1) * _FULL_SCALE).astype(np.int16)
    frame = AudioFrame.from_ndarray(whole[None], format="s16", layout="mono")
    frame.sample_rate, frame.time_base = FEED_RATE, Fraction(1, FEED_RATE)
    return frame
