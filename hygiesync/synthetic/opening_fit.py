"""Fitting the filter of :mod:`hygiesync.speech.lip_opening` to synthetic voices, whose lips are known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import resample_poly

from hygiesync.array_types import FloatArray
from hygiesync.speech.lip_opening import cepstra_around
from hygiesync.speech.mel import mel_spectrogram
from hygiesync.synthetic.talker import SENTENCES
from hygiesync.timing import HOP_LENGTH, SAMPLE_RATE, WIN_LENGTH, sample_time
from hygiesync.tts.espeak import synthesise
from hygiesync.tts.speech import Speech
from hygiesync.tts.visemes import mouth_curves

_GERMAN = (
    "Guten Abend, meine Damen und Herren.",
    "Meine Mutter hat am Markt einen Beutel Äpfel gekauft.",
    "Vielleicht fahren wir am Montag mit dem Bus nach Bonn.",
    "Die Polizei bittet um Hinweise aus der Bevölkerung.",
)
_FRENCH = (
    "Bonjour à tous et bienvenue dans notre ville.",
    "Ma mère a acheté beaucoup de pommes au marché.",
    "Peut-être pouvons-nous partir demain matin.",
    "Le petit garçon jouait près du pont avec son ballon.",
)
_SPANISH = (
    "Buenos días y bienvenidos a nuestra casa.",
    "Mi madre compró muchas manzanas en el mercado.",
    "Por favor, ponga la mesa para la comida.",
)

VOICES = (
    ("en+f3", 55, 150, SENTENCES[:12]),
    ("en+m1", 35, 170, SENTENCES[12:]),
    ("en-us+m3", 50, 190, SENTENCES[:12]),
    ("en+f2", 65, 160, SENTENCES[12:]),
    ("en+m7", 45, 140, SENTENCES[:12]),
    ("de", 45, 160, _GERMAN),
    ("de+f2", 60, 180, _GERMAN),
    ("fr", 50, 160, _FRENCH),
    ("fr+f4", 60, 170, _FRENCH),
    ("es+m2", 50, 170, _SPANISH),
    ("es+f1", 50, 160, _SPANISH),
)
"""Voice, pitch, words a minute, and what it says."""

NOISE_DB = (None, 40, 20)
"""Every sentence is heard clean, and with noise this far under it."""

_SILENCE_S = 0.4
_RIDGE = 0.01


def fit_weights() -> NDArray[np.float64]:
    """Ridge regression from what the filter hears to the synthetic talkers' opening.

    Returns
    -------
    ndarray, shape (n_lags, n_cepstra)

    Raises
    ------
    MissingDependencyError
        When espeakng-loader isn't installed.
    """
    generator = np.random.default_rng(0)
    heard, wanted = [], []
    for voice, pitch, words_per_minute, sentences in VOICES:
        for sentence in sentences:
            speech = synthesise(sentence, voice, words_per_minute, pitch)
            samples = _at_our_rate(speech)
            for noise_db in NOISE_DB:
                mel = mel_spectrogram(_with_noise(samples, noise_db, generator))
                middles = [float(sample_time(k * HOP_LENGTH + WIN_LENGTH // 2)) - _SILENCE_S for k in range(len(mel))]
                heard.append(cepstra_around(mel))
                wanted.append(mouth_curves(speech.phonemes, np.array(middles))[:, 0])
    outlines = np.concatenate(heard)
    flat, opening = outlines.reshape(len(outlines), -1), np.concatenate(wanted)
    scale = flat.std(0)
    normal = (flat - flat.mean(0)) / scale
    power = normal.T @ normal / len(normal) + _RIDGE * np.eye(normal.shape[1])
    weights = np.linalg.solve(power, normal.T @ (opening - opening.mean()) / len(normal)) / scale
    return weights.reshape(outlines.shape[1:])


def _at_our_rate(speech: Speech) -> NDArray[np.float64]:
    """Samples at 16 kHz with silence around them."""
    silence = np.zeros(round(_SILENCE_S * SAMPLE_RATE))
    return np.concatenate([silence, resample_poly(speech.samples, SAMPLE_RATE, speech.sample_rate), silence])


def _with_noise(samples: FloatArray, noise_db: float | None, generator: np.random.Generator) -> NDArray[np.float32]:
    """Samples with noise of some colour, `noise_db` below them."""
    if noise_db is None:
        return samples.astype(np.float32)
    noise = gaussian_filter1d(generator.standard_normal(len(samples)), generator.uniform(0.3, 2))
    level = np.sqrt((samples**2).mean()) * 10 ** (-noise_db / 20)
    return (samples + level * noise).astype(np.float32)
