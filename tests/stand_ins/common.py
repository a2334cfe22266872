"""What the stand-in engines share: they read and write as the real ones do, and misbehave where a test asks for it."""

import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import av
import numpy as np


def misbehave(home: Path) -> None:
    """Do what the file `misbehave` in the engine's folder says, before any work."""
    asked = home / "misbehave"
    if not asked.is_file():
        return
    kind = asked.read_text()
    if kind == "raise":
        raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
    if kind == "hang":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        (home / "pids").write_text(f"{os.getpid()} {child.pid}")
        print("loading", flush=True)
        time.sleep(600)


def read_pictures(path: str) -> tuple[list[np.ndarray], float]:
    with av.open(path) as container:
        stream = container.streams.video[0]
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        return pictures, float(stream.average_rate or 25)


def write_pictures(path: Path, pictures: list[np.ndarray], fps: int) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": "12"})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def loudness(path: str, fps: float) -> np.ndarray:
    """Root mean square of each picture's moment, 0 to 1; floor(duration * fps) of them."""
    with av.open(path) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=16000)
        parts = [part.to_ndarray()[0] for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    samples = np.concatenate(parts)
    n_pictures = int(len(samples) / 16000 * fps)
    edges = (np.arange(n_pictures + 1) / fps * 16000).astype(int)
    return np.array([np.sqrt((samples[a:b] ** 2).mean()) for a, b in pairwise(edges)])


def with_mouth(picture: np.ndarray, centre: tuple[float, float], opening: float) -> np.ndarray:
    """The picture with a dark mouth; centre as parts of width and height, opening of the height."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[:height, :width]
    across = (x / width - centre[0]) / 0.1
    along = (y / height - centre[1]) / max(opening, 0.005)
    painted = picture.copy()
    painted[across**2 + along**2 < 1] = (40, 10, 10)
    return painted


def bar(title: str, n: int) -> None:
    """A bar as tqdm draws it."""
    for done in range(n + 1):
        percent = 100 * done // n
        print(f"\r{title}{percent:3d}%|{'#' * (percent // 10):<10}| {done}/{n} [00:00<00:00]", end="", file=sys.stderr)
    print(file=sys.stderr)
