"""What a user's keys do to a live session."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from hygiesync.apps.live.panels import Situation
from hygiesync.devices.window import Key
from hygiesync.errors import HygieSyncError
from hygiesync.live.session import LiveSession
from hygiesync.progress import Tell

MUTE, PAUSE, FREEZE, RESET, RECORD, STATISTICS, QUIT = (
    "mute", "pause", "freeze", "reset", "record", "statistics", "quit",
)  # fmt: skip

KEYS = (
    Key("m", MUTE, "mute: the avatar hears nothing, and is at rest"),
    Key("space", PAUSE, "pause: the picture stands still, and nothing is heard"),
    Key("z", FREEZE, "freeze: the head stands still, the mouth speaks on"),
    Key("backspace", RESET, "begin anew"),
    Key("r", RECORD, "record, or finish the recording"),
    Key("s", STATISTICS, "statistics"),
    Key("q", QUIT, "quit"),
    Key("escape", QUIT, "quit"),
)


class Controls:
    """Does what was asked for, and knows what is switched on.

    Parameters
    ----------
    session : LiveSession
    name : str
        The avatar's, for files.
    record : Path, optional
        Where the user wants recordings; further ones are numbered.
    tell : callable
        Told of what the user should know, a line at a time.
    shows_statistics : bool
        From the start.
    """

    def __init__(
        self, session: LiveSession, name: str, record: Path | None, tell: Tell, *, shows_statistics: bool
    ) -> None:
        self._session, self._name, self._record, self._tell = session, name, record, tell
        self.shows_statistics = shows_statistics
        self._refusal = ""

    def do_all(self, actions: list[str]) -> bool:
        """Do what was asked for; whether to end."""
        for action in actions:
            if action == QUIT:
                return True
            self._do(action)
        return False

    def situation(self, problem: str) -> Situation:
        """What the user sees of it, with a `problem` of the sound's, if there is one."""
        session = self._session
        modes = (("paused", session.is_paused), ("muted", session.is_muted), ("head frozen", session.is_frozen))
        path, failure = session.recorder.path, session.recorder.failure
        return Situation(
            modes=tuple(name for name, is_on in modes if is_on),
            recording="" if path is None else f"{path.name} {_clock_text(session.recorder.duration_s)}",
            problem=problem or self._refusal or ("" if failure is None else str(failure)),
        )

    def _do(self, action: str) -> None:
        session = self._session
        if action == MUTE:
            session.is_muted = not session.is_muted
        elif action == FREEZE:
            session.is_frozen = not session.is_frozen
        elif action == PAUSE:
            session.is_paused = not session.is_paused
        elif action == RESET:
            session.reset()
        elif action == STATISTICS:
            self.shows_statistics = not self.shows_statistics
        elif action == RECORD:
            self._toggle_recording()

    def _toggle_recording(self) -> None:
        self._refusal = ""
        recorder = self._session.recorder
        if recorder.path is not None:
            self._tell(f"{recorder.path}: finishing")
            recorder.stop(is_wanted=True)
            return
        try:
            recorder.start(self._free_name())
        except HygieSyncError as error:  # said, and no reason to end: the avatar speaks on
            self._refusal = str(error)
            self._tell(self._refusal)

    def _free_name(self) -> Path:
        """A file that is not there yet: beside the one asked for, or in the recordings' folder, named by the time."""
        wanted = self._record
        if wanted is None:
            folder = Path("recordings") if Path("recordings").is_dir() else Path()
            wanted = folder / f"{self._name}-{datetime.now():%Y-%m-%d-%H%M%S}.mp4"
        path, number = wanted, 2
        while path.exists():
            path, number = wanted.with_stem(f"{wanted.stem}-{number}"), number + 1
        return path


def _clock_text(duration_s: float) -> str:
    """A length as minutes and seconds."""
    return f"{int(duration_s) // 60}:{int(duration_s) % 60:02d}"
