"""What a browser is compared with: a test signal, and what each step makes of it here.

The signal is that of the other export (:func:`hygiesync.exporting.export.reference_signal`). A part of its numbers is
also taken for sound at the rates that browsers' microphones have, and resampled.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.avatar.bundle import Avatar
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.devices.sound.resampler import BlockResampler
from hygiesync.rendering.atlas import Atlas
from hygiesync.rendering.lips import place_shape
from hygiesync.rendering.mouth_choice import MouthChoice
from hygiesync.speech.activity import VoiceActivity
from hygiesync.speech.mel import mel_spectrogram
from hygiesync.speech_to_shape.stream import coefficients_at
from hygiesync.timing import SAMPLE_RATE, n_video_frames, sample_time, video_frame_time

REFERENCE_FPS = Fraction(25)
"""Of the coefficients and the chosen pictures."""

_N_RESAMPLED = 9600


def speech_reference(avatar: Avatar, samples: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
    """What hearing makes of samples (n,), float32, at 16 kHz, at the avatar's usual lookahead.

    Returns
    -------
    dict
        `samples`; `mel` (n_frames, n_mels) and `is_voice`, `is_familiar` (n_frames,) of each mel frame; `coefficients`
        (n_pictures, n_components) behind the gate, at times n / 25.
    """
    mel = mel_spectrogram(samples)
    is_voice, is_familiar = VoiceActivity(avatar.background).listen(mel)
    coefficients = coefficients_at(avatar.speech_stream(), samples, _times(samples))
    return {
        "samples": samples,
        "mel": mel,
        "is_voice": is_voice.astype(np.uint8),
        "is_familiar": is_familiar.astype(np.uint8),
        "coefficients": coefficients.astype(np.float32),
    }


def resampling_reference(samples: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
    """The first of some samples (n,), taken for sound at another rate and brought to 16 kHz.

    Returns
    -------
    dict
        `samples_48000`, which are also those of the other rate, and `from_48000` and `from_44100`.
    """
    first = samples[:_N_RESAMPLED]
    return {"samples_48000": first} | {
        f"from_{rate}": BlockResampler(rate, SAMPLE_RATE).push(first) for rate in (48_000, 44_100)
    }


def drawing_reference(avatar: VideoAvatar, atlas: Atlas, coefficients: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """What drawing decides for coefficients (n_pictures, n_components), on the idle loop's first frames, at any rate.

    Returns
    -------
    dict
        `targets` (n_pictures, n_lower, 2), float32, pixels, and the `chosen` pictures (n_pictures,), int32, of `atlas`
        when each is decided at once.
    """
    choice = MouthChoice(avatar.shape, atlas, avatar.appearance)
    targets: list[NDArray[Any]] = []
    chosen: list[int] = []
    for number, wanted in enumerate(coefficients):
        face = avatar.idle_places.face(number % len(avatar.idle_places.times_s))
        if face is None:
            raise ValueError("an idle loop shows the face in each of its frames")
        targets.append(place_shape(avatar.shape, wanted, face))
        chosen.extend(choice.push(wanted, face.turn)[1])
    return {"targets": np.array(targets, np.float32), "chosen": np.array(chosen, np.int32)}


def _times(samples: NDArray[np.float32]) -> list[Fraction]:
    n_pictures = n_video_frames(sample_time(len(samples)), REFERENCE_FPS)
    return [video_frame_time(number, REFERENCE_FPS) for number in range(n_pictures)]
