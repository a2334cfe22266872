"""How late an avatar in a page is: from its microphone to the picture, by a mouth that opens at bursts of speech.

    python docs/experiments/web_latency.py EXPORT SPEECH.wav

EXPORT is a folder that `hygiesync export --web` wrote. Chromium's microphone plays a file, made here of SPEECH: bursts
of 0.4 s with silence between them. The page's clock times three things:

* when each burst is in the page's sound: a second listener hears the same microphone, and its envelope is laid over the
  file's by cross-correlation;
* when the mouth flashes open: the first picture in which it is half as open as it gets in that burst. A picture is
  there when one of its pixels was read back, so all drawing is done;
* how long after a burst's beginning the mouth is half open by nature: the same file, picture by picture at leisure.

The flash less the burst less what is nature's is the way from microphone to picture, with the time that a picture is
waited for. A device's own microphone and screen come on top. Figures are written to stdout as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import wave
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page
from web_page import browser_on, open_page, static_site

from hygiesync.media.audio import read_audio

N_BURSTS, BURST_S, FADE_S = 10, 0.4, 0.01
GAP_S = 0.9
"""Least silence between bursts, seconds; gaps grow by a few hundredths, so that the file is like itself only once."""

N_ROUNDS = 2
"""How often the file is heard."""

RATE = 48_000
_STEP_S = 0.005
_REFERENCE_FPS = "25"

Floats = NDArray[np.float64]

_KEEP_STREAM = """
const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => (window.microphoneStream = await ask(wanted));
"""

_WATCH = """async (duration) => {
  const { avatar } = window.hygiesync, { shape } = avatar.data, gl = avatar.canvas.getContext("webgl2");
  const context = new AudioContext(), processor = context.createScriptProcessor(256, 1, 1), pixel = new Uint8Array(4);
  const heard = [], seen = [], behind = [];
  let offset = Infinity;
  processor.onaudioprocess = ({ inputBuffer, playbackTime }) => {
    offset = Math.min(offset, performance.now() / 1000 - context.currentTime);
    const samples = inputBuffer.getChannelData(0);
    // the answer to a block would be played a block after its end: its middle was one and a half before
    const middle = playbackTime - 1.5 * samples.length / context.sampleRate;
    heard.push([middle, Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length)]);
  };
  const source = context.createMediaStreamSource(window.microphoneStream);
  source.connect(processor);
  processor.connect(context.destination);
  const see = (event) => {
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
    seen.push([performance.now() / 1000, shape.opening(shape.lowerFace(avatar.data.shapeOf(event.mouth)))]);
    if (event.behind !== null) behind.push(event.behind);
  };
  avatar.on("frame", see);
  await new Promise((resolve) => { setTimeout(resolve, duration); });
  avatar.removeEventListener("frame", see);
  await context.close();
  return { heard: heard.map(([time, level]) => [time + offset, level]), seen, behind };
}"""

_BY_NATURE = """async ([samples, fps]) => {
  const { avatar } = window.hygiesync, { shape } = avatar.data, seen = [];
  for await (const { time, mouth } of avatar.render(Float32Array.from(samples), { fps })) {
    seen.push([time, shape.opening(shape.lowerFace(avatar.data.shapeOf(mouth)))]);
  }
  return seen;
}"""


def bursts_of(speech: NDArray[np.float32]) -> tuple[NDArray[np.float32], Floats]:
    """Samples (n,) at 48 kHz, -1 to 1: the loudest moments of speech (m,), apart from each other; and their times."""
    length, fade = int(BURST_S * RATE), int(FADE_S * RATE)
    hops = np.arange(0, len(speech) - length, length // 2)
    loudness = np.array([np.sqrt(np.mean(speech[begin : begin + length] ** 2)) for begin in hops])
    envelope = np.minimum(1, np.minimum(np.arange(length), np.arange(length)[::-1]) / fade)
    pieces, times_s, at = [], [], 0
    for number, hop in enumerate(hops[np.argsort(-loudness)[: 2 * N_BURSTS : 2]]):
        gap = np.zeros(int((GAP_S + 0.03 * number) * RATE))
        pieces += [gap, 0.9 * envelope * speech[hop : hop + length] / np.abs(speech[hop : hop + length]).max()]
        times_s.append((at + len(gap)) / RATE)
        at += len(gap) + length
    return np.concatenate([*pieces, np.zeros(int(GAP_S * RATE))]).astype(np.float32), np.array(times_s)


def begin_s(heard: Floats, samples: NDArray[np.float32]) -> float:
    """When, on the page's clock, the file's first sample is heard in what a listener heard (n, 2: time, level)."""
    times_s = np.arange(heard[0, 0], heard[-1, 0], _STEP_S)
    levels = np.interp(times_s, heard[:, 0], heard[:, 1])
    block = int(_STEP_S * RATE)
    wanted = np.sqrt((samples[: len(samples) // block * block].reshape(-1, block) ** 2).mean(1))
    likeness = np.correlate(levels - levels.mean(), wanted - wanted.mean(), "valid")
    return float(times_s[likeness.argmax()] - _STEP_S / 2)


def half_open_s(seen: Floats, at_s: float, *, is_exact: bool) -> float | None:
    """When the mouth (n, 2: time, opening) is half as open as it gets around a burst at a time; None where it isn't."""
    near = seen[(seen[:, 0] > at_s - 0.3) & (seen[:, 0] < at_s + BURST_S + 0.35)]
    if len(near) < 4:
        return None
    least, most = near[:, 1].min(), near[:, 1].max()
    half = (least + most) / 2
    first = int((near[:, 1] >= half).argmax())
    if first == 0 or most - least < 0.01:
        return None
    (before_s, before), (after_s, after) = near[first - 1], near[first]
    return float(before_s + (half - before) / (after - before) * (after_s - before_s)) if is_exact else float(after_s)


