"""Live sessions in processes of their own, and what their recordings show."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np

from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.devices.sound.clock import StreamClock
from hygiesync.devices.sound.source import SoundHealth
from hygiesync.face.comparison import LipComparison, compare_lips
from hygiesync.face.pose import apply_similarity
from hygiesync.face.tracking import track_face
from hygiesync.media.video import probe
from hygiesync.pipelines.offline import RenderOptions, render
from hygiesync.rendering.interfaces import TemplateFace, TemplateFrame

RATE = 16_000
TIMEOUT_S = 120
TITLE = "avatar - hygiesync (synthetic media)"


@contextmanager
def live(
    avatar: Path, *arguments: object, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A live session in a process of its own, ended when the context is."""
    command = [sys.executable, "-m", "hygiesync", "live", str(avatar), *(str(argument) for argument in arguments)]
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code and what was said."""
    out, err = process.communicate(timeout=TIMEOUT_S)
    assert "Traceback" not in err, err
    return process.returncode, out, err


def wait_for_file(path: Path, n_bytes: int = 50_000) -> None:
    """Until a recording has grown so far: pictures are coming."""
    give_up_s = time.perf_counter() + TIMEOUT_S
    while not (path.exists() and path.stat().st_size >= n_bytes):
        assert time.perf_counter() < give_up_s, f"{path} does not grow"
        time.sleep(0.05)


def lips_of(video: Path, avatar: VideoAvatar) -> tuple[np.ndarray, np.ndarray]:
    """Times (n,) and canonical lower faces (n, n_lower, 2) of a video, as a detector sees them."""
    track = track_face(probe(video))
    assert track.has_face.all()
    seen = avatar.pose.to_canonical(track.rigid.astype(np.float64))
    return track.times_s, apply_similarity(seen, track.lower)


def at_times(times_s: np.ndarray, shapes: np.ndarray, wanted_s: np.ndarray) -> np.ndarray:
    flat = shapes.reshape(len(shapes), -1)
    columns = [np.interp(wanted_s, times_s, column) for column in flat.T]
    return np.stack(columns, 1).reshape(len(wanted_s), *shapes.shape[1:])


LOOKAHEAD_MS = 80
"""What live hears ahead; at leisure it would be the whole recording, which another network hears."""


def compare_with_offline(
    recording: Path,
    avatar: VideoAvatar,
    folder: Path,
    fps: int = 60,
    seen: tuple[np.ndarray, np.ndarray] | None = None,
) -> LipComparison:
    """A recording's lips, where they were seen already as `seen`, against those of rendering its sound at leisure."""
    options = RenderOptions(fps=Fraction(fps), preset="ultrafast", lookahead_ms=LOOKAHEAD_MS)
    render(avatar, recording, folder / "offline.mp4", options)
    wanted = lips_of(folder / "offline.mp4", avatar)
    times_s, lips = lips_of(recording, avatar) if seen is None else seen
    clock = np.arange(times_s[0] + 0.1, min(times_s[-1], wanted[0][-1]) - 0.1, 1 / fps)
    return compare_lips(at_times(*wanted, clock), at_times(times_s, lips, clock), 1 / fps)


class CoefficientRecorder:
    """A renderer that keeps what it was asked for."""

    lag = 0

    def __init__(self) -> None:
        self.seen: list[tuple[Fraction, np.ndarray]] = []

    def push(
        self, template: TemplateFrame[TemplateFace], coefficients: np.ndarray, sound: np.ndarray
    ) -> Iterator[tuple[TemplateFrame[TemplateFace], np.ndarray]]:
        self.seen.append((template.time_s, coefficients))
        yield template, template.image

    def flush(self) -> Iterator[tuple[TemplateFrame[TemplateFace], np.ndarray]]:
        return iter(())

    def reset(self) -> None:
        self.seen = []


class SimulatedMicrophone:
    """A microphone, as fast as they are read, on a card that is 100 ppm fast."""

    def __init__(self, samples: np.ndarray, duration_s: float) -> None:
        self.name, self.sample_rate, self.clock = "simulated", RATE, StreamClock(RATE)
        self._samples, self._n_left = samples, round(duration_s * RATE)
        self.n_read = 0
        self.original_rate, self._last = RATE, np.zeros(0, np.float32)

    def start(self) -> None:
        pass

    def take_original(self) -> np.ndarray:
        taken, self._last = self._last, self._last[:0]
        return taken

    def now_s(self) -> float:
        return 100 + self.n_read / (RATE * 1.0001)

    def read(self, timeout_s: float) -> np.ndarray | None:
        if self.n_read >= self._n_left:
            return None
        begin = self.n_read % (len(self._samples) - 160)
        self.n_read += 160
        self.clock.observe(self.n_read, self.now_s())
        self._last = self._samples[begin : begin + 160]
        return self._last

    def arrival_of(self, sample: int) -> float:
        return 100 + (sample // 160 + 1) * 160 / (RATE * 1.0001)

    def health(self) -> SoundHealth:
        return SoundHealth(True)

    def close(self) -> None:
        pass
