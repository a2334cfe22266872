"""The steps of a long rendering that several workers share: hear it, draw its parts, join them.

No row asks for one of these; :mod:`hygiesync.batch.splitting` makes them out of a row's.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from hygiesync.batch.fingerprint import Fingerprints
from hygiesync.batch.kinds.speaking import Speaking
from hygiesync.batch.workshop import Workshop
from hygiesync.media.sound_survey import survey_sound
from hygiesync.pipelines.heard_part import PLACES, STARTS, HeardPart, heard_name, read_places, read_starts
from hygiesync.pipelines.parts import hear_parts, is_dubbed, join_parts, render_part


@dataclass(frozen=True)
class _Step:
    """What the steps share; each is a :class:`hygiesync.batch.job.Task`.

    Attributes
    ----------
    speaking : Speaking
        What the row asks for; a sound, and not a text.
    folder : str
        Where the steps leave what they made, among the outputs.
    """

    speaking: Speaking
    folder: str

    proof = ""

    @property
    def kind(self) -> str:
        """As the row's."""
        return self.speaking.kind

    @property
    def subject(self) -> str:
        """As the row's."""
        return self.speaking.subject

    def inputs(self, hashes: Fingerprints) -> dict[str, Any]:
        """As the row's: all steps together make what it would."""
        return self.speaking.inputs(hashes)

    def _heard(self, workshop: Workshop, name: str) -> AbstractContextManager[Path]:
        """A file of what was heard."""
        return workshop.outputs.fetched(f"{heard_folder(self.folder)}/{name}")

    @property
    def _audio(self) -> str:
        assert self.speaking.audio is not None
        return self.speaking.audio


@dataclass(frozen=True)
class Hearing(_Step):
    """Hear the whole sound; the output is a folder with a file for each part."""

    n_parts: int = 1

    proof = STARTS

    def make(self, out: Path, workshop: Workshop) -> Fraction:
        """See :meth:`Task.make`."""
        avatar = workshop.avatar(self.speaking.avatar)
        with ExitStack() as copies:
            audio = copies.enter_context(workshop.local(self._audio))
            workshop.check_duration(survey_sound(audio, self.speaking.manner.options.audio_track).end_s)
            out.mkdir()
            return hear_parts(avatar, audio, out, self.n_parts, self.speaking.options(workshop, copies), workshop.warn)


@dataclass(frozen=True)
class Part(_Step):
    """Draw one part; the output is a video without sound."""

    number: int = 0

    def make(self, out: Path, workshop: Workshop) -> Fraction:
        """See :meth:`Task.make`."""
        avatar = workshop.avatar(self.speaking.avatar)
        with ExitStack() as copies:
            options = self.speaking.options(workshop, copies)
            part = HeardPart.read(copies.enter_context(self._heard(workshop, heard_name(self.number))))
            places = read_places(copies.enter_context(self._heard(workshop, PLACES))) if is_dubbed(options) else None
            render_part(avatar, part, out, options, places)
        return Fraction(0)


@dataclass(frozen=True)
class Joining(_Step):
    """Join the parts; the output is the row's."""

    n_parts: int = 1

    def make(self, out: Path, workshop: Workshop) -> Fraction:
        """See :meth:`Task.make`."""
        avatar = workshop.avatar(self.speaking.avatar)
        with ExitStack() as copies:
            audio = copies.enter_context(workshop.local(self._audio))
            starts_s = read_starts(copies.enter_context(self._heard(workshop, STARTS)))
            places = [part_place(self.folder, number) for number in range(self.n_parts)]
            parts = [copies.enter_context(workshop.outputs.fetched(place)) for place in places]
            join_parts(avatar, parts, starts_s, audio, out, self.speaking.manner.options)
            return survey_sound(audio, self.speaking.manner.options.audio_track).end_s


def heard_folder(folder: str) -> str:
    """Where what was heard lies, among the outputs."""
    return f"{folder}/heard"


def part_place(folder: str, number: int) -> str:
    """Where the video of a part lies."""
    return f"{folder}/{number:04}.mp4"
