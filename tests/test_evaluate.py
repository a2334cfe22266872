"""The evaluation: its rows are ordered as knowledge of the lips is, and its report needs nothing beside itself."""

import os
import tempfile
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from hygiesync.avatar.template import FacePlaces
from hygiesync.avatar.video_avatar import IDLE_VIDEO, VideoAvatar
from hygiesync.errors import InputError, UsageError
from hygiesync.evaluation.blend_seam import change_across, picture_gradient, walk_outline
from hygiesync.evaluation.contact_sheet import FACE, LARGE_MOUTH, MOUTH, Strip, contact_sheet, tiles, write_whole
from hygiesync.evaluation.curves import opening_curves
from hygiesync.evaluation.evaluate import ROWS, evaluate, format_table
from hygiesync.evaluation.loop_seam import LoopSeam, idle_loop_seam, loop_seam
from hygiesync.evaluation.measures import MEASURES, lip_measures
from hygiesync.evaluation.moments import Moment, choose_moments, find_closures
from hygiesync.evaluation.picture_quality import PictureComparison
from hygiesync.face.pose import apply_similarity
from hygiesync.face.topology import (
    LEFT_EYE_OUTER,
    LOWER_BOTTOM,
    LOWER_FACE,
    LOWER_LIPS,
    LOWER_MOUTH_REGION,
    LOWER_TOP,
    RIGHT_EYE_OUTER,
    RIGID,
)
from hygiesync.face.track import FaceTrack
from hygiesync.media.audio import read_audio
from hygiesync.media.video import VideoWriter, probe, read_frames
from hygiesync.rendering.interfaces import TemplateFace
from hygiesync.synthetic.talker import TalkerTruth
from hygiesync.tts.speech import PAUSE

FPS = Fraction(25)


@pytest.fixture(scope="module")
def done(
    talker_avatar: VideoAvatar, held_out_video: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, dict[str, float]], Path, dict[str, tuple[int, int]]]:
    """Rows of an evaluation, the folder with its videos and report, and the stages it told of."""
    folder = tmp_path_factory.mktemp("evaluated")
    stages: dict[str, tuple[int, int]] = {}
    rows = evaluate(
        talker_avatar,
        held_out_video,
        keep=folder / "videos",
        report=folder / "report.html",
        progress=lambda stage, done, total, note: stages.update({stage: (done, total)}),
    )
    return rows, folder, stages


def write_copy(source: Path, out: Path, n_frames: int, blank: range = range(0), sound: bool = True) -> Path:
    """First frames of a video at half size, some of them grey."""
    samples = read_audio(source)[: n_frames * 640]
    with VideoWriter(
        out, 256, 256, FPS, audio_rate=16000 if sound else None, audio_channels=int(sound), preset="ultrafast"
    ) as writer:
        for number, frame in zip(range(n_frames), read_frames(source), strict=False):
            image = cv2.resize(frame.image, (256, 256), interpolation=cv2.INTER_AREA)
            writer.write(np.full_like(image, 128) if number in blank else image, number / FPS)
        if sound:
            writer.write_audio(samples)
    return out


@pytest.mark.slow
def test_rows_are_complete_and_finite(
    done: tuple[dict[str, dict[str, float]], Path, dict[str, tuple[int, int]]],
) -> None:
    rows, _, _ = done
    assert tuple(rows) == ROWS
    for row in rows.values():
        assert set(row) == {measure.name for measure in MEASURES}
        assert np.isfinite(list(row.values())).all()
        assert row["faces_found"] > 0.95


@pytest.mark.slow
def test_knowing_more_of_the_lips_is_better(
    done: tuple[dict[str, dict[str, float]], Path, dict[str, tuple[int, int]]],
) -> None:
    rows, _, _ = done
    distance = {name: row["lip_distance_pct"] for name, row in rows.items()}
    assert distance["reencoded"] < distance["oracle"] < distance["mean"]
    assert distance["reencoded"] < distance["ours"] < 0.8 * distance["mean"]
    correlation = {name: row["opening_correlation"] for name, row in rows.items()}
    assert correlation["reencoded"] > 0.95
    assert correlation["oracle"] > 0.9
    assert correlation["ours"] > correlation["mean"]
    assert abs(rows["oracle"]["lag_ms"]) < 10


