"""From video to avatar: truth, quality warnings, resuming after a kill."""

import signal
import subprocess
import sys
import time
from fractions import Fraction
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
import quick_training
from safetensors.numpy import load_file
from tracks import TrackOf

from hygiesync.apps.cli import main
from hygiesync.avatar.loading import load_avatar
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.building.face_fitting import Recording, fit_face
from hygiesync.building.from_video import train
from hygiesync.face.comparison import compare_lips
from hygiesync.face.pose import apply_similarity
from hygiesync.face.target import find_target
from hygiesync.face.topology import LOWER_FACE, RIGID
from hygiesync.face.tracking import track_face
from hygiesync.media.audio import read_audio
from hygiesync.media.video import VideoWriter, probe, read_frames
from hygiesync.speech.mel import mel_spectrogram
from hygiesync.synthetic.talker import TalkerTruth


def test_the_bundle_is_small_whole_and_without_leftovers(avatar_directory: Path) -> None:
    assert sum(path.stat().st_size for path in avatar_directory.iterdir()) < 30e6
    names = {path.name for path in avatar_directory.iterdir()}
    assert "avatar.json" in names
    assert not any(name.endswith((".pkl", ".pt", ".npy", ".faiss")) for name in names)
    assert [path.name for path in avatar_directory.parent.glob(".*")] == []


@pytest.mark.slow
def test_tracked_lips_follow_the_true_ones(
    talker_avatar: VideoAvatar, talker_video: Path, talker_truth: TalkerTruth, track_of: TrackOf
) -> None:
    track = track_of(talker_video).smoothed()
    seen = apply_similarity(talker_avatar.pose.to_canonical(track.rigid), track.lower)
    landmarks = talker_truth.landmarks
    true = apply_similarity(talker_avatar.pose.to_canonical(landmarks[:, RIGID]), landmarks[:, LOWER_FACE])
    comparison = compare_lips(true, seen, 0.04)
    assert comparison.opening_correlation > 0.95
    assert abs(comparison.lag_ms) < 10
    np.testing.assert_array_equal(track.times_s, [float(time) for time in talker_truth.times_s])


@pytest.mark.slow
def test_the_network_learns_lips_as_detected_and_pictures_are_known_without_jitter(
    talker_video: Path, track_of: TrackOf
) -> None:
    """Quick closings keep their depth in what is learnt from; what is drawn from must not tremble."""
    track = track_of(talker_video)
    frames = fit_face([Recording(probe(talker_video), track, mel_spectrogram(read_audio(talker_video)))]).frames[0]
    jitter = {
        name: np.abs(np.diff(getattr(frames, name)[frames.is_usable], 2, axis=0)).mean()
        for name in ("coefficients", "targets")
    }
    assert jitter["coefficients"] < 0.8 * jitter["targets"]
    difference = (frames.targets - frames.coefficients)[frames.is_usable]
    assert np.abs(difference.mean(0)).max() < 0.02, "no lag, no bias"


@pytest.mark.slow
def test_the_track_does_not_depend_on_stretches(talker_video: Path, track_of: TrackOf) -> None:
    """Reading in stretches gives every frame once, in order."""
    track = track_of(talker_video)
    assert len(track) == sum(1 for _ in read_frames(talker_video))
    assert (np.diff(track.times_s) > 0).all()


def test_the_mouth_rests_closed(talker_avatar: VideoAvatar) -> None:
    from hygiesync.face.shape import mouth_opening

    openings = mouth_opening(talker_avatar.shape.inverse_transform(talker_avatar.atlas.coefficients))
    rest = mouth_opening(talker_avatar.shape.inverse_transform(talker_avatar.rest))
    assert rest < np.quantile(openings, 0.35)


def first_seconds(video: Path, path: Path, seconds: int) -> Path:
    """A video's beginning, half as large."""
    samples = read_audio(video)[: seconds * 16000]
    with VideoWriter(path, 256, 256, Fraction(25), audio_rate=16000, audio_channels=1) as writer:
        writer.write_audio(samples)
        for frame in islice(read_frames(video), seconds * 25):
            writer.write(cv2.resize(frame.image, (256, 256), interpolation=cv2.INTER_AREA), frame.time_s)
    return path


