"""What an engine says while it works: how far it is, and what went wrong.

Engines write for people at a terminal: bars of tqdm and of rich, which redraw their line, and Python's tracebacks.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")
_PERCENT = re.compile(r"(?<![\d.])(\d{1,3})%")
_EXCEPTION = re.compile(r"^([A-Za-z_][\w.]*)?(Error|Exception|Interrupt|Exit)\b.*")
_LINE_END = re.compile(r"[\r\n]")

_REMEMBERED = 40
"""Lines that are kept to tell what went wrong."""

_SHOWN = 200
"""Characters of an engine's own error that are shown."""


@dataclass
class OutputReading:
    """Reads an engine's output as it comes, in pieces of any length.

    Parameters
    ----------
    stages : sequence of (str, str)
        What the engine prints when a part of its work begins, and what a reader is told then.
    complaint : callable
        What goes wrong by a line, in the engine's own way of saying so; else None.
    tell : callable
        Told of (stage, percent).
    """

    stages: Sequence[tuple[str, str]]
    complaint: Callable[[str], str | None]
    tell: Callable[[str, int], None]
    _stage: str = "starting"
    _part: str = ""
    _lines: deque[str] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _complaints: list[str] = field(default_factory=list)

    def feed(self, text: str) -> None:
        """Take in what came."""
        *lines, self._part = _LINE_END.split(self._part + text)
        for line in lines:
            self._take(line)

    def close(self) -> None:
        """Take in the line that was not ended."""
        self._take(self._part)
        self._part = ""

    def error(self) -> str:
        """What went wrong, in one line: its own complaint, else its exception, else the last thing it said."""
        exceptions = [line for line in self._lines if _EXCEPTION.match(line)]
        said = self._complaints[-1:] or exceptions[-1:] or list(self._lines)[-1:] or ["it said nothing"]
        return said[0] if len(said[0]) <= _SHOWN else f"{said[0][:_SHOWN]}..."

    def _take(self, line: str) -> None:
        line = " ".join(_ESCAPES.sub("", line).split())
        if not line:
            return
        stage = next((told for printed, told in self.stages if printed in line), None)
        if stage is not None and stage != self._stage:
            self._stage = stage
            self.tell(stage, 0)
        percent = _PERCENT.search(line)
        if percent is not None and int(percent[1]) <= 100:
            self.tell(self._stage, int(percent[1]))
            return
        self._lines.append(line)
        complaint = self.complaint(line)
        if complaint is not None:
            self._complaints.append(complaint)
