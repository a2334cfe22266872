"""One run of an engine with files of our own: a folder for it, which is gone afterwards, and its pictures in turn."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hygiesync.errors import InputError, MissingDependencyError
from hygiesync.external.installation import Installation
from hygiesync.external.interface import EngineJob, ExternalEngine
from hygiesync.external.process import TIME_LIMIT_S, run_engine
from hygiesync.media.audio import read_audio_blocks, write_wav
from hygiesync.media.container import PathLike
from hygiesync.media.sound import Sound
from hygiesync.media.video import read_frames
from hygiesync.progress import Progress
from hygiesync.timing import SAMPLE_RATE, n_video_frames, sample_time, time_to_samples

_PLAIN = re.compile(r"[\w./+-]*", re.ASCII)
"""Paths that mean the same to a shell as to us."""

_SPARE_S = 0.2
"""Silence after the sound: engines round the number of pictures down."""

_MAY_LACK = 2
"""Pictures at the end that an engine may leave out, by rounding; the last one then stands for them."""


@dataclass(frozen=True)
class EngineCall:
    """An engine that is ready to be run, and how.

    Attributes
    ----------
    engine : ExternalEngine
    installation : Installation
    time_limit_s : float
    arguments : tuple of str
        More arguments of the engine's own.
    """

    engine: ExternalEngine
    installation: Installation
    time_limit_s: float = TIME_LIMIT_S
    arguments: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What people call the engine."""
        return self.engine.card.title

    def run(self, work: Path, source: Path, lead: Path, fps: Fraction, progress: Progress | None = None) -> Path:
        """The video that the engine makes of files in `work`; see :func:`hygiesync.external.process.run_engine`."""
        place = work / "engine"
        place.mkdir()
        job = EngineJob(self.installation.home, place, source, lead, fps, self.arguments)
        return run_engine(self.engine, self.installation, job, time_limit_s=self.time_limit_s, progress=progress)


@contextmanager
def working_folder() -> Iterator[Path]:
    """A folder for one run, removed with all that is in it.

    Raises
    ------
    InputError
        When the system's folder for temporary files has a name that a shell would take for something else.
    """
    with tempfile.TemporaryDirectory(prefix="hygiesync-engine-") as name:
        folder = Path(name).resolve()
        if not _PLAIN.fullmatch(str(folder)):
            raise InputError(
                f"{folder.parent}: engines hand paths to a shell, and this one has other characters than letters,"
                " digits and ._+-; name another folder for temporary files by TMPDIR"
            )
        yield folder


def write_sound(out: Path, sound: PathLike | Sound, fps: Fraction) -> int:
    """Write what an engine is to hear, as 16 kHz mono, and give the number of pictures at `fps` that it is long."""
    samples = np.concatenate(list(read_audio_blocks(sound)))
    write_wav(out, np.pad(samples, (0, time_to_samples(_SPARE_S))), SAMPLE_RATE)
    return n_video_frames(sample_time(len(samples)), fps)


def pictures_of(video: Path, n_wanted: int, title: str) -> Generator[NDArray[np.uint8], None, None]:
    """Exactly as many pictures (h, w, 3), uint8, as are wanted, of what an engine made.

    Raises
    ------
    MissingDependencyError
        When it made too few, or no video that can be read.
    """
    n_read = 0
    image: NDArray[np.uint8] | None = None
    try:
        for frame in read_frames(video, n_threads=1):
            if n_read == n_wanted:
                return
            image = frame.image
            n_read += 1
            yield image
    except InputError as error:
        raise MissingDependencyError(f"{title} made no video that can be read: {error}") from error
    if image is None or n_wanted - n_read > _MAY_LACK:
        raise MissingDependencyError(
            f"{title} made {n_read} pictures where {n_wanted} were asked for; it did not follow the face through, so"
            " give it a video in which the face is larger or turned away less"
        )
    for _ in range(n_wanted - n_read):
        yield image
