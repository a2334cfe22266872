"""What one training is asked for, and whether its videos can be used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hygiesync.avatar.manifest import RENDERERS, RETRIEVAL, UNET, sha256_of
from hygiesync.errors import InputError, UsageError
from hygiesync.face.target import FaceChoice, parse_face
from hygiesync.media.video import VideoInfo, probe
from hygiesync.timing import lookahead_frames

MIN_VIDEO_S = 8

DEFAULT_LOOKAHEAD_MS = 80.0
MAX_LOOKAHEAD_MS = 200.0

EARLY_LOOKAHEADS = (0, 4)
"""Mel frames; every avatar has heads that answer as early as that too, as far as it is less than its own lookahead."""


_OPTIONS = ("preset", "lookahead", "seed", "fix_offset", "face", "audio_track")

BOTH = "both"
"""Beside the names of :data:`hygiesync.avatar.manifest.RENDERERS`: the painter is made, and real pictures are shown."""


@dataclass(frozen=True)
class Job:
    """What one training is asked for; a resumed run must ask for the same.

    Attributes
    ----------
    videos : tuple of Path
    preset : str
    lookahead : int
        Of the main head, mel frames.
    seed : int
    fix_offset : bool
    face : int, str or None
        Whose face, as of :mod:`hygiesync.face.target`.
    audio_track : int or None
    renderer : str
        See :data:`BOTH`.
    """

    videos: tuple[Path, ...]
    preset: str
    lookahead: int
    seed: int
    fix_offset: bool = False
    face: FaceChoice = None
    audio_track: int | None = None
    renderer: str = RETRIEVAL

    @classmethod
    def checked(
        cls,
        videos: tuple[Path, ...],
        preset: str,
        lookahead_ms: float,
        seed: int,
        *,
        fix_offset: bool = False,
        face: FaceChoice = None,
        audio_track: int | None = None,
        renderer: str = RETRIEVAL,
    ) -> Job:
        """A job whose arguments are in range.

        Raises
        ------
        UsageError
            When one is not.
        """
        from hygiesync.learning.settings import PRESETS

        if preset not in PRESETS:
            raise UsageError(f"`preset`: expected one of {', '.join(PRESETS)}, got {preset!r}")
        if not 0 <= lookahead_ms <= MAX_LOOKAHEAD_MS:
            raise UsageError(f"`lookahead_ms`: expected 0 to {MAX_LOOKAHEAD_MS:g} ms, got {lookahead_ms:g}")
        if renderer not in (*RENDERERS, BOTH):
            raise UsageError(f"`renderer`: expected one of {', '.join((*RENDERERS, BOTH))}, got {renderer!r}")
        lookahead = lookahead_frames(lookahead_ms)
        return cls(videos, preset, lookahead, seed, fix_offset, parse_face(face), audio_track, renderer)

    @property
    def has_painter(self) -> bool:
        """Whether a network is to learn to paint."""
        return self.renderer in (UNET, BOTH)

    @property
    def early_lookaheads(self) -> tuple[int, ...]:
        """Of the network's early heads, mel frames."""
        return tuple(n for n in EARLY_LOOKAHEADS if n < self.lookahead)

    @property
    def early_frames(self) -> tuple[int, ...]:
        """How many mel frames later than the main head's the moments of the early heads are."""
        return tuple(self.lookahead - n for n in self.early_lookaheads)

    def fingerprint(self) -> dict[str, Any]:
        """What tells this job from others."""
        hashes = [sha256_of(video) for video in self.videos]
        options = {name: getattr(self, name) for name in _OPTIONS}
        if self.has_painter:
            options["renderer"] = self.renderer
        return {"videos": hashes, **options}


def check_video(path: Path) -> VideoInfo:
    """What is known of a training video.

    Raises
    ------
    InputError
        When it can't be read, has no sound or is too short.
    """
    info = probe(path)
    if not info.has_audio:
        raise InputError(f"{path}: has no audio track; training needs a video with the speaker's voice")
    if info.duration_s < MIN_VIDEO_S:
        raise InputError(
            f"{path}: lasts {float(info.duration_s):.1f} s, and training needs at least {MIN_VIDEO_S} s"
            " (five minutes are best)"
        )
    return info
