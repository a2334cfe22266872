"""Videos written and read back: every frame at its time, upright, in its colours, whatever happens to the process."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import textwrap
import weakref
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from media_files import (
    BLUE,
    BT601,
    BT709,
    GREEN,
    GREY,
    RED,
    click_errors_ms,
    clicks,
    four_colours,
    smooth_picture,
    write_media,
)
from present import present

from hygiesync.errors import InputError, UsageError
from hygiesync.media.audio import read_audio
from hygiesync.media.video import VideoWriter, probe, read_frames

NTSC = Fraction(30_000, 1001)
IRREGULAR = [Fraction(n, 1000) for n in (0, 33, 66, 180, 181, 300, 333, 500, 900, 933, 966, 1400, 1433, 1466, 2000)]
CORNERS = [RED, GREEN, BLUE, GREY]


def regular(n_frames: int, fps: Fraction = Fraction(25)) -> list[Fraction]:
    return [n / fps for n in range(n_frames)]


def times(path: Path, *span: Any) -> list[Fraction]:
    return [frame.time_s for frame in read_frames(path, *span)]


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def is_index_first(path: Path) -> bool:
    content = path.read_bytes()
    return content.find(b"moov") < content.find(b"mdat")


@pytest.fixture(scope="module")
def reordered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Irregular times, B-frames, several groups of pictures, and leading pictures after open keyframes."""
    path = tmp_path_factory.mktemp("video") / "irregular.mp4"
    options = {"bf": "3", "g": "5", "x264-params": "open-gop=1:b-adapt=0:scenecut=0"}
    return write_media(path, times_s=IRREGULAR, options=options)


def test_reordered_frames_come_at_their_times(reordered: Path) -> None:
    with av.open(str(reordered)) as container:
        stored = [packet.pts for packet in container.demux(video=0) if packet.pts is not None]
    assert stored != sorted(stored), "the file has no B-frames, so it tests nothing"
    assert times(reordered) == IRREGULAR


@settings(max_examples=15, deadline=None)
@given(cut_ms=st.integers(0, 2100))
def test_two_readers_share_a_video_exactly(reordered: Path, cut_ms: int) -> None:
    cut_s = Fraction(cut_ms, 1000)
    whole = list(read_frames(reordered))
    shared = [*read_frames(reordered, None, cut_s), *read_frames(reordered, cut_s, None)]
    assert [frame.time_s for frame in shared] == [frame.time_s for frame in whole]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(shared, whole, strict=True))


def test_cuts_on_every_frame_time_are_half_open(reordered: Path) -> None:
    for position, time_s in enumerate(IRREGULAR):
        assert times(reordered, time_s, time_s + Fraction(1, 10_000)) == [time_s]
        assert times(reordered, IRREGULAR[0], time_s) == IRREGULAR[:position]


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mkv", "libx264"),
        ("a.ts", "libx264"),
        ("a.flv", "libx264"),
        ("a.mov", "libx264"),
        ("a.ts", "mpeg4"),
        ("a.ts", "mpeg2video"),
        ("a.mpg", "mpeg2video"),
        ("a.avi", "mpeg4"),
        ("a.mkv", "mpeg4"),
    ],
)
def test_other_containers_are_shared_exactly_too(tmp_path: Path, name: str, codec: str) -> None:
    noise = np.random.default_rng(0).integers(60, 180, (48, 64, 3), dtype=np.uint8)
    options = {"bf": "0" if name == "a.avi" else "2", "g": "25"}
    path = write_media(tmp_path / name, times_s=regular(100), image=noise, video_codec=codec, options=options)
    whole = list(read_frames(path))
    moments = [frame.time_s for frame in whole]
    assert len(whole) == 100
    assert [b - a for a, b in pairwise(moments)] == pytest.approx([1 / 25] * 99, abs=1.1e-3)
    for position in (1, 24, 25, 52, 66, 99):
        shared = [*read_frames(path, None, moments[position]), *read_frames(path, moments[position])]
        assert [frame.time_s for frame in shared] == moments
        assert all(np.array_equal(a.image, b.image) for a, b in zip(shared, whole, strict=True))


