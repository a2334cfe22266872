"""A made video of shapes that move: nothing but discs and squares, whose true places are known."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.media.images import write_png

TINY = Path(__file__).parent / "first_order_configs" / "tiny.yaml"
"""Configuration of the smallest model that has all parts."""

SIZE = 64
N_FRAMES = 24


def shape_clip(seed: int) -> tuple[list[NDArray[np.uint8]], NDArray[np.float64]]:
    """Frames (64, 64, 3), and the places (n_frames, 2, 2) of disc and square, pixels, (x, y)."""
    rng = np.random.default_rng(seed)
    phases, rates = rng.uniform(0, 2 * np.pi, (2, 2)), rng.uniform(0.15, 0.35, (2, 2))
    time = np.arange(N_FRAMES)[:, None, None]
    places = np.array([[18.0, 32.0], [46.0, 32.0]]) + np.array([8.0, 18.0]) * np.sin(phases + rates * time)
    tints = rng.uniform(-25, 25, 3)
    frames = []
    for disc, square in places:
        frame = np.full((4 * SIZE, 4 * SIZE, 3), 230 + tints / 3, np.float32)
        cv2.circle(frame, _at(disc), 32, (200 + float(tints[0]), 40.0, 40.0), -1, cv2.LINE_AA)
        cv2.circle(frame, _at(disc - np.array([0, 3])), 8, (255.0, 255.0, 120.0), -1, cv2.LINE_AA)
        corner, stripe = np.array([6, 6]), np.array([6, 1])
        cv2.rectangle(frame, _at(square - corner), _at(square + corner), (30.0, 60.0, 190 + float(tints[1])), -1)
        cv2.rectangle(frame, _at(square - stripe), _at(square + stripe), (120.0, 230.0, 250.0), -1)
        frames.append(cv2.resize(frame, (SIZE, SIZE), interpolation=cv2.INTER_AREA).clip(0, 255).astype(np.uint8))
    return frames, places


def write_shapes(folder: Path, n_train: int, n_test: int) -> Path:
    """Clips as folders of frames, in ``train`` and ``test``."""
    for number in range(n_train + n_test):
        place = folder / ("train" if number < n_train else "test") / f"shapes{number:02d}"
        place.mkdir(parents=True)
        for k, frame in enumerate(shape_clip(number)[0]):
            write_png(place / f"{k:04d}.png", frame)
    return folder


def _at(place: NDArray[np.float64]) -> tuple[int, int]:
    x, y = (np.asarray(place) * 4 + 2).round().astype(int)
    return int(x), int(y)
