"""The evaluation: its rows are ordered as knowledge of the lips is, and its report needs nothing beside itself."""

import os
import tempfile
from base64 import b64decode
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from hygiesync.apps.evaluate import ROWS, evaluate, format_table
from hygiesync.apps.evaluation.contact_sheet import FACE_TILE, MOUTH_TILE, contact_sheet, write_whole
from hygiesync.apps.evaluation.curves import opening_curves
from hygiesync.apps.evaluation.measures import MEASURES, lip_measures
from hygiesync.apps.evaluation.moments import choose_moments
from hygiesync.apps.evaluation.picture_quality import PictureComparison
from hygiesync.avatar.bundle import Avatar
from hygiesync.errors import InputError, UsageError
from hygiesync.face.pose import apply_similarity
from hygiesync.face.topology import LOWER_FACE, LOWER_LIPS, LOWER_TOP, RIGID
from hygiesync.face.track import FaceTrack
from hygiesync.media.audio import read_audio
from hygiesync.media.video import VideoWriter, probe, read_frames
from hygiesync.render.template import TemplateFace

FPS = Fraction(25)


@pytest.fixture(scope="module")
def done(talker_avatar: Avatar, held_out_video: Path, tmp_path_factory: pytest.TempPathFactory):
    """Rows of an evaluation, the folder with its videos and report, and the stages it told of."""
    folder = tmp_path_factory.mktemp("evaluated")
    stages: dict[str, tuple[int, int]] = {}
    rows = evaluate(
        talker_avatar,
        held_out_video,
        keep=folder / "videos",
        report=folder / "report.html",
        progress=lambda stage, done, total: stages.update({stage: (done, total)}),
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


def test_rows_are_complete_and_finite(done) -> None:
    rows, _, _ = done
    assert tuple(rows) == ROWS
    for row in rows.values():
        assert set(row) == {measure.name for measure in MEASURES}
        assert np.isfinite(list(row.values())).all()
        assert row["faces_found"] > 0.95


def test_knowing_more_of_the_lips_is_better(done) -> None:
    rows, _, _ = done
    distance = {name: row["lip_distance_pct"] for name, row in rows.items()}
    assert distance["reencoded"] < distance["oracle"] < distance["mean"]
    assert distance["reencoded"] < distance["ours"] < 0.8 * distance["mean"]
    correlation = {name: row["opening_correlation"] for name, row in rows.items()}
    assert correlation["reencoded"] > 0.95
    assert correlation["oracle"] > 0.9
    assert correlation["ours"] > correlation["mean"]
    assert abs(rows["oracle"]["lag_ms"]) < 10


def test_pictures_are_best_where_they_are_real(done) -> None:
    rows, _, _ = done
    assert rows["reencoded"]["mouth_psnr_db"] > rows["oracle"]["mouth_psnr_db"] > rows["mean"]["mouth_psnr_db"]
    assert 0.85 < rows["reencoded"]["mouth_sharpness_ratio"] < 1.15
    # nothing but the lower face is touched, so that the rest only knows the encoder
    outside = [row["outside_psnr_db"] for row in rows.values()]
    assert min(outside) > 35
    assert np.ptp(outside) < 0.7


def test_videos_are_kept_with_times_and_sound(done, held_out_video: Path) -> None:
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


def test_videos_say_what_they_are(done) -> None:
    _, folder, _ = done
    comments = {}
    for row in ROWS:
        with av.open(str(folder / "videos" / f"{row}.mp4")) as container:
            comments[row] = container.metadata["comment"]
    assert all(comments[row].startswith("Synthetic media") for row in ("oracle", "ours", "mean"))
    assert "nothing in it was generated" in comments["reencoded"]


def test_every_stage_is_told_to_its_end(done, held_out_video: Path) -> None:
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

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href", "xlink:href", "srcset", "data")]


def test_report_holds_all_it_shows(done) -> None:
    rows, folder, _ = done
    text = (folder / "report.html").read_text(encoding="utf-8")
    page = _Links()
    page.feed(text)
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert all(source.startswith(("data:image/png;base64,", "#")) for source in page.sources)
    assert "@import" not in text
    assert text.count("url(") == text.count("url(#")
    assert page.tags.count("svg") == 1
    pictures = [source.split(",", 1)[1] for source in page.sources if source.startswith("data:")]
    assert len(pictures) == 2
    for picture in pictures:
        image = cv2.imdecode(np.frombuffer(b64decode(picture), np.uint8), cv2.IMREAD_COLOR)
        assert image.shape[1] > 800
        assert image.std() > 20
    assert f"<td class=\"ours\">{rows['ours']['lip_distance_pct']:.2f}</td>" in text
    assert "Synthetic media" in text
    assert list(folder.glob(".*")) == []


def test_table_has_a_line_for_each_measure(done) -> None:
    rows, _, _ = done
    lines = format_table(rows).splitlines()
    assert len(lines) == len(MEASURES) + 1
    assert lines[0].split() == [*ROWS, "ideal"]
    assert len({len(line) for line in lines}) == 1
    assert "–" in format_table({"ours": {"frames": 3.0, "faces_found": 0.1}})


def test_frames_without_a_face_are_left_out_and_nothing_is_left_behind(
    talker_avatar: Avatar, held_out_video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = write_copy(held_out_video, tmp_path / "short.mp4", 30, blank=range(10, 15))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", os.fspath(scratch))
    rows = evaluate(talker_avatar, video)
    assert rows["reencoded"]["frames"] <= 25
    assert rows["reencoded"]["faces_found"] == pytest.approx(rows["reencoded"]["frames"] / 30, abs=1e-3)
    assert list(scratch.iterdir()) == []


def test_video_without_sound_is_refused(talker_avatar: Avatar, held_out_video: Path, tmp_path: Path) -> None:
    video = write_copy(held_out_video, tmp_path / "mute.mp4", 5, sound=False)
    with pytest.raises(InputError, match="no audio track"):
        evaluate(talker_avatar, video)


def test_video_without_a_face_is_refused(talker_avatar: Avatar, held_out_video: Path, tmp_path: Path) -> None:
    video = write_copy(held_out_video, tmp_path / "grey.mp4", 20, blank=range(20))
    with pytest.raises(InputError, match="no face was found"):
        evaluate(talker_avatar, video, keep=tmp_path / "kept")
    assert list((tmp_path / "kept").iterdir()) == []


def test_destinations_are_checked_before_the_work(talker_avatar: Avatar, held_out_video: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="folder that exists"):
        evaluate(talker_avatar, held_out_video, report=tmp_path / "nowhere" / "report.html")
    video = write_copy(held_out_video, tmp_path / "ours.mp4", 12)
    content = video.read_bytes()
    for places in ({"keep": tmp_path}, {"report": video}):
        with pytest.raises(UsageError, match="is also read"):
            evaluate(talker_avatar, video, **places)
    assert video.read_bytes() == content
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="can't be made"):
        evaluate(talker_avatar, held_out_video, keep=tmp_path / "file")


def test_contact_sheet_shows_each_video(held_out_video: Path, tmp_path: Path) -> None:
    other = write_copy(held_out_video, tmp_path / "small.mp4", 40)
    contact_sheet([held_out_video, other], tmp_path / "sheet.png", ["real", "small"], n_moments=3)
    sheet = cv2.imread(os.fspath(tmp_path / "sheet.png"))
    assert sheet.shape[0] > 2 * MOUTH_TILE[1] + FACE_TILE[1]
    assert 3 * MOUTH_TILE[0] < sheet.shape[1] < 4 * MOUTH_TILE[0] + 136
    with pytest.raises(UsageError, match="a label for each video"):
        contact_sheet([held_out_video], tmp_path / "sheet.png", ["one", "two"])


def talking(n_frames: int, avatar: Avatar) -> np.ndarray:
    """Lower faces (n_frames, n_lower, 2) that open and close."""
    coefficients = np.zeros((n_frames, avatar.shape.n_components))
    coefficients[:, 0] = 1.5 * np.sin(np.arange(n_frames) / 4)
    return avatar.shape.inverse_transform(coefficients)


def test_lips_against_themselves_and_against_late_ones(talker_avatar: Avatar) -> None:
    real, shots = talking(100, talker_avatar), np.zeros(100, int)
    same = lip_measures(real, real.copy(), shots, 0.04)
    assert same["lip_distance_pct"] == 0
    assert same["jitter_ratio"] == pytest.approx(1)
    assert same["closed_opening_pct"] == same["closed_opening_real_pct"]
    late = lip_measures(real[2:], real[:-2], shots[2:], 0.04)
    assert late["lag_ms"] == pytest.approx(80, abs=5)
    wide = lip_measures(real, real.mean(0) + 2 * (real - real.mean(0)), shots, 0.04)
    assert wide["jitter_ratio"] == pytest.approx(2)


def test_lips_that_are_not_seen_do_not_count(talker_avatar: Avatar) -> None:
    real, shots = talking(100, talker_avatar), np.zeros(100, int)
    other = real.copy()
    other[50] += 5 * np.random.default_rng(0).normal(size=other[50].shape)
    other[50:52] = np.nan
    measures = lip_measures(real, other, shots, 0.04)
    assert (measures["frames"], measures["faces_found"], measures["lip_distance_pct"]) == (98, 0.98, 0)
    other[5:] = np.nan
    assert lip_measures(real, other, shots, 0.04) == {"frames": 5, "faces_found": 0.05}


def test_a_cut_is_no_jitter(talker_avatar: Avatar) -> None:
    real = np.repeat(talking(2, talker_avatar), 20, axis=0)
    real[20:, LOWER_TOP, 1] -= 0.2
    other = real.copy()
    other[::2, LOWER_TOP, 1] += 0.01
    as_one = lip_measures(real, other, np.zeros(40, int), 0.04)["jitter_ratio"]
    as_two = lip_measures(real, other, np.repeat([0, 1], 20), 0.04)["jitter_ratio"]
    assert as_two > 100 * as_one


@pytest.fixture
def still(talker_avatar: Avatar):
    """A comparison, a picture of noise, and a face in it."""
    to_picture = np.array([[100.0, 0, 128], [0, 100, 60]])
    face = TemplateFace(to_picture, np.zeros(2), apply_similarity(to_picture, talker_avatar.shape.mean))
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    return PictureComparison(talker_avatar.shape, 100), cv2.GaussianBlur(noise, (0, 0), 1.0), face


def test_pictures_against_themselves(still) -> None:
    comparison, picture, face = still
    for shift in (0, 1, 5):
        moved = np.roll(picture, shift, axis=1)
        comparison.add(moved, moved.copy(), face)
    measures = comparison.measures()
    assert measures["mouth_psnr_db"] == measures["outside_psnr_db"] > 70
    assert measures["mouth_sharpness_ratio"] == measures["mouth_flicker_ratio"] == 1
    assert comparison.mean_difference.max() == 0


def test_blur_and_flicker_at_the_mouth_are_seen_there_alone(still, talker_avatar: Avatar) -> None:
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


def test_moments_differ(talker_avatar: Avatar) -> None:
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
    opening = np.where(times < 1, np.nan, 5 + np.sin(times))
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
