"""What a server is told when it starts, and the limits that it keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from hygiesync.errors import UsageError

LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""Names and addresses of this machine that only it can reach."""

MAX_JSON_BYTES = 64 * 1024
"""Largest JSON body, with it the largest session description (SDP)."""

MAX_TEXT_LENGTH = 10_000
"""Longest text to be said, characters: about ten minutes of speech."""

MAX_LOOKAHEAD_MS = 200.0
"""Farther ahead no conversation hears: it would lag by as much."""

_MAX_PORT = 65_535


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """How a server serves.

    Attributes
    ----------
    folder : Path
        The server's own folder: jobs, uploads, and avatars that are made in the page. Nothing else is written.
    avatars : tuple of Path
        Folders of avatars to offer, besides those in `folder`.
    token : str
        What every request has to know.
    host, port : str, int
        Where it listens.
    has_tls : bool
        Whether it is reached by HTTPS.
    allowed_hosts : tuple of str
        Names that a browser may call it by, besides those of `host`.
    max_sessions : int, optional
        Conversations at a time; as many as the processor is found to bear when left out.
    cores : float, optional
        Processor cores that are counted on when sessions are let in; all that there are when left out.
    fps : Fraction
        Pictures a second of sessions.
    lookahead_ms : float, optional
        How far ahead sessions hear; the avatar's own when left out.
    max_upload_bytes : int
        Largest sound or picture.
    max_video_bytes : int
        Largest video to train from.
    piece_bytes : int
        Largest piece of such a video, which is sent in pieces.
    idle_s : float
        A session that nobody is connected to ends after this time, seconds.
    silent_s : float
        A session in which nothing is said ends after this time, seconds.
    job_memory_bytes : int
        What a job may take of memory.
    job_cpu_s : int
        What a job may take of the processor's time, seconds; training may take twelve times as much.
    ice_servers : tuple of str
        URLs of STUN and TURN servers for WebRTC; on one network none is needed.

    Raises
    ------
    UsageError
        When one of them is out of range.
    """

    folder: Path
    avatars: tuple[Path, ...] = ()
    token: str = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 8031
    has_tls: bool = False
    allowed_hosts: tuple[str, ...] = ()
    max_sessions: int | None = 2
    cores: float | None = None
    fps: Fraction = Fraction(25)
    lookahead_ms: float | None = None
    max_upload_bytes: int = 200 * 1024 * 1024
    max_video_bytes: int = 4 * 1024 * 1024 * 1024
    piece_bytes: int = 8 * 1024 * 1024
    idle_s: float = 30.0
    silent_s: float = 1800.0
    job_memory_bytes: int = 6 * 1024 * 1024 * 1024
    job_cpu_s: int = 3600
    ice_servers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.port <= _MAX_PORT:
            raise UsageError(f"`port`: expected 0 to {_MAX_PORT}, got {self.port}")
        if self.lookahead_ms is not None and not 0 <= self.lookahead_ms <= MAX_LOOKAHEAD_MS:
            raise UsageError(f"`lookahead_ms`: expected 0 to {MAX_LOOKAHEAD_MS:g}, got {self.lookahead_ms:g}")

    @property
    def scheme(self) -> str:
        """Of its URLs."""
        return "https" if self.has_tls else "http"
