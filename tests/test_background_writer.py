"""Writing beside the preview: everything in order, errors at the next call, and never without bound."""

from __future__ import annotations

import threading
from fractions import Fraction
from types import TracebackType
from typing import cast

import numpy as np
import pytest

from hygiesync.errors import InputError
from hygiesync.media import background_writer
from hygiesync.media.background_writer import BackgroundWriter
from hygiesync.media.video import VideoWriter

IMAGE = np.zeros((10, 10, 3), np.uint8)
TIMEOUT_S = 20


class Notebook:
    """In place of a VideoWriter: notes what it is handed; may hang, or fail at a number."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.notes: list[object] = []
        self.ended_with: object = "nothing"
        self.fails_at = fails_at
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def __enter__(self) -> Notebook:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.ended_with = error

    def write(self, image: np.ndarray, time_s: Fraction, *, is_keyframe: bool = False) -> None:
        self.may_go_on.wait(TIMEOUT_S)
        if len(self.notes) == self.fails_at:
            raise InputError("disk full")
        self.notes.append((time_s, is_keyframe))

    def write_audio(self, samples: np.ndarray) -> None:
        self.notes.append(len(samples))


def test_all_is_written_in_order_before_it_ends() -> None:
    notebook = Notebook()
    with BackgroundWriter(cast(VideoWriter, notebook)) as writer:
        for number in range(50):
            writer.write(IMAGE, Fraction(number), is_keyframe=number % 7 == 0)
            writer.write_audio(np.zeros(number, np.float32))
    expected = [one for n in range(50) for one in ((Fraction(n), n % 7 == 0), n)]
    assert notebook.notes == expected
    assert notebook.ended_with is None


def test_an_error_comes_out_of_a_later_call() -> None:
    notebook = Notebook(fails_at=3)
    with pytest.raises(InputError, match="disk full"), BackgroundWriter(cast(VideoWriter, notebook)) as writer:
        for number in range(100_000):
            writer.write(IMAGE, Fraction(number))
    assert len(notebook.notes) == 3
    assert isinstance(notebook.ended_with, InputError)


def test_an_error_at_the_end_is_not_lost() -> None:
    notebook = Notebook(fails_at=0)
    notebook.may_go_on.clear()
    with pytest.raises(InputError, match="disk full"), BackgroundWriter(cast(VideoWriter, notebook)) as writer:
        writer.write(IMAGE, Fraction(0))
        notebook.may_go_on.set()
    assert isinstance(notebook.ended_with, InputError)


def test_what_came_before_an_exception_is_written() -> None:
    notebook = Notebook()
    with pytest.raises(KeyboardInterrupt), BackgroundWriter(cast(VideoWriter, notebook)) as writer:
        for number in range(20):
            writer.write(IMAGE, Fraction(number))
        raise KeyboardInterrupt
    assert len(notebook.notes) == 20
    assert isinstance(notebook.ended_with, KeyboardInterrupt)


def test_a_slow_disk_makes_the_caller_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_writer, "MAX_WAITING_BYTES", 5 * IMAGE.nbytes)
    notebook = Notebook()
    notebook.may_go_on.clear()
    n_handed_over = []
    with BackgroundWriter(cast(VideoWriter, notebook)) as writer:

        def hand_over() -> None:
            for number in range(12):
                writer.write(IMAGE, Fraction(number))
                n_handed_over.append(number)

        caller = threading.Thread(target=hand_over)
        caller.start()
        caller.join(0.3)
        assert len(n_handed_over) == 5
        notebook.may_go_on.set()
        caller.join(TIMEOUT_S)
    assert len(notebook.notes) == 12


def test_who_may_not_wait_goes_on_and_is_told_what_was_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_writer, "MAX_WAITING_BYTES", 5 * IMAGE.nbytes)
    notebook = Notebook()
    notebook.may_go_on.clear()
    writer = BackgroundWriter(cast(VideoWriter, notebook), may_wait=False)
    writer.start()
    for number in range(12):
        writer.write(IMAGE, Fraction(number))
        writer.write_audio(np.zeros(1, np.float32))
    assert writer.n_left_out > 5
    notebook.may_go_on.set()
    writer.end()
    writer.join()
    pictures = [note for note in notebook.notes if note != 1]
    assert len(pictures) == 12 - writer.n_left_out
    assert notebook.notes.count(1) == 12, "sound is never left out"
    assert writer.error is None and notebook.ended_with is None


def test_who_may_not_wait_finds_the_error_afterwards() -> None:
    notebook = Notebook(fails_at=2)
    writer = BackgroundWriter(cast(VideoWriter, notebook), may_wait=False)
    writer.start()
    for number in range(1000):
        writer.write(IMAGE, Fraction(number))
    writer.end()
    writer.join()
    assert isinstance(writer.error, InputError)
    assert notebook.ended_with is writer.error
    writer.write(IMAGE, Fraction(9))  # late, and for nobody
    assert len(notebook.notes) == 2
