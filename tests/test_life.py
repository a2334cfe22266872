"""The life of a photo that speaks: it follows the voice, and nothing else changes."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from hygiesync.face.comparison import correlation
from hygiesync.portrait.speaking.idle_motion import IdleMotion, IdlePose
from hygiesync.portrait.speaking.speech_motion import SpeechMotion
from hygiesync.speech.mel import N_MELS
from hygiesync.speech_to_shape.track import N_SOUND_FRAMES

FLOOR, LOUD, SOFT = -8.0, -2.0, -3.2
HELD = IdlePose.none()


def sound_at(levels: np.ndarray, time_s: Fraction) -> np.ndarray:
    """The mel frames around a moment of a sound whose frames have `levels` (n,)."""
    first = int(time_s * 100) - N_SOUND_FRAMES // 2 + 1
    wanted = np.clip(np.arange(first, first + N_SOUND_FRAMES), 0, len(levels) - 1)
    return np.repeat(levels[wanted, None], N_MELS, axis=1).astype(np.float32)


def syllables(starts_s: np.ndarray, duration_s: float) -> np.ndarray:
    """Levels (n,) of a voice with a stressed syllable at each start, silent a second after the last."""
    times_s = np.arange(0, duration_s, 0.01)
    levels = np.full(len(times_s), SOFT)
    levels[(times_s < starts_s[0]) | (times_s > starts_s[-1] + 1)] = FLOOR
    for start_s in starts_s:
        levels[(times_s >= start_s) & (times_s < start_s + 0.15)] = LOUD
    return levels


def moved(levels: np.ndarray, fps: int = 25, seed: int = 0, idle: IdleMotion | None = None) -> list[IdlePose]:
    motion = SpeechMotion(seed)
    times = [Fraction(number, fps) for number in range(int(len(levels) / 100 * fps))]
    return [motion.at(time, sound_at(levels, time), HELD if idle is None else idle.at(float(time))) for time in times]


def test_in_silence_there_is_only_idle_life() -> None:
    idle = IdleMotion()
    poses = moved(np.full(2000, FLOOR), idle=idle)
    for number, pose in enumerate(poses):
        wanted = idle.at(number / 25)
        np.testing.assert_array_equal(pose.turn_deg, wanted.turn_deg)
        assert (pose.openness, pose.brow) == (wanted.openness, 0.0)


def test_the_head_nods_and_the_brows_rise_on_stressed_syllables() -> None:
    starts_s = np.cumsum(np.random.default_rng(1).uniform(0.5, 1.1, 40)) + 1
    levels = syllables(starts_s, float(starts_s[-1]) + 3)
    # restlessness is noise: over many seeds only what follows the voice is left
    pitch = np.mean([[pose.turn_deg[1] for pose in moved(levels, seed=seed)] for seed in range(3)], axis=0)
    times_s = np.arange(len(pitch)) / 25
    after = np.array([np.interp(start_s + np.array([0.0, 0.16]), times_s, pitch) for start_s in starts_s])
    assert (after[:, 1] - after[:, 0]).mean() > 0.6
    assert ((after[:, 1] - after[:, 0]) > 0).mean() > 0.8
    raised = np.array([pose.brow for pose in moved(levels)])
    n_raised = int(((raised[1:] > 0.02) & (raised[:-1] <= 0.02)).sum())
    assert 5 <= n_raised <= len(starts_s) / 2
    assert raised.max() <= 0.036


def test_a_blink_waits_for_the_pause() -> None:
    """Of the blinks that are due while one speaks few fall into the middle of a phrase, and none is lost."""
    starts_s = np.arange(1, 60, 0.45)
    starts_s = starts_s[(starts_s % 4) < 3]
    levels = syllables(starts_s, 61)
    times_s = np.arange(len(levels)) / 100
    levels[(times_s % 4 > 3.1) & (times_s % 4 < 3.9)] = FLOOR
    idle = IdleMotion(5)
    openness = np.array([pose.openness for pose in moved(levels, idle=idle)])
    idle_openness = np.array([idle.at(number / 25).openness for number in range(len(openness))])

    def begun_s(values: np.ndarray) -> np.ndarray:
        return np.flatnonzero((values[1:] < 0.6) & (values[:-1] >= 0.6)) / 25

    made, due = begun_s(openness), begun_s(idle_openness)
    in_pause = [float(((begun % 4 > 3.05) & (begun % 4 < 3.95)).mean()) for begun in (made, due)]
    assert in_pause[0] > in_pause[1] + 0.25
    assert 0.9 * len(due) <= len(made) <= 2.5 * len(due)
    assert openness.min() == pytest.approx(0, abs=0.05)


def test_life_moves_as_a_calm_speaker_does_and_never_repeats() -> None:
    """A newsreader's head, 0.5 to 4 times a second: 0.5, 1.4 and 0.35 degrees of yaw, pitch and roll."""
    starts_s = np.cumsum(np.random.default_rng(2).uniform(0.25, 0.6, 150)) + 1
    poses = moved(syllables(starts_s, 70))
    turn = np.array([pose.turn_deg for pose in poses])[50:1500]
    spectrum = np.abs(np.fft.rfft(turn - turn.mean(0), axis=0)) ** 2 / len(turn) ** 2 * 2
    hertz = np.fft.rfftfreq(len(turn), 1 / 25)
    quick = np.sqrt(spectrum[(hertz >= 0.5) & (hertz < 4)].sum(0))
    assert ((quick > (0.25, 0.6, 0.15)) & (quick < (0.9, 1.8, 0.7))).all()
    for lag in range(100, 700, 5):
        assert correlation(turn[:-lag, 1], turn[lag:, 1]) < 0.6
    steps = np.abs(np.diff(turn, axis=0)) * 25
    assert steps.max() < 60, "no jerks: degrees a second"


@pytest.mark.parametrize("fps", [20, 25, 50])
def test_motion_does_not_depend_on_the_rate_of_pictures(fps: int) -> None:
    """As long as the sound that is seen with each picture reaches back to the one before."""
    rng = np.random.default_rng(fps)
    levels = np.repeat(rng.uniform(FLOOR, 0, 40), rng.integers(3, 40, 40))
    often, seldom = moved(levels, 100), moved(levels, fps)
    for number, pose in enumerate(seldom):
        np.testing.assert_allclose(pose.turn_deg, often[number * 100 // fps].turn_deg, atol=1e-9)
        assert pose.brow == pytest.approx(often[number * 100 // fps].brow)


def test_a_sound_that_is_heard_again_from_the_start_brings_the_same_motion() -> None:
    levels = syllables(np.arange(1, 8, 0.5), 10)
    motion = SpeechMotion()
    times = [Fraction(number, 25) for number in range(200)]
    first, second = ([motion.at(time, sound_at(levels, time), HELD).turn_deg for time in times] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_what_comes_after_a_gap_does_not_jump_back() -> None:
    """Pictures that came too late were not drawn: the motion goes on, and forgets what is long past."""
    levels = syllables(np.arange(1, 30, 0.5), 32)
    motion = SpeechMotion()
    for number in range(100):
        motion.at(Fraction(number, 25), sound_at(levels, Fraction(number, 25)), HELD)
    for seconds in (4.4, 5.0, 20.0):
        pose = motion.at(Fraction(seconds), sound_at(levels, Fraction(seconds)), replace(HELD, openness=1.0))
        assert np.isfinite(pose.turn_deg).all()
        assert np.abs(pose.turn_deg).max() < 15
