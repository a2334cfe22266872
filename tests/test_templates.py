"""Templates whose face comes and goes, and templates that stand still."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from present import present
from tracks import TrackOf

from hygiesync.avatar.still_template import StillTemplate
from hygiesync.avatar.template import FADE_S, FacePlaces, VideoTemplate
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.errors import InputError, UsageError
from hygiesync.face.pose import PoseModel
from hygiesync.face.shape import mouth_opening
from hygiesync.face.topology import LOWER_INNER_LIPS
from hygiesync.face.track import FaceTrack
from hygiesync.face.tracking import track_face
from hygiesync.media.audio import read_audio, write_wav
from hygiesync.media.video import VideoWriter, probe, read_frames
from hygiesync.pipelines.offline import RenderOptions, render
from hygiesync.rendering.lips import NEARLY_CLOSED, press_lips
from hygiesync.timing import SAMPLE_RATE, parse_fps, video_frame_time

GONE, COVERED = range(12, 17), range(34, 40)
N_FRAMES = 60


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return 10 * np.log10(255**2 / max(np.mean((one.astype(float) - other) ** 2), 1e-3))


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory, held_out_video: Path, track_of: TrackOf) -> Path:
    """The talker, for a moment in front of a wall, for another with fingers over the mouth."""
    path = tmp_path_factory.mktemp("templates") / "interrupted.mp4"
    track = track_of(held_out_video)
    with VideoWriter(path, 512, 512, Fraction(25), crf=14) as writer:
        for number, frame in enumerate(islice(read_frames(held_out_video), N_FRAMES)):
            picture = frame.image
            if number in GONE:
                picture = np.full_like(picture, 128)
            if number in COVERED:
                picture = picture.copy()
                x, y = track.lower[number].mean(0).astype(int)
                for finger in range(4):
                    top = y - 60 + 30 * finger
                    picture[top : top + 28, x - 90 : x + 130] = (190 - 15 * finger, 140, 110)
            writer.write(picture, frame.time_s)
    return path


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory, held_out_video: Path) -> Path:
    """What the talker says while `interrupted` lasts."""
    path = tmp_path_factory.mktemp("sound") / "sound.wav"
    write_wav(path, read_audio(held_out_video)[: (N_FRAMES + 5) * SAMPLE_RATE // 25], SAMPLE_RATE)
    return path


@pytest.fixture(scope="module")
def places(interrupted: Path, held_out_video: Path, track_of: TrackOf) -> FacePlaces:
    pose = PoseModel.fit(track_of(held_out_video).smoothed().rigid.astype(np.float64))
    return FacePlaces.from_track(track_face(probe(interrupted)), pose)


@pytest.mark.slow
def test_no_mouth_is_put_on_missing_and_covered_faces(interrupted: Path, places: FacePlaces) -> None:
    faces = [frame.face for frame in VideoTemplate(probe(interrupted), places).frames_once()]
    assert {number for number, face in enumerate(faces) if face is None} == {*GONE, *COVERED}
    assert all(0 < face.strength <= 1 for face in faces if face is not None)


def test_the_mouth_fades_out_before_and_in_after(places: FacePlaces) -> None:
    """It falls step by step towards the frames without a place, and is whole at FADE_S from them and at both ends."""
    strengths = places.strengths
    assert (strengths[[*GONE, *COVERED]] == 0).all()
    assert (np.diff(strengths[GONE.start - 7 : GONE.start + 1]) < 0).all()
    assert (np.diff(strengths[GONE.stop - 1 : GONE.stop + 6]) > 0).all()
    assert np.abs(np.diff(strengths)).max() < 0.3
    far = [*range(GONE.start - 6), *range(GONE.stop + 7, COVERED.start - 7), *range(COVERED.stop + 7, N_FRAMES)]
    assert (strengths[far] == 1).all()


def test_the_strength_goes_with_the_slice_and_into_the_face(places: FacePlaces) -> None:
    part = places[slice(GONE.stop, GONE.stop + 4)]
    np.testing.assert_array_equal(part.strengths, places.strengths[GONE.stop : GONE.stop + 4])
    assert present(part.face(1)).strength == pytest.approx(places.strengths[GONE.stop + 1])
    again = FacePlaces(**vars(part))
    np.testing.assert_array_equal(again.strengths, part.strengths)


@pytest.mark.slow
def test_interrupted_frames_pass_through_untouched(
    talker_avatar: VideoAvatar, interrupted: Path, sound: Path, tmp_path: Path
) -> None:
    render(talker_avatar, sound, tmp_path / "out.mp4", RenderOptions(template=interrupted))
    before = [frame.image for frame in read_frames(interrupted)]
    after = [frame.image for frame in islice(read_frames(tmp_path / "out.mp4"), N_FRAMES)]
    quality = np.array([psnr(one, other) for one, other in zip(before, after, strict=True)])
    assert quality[[*GONE, *COVERED]].min() > 36
    dubbed = slice(None), slice(280, 420), slice(170, 340)
    changed = np.abs(np.stack(before).astype(int) - np.stack(after))[dubbed].mean((1, 2, 3))
    assert changed[[2, 25, 55]].min() > 2 * changed[[*COVERED]].max()


def moving_track(
    gone: Sequence[int], shift_at: int | None = None, n_frames: int = 100, times_s: np.ndarray | None = None
) -> FaceTrack:
    """A track of one face at rest that is missing in frames `gone`, and jumps across the picture at a cut."""
    generator = np.random.default_rng(0)
    rigid, lower = generator.uniform(100, 200, (14, 2)), generator.uniform(150, 200, (180, 2))
    track = FaceTrack(
        np.arange(n_frames) / 25 if times_s is None else times_s,
        np.repeat(rigid[None], n_frames, 0).astype(np.float32),
        np.repeat(lower[None], n_frames, 0).astype(np.float32),
        np.ones(n_frames, np.float32),
        np.repeat(generator.integers(0, 255, (1, 9, 12)), n_frames, 0).astype(np.uint8),
    )
    for array in (track.rigid, track.lower, track.sharpness):
        array[list(gone)] = np.nan
    if shift_at is not None:
        track.rigid[shift_at:] += 150
        track.lower[shift_at:] += 150
    return track


@pytest.fixture(scope="module")
def pose() -> PoseModel:
    rigid = moving_track(()).rigid.astype(np.float64)
    return PoseModel.fit(rigid + np.random.default_rng(1).normal(0, 0.5, rigid.shape))


def test_a_cut_between_two_faces_and_the_ends_do_not_fade(pose: PoseModel) -> None:
    assert (FacePlaces.from_track(moving_track((), shift_at=50), pose).strengths == 1).all()


def test_a_video_without_any_face_has_no_places(pose: PoseModel) -> None:
    places = FacePlaces.from_track(moving_track(range(100)), pose)
    assert (places.strengths == 0).all()
    assert all(places.face(number) is None for number in range(100))


@settings(max_examples=40, deadline=None)
@given(st.sets(st.integers(0, 59), max_size=8), st.lists(st.floats(0.005, 0.2), min_size=60, max_size=60))
def test_strengths_follow_the_time_to_the_nearest_gap(pose: PoseModel, gone: Sequence[int], gaps: list[int]) -> None:
    """At any frame times: 0 exactly in the gaps, 1 exactly beyond FADE_S, and in between more with more distance."""
    times = np.cumsum(gaps)
    strengths = FacePlaces.from_track(moving_track(gone, n_frames=60, times_s=times), pose).strengths
    distance = np.abs(times[:, None] - times[sorted(gone)]).min(1) if gone else np.full(60, np.inf)
    np.testing.assert_array_equal(strengths == 0, distance == 0)
    assert (strengths[distance >= FADE_S] == 1).all()
    near = distance < FADE_S
    order = np.argsort(distance[near])
    assert (np.diff(strengths[near][order]) >= 0).all()
    assert strengths[near].max(initial=0) < 1


@pytest.mark.slow
@pytest.mark.parametrize("of_template", [False, True])
def test_a_still_moves_nothing_but_the_lower_face(
    talker_avatar: VideoAvatar, held_out_video: Path, sound: Path, tmp_path: Path, of_template: bool
) -> None:
    out = tmp_path / "out.mp4"
    template = held_out_video if of_template else None
    render(talker_avatar, sound, out, RenderOptions(template=template, still=True, crf=0))
    pictures = np.stack([frame.image for frame in read_frames(out)])
    spread = pictures.std(0).max(-1)
    lower = track_face(probe(out), until_s=Fraction(1)).lower
    left, top = lower.min((0, 1)).astype(int) - 50
    right, bottom = lower.max((0, 1)).astype(int) + 50
    assert spread[top:bottom, left:right].max() > 10
    spread[top:bottom, left:right] = 0
    assert spread.max() == 0


@pytest.mark.slow
def test_a_still_has_the_asked_rate_or_the_templates_own(
    talker_avatar: VideoAvatar, held_out_video: Path, sound: Path, tmp_path: Path
) -> None:
    for asked, fps in ((None, Fraction(25)), ("29.97", parse_fps("29.97"))):
        options = RenderOptions(template=held_out_video, fps=None if asked is None else parse_fps(asked), still=True)
        render(talker_avatar, sound, tmp_path / "out.mp4", options)
        times = [frame.time_s for frame in read_frames(tmp_path / "out.mp4")]
        assert times == [video_frame_time(number, fps) for number in range(len(times))]


def test_the_still_is_a_closed_mouth_that_is_seen(interrupted: Path, places: FacePlaces) -> None:
    """One of the least open mouths of those with a place at full strength, for ever the same."""
    first, second, *_ = frames = list(islice(StillTemplate.from_video(interrupted, places, Fraction(30)).frames(), 40))
    assert all(frame.image is first.image and frame.face is first.face for frame in frames)
    assert second.time_s == Fraction(1, 30)
    assert present(first.face).strength == 1
    number = int(np.abs(places.lower - present(first.face).lower).max((1, 2)).tolist().index(0))
    whole = np.flatnonzero(places.strengths == 1)
    assert number in whole
    opening = mouth_opening(places.lower)
    assert opening[number] <= np.quantile(opening[whole], 0.25)
    picture = next(islice(read_frames(interrupted), number, None)).image
    np.testing.assert_array_equal(first.image, picture)


def test_a_filmed_avatar_has_one_manner_of_life(talker_avatar: VideoAvatar) -> None:
    with pytest.raises(UsageError, match=r"life: .* was filmed and moves as it did then"):
        talker_avatar.with_life("lively")


def test_a_still_of_a_template_without_a_usable_face_is_refused(pose: PoseModel, interrupted: Path) -> None:
    nowhere = FacePlaces.from_track(moving_track(range(100)), pose)
    with pytest.raises(InputError, match="no frame in its first"):
        StillTemplate.from_video(interrupted, nowhere, Fraction(25))


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("name", ["clips/face1_22fps", "clips/face5", "driving/silent_template_14s"])
def test_real_faces_are_not_taken_for_covered(data: Path, name: str) -> None:
    """Nothing covers these mouths, and blinking eyes and laughs are not hands."""
    track = track_face(probe(data / f"{name}.mp4"))
    own = PoseModel.fit(track.smoothed().rigid[track.has_face].astype(np.float64))
    for part in (slice(None), slice(0, len(track) // 2), slice(len(track) // 2, None)):
        cut = FaceTrack(**{key: array[part] for key, array in track.arrays().items()})
        assert (FacePlaces.from_track(cut, own).strengths == 1).all()


def gaps(lower: np.ndarray) -> np.ndarray:
    """Between the inner lips, from corner to corner."""
    return np.linalg.norm(lower[LOWER_INNER_LIPS[1:10]] - lower[LOWER_INNER_LIPS[:10:-1]], axis=1)


def lips_apart(avatar: VideoAvatar, gap: float) -> np.ndarray:
    """A lower face whose inner lips are `gap` canonical units apart everywhere."""
    lower = avatar.shape.mean.copy()
    middle = (lower[LOWER_INNER_LIPS[1:10]] + lower[LOWER_INNER_LIPS[:10:-1]]) / 2
    lower[LOWER_INNER_LIPS[1:10]] = middle + np.array([0, gap / 2])
    lower[LOWER_INNER_LIPS[:10:-1]] = middle - np.array([0, gap / 2])
    return lower


def test_lips_that_nearly_meet_do_meet_and_others_stay(talker_avatar: VideoAvatar) -> None:
    wanted = np.linspace(0, 3 * NEARLY_CLOSED, 60)
    pressed = np.array([gaps(press_lips(lips_apart(talker_avatar, gap))).mean() for gap in wanted])
    assert pressed[0] == pytest.approx(0, abs=1e-12)
    assert (np.diff(pressed) >= 0).all()
    assert (pressed <= wanted + 1e-12).all()
    assert pressed[wanted < 0.3 * NEARLY_CLOSED].max() < 0.1 * NEARLY_CLOSED
    is_wide = wanted >= NEARLY_CLOSED
    np.testing.assert_allclose(pressed[is_wide], wanted[is_wide], atol=1e-12)


def test_lips_that_cross_meet(talker_avatar: VideoAvatar) -> None:
    np.testing.assert_allclose(gaps(press_lips(lips_apart(talker_avatar, -0.5 * NEARLY_CLOSED))), 0, atol=1e-12)


def test_pressing_moves_the_inner_lips_only(talker_avatar: VideoAvatar) -> None:
    lower = lips_apart(talker_avatar, 0.2 * NEARLY_CLOSED)
    moved = np.abs(press_lips(lower) - lower).max(1) > 0
    assert set(np.flatnonzero(moved)) <= set(LOWER_INNER_LIPS)
