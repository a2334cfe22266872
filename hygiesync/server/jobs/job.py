"""A job, as it lies on disk: what is asked for, how far it is, and what came of it.

A folder holds ``job.json``, what was uploaded for it, and the result, which has its name only when it is whole.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

RECORD, INPUT, RESULT = "job.json", "input", "out.mp4"

QUEUED, RUNNING, DONE, FAILED, LOST = "queued", "running", "done", "failed", "lost"

ENDED = (DONE, FAILED, LOST)

RENDER, SAY, PHOTO, TRAIN = "render", "say", "photo", "train"

MAX_STARTS = 3
"""A job that was cut off so often, with the server, is not tried again: perhaps it is what ends the server."""


@dataclass
class Job:
    """One piece of work.

    Attributes
    ----------
    id : str
    kind : {"render", "say", "photo", "train"}
    options : dict
        What is asked for; see :mod:`hygiesync.server.jobs.child`.
    created_s : float
        Seconds since 1970.
    state : {"queued", "running", "done", "failed", "lost"}
    stage, done, total : str, int, int
        How far it is.
    error : str
        Why it failed, in one line.
    result : dict
        What came of it.
    notes : list of str
        What should be known and stopped nothing.
    n_starts : int
        How often it was begun.
    """

    id: str
    kind: str
    options: dict[str, Any]
    created_s: float
    state: str = QUEUED
    stage: str = ""
    done: int = 0
    total: int = 0
    error: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    n_starts: int = 0

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ENDED

    def save(self, folder: Path) -> None:
        """Write it to its folder, whole."""
        unfinished = folder / f"{RECORD}.part"
        with unfinished.open("w", encoding="utf-8") as file:
            json.dump(asdict(self), file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(folder / RECORD)

    @classmethod
    def load(cls, folder: Path) -> Job:
        """Read it again.

        Raises
        ------
        OSError, ValueError, TypeError
            When there is none, or it is damaged.
        """
        return cls(**json.loads((folder / RECORD).read_text(encoding="utf-8")))

    def to_dict(self) -> dict[str, Any]:
        """What clients are told."""
        told = asdict(self)
        del told["n_starts"], told["options"]
        told["avatar"] = self.options.get("avatar", "")
        if self.state == DONE and self.kind in (RENDER, SAY):
            told["file"] = f"/jobs/{self.id}/file"
        return told