@pytest.mark.slow
def test_pictures_are_best_where_they_are_real(
    done: tuple[dict[str, dict[str, float]], Path, dict[str, tuple[int, int]]],
) -> None:
    rows, _, _ = done
    assert rows["reencoded"]["mouth_psnr_db"] > rows["oracle"]["mouth_psnr_db"] > rows["mean"]["mouth_psnr_db"]
    assert 0.85 < rows["reencoded"]["mouth_sharpness_ratio"] < 1.15
    # nothing but the lower face is touched, so that the rest only knows the encoder
    outside = [row["outside_psnr_db"] for row in rows.values()]
    assert min(outside) > 35
    assert np.ptp(outside) < 0.7


@pytest.mark.slow
def test_videos_are_kept_with_times_and_sound(
    done: tuple[dict[str, dict[str, float]], Path, dict[str, tuple[int, int]]], held_out_video: Path
) -> None:
    _, folder, _ = done
    assert {file.name for file in (folder / "videos").iterdir()} == {f"{row}.mp4" for row in ROWS}
    times = [frame.time_s for frame in read_frames(held_out_video)]
    sound = read_audio(held_out_video)
    for row in ROWS:
        file = folder / "videos" / f"{row}.mp4"
        assert [frame.time_s for frame in read_frames(file)] == times
        heard = read_audio(file)
        n_samples = min(len(sound), len(heard))
        assert abs(len(sound) - len(heard)) < 3000
        assert np.corrcoef(sound[:n_samples], heard[:n_samples])[0, 1] > 0.97


@pytest.mark.slow
def test_videos_say_what_they_are(done: tuple[dict[str, dict[str, float]], Path, dict[str, tuple[int, int]]]) -> None:
    _, folder, _ = done
    comments = {}
    for row in ROWS:
        with av.open(str(folder / "videos" / f"{row}.mp4")) as container:
            comments[row] = container.metadata["comment"]
    assert all(comments[row].startswith("Synthetic media") for row in ("oracle", "ours", "mean"))
    assert "nothing in it was generated" in comments["reencoded"]
    assert [row for row in ROWS if "recorded sound" in comments[row]] == ["ours"]


@pytest.mark.slow
def test_every_stage_is_told_to_its_end(
    done: tuple[dict[str, dict[str, float]], Path, dict[str, tuple[int, int]]], held_out_video: Path
) -> None:
    _, _, stages = done
    n_frames = probe(held_out_video).n_frames
    expected = ["watching real"] + [f"{verb} {row}" for verb in ("writing", "watching", "comparing") for row in ROWS]
    assert sorted(stages) == sorted(expected)
    assert set(stages.values()) == {(n_frames, n_frames)}


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.alternatives: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [
            value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "srcset", "data")
        ]
        self.alternatives += [value or "" for name, value in attrs if tag == "img" and name == "alt"]


@pytest.mark.slow
def test_report_holds_all_it_shows(done: tuple[dict[str, dict[str, float]], Path, dict[str, tuple[int, int]]]) -> None:
    rows, folder, _ = done
    text = (folder / "report.html").read_text(encoding="utf-8")
    page = _Links()
    page.feed(text)
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert all(source.startswith(("data:image/png;base64,", "data:image/jpeg;base64,", "#")) for source in page.sources)
    assert "@import" not in text
    assert text.count("url(") == text.count("url(#")
    assert page.tags.count("svg") == 1
    pictures = [source.split(",", 1)[1] for source in page.sources if source.startswith("data:")]
    images = [cv2.imdecode(np.frombuffer(b64decode(picture), np.uint8), cv2.IMREAD_COLOR) for picture in pictures]
    for image in images:
        assert image.shape[1] > 800
        assert image.std() > 20
    # three sheets of three mouths, each real above two rendered, in the size that teeth are judged in; and the figures
    assert page.alternatives[:3] == [text for text in page.alternatives if text.startswith("mouths: ")]
    assert all(image.shape[0] > 3 * LARGE_MOUTH.size[1] for image in images[:3])
    assert page.alternatives[3:] == ["whole faces", "maps of the difference", "the loop's end"]
    shown = ", ".join(page.alternatives[:3])
    assert all(caption in shown for caption in ("silence", "shut: b, p, m", "shut again", "wide", "rounded", "spread"))
    assert text.count("<h2>") == 6
    assert "no jump" in text
    assert len(text) < 8e6
    assert f'<td class="ours">{rows["ours"]["lip_distance_pct"]:.2f}</td>' in text
    assert "Synthetic media" in text
    assert list(folder.glob(".*")) == []


