"""One rendering among many, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from hygiesync.pipelines.offline import RenderOptions
from hygiesync.tts.voice import VoiceSettings

DONE, FAILED = "done", "failed"


@dataclass(frozen=True)
class JobSettings:
    """How something is said. Jobs that ask for the same share one.

    Attributes
    ----------
    options : RenderOptions
    voice : VoiceSettings
        Who reads a text.
    """

    options: RenderOptions = field(default_factory=RenderOptions)
    voice: VoiceSettings = field(default_factory=VoiceSettings)


@dataclass(frozen=True, slots=True)
class Job:
    """One video to make.

    Attributes
    ----------
    row : int
        Where it stands in the table: the heading of a CSV is row 1.
    avatar : str
        Its folder.
    audio, text : str, optional
        A file with sound, or words: one of the two.
    out : str
        The mp4, relative to the folder of outputs; no two jobs have the same.
    settings : JobSettings
    """

    row: int
    avatar: str
    audio: str | None
    text: str | None
    out: str
    settings: JobSettings


@dataclass(frozen=True, slots=True)
class Made:
    """An output that is whole and in its place.

    Attributes
    ----------
    duration_s : float
        Length of the sound (seconds).
    n_bytes : int
    sha256 : str
        Of the file, hexadecimal.
    inputs : str
        Hash of all that it was made from; see :mod:`hygiesync.batch.fingerprint`.
    """

    duration_s: float
    n_bytes: int
    sha256: str
    inputs: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended.

    Attributes
    ----------
    job : Job
    seconds : float
        What its last try took, without waiting.
    made : Made, optional
        What it made; it failed without.
    error : str
        Why it failed, in one line.
    notes : tuple of str
        What should be known and stopped nothing.
    n_tries : int
        How often it was begun: more than once when the process that did it was ended.
    """

    job: Job
    seconds: float
    made: Made | None = None
    error: str = ""
    notes: tuple[str, ...] = ()
    n_tries: int = 1

    @property
    def state(self) -> str:
        """``done`` or ``failed``."""
        return FAILED if self.made is None else DONE
