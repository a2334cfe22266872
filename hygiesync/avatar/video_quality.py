"""What a training video could do better: each problem with its measured number, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hygiesync.avatar.fitting import FittedFace, Recording


@dataclass(frozen=True)
class Advice:
    """One thing about a video that holds its avatar back.

    Attributes
    ----------
    problem : str
        One line: what is wrong, where, and the number measured.
    what_to_do : str
        One line.
    """

    problem: str
    what_to_do: str


def advise(recordings: Sequence[Recording], face: FittedFace, offsets: Sequence[object | None]) -> tuple[Advice, ...]:
    """All that would make the recordings of one training better, the most harmful first.

    Parameters
    ----------
    recordings : sequence of Recording
    face : FittedFace
        Fitted to them.
    offsets : sequence
        Each recording's measured offset of the sound against the lips; None where it is uncertain.
    """
    return ()
