"""What the videos show, before anything is learnt from them: faces, their fit, the sound's offset, advice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from hygiesync.building.av_offset import Offset, fix_offsets, measure_offsets
from hygiesync.building.dead_sound import deaf_spans
from hygiesync.building.face_fitting import FittedFace, Recording, background_loudness, fit_face
from hygiesync.building.job import Job
from hygiesync.building.sound_level import SoundLevel
from hygiesync.building.video_quality import Advice, advise
from hygiesync.errors import InputError
from hygiesync.face.track import FaceTrack
from hygiesync.face.tracking import watch
from hygiesync.learning.dataset import LabelledClip, align
from hygiesync.media.audio import read_audio
from hygiesync.media.sound_survey import survey_sound
from hygiesync.media.video import VideoInfo
from hygiesync.media.video_survey import survey_video
from hygiesync.progress import Progress
from hygiesync.speech.mel import mel_spectrogram

MIN_FACE_SHARE = 0.5
"""Share of a training video's frames that must show the face."""


@dataclass(frozen=True)
class Observation:
    """All videos of a job, watched and heard.

    Attributes
    ----------
    recordings : list of Recording
        In the videos' order, each with its sound's offset, where that is certain, so that all is learnt in time.
    face : FittedFace
    background : float
        Loudness of the pauses.
    offsets : list of Offset
        One for each recording, as measured.
    advice : tuple of Advice
    sound_late_s : float
        How late the sound is that renderings keep; 0 where the job asks to correct it.
    """

    recordings: list[Recording]
    face: FittedFace
    background: float
    offsets: list[Offset]
    advice: tuple[Advice, ...]
    sound_late_s: float

    @property
    def videos(self) -> list[VideoInfo]:
        """What is known of each video."""
        return [recording.video for recording in self.recordings]

    def clips(self, lookahead: int) -> list[LabelledClip]:
        """Mel frames beside the coefficients of the moments `lookahead` mel frames before, one clip a recording."""
        return [
            align(r.mel, f.targets, r.heard_times_s, f.shots, f.is_usable, lookahead)
            for r, f in zip(self.recordings, self.face.frames, strict=True)
        ]


def observe(
    infos: list[VideoInfo], job: Job, workshop: Path, report: Progress, warn: Callable[[str], None]
) -> Observation:
    """Watch and hear all videos, and say what is odd about them."""
    recordings = [
        _record(info, job, workshop / f"track-{number}.safetensors", report, warn) for number, info in enumerate(infos)
    ]
    face = fit_face(recordings)
    background = background_loudness(recordings)
    offsets = measure_offsets(recordings, face)
    in_time = fix_offsets(recordings, offsets, warn if job.fix_offset else None)
    advice = advise(in_time if job.fix_offset else recordings, face, offsets)
    for one in advice:
        warn(f"{one.problem}; {one.what_to_do}")
    late_s = 0.0 if job.fix_offset else float(np.median([recording.sound_late_s for recording in in_time]))
    return Observation(in_time, face, background, offsets, advice, late_s)


def _record(info: VideoInfo, job: Job, cache: Path, report: Progress, warn: Callable[[str], None]) -> Recording:
    """Watch and hear one video; the track comes from `cache` when an interrupted run left it whole."""
    survey = survey_sound(info.path, job.audio_track)
    for note in (*survey_video(info.path).notes(), *survey.notes(), *survey.lengths(info.duration_s)):
        warn(f"{info.path}: {note}")
    samples = read_audio(info.path, track=job.audio_track)
    sound = SoundLevel.from_samples(samples)
    mel = mel_spectrogram(samples * np.float32(survey.gain))
    if cache.exists():
        try:
            return _heard(Recording(info, FaceTrack(**load_file(cache)), mel, sound), warn)
        except (SafetensorError, TypeError) as error:
            raise InputError(f"{cache}: is damaged ({error}); train again without resume") from error
    track = watch(
        info,
        MIN_FACE_SHARE,
        lambda done: report("watching", done, info.n_frames, ""),
        warn,
        face=job.face,
        audio_track=job.audio_track,
    )
    partial = cache.with_suffix(".partial")
    save_file(track.arrays(), partial)
    partial.replace(cache)
    return _heard(Recording(info, track, mel, sound), warn)


def _heard(recording: Recording, warn: Callable[[str], None]) -> Recording:
    """A recording that knows where its microphone was dead."""
    spans = deaf_spans(recording.mel, recording.track)
    for start_s, end_s in spans:
        warn(
            f"{recording.video.path}: the mouth speaks and nothing is heard from {start_s:.1f} s to {end_s:.1f} s;"
            " that is left out: was the microphone off?"
        )
    return replace(recording, deaf_spans=spans)