def test_a_picture_without_keyframes_is_read_from_its_start(tmp_path: Path) -> None:
    """Intra refresh: no frame but the first stands by itself, so a jump would show grey smears."""
    noise = np.random.default_rng(0).integers(60, 180, (96, 96, 3), dtype=np.uint8)
    options = {"g": "25", "x264-params": "intra-refresh=1"}
    path = write_media(tmp_path / "refreshed.mkv", times_s=regular(100), image=noise, options=options)
    whole = list(read_frames(path))
    late = list(read_frames(path, Fraction(2)))
    assert len(late) == 50
    assert all(np.array_equal(a.image, b.image) for a, b in zip(late, whole[50:], strict=True))


def test_frames_do_not_pile_up_in_memory(tmp_path: Path) -> None:
    path = write_media(tmp_path / "long.mp4", times_s=regular(100))
    images: list[weakref.ref] = []
    n_alive = []
    gc.disable()
    try:
        for frame in read_frames(path):
            images.append(weakref.ref(frame.image))
            del frame
            n_alive.append(sum(image() is not None for image in images))
    finally:
        gc.enable()
    assert len(n_alive) == 100
    assert max(n_alive) < 20


@pytest.mark.slow
def test_a_browsers_recording_has_its_length_measured(tmp_path: Path) -> None:
    """MediaRecorder streams WebM: no duration, no index."""
    path = write_media(
        tmp_path / "a.webm",
        times_s=regular(75),
        video_codec="libvpx",
        options={"g": "20", "deadline": "realtime"},
        muxer_options={"live": "1"},
    )
    with av.open(str(path)) as container:
        assert container.duration is None, "the file states its length, so it tests nothing"
    info = probe(path)
    assert info.n_frames == 75
    assert float(info.duration_s) == pytest.approx(3.0, abs=0.002)
    assert float(info.fps) == pytest.approx(25, rel=0.01)
    whole = times(path)
    for position in (1, 30, 74):
        assert times(path, None, whole[position]) + times(path, whole[position]) == whole


