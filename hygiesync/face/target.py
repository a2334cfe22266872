"""Which face is meant: one place decides for training, rendering, animating and recording.

Who is asked for may be the N-th from the left where each is first seen, ``left``, ``right``, the ``largest``, or the
one who is ``speaking``. Left open, it is who is wanted (the avatar's person), the clearly largest, or who speaks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from hygiesync.errors import InputError, UsageError
from hygiesync.face.following import Follower
from hygiesync.face.identity import Look
from hygiesync.face.landmarks import FaceChooser
from hygiesync.face.people import People, Person, find_people
from hygiesync.face.speaking import who_speaks
from hygiesync.media.video import VideoInfo

LEFT, RIGHT, LARGEST, SPEAKING = "left", "right", "largest", "speaking"
RULES = (LEFT, RIGHT, LARGEST, SPEAKING)

FaceChoice = int | str | None
"""A number from 1 on, one of `RULES`, or None to leave it open."""

WantedLooks = Callable[[], Sequence[Look]]
"""How somebody looks who is wanted, found out only where it matters."""

MAX_FACES = 6
"""Faces that are looked for in a picture, at most."""

_REACH = 2.0
"""Widths of the face around the places where a person was seen, within which they are looked for."""

CLEARLY_LARGER = 1.4
"""Width against the next one's from which the largest face is meant, whoever speaks: passers-by are farther off."""


def parse_face(text: str | int | None) -> FaceChoice:
    """A choice from what a person writes.

    Raises
    ------
    UsageError
        When it is none.
    """
    if text is None or text in RULES:
        return text
    if str(text).isdecimal() and int(text) >= 1:
        return int(text)
    raise UsageError(f"`face`: expected a number from 1 (the leftmost) on, or one of {', '.join(RULES)}, got {text!r}")


@dataclass(frozen=True)
class Target:
    """Whose face is followed in a video.

    Attributes
    ----------
    person : Person or None
        None where no picture that was looked at shows a face; then whoever comes first is followed.
    others : tuple of Person
    most_at_once : int
        The most faces that a picture showed.
    note : str
        What was chosen among several, and why; empty where there was nothing to choose.
    """

    person: Person | None
    others: tuple[Person, ...]
    most_at_once: int
    note: str = ""

    @property
    def max_faces(self) -> int:
        """How many faces a detector must look for, so that the wanted one is among them."""
        return 1 if self.most_at_once <= 1 else min(MAX_FACES, self.most_at_once + 1)

    @property
    def region(self) -> tuple[int, int, int, int] | None:
        """Part of the pictures, (left, top, right, bottom), in which the person moves about; None for all of them.

        Where several people are seen, each may be too small in the whole picture for a detector.
        """
        if self.person is None or self.most_at_once <= 1:
            return None
        reach = _REACH * max(look.width for look in self.person.looks)
        middles = np.array([look.middle for look in self.person.looks])
        (left, top), (right, bottom) = middles.min(0) - reach, middles.max(0) + reach
        return max(0, round(left)), max(0, round(top)), max(0, round(right)), max(0, round(bottom))

    def detector_options(self) -> dict[str, Any]:
        """What a :class:`~hygiesync.face.landmarks.LandmarkDetector` for one reading of the video is made with."""
        return {"max_faces": self.max_faces, "choose": self.follower(), "region": self.region}

    def follower(self) -> FaceChooser | None:
        """What chooses the face in the pictures of one reading."""
        return None if self.person is None else Follower(self.person, self.others).choose


def find_target(
    video: VideoInfo,
    face: FaceChoice = None,
    *,
    wanted: WantedLooks | None = None,
    until_s: Fraction | None = None,
    track: int | None = None,
) -> Target:
    """Look who is in a video, and choose whom to follow.

    Parameters
    ----------
    video : VideoInfo
    face : int or str, optional
        Who is asked for.
    wanted : callable, optional
        Looks of the person that is wanted where nobody is asked for; only called where there are several.
    until_s : Fraction, optional
        How much of the video counts.
    track : int, optional
        Which sound track tells who speaks.

    Raises
    ------
    InputError
        When the video can't be read, or there is no such face.
    UsageError
        When `face` is no choice.
    """
    face = parse_face(face)
    people = find_people(video, until_s)
    if not people.all:
        return Target(None, (), people.most_at_once)
    person, why = _chosen(video, people, face, wanted, track)
    note = ""
    if len(people) > 1:
        number = people.all.index(person) + 1
        note = (
            f"{video.path}: shows {len(people)} people; number {number} from the left is followed, {why}: choose"
            " another with `face`"
        )
    return Target(person, people.others(person), people.most_at_once, note)


def _chosen(
    video: VideoInfo,
    people: People,
    face: FaceChoice,
    wanted: WantedLooks | None,
    track: int | None,
) -> tuple[Person, str]:
    """Who is meant, and why."""
    if isinstance(face, int):
        if face > len(people):
            shows = "one person" if len(people) == 1 else f"{len(people)} people"
            raise InputError(f"{video.path}: shows {shows}, so there is no `face` {face}")
        return people.all[face - 1], "as asked for"
    if face in (LEFT, RIGHT):
        return people.all[0 if face == LEFT else -1], "as asked for"
    if face == LARGEST or len(people) == 1:
        return people.largest(), "the largest"
    looks = wanted() if face is None and wanted is not None else ()
    if looks:
        return people.most_like(looks), "who looks like the avatar"
    largest = people.largest()
    if face is None and all(largest.width >= CLEARLY_LARGER * one.width for one in people.all if one is not largest):
        return largest, "the largest"
    speaker = who_speaks(video, people, track)
    if speaker is not None:
        return speaker, "whose mouth follows the sound"
    if face == SPEAKING:
        raise InputError(
            f"{video.path}: no mouth of its {len(people)} people follows the sound; choose one by `face` 1 (the"
            f" leftmost) to {len(people)}"
        )
    return largest, "the largest, since no mouth follows the sound"
