"""What first order models learn from: clips of every kind, pairs, and videos cut into frames."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from first_order_shapes import shape_clip, write_shapes

from hygiesync.errors import InputError, UsageError
from hygiesync.first_order.clips import FrameCache, find_clips, open_clip
from hygiesync.first_order.crop import Square, overlap
from hygiesync.first_order.face_crop import chosen_square, shown
from hygiesync.first_order.learning.pairs import PairSampler, varied
from hygiesync.first_order.preparation import PreparationOptions, prepare
from hygiesync.first_order.settings import DataSettings, TrainingSettings
from hygiesync.media.images import write_png
from hygiesync.media.writer import VideoWriter


def write_video(path: Path, frames: list[np.ndarray]) -> None:
    height, width = frames[0].shape[:2]
    with VideoWriter(path, width, height, Fraction(25), crf=8) as writer:
        for number, frame in enumerate(frames):
            writer.write(frame, Fraction(number, 25))


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shapes(tmp_path_factory.mktemp("data") / "shapes", 3, 1)


def test_folders_strips_and_videos_show_the_same_frames(shapes: Path, tmp_path: Path) -> None:
    frames = shape_clip(0)[0]
    write_png(tmp_path / "strip.png", np.hstack(frames))
    write_video(tmp_path / "video.mp4", frames)
    folder, strip = open_clip(shapes / "train" / "shapes00"), open_clip(tmp_path / "strip.png")
    video = open_clip(tmp_path / "video.mp4")
    assert folder.n_frames == strip.n_frames == video.n_frames == len(frames)
    for number in (0, 11, 23):
        assert np.array_equal(folder.frame(number, 64), frames[number])
        assert np.array_equal(strip.frame(number, 64), frames[number])
        difference = np.abs(video.frame(number, 64).astype(int) - frames[number])
        assert difference.mean() < 6  # the video's compression


def test_other_sizes_are_cut_and_scaled_not_squeezed(tmp_path: Path) -> None:
    wide = np.zeros((64, 96, 3), np.uint8)
    wide[:, 32:64] = 255
    for number in range(2):
        write_png(tmp_path / f"{number}.png", wide)
    frame = open_clip(tmp_path).frame(0, 32)
    white = (frame[16, :, 0] > 128).sum()
    assert frame.shape == (32, 32, 3)
    assert white == 16


def test_frames_of_several_sizes_are_refused(tmp_path: Path) -> None:
    write_png(tmp_path / "0.png", np.zeros((64, 64, 3), np.uint8))
    write_png(tmp_path / "1.png", np.zeros((80, 80, 3), np.uint8))
    clip = open_clip(tmp_path)
    with pytest.raises(InputError, match=r"1\.png: is 80x80, and 0\.png beside it 64x64"):
        clip.read(1)


def test_a_video_of_one_frame_an_empty_and_a_missing_folder_are_refused(tmp_path: Path) -> None:
    write_video(tmp_path / "one.mp4", shape_clip(0)[0][:1])
    with pytest.raises(InputError, match=r"one\.mp4: has 1 frame; expected a video of at least 2"):
        open_clip(tmp_path / "one.mp4")
    (tmp_path / "data" / "train").mkdir(parents=True)
    with pytest.raises(InputError, match="is empty; expected videos"):
        find_clips(tmp_path / "data")
    with pytest.raises(InputError, match="no such folder"):
        find_clips(tmp_path / "nowhere")


def test_without_folders_one_in_five_is_for_testing(shapes: Path, tmp_path: Path) -> None:
    for number in range(10):
        (tmp_path / f"clip{number}").symlink_to(shapes / "train" / "shapes00")
    train, test = find_clips(tmp_path)
    assert len(train) == 8
    assert len(test) == 2
    assert {clip.path for clip in train}.isdisjoint({clip.path for clip in test})
    assert [clip.path for clip in find_clips(tmp_path)[1]] == [clip.path for clip in test]


def test_the_cache_is_bounded(shapes: Path) -> None:
    clip = open_clip(shapes / "train" / "shapes00")
    cache = FrameCache(64, max_bytes=3 * 64 * 64 * 5)
    for number in range(clip.n_frames):
        assert np.array_equal(cache.frame(clip, number), clip.frame(number, 64))
    assert len(cache._frames) == 5


def test_the_same_generator_draws_the_same_pairs(shapes: Path) -> None:
    data = DataSettings(frame_size=64, brightness=0.2, hue=0.1, resize_ratio=(0.9, 1.1))
    sampler = PairSampler(find_clips(shapes)[0], data, TrainingSettings(batch_size=4, steps_per_epoch=3))
    drawn = [list(sampler.batches(2, np.random.default_rng(5))) for _ in range(2)]
    for (a, b), (c, d) in zip(*drawn, strict=True):
        assert a.shape == (4, 3, 64, 64)
        assert np.array_equal(a, c)
        assert np.array_equal(b, d)
        assert 0 <= a.min() <= a.max() <= 1
    assert sampler.steps_per_epoch() == 3


def test_people_take_turns_where_identities_are_sampled(shapes: Path, tmp_path: Path) -> None:
    for name in ("ann#1", "ann#2", "bob#1"):
        (tmp_path / name).symlink_to(shapes / "train" / "shapes00")
    clips = [open_clip(path) for path in sorted(tmp_path.iterdir())]
    training = TrainingSettings(batch_size=1, n_repeats=10)
    assert PairSampler(clips, DataSettings(samples_identities=True), training).steps_per_epoch() == 20
    assert PairSampler(clips, DataSettings(), training).steps_per_epoch() == 30


def test_both_pictures_of_a_pair_are_changed_alike() -> None:
    picture = shape_clip(3)[0][0]
    data = DataSettings(
        flips_time=False, brightness=0.3, contrast=0.3, saturation=0.3, hue=0.2, resize_ratio=(0.8, 1.2)
    )
    for seed in range(5):
        first, second = varied((picture, picture), data, np.random.default_rng(seed))
        assert first.shape == picture.shape
        assert np.array_equal(first, second)
        assert not np.array_equal(first, picture)


@pytest.mark.parametrize(("width", "height"), [(100, 60), (60, 100), (80, 80)])
def test_squares_lie_in_their_pictures(width: int, height: int) -> None:
    for box in ([-10, -10, 20, 20], [30, 20, 50, 45], [0, 0, 200, 200], [90, 50, 130, 90]):
        square = Square.around(np.array(box, float), width, height)
        assert square.left >= 0
        assert square.top >= 0
        assert square.left + square.side <= width
        assert square.top + square.side <= height


def test_overlap_of_boxes() -> None:
    assert overlap(np.array([0, 0, 2, 2.0]), np.array([1, 0, 3, 2.0])) == pytest.approx(1 / 3)
    assert overlap(np.array([0, 0, 1, 1.0]), np.array([2, 2, 3, 3.0])) == 0


def test_a_square_is_as_asked_for_or_refused() -> None:
    image = np.full((60, 100, 3), 90, np.uint8)
    assert chosen_square(image, "none", "x") == Square(20, 0, 60)
    assert chosen_square(image, "10,5,40", "x") == Square(10, 5, 40)
    for crop in ("10,5,90", "-1,0,10", "a,b,c", "middle"):
        with pytest.raises(UsageError, match="`crop`"):
            chosen_square(image, crop, "x")
    with pytest.raises(InputError, match="no face was found"):
        chosen_square(image, "face", "x.png")
    assert shown(image, Square(10, 5, 40))[0, 0, 0] == 30


def test_a_video_becomes_folders_of_frames(tmp_path: Path) -> None:
    frames = [np.pad(frame, ((0, 0), (16, 16), (0, 0))) for seed in (1, 2) for frame in shape_clip(seed)[0]]
    write_video(tmp_path / "robot#1.mp4", frames)
    options = PreparationOptions(size=64, crop="none", hold_out_s=0.4)
    result = prepare([tmp_path / "robot#1.mp4"], tmp_path / "data", options)
    train, test = find_clips(tmp_path / "data")
    assert result["n_frames"] == len(frames) == train[0].n_frames + test[0].n_frames
    assert test[0].n_frames == 10
    assert train[0].identity == "robot_1"
    assert min(tmp_path.glob("data/train/*/*.png")).name == "000000.png"
    assert train[0].read(0).shape == (64, 64, 3)


def test_prepare_refuses_what_it_can_t_use(tmp_path: Path) -> None:
    write_video(tmp_path / "shapes.mp4", shape_clip(1)[0])
    with pytest.raises(InputError, match="expected a face that stays in its place"):
        prepare([tmp_path / "shapes.mp4"], tmp_path / "data")
    assert not (tmp_path / "data").exists()
    for options, said in (
        (PreparationOptions(size=30), "`size`"),
        (PreparationOptions(crop="nose"), "`crop`"),
        (PreparationOptions(hold_out_s=-1), "`hold_out_s`"),
        (PreparationOptions(margin=9), "`margin`"),
    ):
        with pytest.raises(UsageError, match=said):
            prepare([tmp_path / "shapes.mp4"], tmp_path / "data", options)