@pytest.mark.parametrize(
    ("rotation", "order"),
    [
        ((90, False, False), (1, 3, 0, 2)),
        ((-90, False, False), (2, 0, 3, 1)),
        ((180, False, False), (3, 2, 1, 0)),
        ((0, True, False), (1, 0, 3, 2)),
        ((0, False, True), (2, 3, 0, 1)),
        ((90, True, False), (3, 1, 2, 0)),
        ((90, False, True), (0, 2, 1, 3)),
    ],
)
def test_pictures_come_upright(
    tmp_path: Path, rotation: tuple[int, bool, bool], order: tuple[int, int, int, int]
) -> None:
    path = write_media(tmp_path / "turned.mp4", times_s=regular(2), rotation=rotation, options={"crf": "8"})
    image = next(read_frames(path)).image
    height, width = image.shape[:2]
    info = probe(path)
    assert (info.height, info.width) == (height, width) == ((64, 48) if abs(rotation[0]) == 90 else (48, 64))
    corners = [image[y, x] for y in (height // 4, 3 * height // 4) for x in (width // 4, 3 * width // 4)]
    np.testing.assert_allclose(corners, [CORNERS[which] for which in order], atol=6)


def test_narrow_pixels_become_square(tmp_path: Path) -> None:
    path = write_media(tmp_path / "anamorphic.mp4", times_s=regular(2), pixel_aspect=Fraction(4, 3))
    assert next(read_frames(path)).image.shape == (48, 85, 3)
    assert probe(path).width == 85


@pytest.mark.parametrize("colour_matrix", [BT709, BT601])
def test_tagged_colours_are_decoded_with_their_own_matrix(tmp_path: Path, colour_matrix: int) -> None:
    path = write_media(tmp_path / "tagged.mp4", times_s=regular(1), colour_matrix=colour_matrix, options={"crf": "2"})
    image = next(read_frames(path)).image
    corners = [image[12, 16], image[12, 48], image[36, 16], image[36, 48]]
    np.testing.assert_allclose(corners, CORNERS, atol=3)


@pytest.mark.parametrize(("colour_matrix", "red", "blue"), [(BT709, 0.2126, 0.0722), (BT601, 0.299, 0.114)])
def test_colours_are_those_of_the_standards_equations(
    tmp_path: Path, colour_matrix: int, red: float, blue: float
) -> None:
    """Computed here in floating point, with chroma on every second column and between every two rows."""
    path = write_media(tmp_path / "tagged.mp4", times_s=regular(3), colour_matrix=colour_matrix)
    with av.open(str(path)) as container:
        stored = [frame.to_ndarray() for frame in container.decode(video=0)]
    for frame, planes in zip(read_frames(path), stored, strict=True):
        height, width = frame.image.shape[:2]
        luma = planes[:height].astype(np.float32)
        blueness, redness = planes[height:].astype(np.float32).reshape(2, height // 2, width // 2)
        at_luma = []
        for chroma in (blueness, redness):
            tall = cv2.resize(chroma, (width // 2, height), interpolation=cv2.INTER_LINEAR)
            x = np.arange(width) / 2
            at_luma.append(np.stack([np.interp(x, np.arange(width // 2), row) for row in tall]))
        y, cb, cr = (luma - 16) / 219, (at_luma[0] - 128) / 224, (at_luma[1] - 128) / 224
        green = 1 - red - blue
        r, b = y + 2 * (1 - red) * cr, y + 2 * (1 - blue) * cb
        expected = np.stack([r, (y - red * r - blue * b) / green, b], -1) * 255
        error = np.abs(frame.image - np.clip(expected, 0, 255))
        assert error.max() < 3.5
        assert error.mean() < 0.6


@pytest.mark.parametrize("size", [(240, 320), (720, 1280)])
def test_colours_survive_the_round_trip(tmp_path: Path, size: tuple[int, int]) -> None:
    picture = smooth_picture(*size)
    with VideoWriter(tmp_path / "colours.mp4", size[1], size[0], Fraction(25)) as writer:
        for n in range(3):
            writer.write(picture, Fraction(n, 25))
    for frame in read_frames(tmp_path / "colours.mp4"):
        difference = frame.image.astype(int) - picture
        assert np.abs(difference).mean() < 1.1
        assert np.abs(difference.mean(axis=(0, 1))).max() < 0.5, "a colour cast"
    with av.open(str(tmp_path / "colours.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.colorspace, context.color_primaries, context.color_trc, context.color_range) == (1, 1, 1, 1)


@pytest.mark.parametrize("fps", [Fraction(24_000, 1001), NTSC, Fraction(60_000, 1001), *map(Fraction, (7, 25, 60))])
def test_constant_rates_do_not_drift(tmp_path: Path, fps: Fraction) -> None:
    expected = regular(70, fps)
    with VideoWriter(tmp_path / "out.mp4", 32, 32, fps) as writer:
        for n, time_s in enumerate(expected):
            writer.write(np.full((32, 32, 3), n, np.uint8), time_s)
    info = probe(tmp_path / "out.mp4")
    assert times(tmp_path / "out.mp4") == expected
    assert (info.n_frames, info.has_audio) == (70, False)
    assert abs(info.duration_s - 70 / fps) < Fraction(1, 1000)
    assert abs(info.fps / fps - 1) < Fraction(1, 10_000)
    assert is_index_first(tmp_path / "out.mp4")


def test_irregular_times_are_written_to_six_microseconds(tmp_path: Path) -> None:
    moments = [time_s + Fraction(1, 3) for time_s in IRREGULAR]
    with VideoWriter(tmp_path / "out.mp4", 32, 32, NTSC) as writer:
        for time_s in moments:
            writer.write(np.zeros((32, 32, 3), np.uint8), time_s)
    # the first picture is time zero
    errors = [abs(a - (b - moments[0])) for a, b in zip(times(tmp_path / "out.mp4"), moments, strict=True)]
    assert max(errors) < Fraction(6, 1_000_000)


def test_sound_starts_with_the_picture(tmp_path: Path) -> None:
    path, moments = tmp_path / "click.mp4", (0.5, 1.5, 2.25)
    sound = clicks(moments, 3.0, 16_000)
    with VideoWriter(path, 64, 48, NTSC, audio_rate=16_000, audio_channels=1) as writer:
        for n, time_s in enumerate(regular(90, NTSC)):
            writer.write(four_colours(48, 64), time_s)
            writer.write_audio(sound[n * 534 : (n + 1) * 534, 0])
    assert times(path)[0] == 0
    assert max(map(abs, click_errors_ms(read_audio(path), moments, 16_000))) < 0.5
    assert max(map(abs, click_errors_ms(_plain_decode(path), moments, 16_000))) < 0.5


def _plain_decode(path: Path) -> np.ndarray:
    """The sound as any other program sees it, from the time stamps of its frames alone."""
    samples = np.zeros(16_000 * 5, np.float32)
    resampler = av.AudioResampler("flt", "mono", 16_000)
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            for piece in resampler.resample(frame):
                values = piece.to_ndarray()[0]
                begin = round(present(piece.pts) * present(piece.time_base) * 16_000)
                samples[begin : begin + len(values)] = values
    return samples


def test_odd_sizes_repeat_their_last_row_and_column(tmp_path: Path) -> None:
    picture = smooth_picture(121, 161)
    with VideoWriter(tmp_path / "odd.mp4", 161, 121, Fraction(25)) as writer:
        writer.write(picture, Fraction(0))
    image = next(read_frames(tmp_path / "odd.mp4")).image
    assert image.shape == (122, 162, 3)
    assert np.abs(image[:121, :161].astype(int) - picture).mean() < 1.5
    assert np.abs(image[121].astype(int) - image[120]).mean() < 3


def test_tags_reach_the_finished_file(tmp_path: Path) -> None:
    tags = {"title": "Aña – 1", "comment": "synthetic media", "synopsis": "s", "copyright": "c"}
    with VideoWriter(tmp_path / "out.mp4", 32, 32, Fraction(25), metadata=tags) as writer:
        writer.write(np.zeros((32, 32, 3), np.uint8), Fraction(0))
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert tags.items() <= container.metadata.items()


@pytest.mark.parametrize("name", ["with space ünïcode 日本.mp4", "-i.mp4", "100%d.mp4", "a:b|c.mp4"])
def test_names_are_only_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    with VideoWriter(name, 32, 32, Fraction(25)) as writer:
        writer.write(np.zeros((32, 32, 3), np.uint8), Fraction(0))
    assert names(tmp_path) == [name]
    assert times(Path(name)) == [0]
    assert probe(name).n_frames == 1


WRITE_FOREVER = """
    import sys, numpy as np
    from fractions import Fraction
    from hygiesync.media.video import VideoWriter
    with VideoWriter(sys.argv[1], 64, 48, Fraction(25), audio_rate=16000, audio_channels=1) as writer:
        for n in range(100_000):
            writer.write(np.full((48, 64, 3), n % 250, np.uint8), Fraction(n, 25))
            writer.write_audio(np.full(640, 0.1, np.float32))
            if n == 200:
                print("200 written", flush=True)
                if len(sys.argv) > 2:
                    raise RuntimeError(sys.argv[2])
                sys.stdin.read()
"""


def run_writer(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(WRITE_FOREVER), *arguments]
    return subprocess.Popen(
        command, text=True, cwd=Path(__file__).parent.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, **options,
    )  # fmt: skip


def test_a_killed_writer_leaves_a_playable_file(tmp_path: Path) -> None:
    path = tmp_path / "killed.mp4"
    with run_writer(str(path)) as process:
        assert present(process.stdout).readline() == "200 written\n"
        process.send_signal(signal.SIGKILL)
    read = times(path)
    assert read == regular(len(read))
    assert len(read) >= 120
    assert len(read_audio(path)) >= 120 * 640
    assert names(tmp_path) == ["killed.mp4"]


def test_an_exception_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), VideoWriter(tmp_path / "out.mp4", 32, 32, Fraction(25)) as writer:
        for n in range(60):
            writer.write(np.zeros((32, 32, 3), np.uint8), Fraction(n, 25))
        assert (tmp_path / "out.mp4").exists()
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_a_recording_survives_an_exception(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with pytest.raises(KeyboardInterrupt), VideoWriter(path, 32, 32, Fraction(25), keeps_fragments=True) as writer:
        for n in range(60):
            writer.write(np.zeros((32, 32, 3), np.uint8), Fraction(n, 25))
        raise KeyboardInterrupt
    assert times(path) == regular(60)


def test_a_recording_of_nothing_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError), VideoWriter(tmp_path / "out.mp4", 32, 32, Fraction(25), keeps_fragments=True):
        pass
    assert names(tmp_path) == []


DISK_FULL = """
    import resource, sys, numpy as np
    from fractions import Fraction
    from hygiesync.errors import InputError
    from hygiesync.media.video import VideoWriter
    limit, keeps = int(sys.argv[3]), sys.argv[4] == "keeps"
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    random = np.random.default_rng(0)
    n_frames = int(sys.argv[2])
    try:
        with VideoWriter(
            sys.argv[1], 96, 96, Fraction(25), preset="ultrafast", keeps_fragments=keeps
        ) as writer:
            for n in range(n_frames):
                writer.write(random.integers(0, 255, (96, 96, 3), dtype=np.uint8), Fraction(n, 25))
    except InputError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")
@pytest.mark.parametrize("n_frames", [200, 24], ids=["while writing", "while closing"])
def test_a_full_disk_is_one_line_and_leaves_no_file(tmp_path: Path, n_frames: int) -> None:
    fill_a_disk(tmp_path / "out.mp4", n_frames, 100_000, "removes")
    assert names(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")
def test_a_recording_keeps_what_a_full_disk_took(tmp_path: Path) -> None:
    fill_a_disk(tmp_path / "out.mp4", 200, 1_000_000, "keeps")
    assert len(times(tmp_path / "out.mp4")) >= 25
    assert names(tmp_path) == ["out.mp4"]


def fill_a_disk(path: Path, n_frames: int, limit: int, on_failure: str) -> None:
    """Write until the file may not grow; that is one line, and nothing of FFmpeg's own on the terminal."""
    arguments = [str(path), str(n_frames), str(limit), on_failure]
    command = [sys.executable, "-c", textwrap.dedent(DISK_FULL), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent)
    assert "out.mp4: can't be written" in done.stdout
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_a_copy_that_fails_costs_nothing_but_the_index_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    open_file: Any = av.open

    def fail(file: str, mode: str = "r", **options: Any) -> Any:
        if mode == "w" and file.endswith(".part"):
            Path(file.removeprefix("file:")).write_bytes(b"half")
            raise OSError(28, "No space left on device")
        return open_file(file, mode, **options)

    monkeypatch.setattr(av, "open", fail)
    with VideoWriter(tmp_path / "out.mp4", 32, 32, Fraction(25)) as writer:
        writer.write(np.zeros((32, 32, 3), np.uint8), Fraction(0))
    assert times(tmp_path / "out.mp4") == [0]
    assert names(tmp_path) == ["out.mp4"]
    assert "No space left" in caplog.text


def test_places_that_cannot_be_written_are_refused_on_entering(tmp_path: Path) -> None:
    for path, message in [(tmp_path, "is a folder"), (tmp_path / "no" / "out.mp4", "does not exist")]:
        with pytest.raises(InputError, match=message), VideoWriter(path, 32, 32, Fraction(25)):
            pytest.fail("the body ran")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="may not be written"), VideoWriter(tmp_path / "o.mp4", 32, 32, Fraction(25)):
        pytest.fail("the body ran")


def test_what_does_not_fit_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    good, path = np.zeros((32, 32, 3), np.uint8), tmp_path / "out.mp4"
    mistakes = [
        lambda writer: writer.write(good[:16], Fraction(1)),
        lambda writer: writer.write(good.astype(np.float32), Fraction(1)),
        lambda writer: writer.write(good, Fraction(0)),
        lambda writer: writer.write_audio(np.zeros((10, 2), np.float32)),
        lambda writer: writer.write_audio(np.full(10, np.nan, np.float32)),
    ]
    for mistake in mistakes:
        with (
            pytest.raises(InputError),
            VideoWriter(path, 32, 32, Fraction(25), audio_rate=16_000, audio_channels=1) as writer,
        ):
            writer.write(good, Fraction(0))
            mistake(writer)
        assert not path.exists()
    with pytest.raises(InputError, match="not one picture"), VideoWriter(path, 32, 32, Fraction(25)):
        pass
    assert not path.exists()


@pytest.mark.parametrize(
    "options",
    [
        {"audio_rate": 44_101, "audio_channels": 1},
        {"audio_rate": 16_000},
        {"audio_channels": 1},
        {"metadata": {"x": "y"}},
    ],
)
def test_options_are_checked_before_anything_is_touched(
    tmp_path: Path, options: dict[str, dict[str, str]] | dict[str, int]
) -> None:
    with pytest.raises(UsageError):
        VideoWriter(tmp_path / "out.mp4", 32, 32, Fraction(25), **options)


def test_a_picture_is_left_as_it_was(tmp_path: Path) -> None:
    picture = smooth_picture(31, 33)
    before = picture.copy()
    picture.flags.writeable = False
    with VideoWriter(tmp_path / "out.mp4", 33, 31, Fraction(25)) as writer:
        writer.write(picture[:, ::1], Fraction(0))
    assert np.array_equal(picture, before)


def refusals(path: Path) -> set[str]:
    messages = set()
    for read in (probe, lambda name: list(read_frames(name))):
        with pytest.raises(InputError) as caught:
            read(path)
        messages.add(str(caught.value))
    assert all("\n" not in message for message in messages)
    return messages


def test_what_is_not_a_video_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("hello\n" * 500)
    (tmp_path / "empty.mp4").touch()
    for path, words in [
        (tmp_path / "missing.mp4", "no such file"),
        (tmp_path, "is a folder"),
        (tmp_path / "empty.mp4", "is empty"),
        (tmp_path / "text.mp4", "none of these"),
        (Path("/dev/zero"), "device"),
    ]:
        assert all(words in message for message in refusals(path))


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9/a.mp4", "concat:a.mp4|b.mp4", "pipe:0", "lavfi:testsrc", "a\0b"]
)
def test_addresses_are_not_files(address: str) -> None:
    with pytest.raises(InputError, match="no such file"):
        next(read_frames(address))


@pytest.mark.parametrize("name", ["list.ffconcat", "list.mp4", "list.m3u8", "clip.mkv"])
def test_playlists_do_not_reach_other_files(tmp_path: Path, name: str) -> None:
    write_media(tmp_path / "other.ts", times_s=regular(3))
    for text in (
        "ffconcat version 1.0\nfile other.ts\n",
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nother.ts\n#EXT-X-ENDLIST\n",
    ):
        (tmp_path / name).write_text(text)
        assert all("none of these" in message for message in refusals(tmp_path / name))


def test_a_wrong_extension_does_not_matter(tmp_path: Path) -> None:
    path = write_media(tmp_path / "really_matroska.mp4", times_s=regular(5), format_name="matroska")
    assert times(path) == regular(5)


def test_a_file_cut_off_is_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 235, (96, 96, 3), dtype=np.uint8)
    for muxer_options, words in [({}, "no usable index"), ({"movflags": "+faststart"}, "its end is lost")]:
        path = write_media(tmp_path / "cut.mp4", times_s=regular(75), image=noise, muxer_options=muxer_options)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(InputError, match=words):
            list(read_frames(path))


def test_a_scratch_costs_its_frames_and_moves_no_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    noise = np.random.default_rng(0).integers(0, 235, (96, 96, 3), dtype=np.uint8)
    path = write_media(
        tmp_path / "scratched.mp4",
        times_s=regular(50),
        image=noise,
        options={"g": "10"},
        muxer_options={"movflags": "+faststart"},
    )
    content = bytearray(path.read_bytes())
    middle = (content.find(b"mdat") + len(content)) // 2
    content[middle : middle + 1500] = bytes(1500)
    path.write_bytes(content)
    read = times(path)
    assert 25 <= len(read) < 50
    assert set(read) <= set(regular(50))
    assert read[-1] == regular(50)[-1]
    assert "damaged" in caplog.text


def test_sound_alone_is_not_a_video(tmp_path: Path) -> None:
    path = write_media(tmp_path / "sound.m4a", samples=clicks([], 0.3, 48_000), format_name="mp4")
    assert all("has no video" in message for message in refusals(path))
