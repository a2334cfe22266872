"""Who is seen in a video: the people of a few pictures from all over it, told apart.

Two sightings are one person's when they look alike. Two faces in one picture are never one person's, so what looks
alike enough otherwise is kept apart there::

    picture 1   a   b              a and c look alike: one person
    picture 2   c       d          b and d, too
    picture 3       e              e looks like b: the other's place does not matter
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from hygiesync.face.identity import Look, look_of, unlikeness
from hygiesync.face.landmarks import FaceFinder
from hygiesync.media.video import VideoInfo, sample_frames

N_PICTURES = 16
"""Pictures that are looked at."""

ALIKE = 0.27
"""Unlikeness up to which two sightings are one person's, however far apart: of two people 1 pair in 100 has less."""

MIN_FRONTAL = 2
"""Sightings to the camera that it takes to say that two who were never seen together are two."""

MIN_WIDTH_SHARE = 0.2
"""Faces narrower than this share of the widest one are pictures on walls and people far off: they are not counted."""

Sighting = tuple[int, Look]
"""Number of the picture, and the face in it."""


@dataclass(frozen=True, eq=False)
class Person:
    """One person of a video.

    Attributes
    ----------
    sightings : tuple of (int, Look)
        In which pictures they were seen, and how they looked there.
    """

    sightings: tuple[Sighting, ...]

    @property
    def looks(self) -> list[Look]:
        """How they looked."""
        return [look for _, look in self.sightings]

    @property
    def first_x(self) -> float:
        """Where they were from left to right when they were first seen, pixels."""
        return float(self.sightings[0][1].middle[0])

    @property
    def size(self) -> float:
        """Sum of the widths of all sightings, pixels: large for a large face, and for one that is often seen."""
        return sum(look.width for look in self.looks)

    @property
    def middle(self) -> NDArray[np.float64]:
        """Where the face usually is, (2,), pixels."""
        return np.median([look.middle for look in self.looks], axis=0)

    @property
    def width(self) -> float:
        """Usual width of the face, pixels."""
        return float(np.median([look.width for look in self.looks]))

    def unlike(self, look: Look) -> float:
        """How unlike this person a sighting is: as the most alike of theirs, of those turned alike if there are any."""
        alike = [one for one in self.looks if one.is_frontal == look.is_frontal]
        return min(unlikeness(look, one) for one in alike or self.looks)

    def is_somebody_else_than(self, other: Person) -> bool:
        """Whether two are certainly two: seen in one picture, or unlike each other wherever both look to the camera."""
        if {number for number, _ in self.sightings} & {number for number, _ in other.sightings}:
            return True
        mine, theirs = ([look for look in one.looks if look.is_frontal] for one in (self, other))
        are_known = min(len(mine), len(theirs)) >= MIN_FRONTAL
        return are_known and min(unlikeness(a, b) for a in mine for b in theirs) > ALIKE


@dataclass(frozen=True, eq=False)
class People:
    """The people of a video, from left to right where each was first seen.

    Attributes
    ----------
    all : tuple of Person
    most_at_once : int
        The most faces that one picture showed.
    """

    all: tuple[Person, ...]
    most_at_once: int

    def __len__(self) -> int:
        return len(self.all)

    def largest(self) -> Person:
        """Who is seen largest, and most."""
        return max(self.all, key=lambda person: person.size)

    def most_like(self, looks: Sequence[Look]) -> Person:
        """Who looks most like somebody known."""
        model = Person(tuple(enumerate(looks)))
        return min(self.all, key=lambda person: float(np.median([model.unlike(look) for look in person.looks])))

    def others(self, person: Person) -> tuple[Person, ...]:
        """Those who are certainly somebody else."""
        return tuple(one for one in self.all if one is not person and one.is_somebody_else_than(person))


def find_people(video: VideoInfo, until_s: Fraction | None = None) -> People:
    """Who is seen in a video, or in its beginning.

    Raises
    ------
    InputError
        When the video can't be read.
    """
    end_s = video.duration_s if until_s is None else min(video.duration_s, until_s)
    pictures: list[list[Look]] = []
    with FaceFinder() as finder:
        middles = [end_s * (2 * number + 1) / (2 * N_PICTURES) for number in range(N_PICTURES)]
        for frame in sample_frames(video, middles):
            pictures.append([look_of(frame.image, face) for face in finder.find(frame.image)])
    return told_apart(pictures)


def looks_in(video: VideoInfo, n_pictures: int = 4) -> list[Look]:
    """How the one person of a video looks in a few pictures; of several the largest.

    Raises
    ------
    InputError
        When the video can't be read.
    """
    looks = []
    with FaceFinder() as finder:
        for frame in sample_frames(video, [video.duration_s * number / n_pictures for number in range(n_pictures)]):
            faces = [look_of(frame.image, face) for face in finder.find(frame.image)]
            looks += sorted(faces, key=lambda look: look.width)[-1:]
    return looks


def told_apart(pictures: Sequence[Sequence[Look]]) -> People:
    """The people whose faces are in some pictures."""
    widest = max((look.width for picture in pictures for look in picture), default=0.0)
    sightings: list[Sighting] = [
        (number, look)
        for number, picture in enumerate(pictures)
        for look in picture
        if look.width >= MIN_WIDTH_SHARE * widest
    ]
    groups = _joined(sightings)
    people = [_person(sightings, group) for group in groups]
    # a face that one picture alone shows is a passer-by or a mistake, unless there are hardly any pictures
    often = [person for person in people if len(person.sightings) >= min(2, len(pictures) // 2)]
    most = max((sum(number == seen for seen, _ in sightings) for number in range(len(pictures))), default=0)
    return People(tuple(sorted(often or people, key=lambda person: person.first_x)), most)


def _joined(sightings: Sequence[Sighting]) -> list[set[int]]:
    """Numbers of the sightings of each person.

    Faces to the camera are joined first, the most alike first. A turned one says little: it goes to whom it is most
    like, and is somebody of its own only where all others are in the same picture.
    """
    groups = [{index} for index in range(len(sightings))]

    def join(one: set[int], other: set[int]) -> None:
        if one is not other and not {sightings[i][0] for i in one} & {sightings[i][0] for i in other}:
            one |= other
            groups.remove(other)

    def group_of(index: int) -> set[int]:
        return next(group for group in groups if index in group)

    frontal = [index for index, (_, look) in enumerate(sightings) if look.is_frontal]
    for distance, a, b in _distances(sightings, frontal, frontal):
        if distance <= ALIKE:
            join(group_of(a), group_of(b))
    turned = [index for index in range(len(sightings)) if index not in frontal]
    for others in (frontal, turned):
        for _, a, b in _distances(sightings, turned, others):
            if len(group_of(a)) == 1:
                join(group_of(b), group_of(a))
    # whoever can't be shown to be somebody else is whom one sees most
    for one in sorted(groups, key=len, reverse=True):
        for other in [group for group in groups if group is not one and one in groups]:
            if not _person(sightings, one).is_somebody_else_than(_person(sightings, other)):
                join(one, other)
    return groups


def _person(sightings: Sequence[Sighting], group: set[int]) -> Person:
    return Person(tuple(sightings[index] for index in sorted(group)))


def _distances(
    sightings: Sequence[Sighting], some: Sequence[int], others: Sequence[int]
) -> list[tuple[float, int, int]]:
    """Unlikeness of pairs from two lists, the most alike first."""
    return sorted((unlikeness(sightings[a][1], sightings[b][1]), a, b) for a in some for b in others if a != b)
