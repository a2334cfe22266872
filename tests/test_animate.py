"""hygiesync animate from end to end, on faces made here: the motion is measured again on what comes out."""

import json
import sys
from collections.abc import Callable
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from media_files import click_errors_ms, clicks, tags_of

import hygiesync
from hygiesync.apps.cli import main
from hygiesync.errors import InputError, UsageError
from hygiesync.face.landmarks import LandmarkDetector, find_faces, mesh_triangles, person_matte
from hygiesync.face.topology import INNER_LIPS
from hygiesync.media.audio import read_audio
from hygiesync.media.video import VideoWriter, probe, read_frames
from hygiesync.pipelines.animate import AnimateOptions, animate
from hygiesync.pipelines.animation_methods import METHODS
from hygiesync.portrait.driving import DrivingFrame
from hygiesync.portrait.eyes import are_covered
from hygiesync.portrait.head import HeadMotion, gently_sloped, pivot_of, rotation_of
from hygiesync.portrait.layers import Layers
from hygiesync.portrait.measures import compare_motion, mouth_opening, outline_ratio
from hygiesync.portrait.mesh_animation import MeshAnimation
from hygiesync.portrait.mouth import LentMouth, SkinLight
from hygiesync.portrait.painter import PortraitPainter
from hygiesync.portrait.parts import CHIN_RINGS, EYES, LIP_RINGS, OVAL, UPPER_OF_LOWER_LID, eye_distance
from hygiesync.portrait.transfer import MotionTransfer, TransferOptions
from hygiesync.synthetic.portrait import Portrait

N_FRAMES, N_SHORT, FPS, CLICKS_S = 48, 20, Fraction(25), (0.5, 1.2)
REST = np.array([[1.0, 0, 0], [0, 1, 0]])


def detect_all(path: Path) -> np.ndarray:
    with LandmarkDetector() as detector:
        return np.array([detector.detect_in_depth(frame.image) for frame in read_frames(path)])


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    """A face to be moved: mirrored and in other colours, it isn't quite the driving one."""
    image, _ = Portrait(400).render(0, 0, 0, REST)
    return np.ascontiguousarray(cv2.transform(image[:, ::-1], np.array([[0.8, 0.2, 0], [0.1, 0.8, 0], [0, 0.2, 0.6]])))