@pytest.mark.slow
def test_table_has_a_line_for_each_measure(
    done: tuple[dict[str, dict[str, float]], Path, dict[str, tuple[int, int]]],
) -> None:
    rows, _, _ = done
    lines = format_table(rows).splitlines()
    assert len(lines) == len(MEASURES) + 1
    assert lines[0].split() == [*ROWS, "ideal"]
    assert len({len(line) for line in lines}) == 1
    assert "–" in format_table({"ours": {"frames": 3.0, "faces_found": 0.1}})


@pytest.mark.slow
def test_frames_without_a_face_are_left_out_and_nothing_is_left_behind(
    talker_avatar: VideoAvatar, held_out_video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = write_copy(held_out_video, tmp_path / "short.mp4", 30, blank=range(10, 15))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", os.fspath(scratch))
    rows = evaluate(talker_avatar, video)
    assert rows["reencoded"]["frames"] <= 25
    assert rows["reencoded"]["faces_found"] == pytest.approx(rows["reencoded"]["frames"] / 30, abs=1e-3)
    assert list(scratch.iterdir()) == []


def test_video_without_sound_is_refused(talker_avatar: VideoAvatar, held_out_video: Path, tmp_path: Path) -> None:
    video = write_copy(held_out_video, tmp_path / "mute.mp4", 5, sound=False)
    with pytest.raises(InputError, match="no audio track"):
        evaluate(talker_avatar, video)


def test_video_without_a_face_is_refused(talker_avatar: VideoAvatar, held_out_video: Path, tmp_path: Path) -> None:
    video = write_copy(held_out_video, tmp_path / "grey.mp4", 20, blank=range(20))
    with pytest.raises(InputError, match="no face was found"):
        evaluate(talker_avatar, video, keep=tmp_path / "kept")
    assert list((tmp_path / "kept").iterdir()) == []


def test_destinations_are_checked_before_the_work(
    talker_avatar: VideoAvatar, held_out_video: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="folder that exists"):
        evaluate(talker_avatar, held_out_video, report=tmp_path / "nowhere" / "report.html")
    video = write_copy(held_out_video, tmp_path / "ours.mp4", 12)
    content = video.read_bytes()
    for keep, report in ((tmp_path, None), (None, video)):
        with pytest.raises(UsageError, match="is also read"):
            evaluate(talker_avatar, video, keep=keep, report=report)
    assert video.read_bytes() == content
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="can't be made"):
        evaluate(talker_avatar, held_out_video, keep=tmp_path / "file")


@pytest.mark.slow
def test_contact_sheet_shows_each_video(held_out_video: Path, tmp_path: Path) -> None:
    other = write_copy(held_out_video, tmp_path / "small.mp4", 40)
    contact_sheet([held_out_video, other], tmp_path / "sheet.png", ["real", "small"], n_moments=3)
    sheet = cv2.imread(os.fspath(tmp_path / "sheet.png"))
    assert sheet.shape[0] > 2 * MOUTH.size[1] + FACE.size[1]
    assert 3 * MOUTH.size[0] < sheet.shape[1] < 4 * MOUTH.size[0] + 136
    with pytest.raises(UsageError, match="a label for each video"):
        contact_sheet([held_out_video], tmp_path / "sheet.png", ["one", "two"])


