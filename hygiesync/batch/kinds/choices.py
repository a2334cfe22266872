"""Columns on what is meant in a file with several faces or sound tracks, which kinds of jobs share."""

from __future__ import annotations

from hygiesync.batch.columns import Setting, whole_number
from hygiesync.face.target import RULES, parse_face

_MAX_TRACK = 10_000
"""More sound tracks than any file has."""

FACE_OF_VIDEO = Setting("face", f"a number from 1 on, or one of {', '.join(RULES)}", parse_face)
AUDIO_TRACK = whole_number("audio_track", 1, _MAX_TRACK)
