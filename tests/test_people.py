"""Who is followed: by place, size and looks, through crossings, hiding, cuts and zooms, whoever else is there."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from made_people import Drawn, Speaker, draw

from hygiesync.apps.cli import build_parser
from hygiesync.apps.record.manifest import RecordingManifest
from hygiesync.apps.record.options import RecordResult
from hygiesync.errors import InputError, UsageError
from hygiesync.face.following import Follower, FollowerOfFirst
from hygiesync.face.identity import look_of, unlikeness
from hygiesync.face.people import People, told_apart
from hygiesync.face.target import find_target, parse_face
from hygiesync.face.tracking import watch
from hygiesync.media.video import VideoInfo, VideoWriter, probe
from hygiesync.synthetic.talker import make_talker

ANNA, BOB, CARLA = 1, 2, 3


def people_in(*pictures: list[Drawn]) -> People:
    looks = []
    for number, picture in enumerate(pictures):
        image, faces = draw(picture, number)
        looks.append([look_of(image, face) for face in faces])
    return told_apart(looks)


def follow(choose: Callable[..., int | None], pictures: list[list[Drawn]]) -> list[int | None]:
    """Who was chosen in each picture, by the seed; the faces come in a changing order, as a detector gives them."""
    chosen: list[int | None] = []
    for number, people in enumerate(pictures):
        image, faces = draw(people, number)
        order = np.random.default_rng(number).permutation(len(people))
        found = choose(image, [faces[place] for place in order])
        chosen.append(None if found is None else people[order[found]].seed)
    return chosen


def anna_among(*others: int) -> Follower:
    """A follower of Anna, who was seen beside the others."""
    beside = [Drawn(seed, 60 + 130 * place) for place, seed in enumerate([ANNA, *others])]
    people = people_in(beside, beside, beside)
    assert len(people) == len(beside)
    return Follower(people.all[0], people.others(people.all[0]))


def test_the_same_face_is_like_itself_at_any_place_and_size_and_unlike_others() -> None:
    image, (small, large, other) = draw([Drawn(ANNA, 60, 50), Drawn(ANNA, 240, 120), Drawn(BOB, 400)])
    one, same, somebody = (look_of(image, face) for face in (small, large, other))
    assert unlikeness(one, same) < 0.12
    assert unlikeness(one, somebody) > 0.3


def test_people_are_told_apart_and_counted_from_the_left() -> None:
    first, second = [Drawn(BOB, 100), Drawn(ANNA, 300)], [Drawn(ANNA, 90), Drawn(CARLA, 200), Drawn(BOB, 400)]
    people = people_in(first, second, first, [Drawn(CARLA, 240)])
    assert len(people) == 3
    assert people.most_at_once == 3
    assert [round(person.first_x / 100) for person in people.all] == [1, 2, 3]


def test_twins_in_one_picture_are_two() -> None:
    twins = [Drawn(ANNA, 100), Drawn(ANNA, 340)]
    assert len(people_in(twins, twins)) == 2


def test_a_passer_by_far_off_is_not_counted() -> None:
    assert len(people_in([Drawn(ANNA, 100, 100), Drawn(BOB, 400, 15)], [Drawn(ANNA, 100, 100)])) == 1


@pytest.mark.parametrize("hides", [False, True], ids=["side by side", "hidden behind"])
def test_two_cross_and_each_stays_who_they_are(hides: bool) -> None:
    """Equal sizes; where they meet, the one behind is not found for some pictures."""
    pictures = []
    for number in range(60):
        anna, bob = Drawn(ANNA, 60 + 6 * number), Drawn(BOB, 420 - 6 * number)
        is_behind = hides and abs(anna.x - bob.x) < 60
        pictures.append([bob] if is_behind else [anna, bob])
    check_never_swapped(follow(anna_among(BOB).choose, pictures), pictures)


def check_never_swapped(chosen: list[int | None], pictures: list[list[Drawn]]) -> None:
    """Anna or nobody everywhere, and Anna wherever nothing of her face is covered by another."""
    assert set(chosen) <= {ANNA, None}
    for who, people in zip(chosen, pictures, strict=True):
        anna = [one for one in people if one.seed == ANNA]
        near = [one for one in people if anna and one.seed != ANNA and abs(one.x - anna[0].x) < 1.3 * one.width]
        assert who == ANNA or near or not anna


def test_who_is_hidden_has_no_stand_in_and_comes_back() -> None:
    seen, hidden = [Drawn(BOB, 300), Drawn(ANNA, 80)], [Drawn(BOB, 300)]
    pictures = [*[seen] * 5, hidden, *[seen] * 5, *[hidden] * 100, [Drawn(BOB, 80), Drawn(ANNA, 300)]]
    wanted = [ANNA if len(people) == 2 else None for people in pictures]
    assert follow(anna_among(BOB).choose, pictures) == wanted


def test_who_takes_the_very_place_of_the_hidden_one_is_not_followed() -> None:
    """A cut to another person at the same place, and a bystander who steps in front."""
    alone = [[Drawn(ANNA, 100)]] * 5
    for other in (BOB, CARLA):
        pictures = [*alone, *[[Drawn(other, 101)]] * 15, *alone]
        chosen = follow(anna_among(BOB).choose, pictures)
        assert chosen[:5] == chosen[-5:] == [ANNA] * 5
        assert other not in chosen[-6:-5]
        assert chosen.count(other) <= 10  # a swap without any motion is seen at the next look


def test_a_cut_is_seen_at_once() -> None:
    pictures = [[Drawn(ANNA, 100)]] * 3 + [[Drawn(BOB, 112)]] * 3 + [[Drawn(ANNA, 96, 90)]] * 3
    assert follow(anna_among(BOB).choose, pictures) == [ANNA] * 3 + [None] * 3 + [ANNA] * 3


def test_three_people_of_whom_two_cross() -> None:
    pictures = [
        [Drawn(CARLA, 240, y=60), Drawn(ANNA, 60 + 7 * n, y=150), Drawn(BOB, 410 - 7 * n, y=150)] for n in range(50)
    ]
    check_never_swapped(follow(anna_among(BOB, CARLA).choose, pictures), pictures)


def test_a_zoom_changes_nothing() -> None:
    widths = 40 * 1.03 ** np.arange(45)
    pictures = [[Drawn(ANNA, 240, float(width)), Drawn(BOB, 60)] for width in widths]
    assert follow(anna_among(BOB).choose, pictures) == [ANNA] * 45


def test_beside_a_mirror_place_decides() -> None:
    """The other face is the same one: who moves on from where she was is meant."""
    pictures = [[Drawn(ANNA, 100 + number), Drawn(ANNA, 340 - number)] for number in range(30)]
    beside = people_in(pictures[0], pictures[9], pictures[19])
    follower = Follower(beside.all[0], beside.others(beside.all[0]))
    for number, people in enumerate(pictures):
        image, faces = draw(people, number)
        assert follower.choose(image, faces) == 0


def test_who_turns_away_alone_is_still_the_one() -> None:
    turned = [[Drawn(ANNA, 100 + 2 * n, turn=float(0.5 * np.sin(n / 5)))] for n in range(40)]
    people = people_in(*turned[::10])
    assert follow(Follower(people.all[0]).choose, turned) == [ANNA] * 40


@pytest.mark.parametrize(
    ("face", "wanted"), [("left", BOB), ("right", CARLA), (2, ANNA), ("largest", ANNA), (None, ANNA)]
)
def test_a_camera_has_no_later_pictures_to_look_at(face: int | str | None, wanted: int) -> None:
    people = [Drawn(CARLA, 400), Drawn(BOB, 80), Drawn(ANNA, 230, 100)]
    assert follow(FollowerOfFirst(face).choose, [[], people, people[::-1]]) == [None, wanted, wanted]


def test_light_that_changes_slowly_is_learnt() -> None:
    """In the end the picture is as unlike the first one as another person's."""
    follower, chosen = FollowerOfFirst(), []
    first = last = None
    for number in range(40):
        image, faces = draw([Drawn(ANNA, 200 + 8 * (number % 3))], number)
        tinted = np.clip(image * (1, 1 - 0.02 * number, 1 - 0.024 * number), 0, 255).astype(np.uint8)
        last = look_of(tinted, faces[0])
        first = first or last
        chosen.append(follower.choose(tinted, faces))
    assert first is not None
    assert last is not None
    assert unlikeness(first, last) > 0.44
    assert chosen == [0] * 40


