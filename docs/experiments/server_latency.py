"""How late the picture is in a browser: from its microphone to the mouth that it sees, and against the sound it plays.

    hygiesync serve --json server.json &
    PYTHONPATH=tests python docs/experiments/server_latency.py server.json speech.wav "" AVATAR

The third word is the lookahead in milliseconds, or empty for the avatar's own.

A real Chromium plays the wav file into its microphone once. The page's own clock times when the microphone's sound is
heard there, when the server's sound is played, and what each picture's mouth looks like. Envelopes are compared by
cross-correlation, over stretches of two seconds; what the mouth itself lags behind its sound, in pictures drawn by the
engine at leisure, is taken off. Chromium's own way from microphone to page is not seen by it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from browser import Seen, lag_s, open_browser, open_page, opening_of, wait_until
from numpy.typing import NDArray

import hygiesync
from hygiesync.media.audio import read_audio

MOUTH = (0.41, 0.31, 0.16, 0.12)
"""Where the demonstration avatar's is."""

_STRETCH_S, _STEP_S, _MARGIN_S = 2.0, 0.5, 0.5
_LIKE = 0.5
"""Stretches whose envelopes are less alike say nothing of their lag."""

Series = tuple[NDArray[Any], NDArray[Any]]


def own_lag_s(avatar: str, wav: Path, lookahead_ms: float | None) -> float:
    """How far the drawn mouth lags behind its sound by nature."""
    samples = read_audio(wav)
    engine = hygiesync.Engine(hygiesync.load_avatar(avatar), 25, lookahead_ms=lookahead_ms)
    frames = [*engine.push(samples), *engine.flush()]
    height, width = frames[0].image.shape[:2]
    left, top, wide, high = MOUTH
    box = slice(int(top * height), int((top + high) * height)), slice(int(left * width), int((left + wide) * width)), 1
    mouths = np.array([cv2.resize(frame.image[box], (48, 32)).ravel() for frame in frames], float)
    levels = np.sqrt((samples[: len(samples) // 256 * 256].reshape(-1, 256) ** 2).mean(1))
    heard = (np.arange(len(levels)) + 0.5) * 256 / 16_000, levels
    return lag_s(heard, (np.array([float(frame.time_s) for frame in frames]), opening_of(mouths)))[0]


def lags_ms(early: Series, late: Series, shift_s: float) -> list[float]:
    """Lag of each stretch that is alike enough, milliseconds."""
    whole_s, _ = lag_s(early, late)
    found = []
    for begin_s in np.arange(early[0][0], early[0][-1] - _STRETCH_S, _STEP_S):
        low, high = begin_s - _MARGIN_S, begin_s + _STRETCH_S + _MARGIN_S
        chosen = (early[0] > low) & (early[0] < high)
        if early[1][chosen].max(initial=0) < 0.02:
            continue
        nearby = late[0] - whole_s
        matching = (nearby > low) & (nearby < high)
        if chosen.sum() < 50 or matching.sum() < 20:
            continue
        lag, likeness = lag_s((early[0][chosen], early[1][chosen]), (nearby[matching], late[1][matching]), 0.3)
        if likeness > _LIKE:
            found.append(1000 * (lag + whole_s - shift_s))
    return found


def told(name: str, values: list[float]) -> str:
    """One line of a result."""
    if not values:
        return f"{name}: no stretch was alike enough"
    low, middle, high = np.percentile(values, (5, 50, 95))
    return f"{name}: p50 {middle:.0f} ms, p5 {low:.0f}, p95 {high:.0f} ({len(values)} stretches)"


def main() -> None:
    """Measure, and print."""
    server = json.loads(Path(sys.argv[1]).read_text())
    wav, lookahead = Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else ""
    url = server["url"] + (f"&lookahead_ms={lookahead}" if lookahead else "")
    with open_browser(wav) as browser, open_page(browser, url) as page:
        wait_until(page, "ready")
        page.click("#headphones")
        page.click("#talk")
        wait_until(page, "listening")
        duration_s = float(len(read_audio(wav)) / 16_000)
        seen = Seen(page, duration_s + 1, MOUTH)
        page.click("#show-numbers")
        page.wait_for_timeout(2500)
        print(page.inner_text("#numbers").replace("\n", ", "))
    own_s = own_lag_s(sys.argv[4], wav, float(lookahead) if lookahead else None)
    print(f"the mouth lags its sound by nature: {1000 * own_s:.0f} ms")
    print(told("microphone to picture", lags_ms(seen.microphone, seen.mouth, own_s)))
    print(told("microphone to sound", lags_ms(seen.microphone, seen.played, 0.0)))
    print(told("picture behind sound", lags_ms(seen.played, seen.mouth, own_s)))


if __name__ == "__main__":
    main()
