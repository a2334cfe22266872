r"""Which voice detector lets a mouth open and shut in time? Makes the table of docs/speech_to_shape.md.

  pip install webrtcvad-wheels && pip download --no-deps silero-vad && unzip silero_vad-*.whl -d silero
  python docs/experiments/voice_activity.py --silero silero/silero_vad/data/silero_vad_16k_op15.onnx \
      --video GRID.mp4 --words WORDS.csv --speech A.wav B.wav

Every detector is heard through its own windows, and asked at each mel frame for what it knows by then. The sounds are
those of tests/test_activity.py, a recorded speaker with known words, and recordings with noise added, whose speech and
pauses are told by their loudness before that. Silero VAD's package asks for torch, so only its weights are used.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import webrtcvad
from scipy.ndimage import uniform_filter1d

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
import test_activity as sounds

from hygiesync.media.audio import read_audio
from hygiesync.speech.activity import VoiceActivity
from hygiesync.speech.mel import mel_spectrogram
from hygiesync.speech_to_shape.stream import CLOSING_FRAMES, OPENING_FRAMES
from hygiesync.timing import HOP_LENGTH, SAMPLE_RATE, WIN_LENGTH, n_mel_frames

Detector = Callable[[np.ndarray], np.ndarray]
"""From samples (n,) to whether each mel frame holds voice, as far as is known when its last sample is in."""

SILERO_WINDOW, SILERO_CONTEXT = 512, 64
SILERO_HYSTERESIS = 0.15
"""By how much the probability must fall below the threshold before voice ends, as in Silero's own examples."""

SPEECH_DB, PAUSE_DB, BESIDE_FRAMES = -20, -45, 15
"""Loudness of clean recordings, beside their loudest twentieth, that is surely speech; and that is a pause, when
nothing so near to it is louder."""


def ours(samples: np.ndarray) -> np.ndarray:
    return VoiceActivity(sounds.BACKGROUND).push(mel_spectrogram(samples))


