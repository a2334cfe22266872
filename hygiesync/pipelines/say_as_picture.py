"""A text said by a picture: an avatar says it, and its face leads the picture's."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from hygiesync.avatar.bundle import Avatar
from hygiesync.media.container import PathLike
from hygiesync.pipelines.animate import AnimateOptions, animate
from hygiesync.pipelines.offline import RenderOptions
from hygiesync.pipelines.say import say
from hygiesync.progress import Progress
from hygiesync.tts.voice import Voice


def say_as_picture(
    avatar: Avatar,
    image: PathLike,
    text: str,
    out: PathLike,
    options: RenderOptions | None = None,
    animation: AnimateOptions | None = None,
    *,
    voice: Voice | None = None,
    has_consent: bool = False,
    progress: Progress | None = None,
    warn: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Write an mp4 in which the face of a picture says a text.

    Parameters
    ----------
    avatar : Avatar
        Says it first, in a video that is not kept, and so leads the picture.
    image : path
        A photograph, a painting, a statue.
    text : str
    out : path
    options : RenderOptions, optional
        How the avatar speaks.
    animation : AnimateOptions, optional
        How the picture moves; measured from the avatar's frame most like it when left out.
    voice : Voice, optional
        As :func:`hygiesync.pipelines.say.say`.
    has_consent : bool
        Whether the person that the picture shows agreed; recorded in the file.
    progress, warn : callable, optional

    Returns
    -------
    dict
        As :func:`hygiesync.pipelines.animate.animate`.

    Raises
    ------
    InputError, UsageError
        As :func:`hygiesync.pipelines.say.say` and :func:`hygiesync.pipelines.animate.animate` have them.
    """
    animation = animation or AnimateOptions(uses_best_frame=True)
    with tempfile.TemporaryDirectory(prefix="hygiesync-say-") as folder:
        said = Path(folder, "said.mp4")
        say(avatar, text, said, options, voice=voice, progress=progress)
        return animate(
            image, said, out, replace(animation, says_text=True), has_consent=has_consent, progress=progress, warn=warn
        )