def test_who_is_not_there_yet_is_waited_for() -> None:
    pictures = [[Drawn(ANNA, 100)], [Drawn(ANNA, 100), Drawn(BOB, 300)]]
    assert follow(FollowerOfFirst(2).choose, pictures) == [None, BOB]


@pytest.mark.parametrize("text", ["0", "-1", "middle", "1.5", ""])
def test_a_choice_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="`face`: expected a number from 1"):
        parse_face(text)


SENTENCE = "My mother bought a big bag of apples."
SIZE = 160


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> VideoInfo:
    """Three people of equal size; the middle one speaks, the others move their lips to something else.

    The speaker is hidden for a third of a second.
    """
    folder = tmp_path_factory.mktemp("people")
    truth = make_talker(folder / "talker.mp4", sentences=[SENTENCE], size=128)
    speakers = [Speaker(number, SIZE) for number in range(3)]
    openings = [np.roll(truth.opening[::-1], 20), truth.opening, np.roll(truth.opening, len(truth.opening) // 2)]
    path = folder / "three.mp4"
    rate = truth.speech.sample_rate
    with VideoWriter(path, 3 * SIZE, SIZE, Fraction(25), audio_rate=rate, audio_channels=1, preset="ultrafast") as out:
        out.write_audio(truth.speech.samples)
        for number, time_s in enumerate(truth.times_s):
            faces = [one.picture(float(opening[number])) for one, opening in zip(speakers, openings, strict=True)]
            if 30 <= number < 38:
                faces[1][:] = 120
            out.write(np.hstack(faces), time_s)
    return probe(path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("face", "column", "why"),
    [
        (None, 1, "number 2 from the left is followed, whose mouth follows the sound"),
        ("speaking", 1, "number 2 from the left is followed, whose mouth follows the sound"),
        (3, 2, "number 3 from the left is followed, as asked for"),
    ],
)
def test_who_is_meant_is_tracked_and_told(three: VideoInfo, face: int | str | None, column: int, why: str) -> None:
    notes: list[str] = []
    track = watch(three, 0.5, warn=notes.append, face=face)
    assert [why in note for note in notes] == [True]
    middles = track.rigid[track.has_face].mean(axis=1)[:, 0]
    assert (middles // SIZE == column).all()
    hidden = ~track.has_face
    assert hidden[30:38].all() == (column == 1)
    assert hidden.sum() <= 10


@pytest.mark.slow
def test_who_is_wanted_is_found_wherever_they_are(three: VideoInfo) -> None:
    looks = []
    for opening in (0.0, 0.5):
        image = Speaker(2, SIZE).picture(opening)
        looks += list(_looks(image))
    target = find_target(three, wanted=lambda: looks)
    assert "number 3 from the left is followed, who looks like the avatar" in target.note
    with pytest.raises(InputError, match="shows 3 people, so there is no `face` 4"):
        find_target(three, 4)


def _looks(image: np.ndarray) -> Iterator:
    from hygiesync.face.landmarks import find_faces

    return (look_of(image, face) for face in find_faces(image))


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (["train", "a.mp4", "--out", "me"], "--face"),
        (["render", "me", "a.wav", "--out", "b.mp4"], "--face"),
        (["record", "me"], "--face"),
        (["check", "a.mp4"], "--face"),
        (["animate", "a.png", "a.mp4", "--out", "b.mp4"], "--driving-face"),
        (["animate", "a.png", "a.mp4", "--out", "b.mp4"], "--face"),
        (["photo", "a.png", "--out", "me"], "--face"),
    ],
)
def test_commands_choose_in_the_same_words(command: list[str], option: str) -> None:
    for choice in ("2", "left", "right", "largest"):
        arguments = build_parser().parse_args([*command, option, choice])
        assert str(parse_face(getattr(arguments, option[2:].replace("-", "_")))) == choice


def test_a_recordings_choice_is_handed_to_its_training(tmp_path: Path) -> None:
    manifest = RecordingManifest("me", "en", script=[], takes=[], hygiesync_version="1", state="complete")
    result = RecordResult(tmp_path, manifest, (tmp_path / "me.mp4",), (), "left")
    assert result.train_arguments[-2:] == ["--face", "left"]
