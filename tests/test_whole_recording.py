"""Hearing a whole recording: in windows as in one pass, in constant memory, with the gate of silence, in time."""

from fractions import Fraction
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from present import present

from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.errors import InputError
from hygiesync.media.audio import read_audio
from hygiesync.speech.bands import loudness
from hygiesync.speech.mel import N_MELS, mel_spectrogram
from hygiesync.speech_to_shape.later import LaterSound
from hygiesync.speech_to_shape.onnx_window import OnnxWindow
from hygiesync.speech_to_shape.stream import coefficients_at
from hygiesync.speech_to_shape.track import CoefficientTrack, SoundTrack
from hygiesync.speech_to_shape.whole import ANSWER_FRAMES, MARGIN_FRAMES, WINDOW_FRAMES, WholeRecordingStream
from hygiesync.timing import described_time

REST = np.zeros(2, np.float32)


class Smoother:
    """A window whose answers depend on both neighbours, no farther than the margin: loudness and its mean around."""

    n_frames = WINDOW_FRAMES

    def __init__(self, reach: int = MARGIN_FRAMES) -> None:
        self.reach = reach

    def answer(self, mel: np.ndarray) -> np.ndarray:
        loudness = mel.mean(1) + 8
        padded = np.pad(loudness, self.reach)
        around = np.convolve(padded, np.ones(2 * self.reach + 1) / (2 * self.reach + 1), "valid")
        return np.stack([loudness, around], axis=1).astype(np.float32)


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, int(16000 * seconds)).astype(np.float32)


def stream_of(window: Smoother | None = None) -> WholeRecordingStream:
    """A stream to which this noise is a familiar pause, in which the gate stays open."""
    usual = float(np.median(loudness(mel_spectrogram(noise(2)))))
    return WholeRecordingStream(cast(OnnxWindow, window or Smoother()), REST, background=usual)


def answers(stream: WholeRecordingStream, samples: np.ndarray, n_frames: int) -> np.ndarray:
    return coefficients_at(stream, samples, [described_time(index, ANSWER_FRAMES) for index in range(n_frames)])


@pytest.mark.parametrize("seconds", [0.5, 10.2, 10.24, 31.7])
def test_windows_say_what_one_pass_says(seconds: float) -> None:
    samples = noise(seconds)
    heard = mel_spectrogram(np.concatenate([samples, np.zeros(16000 * 20, np.float32)]))
    n_frames = len(mel_spectrogram(samples))
    # the recording, and silence as far as its end can hear
    whole = Smoother().answer(heard)[:n_frames]
    got = answers(stream_of(), samples, n_frames)
    inner = slice(20, max(21, n_frames - 20))  # the gate opens and closes at the ends
    np.testing.assert_allclose(got[inner], whole[inner], atol=1e-4)


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(cuts=st.lists(st.integers(0, 16000 * 15), max_size=8))
def test_any_blocks_give_the_same(cuts: list[int]) -> None:
    samples = noise(15)
    times = [Fraction(n, 25) for n in range(15 * 25)]
    whole, parts = coefficients_at(stream_of(), samples, times), stream_of()
    for block in np.split(samples, sorted(cuts)):
        parts.push(block)
    parts.finish(times[-1])
    np.testing.assert_allclose([parts.at(time_s) for time_s in times], whole, atol=1e-4)


def test_a_moment_is_known_within_the_latency_that_is_told() -> None:
    stream, samples = stream_of(), noise(40)
    for n_heard in range(0, len(samples), 1600):
        stream.push(samples[n_heard : n_heard + 1600])
        heard_s = Fraction(n_heard + 1600, 16000)
        assert heard_s - max(stream.known_until_s, Fraction(0)) <= stream.latency_s + Fraction(1, 10)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_recording() -> None:
    stream = stream_of()
    kept = []
    for number in range(12):
        stream.push(noise(10, number))
        time_s = stream.known_until_s
        stream.at(time_s), stream.sound_at(time_s)
        kept.append(stream.n_kept)
    assert max(kept) <= 2 * WINDOW_FRAMES
    assert max(kept[6:]) <= max(kept[:6])


def test_in_digital_silence_the_mouth_rests() -> None:
    stream = stream_of()
    samples = np.concatenate([noise(3), np.zeros(16000 * 3, np.float32)])
    got = coefficients_at(stream, samples, [Fraction(n, 100) for n in range(340, 590)])
    np.testing.assert_array_equal(got, 0)


def test_the_gate_opens_before_the_first_sound() -> None:
    samples = np.concatenate([np.zeros(16000 * 2, np.float32), noise(2)])
    got = coefficients_at(stream_of(), samples, [Fraction(n, 100) for n in range(150, 210)])
    moves = np.flatnonzero(np.abs(got).max(1))
    assert 1.9 <= 1.5 + moves[0] / 100 < 2.0


def test_a_model_of_another_kind_is_refused(talker_avatar: VideoAvatar) -> None:
    with pytest.raises(InputError, match="whole recordings is a model of another kind"):
        OnnxWindow(talker_avatar.step)
    with pytest.raises(InputError, match="can't be loaded"):
        OnnxWindow(b"garbage")


def test_tracks_forget_and_interpolate() -> None:
    track = CoefficientTrack(REST, lookahead=0)
    for value in range(5):
        track.append(np.full(2, value, np.float32))
    assert track.known_until_s == described_time(4, 0)
    middle = (described_time(2, 0) + described_time(3, 0)) / 2
    np.testing.assert_allclose(track.at(middle), 2.5)
    sound = SoundTrack(0)
    sound.extend(np.arange(50, dtype=np.float32)[:, None].repeat(N_MELS, 1))
    np.testing.assert_array_equal(sound.at(described_time(30, 0))[:, 0], [*range(23, 31), *[30] * 8])


def test_an_offset_of_the_training_video_is_kept() -> None:
    """Lips that were filmed 120 ms before their sound come 120 ms before it again."""
    samples, times = noise(12), [Fraction(n, 25) for n in range(25, 250)]
    in_time = coefficients_at(stream_of(), samples, [time_s + Fraction(3, 25) for time_s in times])
    late = LaterSound(stream_of(), Fraction(3, 25))
    np.testing.assert_array_equal(coefficients_at(late, samples, times), in_time)
    assert (late.lookahead_s, late.latency_s) == tuple(
        in_file + Fraction(3, 25) for in_file in (stream_of().lookahead_s, stream_of().latency_s)
    )


def test_windows_that_begin_elsewhere_say_nearly_the_same(talker_avatar: VideoAvatar, held_out_video: Path) -> None:
    """The margin is long enough for a recurrence; what remains is the generic model's, whose attention has no end."""
    samples = np.tile(read_audio(held_out_video), 6)[: 16000 * 25]
    mel = mel_spectrogram(np.concatenate([samples, np.zeros(16000 * 12, np.float32)]))
    window = OnnxWindow(present(talker_avatar.window))
    half = (WINDOW_FRAMES - 2 * MARGIN_FRAMES) // 2
    first, second = window.answer(mel[:WINDOW_FRAMES]), window.answer(mel[half : half + WINDOW_FRAMES])
    inner = slice(half + MARGIN_FRAMES, WINDOW_FRAMES - MARGIN_FRAMES)
    off = np.abs(first[inner] - second[inner.start - half : inner.stop - half])  # standard deviations
    assert off.mean() < 0.05
    assert off.max() < 0.3
