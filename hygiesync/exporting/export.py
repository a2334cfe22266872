"""What another runtime needs to turn sound into this person's lips, and to check that it does.

A folder of ordinary files::

    README.md                    how to use the others, with a program that checks itself
    metadata.json                everything that has to be known beside them (see export_metadata.py)
    speech_to_shape.onnx         one streaming step of the network, as it lies in the avatar
    mel_filterbank.safetensors   the mel filters, so that no library has to agree on them
    shape.safetensors            from coefficients to landmarks, and the points that place them in a picture
    reference.safetensors        a test signal, and what each step makes of it

The network's sizes are read off the step itself. Pictures are left out: what is exported tells how a person's lips
move, not what they look like.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from hygiesync.avatar.manifest import sha256_of
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.exporting.destination import checked_destination
from hygiesync.exporting.metadata import (
    FILTERBANK,
    FORMAT,
    METADATA,
    README,
    REFERENCE,
    SHAPE,
    STEP,
    Metadata,
    describe_export,
)
from hygiesync.exporting.readme import readme
from hygiesync.face.topology import LOWER_FACE, RIGID
from hygiesync.media.atomic_folder import atomic_folder
from hygiesync.speech.mel import mel_filterbank, mel_spectrogram
from hygiesync.speech_to_shape.onnx_step import OnnxStep
from hygiesync.timing import sample_time, time_to_samples

DATA_FILES = (STEP, FILTERBANK, SHAPE, REFERENCE)
FILES = (*DATA_FILES, METADATA, README)

REFERENCE_S = 2
"""Length of the test signal, seconds."""


@dataclass(frozen=True)
class Reference:
    """A test signal, and what it becomes.

    Attributes
    ----------
    samples : ndarray, shape (n_samples,), float32, at 16 kHz
    mel : ndarray, shape (n_frames, n_mels), float32, log10 of power
    coefficients : ndarray, shape (n_frames, n_components), float32, standard deviations
        The step's output at each mel frame.
    landmarks : ndarray, shape (n_frames, n_points, 2), float32, canonical units
        Frontal, straight from the coefficients.
    """

    samples: NDArray[np.float32]
    mel: NDArray[np.float32]
    coefficients: NDArray[np.float32]
    landmarks: NDArray[np.float32]


def export(avatar: VideoAvatar, out: str | os.PathLike[str]) -> Metadata:
    """Write what another runtime needs, whole or not at all.

    Parameters
    ----------
    avatar : VideoAvatar
    out : str or os.PathLike
        Folder to make; an earlier export there is replaced at the very end.

    Returns
    -------
    dict
        The content of `metadata.json`.

    Raises
    ------
    UsageError
        When `out` holds something else, or lies within the avatar.
    InputError
        When `out` can't be written.
    """
    directory = checked_destination(
        avatar.directory, Path(out), _is_export, "export of hygiesync's alone", "exported/me"
    )
    reference = make_reference(avatar)
    with atomic_folder(directory) as partial:
        (partial / STEP).write_bytes(avatar.step)
        (partial / FILTERBANK).write_bytes(save({"filterbank": mel_filterbank()}))
        (partial / SHAPE).write_bytes(save(_shape_tensors(avatar)))
        (partial / REFERENCE).write_bytes(save(vars(reference)))
        files = {name: sha256_of(partial / name) for name in DATA_FILES}
        metadata = describe_export(avatar, len(reference.samples), len(reference.mel), files)
        (partial / METADATA).write_text(json.dumps(metadata, indent=1) + "\n", encoding="utf-8")
        (partial / README).write_text(readme(metadata), encoding="utf-8")
    return metadata


def make_reference(avatar: VideoAvatar) -> Reference:
    """The test signal and what an avatar makes of it, step by step from nothing heard."""
    samples = reference_signal()
    mel = mel_spectrogram(samples)
    coefficients = OnnxStep(avatar.step).push(mel)
    return Reference(samples, mel, coefficients, avatar.shape.inverse_transform(coefficients).astype(np.float32))


def reference_signal() -> NDArray[np.float32]:
    """Two seconds that rise, hiss, hush and speak vowels of a kind: all that a listener has to get right.

    Returns
    -------
    ndarray, shape (n_samples,), float32, at 16 kHz
        Harmonics of a gliding voice under two moving resonances, opened and closed four times a second, over noise at
        -50 dB; 0.2 s of digital silence in the middle, where the mel's floor is.
    """
    t = np.array([float(sample_time(index)) for index in range(time_to_samples(REFERENCE_S))])
    cycles = 110 * t + 10 * t**2
    pitch_hz = 110 + 20 * t
    resonances_hz = (500 + 250 * np.sin(2 * np.pi * 1.5 * t), 1500 + 700 * np.sin(2 * np.pi * 1.1 * t + 1))
    voice = np.zeros_like(t)
    for harmonic in range(1, 30):
        loudness = sum(np.exp(-(((harmonic * pitch_hz - centre_hz) / 200) ** 2)) for centre_hz in resonances_hz)
        voice += (loudness + 0.02) * np.sin(2 * np.pi * harmonic * cycles)
    samples = 0.15 * voice * np.sin(2 * np.pi * 2 * t) ** 2 + 0.003 * _noise(len(t))
    samples[(t >= 0.9) & (t < 1.1)] = 0
    return samples.astype(np.float32)


def _noise(n_samples: int) -> NDArray[np.float64]:
    """Uniform noise (n_samples,), -1 to 1, of a linear congruential generator: the same on every machine."""
    state, values = 1, np.empty(n_samples)
    for index in range(n_samples):
        state = (1664525 * state + 1013904223) % 2**32
        values[index] = state
    return values / 2**31 - 1


def _shape_tensors(avatar: VideoAvatar) -> dict[str, NDArray[np.float32]]:
    tensors = {
        "mean": avatar.shape.mean.astype(np.float32),
        "components": avatar.shape.components.astype(np.float32),
        "landmark_indices": np.array(LOWER_FACE, np.int32),
        "rigid_mean": avatar.pose.reference.astype(np.float32),
        "rigid_indices": np.array(RIGID, np.int32),
    }
    return {name: np.ascontiguousarray(array) for name, array in tensors.items()}


def _is_export(directory: Path) -> bool:
    """Whether a folder was written by :func:`export`, and nothing was added to it since."""
    try:
        if {path.name for path in directory.iterdir()} != set(FILES):
            return False
        return bool(json.loads((directory / METADATA).read_text(encoding="utf-8"))["format"] == FORMAT)
    except (OSError, ValueError, KeyError, TypeError):
        return False