def test_large_tiles_show_all_that_is_blended_in(held_out_video: Path, held_out_truth: TalkerTruth) -> None:
    track = track_of(held_out_truth)
    (tile,) = tiles(Strip(held_out_video, track, "real"), [Moment(1.0, "")], LARGE_MOUTH)
    assert tile.shape == (*LARGE_MOUTH.size[::-1], 3)
    assert LARGE_MOUTH.size[0] / LARGE_MOUTH.width >= 450  # three times a face with 150 pixels between the eyes
    landmarks = held_out_truth.landmarks
    eyes = np.linalg.norm(landmarks[:, LEFT_EYE_OUTER] - landmarks[:, RIGHT_EYE_OUTER], axis=1)
    region = np.ptp(track.lower[:, LOWER_MOUTH_REGION], axis=1) / eyes[:, None]
    assert (region.max(0) < LARGE_MOUTH.width * np.array([1, LARGE_MOUTH.size[1] / LARGE_MOUTH.size[0]])).all()
    faceless = Strip(held_out_video, replace(track, rigid=np.full_like(track.rigid, np.nan)), "real")
    assert tiles(faceless, [Moment(1.0, "")], MOUTH)[0].std() == 0


def talking(n_frames: int, avatar: VideoAvatar) -> np.ndarray:
    """Lower faces (n_frames, n_lower, 2) that open and close."""
    coefficients = np.zeros((n_frames, avatar.shape.n_components))
    coefficients[:, 0] = 1.5 * np.sin(np.arange(n_frames) / 4)
    return avatar.shape.inverse_transform(coefficients)


def test_lips_against_themselves_and_against_late_ones(talker_avatar: VideoAvatar) -> None:
    real, shots = talking(100, talker_avatar), np.zeros(100, int)
    same = lip_measures(real, real.copy(), shots, 0.04)
    assert same["lip_distance_pct"] == 0
    assert same["jitter_ratio"] == pytest.approx(1)
    assert same["closed_opening_pct"] == same["closed_opening_real_pct"]
    late = lip_measures(real[2:], real[:-2], shots[2:], 0.04)
    assert late["lag_ms"] == pytest.approx(80, abs=5)
    wide = lip_measures(real, real.mean(0) + 2 * (real - real.mean(0)), shots, 0.04)
    assert wide["jitter_ratio"] == pytest.approx(2)


def test_lips_that_are_not_seen_do_not_count(talker_avatar: VideoAvatar) -> None:
    real, shots = talking(100, talker_avatar), np.zeros(100, int)
    other = real.copy()
    other[50] += 5 * np.random.default_rng(0).normal(size=other[50].shape)
    other[50:52] = np.nan
    measures = lip_measures(real, other, shots, 0.04)
    assert (measures["frames"], measures["faces_found"], measures["lip_distance_pct"]) == (98, 0.98, 0)
    other[5:] = np.nan
    assert lip_measures(real, other, shots, 0.04) == {"frames": 5, "faces_found": 0.05}


def test_a_cut_is_no_jitter(talker_avatar: VideoAvatar) -> None:
    real = np.repeat(talking(2, talker_avatar), 20, axis=0)
    real[20:, LOWER_TOP, 1] -= 0.2
    other = real.copy()
    other[::2, LOWER_TOP, 1] += 0.01
    as_one = lip_measures(real, other, np.zeros(40, int), 0.04)["jitter_ratio"]
    as_two = lip_measures(real, other, np.repeat([0, 1], 20), 0.04)["jitter_ratio"]
    assert as_two > 100 * as_one


@pytest.fixture
def still(talker_avatar: VideoAvatar) -> tuple[PictureComparison, np.ndarray, TemplateFace]:
    """A comparison, a picture of noise, and a face in it."""
    to_picture = np.array([[100.0, 0, 128], [0, 100, 60]])
    face = TemplateFace(to_picture, np.zeros(2), apply_similarity(to_picture, talker_avatar.shape.mean))
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    return PictureComparison(talker_avatar.shape, 100), cv2.GaussianBlur(noise, (0, 0), 1.0), face


