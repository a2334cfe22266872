"""Music without a voice is told from speech, whatever the voice; one sentence over it, and it is speech."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hygiesync.media.audio import write_wav
from hygiesync.pipelines.soundtrack import Soundtrack
from hygiesync.speech.music import is_only_music
from hygiesync.timing import SAMPLE_RATE
from hygiesync.tts.espeak import synthesise

SECONDS = 8
CALM = (1.0, 0.5, 0.3, 0.2)
BRIGHT = tuple(1 / n for n in range(1, 12))


def piece(seed: int, *, has_drums: bool = False, harmonics: tuple[float, ...] = CALM, decay: float = 1.5) -> np.ndarray:
    """Chords and a tune at random, with drums or without."""
    random = np.random.default_rng(seed)
    sound = np.zeros(SECONDS * SAMPLE_RATE)
    beat_s = 60 / random.uniform(80, 130)
    scale = np.array([0, 2, 4, 5, 7, 9, 11])

    def note(start_s: float, length_s: float, semitones: float, loudness: float) -> None:
        part = sound[round(start_s * SAMPLE_RATE) :][: round(length_s * SAMPLE_RATE)]
        times = np.arange(len(part)) / SAMPLE_RATE
        tones = sum(
            h * np.sin(2 * np.pi * (n + 1) * 110 * 2 ** (semitones / 12) * times) for n, h in enumerate(harmonics)
        )
        part += loudness * np.minimum(times / 0.01, 1) * np.exp(-decay * times) * tones

    for number in range(int(SECONDS / beat_s)):
        start_s = number * beat_s
        note(start_s, 1.5 * beat_s, 12 + scale[random.integers(7)], 0.15)
        if number % 2 == 0:
            for step in (0, 4, 7):
                note(start_s, 2 * beat_s, scale[random.integers(3)] + step, 0.1)
        if has_drums:
            hit = sound[round(start_s * SAMPLE_RATE) :][:2500]
            hit += 0.15 * random.normal(size=len(hit)) * np.exp(-np.arange(len(hit)) / 500)
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)


def spoken(voice: str = "en", pitch: int = 50) -> np.ndarray:
    speech = synthesise(
        "My mother bought a big bag of apples, and then we went home early in the evening.", voice, pitch=pitch
    )
    at = np.arange(int(len(speech.samples) / speech.sample_rate * SAMPLE_RATE)) * speech.sample_rate / SAMPLE_RATE
    return np.interp(at, np.arange(len(speech.samples)), speech.samples).astype(np.float32)


def blocks(sound: np.ndarray) -> Iterator[np.ndarray]:
    return (sound[begin : begin + 1600] for begin in range(0, len(sound), 1600))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("harmonics", "decay"), [(CALM, 0.5), (BRIGHT, 1.5), (CALM, 4.0)])
def test_chords_and_tunes_are_music(seed: int, harmonics: tuple[float, ...], decay: float) -> None:
    assert is_only_music(blocks(piece(seed, harmonics=harmonics, decay=decay)))


@pytest.mark.parametrize("seed", range(3))
def test_with_drums_it_is_music_too(seed: int) -> None:
    assert is_only_music(blocks(piece(seed, has_drums=True)))


@pytest.mark.parametrize(("voice", "pitch"), [("en", 50), ("en+f3", 70), ("de", 10), ("cmn", 50), ("fr", 99)])
def test_speech_is_none_however_high_or_low(voice: str, pitch: int) -> None:
    assert not is_only_music(blocks(spoken(voice, pitch)))


def test_a_sentence_over_music_is_heard() -> None:
    music = piece(1)
    sentence = spoken()[: 4 * SAMPLE_RATE]
    music[2 * SAMPLE_RATE :][: len(sentence)] = music[2 * SAMPLE_RATE :][: len(sentence)] * 0.2 + sentence
    assert not is_only_music(blocks(music))


def test_noise_hum_and_silence_are_no_music() -> None:
    noise = 0.1 * np.random.default_rng(0).normal(size=SECONDS * SAMPLE_RATE).astype(np.float32)
    assert not is_only_music(blocks(noise))
    assert not is_only_music(blocks(np.zeros_like(noise)))
    assert not is_only_music(iter(()))


def test_the_mouth_hears_no_music_and_the_video_keeps_it(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", piece(0), SAMPLE_RATE)
    track = Soundtrack(tmp_path / "a.wav", is_heard=True)
    heard, kept = np.concatenate(list(track.heard())), np.concatenate(list(track.kept()))
    assert not heard.any()
    assert len(heard) == len(kept) == SECONDS * SAMPLE_RATE
    assert np.abs(kept).max() == pytest.approx(0.5, abs=0.01)
    assert track.notes == ("it holds music and no voice, so the mouth is at rest",)
