"""A driving video with cuts: each person, and each way of filming them, has a reference of its own."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from made_people import Drawn, Speaker, draw
from present import present

from hygiesync.media.video import VideoWriter
from hygiesync.portrait.driving import DrivingFrame, detected, held, smoothed
from hygiesync.portrait.leading import Leads

ANNA, BOB = 1, 2


def frames_of(*shots: Sequence[Drawn | None]) -> list[DrivingFrame]:
    frames: list[DrivingFrame] = []
    for shot, people in enumerate(shots):
        for person in people:
            image, faces = draw([person] if person else [], len(frames))
            landmarks = faces[0] if faces else None
            frames.append(DrivingFrame(image, Fraction(len(frames), 25), landmarks, landmarks is not None, shot))
    return frames


def references_of(frames: list[DrivingFrame], first: DrivingFrame | None = None) -> list[int]:
    """For each frame, the number of the frame that motion is measured from."""
    leads = Leads(lambda reference: lambda frame: np.array(int(25 * reference.time_s)), first)
    return [int(leads.draw(frame)) for frame in frames]


def test_another_person_has_another_reference_and_the_first_keeps_theirs() -> None:
    shots = [Drawn(ANNA, 200 + n) for n in range(3)], [Drawn(BOB, 210)] * 3, [Drawn(ANNA, 205)] * 3
    assert references_of(frames_of(*shots)) == [0, 0, 0, 3, 3, 3, 0, 0, 0]


@pytest.mark.parametrize("later", [Drawn(ANNA, 200, 120), Drawn(ANNA, 350)], ids=["nearer", "elsewhere"])
def test_the_same_person_filmed_in_another_way_has_another_reference(later: Drawn) -> None:
    assert references_of(frames_of([Drawn(ANNA, 200)] * 2, [later] * 2, [Drawn(ANNA, 200)])) == [0, 0, 2, 2, 0]


def test_who_moves_or_zooms_within_a_shot_keeps_the_reference() -> None:
    frames = frames_of([Drawn(ANNA, 80 + 10 * n, 60 + 3 * n) for n in range(20)])
    assert references_of(frames) == [0] * 20


def test_a_shot_without_a_face_waits_for_one() -> None:
    frames = list(held(frames_of([Drawn(ANNA, 200)], [None, None, Drawn(BOB, 200)], [None])))
    assert [frame.is_seen for frame in frames] == [True, False, False, True, False]
    assert references_of(frames) == [0, 0, 0, 3, 3]


def test_a_frame_that_was_chosen_stands_for_its_person_only() -> None:
    frames = frames_of([Drawn(ANNA, 200)] * 2, [Drawn(BOB, 200)] * 2)
    assert references_of(frames, replace(frames[1], time_s=Fraction(7, 25))) == [7, 7, 2, 2]


def test_nothing_is_smoothed_or_glides_over_a_cut() -> None:
    """Even where the two faces lie so near that their places don't tell."""
    frames = frames_of([Drawn(ANNA, 200)] * 4, [Drawn(BOB, 206)] * 4)
    for before, after in zip(frames, smoothed(frames), strict=True):
        np.testing.assert_allclose(present(after.landmarks), present(before.landmarks))
    lost = frames_of([Drawn(ANNA, 200), None], [Drawn(BOB, 260)] * 2)
    caught = list(held(lost))
    np.testing.assert_allclose(present(caught[2].landmarks), present(lost[2].landmarks))


def test_cuts_are_counted_and_motion_is_none(tmp_path: Path) -> None:
    speakers = [Speaker(0, 128), Speaker(2, 128)]
    path = tmp_path / "cuts.mp4"
    with VideoWriter(path, 128, 128, Fraction(25), preset="ultrafast") as writer:
        for number in range(18):
            image = speakers[number // 6 % 2].picture(abs(np.sin(number)))
            image = np.roll(image, number % 6, axis=1)
            writer.write(np.asarray(image // (2 if number >= 12 else 1), np.uint8), Fraction(number, 25))
    assert [frame.shot for frame in detected(path)] == [0] * 6 + [1] * 6 + [2] * 6
