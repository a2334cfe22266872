"""What a recording consists of: ``manifest.json`` beside its videos.

It is written anew, in one step, after every sentence, so that whatever happens it is valid and tells of all sentences
that were finished. Times are seconds on the clock of the take's own video. A recording that was interrupted has several
*takes*, each with a video of its own.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from hygiesync.apps.record.script import REST, SENTENCE, SILENCE
from hygiesync.errors import InputError

MANIFEST = "manifest.json"
SCHEMA_VERSION = 1

RECORDING, STOPPED, COMPLETE = "recording", "stopped", "complete"
"""States: in progress (or killed), ended before the last sentence, and all read."""


@dataclass(frozen=True)
class ReadingRecord:
    """One attempt at one item of the script.

    Attributes
    ----------
    item : int
        Its number in the script.
    kind, text, manner : str
        As in the script.
    start_s, end_s : float
        Where it is in the take's video.
    is_complete, is_superseded : bool
        Whether it was read to its end; whether a later attempt takes its place.
    """

    item: int
    kind: str
    text: str
    manner: str
    start_s: float
    end_s: float
    is_complete: bool
    is_superseded: bool

    @property
    def counts(self) -> bool:
        """Whether it is the one attempt that counts for its item."""
        return self.is_complete and not self.is_superseded


@dataclass
class TakeRecord:
    """One stretch of filming.

    Attributes
    ----------
    video : str
        Name of the video with everything that was filmed.
    cut : str or None
        Name of the video without superseded readings, where there were any.
    left_out : list of [float, float, float]
        What the cut leaves out of the video: from, to, and how much earlier the rest is for it, seconds.
    camera, microphone : str
    width, height : int
    fps : str
        Pictures a second that the camera states, as a fraction.
    sample_rate : int
    duration_s : float
        What is filmed so far.
    n_pictures, n_pictures_dropped, n_sound_overflows, n_samples_filled : int
        How it went.
    readings : list of ReadingRecord
    """

    video: str
    camera: str
    microphone: str
    width: int
    height: int
    fps: str
    sample_rate: int
    cut: str | None = None
    left_out: list[list[float]] = field(default_factory=list)
    duration_s: float = 0.0
    n_pictures: int = 0
    n_pictures_dropped: int = 0
    n_sound_overflows: int = 0
    n_samples_filled: int = 0
    readings: list[ReadingRecord] = field(default_factory=list)

    @property
    def training_video(self) -> str:
        """Name of the video to train on."""
        return self.cut or self.video

    def in_training_video(self, time_s: float) -> float:
        """Where a time of the take's video, outside what is left out, is in the one to train on."""
        return time_s - sum(gone_s for start_s, _, gone_s in self.left_out if start_s <= time_s)


@dataclass
class RecordingManifest:
    """All there is to know of a recording.

    Attributes
    ----------
    name : str
    language : str
    state : {"recording", "stopped", "complete"}
    script : list of dict
        The items that were asked for.
    takes : list of TakeRecord
    hygiesync_version : str
    schema_version : int
    """

    name: str
    language: str
    state: str
    script: list[dict[str, Any]]
    takes: list[TakeRecord]
    hygiesync_version: str
    schema_version: int = SCHEMA_VERSION

    @property
    def next_item(self) -> int:
        """The first item without a reading that counts; as many as there are when all have one."""
        counting = {reading.item for take in self.takes for reading in take.readings if reading.counts}
        return next((number for number in range(len(self.script)) if number not in counting), len(self.script))

    def to_dict(self) -> dict[str, Any]:
        """As it is written: with what counts, where it is in the videos to train on, beside all attempts."""
        counting = [(take, reading) for take in self.takes for reading in take.readings if reading.counts]
        found: dict[str, list[dict[str, Any]]] = {SILENCE: [], REST: [], SENTENCE: []}
        for take, reading in counting:
            found[reading.kind].append(
                {
                    **({"text": reading.text} if reading.text else {}),
                    "manner": reading.manner,
                    "video": take.training_video,
                    "start_s": round(take.in_training_video(reading.start_s), 4),
                    "end_s": round(take.in_training_video(reading.end_s), 4),
                }
            )
        kinds = {"silence": found[SILENCE], "rests": found[REST], "sentences": found[SENTENCE]}
        return {**asdict(self), **kinds}

    def write(self, folder: Path) -> None:
        """Replace the manifest in `folder`, in one step.

        Raises
        ------
        InputError
            When it can't be written.
        """
        path = folder / MANIFEST
        partial = path.with_name(f".{MANIFEST}.{os.getpid()}.part")
        try:
            with partial.open("w", encoding="utf-8") as file:
                json.dump(self.to_dict(), file, indent=1, ensure_ascii=False)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise InputError(
                f"{path}: can't be written ({error.strerror}); free disk space or choose another place"
            ) from error

    @classmethod
    def load(cls, folder: Path) -> RecordingManifest:
        """The manifest in `folder`.

        Raises
        ------
        InputError
            When there is none, or it is none of ours.
        """
        path = folder / MANIFEST
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["schema_version"] != SCHEMA_VERSION:
                raise InputError(f"{path}: expected version {SCHEMA_VERSION}, got {content['schema_version']!r}")
            takes = [
                TakeRecord(**_known(TakeRecord, take, readings=[ReadingRecord(**one) for one in take["readings"]]))
                for take in content["takes"]
            ]
            return cls(**_known(cls, content, takes=takes))
        except OSError as error:
            raise InputError(f"{path}: can't be read ({error.strerror}); is that a recording's folder?") from error
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: is damaged ({type(error).__name__}: {error}); record again") from error


def _known(kind: type, content: dict[str, Any], **replaced: Any) -> dict[str, Any]:
    names = {item.name for item in fields(kind)}
    return {**{name: value for name, value in content.items() if name in names}, **replaced}
