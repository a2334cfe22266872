"""``hygiesync say``: a text becomes speech, and the speech a video."""

from __future__ import annotations

import numpy as np

from hygiesync.avatar.bundle import Avatar
from hygiesync.avatar.provenance import Method
from hygiesync.media.container import PathLike
from hygiesync.media.sound import Sound
from hygiesync.pipelines.offline import RenderOptions, render
from hygiesync.progress import Progress
from hygiesync.tts.voice import Voice
from hygiesync.tts.voices import open_voice


def say(
    avatar: Avatar,
    text: str,
    out: PathLike,
    options: RenderOptions | None = None,
    *,
    voice: Voice | None = None,
    progress: Progress | None = None,
) -> None:
    """Write an mp4 in which `avatar` says `text`.

    Parameters
    ----------
    avatar : Avatar
    text : str
    out : path
    options : RenderOptions, optional
    voice : Voice, optional
        As from :func:`hygiesync.tts.voices.open_voice`; espeak's English one when left out.
    progress : callable, optional

    Raises
    ------
    InputError
        When nothing of the text can be spoken, or `out` can't be written.
    UsageError
        When an option or the voice's language is unknown.
    """
    spoken = read_aloud(text, voice or open_voice())
    render(avatar, spoken, out, options, progress=progress, method=Method.FROM_TEXT)


def read_aloud(text: str, voice: Voice) -> Sound:
    """The whole of a text as one sound.

    Raises
    ------
    InputError, UsageError
        As :func:`say` has them.
    """
    chunks = list(voice.speak(text))
    return Sound(np.concatenate([chunk.samples for chunk in chunks]), chunks[0].sample_rate)
