"""What a recording is asked for, and what it came to."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hygiesync.apps.record.folder import RECORDINGS
from hygiesync.apps.record.manifest import COMPLETE, RecordingManifest
from hygiesync.apps.record.script import SECONDS_OF_SILENCE, SENTENCE
from hygiesync.building.job import MIN_VIDEO_S
from hygiesync.face.target import FaceChoice


@dataclass(frozen=True)
class RecordOptions:
    """What a recording is asked for.

    Attributes
    ----------
    name : str
    language : {"en", "fr", "de", "es"}
    camera, input_device : str or None
        Number or name of a device, or a file that stands in for it; the default device when None.
    out : Path or None
        Folder; ``recordings/NAME`` when None.
    text : Path or None
        File of own sentences, one on each line.
    has_window : bool
        Without one, everything goes on by itself.
    duration_s : float or None
        Length of the video at which to stop.
    seconds_of_silence : float
    overwrite, resume : bool
    face : int, str or None
        Whose face is watched, and trained on, where several are seen; see :mod:`hygiesync.face.target`.
    """

    name: str
    language: str = "en"
    camera: str | None = None
    input_device: str | None = None
    out: Path | None = None
    text: Path | None = None
    has_window: bool = True
    duration_s: float | None = None
    seconds_of_silence: float = SECONDS_OF_SILENCE
    overwrite: bool = False
    resume: bool = False
    face: FaceChoice = None

    @property
    def folder(self) -> Path:
        """Where the recording goes."""
        return RECORDINGS / self.name if self.out is None else self.out


@dataclass(frozen=True)
class RecordResult:
    """What a recording came to.

    Attributes
    ----------
    folder : Path
    manifest : RecordingManifest
    videos : tuple of Path
        To train on.
    advice : tuple of str
        All that was advised, each once.
    face : int, str or None
        Whose face was watched, where that was asked for.
    """

    folder: Path
    manifest: RecordingManifest
    videos: tuple[Path, ...]
    advice: tuple[str, ...]
    face: FaceChoice = None

    @property
    def is_complete(self) -> bool:
        """Whether every item has been read."""
        return self.manifest.state == COMPLETE

    @property
    def train_arguments(self) -> list[str]:
        """Arguments of ``hygiesync``; empty when there is too little to train on."""
        if not self.videos:
            return []
        whose = [] if self.face is None else ["--face", str(self.face)]
        return ["train", *map(str, self.videos), "--out", str(Path("models") / self.manifest.name), *whose]

    @property
    def train_command(self) -> str:
        """What to type; empty when there is too little to train on."""
        return self.command(*self.train_arguments) if self.videos else ""

    def summary(self) -> str:
        """What was recorded, and what to do with it, in lines to read."""
        takes = self.manifest.takes
        if not takes:
            return "nothing was recorded"
        n_read = sum(r.kind == SENTENCE and r.counts for take in takes for r in take.readings)
        n_left_out = sum(r.is_superseded for take in takes for r in take.readings)
        n_wanted = sum(item["kind"] == SENTENCE for item in self.manifest.script)
        minutes, seconds = divmod(round(sum(take.in_training_video(take.duration_s) for take in takes)), 60)
        again = f", {n_left_out} broken off or read again and left out" if n_left_out else ""
        lines = [f"{self.folder}: {n_read} of {n_wanted} sentences, {minutes}:{seconds:02d} minutes{again}"]
        if not self.is_complete:
            lines.append(f"go on with: {self.command('record', self.manifest.name, '--resume', *self._out())}")
        if self.videos:
            lines.append(f"train on it with: {self.train_command}")
        else:
            lines.append(f"too short to train on: {MIN_VIDEO_S} s are needed, and five minutes are best")
        return "\n".join(lines)

    def _out(self) -> list[str]:
        is_usual = self.folder == RECORDINGS / self.manifest.name
        return [] if is_usual else ["--out", str(self.folder)]

    @staticmethod
    def command(*arguments: str) -> str:
        """A command line of ours, as one types it."""
        return shlex.join(["hygiesync", *arguments])

    def to_dict(self) -> dict[str, Any]:
        """For ``--json``: the manifest, and what follows from it."""
        return {
            **self.manifest.to_dict(),
            "folder": str(self.folder),
            "videos": [str(video) for video in self.videos],
            "train_command": self.train_command,
            "advice": list(self.advice),
        }
