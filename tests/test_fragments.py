"""An mp4 that was broken off anywhere is trimmed to what is whole, and can be read to its new end."""

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hygiesync.errors import InputError
from hygiesync.media.audio import read_audio
from hygiesync.media.fragments import keep_whole_fragments
from hygiesync.media.video import read_frames

KILLED = """
    import os, signal, sys, numpy as np
    from fractions import Fraction
    from hygiesync.media.video import VideoWriter
    random = np.random.default_rng(0)
    with VideoWriter(sys.argv[1], 96, 96, Fraction(25), audio_rate=48000, audio_channels=1, preset="ultrafast",
                     tune="zerolatency") as writer:
        for n in range(140):
            writer.write_audio((0.1 * random.standard_normal(1920)).astype(np.float32))
            writer.write(random.integers(0, 255, (96, 96, 3), dtype=np.uint8), Fraction(n, 25))
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What a killed writer left, of four or five seconds."""
    path = tmp_path_factory.mktemp("killed") / "killed.mp4"
    subprocess.run([sys.executable, "-c", textwrap.dedent(KILLED), str(path)], check=False)
    keep_whole_fragments(path)
    return path.read_bytes()


@settings(max_examples=25, deadline=None)
@given(st.floats(0.0, 1.0))
def test_broken_off_anywhere(killed: bytes, tmp_path_factory: pytest.TempPathFactory, share: float) -> None:
    path = tmp_path_factory.mktemp("broken") / "broken.mp4"
    path.write_bytes(killed[: round(share * len(killed))])
    n_cut = keep_whole_fragments(path)
    trimmed = path.read_bytes()
    assert killed.startswith(trimmed)
    assert len(trimmed) + n_cut == round(share * len(killed))
    assert keep_whole_fragments(path) == 0
    if len(trimmed) > 0.3 * len(killed):
        times_s = [float(frame.time_s) for frame in read_frames(path)]
        np.testing.assert_allclose(np.diff(times_s), 0.04, atol=1e-6)
        assert len(read_audio(path, 48_000)) / 48_000 == pytest.approx(times_s[-1], abs=0.3)


def test_without_trimming_it_may_be_refused(killed: bytes, tmp_path: Path) -> None:
    """Why this is done: a reader that does not want half a file refuses one that promises more than it holds."""
    path = tmp_path / "broken.mp4"
    starts = [i for i in range(len(killed)) if killed[i : i + 4] == b"moof"]
    path.write_bytes(killed[: starts[-1] + 3000])
    with pytest.raises(InputError):
        list(read_frames(path))
        read_audio(path)
    keep_whole_fragments(path)
    assert len(list(read_frames(path))) > 50


@pytest.mark.parametrize("content", [b"", b"short", b"\0\0\0\x20ftypisom", bytes(100)])
def test_what_has_no_fragment_stays(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    assert keep_whole_fragments(path) == 0
    assert path.read_bytes() == content


def test_a_whole_file_stays(talker_video: Path, tmp_path: Path) -> None:
    path = tmp_path / "whole.mp4"
    path.write_bytes(talker_video.read_bytes())
    assert keep_whole_fragments(path) == 0
    assert path.read_bytes() == talker_video.read_bytes()
