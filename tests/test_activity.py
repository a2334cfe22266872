"""Voice and silence, told apart as the sound comes."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, resample_poly, sosfilt
from scipy.special import polygamma

from hygiesync.speech.activity import HOLD, VoiceActivity, likelihood_ratio
from hygiesync.speech.bands import N_BANDS, band_levels, loudness, ripple
from hygiesync.speech.mel import mel_spectrogram
from hygiesync.speech_to_shape.gate import CLOSING_FRAMES, OPENING_FRAMES
from hygiesync.timing import SAMPLE_RATE, n_mel_frames

ROOM = 3e-4
"""Amplitude of a quiet room's noise."""

SPEECH = 0.08
"""Root mean square of speech."""

BACKGROUND = -6.3
"""Loudness of that room."""

PAUSES_S = (1.5, 0.4, 0.9, 2.0)
SENTENCES = (("Bob put the big map on the table.", "en"), ("Un petit bateau.", "fr+f2"), ("Nine moons.", "en-us+m3"))

LOOKAHEAD = 8


def noise(duration_s: float, amplitude: float, seed: int = 0, slope: float = 0.0) -> np.ndarray:
    """Noise whose spectrum falls with the frequency to the power `slope`."""
    n = round(duration_s * SAMPLE_RATE)
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(0, 1, n))
    samples = np.fft.irfft(spectrum * np.maximum(np.fft.rfftfreq(n, 1 / SAMPLE_RATE), 30) ** slope, n)
    return (amplitude * samples / samples.std()).astype(np.float32)


def fan(duration_s: float, amplitude: float) -> np.ndarray:
    """Hum of a motor, and brown noise."""
    seconds = np.arange(round(duration_s * SAMPLE_RATE)) / SAMPLE_RATE
    hum = sum(np.sin(2 * np.pi * 50 * k * seconds + k * k) / k for k in (1, 2, 3, 4, 6, 8))
    samples = noise(duration_s, 1, 3, -1.0) + noise(duration_s, 0.1, 4) + 0.6 * hum
    return (amplitude * samples / samples.std()).astype(np.float32)


def vowel(duration_s: float, pitch_hz: float = 120.0) -> np.ndarray:
    """A sung vowel: harmonics under formants, with vibrato."""
    seconds = np.arange(round(duration_s * SAMPLE_RATE)) / SAMPLE_RATE
    phase = 2 * np.pi * np.cumsum(pitch_hz * (1 + 0.02 * np.sin(2 * np.pi * 5.5 * seconds))) / SAMPLE_RATE
    samples = np.zeros(len(seconds))
    for k in range(1, int(7000 / pitch_hz)):
        formants = ((700, 80, 1.0), (1200, 100, 0.5), (2600, 150, 0.15))
        amplitude = sum(gain / (1 + ((k * pitch_hz - centre) / width) ** 2) for centre, width, gain in formants)
        samples += amplitude * np.sin(k * phase + k * k)
    return (SPEECH * samples / samples.std()).astype(np.float32)


class Talk:
    """Sentences with pauses between, and where they are."""

    def __init__(self) -> None:
        pytest.importorskip("espeakng_loader")
        from hygiesync.tts.espeak import synthesise

        parts, self.spans_s, n = [], [], 0
        for pause_s, sentence in zip(PAUSES_S, (*SENTENCES, None), strict=True):
            parts.append(np.zeros(round(pause_s * SAMPLE_RATE)))
            n += len(parts[-1])
            if sentence is None:
                break
            spoken = resample_poly(synthesise(*sentence).samples, 320, 441)
            heard = np.flatnonzero(np.abs(spoken) > 0.003 * np.abs(spoken).max())
            spoken = spoken[heard[0] : heard[-1] + 1]
            parts.append(spoken * SPEECH / spoken.std())
            self.spans_s.append((n / SAMPLE_RATE, (n + len(spoken)) / SAMPLE_RATE))
            n += len(spoken)
        self.samples = np.concatenate(parts).astype(np.float32)
        self.duration_s = n / SAMPLE_RATE


@pytest.fixture(scope="module")
def talk() -> Talk:
    return Talk()


def detect(*parts: np.ndarray, background: float = BACKGROUND) -> np.ndarray:
    return VoiceActivity(background).push(mel_spectrogram(np.concatenate(parts)))


