"""The work of a batch: one job after another, with what they share loaded once."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from hygiesync.avatar.bundle import Avatar
from hygiesync.avatar.loading import load_avatar
from hygiesync.avatar.manifest import sha256_of
from hygiesync.avatar.provenance import Method
from hygiesync.batch.fingerprint import Fingerprints
from hygiesync.batch.job import Job, Made
from hygiesync.batch.outputs import finished_output
from hygiesync.errors import InputError
from hygiesync.media.sound import Sound
from hygiesync.media.sound_survey import survey_sound
from hygiesync.pipelines.offline import render
from hygiesync.pipelines.say import read_aloud
from hygiesync.tts.voice import Voice, VoiceSettings
from hygiesync.tts.voices import open_voice

_MAX_AVATARS = 2
"""Avatars that are kept loaded: jobs come avatar by avatar, so an older one is seldom asked for again."""


class JobRenderer:
    """Makes the outputs of jobs.

    Parameters
    ----------
    folder : Path
        Of outputs.
    max_duration_s : float, optional
        Sounds that are longer are refused.
    """

    def __init__(self, folder: Path, max_duration_s: float | None = None) -> None:
        self._folder, self._max_duration_s = folder, max_duration_s
        self._avatars: dict[tuple[str, str], Avatar] = {}
        self._voice: tuple[VoiceSettings, Voice] | None = None
        self._fingerprints = Fingerprints()

    def __call__(self, job: Job) -> Made:
        """Do a job.

        Raises
        ------
        HygieSyncError
            When it can't be done; then there is no output of it, or still the former one.
        """
        inputs = self._fingerprints.of(job)
        avatar = self._avatar(job.avatar)
        sound: Sound | str
        if job.text is not None:
            sound, method = read_aloud(job.text, self._voice_of(job.settings.voice)), Method.FROM_TEXT
            duration_s = sound.duration_s
        else:
            assert job.audio is not None
            sound, method = job.audio, Method.FROM_SOUND
            duration_s = survey_sound(sound, job.settings.options.audio_track).end_s
        self._check_duration(duration_s)
        options = replace(job.settings.options, n_threads=1)  # the other cores have jobs of their own
        with finished_output(self._folder, job.out) as unfinished:
            render(avatar, sound, unfinished, options, method=method)
            n_bytes, sha256 = unfinished.stat().st_size, sha256_of(unfinished)
        return Made(float(duration_s), n_bytes, sha256, inputs)

    def _avatar(self, folder: str) -> Avatar:
        # by content too: it may have been trained anew since
        key = folder, self._fingerprints.of_avatar(folder)
        avatar = self._avatars.pop(key, None)
        if avatar is None:
            while len(self._avatars) >= _MAX_AVATARS:
                del self._avatars[next(iter(self._avatars))]
            avatar = load_avatar(folder)
        self._avatars[key] = avatar
        return avatar

    def _voice_of(self, settings: VoiceSettings) -> Voice:
        if self._voice is None or self._voice[0] != settings:
            voice = open_voice(settings.name, settings.language, settings.words_per_minute, settings.pitch)
            self._voice = settings, voice
        return self._voice[1]

    def _check_duration(self, duration_s: Fraction) -> None:
        if self._max_duration_s is not None and duration_s > self._max_duration_s:
            raise InputError(
                f"sound: expected at most {self._max_duration_s:g} s, as `max_duration_s` says, got"
                f" {float(duration_s):.1f} s; cut it, or allow more"
            )
