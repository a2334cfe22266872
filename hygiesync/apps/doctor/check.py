"""One thing that was looked at, and how the whole list reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hygiesync.errors import HygieSyncError
from hygiesync.plain_text import with_parameters_as

_OPTIONS = {"camera": "--camera", "has_window": "--no-window", "input_device": "--input-device"}
"""What those commands that need them call the parameters that a remedy may name."""

REINSTALL = "run `make install`, or `pip install -c constraints.txt -e .`"

_SYSTEM_LIBRARIES = {
    "libGL.so": "sudo apt-get install -y libgl1",
    "libgthread-2.0.so": "sudo apt-get install -y libglib2.0-0",
    "libglib-2.0.so": "sudo apt-get install -y libglib2.0-0",
}


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes
    ----------
    name : str
    is_ok : bool
    is_required : bool
        Whether hygiesync can't do its main work without it.
    detail : str
        What was found.
    fix : str
        What to do about it; empty when all is well.
    """

    name: str
    is_ok: bool
    is_required: bool
    detail: str
    fix: str = ""


def has_failed(checks: list[Check]) -> bool:
    """Whether something is missing that hygiesync can't do without."""
    return any(check.is_required and not check.is_ok for check in checks)


def format_checks(checks: list[Check]) -> str:
    """The checks as lines to read, each failing one followed by what to do, and a verdict at the end."""
    width = max(len(check.name) for check in checks)
    lines = []
    for check in checks:
        lines.append(f"{_verdict(check):<6} {check.name:<{width}}  {check.detail}")
        if not check.is_ok:
            lines.append(f"{'':<6} {'':<{width}}  -> {check.fix}")
    n_failed = sum(check.is_required and not check.is_ok for check in checks)
    n_odd = sum(not check.is_required and not check.is_ok for check in checks)
    if n_failed:
        lines.append(f"\n{n_failed} of {len(checks)} checks failed; hygiesync will not work until they are mended")
    elif n_odd:
        lines.append(
            f"\nhygiesync works here; {n_odd} of {len(checks)} checks found something that only parts of it need"
        )
    else:
        lines.append("\nall is well")
    return "\n".join(lines)


def tried(name: str, is_required: bool, attempt: Callable[[], Check]) -> Check:
    """The check that `attempt` makes; a failed one when it raises."""
    try:
        return attempt()
    except HygieSyncError as error:
        return refused(name, is_required, error)
    except Exception as error:  # whatever a broken library may raise is what we came to see
        reason = first_line(error)
        return Check(name, False, is_required, reason, fix_for(reason, REINSTALL))


def refused(name: str, is_required: bool, error: HygieSyncError, who_needs_it: str = "") -> Check:
    """A failed check from an error of our own: what came, and behind the last semicolon what to do."""
    reason = first_line(error)
    detail, semicolon, fix = reason.rpartition("; ")
    if not semicolon:
        detail, fix = reason, REINSTALL
    return Check(name, False, is_required, detail.removeprefix(f"{name}: "), fix_for(reason, fix) + who_needs_it)


def first_line(error: BaseException) -> str:
    """What an error says, in one line; its kind when it says nothing."""
    said = with_parameters_as(_OPTIONS, str(error))
    return (said.strip().splitlines() or [type(error).__name__])[0]


def fix_for(reason: str, otherwise: str) -> str:
    """The command that brings the system library an error speaks of."""
    for library, command in _SYSTEM_LIBRARIES.items():
        if library in reason:
            return f"run `{command}`"
    return otherwise


def _verdict(check: Check) -> str:
    if check.is_ok:
        return "ok"
    return "FAILED" if check.is_required else "note"
