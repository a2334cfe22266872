"""Exact arithmetic between samples, mel frames, video frames and seconds.

Every conversion between a count and a time lives here, in :class:`~fractions.Fraction`, so that nothing drifts: a time
is always computed from its index, never by adding steps. Other modules may *compare* and *carry* times, but only this
one multiplies or divides by a rate.

The mel clock: frame ``k`` is made of the samples ``[k * HOP_LENGTH, k * HOP_LENGTH + WIN_LENGTH)`` and is known at the
moment its last sample has arrived. No frame is centred, so nothing is padded and nothing looks ahead::

    samples  0........160.......320.......400.......560
    frame 0  [------------ WIN_LENGTH -----]                 known at 25 ms
    frame 1           [------------ WIN_LENGTH -----]        known at 35 ms
"""

from __future__ import annotations

from fractions import Fraction

from hygiesync.errors import UsageError

SAMPLE_RATE = 16_000
"""Samples a second of the mono signal that the speech side listens to (Hz)."""

HOP_LENGTH = 160
"""Samples between two mel frames."""

WIN_LENGTH = 400
"""Samples that one mel frame is made of."""

MEL_RATE = Fraction(SAMPLE_RATE, HOP_LENGTH)
"""Mel frames a second (Hz)."""

MIN_FPS, MAX_FPS = Fraction(1), Fraction(240)

_NTSC_RATES = {
    f"{float(rate):.{digits}f}": rate
    for rate in (Fraction(n * 1000, 1001) for n in (24, 30, 48, 60, 120))
    for digits in (2, 3)
}


def sample_time(index: int, sample_rate: int = SAMPLE_RATE) -> Fraction:
    """Time of sample `index`, in seconds from the first sample."""
    return Fraction(index, sample_rate)


def time_to_samples(time_s: Fraction | float, sample_rate: int = SAMPLE_RATE) -> int:
    """Number of the sample nearest to `time_s`."""
    return round(Fraction(time_s) * sample_rate)


def mel_frame_known_at(index: int) -> Fraction:
    """Time at which the last sample of mel frame `index` has arrived, in seconds."""
    return Fraction(index * HOP_LENGTH + WIN_LENGTH, SAMPLE_RATE)


def time_to_mel_frames(duration_s: Fraction | float) -> int:
    """Mel frames nearest to a span of `duration_s` seconds."""
    return round(Fraction(duration_s) * MEL_RATE)


def mel_frames_to_time(n_frames: int) -> Fraction:
    """Seconds between the first and the last of `n_frames` + 1 mel frames."""
    return Fraction(n_frames) / MEL_RATE


def n_mel_frames(n_samples: int) -> int:
    """Number of mel frames that are complete within the first `n_samples` samples."""
    return max(0, (n_samples - WIN_LENGTH) // HOP_LENGTH + 1)


def described_time(mel_index: int, lookahead: int) -> Fraction:
    """Time that the network's output for mel frame `mel_index` describes, when it may hear `lookahead` frames ahead."""
    return mel_frame_known_at(mel_index) - Fraction(lookahead) / MEL_RATE


def mel_position(time_s: Fraction | float, lookahead: int) -> Fraction:
    """Fractional mel frame whose output describes `time_s`; the inverse of :func:`described_time`."""
    return (Fraction(time_s) - described_time(0, lookahead)) * MEL_RATE


def lookahead_frames(lookahead_ms: float) -> int:
    """Whole mel frames in a lookahead of `lookahead_ms` milliseconds, rounded down so that a bound stays a bound."""
    return int(Fraction(lookahead_ms) * MEL_RATE / 1000)


def video_frame_time(index: int, fps: Fraction) -> Fraction:
    """Presentation time of video frame `index` at a constant rate of `fps` frames a second."""
    return Fraction(index) / fps


def n_video_frames(duration_s: Fraction | float, fps: Fraction) -> int:
    """Number of video frames at `fps` whose presentation time lies before `duration_s`."""
    frames = Fraction(duration_s) * fps
    return frames.numerator // frames.denominator + (frames.denominator != 1)


def frames_in(duration_s: Fraction | float, fps: Fraction | float) -> int:
    """Whole frames nearest to a span of `duration_s` seconds at `fps`; for window lengths, not for time stamps."""
    return round(Fraction(duration_s) * Fraction(fps))


def parse_fps(text: str | float | Fraction) -> Fraction:
    """Frame rate from what a person writes.

    ``23.976``, ``29.97`` and their kin mean the NTSC rates (24000/1001, 30000/1001), since nobody means 2997/100.

    Raises
    ------
    UsageError
        When `text` is no number or lies outside 1 to 240 frames a second.

    Examples
    --------
    >>> parse_fps("29.97")
    Fraction(30000, 1001)
    >>> parse_fps(25)
    Fraction(25, 1)
    """
    written = str(text).strip()
    try:
        if "e" in written.lower():  # Fraction would write out 1e99999999 digit by digit
            raise ValueError
        fps = _NTSC_RATES.get(written) or Fraction(written)
    except (ValueError, ZeroDivisionError):
        raise UsageError(f"`fps`: expected a frame rate such as 25, 29.97 or 30000/1001, got {text!r}") from None
    if not MIN_FPS <= fps <= MAX_FPS:
        raise UsageError(f"`fps`: expected a frame rate of {MIN_FPS} to {MAX_FPS} a second, got {text}")
    return fps
