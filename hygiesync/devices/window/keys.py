"""Which key does what: the program's keys beside the window's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

FULL_SCREEN, MIRROR, HELP = "full screen", "mirror", "help"
"""Actions that the window does by itself."""

QUIT = "quit"
"""The action that closing the window means."""


@dataclass(frozen=True)
class Key:
    """A key and what it means.

    Attributes
    ----------
    key : str
        As SDL names it: "m", "space", "escape", "f11", "return", "left".
    action : str
        What `Window.poll` gives when it is pressed. Several keys may have the same action.
    help : str
        What it does, in a few words, for the list of keys.
    """

    key: str
    action: str
    help: str


OWN_KEYS = (
    Key("f", FULL_SCREEN, "full screen"),
    Key("f11", FULL_SCREEN, "full screen"),
    Key("x", MIRROR, "mirror the picture"),
    Key("h", HELP, "show or hide these keys"),
)
"""What the window binds where the program binds nothing else to these actions."""


def with_own_keys(keys: Sequence[Key]) -> tuple[Key, ...]:
    """The program's keys, and the window's own for those of its actions that the program gives no key.

    Raises
    ------
    ValueError
        When a key has two actions.
    """
    taken = {key.action for key in keys}
    every = (*keys, *(key for key in OWN_KEYS if key.action not in taken))
    names = [key.key for key in every]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"expected one action a key; these have several: {', '.join(twice)}")
    return every


def help_lines(keys: Sequence[Key]) -> tuple[str, ...]:
    """A line an action, in the order in which the actions first appear: its keys, a tab, and what it does."""
    names: dict[str, list[str]] = {}
    meanings: dict[str, str] = {}
    for key in keys:
        names.setdefault(key.action, []).append(_readable(key.key))
        meanings.setdefault(key.action, key.help)
    return tuple(f"{', '.join(names[action])}\t{meaning}" for action, meaning in meanings.items())


def _readable(name: str) -> str:
    """A key as it is printed on a keyboard: `M`, `F11`, `Escape`."""
    return name.upper() if len(name) <= 3 else name.capitalize()
