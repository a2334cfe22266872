"""Sound of every kind read back: at its time, at its loudness, or refused in one line."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from media_files import click_errors_ms, clicks, write_media

from hygiesync.errors import InputError, UsageError
from hygiesync.media.audio import probe_audio, read_audio, read_audio_blocks, write_wav

MOMENTS = (0.5, 1.5)
PICTURE_TIMES = [Fraction(n, 25) for n in range(50)]


def tone(sample_rate: int, duration_s: float = 1.0, peak: float = 0.5) -> np.ndarray:
    seconds = np.arange(round(duration_s * sample_rate)) / sample_rate
    return (peak * np.sin(2 * np.pi * 440 * seconds)).astype(np.float32)


def worst_click_ms(path: Path, moments: Sequence[float] = MOMENTS) -> float:
    return max(map(abs, click_errors_ms(read_audio(path), moments, 16_000)))


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("sample_rate", [8_000, 11_025, 16_000, 44_100, 96_000])
def test_wav_of_any_rate_and_depth(tmp_path: Path, sample_rate: int, subtype: str) -> None:
    path = tmp_path / "sound.wav"
    soundfile.write(path, clicks(MOMENTS, 2.0, sample_rate), sample_rate, subtype=subtype)
    samples = read_audio(path)
    assert samples.dtype == np.float32
    assert samples.shape == (32_000,)
    assert worst_click_ms(path) < 0.15
    info = probe_audio(path)
    assert (info.sample_rate, info.n_channels, info.duration_s) == (sample_rate, 1, Fraction(2))


def test_float_samples_at_the_wanted_rate_are_untouched(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).uniform(-1, 1, 40_000).astype(np.float32)
    soundfile.write(tmp_path / "noise.wav", noise, 16_000, subtype="FLOAT")
    assert np.array_equal(read_audio(tmp_path / "noise.wav"), noise)


def test_resampling_keeps_a_tone(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "tone.wav", tone(44_100), 44_100, subtype="FLOAT")
    np.testing.assert_allclose(read_audio(tmp_path / "tone.wav")[200:-200], tone(16_000)[200:-200], atol=2e-3)


@pytest.mark.parametrize(
    ("name", "codec", "rate", "tolerance_ms"),
    [
        ("a.mp3", "mp3", 44_100, 0.15),
        ("a.m4a", "aac", 44_100, 0.15),
        ("a.flac", "flac", 96_000, 0.15),
        ("a.opus", "libopus", 48_000, 0.15),
        ("a.mkv", "ac3", 48_000, 6.0),  # AC-3 delays by 256 samples and says so nowhere
    ],
)
def test_compressed_sound_comes_back_at_its_time(
    tmp_path: Path, name: str, codec: str, rate: int, tolerance_ms: float
) -> None:
    format_name = {"a.m4a": "mp4", "a.opus": "ogg", "a.mkv": "matroska"}.get(name)
    path = write_media(
        tmp_path / name,
        samples=clicks(MOMENTS, 2.0, rate),
        sample_rate=rate,
        audio_codec=codec,
        format_name=format_name,
    )
    assert worst_click_ms(path) < tolerance_ms


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mov"])
@pytest.mark.parametrize("start_s", [Fraction(0), Fraction(3, 4)])
def test_sound_lies_on_the_clock_of_the_pictures(tmp_path: Path, name: str, start_s: Fraction) -> None:
    path = write_media(
        tmp_path / name, times_s=PICTURE_TIMES, samples=clicks(MOMENTS, 2.0, 48_000), audio_start_s=start_s
    )
    # containers round the start of a track to a millisecond
    assert worst_click_ms(path, [time_s + float(start_s) for time_s in MOMENTS]) < 1.0
    assert not np.abs(read_audio(path)[: int(start_s * 16_000)]).max(initial=0) > 1e-3


def test_sound_alone_starts_with_its_first_sample(tmp_path: Path) -> None:
    path = write_media(
        tmp_path / "a.mkv", samples=clicks(MOMENTS, 2.0, 48_000), audio_start_s=Fraction(3), audio_codec="flac"
    )
    assert worst_click_ms(path) < 0.15


def test_a_hole_becomes_silence_and_moves_nothing(tmp_path: Path) -> None:
    samples = np.tile(tone(48_000), 3)[:, np.newaxis]
    samples[96_000:] = clicks([0.5], 1.0, 48_000)
    path = write_media(
        tmp_path / "a.mkv", times_s=PICTURE_TIMES, samples=samples, audio_codec="flac", holes_s=[(0.5, 1.5)]
    )
    assert worst_click_ms(path, [2.5]) < 0.7
    hole = read_audio(path)[int(0.65 * 16_000) : int(1.45 * 16_000)]
    assert not hole.any()


@settings(max_examples=25, deadline=None)
@given(
    block_length=st.integers(1, 5000),
    n_channels=st.sampled_from([1, 2]),
    sample_rate=st.sampled_from([8_000, 16_000, 22_050]),
)
def test_blocks_of_any_length_are_the_same_sound(
    tmp_path_factory: pytest.TempPathFactory, block_length: int, n_channels: int, sample_rate: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "blocks.wav"
    if not path.exists():
        stereo = np.random.default_rng(0).uniform(-0.5, 0.5, (3001, 2))
        soundfile.write(path, stereo, 16_000)
    whole = list(read_audio_blocks(path, sample_rate, n_channels, 10**6))
    blocks = list(read_audio_blocks(path, sample_rate, n_channels, block_length))
    assert len(whole) == 1
    assert {len(block) for block in blocks[:-1]} <= {block_length}
    assert 0 < len(blocks[-1]) <= block_length
    assert whole[0].shape[1:] == (() if n_channels == 1 else (2,))
    assert np.array_equal(np.concatenate(blocks), whole[0])


@pytest.mark.parametrize(
    ("channels", "mono_peak", "stereo_peaks"),
    [
        ([1], 0.5, (0.5, 0.5)),
        ([1, 1], 0.5, (0.5, 0.5)),
        ([1, 0], 0.5, (0.5, 0.0)),
        ([0, 0, 1, 0, 0, 0], 0.5, (0.5, 0.5)),
    ],
    ids=["mono", "both sides", "left only", "5.1 with the voice in the centre"],
)
def test_a_voice_keeps_its_loudness_through_the_mix(
    tmp_path: Path, channels: list[int], mono_peak: float, stereo_peaks: tuple[float, float]
) -> None:
    sound = tone(48_000)[:, np.newaxis] * np.asarray(channels, np.float32)
    soundfile.write(tmp_path / "mix.wav", sound, 48_000, subtype="PCM_24")
    assert np.abs(read_audio(tmp_path / "mix.wav")).max() == pytest.approx(mono_peak, abs=0.01)
    stereo = np.concatenate(list(read_audio_blocks(tmp_path / "mix.wav", n_channels=2)))
    np.testing.assert_allclose(np.abs(stereo).max(axis=0), stereo_peaks, atol=0.01)


def voice(sample_rate: int, highest_hz: float = 3000.0, duration_s: float = 1.5) -> np.ndarray:
    """The same harmonics at any rate, with edges that are soft, so that nothing of them is lost to a rate."""
    seconds = np.arange(round(duration_s * sample_rate)) / sample_rate
    gliding = 2 * np.pi * (120 * seconds + 20 * seconds**2)
    harmonics = sum(np.sin(n * gliding + n * n) / n for n in range(1, int(highest_hz / 200)))
    return 0.15 * harmonics * np.sin(np.pi * seconds / duration_s) ** 2


def delay_ms(reference: np.ndarray, late: np.ndarray, sample_rate: int) -> float:
    """How late a signal is where the two correlate best, to a part of a sample (parabola), milliseconds."""
    n = min(len(reference), len(late))
    spectrum = np.conj(np.fft.rfft(reference[:n], 2 * n)) * np.fft.rfft(late[:n], 2 * n)
    scores = np.fft.irfft(spectrum, 2 * n)
    best = int(scores.argmax())
    before, at, after = scores[best - 1], scores[best], scores[(best + 1) % (2 * n)]
    shift = best + 0.5 * (before - after) / (before - 2 * at + after)
    return 1000 * (shift if best < n else shift - 2 * n) / sample_rate


@pytest.mark.parametrize("n_channels", [1, 2])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
@pytest.mark.parametrize(
    "sample_rate", [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000]
)
def test_every_format_is_the_same_sound_at_the_same_time(
    tmp_path: Path, sample_rate: int, subtype: str, n_channels: int
) -> None:
    sound = np.repeat(voice(sample_rate)[:, np.newaxis], n_channels, axis=1)
    soundfile.write(tmp_path / "voice.wav", sound, sample_rate, subtype=subtype)
    read, true = read_audio(tmp_path / "voice.wav"), voice(16_000)
    assert abs(len(read) - len(true)) <= 1
    assert abs(delay_ms(true, read, 16_000)) < 0.01
    n = min(len(read), len(true))
    assert read[:n].std() / true[:n].std() == pytest.approx(1, abs=1e-3)
    np.testing.assert_allclose(read[:n], true[:n], atol=1e-3)


def test_equal_sides_are_one_side_alone(tmp_path: Path) -> None:
    sound = voice(48_000, 20_000)
    soundfile.write(tmp_path / "mono.wav", sound, 48_000, subtype="PCM_24")
    soundfile.write(tmp_path / "stereo.wav", np.stack([sound, sound], 1), 48_000, subtype="PCM_24")
    np.testing.assert_allclose(read_audio(tmp_path / "stereo.wav"), read_audio(tmp_path / "mono.wav"), atol=1e-6)


STEPS = {"PCM_U8": 2**-7, "PCM_16": 2**-15, "PCM_24": 2**-23, "PCM_32": 2**-31, "FLOAT": 0, "DOUBLE": 0}


@pytest.mark.parametrize(
    ("format_name", "subtype"),
    [pair for pair in product(["WAV", "WAVEX", "RF64", "AIFF", "FLAC"], STEPS) if soundfile.check_format(*pair)],
)
def test_full_scale_is_one_in_every_depth_and_header(tmp_path: Path, format_name: str, subtype: str) -> None:
    """WAVEX is WAVE_FORMAT_EXTENSIBLE, which recorders write for 24 bits."""
    step = STEPS[subtype]
    samples = np.array([0.0, 0.25, -0.25, 0.5, -1.0, 1.0 - max(step, 2**-24)] * 400)
    soundfile.write(tmp_path / "scale", samples, 16_000, subtype=subtype, format=format_name)
    np.testing.assert_allclose(read_audio(tmp_path / "scale"), samples, atol=max(step, 1e-7))


def test_float_sound_beyond_full_scale_is_not_clipped(tmp_path: Path) -> None:
    sound = (8 * voice(44_100)).astype(np.float32)
    assert np.abs(sound).max() > 1.2
    soundfile.write(tmp_path / "loud.wav", sound, 44_100, subtype="FLOAT")
    assert np.abs(read_audio(tmp_path / "loud.wav")).max() == pytest.approx(np.abs(sound).max(), rel=0.01)


@pytest.mark.parametrize("sample_rate", [32_000, 44_100, 48_000, 96_000])
def test_what_16_khz_cannot_hold_does_not_fold_back(tmp_path: Path, sample_rate: int) -> None:
    seconds = np.arange(sample_rate) / sample_rate
    for frequency_hz, low_db, high_db in [(7000, -0.2, 0.1), (7400, -1.2, 0.1), (8300, -200, -40), (9000, -200, -60)]:
        sound = 0.5 * np.sin(2 * np.pi * frequency_hz * seconds)
        soundfile.write(tmp_path / "tone.wav", sound, sample_rate, subtype="FLOAT")
        kept = read_audio(tmp_path / "tone.wav")[1000:-1000].std() / sound.std()
        assert low_db < 20 * np.log10(kept + 1e-12) < high_db, frequency_hz


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("sample_rate", [16_000, 44_100])
def test_samples_that_are_not_numbers_are_refused_with_their_place(
    tmp_path: Path, bad: float, sample_rate: int
) -> None:
    samples = np.zeros(3 * sample_rate, np.float32)
    samples[round(1.25 * sample_rate)] = bad
    soundfile.write(tmp_path / "bad.wav", samples, sample_rate, subtype="FLOAT")
    with pytest.raises(InputError, match=r"bad\.wav: expected finite samples.* near 1\.2[45]\d s"):
        read_audio(tmp_path / "bad.wav")


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_audio(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_holds_no_sound_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("hello\n" * 500)
    (tmp_path / "renamed.wav").write_bytes(bytes(range(256)) * 40)
    soundfile.write(tmp_path / "no_samples.wav", np.zeros(0), 16_000)
    write_media(tmp_path / "silent_film.mp4", times_s=PICTURE_TIMES[:3])
    for name, words in [
        ("missing.wav", "no such file"),
        ("text.wav", "none of these"),
        ("renamed.wav", "none of these"),
        ("no_samples.wav", "holds no samples"),
        ("silent_film.mp4", "has no audio track"),
        (".", "is a folder"),
    ]:
        assert words in refusal(tmp_path / name)


def test_a_wav_that_lost_its_end_is_refused_but_one_from_a_pipe_is_not(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    soundfile.write(path, tone(16_000, 3), 16_000)
    content = path.read_bytes()
    path.write_bytes(content[:50_000])
    assert "its end is lost" in refusal(path)
    unknown = b"\xff\xff\xff\xff"
    path.write_bytes(content[:4] + unknown + content[8:40] + unknown + content[44:])
    assert len(read_audio(path)) == 48_000


def test_a_wrong_extension_and_an_odd_name_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    soundfile.write("plain.wav", tone(16_000), 16_000)
    for name in ["-sound %d ü 日本.wav", "really a wav.mp3", "a:b.wav", "no extension"]:
        Path("plain.wav").replace(name)
        assert len(read_audio(name)) == 16_000
        Path(name).replace("plain.wav")


def test_a_cover_image_is_not_a_picture_track(tmp_path: Path) -> None:
    """An album cover must not make a song wait for the clock of a video."""
    for cover, begin_s in [(True, 0), (False, 2)]:
        path = write_media(
            tmp_path / "song.mp4",
            times_s=[Fraction(0)],
            video_codec="mjpeg",
            is_cover=cover,
            audio_codec="flac",
            samples=clicks(MOMENTS, 2.0, 48_000),
            audio_start_s=Fraction(2),
        )
        assert worst_click_ms(path, [time_s + begin_s for time_s in MOMENTS]) < 1.0


def test_written_wav_is_16_bit_and_clips(tmp_path: Path) -> None:
    samples = np.array([0.0, 0.5, -0.5, 2.0, -2.0], np.float32)
    write_wav(tmp_path / "out.wav", samples, 22_050)
    info = soundfile.info(tmp_path / "out.wav")
    assert (info.subtype, info.samplerate, info.frames) == ("PCM_16", 22_050, 5)
    back, _ = soundfile.read(tmp_path / "out.wav")
    np.testing.assert_allclose(back, [0, 0.5, -0.5, 1, -1], atol=1e-4)


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can't be written"):
        write_wav(tmp_path / "no" / "out.wav", np.zeros(3), 16_000)
    with pytest.raises(InputError, match="finite"):
        write_wav(tmp_path / "out.wav", np.array([np.nan]), 16_000)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options", [{"n_channels": 3}, {"sample_rate": 0}, {"block_length": 0}])
def test_impossible_options_are_usage_errors(tmp_path: Path, options: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        next(read_audio_blocks(tmp_path / "never opened.wav", **options))