def test_pictures_against_themselves(still: tuple[PictureComparison, np.ndarray, TemplateFace]) -> None:
    comparison, picture, face = still
    for shift in (0, 1, 5):
        moved = np.roll(picture, shift, axis=1)
        comparison.add(moved, moved.copy(), face)
    measures = comparison.measures()
    assert measures["mouth_psnr_db"] == measures["outside_psnr_db"] > 70
    assert measures["mouth_sharpness_ratio"] == measures["mouth_flicker_ratio"] == 1
    assert comparison.mean_difference.max() == 0


def test_blur_and_flicker_at_the_mouth_are_seen_there_alone(
    still: tuple[PictureComparison, np.ndarray, TemplateFace], talker_avatar: VideoAvatar
) -> None:
    comparison, picture, face = still
    left, top = face.lower[LOWER_LIPS].min(0).astype(int)
    right, bottom = face.lower[LOWER_LIPS].max(0).astype(int)
    for number in range(6):
        other = picture.copy()
        blurred = cv2.GaussianBlur(other[top:bottom, left:right], (0, 0), 3.0)
        other[top:bottom, left:right] = np.clip(blurred.astype(int) + 20 * (number % 2), 0, 255)
        comparison.add(picture, other, face)
        if number == 2:
            comparison.skip()
    measures = comparison.measures()
    assert measures["mouth_sharpness_ratio"] < 0.9
    assert measures["mouth_psnr_db"] < 30
    assert measures["outside_psnr_db"] > 70
    assert measures["mouth_flicker_ratio"] > 100  # the real picture stands still
    window = comparison.lower_face
    brightest = np.unravel_index(comparison.mean_difference.argmax(), comparison.mean_difference.shape)
    lips = window.to_pixels(talker_avatar.shape.mean[LOWER_LIPS])
    assert lips[:, 1].min() - 2 < brightest[0] < lips[:, 1].max() + 2


@pytest.fixture
def moving(talker_avatar: VideoAvatar) -> list[tuple[np.ndarray, TemplateFace]]:
    """Pictures of something as smooth as skin, with a head that moves and a jaw that opens: (picture, face), ..."""
    noise = np.random.default_rng(1).normal(size=(256, 256, 3)).astype(np.float32)
    skin = cv2.GaussianBlur(noise, (0, 0), 8.0)
    skin = np.clip(128 + 25 * skin / skin.std(), 0, 255).astype(np.uint8)
    frames = []
    for number, lower in enumerate(talking(12, talker_avatar)):
        to_picture = np.array([[100.0, 0, 118 + 2 * number], [0, 100, 50 + number]])
        picture = np.roll(skin, (number, 2 * number), axis=(0, 1))
        frames.append((picture, TemplateFace(to_picture, np.zeros(2), apply_similarity(to_picture, lower))))
    return frames


