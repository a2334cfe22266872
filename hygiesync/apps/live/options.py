"""What ``hygiesync live`` may be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

OUTPUTS = ("window", "virtual-camera", "none")


@dataclass(frozen=True)
class LiveOptions:
    """What a live session may be asked for.

    Attributes
    ----------
    input_device : str, optional
        A microphone's name or number, or a sound file that is played as if spoken; the default microphone without it.
    fps : Fraction
        Pictures a second.
    lookahead_ms : float, optional
        How far ahead the network may hear; the avatar's own when left out.
    expressiveness : float
        How far the mouth goes from rest.
    output : str
        One of `OUTPUTS`.
    monitor : bool
        Play the sound, delayed to match the picture.
    record : Path, optional
        The mp4 to record to from the start.
    duration_s : float, optional
        End by itself after so long.
    full_screen, mirror, statistics : bool
        How the window begins.
    """

    input_device: str | None = None
    fps: Fraction = Fraction(60)
    lookahead_ms: float | None = None
    expressiveness: float = 1.0
    output: str = "window"
    monitor: bool = False
    record: Path | None = None
    duration_s: float | None = None
    full_screen: bool = False
    mirror: bool = False
    statistics: bool = False
