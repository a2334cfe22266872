"""Following one person from picture to picture, whoever else is there, crosses the way or hides them.

Where a face goes on where it was, it is taken for the same; identity is asked where place can't tell: after a gap or a
cut, when others are near, and now and then to be sure. While the person is hidden nobody is followed: no face that
looks like somebody else, or lies elsewhere and like nobody, takes the place.

The parts know no clock: pictures in a row are all they are given.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.identity import Look, look_of, place_of
from hygiesync.face.people import ALIKE, Person

MAX_STEP = 0.5
"""Widths of the face that it moves at most between two pictures."""

MAX_ZOOM = 1.5
"""How much larger or smaller it becomes at most between two pictures."""

QUIET_STEP = 0.06
"""Widths of the face up to which a step is no cut: the shots of a talking head are told apart by as much."""

NEAR = 1.6
"""Widths of the face within which another one may cross."""

CHECK_EVERY = 10
"""Pictures after which the identity is looked at though nothing suggests it."""

FOUND_AGAIN, FOUND_NEAR = 0.30, 0.40
"""Unlikeness up to which a face is the person again: anywhere, and near where they were lost."""

MAX_LOOKS = 12
"""Looks that are kept of somebody who is learnt on the way."""

LOST_FOR = 75
"""Pictures for which the place where a person was lost says something."""

PLACE_WEIGHT = 0.1
"""Unlikeness that a width of the face counts as: place and size tell apart who looks alike, as beside a mirror."""

ALONE = 0.08
"""What is added to the limits above where nobody else was seen in all the video: light and turns are likelier then."""

SURER_BY = 0.04
"""How much more like somebody else a face must look to be theirs."""

STRANGER = 0.36
"""Unlikeness from which a frontal face that nobody's is, is not the person either, however near."""


class Follower:
    """Chooses one person's face in each picture of a row.

    Parameters
    ----------
    person : Person
    others : sequence of Person
        Who else is seen in the video.
    """

    def __init__(self, person: Person, others: Sequence[Person] = ()) -> None:
        self._person, self._others = person, tuple(others)
        self._leniency = 0.0 if others else ALONE
        self._place: tuple[NDArray[np.float64], float] | None = None
        self._is_followed = False
        self._n_lost = self._n_unchecked = 0
        self._n_faces = 0

    def choose(self, image: NDArray[np.uint8], faces: list[NDArray[np.float64]]) -> int | None:
        """Place of the person's face in a list of landmarks (478, 3); None where they are not seen."""
        number = self._next(image, faces)
        if number is None:
            self._is_followed = False
            self._n_lost += 1
        else:
            self._is_followed, self._n_lost, self._place = True, 0, place_of(faces[number])
        self._n_faces = len(faces)
        return number

    def learn(self, look: Look) -> None:
        """Take a sighting that is certainly the person's for another of their looks; the oldest but the first goes."""
        if self._person.unlike(look) > ALIKE:
            return
        (first, *later), newest = self._person.sightings, self._person.sightings[-1][0] + 1
        self._person = Person((first, *later[-MAX_LOOKS:], (newest, look)))

    def _next(self, image: NDArray[np.uint8], faces: list[NDArray[np.float64]]) -> int | None:
        if not faces:
            return None
        steps = np.array([self._step_to(face) for face in faces])
        nearest = int(steps.argmin())
        if self._is_followed and steps[nearest] <= MAX_STEP:
            self._n_unchecked += 1
            is_plain = steps[nearest] <= QUIET_STEP and np.partition(np.append(steps, np.inf), 1)[1] > NEAR
            is_plain &= len(faces) >= self._n_faces
            if is_plain and self._n_unchecked < CHECK_EVERY:
                return nearest
            self._n_unchecked = 0
            if len(faces) == 1 and not self._is_somebody_else(look_of(image, faces[0])):
                return 0
        return self._recognised(image, faces, steps)

    def _step_to(self, face: FloatArray) -> float:
        """How far a face is from where the person was, in widths; infinitely far where the sizes don't fit."""
        if self._place is None:
            return np.inf
        (middle, width), (before, width_before) = place_of(face), self._place
        if not 1 / MAX_ZOOM <= width / width_before <= MAX_ZOOM:
            return np.inf
        return float(np.linalg.norm(middle - before) / width_before)

    def _is_somebody_else(self, look: Look) -> bool:
        """Whether a face that is where the person was is another one's all the same."""
        if not look.is_frontal:
            return False  # turned faces say little
        unlike = self._person.unlike(look)
        if self._others and min(other.unlike(look) for other in self._others) < unlike - SURER_BY:
            return True
        return unlike > STRANGER + self._leniency

    def _recognised(self, image: NDArray[np.uint8], faces: list[NDArray[np.float64]], steps: FloatArray) -> int | None:
        """The face that looks like the person, place counting as far as it is known."""
        best, least = None, np.inf
        for number, face in enumerate(faces):
            look = look_of(image, face)
            is_near = self._n_lost < LOST_FOR and steps[number] <= MAX_STEP * (1 + self._n_lost / 10)
            unlike = self._person.unlike(look)
            if unlike > (FOUND_NEAR if is_near else FOUND_AGAIN) + self._leniency:
                continue
            if self._others and min(other.unlike(look) for other in self._others) < unlike - (
                SURER_BY if is_near else 0
            ):
                continue
            cost = unlike + PLACE_WEIGHT * self._displacement(look, steps[number])
            if cost < least:
                best, least = number, cost
        return best

    def _displacement(self, look: Look, step: float) -> float:
        """How far a face is, up to twice its width, from where the person was, or from their usual place and size."""
        if self._place is not None:
            return min(step, 2.0)
        away = float(np.linalg.norm(look.middle - self._person.middle)) / self._person.width
        return min(away + abs(float(np.log(look.width / self._person.width))), 2.0)


class FollowerOfFirst:
    """Follows one of the faces in the first picture that shows any: for cameras, where nobody can look ahead.

    Parameters
    ----------
    face : int or str, optional
        Which of them; see :mod:`hygiesync.face.target`. Who speaks can't be seen in one picture: then, as without a
        choice, it is the largest.
    """

    def __init__(self, face: int | str | None = None) -> None:
        self._face = face
        self._follower: Follower | None = None

    def choose(self, image: NDArray[np.uint8], faces: list[NDArray[np.float64]]) -> int | None:
        """As of :meth:`Follower.choose`; how the person looks is learnt on the way, as light and camera settle."""
        if self._follower is None and faces:
            looks = [look_of(image, face) for face in faces]
            chosen = self._first(looks)
            if chosen is None:
                return None
            people = [Person(((0, look),)) for look in looks]
            self._follower = Follower(people[chosen], [one for n, one in enumerate(people) if n != chosen])
        if self._follower is None:
            return None
        number = self._follower.choose(image, faces)
        if number is not None:
            self._follower.learn(look_of(image, faces[number]))
        return number

    def _first(self, looks: Sequence[Look]) -> int | None:
        order = sorted(range(len(looks)), key=lambda number: float(looks[number].middle[0]))
        if isinstance(self._face, int):
            return order[self._face - 1] if self._face <= len(order) else None
        if self._face in ("left", "right"):
            return order[0 if self._face == "left" else -1]
        return max(order, key=lambda number: looks[number].width)