def seen_against(
    avatar: VideoAvatar,
    frames: list[tuple[np.ndarray, TemplateFace]],
    change: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> PictureComparison:
    """Comparison of pictures with what `change(picture, outline)` makes of them."""
    comparison = PictureComparison(avatar.shape, 100)
    for picture, face in frames:
        comparison.add(picture, change(picture, face.lower[LOWER_MOUTH_REGION]), face)
    return comparison


def with_step(picture: np.ndarray, outline: np.ndarray) -> np.ndarray:
    """All that is blended in is a little brighter."""
    mask = cv2.fillPoly(np.zeros(picture.shape[:2], np.uint8), [np.rint(outline).astype(np.int32)], 1)
    return np.clip(picture.astype(int) + 10 * mask[..., None], 0, 255).astype(np.uint8)


def with_line(picture: np.ndarray, outline: np.ndarray) -> np.ndarray:
    """A faint line where the blend ends."""
    line = cv2.polylines(np.zeros(picture.shape[:2], np.uint8), [np.rint(outline).astype(np.int32)], True, 1)
    return np.clip(picture.astype(int) - 8 * line[..., None], 0, 255).astype(np.uint8)


def test_no_seam_where_pictures_are_equal(
    talker_avatar: VideoAvatar, moving: list[tuple[np.ndarray, TemplateFace]]
) -> None:
    comparison = seen_against(talker_avatar, moving, lambda picture, _: picture.copy())
    assert comparison.measures()["seam_ratio"] == 1
    assert np.abs(comparison.mean_added_edges).max() == 0
    assert comparison.mean_real_edges.mean() > 0.5


@pytest.mark.parametrize("change", [with_step, with_line])
def test_seam_is_seen_while_head_and_jaw_move(
    talker_avatar: VideoAvatar, moving: list[tuple[np.ndarray, TemplateFace]], change: Callable[..., Any]
) -> None:
    comparison = seen_against(talker_avatar, moving, change)
    assert comparison.measures()["seam_ratio"] > 1.4
    # the map has a line along the upper lip's side of the outline, which the jaw leaves alone, and nothing elsewhere
    upper = comparison.lower_face.to_pixels(talker_avatar.shape.mean[LOWER_MOUTH_REGION])[[16, 17, 0, 1]]
    x, y = np.rint(upper.mean(0)).astype(int)
    added = comparison.mean_added_edges
    assert added[y - 4 : y + 5, x].max() > 2
    assert np.abs(added[:10]).max() < 0.2


def test_change_that_is_no_seam_leaves_the_ratio_alone(
    talker_avatar: VideoAvatar, moving: list[tuple[np.ndarray, TemplateFace]]
) -> None:
    def elsewhere(picture: np.ndarray, outline: np.ndarray) -> np.ndarray:
        return with_step(picture, outline.mean(0) + 0.6 * (outline - outline.mean(0)))

    comparison = seen_against(talker_avatar, moving, elsewhere)
    assert comparison.measures()["seam_ratio"] == pytest.approx(1, abs=0.05)
    assert comparison.mean_added_edges.max() > 2


def test_change_across_a_square_on_a_slope() -> None:
    square = np.array([[10.0, 10], [30, 10], [30, 30], [10, 30]])
    points, normals = walk_outline(square)
    assert np.linalg.norm(np.diff(points, axis=0), axis=1) == pytest.approx(1)
    assert np.linalg.norm(normals, axis=1) == pytest.approx(1)
    towards_middle = ((20 - points) * normals).sum(1)
    assert (towards_middle > 0).all()
    slope = np.tile(3 * np.arange(50, dtype=np.float32), (50, 1))
    assert change_across(picture_gradient(slope), square) == pytest.approx(
        1.5, abs=0.01
    )  # two of four sides lie across


def track_of(truth: TalkerTruth) -> FaceTrack:
    """The talker as a perfect detector sees it."""
    n_frames = len(truth.times_s)
    return FaceTrack(
        np.array([float(time_s) for time_s in truth.times_s]),
        truth.landmarks[:, RIGID].astype(np.float32),
        truth.landmarks[:, LOWER_FACE].astype(np.float32),
        np.ones(n_frames, np.float32),
        np.zeros((n_frames, 9, 12), np.uint8),
    )


def track_with(opening: np.ndarray, avatar: VideoAvatar) -> FaceTrack:
    """A still head at 25 frames a second whose lips are `opening` (n_frames,) apart, in distances between the eyes."""
    n_frames = len(opening)
    place = np.array([[100.0, 0, 128], [0, 100, 60]])
    lower = np.repeat(avatar.shape.mean[None], n_frames, 0)
    lower[:, LOWER_BOTTOM] = lower[:, LOWER_TOP] + np.stack([np.zeros(n_frames), opening], 1)
    rigid = np.repeat(avatar.pose.reference[None], n_frames, 0)
    return FaceTrack(
        np.arange(n_frames) / 25,
        apply_similarity(place, rigid).astype(np.float32),
        apply_similarity(place, lower).astype(np.float32),
        np.ones(n_frames, np.float32),
        np.zeros((n_frames, 9, 12), np.uint8),
    )


def test_closures_are_where_the_talker_says_b_p_or_m(talker_truth: TalkerTruth, held_out_truth: TalkerTruth) -> None:
    for truth in (talker_truth, held_out_truth):
        track = track_of(truth)
        sounds = truth.speech.phonemes
        is_voice = np.zeros(len(track), bool)
        for sound in sounds:
            if sound.symbol != PAUSE:
                is_voice |= (track.times_s >= sound.start_s) & (track.times_s < sound.end_s)
        spans = [(sound.start_s, sound.end_s) for sound in sounds if sound.symbol.strip("ˈˌː") in ("p", "b", "m")]
        found = track.times_s[np.isfinite(find_closures(track, is_voice))]
        assert len(found) >= 3
        for time_s in found:
            assert any(start_s - 0.04 <= time_s <= end_s + 0.04 for start_s, end_s in spans)
        shut = [moment for moment in choose_moments(track, is_voice) if moment.caption.startswith("shut")]
        assert len(shut) == 2
        assert {moment.time_s for moment in shut} <= set(found.tolist())


def test_closure_is_not_the_least_opening(talker_avatar: VideoAvatar) -> None:
    times = np.arange(200) / 25
    opening = np.full(200, 0.2)
    opening[(times > 0.98) & (times < 1.1)] = 0.03  # two closures in speech,
    opening[(times > 1.98) & (times < 2.1)] = 0.02
    opening[(times > 2.98) & (times < 3.9)] = 0.01  # lips that are pressed together for long,
    opening[(times > 4.48) & (times < 4.6)] = 0.12  # a dip that does not close,
    opening[times > 6] = 0.0  # and silence
    closures = find_closures(track_with(opening, talker_avatar), times < 6)
    assert times[np.isfinite(closures)] == pytest.approx([1.04, 2.04], abs=0.021)
    assert closures[np.isfinite(closures)] == pytest.approx([0.17, 0.18], abs=1e-3)
    moments = {m.caption: m.time_s for m in choose_moments(track_with(opening, talker_avatar), times < 6)}
    assert (moments["shut: b, p, m"], moments["shut again"]) == pytest.approx((2.04, 1.04), abs=0.021)
    for never in (opening * 0 + 0.1, opening * np.nan):
        assert np.isnan(find_closures(track_with(never, talker_avatar), times < 6)).all()


def test_closure_next_to_silence_or_a_cut_does_not_count(talker_avatar: VideoAvatar) -> None:
    opening = np.full(100, 0.2)
    opening[50:53] = 0.0
    track, is_voice = track_with(opening, talker_avatar), np.ones(100, bool)
    assert np.flatnonzero(np.isfinite(find_closures(track, is_voice))).tolist() == [51]
    assert np.isnan(find_closures(track, np.arange(100) < 52)).all()
    elsewhere = np.where(np.arange(100) < 53, 0, 400).astype(np.float32)[:, None, None]
    cut = replace(track, rigid=track.rigid + elsewhere, lower=track.lower + elsewhere)
    assert np.isnan(find_closures(cut, is_voice)).all()


def idle_avatar(avatar: VideoAvatar, folder: Path, shifts: np.ndarray) -> VideoAvatar:
    """`avatar` whose idle loop is its first idle picture, moved right by `shifts` (n_frames,) pixels."""
    image = next(avatar.idle(avatar.fps).template.frames()).image
    height, width = image.shape[:2]
    with VideoWriter(folder / IDLE_VIDEO, width, height, avatar.fps, crf=14, preset="ultrafast") as writer:
        for number, shift in enumerate(shifts):
            move = np.array([[1.0, 0, shift], [0, 1, 0]])
            writer.write(
                cv2.warpAffine(image, move, (width, height), borderMode=cv2.BORDER_REPLICATE), number / avatar.fps
            )
    arrays = {name: np.repeat(array[:1], len(shifts), axis=0) for name, array in vars(avatar.idle_places).items()}
    arrays["times_s"] = np.arange(len(shifts)) / float(avatar.fps)
    arrays["to_picture"][:, 0, 2] += shifts
    arrays["lower"][..., 0] += shifts[:, None]
    return replace(avatar, directory=folder, idle_places=FacePlaces(**arrays))


def test_loop_that_closes_and_loop_that_jumps(talker_avatar: VideoAvatar, tmp_path: Path) -> None:
    n_frames = 24
    ratios = {}
    for name, shifts in (
        ("closes", 8 * np.sin(2 * np.pi * np.arange(n_frames) / n_frames)),
        ("jumps", np.linspace(0, 30, n_frames)),
    ):
        (tmp_path / name).mkdir()
        seam = idle_loop_seam(idle_avatar(talker_avatar, tmp_path / name, shifts))
        assert (len(seam.pictures), seam.n_before) == (6, 3)
        assert seam.usual > 0.1
        ratios[name] = seam.jump_ratio
    assert 0.5 < ratios["closes"] < 2.5
    assert ratios["jumps"] > 5
    assert ratios["jumps"] > 3 * ratios["closes"]


def seam_of(shifts: np.ndarray) -> LoopSeam:
    """Seam of a loop in which a smooth picture is moved by `shifts` (n_frames,), whole pixels."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    picture = cv2.GaussianBlur(noise, (0, 0), 3.0)
    rounds = (np.roll(picture, shift, axis=1) for shift in np.tile(shifts, 3))
    return loop_seam(rounds, len(shifts), np.array([[30.0, 0, 32], [0, 30, 20]]))


def test_loop_seam_of_known_pictures() -> None:
    forth_and_back = seam_of(np.array([0, 1, 2, 3, 4, 3, 2, 1]))
    assert forth_and_back.jump_ratio == pytest.approx(1)
    assert np.abs(forth_and_back.changes.astype(int) - forth_and_back.changes[0]).mean() < 5
    jump = seam_of(np.arange(8))
    assert jump.across > 4 * jump.usual
    assert jump.changes[3].mean() > 2 * jump.changes[[0, 1, 2, 4, 5]].mean((1, 2)).max()
    stands = seam_of(np.zeros(5, int))
    assert (stands.across, stands.jump_ratio) == (0, 1)


def test_loop_of_a_few_pictures() -> None:
    for n_frames in (1, 2, 3):
        seam = seam_of(np.arange(n_frames))
        assert len(seam.pictures) == len(seam.changes) == seam.n_before + 3
        assert seam.n_before <= n_frames
        assert seam.jump_ratio == pytest.approx(1) or n_frames == 3


def test_moments_differ(talker_avatar: VideoAvatar) -> None:
    n_frames = 200
    place = np.array([[100.0, 0, 128], [0, 100, 60]])
    lower = apply_similarity(place, talking(n_frames, talker_avatar)).astype(np.float32)
    rigid = np.repeat(apply_similarity(place, talker_avatar.pose.reference)[None], n_frames, 0).astype(np.float32)
    rigid[:20] = lower[:20] = np.nan
    sharpness = np.where(np.arange(n_frames) < 20, np.nan, 1.0).astype(np.float32)
    track = FaceTrack(np.arange(n_frames) / 25, rigid, lower, sharpness, np.zeros((n_frames, 9, 12), np.uint8))
    assert rigid.shape[1] == len(RIGID)
    assert lower.shape[1] == len(LOWER_FACE)
    is_voice = np.arange(n_frames) < 150
    moments = choose_moments(track, is_voice)
    assert len(moments) == 8
    assert len({moment.caption for moment in moments}) == 8
    times = np.sort([moment.time_s for moment in moments])
    assert np.diff(times).min() >= 0.2
    assert times[0] >= 20 / 25
    silence = next(moment.time_s for moment in moments if moment.caption == "silence")
    assert silence == pytest.approx(174 / 25, abs=0.05)


def test_curves_leave_holes_and_use_several_strips() -> None:
    times = np.arange(0, 30, 0.04)
    opening = np.where(times < 1, np.nan, 5 + np.sin(times)).astype(np.float64)
    svg = opening_curves(times, {"real": opening, "ours": opening + 1}, times > 2)
    assert svg.startswith("<svg")
    assert svg.rstrip().endswith("</svg>")
    assert svg.count('id="axes_') == 3
    assert "nan" not in svg.lower()


def test_half_written_file_never_appears(tmp_path: Path) -> None:
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(InputError, match="can't be written"):
        write_whole(tmp_path / "folder.html", b"content")
    assert [file.name for file in tmp_path.iterdir()] == ["folder.html"]
