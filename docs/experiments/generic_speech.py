"""What does the generic speech model say of voices it never heard? Makes the figures of the model card again.

  python docs/experiments/generic_speech.py VIDEO.mp4 --words WORDS.csv --speech A.wav B.wav

VIDEO is a speaker whose real lips are seen; nothing is trained on it. The sound goes through the streaming step and the
voice gate, as it does for a photo, and the answer is compared with the landmarks that are detected in the video, not
smoothed: the correlation of opening and width, the opening's lag, the closures of b, p and m that are reached (with
--words: start_s,end_s,word), and how open the mouth is in silence; then the same for the early answers, and for the
same sound 10 dB quieter, by telephone, with noise 15 dB beneath, and at other sample rates. Of the --speech files only
the sound is known: how open the mouth is in pauses, and how the opening follows the voice's envelope.
"""

from __future__ import annotations

import argparse
from fractions import Fraction
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import resample_poly
from speech_to_shape import _is_silent, _other_sounds, _recording, _words

from hygiesync.face.comparison import correlation, lag_s
from hygiesync.face.pose import PoseModel, apply_similarity
from hygiesync.face.shape import mouth_opening, mouth_width
from hygiesync.media.audio import read_audio
from hygiesync.speech_to_shape.generic import GenericSpeech
from hygiesync.speech_to_shape.onnx_step import OnnxStep
from hygiesync.speech_to_shape.stream import SpeechToShapeStream, coefficients_at
from hygiesync.timing import SAMPLE_RATE
from hygiesync.tts.visemes import CURVES
from hygiesync.weights import GENERIC_SPEECH

REALLY_CLOSED = 0.01
"""Openings of real lips that meet, in eye distances."""

CLOSED, OPEN = 0.03, 0.15
"""Openings (the curve, 0 to 1) of a mouth that looks closed, and of one that does not."""


def listener_of(speech: GenericSpeech, early: int | None = None) -> SpeechToShapeStream:
    """As a photo listens: from rest, in a room that nothing is known of."""
    lookahead = speech.lookahead if early is None else speech.early_lookaheads[early]
    return SpeechToShapeStream(OnnxStep(speech.step, early), np.zeros(len(CURVES)), None, lookahead)


def curves_at(listener: SpeechToShapeStream, samples: np.ndarray, times_s: np.ndarray) -> np.ndarray:
    """Mouth curves (n_times, 3) of a whole signal."""
    return coefficients_at(listener, samples, [Fraction(t).limit_denominator(90_000) for t in times_s])


def resampled(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """The sound as it comes back from a recording at another rate."""
    there = resample_poly(samples, sample_rate, SAMPLE_RATE)
    return resample_poly(there, SAMPLE_RATE, sample_rate)[: len(samples)].astype(np.float32)


def seen(video: Path, words: Path | None, cache: Path, speech: GenericSpeech) -> None:
    """Measure against real lips."""
    recording, samples = _recording(video, cache)
    track = recording.track
    has_face, times_s = track.has_face, track.times_s
    pose = PoseModel.fit(track.smoothed().rigid[has_face].astype(np.float64))
    shapes = apply_similarity(pose.to_canonical(track.rigid.astype(np.float64)), track.lower)
    opening, width = mouth_opening(shapes), mouth_width(shapes)
    silent = _is_silent(samples, times_s) & has_face
    frame_s = float(np.median(np.diff(times_s)))

    def tell(name: str, curves: np.ndarray) -> None:
        figures = {
            "opening": correlation(opening[has_face], curves[has_face, 0]),
            "width": correlation(width[has_face], curves[has_face, 1]),
            "lag_ms": 1000 * lag_s(opening[has_face], curves[has_face, 0], frame_s),
            "silent, open": float((curves[silent, 0] > CLOSED).mean()),
        }
        if words:
            figures |= closures(_words(words), times_s, opening, curves[:, 0])
        print(f"{name:24}" + "  ".join(f"{key} {value:.3f}" for key, value in figures.items()), flush=True)

    tell("default", curves_at(listener_of(speech), samples, times_s))
    for number, lookahead in enumerate(speech.early_lookaheads):
        tell(f"lookahead {10 * lookahead} ms", curves_at(listener_of(speech, number), samples, times_s))
    for name, other in _other_sounds(samples):
        tell(name, curves_at(listener_of(speech), other, times_s))
    for rate in (8_000, 11_025, 22_050, 44_100, 48_000, 96_000):
        tell(f"{rate} Hz", curves_at(listener_of(speech), resampled(samples, rate), times_s))


def closures(
    words: list[tuple[float, float, str]], times_s: np.ndarray, real: np.ndarray, said: np.ndarray
) -> dict[str, float]:
    """Share of words beginning with b, p, m in which real lips meet whose lips look closed; and of open real lips."""
    reached = []
    for start_s, end_s, word in words:
        inside = (times_s >= start_s) & (times_s <= end_s)
        if word[0] in "bpm" and inside.any() and real[inside].min() < REALLY_CLOSED:
            reached.append(said[inside].min() < CLOSED)
    is_open = real > np.quantile(real, 0.75)
    return {"closures": float(np.mean(reached)), "closed in vain": float((said[is_open] < CLOSED).mean())}


def heard(path: Path, speech: GenericSpeech) -> None:
    """Measure against the sound alone."""
    samples = read_audio(path)
    times_s = np.arange(0, len(samples) / SAMPLE_RATE, 0.01)[:-1]
    opening = curves_at(listener_of(speech), samples, times_s)[:, 0]
    power = gaussian_filter1d(samples.astype(np.float64) ** 2, 0.02 * SAMPLE_RATE)
    envelope = np.sqrt(power)[np.round(times_s * SAMPLE_RATE).astype(int)]
    silent = _is_silent(samples, times_s)
    voiced = envelope > 0.2 * np.quantile(envelope, 0.95)
    is_open_there = float((opening[silent] > CLOSED).mean()) if silent.any() else 0.0
    follows, late_ms = correlation(envelope, opening), 1000 * lag_s(envelope, opening, 0.01)
    print(
        f"{path.name:24}envelope {follows:.3f}  lag_ms {late_ms:.0f}"
        f"  silent {silent.mean():.3f}, open there {is_open_there:.3f}"
        f"  median of voiced {np.median(opening[voiced]):.2f}, 95 % {np.quantile(opening[voiced], 0.95):.2f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path, metavar="VIDEO.mp4")
    parser.add_argument("--words", type=Path, metavar="CSV", help="words of VIDEO, for the closures")
    parser.add_argument("--speech", type=Path, nargs="*", default=[], metavar="WAV", help="other voices")
    parser.add_argument("--model", type=Path, default=GENERIC_SPEECH, metavar="ONNX", help="(%(default)s)")
    parser.add_argument("--cache", type=Path, default=Path("recordings/.tracks"), help="tracked faces (%(default)s)")
    arguments = parser.parse_args()
    speech = GenericSpeech.load(arguments.model)
    seen(arguments.video, arguments.words, arguments.cache, speech)
    for path in arguments.speech:
        heard(path, speech)


if __name__ == "__main__":
    main()
