"""Whatever the terminal, and whoever stops reading: the work is done, and nothing counts as a fault of our own."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hygiesync.media.audio import write_wav

NAME = "\u58f0\u97f3 \u00fc.wav"


def run(*arguments: str, encoding: str = "utf-8", cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONPATH": str(Path(__file__).parent.parent)}
    command = [sys.executable, "-m", "hygiesync", *arguments]
    return subprocess.run(command, capture_output=True, env=environment, cwd=cwd, check=False)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_a_name_that_the_terminal_lacks_is_no_fault(tmp_path: Path, encoding: str) -> None:
    write_wav(tmp_path / NAME, np.full(16_000, 0.1, np.float32), 16_000)
    done = run("check", NAME, encoding=encoding, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert b"fault" not in done.stderr
    shown = NAME.encode(encoding, "backslashreplace")
    assert shown in done.stdout


def test_a_closed_pipe_is_no_fault(tmp_path: Path) -> None:
    """The reader is gone before the first line comes."""
    write_wav(tmp_path / "a.wav", np.full(16_000, 0.1, np.float32), 16_000)
    reading, writing = os.pipe()
    os.close(reading)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    with open(writing, "wb") as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "hygiesync", "check", "a.wav"],
            stdout=pipe, stderr=subprocess.PIPE, cwd=tmp_path, env=environment, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (141, b"")


def test_names_that_begin_with_a_dash_or_look_like_an_address(tmp_path: Path) -> None:
    for name in ("-in.wav", "http:x.wav", "a%03d.wav", "pipe:0"):
        write_wav(tmp_path / name, np.full(16_000, 0.1, np.float32), 16_000)
    done = run("check", "--", "-in.wav", "http:x.wav", "a%03d.wav", "pipe:0", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(b"1.0 s") >= 4