def measure(page: Page, samples: NDArray[np.float32], times_s: Floats) -> dict[str, Any]:
    """Latency of each flash, milliseconds."""
    at_16k = samples.reshape(-1, 3).mean(1)
    nature = np.array(page.evaluate(_BY_NATURE, [at_16k.tolist(), _REFERENCE_FPS]))
    page.check("#headphones")
    page.click("#talk")
    page.wait_for_selector("body[data-state=listening]")
    page.wait_for_timeout(3000)
    duration_s = len(samples) / RATE
    got = page.evaluate(_WATCH, 1000 * (N_ROUNDS + 1) * duration_s)
    heard, seen = np.array(got["heard"]), np.array(got["seen"])
    first_s, found = begin_s(heard[heard[:, 0] < heard[0, 0] + 2 * duration_s], samples), []
    for burst_s in times_s:
        own = half_open_s(nature, float(burst_s), is_exact=True)
        for number in range(-1, N_ROUNDS + 1):
            at_s = first_s + number * duration_s + float(burst_s)
            flash = half_open_s(seen, at_s, is_exact=False) if seen[0, 0] < at_s - 0.5 else None
            if own is not None and flash is not None:
                found.append(1000 * (flash - at_s - (own - float(burst_s))))
    return {
        "flashes": len(found),
        "microphone_to_picture_ms": percentiles(found),
        "as_the_page_counts_ms": percentiles([1000 * one for one in got["behind"]]),
        "pictures_per_s": round((len(seen) - 1) / (seen[-1, 0] - seen[0, 0]), 1),
        "load": os.getloadavg()[0],
    }


def percentiles(values: list[float]) -> dict[str, float]:
    return {f"p{share}": round(float(np.percentile(values, share)), 1) for share in (5, 50, 95)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("export", type=Path)
    parser.add_argument("speech", type=Path)
    arguments = parser.parse_args()
    samples, times_s = bursts_of(read_audio(arguments.speech, RATE))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bursts.wav")
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", ""))
            file.writeframes((samples * 32767).astype("<i2").tobytes())
        with static_site(arguments.export) as url, browser_on(path) as browser:
            print(json.dumps(measure(open_page(browser, url, _KEEP_STREAM), samples, times_s), indent=1))


if __name__ == "__main__":
    main()
