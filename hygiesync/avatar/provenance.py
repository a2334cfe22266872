"""What a file that was made says of how it was made."""

from __future__ import annotations

from hygiesync.avatar.bundle import Avatar
from hygiesync.avatar.manifest import CONSENT_STATED


def provenance(avatar: Avatar) -> dict[str, str]:
    """Tags that say what the file is: synthetic media, of whom, and whether that person is known to agree."""
    consent = "stated" if avatar.manifest.consent == CONSENT_STATED else "not stated"
    return {
        "title": f"{avatar.manifest.name} (synthetic media)",
        "comment": f"{avatar.manifest.synthetic_media_note} Consent of the person shown: {consent}.",
    }
