"""A microphone that dies while the mouth goes on: that stretch is left out, a pause is not."""

import numpy as np
import pytest

from hygiesync.building.dead_sound import deaf_spans, heard_loudness, is_within
from hygiesync.building.face_fitting import Recording, background_loudness
from hygiesync.face.topology import LEFT_EYE_OUTER, LOWER_BOTTOM, LOWER_FACE, RIGHT_EYE_OUTER, RIGID
from hygiesync.face.track import FaceTrack
from hygiesync.media.video import VideoInfo
from hygiesync.speech.mel import mel_spectrogram

RATE, FPS, SECONDS = 16_000, 25, 24


def track_of(opening: np.ndarray) -> FaceTrack:
    """A face whose lips are so far apart, in eye distances of 100 pixels."""
    n_frames = len(opening)
    rigid = np.random.default_rng(0).uniform(0, 50, (1, len(RIGID), 2)).repeat(n_frames, axis=0).astype(np.float32)
    rigid[:, RIGID.index(RIGHT_EYE_OUTER)], rigid[:, RIGID.index(LEFT_EYE_OUTER)] = (0, 0), (100, 0)
    lower = np.zeros((n_frames, len(LOWER_FACE), 2), np.float32)
    lower[:, LOWER_BOTTOM, 1] = 100 * opening
    return FaceTrack(
        np.arange(n_frames) / FPS, rigid, lower, np.ones(n_frames, np.float32), np.zeros((n_frames, 9, 12), np.uint8)
    )


def speaking(seconds: float) -> np.ndarray:
    return 0.1 + 0.1 * np.sin(np.arange(round(seconds * FPS)) * 1.1)


def sound(is_heard: np.ndarray, floor: float) -> np.ndarray:
    """Syllables where they are heard, second by second, over a floor of noise."""
    random = np.random.default_rng(1)
    times = np.arange(len(is_heard) * RATE) / RATE
    syllables = 0.2 * random.normal(size=len(times)) * (np.sin(8 * np.pi * times) > 0) * np.repeat(is_heard, RATE)
    return (syllables + floor * random.normal(size=len(times))).astype(np.float32)


@pytest.mark.parametrize("floor", [0.0, 1e-3], ids=["digital silence", "hiss"])
def test_a_dead_microphone_is_found(floor: float) -> None:
    is_heard = np.ones(SECONDS)
    is_heard[12:] = 0
    mel = mel_spectrogram(sound(is_heard, floor))
    ((start_s, end_s),) = deaf_spans(mel, track_of(speaking(SECONDS)))
    assert start_s == pytest.approx(12.5, abs=0.3)
    assert end_s == pytest.approx(24, abs=0.1)


def test_it_may_come_back() -> None:
    is_heard = np.ones(SECONDS)
    is_heard[8:15] = 0
    ((start_s, end_s),) = deaf_spans(mel_spectrogram(sound(is_heard, 0)), track_of(speaking(SECONDS)))
    assert start_s == pytest.approx(8.5, abs=0.3)
    assert end_s == pytest.approx(14.5, abs=0.3)


@pytest.mark.parametrize("floor", [0.0, 1e-3])
def test_a_pause_with_the_mouth_at_rest_is_none(floor: float) -> None:
    is_heard = np.ones(SECONDS)
    is_heard[4:16] = 0
    opening = speaking(SECONDS)
    opening[4 * FPS : 16 * FPS] = 0.02 + 0.01 * np.sin(np.arange(12 * FPS) / 20)
    assert deaf_spans(mel_spectrogram(sound(is_heard, floor)), track_of(opening)) == ()


def test_who_is_not_seen_speaks_to_nobody() -> None:
    is_heard = np.ones(SECONDS)
    is_heard[12:] = 0
    track = track_of(speaking(SECONDS))
    track.rigid[12 * FPS :], track.lower[12 * FPS :] = np.nan, np.nan
    assert deaf_spans(mel_spectrogram(sound(is_heard, 0)), track) == ()
    assert deaf_spans(np.zeros((0, 80), np.float32), track) == ()


def test_a_dead_stretch_does_not_tell_how_quiet_pauses_are() -> None:
    is_heard = np.ones(SECONDS)
    is_heard[12:] = 0
    alive, dead = sound(np.ones(12), 1e-3), np.zeros(12 * RATE, np.float32)
    mel, track = mel_spectrogram(np.concatenate([alive, dead])), track_of(speaking(SECONDS))
    spans = deaf_spans(mel, track)
    info = VideoInfo.__new__(VideoInfo)
    whole = background_loudness([Recording(info, track, mel, deaf_spans=spans)])
    assert whole == pytest.approx(background_loudness([Recording(info, track, mel_spectrogram(alive))]), abs=0.1)
    assert len(heard_loudness(mel, spans)) == pytest.approx(1200, abs=60)
    assert is_within(np.array([5.0, 12.3, 20.0]), spans).tolist() == [False, True, True]