def gate_of(voice: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Times (n,), seconds, and the mouth's gate (n,), as the listener makes it."""
    gate, since, gates = 0.0, LOOKAHEAD + 1, []
    for is_voice in voice:
        since = 0 if is_voice else since + 1
        gate = min(1.0, gate + 1 / OPENING_FRAMES) if since <= LOOKAHEAD else max(0.0, gate - 1 / CLOSING_FRAMES)
        gates.append(gate)
    return (10 * np.arange(len(voice)) + 25 - 10 * LOOKAHEAD) / 1000, np.array(gates)


def judge(talk: Talk, samples: np.ndarray) -> tuple[float, float]:
    """Share of speech with the gate less than half open, and of pauses with it not shut."""
    times, gate = gate_of(detect(samples.astype(np.float32)))
    is_speech, is_near = np.zeros(len(times), bool), times < 0
    for begin, end in talk.spans_s:
        is_speech |= (times >= begin) & (times < end)
        is_near |= (times >= begin - 0.1) & (times < end + 0.12)
    return float((gate[is_speech] < 0.5).mean()), float((gate[~is_near] > 1e-9).mean())


def over(talk: Talk, snr_db: float, kind: str) -> np.ndarray:
    amplitude = SPEECH * 10 ** (-snr_db / 20)
    if kind == "fan":
        return talk.samples + fan(talk.duration_s, amplitude)[: len(talk.samples)]
    return talk.samples + noise(talk.duration_s, amplitude, 7, dict(white=0.0, pink=-0.5)[kind])[: len(talk.samples)]


# --- silence and noise


@pytest.mark.parametrize("amplitude", [0.0, 1e-6, ROOM, 0.003, 0.03, 0.3])
@pytest.mark.parametrize("slope", [0.0, -0.5, -1.0])
def test_a_file_of_noise_holds_no_voice(amplitude: float, slope: float) -> None:
    assert not detect(noise(5, amplitude, slope=slope)).any()


def test_a_fan_is_no_voice() -> None:
    assert not detect(fan(5, 0.03)).any()


@pytest.mark.parametrize("slope", [0.0, -0.5])
def test_a_noise_that_starts_is_background_within_half_a_second(slope: float) -> None:
    voice = detect(noise(2, ROOM), noise(5, 0.03, slope=slope))
    assert not voice[: n_mel_frames(2 * SAMPLE_RATE) - 1].any()
    assert not voice[n_mel_frames(round(2.5 * SAMPLE_RATE)) :].any()


def test_digital_silence_does_not_pull_the_background_down() -> None:
    assert not detect(noise(2, ROOM), noise(3, 0.0), noise(2, ROOM)).any()


def test_windows_half_in_digital_silence_do_not_pull_it_down_either() -> None:
    levels = [-5.0] * 20 + ([-6.9, -6.9] + [-8.0] * 5 + [-6.9, -6.9] + [-5.0] * 3) * 5
    assert not VoiceActivity(-5.0).push(np.repeat(np.array(levels, np.float32)[:, None], 80, axis=1)).any()


# --- speech


@pytest.mark.parametrize("gain_db", [-30, -15, 0, 20])
def test_loud_and_soft_recordings_are_heard_alike(talk: Talk, gain_db: int) -> None:
    samples = (talk.samples + noise(talk.duration_s, ROOM)[: len(talk.samples)]) * 10 ** (gain_db / 20)
    missed, still_open = judge(talk, np.clip(samples, -1, 1))
    assert missed < 0.03
    assert still_open == 0


def test_speech_out_of_digital_silence_is_heard(talk: Talk) -> None:
    for gain in (1.0, 0.03):
        missed, still_open = judge(talk, gain * talk.samples)
        assert missed < 0.04
        assert still_open == 0


@pytest.mark.parametrize(("snr_db", "most_missed"), [(30, 0.03), (20, 0.06), (10, 0.12)])
@pytest.mark.parametrize("kind", ["white", "pink", "fan"])
def test_speech_in_noise_is_heard_and_the_noise_is_not(talk: Talk, kind: str, snr_db: int, most_missed: float) -> None:
    missed, still_open = judge(talk, over(talk, snr_db, kind))
    assert missed < most_missed
    assert still_open < 0.01


def test_telephones_are_heard(talk: Talk) -> None:
    band = butter(4, [300, 3400], "bandpass", fs=SAMPLE_RATE, output="sos")
    missed, still_open = judge(talk, sosfilt(band, over(talk, 30, "white")))
    assert missed < 0.05
    assert still_open == 0


def test_narrow_recordings_are_heard(talk: Talk) -> None:
    missed, still_open = judge(talk, resample_poly(resample_poly(over(talk, 30, "pink"), 1, 2), 2, 1))
    assert missed < 0.05
    assert still_open == 0


@pytest.mark.parametrize("background", [-7.5, -5.0, -3.5])
def test_the_training_videos_room_matters_little(talk: Talk, background: float) -> None:
    samples = talk.samples + noise(talk.duration_s, ROOM)[: len(talk.samples)]
    np.testing.assert_array_equal(detect(samples, background=background), detect(samples))


@pytest.mark.parametrize("snr_db", [np.inf, 30, 20, 10])
def test_the_mouth_shuts_within_120_ms_of_an_abrupt_end(snr_db: float) -> None:
    hiss = noise(4, SPEECH * 10 ** (-snr_db / 20), 9)
    samples = np.concatenate([np.zeros(SAMPLE_RATE, np.float32), vowel(0.8), np.zeros(SAMPLE_RATE, np.float32)])
    times, gate = gate_of(detect(samples + hiss[: len(samples)]))
    assert (gate[(times > 1.0) & (times < 1.8)] == 1).mean() > 0.97
    assert gate[times >= 1.92].max() < 1e-9


def test_the_mouth_is_open_when_speech_begins(talk: Talk) -> None:
    times, gate = gate_of(detect(talk.samples + noise(talk.duration_s, ROOM)[: len(talk.samples)]))
    for begin, end in talk.spans_s:
        assert gate[(times >= begin + 0.03) & (times < end)].min() == 1
        assert gate[(times > begin - 0.3) & (times < begin - 0.08)].max() < 1e-9


def test_a_file_may_begin_within_a_word(talk: Talk) -> None:
    begin, end = talk.spans_s[0]
    cut = round((begin + 0.5) * SAMPLE_RATE)
    voice = detect((talk.samples + noise(talk.duration_s, ROOM)[: len(talk.samples)])[cut:])
    assert voice[25 : n_mel_frames(round((end - begin - 0.5) * SAMPLE_RATE))].all()
    assert not voice[n_mel_frames(round((end - begin - 0.35) * SAMPLE_RATE)) :][:20].any()


# --- what stands out and is no speech, and the other way round


def test_breath_opens_nothing(talk: Talk) -> None:
    samples = talk.samples + noise(talk.duration_s, ROOM)[: len(talk.samples)]
    breath = sosfilt(butter(2, [400, 4500], "bandpass", fs=SAMPLE_RATE, output="sos"), noise(0.4, 1.0, 11))
    breath *= SPEECH * 10 ** (-25 / 20) / breath.std() * np.sin(np.pi * np.arange(len(breath)) / len(breath))
    at = round((talk.spans_s[-1][1] + 0.5) * SAMPLE_RATE)
    samples[at : at + len(breath)] += breath
    assert judge(talk, samples)[1] == 0


def test_clicks_open_nothing(talk: Talk) -> None:
    samples = talk.samples + noise(talk.duration_s, ROOM)[: len(talk.samples)]
    decay = np.exp(-np.arange(480) / (0.005 * SAMPLE_RATE))
    for number, time_s in enumerate((0.3, 0.6, 0.65, 1.0, talk.spans_s[-1][1] + 0.5, talk.spans_s[-1][1] + 0.9)):
        at = round(time_s * SAMPLE_RATE)
        samples[at : at + 480] += 0.05 * decay * noise(0.03, 1.0, number)
    assert judge(talk, samples)[1] == 0


@pytest.mark.parametrize("pitch_hz", [90, 150, 300])
@pytest.mark.parametrize("amplitude", [ROOM, SPEECH / 10])
def test_a_vowel_sung_for_five_seconds_is_voice_to_its_end(pitch_hz: int, amplitude: float) -> None:
    sung = np.concatenate([np.zeros(SAMPLE_RATE, np.float32), vowel(5, pitch_hz), np.zeros(SAMPLE_RATE, np.float32)])
    voice = detect(sung + noise(7, amplitude, slope=-0.5))
    begin, end = n_mel_frames(SAMPLE_RATE), n_mel_frames(6 * SAMPLE_RATE)
    assert voice[begin + 4 : end].all()
    assert not voice[end + HOLD + 6 :].any()


def test_a_file_may_begin_with_a_long_vowel() -> None:
    voice = detect(vowel(3, 200) + noise(3, ROOM), noise(1, ROOM))
    assert voice[25 : n_mel_frames(3 * SAMPLE_RATE)].all()


def test_harmonics_ripple_and_noise_does_not() -> None:
    sung, hiss = (mel_spectrogram(samples)[:40].mean(axis=0) for samples in (vowel(1), noise(1, 0.1)))
    assert ripple(sung) > 3 * ripple(hiss)


# --- pauses as the training video has them


def familiar(*parts: np.ndarray, background: float = BACKGROUND) -> np.ndarray:
    return VoiceActivity(background).listen(mel_spectrogram(np.concatenate(parts)))[1]


def test_the_training_videos_own_room_is_familiar() -> None:
    assert familiar(noise(4, ROOM)).all()
    assert familiar(noise(4, ROOM), background=BACKGROUND - 0.5).all()


def test_pauses_between_sentences_are_familiar(talk: Talk) -> None:
    samples = talk.samples + noise(talk.duration_s, ROOM)[: len(talk.samples)]
    voice, is_familiar = VoiceActivity(BACKGROUND).listen(mel_spectrogram(samples))
    assert voice.any()
    assert is_familiar[~voice].mean() > 0.97


@pytest.mark.parametrize("background", [BACKGROUND, -7.9])
def test_digital_silence_is_not_familiar(background: float) -> None:
    assert not familiar(np.zeros(2 * SAMPLE_RATE, np.float32), background=background).any()
    is_familiar = familiar(noise(1, ROOM), np.zeros(SAMPLE_RATE, np.float32), noise(1, ROOM))
    begin, end = n_mel_frames(SAMPLE_RATE), n_mel_frames(2 * SAMPLE_RATE)
    assert not is_familiar[begin + 3 : end - 3].any()
    assert is_familiar[:begin].all()
    assert is_familiar[end + 3 :].mean() > 0.9


@pytest.mark.parametrize("slope", [0.0, -0.5])
def test_a_room_20_db_louder_is_not_familiar(slope: float) -> None:
    assert not familiar(noise(2, 10 * ROOM, slope=slope)).any()
    is_familiar = familiar(noise(2, ROOM), noise(2, 10 * ROOM, slope=slope))
    assert is_familiar[: n_mel_frames(2 * SAMPLE_RATE)].all()
    assert not is_familiar[n_mel_frames(round(2.5 * SAMPLE_RATE)) :].any()


def test_nor_is_a_room_20_db_quieter() -> None:
    assert not familiar(noise(2, ROOM / 10), background=BACKGROUND).any()
    assert not familiar(noise(2, ROOM), background=BACKGROUND + 2).any()


def test_the_room_is_familiar_again_when_a_noise_ends() -> None:
    is_familiar = familiar(noise(2, ROOM), noise(2, 10 * ROOM), noise(2, ROOM))
    assert is_familiar[n_mel_frames(round(4.5 * SAMPLE_RATE)) :].all()


def test_a_hiss_that_is_no_voice_makes_a_pause_strange_until_it_ends() -> None:
    """Soft and short, as a breath: never background, never voice, and still nothing that the training video had."""
    breath = sosfilt(butter(2, [400, 4500], "bandpass", fs=SAMPLE_RATE, output="sos"), noise(0.3, 1.0, 11))
    samples = noise(4, ROOM)
    samples[32000 : 32000 + len(breath)] += (12 * ROOM * breath / breath.std()).astype(np.float32)
    voice, is_familiar = VoiceActivity(BACKGROUND).listen(mel_spectrogram(samples))
    assert not voice.any()
    begin, end = n_mel_frames(32000), n_mel_frames(32000 + len(breath))
    assert is_familiar[: begin + 1].all()
    assert not is_familiar[begin + 10 : end - 2].any()
    assert is_familiar[end + 3 :].all()


# --- as a streaming part


def test_voice_is_held_for_its_hold_and_no_longer() -> None:
    """Three frames share evidence: two quiet ones may still stand out by the last loud one."""
    levels = np.full((240, 80), -5.0, np.float32)
    levels[200:210] = -1.5
    found = np.flatnonzero(VoiceActivity(-5.0).push(levels))
    assert 201 <= found[0] <= 203
    assert 209 + HOLD <= found[-1] <= 211 + HOLD
    assert len(found) == found[-1] - found[0] + 1


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 300), max_size=10), st.integers(0, 1000))
def test_any_blocks_give_the_same_answer(cuts: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    mel = (np.repeat(rng.uniform(-8, -1, 30), 10)[:, None] + rng.normal(0, 0.5, (300, 80))).astype(np.float32)
    detector = VoiceActivity(-5.0)
    pieces = [detector.listen(block) for block in np.split(mel, sorted(cuts))]
    whole = VoiceActivity(-5.0)
    np.testing.assert_array_equal(np.concatenate(pieces, axis=1), whole.listen(mel))
    whole.reset()
    np.testing.assert_array_equal(np.concatenate(pieces, axis=1)[0], whole.push(mel))


def test_speech_in_any_blocks_gives_the_same_answer(talk: Talk) -> None:
    mel = mel_spectrogram(over(talk, 15, "pink"))
    whole = VoiceActivity(BACKGROUND).push(mel)
    assert whole.any()
    for length in (1, 7, 100):
        detector = VoiceActivity(BACKGROUND)
        pieces = [detector.push(mel[begin : begin + length]) for begin in range(0, len(mel), length)]
        np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_later_sound_changes_nothing_before_it(talk: Talk) -> None:
    mel = mel_spectrogram(over(talk, 15, "pink"))
    np.testing.assert_array_equal(
        VoiceActivity(BACKGROUND).push(mel)[:300], VoiceActivity(BACKGROUND).push(mel[:300]), strict=True
    )


def test_reset_forgets_what_was_heard(talk: Talk) -> None:
    mel = mel_spectrogram(over(talk, 20, "white"))
    detector = VoiceActivity(BACKGROUND)
    first = detector.listen(mel)
    detector.reset()
    np.testing.assert_array_equal(detector.listen(mel), first)


def test_the_likelihood_ratio_is_sohns() -> None:
    """Against the two Gaussian densities themselves: a band of power `g` in noise of power 1, the voice's estimated."""
    g = np.linspace(1, 8, N_BANDS)
    weights = np.array([0.3] + [1.0] * (N_BANDS - 1)) / N_BANDS
    log_of_noise, log_of_both = -g - np.log(np.pi), -g / g - np.log(np.pi * g)
    assert likelihood_ratio(np.log10(g)) == pytest.approx(float((log_of_both - log_of_noise) @ weights))
    assert likelihood_ratio(np.full(N_BANDS, -2.0)) == 0


@pytest.mark.parametrize("slope", [0.0, -0.5])
def test_noise_fluctuates_as_four_or_five_independent_values_do(slope: float) -> None:
    std = band_levels(mel_spectrogram(noise(30, 0.1, slope=slope)))[:, 1:].std(axis=0)
    most, least = (np.sqrt(polygamma(1, n)) / np.log(10) for n in (4, 5))
    assert 0.97 * least < std.mean() < 1.03 * most


def test_loudness_is_the_mean_of_the_bands() -> None:
    np.testing.assert_allclose(loudness(np.array([[-1.0, -3.0], [0.0, 0.0]])), [-2, 0])


@pytest.mark.data
@pytest.mark.skipif(not os.environ.get("HYGIESYNC_DATA"), reason="HYGIESYNC_DATA is not set")
def test_a_recorded_speaker_rests_in_pauses(data: Path) -> None:
    import csv

    from hygiesync.media.audio import read_audio

    times, gate = gate_of(detect(read_audio(data / "grid" / "dev.mp4")))
    is_speech, is_near = np.zeros(len(times), bool), times < 0
    for row in csv.DictReader((data / "grid" / "dev.words.csv").open()):
        if row["word"] != "sil":
            is_speech |= (times >= float(row["start_s"])) & (times < float(row["end_s"]))
            is_near |= (times >= float(row["start_s"]) - 0.1) & (times < float(row["end_s"]) + 0.12)
    assert (gate[is_speech] < 0.5).mean() < 0.05
    assert (gate[~is_near] > 1e-9).mean() < 0.15
