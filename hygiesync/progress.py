"""How work says how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int, str], None]
"""Told of work: (stage, done, in all, note)."""

Tell = Callable[[str], None]
"""Told of what a user should know, a line at a time."""
