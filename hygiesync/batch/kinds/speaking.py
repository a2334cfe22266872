"""An avatar says a sound file or a text, as `hygiesync render` and `say` have it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from hygiesync.avatar.manifest import FROM_PHOTO, RENDERERS
from hygiesync.avatar.provenance import Method
from hygiesync.batch.columns import Setting, one_of, whole_number, yes_or_no
from hygiesync.batch.fingerprint import Fingerprints
from hygiesync.batch.kinds.choices import AUDIO_TRACK, FACE_OF_VIDEO
from hygiesync.batch.kinds.encoding import ENCODING
from hygiesync.batch.kinds.engines import ENGINE, without_unused_engine
from hygiesync.batch.kinds.kind import Kind
from hygiesync.batch.looking import Looks, Problems
from hygiesync.batch.workshop import Workshop
from hygiesync.engine import check_expressiveness
from hygiesync.errors import HygieSyncError
from hygiesync.media.sound_survey import survey_sound
from hygiesync.pipelines.offline import RenderOptions, render
from hygiesync.pipelines.say import read_aloud
from hygiesync.portrait.speaking.idle_motion import LIVELINESS
from hygiesync.timing import parse_fps
from hygiesync.tts.voice import MAX_PITCH, MAX_WORDS_PER_MINUTE, MIN_PITCH, MIN_WORDS_PER_MINUTE, VoiceSettings
from hygiesync.tts.voices import open_voice


@dataclass(frozen=True)
class Manner:
    """How something is said. Jobs that ask for the same share one.

    Attributes
    ----------
    options : RenderOptions
    voice : VoiceSettings
        Who reads a text.
    """

    options: RenderOptions = field(default_factory=RenderOptions)
    voice: VoiceSettings = field(default_factory=VoiceSettings)


@dataclass(frozen=True, slots=True)
class Speaking:
    """A :class:`hygiesync.batch.job.Task`.

    Attributes
    ----------
    avatar : str
        Its folder or URL.
    audio, text : str, optional
        A file with sound, or words: one of the two.
    manner : Manner
    nods : bool
        Whether the head moves with the speech, as a photo's does: in a way that depends on all that was said before.
    """

    avatar: str
    audio: str | None
    text: str | None
    manner: Manner
    nods: bool = False

    proof = ""

    @property
    def kind(self) -> str:
        """``say`` for a text, ``render`` for a sound."""
        return "render" if self.text is None else "say"

    @property
    def subject(self) -> str:
        """The avatar."""
        return self.avatar

    def inputs(self, hashes: Fingerprints) -> dict[str, Any]:
        """See :meth:`Task.inputs`."""
        options, voice = without_unused_engine(asdict(self.manner.options)), asdict(self.manner.voice)
        if self.manner.options.renderer is None:  # as before one could be named
            del options["renderer"]
        if self.manner.options.template is not None:
            options["template"] = hashes.of_file(self.manner.options.template)
        if str(voice["name"]).endswith(".onnx"):
            voice["name"] = hashes.of_file(str(voice["name"]))
        return {
            "avatar": hashes.of_avatar(self.avatar),
            "audio": None if self.audio is None else hashes.of_file(self.audio),
            "text": self.text,
            "options": options,
            "voice": None if self.text is None else voice,
        }

    def options(self, workshop: Workshop, copies: ExitStack) -> RenderOptions:
        """How pictures are made; of a template at a URL there is a copy until `copies` are closed."""
        options = replace(self.manner.options, n_threads=1)  # the other cores have jobs of their own
        if options.template is None:
            return options
        return replace(options, template=copies.enter_context(workshop.local(options.template)))

    def make(self, out: Path, workshop: Workshop) -> Fraction:
        """See :meth:`Task.make`."""
        avatar = workshop.avatar(self.avatar)
        with ExitStack() as copies:
            options = self.options(workshop, copies)
            if self.text is not None:
                sound = read_aloud(self.text, workshop.voice(self.manner.voice))
                workshop.check_duration(sound.duration_s)
                render(avatar, sound, out, options, method=Method.FROM_TEXT)
                return sound.duration_s
            assert self.audio is not None
            audio = copies.enter_context(workshop.local(self.audio))
            duration_s = survey_sound(audio, options.audio_track).end_s
            workshop.check_duration(duration_s)
            render(avatar, audio, out, options, warn=workshop.warn)
            return duration_s


def _expressiveness(text: str) -> float:
    value = float(text)
    check_expressiveness(value)
    return value


def _lookahead_ms(text: str) -> float:
    value = float("inf") if text == "all" else float(text)
    if not value >= 0:
        raise ValueError
    return value


STILL_LIFE = "still"
"""The manner of life, among `LIVELINESS`, of a photo whose head stands still."""

_RENDERING: Mapping[str, Setting] = {
    "template": Setting("template", "a video", str),
    "renderer": one_of("renderer", RENDERERS),
    "still": yes_or_no("still"),
    "fps": Setting("fps", "a frame rate of 1 to 240, such as 25, 29.97 or 30000/1001", parse_fps),
    "life": one_of("life", tuple(LIVELINESS)),
    "expressiveness": Setting("expressiveness", "a number from 0 to 2", _expressiveness),
    "lookahead_ms": Setting("lookahead_ms", "milliseconds from 0 on, or all", _lookahead_ms),
    "face": FACE_OF_VIDEO,
    "audio_track": AUDIO_TRACK,
    "landmarks_only": yes_or_no("landmarks_only"),
    **ENGINE,
    **ENCODING,
}

_VOICE: Mapping[str, Setting] = {
    "language": Setting("language", "a language such as en, fr or cmn", str),
    "voice": Setting("name", "a voice such as f3, flite-slt or a Piper voice's .onnx file", str),
    "speed": whole_number("words_per_minute", MIN_WORDS_PER_MINUTE, MAX_WORDS_PER_MINUTE, "words a minute"),
    "pitch": whole_number("pitch", MIN_PITCH, MAX_PITCH),
}


def _task_of_sound(cells: Mapping[str, str], looks: Looks, problems: Problems) -> Speaking:
    manner = _manner(cells, looks, problems)
    audio = looks.file(cells["audio"], "audio", "a file with sound", problems)
    avatar, origin = looks.avatar(cells, problems)
    stands = manner is None or manner.options.still or manner.options.life == STILL_LIFE
    return Speaking(avatar, audio, None, manner, nods=origin == FROM_PHOTO and not stands)


def _task_of_text(cells: Mapping[str, str], looks: Looks, problems: Problems) -> Speaking:
    manner = _manner(cells, looks, problems)
    return Speaking(looks.avatar(cells, problems)[0], None, cells["text"], manner)


def _manner(cells: Mapping[str, str], looks: Looks, problems: Problems) -> Manner:
    """How the row is said; shared by all that ask for the same."""

    def make(values: dict[str, Any], wrong: Problems) -> Manner:
        voice = {name: values.pop(name) for name in VoiceSettings.__dataclass_fields__ if name in values}
        if "template" in values:
            values["template"] = looks.file(values["template"], "template", "a video", wrong)
        if str(voice.get("name", "")).endswith(".onnx"):
            voice["name"] = looks.place(voice["name"])
        if voice:
            _check_voice(voice, wrong)
        return Manner(RenderOptions(**values), VoiceSettings(**voice))

    manner: Manner = looks.settings(SAY.settings if "text" in cells else RENDER.settings, cells, problems, make)
    if manner is not None and manner.options.template is not None and looks.avatar(cells, {})[1] == FROM_PHOTO:
        problems.setdefault("template", "expected nothing with an avatar that was made from a photo, got a video")
    return manner


def _check_voice(voice: dict[str, Any], problems: Problems) -> None:
    try:
        open_voice(**voice)
    except HygieSyncError as error:
        problems["voice"] = str(error)


RENDER = Kind("render", "audio", "avatar", _RENDERING, _task_of_sound)
SAY = Kind("say", "text", "avatar", {**_RENDERING, **_VOICE}, _task_of_text)
