"""The same sentence in any wav, 8 to 96 kHz, gives the same lips.

Each file is made from one recording by a good resampler, read back, and spoken by the session's avatar. Its lips are
compared with those that the 16 kHz float file gives, at the same moments, a hundred a second:

* the *lip difference*: mean distance between the same lip landmarks, in % of the distance between the eyes;
* the *opening difference*: mean difference of the mouth's opening, in % of the range that the opening has.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.face.comparison import correlation
from hygiesync.face.shape import mouth_opening
from hygiesync.face.topology import LOWER_LIPS
from hygiesync.media.audio import read_audio
from hygiesync.speech_to_shape.stream import coefficients_at
from hygiesync.tts.espeak import synthesise

SENTENCE = "My bright balloons are floating above the quiet village, and nobody knows why."

MAX_LIPS_PCT, MAX_OPENING_PCT = 2.0, 2.0
"""What the same lips are, for every format that holds what the network hears."""

WIDE = (16_000, 22_050, 32_000, 44_100, 48_000, 96_000)
NARROW = (8_000, 11_025)
"""Rates that lose bands for good: above 4 and 5.5 kHz there is nothing."""


@pytest.fixture(scope="module")
def recording() -> tuple[np.ndarray, int]:
    """A spoken sentence, (samples, rate)."""
    speech = synthesise(SENTENCE, pitch=40)
    return 0.5 * speech.samples.astype(np.float64), speech.sample_rate


def saved(
    path: Path, recording: tuple[np.ndarray, int], sample_rate: int, subtype: str = "FLOAT", n_channels: int = 1
) -> np.ndarray:
    """The recording as a wav of that kind, read back."""
    samples, rate = recording
    if sample_rate != rate:
        samples = soxr.resample(samples, rate, sample_rate, quality="VHQ")
    soundfile.write(path, np.repeat(samples[:, None], n_channels, axis=1), sample_rate, subtype=subtype)
    return read_audio(path)


@pytest.fixture(scope="module")
def lips_of(talker_avatar: VideoAvatar, recording: tuple[np.ndarray, int]) -> Callable[[Any], Any]:
    """Function from samples to lower faces (n_frames, n_points, 2), canonical, a hundred a second."""
    samples, rate = recording
    times_s = [Fraction(k, 100) for k in range(len(samples) * 100 // rate)]

    def speak(samples: np.ndarray) -> np.ndarray:
        return talker_avatar.shape.inverse_transform(coefficients_at(talker_avatar.speech_stream(), samples, times_s))

    return speak


@pytest.fixture(scope="module")
def reference(
    lips_of: Callable[[Any], Any], recording: tuple[np.ndarray, int], tmp_path_factory: pytest.TempPathFactory
) -> np.ndarray:
    return lips_of(saved(tmp_path_factory.mktemp("reference") / "reference.wav", recording, 16_000))


def differences_pct(reference: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Lip difference and opening difference, see the top."""
    lips = np.linalg.norm(reference[:, LOWER_LIPS] - other[:, LOWER_LIPS], axis=-1).mean()
    opening, other_opening = mouth_opening(reference), mouth_opening(other)
    return 100 * lips, 100 * np.abs(opening - other_opening).mean() / np.ptp(opening)


def test_the_reference_speaks(reference: np.ndarray) -> None:
    assert np.ptp(mouth_opening(reference)) > 0.02


@pytest.mark.parametrize("n_channels", [1, 2], ids=["mono", "stereo"])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
@pytest.mark.parametrize("sample_rate", WIDE)
def test_every_format_gives_the_same_lips(
    tmp_path: Path,
    recording: tuple[np.ndarray, int],
    reference: np.ndarray,
    lips_of: Callable[[Any], Any],
    sample_rate: int,
    subtype: str,
    n_channels: int,
) -> None:
    other = lips_of(saved(tmp_path / "sound.wav", recording, sample_rate, subtype, n_channels))
    lips_pct, opening_pct = differences_pct(reference, other)
    print(f"{sample_rate} Hz {subtype} x {n_channels}: lips {lips_pct:.3f} %, opening {opening_pct:.2f} %")
    assert lips_pct < MAX_LIPS_PCT
    assert opening_pct < MAX_OPENING_PCT
    assert correlation(mouth_opening(reference), mouth_opening(other)) > 0.98


@pytest.mark.parametrize("sample_rate", NARROW)
def test_lips_stay_near_with_a_narrow_band(
    tmp_path: Path,
    recording: tuple[np.ndarray, int],
    reference: np.ndarray,
    lips_of: Callable[[Any], Any],
    sample_rate: int,
) -> None:
    """Lost bands may move the opening by more: a network has to be taught that they can be missing."""
    lips_pct, opening_pct = differences_pct(reference, lips_of(saved(tmp_path / "sound.wav", recording, sample_rate)))
    print(f"{sample_rate} Hz: lips {lips_pct:.3f} %, opening {opening_pct:.2f} %")
    assert lips_pct < MAX_LIPS_PCT


@pytest.mark.parametrize("sample_rate", [*NARROW, *WIDE])
def test_depth_and_channels_change_nothing_at_any_rate(
    tmp_path: Path, recording: tuple[np.ndarray, int], lips_of: Callable[[Any], Any], sample_rate: int
) -> None:
    plain = lips_of(saved(tmp_path / "plain.wav", recording, sample_rate))
    for subtype, n_channels in [("PCM_16", 1), ("PCM_24", 2), ("FLOAT", 2)]:
        other = lips_of(saved(tmp_path / "other.wav", recording, sample_rate, subtype, n_channels))
        assert max(differences_pct(plain, other)) < 0.5, (subtype, n_channels)
