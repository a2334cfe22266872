"""Time zero is the first picture, wherever a file's clock begins; sound keeps its place; lengths are counted."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from media_files import click_errors_ms, clicks, write_media

from hygiesync.errors import InputError
from hygiesync.media.audio import read_audio, write_wav
from hygiesync.media.sound_survey import survey_sound
from hygiesync.media.video import probe, read_frames, sample_frames
from hygiesync.pipelines.soundtrack import Soundtrack

TIMES = [Fraction(number, 25) for number in range(50)]
CLICKS_S = (0.5, 1.5)


@pytest.mark.parametrize(
    ("name", "offset_s", "codecs"),
    [
        ("a.mp4", 0.667, {}),
        ("a.mov", 5000, {}),
        ("a.mkv", 0.667, {}),
        ("a.mkv", 100_000, {}),
        ("a.webm", 3600, {"video_codec": "libvpx-vp9", "audio_codec": "libopus"}),
        ("a.ts", 95_000, {}),
    ],
)
def test_a_common_offset_is_no_damage(tmp_path: Path, name: str, offset_s: float, codecs: dict) -> None:
    path = write_media(
        tmp_path / name,
        times_s=TIMES,
        samples=clicks(CLICKS_S, 2, 48_000),
        muxer_options={"output_ts_offset": str(offset_s)},
        **codecs,
    )
    times = [frame.time_s for frame in read_frames(path)]
    assert len(times) == len(TIMES)
    assert max(abs(a - b) for a, b in zip(times, TIMES, strict=True)) <= Fraction(1, 1000)
    info = probe(path)
    assert float(info.duration_s) == pytest.approx(2, abs=0.05)
    assert info.n_frames in (50, 51)
    assert max(map(abs, click_errors_ms(read_audio(path), CLICKS_S, 16_000))) < 1
    later = [frame.time_s for frame in read_frames(path, 1, 1.5)]
    assert [round(time_s * 25) for time_s in later] == list(range(25, 38))


def test_a_fragmented_mp4_that_starts_late(tmp_path: Path) -> None:
    path = write_media(
        tmp_path / "a.mp4",
        times_s=TIMES,
        samples=clicks(CLICKS_S, 2, 48_000),
        muxer_options={"output_ts_offset": "7", "movflags": "frag_keyframe+empty_moov+default_base_moof"},
        options={"bf": "0", "g": "10"},
    )
    times = [frame.time_s for frame in read_frames(path)]
    assert times[0] == 0
    assert len(times) == 50
    assert float(probe(path).duration_s) == pytest.approx(2, abs=0.05)
    assert max(map(abs, click_errors_ms(read_audio(path), CLICKS_S, 16_000))) < 25  # AAC's priming has no edit there


def test_sound_that_starts_after_the_picture_keeps_its_place_and_is_told(tmp_path: Path) -> None:
    path = write_media(
        tmp_path / "a.mp4", times_s=[*TIMES, *(2 + t for t in TIMES)], samples=clicks((0.5,), 1, 48_000),
        audio_start_s=Fraction(2), muxer_options={"output_ts_offset": "3"},
    )  # fmt: skip
    sound = read_audio(path)
    assert max(map(abs, click_errors_ms(sound, (2.5,), 16_000))) < 1
    assert not sound[: 16_000 * 19 // 10].any()
    notes = list(survey_sound(path).lengths(probe(path).duration_s))
    assert notes == [
        "its sound begins 2.0 s after its pictures",
        "its sound ends at 3.0 s, its pictures at 4.0 s",
    ]


def test_sound_before_the_first_picture_belongs_to_none(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mkv", times_s=[1 + t for t in TIMES], samples=clicks((0.2, 1.5), 3, 48_000))
    assert next(read_frames(path)).time_s == 0
    assert max(map(abs, click_errors_ms(read_audio(path), (0.5,), 16_000))) < 1
    assert "begins 1.0 s before its pictures" in next(survey_sound(path).lengths(Fraction(2)))


def vbr_mp3(path: Path, *, has_count: bool) -> Path:
    """Loud noise and then nothing: from the first bit rate, a much shorter file is guessed."""
    random = np.random.default_rng(0)
    sound = np.concatenate([0.5 * random.normal(size=16_000), 1e-4 * random.normal(size=144_000)]).clip(-1, 1)
    with av.open(
        str(path), "w", container_options={"write_xing": str(int(has_count)), "id3v2_version": "0"}
    ) as container:
        stream = container.add_stream("libmp3lame", rate=16_000, layout="mono", options={"compression_level": "9"})
        stream.codec_context.flags |= 2  # by quality, not by rate
        stream.codec_context.global_quality = 118 * 9
        for begin in range(0, len(sound), 1152):
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(sound[begin : begin + 1152].astype(np.float32)[None]), format="fltp", layout="mono"
            )
            frame.sample_rate, frame.pts, frame.time_base = 16_000, begin, Fraction(1, 16_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("has_count", [True, False])
def test_lengths_are_counted_not_believed(tmp_path: Path, caplog: pytest.LogCaptureFixture, has_count: bool) -> None:
    path = vbr_mp3(tmp_path / "a.mp3", has_count=has_count)
    track = Soundtrack(path, is_heard=True)
    n_heard = sum(len(block) for block in track.heard())
    assert float(track.duration_s) == pytest.approx(10, abs=0.1)
    assert n_heard / 16_000 == pytest.approx(float(track.duration_s), abs=0.01)
    assert not caplog.records


def test_a_wav_that_is_cut_off_is_still_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write_wav(path, np.zeros(64_000, np.float32), 16_000)
    path.write_bytes(path.read_bytes()[:60_000])
    with pytest.raises(InputError, match="its end is lost"):
        survey_sound(path)


def test_a_file_that_was_written_anew_is_listened_to_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    for seconds in (1, 2):
        write_wav(path, np.zeros(16_000 * seconds, np.float32), 16_000)
        assert survey_sound(path).end_s == seconds


def test_some_frames_are_sampled_in_order_and_not_beyond_the_end(tmp_path: Path) -> None:
    info = probe(write_media(tmp_path / "a.mp4", times_s=TIMES))
    wanted = [Fraction(0), Fraction(1, 2), Fraction(51, 100), Fraction(19, 10), Fraction(5)]
    expected = [Fraction(0), Fraction(13, 25), Fraction(48, 25)]
    short = list(sample_frames(info, wanted))
    assert [frame.time_s for frame in short] == expected
    sought = list(sample_frames(replace(info, duration_s=Fraction(1000)), wanted))
    assert sorted({frame.time_s for frame in sought}) == expected
    for frame in short:
        same = next(one for one in sought if one.time_s == frame.time_s)
        np.testing.assert_array_equal(same.image, frame.image)