@pytest.fixture(scope="module")
def picture_path(picture: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "face.png"
    cv2.imwrite(str(path), picture[..., ::-1])
    return path


def painter_of(picture: np.ndarray, face: np.ndarray) -> PortraitPainter:
    layers = Layers.from_picture(picture, person_matte(picture), face)
    return PortraitPainter(picture, face, layers, mesh_triangles())


@pytest.fixture(scope="module")
def painter(picture: np.ndarray) -> PortraitPainter:
    return painter_of(picture, find_faces(picture)[0])


@pytest.fixture(scope="module")
def driving_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a head that turns and nods, speaks, and blinks twice."""
    portrait = Portrait(320)
    image, _ = portrait.render(0, 0, 0, REST)
    face = find_faces(image)[0]
    pivot = pivot_of(face, float(eye_distance(face)))
    painter = painter_of(image, face)
    light = SkinLight.from_face(image, face, float(eye_distance(face)))
    transfer, mouth = MotionTransfer(face, face, 1.0), LentMouth(light.to(light))
    path = tmp_path_factory.mktemp("driving") / "driving.mp4"
    with VideoWriter(path, 320, 320, FPS, audio_rate=48_000, audio_channels=1, crf=10) as writer:
        writer.write_audio(clicks(CLICKS_S, N_FRAMES / 25, 48_000))
        for number in range(N_FRAMES):
            opening = max(0.0, np.sin(number / 4)) if number > 3 else 0.0
            spoken, truth = portrait.render(opening, 0, 0, REST)
            moved = face.copy()
            moved[:, :2] += (portrait.vertices(opening, 0, 0) - portrait.vertices(0, 0, 0))[: len(face)]
            closure = max(np.exp(-(((number - at) / 1.6) ** 2)) for at in (14, 33))
            for ring in EYES:
                for lower, upper in UPPER_OF_LOWER_LID:
                    moved[ring[upper]] += closure * (moved[ring[lower]] - moved[ring[upper]])
            turn = rotation_of(np.array([9 * np.sin(number / 7), 6 * np.sin(number / 5), 3 * np.sin(number / 9)]))
            moved = HeadMotion(turn, 1.0, pivot, np.zeros(3)).apply(moved)
            driving = np.column_stack([truth, face[:, 2]])
            writer.write(painter.render(transfer(moved), mouth.lend(spoken, driving)), Fraction(number) / FPS)
    return path


@pytest.fixture(scope="module")
def short_driving_path(driving_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its beginning, without sound, until the head has turned and the mouth has opened and closed."""
    path = tmp_path_factory.mktemp("short") / "short.mp4"
    with VideoWriter(path, 320, 320, FPS, crf=10) as writer:
        for frame in islice(read_frames(driving_path), N_SHORT):
            writer.write(frame.image, frame.time_s)
    return path


@pytest.fixture(scope="module")
def driving(driving_path: Path) -> np.ndarray:
    return detect_all(driving_path)


@pytest.fixture(scope="module")
def made_path(picture_path: Path, driving_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "made.mp4"
    told = []
    result = animate(picture_path, driving_path, out, progress=lambda *told_now: told.append(told_now))
    assert result["n_frames"] == N_FRAMES
    assert result["n_frames_without_face"] == 0
    assert told[-1][:3] == ("animating", N_FRAMES, N_FRAMES)
    return out


@pytest.mark.slow
def test_the_face_follows_the_driving_one(made_path: Path, driving: np.ndarray) -> None:
    comparison = compare_motion(driving, detect_all(made_path))
    assert comparison.opening > 0.9
    assert comparison.blink > 0.8
    assert min(comparison.yaw, comparison.pitch, comparison.roll) > 0.9
    assert comparison.opening_amplitude > 0.6


def test_who_it_is_stays(made_path: Path, picture: np.ndarray) -> None:
    made, still = detect_all(made_path), find_faces(picture)[0]
    assert abs(np.median(outline_ratio(made)) / outline_ratio(still) - 1) < 0.05
    assert abs(np.median(eye_distance(made)) / eye_distance(still) - 1) < 0.05


def test_the_background_stands_still(made_path: Path, picture: np.ndarray) -> None:
    frames = [frame.image.astype(int) for frame in read_frames(made_path)]
    for corner in (np.s_[:60, :60], np.s_[:60, -60:]):
        assert max(np.abs(frame[corner] - picture[corner]).mean() for frame in frames) < 4


def test_sound_and_times_are_the_driving_videos(made_path: Path, driving_path: Path) -> None:
    assert max(map(abs, click_errors_ms(read_audio(made_path, 48_000), CLICKS_S, 48_000))) < 1.5
    times = [[frame.time_s for frame in read_frames(path)] for path in (made_path, driving_path)]
    assert times[0] == times[1]
    assert probe(made_path).width == 400


def test_it_says_that_a_video_drove_it_and_that_nobody_said_they_agree(made_path: Path, picture_path: Path) -> None:
    tags = tags_of(made_path)
    assert tags["title"] == f"{picture_path.name} (synthetic media)"
    assert "Synthetic media (video-driven)" in tags["comment"]
    assert "sound" not in tags["comment"]
    assert "Consent of the person shown: not stated" in tags["comment"]
    assert json.loads(tags["description"]) == {
        "synthetic": "face",
        "method": "video-driven",
        "face": picture_path.name,
        "consent": "not stated",
        "software": f"hygiesync {hygiesync.__version__}",
    }


@pytest.mark.slow
def test_a_method_is_what_its_name_was_registered_for(
    picture_path: Path, short_driving_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(METHODS, "grey", f"{__name__}.Grey")
    animate(picture_path, short_driving_path, tmp_path / "out.mp4", AnimateOptions(method="grey"))
    assert all(abs(frame.image.mean() - 90) < 2 for frame in read_frames(tmp_path / "out.mp4"))
    animate(picture_path, short_driving_path, tmp_path / "out.mp4", AnimateOptions(method="grey", swaps=True))
    assert all(abs(frame.image.mean() - 160) < 2 for frame in read_frames(tmp_path / "out.mp4"))


class Grey:
    """A method that is told from the mesh's by what it draws."""

    def animator(
        self, picture: np.ndarray, landmarks: np.ndarray, reference: DrivingFrame, transfer: TransferOptions
    ) -> Callable[[Any], Any]:
        return lambda frame: np.full_like(picture, 90)

    def swapper(self, picture: np.ndarray, landmarks: np.ndarray, reference: DrivingFrame) -> Callable[[Any], Any]:
        return lambda frame: np.full_like(frame.image, 160)


def test_an_unknown_method_is_refused_with_those_that_there_are(
    picture_path: Path, driving_path: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"method.*expected one of mesh, first-order, got 'magic'"):
        animate(picture_path, driving_path, tmp_path / "out.mp4", AnimateOptions(method="magic"))


def test_without_motion_the_picture_is_itself(painter: PortraitPainter, picture: np.ndarray) -> None:
    face = find_faces(picture)[0]
    still = painter.render(MotionTransfer(face, face, 1.0)(face))
    difference = np.abs(still.astype(int) - picture)
    assert difference.mean() < 0.5
    assert np.percentile(difference, 99.5) < 16


def test_no_pixel_of_a_turned_head_is_torn(painter: PortraitPainter, picture: np.ndarray) -> None:
    """Turning goes smoothly: no pixel of the face jumps between two angles that are near each other."""
    face = find_faces(picture)[0]
    pivot = pivot_of(face, float(eye_distance(face)))
    transfer = MotionTransfer(face, face, 1.0)
    turned = [
        painter.render(transfer(HeadMotion(rotation_of(np.array([yaw, 0, 0])), 1.0, pivot, np.zeros(3)).apply(face)))
        for yaw in (10.0, 10.5)
    ]
    change = np.abs(turned[1].astype(int) - turned[0]).max(-1)
    own = np.abs(np.diff(picture.astype(int), axis=1)).max(-1)
    assert np.percentile(change, 99) < np.percentile(own, 99)


def test_mouths_open_onto_what_the_driving_mouth_shows(painter: PortraitPainter, picture: np.ndarray) -> None:
    """Between closed lips there is nothing: what an open mouth shows comes from the driving frame."""
    face = find_faces(picture)[0]
    opened = face.copy()
    lower = np.unique(np.append(np.flatnonzero(face[:, 1] > face[17, 1]), LIP_RINGS[:, 1:10]))
    opened[lower, 1] += 0.25 * float(eye_distance(face))
    blue = np.full_like(picture, (0, 0, 255))
    target = MotionTransfer(face, face, 1.0)(opened)
    middle = target.landmarks[[13, 14], :2].mean(0).astype(int)
    image = painter.render(target, LentMouth(np.eye(3)).lend(blue, opened))
    red, _, deep = image[middle[1], middle[0]].astype(int)
    assert deep > 150
    assert red < 60


def test_narrow_gaps_are_dark_and_teeth_light(painter: PortraitPainter, picture: np.ndarray) -> None:
    face = find_faces(picture)[0]
    opened = face.copy()
    opened[LIP_RINGS[:, 1:10], 1] += 0.05 * float(eye_distance(face))
    target = MotionTransfer(face, face, 1.0)(opened)
    middle = target.landmarks[[13, 14], :2].mean(0).astype(int)
    seen = {}
    for level in (60, 105, 200):
        shown = np.full_like(picture, 150)  # skin
        x, y = opened[list(INNER_LIPS), :2].mean(0).astype(int)
        shown[y - 12 : y + 12, x - 40 : x + 40] = level
        shown[np.rint(opened[LIP_RINGS[-1], 1]).astype(int), np.rint(opened[LIP_RINGS[-1], 0]).astype(int)] = 150
        image = painter.render(target, LentMouth(np.eye(3)).lend(shown, opened))
        seen[level] = float(image[middle[1], middle[0]].mean())
    assert seen[60] < 0.45 * 60
    assert seen[105] < 0.7 * 105
    assert seen[200] > 0.8 * 200


def test_teeth_keep_their_shape_and_their_lip(painter: PortraitPainter, picture: np.ndarray) -> None:
    """A mouth that opens wider than the driving one shows teeth as high as there, at their own lip, not stretched."""
    face = find_faces(picture)[0]
    unit = float(eye_distance(face))
    driving, wider = face.copy(), face.copy()
    driving[LIP_RINGS[:, 1:10], 1] += 0.3 * unit
    wider[LIP_RINGS[:, 1:10], 1] += 0.42 * unit
    heights = {}
    for name, target in (("driving", driving), ("wider", wider)):
        shown = np.full_like(picture, 120)
        upper, lower = (round(float(driving[point, 1])) for point in (13, 14))
        x = round(float(driving[13, 0]))
        shown[upper : lower + 1, x - 30 : x + 30] = 12
        shown[upper : upper + 10, x - 30 : x + 30] = 200
        shown[lower - 8 : lower + 1, x - 30 : x + 30] = 160
        made = np.full_like(picture, 120)
        LentMouth(np.eye(3)).paint(made, target, shown, driving)
        top, bottom = (round(float(target[point, 1])) for point in (13, 14))
        column = made[top + 1 : bottom, x].max(-1) > 70
        heights[name] = int(np.argmin(column)), int(np.argmin(column[::-1]))
        assert made[(top + bottom) // 2, x].max() < 20, "dark in the depth"
    assert 6 <= heights["driving"][0] <= 11
    assert abs(heights["wider"][0] - heights["driving"][0]) <= 2
    assert abs(heights["wider"][1] - heights["driving"][1]) <= 2


def test_a_mouth_is_shaded_by_its_lips_and_most_by_the_upper(picture: np.ndarray) -> None:
    face = find_faces(picture)[0]
    opened = face.copy()
    opened[LIP_RINGS[:, 1:10], 1] += 0.25 * float(eye_distance(face))
    made = np.full_like(picture, 150)
    LentMouth(np.eye(3)).paint(made, opened, np.full_like(picture, 150), opened)
    x, top, bottom = (round(float(opened[point, axis])) for point, axis in ((13, 0), (13, 1), (14, 1)))
    column = made[top + 3 : bottom - 2, x, 0].astype(int)
    assert column[0] < column[-1] < column.max()
    assert column[0] < 0.75 * column.max()


def test_teeth_are_in_the_light_around_the_mouth_and_not_in_a_beards(picture: np.ndarray) -> None:
    face = find_faces(picture)[0]
    unit = float(eye_distance(face))
    lower = face[LIP_RINGS[-1], 1].min() - 0.1 * unit
    shares = []
    for light in (1.0, 0.88, 0.2):
        lit = picture.astype(float)
        lit[round(lower) :] *= light
        shares.append(SkinLight.share_around_mouth(lit.astype(np.uint8), face, unit))
    assert 0.9 < shares[0] <= 1
    assert shares[1] == pytest.approx(0.88 * shares[0], abs=0.03)
    assert shares[2] == pytest.approx(0.8)


def test_a_video_that_begins_in_mid_speech_opens_a_closed_mouth(picture: np.ndarray) -> None:
    """The first frame's open mouth stands for the picture's closed one: shut, it is closed, and open it is open."""
    face = find_faces(picture)[0]
    opened = face.copy()
    lower = np.unique(np.append(np.flatnonzero(face[:, 1] > face[17, 1]), LIP_RINGS[:, 1:10]))
    opened[lower, 1] += 0.25 * float(eye_distance(face))
    transfer = MotionTransfer(face, opened, 1.0)
    shown = [mouth_opening(transfer(driving).landmarks[:, :2]) for driving in (face, opened)]
    assert shown[0] < mouth_opening(face[:, :2]) + 0.02
    assert shown[1] > 0.7 * mouth_opening(opened[:, :2])


def test_a_mouth_that_is_open_in_the_picture_opens_as_far_as_it_has_room(picture: np.ndarray) -> None:
    """An opening on top of another would reach below the chin; in its own video a face still does what it did."""
    face = find_faces(picture)[0]
    lower = np.unique(np.append(np.flatnonzero(face[:, 1] > face[17, 1]), LIP_RINGS[:, 1:10]))
    opened, wide = face.copy(), face.copy()
    opened[lower, 1] += 0.3 * float(eye_distance(face))
    wide[lower, 1] += 0.35 * float(eye_distance(face))
    gap = {name: float(mouth_opening(landmarks[:, :2])) for name, landmarks in (("own", opened), ("driving", wide))}
    shown = float(mouth_opening(MotionTransfer(opened, face, 1.0)(wide).landmarks[:, :2]))
    assert gap["own"] + 0.05 < shown < gap["own"] + 0.6 * gap["driving"]
    itself = mouth_opening(MotionTransfer(opened, opened, 1.0)(wide).landmarks[:, :2])
    assert itself == pytest.approx(gap["driving"], abs=0.02)


def test_a_lip_that_comes_down_pushes_the_chin_on(picture: np.ndarray) -> None:
    """Lips of a rounded mouth reach further down than another face has room for: the chin's skin mustn't fold."""
    face = find_faces(picture)[0]
    unit = float(eye_distance(face))
    rounded = face.copy()
    rounded[LIP_RINGS[:, 1:10], 1] += 0.4 * unit
    landmarks = MotionTransfer(face, face, 1.0)(rounded).landmarks
    steps = np.diff(face[CHIN_RINGS, :2], axis=0)
    assert ((np.diff(rounded[CHIN_RINGS, :2], axis=0) * steps).sum(-1) < 0).any()
    assert ((np.diff(landmarks[CHIN_RINGS, :2], axis=0) * steps).sum(-1) > 0).all()
    np.testing.assert_allclose(landmarks[list(LIP_RINGS[0, 4:7]), 1], rounded[list(LIP_RINGS[0, 4:7]), 1], atol=1)


def test_a_face_moved_by_itself_goes_where_it_went(driving: np.ndarray) -> None:
    """Of the same face on both sides nothing is left to fit; lids, irises and lips have rules of their own."""
    steep = np.flatnonzero(gently_sloped(driving[0])[:, 2] < driving[0, :, 2])
    assert len(steep) < 150
    apart = np.setdiff1d(np.arange(468), np.concatenate([np.ravel(EYES), LIP_RINGS.ravel(), steep]))
    transfer = MotionTransfer(driving[0], driving[0], 1.0)
    for frame in driving[::5]:
        np.testing.assert_allclose(transfer(frame).landmarks[apart], frame[apart], atol=0.3)


def test_dark_glasses_stay_whole(picture: np.ndarray) -> None:
    """Behind them nothing is seen: a blink paints no lids over them and bends no frame."""
    face = find_faces(picture)[0]
    glasses = picture.copy()
    for ring in EYES:
        middle, width = face[list(ring), :2].mean(0), np.ptp(face[list(ring), 0])
        centre, axes = np.rint(middle).astype(int), np.rint((0.75 * width, 0.55 * width)).astype(int)
        cv2.ellipse(glasses, tuple(centre), tuple(axes), 0, 0, 360, (25, 22, 20), -1, cv2.LINE_AA)
    assert are_covered(glasses, face)
    assert not are_covered(picture, face)
    shut = face.copy()
    for ring in EYES:
        for lower, upper in UPPER_OF_LOWER_LID:
            shut[ring[upper]] = shut[ring[lower]]
    frames = [DrivingFrame(glasses, Fraction(number), points, True) for number, points in enumerate((face, shut))]
    draw = MeshAnimation().animator(glasses, face, frames[0], TransferOptions())
    made = [draw(frame).astype(int) for frame in frames]
    eyes = np.s_[int(face[159, 1]) - 30 : int(face[145, 1]) + 30, int(face[33, 0]) - 20 : int(face[263, 0]) + 20]
    assert np.abs(made[1] - made[0])[eyes].max() <= 4


def test_no_strip_of_a_turned_face_is_drawn_out(picture: np.ndarray) -> None:
    """What is seen edge-on is a few pixels wide; turned by 20 degrees it stays so, and temples of glasses straight."""
    face = find_faces(picture)[0]
    pivot = pivot_of(face, float(eye_distance(face)))
    triangles = mesh_triangles()
    edges = np.unique(np.sort(np.concatenate([triangles[:, :2], triangles[:, 1:], triangles[:, ::2]]), axis=1), axis=0)
    near_outline = edges[np.isin(edges, OVAL).any(1)]
    own = np.linalg.norm(np.diff(face[near_outline, :2], axis=1)[:, 0], axis=1)
    for yaw in (-20.0, 20.0):
        turn = HeadMotion(rotation_of(np.array([yaw, 0, 0])), 1.0, pivot, np.zeros(3))
        moved = MotionTransfer(face, face, 1.0)(turn.apply(face)).landmarks
        length = np.linalg.norm(np.diff(moved[near_outline, :2], axis=1)[:, 0], axis=1)
        assert (length / own).max() < 2


def test_absolute_motion_brings_the_driving_faces_own_shape(picture: np.ndarray, driving: np.ndarray) -> None:
    face = find_faces(picture)[0]
    still = np.setdiff1d(np.arange(468), np.ravel(EYES))
    for adapts, scale in ((True, float(eye_distance(face) / eye_distance(driving[0]))), (False, 1.25)):
        transfer = MotionTransfer(face, driving[0], 1.25, TransferOptions(is_absolute=True, adapts_scale=adapts))
        placed = transfer(driving[20]).landmarks
        shift = placed[1] - scale * driving[20, 1]
        np.testing.assert_allclose(placed[still], scale * driving[20, still] + shift, atol=1e-6)
        assert adapts or np.abs(shift).max() < 1e-6


def test_movements_may_keep_their_size(picture: np.ndarray, driving: np.ndarray) -> None:
    face = find_faces(picture)[0]
    moved = driving[0] + np.array([10.0, 0, 0])
    shifts = [
        MotionTransfer(face, driving[0], 2.0, TransferOptions(adapts_scale=adapts))(moved).head.shift[0]
        for adapts in (True, False)
    ]
    ratio = float(eye_distance(face) / eye_distance(driving[0]))
    assert shifts[0] == pytest.approx(10 * ratio, rel=0.1)
    assert shifts[1] == pytest.approx(20)


@pytest.mark.parametrize("only", [("mouth",), ("pose",), ("eyes",)])
def test_parts_of_the_motion_can_be_chosen(only: tuple[str], picture: np.ndarray, driving: np.ndarray) -> None:
    face = find_faces(picture)[0]
    moves = MotionTransfer(face, driving[0], 1.0, TransferOptions(only=only))
    targets = [moves(frame) for frame in driving]
    openings = np.ptp([mouth_opening(target.landmarks) for target in targets])
    turns = max(np.abs(target.head.rotation - np.eye(3)).max() for target in targets)
    lids = np.ptp([target.slits[0, 4, 1] - target.slits[0, 12, 1] for target in targets])
    assert (openings > 0.05) == ("mouth" in only)
    assert (turns > 0.05) == ("pose" in only)
    if "pose" not in only:
        assert (lids > 2) == ("eyes" in only)


@pytest.mark.slow
def test_the_best_frame_is_the_one_like_the_picture(
    picture_path: Path, driving_path: Path, driving: np.ndarray, tmp_path: Path
) -> None:
    result = animate(picture_path, driving_path, tmp_path / "out.mp4", AnimateOptions(uses_best_frame=True))
    number = round(result["reference_s"] * 25)
    assert mouth_opening(driving[number]) < 0.5 * mouth_opening(driving).max()


@pytest.mark.slow
def test_a_swapped_face_leaves_the_rest_of_the_video_alone(
    picture_path: Path, driving_path: Path, driving: np.ndarray, tmp_path: Path
) -> None:
    out = tmp_path / "swapped.mp4"
    animate(picture_path, driving_path, out, AnimateOptions(swaps=True, crf=8), has_consent=True)
    for made, own, face in zip(read_frames(out), read_frames(driving_path), driving, strict=True):
        change = np.abs(made.image.astype(int) - own.image).mean(-1)
        x, y = face[1, :2].astype(int)
        left, top = face[:, :2].min(0).astype(int) - 4
        assert change[: top - 8].mean() < 1.5
        assert change[:, : left - 8].mean() < 1.5
        assert change[y - 30 : y + 30, x - 30 : x + 30].mean() > 3
        colours = [image[y - 30 : y + 30, x - 30 : x + 30].mean((0, 1)) for image in (made.image, own.image)]
        assert np.abs(colours[0] - colours[1]).max() < 22
    assert compare_motion(driving, detect_all(out)).yaw > 0.9
    comment = tags_of(out)["comment"]
    assert "Synthetic media (face swapped)" in comment
    assert comment.endswith("Consent of the person shown: stated.")


@pytest.mark.slow
def test_frames_without_a_face_hold_the_motion(picture_path: Path, short_driving_path: Path, tmp_path: Path) -> None:
    gone, out = tmp_path / "gone.mp4", tmp_path / "out.mp4"
    with VideoWriter(gone, 320, 320, FPS) as writer:
        for number, frame in enumerate(read_frames(short_driving_path)):
            writer.write(np.full_like(frame.image, 90) if 10 <= number < 16 else frame.image, frame.time_s)
    notes: list[str] = []
    result = animate(picture_path, gone, out, warn=notes.append)
    assert result["n_frames_without_face"] == 6
    assert f"6 of {N_SHORT} frames show no face" in notes[0]
    frames = [frame.image.astype(int) for frame in read_frames(out)]
    assert np.abs(frames[14] - frames[11]).mean() < 1
    assert not probe(out).has_audio


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, list[str]]]:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)

    def call(*arguments: object) -> tuple[int, list[str]]:
        code = main(["animate", *[str(argument) for argument in arguments]])
        return code, capsys.readouterr().err.strip().splitlines()

    return call


def test_a_picture_without_a_face_is_named(
    run: Callable[..., tuple[int, list[str]]], driving_path: Path, tmp_path: Path
) -> None:
    cv2.imwrite(str(tmp_path / "wall.png"), np.full((200, 200, 3), 99, np.uint8))
    code, said = run(tmp_path / "wall.png", driving_path, "--out", tmp_path / "out.mp4")
    assert code == 3
    assert "consent of the person shown: not stated" in said[0]
    assert "wall.png: no face was found" in said[1]
    assert len(said) == 2
    assert not (tmp_path / "out.mp4").exists()


def test_a_video_without_a_face_is_named(
    run: Callable[..., tuple[int, list[str]]], picture_path: Path, tmp_path: Path
) -> None:
    with VideoWriter(tmp_path / "wall.mp4", 96, 96, FPS) as writer:
        writer.write(np.full((96, 96, 3), 99, np.uint8), Fraction(0))
    code, said = run(picture_path, tmp_path / "wall.mp4", "--out", tmp_path / "out.mp4")
    assert code == 3
    assert "wall.mp4: no face was found in any frame" in said[-1]
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.slow
def test_of_several_faces_one_must_be_chosen(picture: np.ndarray, short_driving_path: Path, tmp_path: Path) -> None:
    both = np.hstack([picture, picture[:, ::-1]])
    cv2.imwrite(str(tmp_path / "two.png"), both[..., ::-1])
    with pytest.raises(InputError, match=r"two\.png: shows 2 faces; choose one with `face`, 1"):
        animate(tmp_path / "two.png", short_driving_path, tmp_path / "out.mp4")
    with pytest.raises(InputError, match="no face 3"):
        animate(tmp_path / "two.png", short_driving_path, tmp_path / "out.mp4", AnimateOptions(face=3))
    animate(tmp_path / "two.png", short_driving_path, tmp_path / "out.mp4", AnimateOptions(face=2))
    frames = [frame.image.astype(int) for frame in read_frames(tmp_path / "out.mp4")]
    change = np.max([np.abs(frame - frames[0]).mean(-1) for frame in frames[::6]], axis=0)
    assert change[:, 400:].mean() > 4 * change[:, :360].mean()


@pytest.mark.slow
def test_the_command_begins_with_the_picture_unless_asked_otherwise(
    run: Callable[..., tuple[int, list[str]]],
    picture: np.ndarray,
    picture_path: Path,
    driving_path: Path,
    tmp_path: Path,
) -> None:
    """The driving head is turned from the start on: relative motion doesn't see that, absolute does.

    Its mouth is open from the start on, too, which a picture with a closed one does see: only what is above it stays.
    """
    with VideoWriter(tmp_path / "turned.mp4", 320, 320, FPS, crf=10) as writer:
        for number, frame in enumerate(read_frames(driving_path)):
            if 9 <= number < 12:
                writer.write(frame.image, Fraction(number - 9) / FPS)
    first = {}
    for manner in ("--relative", "--absolute", None):
        options = [manner] if manner else []
        assert run(picture_path, tmp_path / "turned.mp4", "--out", tmp_path / "out.mp4", *options)[0] == 0
        first[manner] = next(read_frames(tmp_path / "out.mp4")).image.astype(int)
    np.testing.assert_array_equal(first[None], first["--relative"])
    above_the_mouth = slice(0, 200)
    assert np.abs(first[None] - picture)[above_the_mouth].mean() < 2
    assert np.abs(first["--absolute"] - picture).mean() > 6


def test_what_makes_no_sense_is_refused(
    run: Callable[..., tuple[int, list[str]]], picture_path: Path, driving_path: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.mp4"
    assert run(picture_path, driving_path, "--out", out, "--only", "ears")[0] == 2
    assert run(picture_path, driving_path, "--out", out, "--only", "")[0] == 2
    assert run(picture_path, driving_path, "--out", out, "--face", "0")[0] == 2
    assert run(picture_path, driving_path, "--out", out, "--method", "magic")[0] == 2
    assert run(picture_path, driving_path, "--out", out, "--relative", "--absolute")[0] == 2
    with pytest.raises(UsageError, match="is also read"):
        animate(picture_path, driving_path, driving_path)


@pytest.fixture(scope="module")
def expressions(data: Path) -> tuple[Path, np.ndarray]:
    """A real face that makes faces, and its landmarks."""
    path = data / "driving" / "expressions_3s.mp4"
    return path, detect_all(path)


@pytest.fixture(scope="module")
def talking(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """A few seconds of a real talker, and the landmarks."""
    path = tmp_path_factory.mktemp("talking") / "talking.mp4"
    with VideoWriter(path, 480, 480, Fraction(30), crf=10) as writer:
        for frame in read_frames(data / "driving" / "talking_20s.mp4", 0, 4):
            writer.write(frame.image, frame.time_s)
    return path, detect_all(path)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("name", ["monalisa.jpg", "painting_portrait.png"])
def test_a_painting_follows_a_real_face(
    data: Path, expressions: tuple[Path, np.ndarray], name: str, tmp_path: Path
) -> None:
    animate(data / "portraits" / name, expressions[0], tmp_path / "out.mp4")
    comparison = compare_motion(expressions[1], detect_all(tmp_path / "out.mp4"))
    assert comparison.opening > 0.9
    # a few other pixels beside the eyes move what is seen of these blinks between 0.72 and 0.76
    assert comparison.blink > 0.7


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("name", ["einstein.jpg", "monalisa.jpg", "painting_lady.jpg"])
def test_mouths_of_pictures_are_seen_to_open_as_little_as_a_talkers(
    data: Path, talking: tuple[Path, np.ndarray], name: str, tmp_path: Path
) -> None:
    animate(data / "portraits" / name, talking[0], tmp_path / "out.mp4")
    comparison = compare_motion(talking[1], detect_all(tmp_path / "out.mp4"))
    assert comparison.opening > 0.9
    assert comparison.blink > 0.9


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "start_s", "share"),
    [("newsreader_20s_512px", 0, 0.4), ("face1_22fps", 3, 0.6), ("face3", 0, 0.6), ("face5", 2, 0.6)],
)
@pytest.mark.slow
def test_people_reenacted_are_much_nearer_than_their_first_pictures(
    data: Path, name: str, start_s: int, share: float, tmp_path: Path
) -> None:
    part, first, out = tmp_path / "part.mp4", tmp_path / "first.png", tmp_path / "out.mp4"
    frames = list(read_frames(data / "clips" / f"{name}.mp4", 0, start_s + 2.5))
    frames = [frames[0], *[frame for frame in frames[1:] if start_s < frame.time_s < start_s + 2.5]]
    cv2.imwrite(str(first), frames[0].image[..., ::-1])
    with VideoWriter(part, frames[0].image.shape[1], frames[0].image.shape[0], FPS, crf=10) as writer:
        for number, frame in enumerate(frames):
            writer.write(frame.image, Fraction(number) / FPS)
    animate(first, part, out)
    pairs = [(made.image.astype(int), real.image) for made, real in zip(read_frames(out), frames, strict=True)]
    made = np.mean([np.abs(image - real).mean() for image, real in pairs])
    copied = np.mean([np.abs(frames[0].image.astype(int) - real).mean() for _, real in pairs])
    assert made < share * copied
