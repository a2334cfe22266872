"""What was heard of a long sound, on disk: for each part a file, and for all of them where they start.

The folder holds::

    0000.npz, 0001.npz ...   what each part's mouths do
    places.npz               where the template's faces are, where a video is dubbed
    starts.json              when each part starts; it is written last, so where it is, all is
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from hygiesync.avatar.template import FacePlaces
from hygiesync.errors import InputError

STARTS, PLACES = "starts.json", "places.npz"

Moment = tuple[Fraction, NDArray[Any], NDArray[np.float32]]
"""A picture's time (seconds), its mouth (n_components,), and the sound around it (N_SOUND_FRAMES, N_MELS)."""


@dataclass(frozen=True)
class HeardPart:
    """What is heard in the pictures of a part, and in those of its run-in and run-out.

    Attributes
    ----------
    start, end : int
        The part's own pictures are the ones from index `start` to `end` - 1.
    times : ndarray, shape (n, 2), int64
        When they are shown, seconds: numerators and denominators.
    mouths : ndarray, shape (n, n_components)
        Coefficients.
    sounds : ndarray, shape (n, N_SOUND_FRAMES, N_MELS), float32
    """

    start: int
    end: int
    times: NDArray[np.int64]
    mouths: NDArray[Any]
    sounds: NDArray[np.float32]

    @classmethod
    def of(cls, moments: Sequence[Moment], start: int, end: int) -> HeardPart:
        """A part of some moments."""
        times, mouths, sounds = zip(*moments, strict=True)
        ratios = np.array([time_s.as_integer_ratio() for time_s in times], np.int64)
        return cls(start, end, ratios, np.stack(mouths), np.stack(sounds))

    def time_s(self, index: int) -> Fraction:
        """When a picture is shown, seconds."""
        numerator, denominator = self.times[index].tolist()
        return Fraction(numerator, denominator)

    @property
    def start_s(self) -> Fraction:
        """When the part's first picture is shown, seconds."""
        return self.time_s(self.start)

    def write(self, path: Path) -> None:
        """Write it to a file."""
        np.savez_compressed(path, **vars(self))

    @classmethod
    def read(cls, path: Path) -> HeardPart:
        """Read it from a file.

        Raises
        ------
        InputError
            When it is no such file.
        """
        content = _read(path, tuple(cls.__dataclass_fields__))
        return cls(int(content.pop("start")), int(content.pop("end")), **content)


def heard_name(number: int) -> str:
    """Name of the file of a part."""
    return f"{number:04}.npz"


def write_places(path: Path, places: FacePlaces) -> None:
    """Write where a template's faces are."""
    np.savez_compressed(path, **vars(places))


def read_places(path: Path) -> FacePlaces:
    """Where a template's faces are.

    Raises
    ------
    InputError
        When the file is missing or damaged.
    """
    return FacePlaces(**_read(path, tuple(FacePlaces.__dataclass_fields__)))


def write_starts(path: Path, starts_s: Sequence[Fraction]) -> None:
    """Write when each part starts."""
    path.write_text(json.dumps([str(start_s) for start_s in starts_s]), encoding="ascii")


def read_starts(path: Path) -> list[Fraction]:
    """When each part starts.

    Raises
    ------
    InputError
        When the file is missing or damaged.
    """
    try:
        return [Fraction(text) for text in json.loads(path.read_text(encoding="ascii"))]
    except (OSError, ValueError, TypeError) as error:
        raise InputError(_damaged(path, error)) from error


def _read(path: Path, names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path) as content:
            return {name: content[name] for name in names}
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise InputError(_damaged(path, error)) from error


def _damaged(path: Path, error: Exception) -> str:
    return f"{path}: can't be read ({error}); remove {path.parent}, and begin again"