def silero(weights: Path, threshold: float) -> Detector:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])

    def detect(samples: np.ndarray) -> np.ndarray:
        state, context = np.zeros((2, 1, 128), np.float32), np.zeros(SILERO_CONTEXT, np.float32)
        is_voice, answers = False, [False]
        for begin in range(0, len(samples) - SILERO_WINDOW + 1, SILERO_WINDOW):
            heard = np.concatenate([context, samples[begin : begin + SILERO_WINDOW]]).astype(np.float32)
            rate = np.array(SAMPLE_RATE, np.int64)
            probability, state = session.run(None, {"input": heard[None], "state": state, "sr": rate})
            is_voice = bool(probability[0, 0] > threshold - SILERO_HYSTERESIS * is_voice)
            answers.append(is_voice)
            context = heard[-SILERO_CONTEXT:]
        return np.array(answers)[_known_samples(samples) // SILERO_WINDOW]

    return detect


def webrtc(mode: int) -> Detector:
    def detect(samples: np.ndarray) -> np.ndarray:
        detector = webrtcvad.Vad(mode)
        whole = (np.clip(samples, -1, 1) * 32767).astype(np.int16)
        begins = range(0, len(whole) - HOP_LENGTH + 1, HOP_LENGTH)
        answers = [detector.is_speech(whole[begin : begin + HOP_LENGTH].tobytes(), SAMPLE_RATE) for begin in begins]
        return np.array([False, *answers])[_known_samples(samples) // HOP_LENGTH]

    return detect


def _known_samples(samples: np.ndarray) -> np.ndarray:
    return HOP_LENGTH * np.arange(n_mel_frames(len(samples))) + WIN_LENGTH


def gate_of(voice: np.ndarray, lookahead: int) -> tuple[np.ndarray, np.ndarray]:
    """Times (n,), seconds, and the mouth's gate (n,), as `SpeechToShapeStream` makes it."""
    gate, since, gates = 0.0, lookahead + 1, []
    for is_voice in voice:
        since = 0 if is_voice else since + 1
        gate = min(1.0, gate + 1 / OPENING_FRAMES) if since <= lookahead else max(0.0, gate - 1 / CLOSING_FRAMES)
        gates.append(gate)
    return (10 * np.arange(len(voice)) + 25 - 10 * lookahead) / 1000, np.array(gates)


def judge(detect: Detector, samples: np.ndarray, spans_s: list[tuple[float, float]], lookahead: int) -> str:
    """Per cent of speech with the gate less than half open / of pauses with it not shut."""
    times, gate = gate_of(detect(samples.astype(np.float32)), lookahead)
    is_speech, is_near = np.zeros(len(times), bool), times < 0
    for begin, end in spans_s:
        is_speech |= (times >= begin) & (times < end)
        is_near |= (times >= begin - 0.1) & (times < end + 0.12)
    return f"{100 * (gate[is_speech] < 0.5).mean():.1f} / {100 * (gate[~is_near] > 1e-9).mean():.1f}"


def made_sounds(detect: Detector, lookahead: int) -> Iterator[tuple[str, str]]:
    talk = sounds.Talk()
    room = talk.samples + sounds.noise(talk.duration_s, sounds.ROOM)[: len(talk.samples)]
    for gain_db in (-30, 0, 20):
        louder = np.clip(room * 10 ** (gain_db / 20), -1, 1)
        yield f"sentences in a quiet room, {gain_db:+d} dB", judge(detect, louder, talk.spans_s, lookahead)
    yield "sentences out of digital silence", judge(detect, talk.samples, talk.spans_s, lookahead)
    for kind in ("white", "pink", "fan"):
        for snr_db in (20, 10):
            found = judge(detect, sounds.over(talk, snr_db, kind), talk.spans_s, lookahead)
            yield f"sentences, {kind} noise {snr_db} dB beneath", found
    voice = detect(room)
    known_s = _known_samples(room) / SAMPLE_RATE
    onsets = [1000 * (known_s[voice & (known_s > begin - 0.05)][0] - begin) for begin, _ in talk.spans_s]
    ends = [1000 * (known_s[voice & (known_s < end + 0.4)][-1] - end) for _, end in talk.spans_s]
    yield "onset known after, ms (sentences)", " ".join(f"{onset:.0f}" for onset in onsets)
    yield "last voice after the end, ms (sentences)", " ".join(f"{end:.0f}" for end in ends)
    samples = np.concatenate([np.zeros(SAMPLE_RATE), sounds.vowel(0.8), np.zeros(SAMPLE_RATE)])
    times, gate = gate_of(
        detect((samples + sounds.noise(4, sounds.ROOM, 9)[: len(samples)]).astype(np.float32)), lookahead
    )
    still = times[(gate > 1e-9) & (times > 1.0)]
    yield (
        "mouth at rest after an abrupt end, ms",
        f"{1000 * (still[-1] - 1.8) + 10:.0f}" if len(still) else "never open",
    )
    for pitch_hz in (90, 150, 300):
        sung = np.concatenate([np.zeros(SAMPLE_RATE), sounds.vowel(5, pitch_hz), np.zeros(SAMPLE_RATE)])
        found = judge(detect, sung + sounds.noise(7, sounds.ROOM, slope=-0.5), [(1.0, 6.0)], lookahead)
        yield f"a vowel of 5 s at {pitch_hz} Hz", found


def false_alarms(detect: Detector) -> Iterator[tuple[str, str]]:
    for slope, name in ((0.0, "white"), (-0.5, "pink"), (-1.0, "brown")):
        shares = [
            detect(sounds.noise(5, amplitude, slope=slope)).mean() for amplitude in (sounds.ROOM, 0.003, 0.03, 0.3)
        ]
        yield f"{name} noise, -70, -50, -30, -10 dBFS: voice, %", " ".join(f"{100 * share:.0f}" for share in shares)
    yield "a fan: voice, %", f"{100 * detect(sounds.fan(5, 0.03)).mean():.0f}"
    started = detect(np.concatenate([sounds.noise(2, sounds.ROOM), sounds.noise(5, 0.03)]))
    yield (
        "a noise that starts: voice after 0.5 s, %",
        f"{100 * started[n_mel_frames(round(2.5 * SAMPLE_RATE)) :].mean():.0f}",
    )
    samples = sounds.noise(6, sounds.ROOM)
    decay = np.exp(-np.arange(480) / (0.005 * SAMPLE_RATE))
    for number in range(20):
        samples[(number + 1) * 4000 : (number + 1) * 4000 + 480] += 0.05 * decay * sounds.noise(0.03, 1.0, number)
    yield "20 clicks: voice, %", f"{100 * detect(samples).mean():.0f}"


def recorded_words(detect: Detector, video: Path, words: Path, lookahead: int) -> str:
    spans = [
        (float(row["start_s"]), float(row["end_s"])) for row in csv.DictReader(words.open()) if row["word"] != "sil"
    ]
    return judge(detect, read_audio(video), spans, lookahead)


def recorded_speech(detect: Detector, path: Path, snr_db: float) -> str:
    """Per cent of loud frames not found / of quiet ones taken for voice."""
    samples = read_audio(path)[: 60 * SAMPLE_RATE]
    level_db = 10 * uniform_filter1d(mel_spectrogram(samples).mean(axis=1), 3)
    level_db = level_db - np.quantile(level_db, 0.95)
    is_loud = level_db > SPEECH_DB
    is_quiet = uniform_filter1d((level_db > PAUSE_DB + 15).astype(float), 2 * BESIDE_FRAMES + 1) == 0
    amplitude = samples.std() * 10 ** (-snr_db / 20)
    voice = detect((samples + sounds.noise(61, amplitude, 7, -0.5)[: len(samples)]).astype(np.float32))
    missed, taken = 100 * (1 - voice[is_loud].mean()), 100 * voice[is_quiet].mean() if is_quiet.any() else np.nan
    return f"{missed:.1f} / {taken:.1f}"


def cost_us(detect: Detector) -> str:
    samples = sounds.noise(10, 0.01)
    times_s = []
    for _ in range(5):
        begun_s = time.process_time()
        detect(samples)
        times_s.append(time.process_time() - begun_s)
    return f"{1e6 * min(times_s) / n_mel_frames(len(samples)):.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--silero", type=Path, required=True, metavar="ONNX")
    parser.add_argument("--video", type=Path, metavar="MP4")
    parser.add_argument("--words", type=Path, metavar="CSV", help="words of the video: start_s,end_s,word")
    parser.add_argument("--speech", type=Path, nargs="*", default=[], metavar="FILE", help="recordings of speech")
    arguments = parser.parse_args()
    detectors = {"ours": ours}
    detectors |= {f"silero {threshold}": silero(arguments.silero, threshold) for threshold in (0.5, 0.2)}
    detectors |= {f"webrtc {mode}": webrtc(mode) for mode in (1, 3)}
    rows: dict[str, list[str]] = {}

    def add(name: str, value: str) -> None:
        rows.setdefault(name, []).append(value)

    for detect in detectors.values():
        for lookahead in (8, 0):
            for name, value in made_sounds(detect, lookahead):
                add(f"{name}; lookahead {10 * lookahead} ms", value)
            if arguments.video and arguments.words:
                found = recorded_words(detect, arguments.video, arguments.words, lookahead)
                add(f"a recorded speaker's words; lookahead {10 * lookahead} ms", found)
        for name, value in false_alarms(detect):
            add(name, value)
        for path in arguments.speech:
            for snr_db in (60, 20, 10):
                add(f"{path.parent.name}/{path.stem}, noise {snr_db} dB beneath", recorded_speech(detect, path, snr_db))
        add("cost, microseconds of one core in 10 ms of sound", cost_us(detect))
    print("| |", " | ".join(detectors), "|")
    print("|---" * (len(detectors) + 1) + "|")
    for name, values in rows.items():
        print("|", name, "|", " | ".join(values), "|")


if __name__ == "__main__":
    main()
