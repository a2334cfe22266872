"""Audible speech is heard: whatever channel and track it is in, whichever way round, however quiet."""

import wave
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from av.stream import Disposition
from media_files import write_media

from hygiesync.errors import UsageError
from hygiesync.media.audio import read_audio, read_audio_blocks
from hygiesync.media.sound_survey import LEVEL_DB, survey_sound
from hygiesync.media.video import probe, read_frames
from hygiesync.pipelines.soundtrack import Soundtrack

RATE = 16_000


def voice(seed: int = 0, seconds: float = 1.0) -> np.ndarray:
    """Syllables of noise, three a second, a little below full scale."""
    times = np.arange(round(seconds * RATE)) / RATE
    return (0.1 * np.random.default_rng(seed).normal(size=len(times)) * (np.sin(6 * np.pi * times) > 0)).astype(
        np.float32
    )


def write_pcm(path: Path, rows: np.ndarray) -> Path:
    """A plain wav, which names no channels, however many there are."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(rows.shape[1])
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.rint(rows.clip(-1, 1) * 32_767).astype("<i2").tobytes())
    return path


def likeness(sound: np.ndarray, wanted: np.ndarray) -> float:
    n = min(len(sound), len(wanted))
    return abs(float(np.corrcoef(sound[:n], wanted[:n])[0, 1]))


@pytest.mark.parametrize(
    ("n_channels", "with_voice"), [(n, at) for n in (2, 3, 6, 9, 17, 60) for at in {0, 3, n - 1} if at < n]
)
def test_a_voice_in_any_channel_is_heard_as_if_it_were_alone(tmp_path: Path, n_channels: int, with_voice: int) -> None:
    rows = np.zeros((RATE, n_channels), np.float32)
    rows[:, with_voice] = voice()
    path = write_pcm(tmp_path / "a.wav", rows)
    heard = read_audio(path)
    assert likeness(heard, voice()) > 0.999
    assert heard.std() == pytest.approx(voice().std(), rel=0.02)
    kept = np.concatenate(list(Soundtrack(path, is_heard=True).kept()))
    assert kept.shape == (RATE, 2)
    assert np.abs(kept).max() > 0.2


@pytest.mark.parametrize("n_channels", [2, 6, 12])
def test_an_inverted_channel_is_turned_round(tmp_path: Path, n_channels: int) -> None:
    rows = np.repeat(voice()[:, None], n_channels, axis=1)
    rows[:, 1::2] *= -1
    path = write_pcm(tmp_path / "a.wav", rows)
    assert likeness(read_audio(path), voice()) > 0.999
    assert read_audio(path).std() == pytest.approx(voice().std(), rel=0.05)
    assert "is the inverse of the others, and is turned round" in next(survey_sound(path).notes())


def test_a_partly_inverted_one_and_an_ordinary_room_are_told_apart(tmp_path: Path) -> None:
    """Two microphones of one room have much that only one hears: nothing of that is inverted."""
    room = 0.05 * np.random.default_rng(3).normal(size=(RATE, 2)).astype(np.float32)
    both = voice()[:, None] + room
    assert not list(survey_sound(write_pcm(tmp_path / "a.wav", both)).notes())
    assert list(survey_sound(write_pcm(tmp_path / "b.wav", voice()[:, None] * (1, -0.8) + room)).notes())


@pytest.mark.parametrize(
    ("name", "subtype"),
    [
        ("a.wav", "PCM_32"),
        ("b.wav", "DOUBLE"),
        ("c.wav", "FLOAT"),
        ("d.w64", "PCM_24"),
        ("e.flac", "PCM_24"),
        ("f.wav", "PCM_U8"),
        ("g.rf64", "PCM_16"),
    ],
)
def test_all_kinds_of_samples_sound_the_same(tmp_path: Path, name: str, subtype: str) -> None:
    path, sound = tmp_path / name, np.stack([voice(), -voice()], axis=1)
    form = {"g.rf64": "RF64", "d.w64": "W64"}.get(name)
    soundfile.write(path, sound, RATE, subtype=subtype, format=form)
    assert likeness(read_audio(path), voice()) > 0.99


@pytest.mark.parametrize("rate", [8_000, 44_100, 192_000])
def test_all_rates_are_heard(tmp_path: Path, rate: int) -> None:
    times = np.arange(rate) / rate
    soundfile.write(tmp_path / "a.wav", 0.3 * np.sin(2 * np.pi * 440 * times), rate)
    heard = read_audio(tmp_path / "a.wav")
    assert len(heard) == pytest.approx(RATE, abs=2)
    assert likeness(heard, np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)) > 0.99
    survey = survey_sound(tmp_path / "a.wav")
    assert survey.speech_db == pytest.approx(20 * np.log10(0.3 / np.sqrt(2)), abs=0.5)


@pytest.mark.parametrize(
    ("codec", "layout", "name"), [("ac3", "5.1", "a.ac3"), ("eac3", "5.1", "a.eac3"), ("aac", "7.1", "a.m4a")]
)
def test_dolby_layouts_with_the_voice_in_the_middle(tmp_path: Path, codec: str, layout: str, name: str) -> None:
    n_channels = {"5.1": 6, "7.1": 8}[layout]
    with av.open(str(tmp_path / name), "w") as container:
        stream = container.add_stream(codec, rate=48_000, layout=layout)
        sound = np.zeros((n_channels, 48_000), np.float32)
        sound[2] = np.repeat(voice(), 3)
        for begin in range(0, 48_000, 1536):
            part = np.ascontiguousarray(sound[:, begin : begin + 1536].T).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(part, format="flt", layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = 48_000, begin, Fraction(1, 48_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    heard = read_audio(tmp_path / name)
    # encoders add their priming, which these formats have no edit for
    shift = int(np.argmax(np.correlate(heard, voice(), "full"))) - RATE + 1
    assert likeness(heard[max(shift, 0) :], voice()) > 0.8
    assert heard.std() == pytest.approx(voice().std(), rel=0.3)


def two_tracks(path: Path, first: np.ndarray, second: np.ndarray, default: Sequence[int]) -> Path:
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
        tracks = [container.add_stream("pcm_s16le", rate=RATE, layout="mono") for _ in range(2)]
        for number, track in enumerate(tracks):
            track.disposition = Disposition.default if number + 1 in default else 0
        for number in range(25):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 90, np.uint8), format="rgb24")
            frame.pts = number
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        for track, sound in zip(tracks, (first, second), strict=True):
            pcm = np.rint(sound * 32_767).astype(np.int16)
            heard = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
            heard.sample_rate, heard.pts, heard.time_base = RATE, 0, Fraction(1, RATE)
            container.mux(track.encode(heard))
            container.mux(track.encode(None))
    return path


def test_the_default_track_is_taken_and_told(tmp_path: Path) -> None:
    path = two_tracks(tmp_path / "a.mkv", np.zeros(RATE), voice(1), default=[2])
    assert likeness(read_audio(path), voice(1)) > 0.999
    (note,) = survey_sound(path).notes()
    assert note.startswith("has 2 sound tracks; track 2 is taken, which the file marks as the one to play")


def test_another_track_may_be_asked_for(tmp_path: Path) -> None:
    path = two_tracks(tmp_path / "a.mkv", voice(0), voice(1), default=[2])
    assert likeness(read_audio(path, track=1), voice(0)) > 0.999
    heard = np.concatenate(list(Soundtrack(path, is_heard=True, track=1).heard()))
    assert likeness(heard, voice(0)) > 0.999
    with pytest.raises(UsageError, match=r"`audio_track`: expected 1 to 2, as .* has, got 3"):
        read_audio(path, track=3)


def test_without_a_default_the_first_track_is_taken(tmp_path: Path) -> None:
    path = two_tracks(tmp_path / "a.mkv", voice(0), voice(1), default=[])
    assert likeness(read_audio(path), voice(0)) > 0.999


@pytest.mark.parametrize("quieter_db", [20, 35, 50])
def test_a_quiet_voice_is_heard_as_a_loud_one_and_kept_as_it_is(tmp_path: Path, quieter_db: int) -> None:
    quiet = voice() * 10 ** (-quieter_db / 20)
    soundfile.write(tmp_path / "a.wav", quiet, RATE, subtype="PCM_24")
    track = Soundtrack(tmp_path / "a.wav", is_heard=True)
    heard, kept = np.concatenate(list(track.heard())), np.concatenate(list(track.kept()))
    loud = heard[np.abs(heard) > 0].std()
    assert 20 * np.log10(loud) == pytest.approx(LEVEL_DB, abs=3)
    assert kept.std() == pytest.approx(quiet.std(), rel=0.02)
    assert any("its sound is quiet" in note for note in track.notes)


@pytest.mark.parametrize("gain", [1.0, 3.0, 0.3])
def test_a_voice_of_usual_level_is_heard_as_it_is(tmp_path: Path, gain: float) -> None:
    soundfile.write(tmp_path / "a.wav", voice() * gain, RATE, subtype="FLOAT")
    track = Soundtrack(tmp_path / "a.wav", is_heard=True)
    np.testing.assert_allclose(np.concatenate(list(track.heard())), voice() * gain, atol=1e-6)
    assert track.notes == ()


def test_long_silence_does_not_make_a_voice_quiet_and_silence_is_told(tmp_path: Path) -> None:
    seldom = np.concatenate([np.zeros(20 * RATE, np.float32), voice(), np.zeros(20 * RATE, np.float32)])
    soundfile.write(tmp_path / "a.wav", seldom, RATE)
    assert survey_sound(tmp_path / "a.wav").gain_db == 0
    soundfile.write(tmp_path / "b.wav", np.zeros(RATE), RATE)
    assert list(survey_sound(tmp_path / "b.wav").notes()) == ["its sound is silent from beginning to end"]
    assert not np.concatenate(list(read_audio_blocks(tmp_path / "b.wav"))).any()


def test_covers_are_no_video(tmp_path: Path) -> None:
    """The cover comes first and is marked as such; the moving picture is what is shown."""
    path = write_media(tmp_path / "a.mp4", times_s=[Fraction(n, 25) for n in range(5)])
    with av.open(str(path)) as source, av.open(str(tmp_path / "b.mp4"), "w") as target:
        cover = target.add_stream("mjpeg", rate=25)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        copy = target.add_stream_from_template(source.streams.video[0])
        picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24").reformat(
            format="yuvj420p"
        )
        picture.pts = 0
        target.mux(cover.encode(picture))
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = copy
                target.mux(packet)
    assert len(list(read_frames(tmp_path / "b.mp4"))) == 5
    assert probe(tmp_path / "b.mp4").n_frames == 5