@pytest.mark.slow
def test_killed_and_resumed_equals_uninterrupted(talker_video: Path, tmp_path: Path) -> None:
    """SIGKILL while learning leaves no bundle; --resume then makes the one that would have been, to the bit.

    So the same seed gives the same avatar, too.
    """
    short = first_seconds(talker_video, tmp_path / "short.mp4", 9)
    command = ["train", str(short), "--preset", "fast", "--out"]
    killed = subprocess.Popen(
        [sys.executable, quick_training.__file__, *command, str(tmp_path / "killed")], stderr=subprocess.DEVNULL
    )
    checkpoint = tmp_path / ".killed.training" / "checkpoint.safetensors"
    for _ in range(6000):
        if checkpoint.exists():
            break
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert checkpoint.exists()
    assert not (tmp_path / "killed").exists()
    with quick_training.few_steps():
        assert main([*command, str(tmp_path / "killed"), "--resume"]) == 0
        assert main([*command, str(tmp_path / "whole")]) == 0
    resumed, whole = (load_file(tmp_path / name / "weights.safetensors") for name in ("killed", "whole"))
    for name, tensor in whole.items():
        np.testing.assert_array_equal(resumed[name], tensor)
    one, other = (load_avatar(tmp_path / name, VideoAvatar).manifest for name in ("killed", "whole"))
    assert one.training == other.training


def test_of_two_faces_the_larger_is_followed(talker_video: Path, tmp_path: Path) -> None:
    path = tmp_path / "two.mp4"
    with VideoWriter(path, 512, 256, Fraction(25)) as writer:
        for frame in islice(read_frames(talker_video), 50):
            small, large = frame.image[::4, ::4], frame.image[::2, ::2]
            picture = np.full((256, 512, 3), 90, np.uint8)
            picture[60 : 60 + 128, 40 : 40 + 128] = small
            picture[:, 256:] = large
            writer.write(picture, frame.time_s)
    target = find_target(probe(path))
    assert "shows 2 people; number 2 from the left is followed, the largest" in target.note
    track = track_face(probe(path), target)
    assert track.has_face.mean() > 0.95
    assert (track.rigid[track.has_face][:, :, 0] > 256).all()


@pytest.mark.data
@pytest.mark.slow
def test_twenty_real_seconds_give_true_lips(data: Path, tmp_path: Path) -> None:
    """Twenty seconds, learnt quickly, is enough to be far better than a mouth that never moves."""
    from hygiesync.evaluation.evaluate import evaluate

    cut = tmp_path / "cut.mp4"
    info = probe(data / "grid" / "dev.mp4")
    with VideoWriter(cut, info.width, info.height, info.fps, audio_rate=16000, audio_channels=1) as writer:
        writer.write_audio(read_audio(data / "grid" / "dev.mp4")[: 20 * 16000])
        for frame in read_frames(data / "grid" / "dev.mp4", 0, 20):
            writer.write(frame.image, frame.time_s)
    held_out = tmp_path / "held out.mp4"
    with VideoWriter(held_out, info.width, info.height, info.fps, audio_rate=16000, audio_channels=1) as writer:
        writer.write_audio(read_audio(data / "grid" / "dev.mp4")[48 * 16000 : 53 * 16000])
        for frame in read_frames(data / "grid" / "dev.mp4", 48, 53):
            writer.write(frame.image, frame.time_s - 48)
    with quick_training.few_streaming_steps():
        avatar = train(cut, tmp_path / "avatar", preset="fast")
    rows = evaluate(avatar, held_out)
    assert rows["ours"]["opening_correlation"] > 0.7
    assert rows["ours"]["lip_distance_pct"] < 0.85 * rows["mean"]["lip_distance_pct"]
    assert rows["oracle"]["lip_distance_pct"] < rows["ours"]["lip_distance_pct"]
