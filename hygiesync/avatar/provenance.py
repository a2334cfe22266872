"""What a file that was made says of how it was made: truly, by method, of whom, and whether that person agreed.

It lies in the file's own tags: `title` and `comment` for people, `description` for programs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from hygiesync.avatar.manifest import FROM_PHOTO, consent_text
from hygiesync.version import __version__

if TYPE_CHECKING:
    from hygiesync.avatar.bundle import Avatar


class Method(str, Enum):
    """How a file's pictures came about."""

    FROM_SOUND = "speech-driven from sound"
    FROM_TEXT = "speech-driven from text"
    LIVE = "speech-driven live"
    VIDEO_DRIVEN = "video-driven"
    FACE_SWAPPED = "face swapped"
    OWN_LIPS = "driven by the video's own lips"
    HELD_STILL = "held still"


_SENTENCES = {
    Method.FROM_SOUND: "the {part} was made by hygiesync to fit a recorded sound; the person shown may never have"
    " spoken these words",
    Method.FROM_TEXT: "a synthetic voice reads a text, and the {part} was made by hygiesync to fit it; the person shown"
    " may never have spoken these words",
    Method.LIVE: "the {part} was made by hygiesync to fit what was heard as it was spoken; the person shown may not be"
    " who speaks",
    Method.VIDEO_DRIVEN: "a picture's {part} was moved by hygiesync as the face in a video moves; the person shown may"
    " never have done so",
    Method.FACE_SWAPPED: "a picture's {part} was put by hygiesync onto the person in a video; the person whose face is"
    " shown may never have been there",
    Method.OWN_LIPS: "the {part} was made anew by hygiesync to fit the real one, to measure how well it is drawn",
    Method.HELD_STILL: "the {part} was made anew by hygiesync and doesn't move, as what others are measured against",
}


@dataclass(frozen=True)
class Provenance:
    """How one file was made.

    Attributes
    ----------
    method : Method
    face : str
        Whose face is shown: the avatar's name, or the picture's.
    has_consent : bool
        Whether somebody said that the person shown agrees.
    part : {"mouth", "face"}
        What of the pictures was made.
    engine : str, optional
        Whose program made it, where it was not hygiesync's own.
    """

    method: Method
    face: str
    has_consent: bool
    part: str = "face"
    engine: str | None = None

    @classmethod
    def from_avatar(cls, avatar: Avatar, method: Method, engine: str | None = None) -> Provenance:
        """Of what an avatar was made to say."""
        manifest = avatar.manifest
        part = "face" if manifest.origin == FROM_PHOTO else "mouth"
        return cls(method, manifest.name, manifest.has_consent, part, engine)

    def tags(self) -> dict[str, str]:
        """Tags of a media file."""
        sentence, consent = _SENTENCES[self.method].format(part=self.part), consent_text(self.has_consent)
        if self.engine is not None:
            sentence = sentence.replace("by hygiesync", f"by {self.engine} with hygiesync", 1)
        record = {
            "synthetic": self.part, "method": self.method.value, "face": self.face, "consent": consent,
            "software": f"hygiesync {__version__}",
        }  # fmt: skip
        if self.engine is not None:
            record["engine"] = self.engine
        return {
            "title": f"{self.face} (synthetic media)",
            "comment": f"Synthetic media ({self.method.value}): {sentence}. Consent of the person shown: {consent}.",
            "description": json.dumps(record, ensure_ascii=False),
        }
