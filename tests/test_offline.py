"""Rendering to mp4: in sync at every rate, playable after a kill, in constant memory, at rest in silence."""

import os
import shutil
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hygiesync.avatar.loading import load_avatar
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.errors import UsageError
from hygiesync.face.comparison import lag_s
from hygiesync.face.pose import apply_similarity
from hygiesync.face.shape import mouth_opening
from hygiesync.face.tracking import track_face
from hygiesync.media.audio import read_audio
from hygiesync.media.video import VideoWriter, probe, read_frames
from hygiesync.pipelines.offline import RenderOptions, render
from hygiesync.speech_to_shape.stream import coefficients_at
from hygiesync.timing import parse_fps


def opening_over_time(avatar: VideoAvatar, video: Path) -> tuple[np.ndarray, np.ndarray]:
    """(times, opening) of the lips seen in a video."""
    track = track_face(probe(video)).smoothed()
    return track.times_s, mouth_opening(apply_similarity(avatar.pose.to_canonical(track.rigid), track.lower))


def lag_behind_sound_ms(avatar: VideoAvatar, video: Path, sound: Path) -> float:
    """How late the mouth in `video` is behind what the network hears in `sound` at each moment."""
    times, opening = opening_over_time(avatar, video)
    clock = [Fraction(n, 200) for n in range(40, int(200 * times[-1]) - 40)]
    heard = coefficients_at(avatar.speech_stream(), read_audio(sound), clock)
    wanted = mouth_opening(avatar.shape.inverse_transform(heard))
    return 1000 * lag_s(wanted, np.interp([float(t) for t in clock], times, opening), 0.005)


@pytest.mark.slow
@pytest.mark.parametrize("fps", ["25", "29.97", "60"])
def test_every_rate_is_in_sync(talker_avatar: VideoAvatar, held_out_video: Path, tmp_path: Path, fps: str) -> None:
    out = tmp_path / "out.mp4"
    render(talker_avatar, held_out_video, out, RenderOptions(fps=parse_fps(fps)))
    times = [frame.time_s for frame in read_frames(out)]
    assert times == [n / parse_fps(fps) for n in range(len(times))]
    assert abs(lag_behind_sound_ms(talker_avatar, out, held_out_video)) < 12


@pytest.mark.slow
def test_dubbing_keeps_the_times_of_a_variable_rate(
    talker_avatar: VideoAvatar, held_out_video: Path, tmp_path: Path
) -> None:
    """Frames that come when they like: the dubbed ones come at the very same times, in sync."""
    template, out = tmp_path / "variable.mp4", tmp_path / "out.mp4"
    with VideoWriter(template, 512, 512, Fraction(25)) as writer:
        for number, frame in enumerate(read_frames(held_out_video)):
            if number % 7 not in (2, 3) and number % 11:
                writer.write(frame.image, frame.time_s + Fraction(number % 3, 1000))
    render(talker_avatar, held_out_video, out, RenderOptions(template=template))
    wanted = [frame.time_s for frame in read_frames(template)]
    got = [frame.time_s for frame in read_frames(out)][: len(wanted)]
    np.testing.assert_allclose([float(t) for t in got], [float(t) for t in wanted[: len(got)]], atol=1e-4)
    assert abs(lag_behind_sound_ms(talker_avatar, out, held_out_video)) < 12


