"""What a file is, what would be taken from it, and what would go wrong: the answers that training and rendering go by.

Nothing is judged here: who is followed, which sound is heard, when time begins and what colours become is asked where
it is decided, so that what is told beforehand is what happens.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hygiesync.errors import HygieSyncError, InputError, MissingDependencyError
from hygiesync.face.target import FaceChoice, find_target, parse_face
from hygiesync.media.container import open_input
from hygiesync.media.images import read_still
from hygiesync.media.sound_survey import SoundSurvey, survey_sound
from hygiesync.media.streams import (
    find_audio_stream,
    find_video_stream,
)
from hygiesync.media.video import VideoInfo, probe
from hygiesync.media.video_survey import VideoSurvey, survey_video
from hygiesync.portrait.face_selection import chosen_face

_PICTURES = frozenset(
    {".png", ".apng", ".jpg", ".jpeg", ".jpe", ".heic", ".heif", ".avif", ".webp", ".gif", ".bmp", ".tif", ".tiff"}
)
"""Endings of files that are read as pictures, unless they move."""


@dataclass(frozen=True)
class Finding:
    """Something to know about a file.

    Attributes
    ----------
    text : str
        One line.
    repair : str
        A command that makes a file without it; empty where nothing needs repair.
    """

    text: str
    repair: str = ""


@dataclass
class FileCheck:
    """What is known of one file.

    Attributes
    ----------
    path : str
    kind : {"video", "sound", "picture", "unusable"}
    facts : dict of str to str
        What it is, and what would be taken from it.
    findings : list of Finding
        What would be done to it, or go wrong.
    error : HygieSyncError or None
        Why it can't be used.
    """

    path: str
    kind: str = "unusable"
    facts: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    error: HygieSyncError | None = None

    def to_dict(self) -> dict[str, Any]:
        """For programs."""
        return {**asdict(self), "error": None if self.error is None else str(self.error)}


def check_file(path: str | os.PathLike[str], *, face: FaceChoice = None, audio_track: int | None = None) -> FileCheck:
    """Look a file over, all of it.

    Parameters
    ----------
    path : path
        A video, a sound or a picture.
    face, audio_track : optional
        As of `train` and `render`.

    Returns
    -------
    FileCheck
        With `error` where the file can't be used; nothing is raised for that.

    Raises
    ------
    UsageError
        When `face` is no choice.
    """
    parse_face(face)
    check = FileCheck(os.fspath(path))
    try:
        if _is_still(Path(path)):
            _check_picture(check, face)
        else:
            _check_media(check, face, audio_track)
    except HygieSyncError as error:
        check.error = error
    return check


def _is_still(path: Path) -> bool:
    if path.suffix.lower() not in _PICTURES or not path.is_file():
        return False
    try:
        return survey_video(path).n_frames <= 1
    except InputError:
        return True


def _check_picture(check: FileCheck, face: FaceChoice) -> None:
    notes: list[str] = []
    picture = read_still(check.path, warn=notes.append)
    check.kind = "picture"
    check.facts["picture"] = f"{picture.shape[1]}x{picture.shape[0]}, as it is used"
    check.findings += [Finding(note.removeprefix(f"{check.path}: ")) for note in notes]
    try:
        chosen_face(picture, check.path, face)
    except MissingDependencyError as error:
        check.facts["face"] = f"not looked for: {error}"
    else:
        check.facts["face"] = "found, and can be moved"


def _check_media(check: FileCheck, face: FaceChoice, audio_track: int | None) -> None:
    with open_input(check.path) as container:
        has_video, has_sound = find_video_stream(container) is not None, find_audio_stream(container) is not None
    sound = survey_sound(check.path, audio_track) if has_sound or not has_video else None
    if has_video:
        check.kind = "video"
        info, pictures = probe(check.path), survey_video(check.path, is_whole=True)
        _tell_pictures(check, info, pictures)
        _tell_face(check, info, face, audio_track)
    else:
        check.kind = "sound"
    if sound is None:
        check.facts["sound"] = "none: pictures can be dubbed, but nothing can be learnt from them"
        return
    check.facts["sound"] = (
        f"track {sound.track} of {sound.n_tracks}, {sound.sample_rate} Hz, {sound.n_channels} channels,"
        f" {float(sound.end_s):.1f} s, speech at {sound.speech_db:.0f} dB"
    )
    check.findings += _of_sound(check.path, sound, has_video=has_video)
    if has_video:
        check.findings += [Finding(text) for text in sound.lengths(pictures.end_s)]


def _tell_pictures(check: FileCheck, info: VideoInfo, pictures: VideoSurvey) -> None:
    pace = "unevenly, " if pictures.is_irregular else ""
    check.facts["pictures"] = (
        f"{info.width}x{info.height}, {pace}{float(info.fps):.5g} a second, {pictures.n_frames} in"
        f" {float(pictures.end_s):.1f} s, {pictures.codec} in {pictures.container.split(',')[0]}"
    )
    repairs = {
        "its clock": _ffmpeg(check.path, "-c copy -output_ts_offset", f"{-float(pictures.origin_s):.3f}"),
        "its colours": _ffmpeg(
            check.path,
            "-vf zscale=t=linear:npl=203,tonemap=mobius,zscale=p=bt709:t=bt709:m=bt709:r=tv,format=yuv420p -c:a copy",
        ),
        "it is interlaced": _ffmpeg(check.path, "-vf bwdif=deint=interlaced -c:a copy"),
    }
    for note in pictures.notes():
        repair = next((command for start, command in repairs.items() if note.startswith(start)), "")
        check.findings.append(Finding(note, repair))


def _tell_face(check: FileCheck, info: VideoInfo, face: FaceChoice, audio_track: int | None) -> None:
    try:
        target = find_target(info, face, track=audio_track)
    except MissingDependencyError as error:
        check.facts["face"] = f"not looked for: {error}"
        return
    if target.person is None:
        raise InputError(f"{check.path}: no face was found; film one person's face, frontal and well lit")
    check.facts["face"] = target.note.removeprefix(f"{check.path}: ") or "one person"


def _of_sound(path: str, sound: SoundSurvey, *, has_video: bool) -> Iterator[Finding]:
    keep = "-c:v copy " if has_video else ""
    repairs = {
        "has ": _ffmpeg(path, f"{'-map 0:v ' if has_video else ''}-map 0:a:{sound.track - 1} -c copy"),
        "channel ": _ffmpeg(path, f"{keep}-af pan=mono|c0={_as_pan(sound)}"),
        "of its ": _ffmpeg(path, f"{keep}-af pan=mono|c0={_as_pan(sound)}"),
        "its sound is quiet": _ffmpeg(path, f"{keep}-af volume={sound.gain_db:.0f}dB"),
    }
    for note in sound.notes():
        repair = next((command for start, command in repairs.items() if note.startswith(start)), "")
        yield Finding(note, repair)


def _as_pan(sound: SoundSurvey) -> str:
    """The mix that is heard, in the words of FFmpeg's filter `pan`."""
    weights = next(iter(sound.mixes.values())).to_mono if sound.mixes else ()
    terms = [f"{weight:+.3f}*c{number}" for number, weight in enumerate(weights) if weight]
    return "".join(terms).removeprefix("+")


def _ffmpeg(path: str, options: str, *more: str) -> str:
    """An ffmpeg command that writes a repaired file beside the old one."""
    source = Path(path)
    mended = source.with_name(f"{source.stem}.mended{source.suffix}")
    # "file:" keeps a name that begins with a dash, or has a colon, from being taken for something else
    return shlex.join(["ffmpeg", "-i", f"file:{source}", *options.split(), *more, f"file:{mended}"])
