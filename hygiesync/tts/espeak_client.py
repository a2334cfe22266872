"""Asking espeak-ng: a process for each text, read clause by clause, and ended when it hangs or is wanted no more."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.errors import HygieSyncError, MissingDependencyError, UsageError
from hygiesync.tts import espeak_process

PATIENCE_S, PATIENCE_A_LETTER_S = 20.0, 0.01
"""Longest wait for the next clause: so much, and so much more for each letter of the text (seconds). On an idle
machine espeak takes 0.05 s to begin, and 0.0002 s a letter."""


@dataclass(frozen=True)
class Clause:
    """What espeak gives at once: up to a comma, a full stop or the like.

    Attributes
    ----------
    samples : ndarray, shape (n,), float32
    sample_rate : int
        Hz.
    events : list of (str, int)
        Phoneme (IPA, or nothing for a pause) and the sample, counted from the text's first, at which it begins.
    """

    samples: NDArray[np.float32]
    sample_rate: int
    events: list[tuple[str, int]]


def ask_espeak(text: str, language: str, words_per_minute: int, pitch: int) -> Iterator[Clause]:
    """The clauses of `text` as espeak speaks them, without a gap between them.

    The process runs ahead by what a pipe holds, a second or so; closing the iterator ends it.

    Parameters
    ----------
    text, language, words_per_minute, pitch
        See :func:`hygiesync.tts.espeak.synthesise`.

    Raises
    ------
    HygieSyncError
        When espeak ends with an error, or does not go on for `PATIENCE_S` and more.
    UsageError, MissingDependencyError
        See :func:`hygiesync.tts.espeak.synthesise`.
    """
    paths = _espeak_paths()
    _check_variant(language, Path(paths["data"]))
    request = paths | dict(text=text, language=language, words_per_minute=words_per_minute, pitch=pitch)
    command = [sys.executable, "-I", str(Path(espeak_process.__file__))]
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints) as process,
    ):
        assert process.stdin is not None and process.stdout is not None
        dialogue = _Dialogue(process, complaints, text)
        try:
            dialogue.ask(request)
            sample_rate = _sample_rate(dialogue.read_line())
            while header := dialogue.read_line():
                audio = dialogue.read(header["n_bytes"])
                yield Clause(np.frombuffer(audio, np.int16).astype(np.float32) / 32768, sample_rate, header["events"])
        finally:
            process.kill()


class _Dialogue:
    """Question and answers, in which no answer is waited for without end."""

    def __init__(self, process: subprocess.Popen[bytes], complaints: IO[bytes], text: str) -> None:
        self._process, self._complaints, self._text = process, complaints, text
        self._limit_s = PATIENCE_S + PATIENCE_A_LETTER_S * len(text)

    def ask(self, request: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        with self._patiently():
            try:
                self._process.stdin.write(json.dumps(request).encode())
                self._process.stdin.close()
            except OSError:  # it has ended already; why, is found out when it is read from
                pass

    def read_line(self) -> dict[str, Any]:
        """The next line; empty after the last."""
        assert self._process.stdout is not None
        with self._patiently():
            line = self._process.stdout.readline()
            if not line and self._process.wait() != 0:
                raise self._failure(f"ended with exit code {self._process.returncode}")
        return json.loads(line) if line else {}

    def read(self, n_bytes: int) -> bytes:
        assert self._process.stdout is not None
        with self._patiently():
            data = self._process.stdout.read(n_bytes)
            if len(data) < n_bytes:
                raise self._failure("ended in the middle of a word")
        return data

    @contextmanager
    def _patiently(self) -> Iterator[None]:
        """End the process if what is done here takes too long; a wait that this ends is told of as what it is."""
        has_hung = threading.Event()

        def end() -> None:
            has_hung.set()
            self._process.kill()

        timer = threading.Timer(self._limit_s, end)
        timer.daemon = True
        timer.start()
        try:
            yield
        except HygieSyncError as error:
            if has_hung.is_set():
                raise self._failure(
                    f"did not go on for {self._limit_s:.0f} s and was ended; try again, or speak less at once"
                ) from error
            raise
        finally:
            timer.cancel()

    def _failure(self, what: str) -> HygieSyncError:
        self._complaints.seek(0)
        complaint = self._complaints.read().decode(errors="replace").strip().rpartition("\n")[2]
        shown = self._text if len(self._text) <= 40 else f"{self._text[:40]}..."
        return HygieSyncError(f"espeak-ng {what} (text: {shown!r})" + (f": {complaint}" if complaint else ""))


def _espeak_paths() -> dict[str, str]:
    try:
        import espeakng_loader
    except ImportError as error:
        raise MissingDependencyError(
            "text to speech needs espeakng-loader, which isn't installed; run `pip install espeakng-loader`"
        ) from error
    return dict(library=espeakng_loader.get_library_path(), data=espeakng_loader.get_data_path())


def _check_variant(language: str, data: Path) -> None:
    """Refuse a variant that there is none of: espeak would speak with its plain voice, and say nothing of it."""
    _, plus, variant = language.partition("+")
    known = sorted(path.name for path in (data / "voices" / "!v").iterdir())
    if plus and variant not in known:
        raise UsageError(f"voice: expected one of espeak's variants ({', '.join(known)}), got {variant!r}")


def _sample_rate(header: dict[str, Any]) -> int:
    if header.get("error") == "language":
        raise UsageError(f"language: expected an espeak-ng voice such as en, en-us or fr, got {header['message']!r}")
    if header.get("error") == "library":
        raise MissingDependencyError(
            f"the espeak-ng library of espeakng-loader can't be used ({header['message']});"
            " run `pip install --force-reinstall espeakng-loader`"
        )
    return int(header["sample_rate"])
