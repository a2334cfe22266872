"""A recording that is broken off, by whatever: its video plays, its manifest is valid, and it can be gone on with."""

import json
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from display import needs_display, virtual_display, without_display
from present import present

from hygiesync.apps.record.manifest import MANIFEST, RecordingManifest
from hygiesync.media.audio import read_audio
from hygiesync.media.video import VideoWriter, probe, read_frames

pytestmark = pytest.mark.slow

SENTENCES = "Yes.\nNo.\n" * 20

SMALL_DISK = """
    import resource, runpy, sys
    limit = int(sys.argv.pop(1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    runpy.run_module("hygiesync", run_name="__main__", alter_sys=True)
"""


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with half a minute of noise to look at and to listen to, and short sentences to read."""
    folder = tmp_path_factory.mktemp("noise")
    random = np.random.default_rng(0)
    pictures = random.integers(0, 255, (10, 120, 160, 3), np.uint8)
    with VideoWriter(folder / "noise.mp4", 160, 120, Fraction(25), crf=30, preset="ultrafast") as writer:
        for n in range(25 * 30):
            writer.write(pictures[n % 10], Fraction(n, 25))
    soundfile.write(folder / "noise.wav", 0.1 * random.standard_normal(16_000 * 30), 16_000)
    (folder / "text.txt").write_text(SENTENCES)
    return folder


def command(stand_ins: Path, out: Path, *arguments: str) -> list[str]:
    return [
        sys.executable, "-m", "hygiesync", "record", "me", "--out", str(out), "--camera", str(stand_ins / "noise.mp4"),
        "--input-device", str(stand_ins / "noise.wav"), "--text", str(stand_ins / "text.txt"),
        "--seconds-of-silence", "0", *arguments,
    ]  # fmt: skip


@contextmanager
def recording(
    stand_ins: Path, out: Path, *arguments: str, limit: int | None = None, **options: Any
) -> Iterator[subprocess.Popen[str]]:
    """A recording in a process of its own, without a window unless there is a display."""

    line = command(stand_ins, out, *arguments)
    if limit is not None:
        line[1:3] = ["-c", textwrap.dedent(SMALL_DISK), str(limit)]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(condition: Callable[[], object], process: subprocess.Popen, timeout_s: int = 60) -> None:
    end_s = time.perf_counter() + timeout_s
    while not condition():
        assert process.poll() is None, present(process.stderr).read()
        assert time.perf_counter() < end_s
        time.sleep(0.05)


def has_read(out: Path, n_readings: int) -> bool:
    return n_read(out) >= n_readings


def n_read(out: Path) -> int:
    """Readings that the manifest tells of."""
    try:
        return sum(len(take["readings"]) for take in json.loads((out / MANIFEST).read_text())["takes"])
    except FileNotFoundError:
        return 0


def check_plays(path: Path, at_least_s: float) -> None:
    times_s = [float(frame.time_s) for frame in read_frames(path)]
    assert times_s[-1] > at_least_s
    assert np.diff(times_s).max() < 0.5
    assert len(read_audio(path)) / 16_000 > at_least_s


def test_killed_then_gone_on_with(stand_ins: Path, tmp_path: Path) -> None:
    out = tmp_path / "me"
    with recording(stand_ins, out, "--no-window") as process:
        wait_for(lambda: n_read(out) >= 4, process)
        process.send_signal(signal.SIGKILL)
        process.wait()
    manifest = RecordingManifest.load(out)
    assert manifest.state == "recording"
    end_s = manifest.takes[0].readings[-1].end_s
    check_plays(out / "me.mp4", end_s - 2.5)
    assert sorted(path.name for path in out.iterdir()) == [MANIFEST, "me.mp4"]

    arguments = command(stand_ins, out, "--no-window", "--resume", "--duration", "1.5")
    del arguments[arguments.index("--text") : arguments.index("--text") + 2]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    resumed = RecordingManifest.load(out)
    assert resumed.state == "stopped"
    assert [take.video for take in resumed.takes] == ["me.mp4", "me-2.mp4"]
    # it goes on with the first sentence that the video no longer holds, or that was not begun
    first, second = resumed.takes
    length_s = float(probe(out / "me.mp4").duration_s)
    lost = [reading.item for reading in first.readings if reading.end_s > length_s + 0.1]
    assert second.readings[0].item == (lost[0] if lost else len(first.readings))
    check_plays(out / "me-2.mp4", 1.2)


def test_ctrl_c(stand_ins: Path, tmp_path: Path) -> None:
    out = tmp_path / "me"
    with recording(stand_ins, out, "--no-window") as process:
        wait_for(lambda: n_read(out) >= 2, process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert err.endswith("hygiesync: interrupted\n")
    assert "--resume" in err
    manifest = RecordingManifest.load(out)
    assert manifest.state == "stopped"
    assert not manifest.takes[0].readings[-1].is_complete
    check_plays(out / "me.mp4", manifest.takes[0].readings[-1].end_s - 0.5)


def test_a_full_disk(stand_ins: Path, tmp_path: Path) -> None:
    out = tmp_path / "me"
    with recording(stand_ins, out, "--no-window", limit=1_500_000) as process:
        _, err = process.communicate(timeout=120)
    assert process.returncode == 3, err
    errors = [line for line in err.splitlines() if "error" in line]
    assert len(errors) == 1
    assert "me.mp4: can't be written" in errors[0]
    assert "Traceback" not in err
    manifest = RecordingManifest.load(out)
    assert len(manifest.takes[0].readings) >= 1
    check_plays(out / "me.mp4", 1.0)


def test_no_display_is_told_before_anything_is_made(stand_ins: Path, tmp_path: Path) -> None:
    out = tmp_path / "me"
    line = command(stand_ins, out)
    done = subprocess.run(line, capture_output=True, text=True, check=False, env=without_display())
    assert done.returncode == 4, done.stderr
    assert "--no-window" in done.stderr
    assert not out.exists()


@pytest.mark.device
@needs_display
def test_a_person_at_the_window(stand_ins: Path, tmp_path: Path) -> None:
    """Space, a sentence, another one, the list of keys, a retake, and Q."""
    out = tmp_path / "me"
    (tmp_path / "screen").mkdir()
    with (
        virtual_display(tmp_path / "screen") as display,
        recording(stand_ins, out, env=display.environment) as process,
    ):
        window = display.client.find_window("hygiesync record me", timeout_s=60)
        display.client.focus(window)
        wait_for(lambda: display.screenshot().std() > 30, process)
        assert list(out.glob("*")) == []  # nothing is filmed before Space is pressed

        display.client.press("space")
        wait_for((out / MANIFEST).exists, process)
        before = display.screenshot()
        for key, n_readings in (("space", 1), ("space", 2), ("r", 3), ("space", 4)):
            time.sleep(0.7)
            display.client.press(key)
            wait_for(partial(has_read, out, n_readings), process)
        picture = display.screenshot()
        assert np.mean(picture[:90].astype(float)) < np.mean(picture[300:500])  # the sentence's dark ground, above
        assert not np.array_equal(before, picture)
        display.client.press("q")
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    manifest = RecordingManifest.load(out)
    assert [(r.item, r.is_superseded) for r in manifest.takes[0].readings[:4]] == [
        (0, False), (1, False), (2, True), (2, False),
    ]  # fmt: skip
    check_plays(out / "me.mp4", 2.0)
    check_plays(out / "me.cut.mp4", 1.5)


@pytest.mark.device
@needs_display
def test_a_closed_window_ends_it_well(stand_ins: Path, tmp_path: Path) -> None:
    out = tmp_path / "me"
    (tmp_path / "screen").mkdir()
    with (
        virtual_display(tmp_path / "screen") as display,
        recording(stand_ins, out, env=display.environment) as process,
    ):
        window = display.client.find_window("hygiesync record me", timeout_s=60)
        display.client.focus(window)
        display.client.press("space")
        wait_for((out / MANIFEST).exists, process)
        time.sleep(1.5)
        display.client.ask_to_close(window)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert RecordingManifest.load(out).state == "stopped"
    check_plays(out / "me.mp4", 1.0)