@pytest.mark.slow
def test_the_sound_stays_where_it_was(talker_avatar: VideoAvatar, held_out_video: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    render(talker_avatar, held_out_video, out)
    before, after = read_audio(held_out_video), read_audio(out)
    n = min(len(before), len(after))
    spectrum = np.fft.rfft(after[:n], 2 * n) * np.conj(np.fft.rfft(before[:n], 2 * n))
    shift = int(np.fft.irfft(spectrum).argmax())
    assert min(shift, 2 * n - shift) <= 16  # one millisecond


def test_silence_rests_and_stays_still(talker_avatar: VideoAvatar, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silent.wav", np.zeros(32000, np.float32), 16000)
    render(talker_avatar, tmp_path / "silent.wav", tmp_path / "out.mp4")
    _, opening = opening_over_time(talker_avatar, tmp_path / "out.mp4")
    rest = mouth_opening(talker_avatar.shape.inverse_transform(talker_avatar.rest))
    assert opening.std() < 0.006
    assert abs(opening.mean() - rest) < 0.01


@pytest.mark.slow
def test_without_expressiveness_a_still_never_moves(
    talker_avatar: VideoAvatar, held_out_video: Path, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "speech.wav", read_audio(held_out_video)[8000:24000], 16000)
    movement = []
    for expressiveness in (0.0, 1.0):
        options = RenderOptions(still=True, landmarks_only=True, expressiveness=expressiveness, crf=0)
        render(talker_avatar, tmp_path / "speech.wav", tmp_path / "out.mp4", options)
        pictures = np.array([frame.image for frame in read_frames(tmp_path / "out.mp4")], int)
        movement.append(np.abs(pictures - pictures[0]).max())
    assert movement[0] == 0
    assert movement[1] > 50


def test_landmarks_only_are_points_on_black(talker_avatar: VideoAvatar, held_out_video: Path, tmp_path: Path) -> None:
    render(talker_avatar, held_out_video, tmp_path / "out.mp4", RenderOptions(landmarks_only=True))
    picture = next(read_frames(tmp_path / "out.mp4")).image
    assert (picture < 24).mean() > 0.9
    assert (picture > 200).any()


@pytest.mark.slow
def test_a_template_without_a_face_passes_where_there_is_none(
    talker_avatar: VideoAvatar, held_out_video: Path, tmp_path: Path
) -> None:
    """Where the face is gone the picture passes untouched."""
    template, out = tmp_path / "gone.mp4", tmp_path / "out.mp4"
    wall = np.full((512, 512, 3), 128, np.uint8)
    with VideoWriter(template, 512, 512, Fraction(25)) as writer:
        for number, frame in enumerate(read_frames(held_out_video, 0, 2)):
            writer.write(wall if 20 <= number < 30 else frame.image, frame.time_s)
    render(talker_avatar, held_out_video, out, RenderOptions(template=template))
    pictures = [frame.image for frame in read_frames(out, 0, 2)]
    assert np.abs(pictures[25].astype(int) - 128).mean() < 2
    assert np.abs(pictures[10].astype(int) - 128).mean() > 20


@pytest.mark.slow
def test_a_killed_rendering_is_playable(avatar_directory: Path, held_out_video: Path, tmp_path: Path) -> None:
    """SIGKILL in the middle leaves an mp4 with pictures and sound up to shortly before."""
    samples = np.tile(read_audio(held_out_video), 30)
    soundfile.write(tmp_path / "long.wav", samples, 16000)
    out = tmp_path / "out.mp4"
    command = [sys.executable, "-m", "hygiesync", "render", avatar_directory, tmp_path / "long.wav", "--out", out]
    process = subprocess.Popen([str(part) for part in command], stderr=subprocess.DEVNULL)
    for _ in range(1200):
        if out.exists() and out.stat().st_size > 400_000:
            break
        time.sleep(0.05)
    assert process.poll() is None, "it was done before it could be killed"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert sum(1 for _ in read_frames(out)) > 20
    assert len(read_audio(out)) > 8000


def test_the_avatar_is_not_written_over(avatar_directory: Path, held_out_video: Path, tmp_path: Path) -> None:
    own = shutil.copytree(avatar_directory, tmp_path / "avatar")
    before = (own / "idle.mp4").read_bytes()
    with pytest.raises(UsageError, match="is also read"):
        render(load_avatar(own), held_out_video, own / "idle.mp4")
    assert (own / "idle.mp4").read_bytes() == before


def test_a_failing_rendering_leaves_nothing(talker_avatar: VideoAvatar, held_out_video: Path, tmp_path: Path) -> None:
    """An error after the first pictures removes the half-written file."""
    samples = read_audio(held_out_video)[:32000].copy()
    samples[31000] = np.inf
    soundfile.write(tmp_path / "bad.wav", samples, 16000, subtype="FLOAT")
    with pytest.raises(Exception, match="infinity"):
        render(talker_avatar, tmp_path / "bad.wav", tmp_path / "out.mp4")
    assert not (tmp_path / "out.mp4").exists()


_PEAK = """
import resource, sys
from hygiesync.face.tracking import track_face
from hygiesync.media.video import probe
track_face(probe(sys.argv[1]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_watching_needs_no_more_memory_for_a_longer_video(talker_video: Path, tmp_path: Path) -> None:
    """150 more frames of 1080p would be 0.9 GB if they were kept."""
    picture = next(read_frames(talker_video)).image
    large = np.pad(np.kron(picture, np.ones((2, 2, 1), np.uint8)), ((28, 28), (448, 448), (0, 0)))
    peaks = []
    for n_frames in (30, 180):
        path = tmp_path / f"{n_frames}.mp4"
        with VideoWriter(path, 1920, 1080, Fraction(25), preset="ultrafast") as writer:
            for number in range(n_frames):
                writer.write(large, Fraction(number, 25))
        done = subprocess.run(
            [sys.executable, "-c", _PEAK, str(path)], capture_output=True, text=True, check=True, env=os.environ
        )
        peaks.append(int(done.stdout))
    assert peaks[1] - peaks[0] < 150_000
