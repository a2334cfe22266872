"""What the cells of a table may hold: how each is read, and the words for one that can't be.

Columns are called as the options of the commands, with underscores, so that whoever knows the commands knows them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hygiesync.errors import HygieSyncError

_SHOWN = 60
"""Characters of a wrong value that a message repeats."""


@dataclass(frozen=True)
class Setting:
    """A column that says how something is made.

    Attributes
    ----------
    parameter : str
        The library's name of it.
    expected : str
        What it may hold, for people.
    parse : callable
        The value of a cell; raises ValueError, KeyError or HygieSyncError.
    """

    parameter: str
    expected: str
    parse: Callable[[str], Any]


def yes_or_no(parameter: str) -> Setting:
    """A column that holds yes or no."""
    values = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    return Setting(parameter, "yes or no", lambda text: values[text.lower()])


def whole_number(parameter: str, low: int, high: int, unit: str = "a whole number") -> Setting:
    """A column that holds a whole number within a range."""

    def parse(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise ValueError
        return value

    return Setting(parameter, f"{unit} from {low} to {high}", parse)


def one_of(parameter: str, values: tuple[str, ...]) -> Setting:
    """A column that holds one of some words."""

    def parse(text: str) -> str:
        if text not in values:
            raise ValueError
        return text

    return Setting(parameter, f"one of {', '.join(values)}", parse)


def parse_settings(cells: Mapping[str, str], known: Mapping[str, Setting]) -> tuple[dict[str, Any], dict[str, str]]:
    """Values of the cells that are among the `known` ones.

    Returns
    -------
    values : dict
        By the library's names.
    problems : dict of str to str
        What is wrong, by columns.
    """
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name, setting in known.items():
        if name not in cells:
            continue
        text = cells[name].strip()
        try:
            values[setting.parameter] = setting.parse(text)
        except (ValueError, KeyError, HygieSyncError):
            problems[name] = expected_but_got(setting.expected, text)
    return values, problems


def expected_but_got(expected: str, text: str) -> str:
    """The line on a wrong value.

    Examples
    --------
    >>> expected_but_got("yes or no", "perhaps")
    "expected yes or no, got 'perhaps'"
    """
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    return f"expected {expected}, got {shown!r}"
