"""A real Chromium with a microphone that plays a file, and what is seen and heard in the page, on one clock."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

READY_MS = 180_000

_SKIN = 40
"""How much skin's brightness differs from its median, levels of 255."""

_WATCH = """
(mouth) => {
  const { microphone, connection } = window.hygiesync;
  const context = microphone.context, video = connection.video;
  const seen = window.seen = { microphone: [], played: [], mouth: [], offset: Infinity };
  const tick = () => { seen.offset = Math.min(seen.offset, performance.now() / 1000 - context.currentTime); };
  const listen = (stream, into) => {
    const processor = context.createScriptProcessor(256, 1, 1);
    processor.onaudioprocess = (event) => {
      tick();
      const samples = event.inputBuffer.getChannelData(0);
      const power = samples.reduce((sum, one) => sum + one * one, 0) / samples.length;
      // the answer to a block would be played a block after its end: its middle was one and a half before
      into.push([event.playbackTime - 1.5 * samples.length / context.sampleRate, Math.sqrt(power)]);
    };
    context.createMediaStreamSource(stream).connect(processor);
    processor.connect(context.destination);
    return processor;
  };
  window.listeners = [listen(microphone.stream, seen.microphone), listen(video.srcObject, seen.played)];
  const canvas = new OffscreenCanvas(48, 32), pen = canvas.getContext("2d", { willReadFrequently: true });
  const look = (now, frame) => {
    const [x, y, width, height] = mouth.map((one, index) => one * (index % 2 ? video.videoHeight : video.videoWidth));
    pen.drawImage(video, x, y, width, height, 0, 0, 48, 32);
    const pixels = pen.getImageData(0, 0, 48, 32).data;
    const grey = [];
    for (let at = 0; at < pixels.length; at += 4) grey.push(pixels[at + 1]);
    seen.mouth.push([frame.expectedDisplayTime / 1000, grey]);
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
}
"""


@contextmanager
def open_browser(microphone: Path) -> Iterator[Browser]:
    """A browser whose microphone hears a wav file, once each time that a page opens it."""
    assert CHROMIUM is not None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-audio-capture={microphone}%noloop",
                "--autoplay-policy=no-user-gesture-required",
            ],
        )  # fmt: skip
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def open_page(browser: Browser, url: str, **context: Any) -> Iterator[Page]:
    """A page in a profile of its own, none of whose scripts fails."""
    profile = browser.new_context(permissions=["microphone"], accept_downloads=True, **context)
    page = profile.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None)
    page.set_default_timeout(READY_MS)
    page.goto(url)
    try:
        yield page
        assert not faults
        leave(page)
    finally:
        profile.close()


def leave(page: Page) -> None:
    """Go elsewhere, which the page is told of, as when a tab is closed; of a profile's end it is not."""
    page.goto("about:blank")
    page.wait_for_timeout(300)  # its last request goes out, with which a server has room for the next page


def wait_until(page: Page, state: str) -> None:
    """Until the page shows a state, such as ``ready``."""
    page.wait_for_selector(f"body[data-state={state}]")


class Seen:
    """What a page heard and saw, in seconds of the browser's clock.

    Parameters
    ----------
    page : Page
    duration_s : float
        How long to watch.
    mouth : tuple of float
        Where the mouth is: left, top, width, height as parts of the picture.
    """

    def __init__(self, page: Page, duration_s: float, mouth: tuple[float, float, float, float]) -> None:
        page.evaluate(_WATCH, list(mouth))
        page.wait_for_timeout(1000 * duration_s)
        seen = page.evaluate("window.seen")
        offset_s = seen["offset"]
        self.microphone = _series(seen["microphone"], offset_s)
        self.played = _series(seen["played"], offset_s)
        times_s = np.array([time_s for time_s, _ in seen["mouth"]])
        self.mouth = times_s, opening_of(np.array([grey for _, grey in seen["mouth"]], float))


def _series(pairs: list[list[float]], offset_s: float) -> tuple[NDArray[Any], NDArray[Any]]:
    times_s, levels = np.array(pairs).T
    return times_s + offset_s, levels


def opening_of(pictures: NDArray[Any]) -> NDArray[Any]:
    """How much of mouths (n, pixels) is darker or brighter than skin: teeth, and the gap around them."""
    return np.maximum(0, np.abs(pictures - np.median(pictures, 1, keepdims=True)) - _SKIN).mean(1)


def lag_s(
    early: tuple[NDArray[Any], NDArray[Any]], late: tuple[NDArray[Any], NDArray[Any]], most_s: float = 0.6
) -> tuple[float, float]:
    """How far one series of (times, values) lags behind another, by cross-correlation, and their correlation there."""
    start_s, end_s = max(early[0][0], late[0][0]) + most_s, min(early[0][-1], late[0][-1]) - most_s
    clock_s = np.arange(start_s, end_s, 0.002)
    wanted = _smooth(np.interp(clock_s, *early))
    lags_s = np.arange(-most_s, most_s, 0.002)
    found = [np.corrcoef(wanted, _smooth(np.interp(clock_s + lag, *late)))[0, 1] for lag in lags_s]
    best = int(np.argmax(found))
    return float(lags_s[best]), float(found[best])


def _smooth(values: NDArray[Any]) -> NDArray[Any]:
    """A mean over a tenth of a second: syllables, not pitch periods."""
    return np.convolve(values, np.hanning(52) / np.hanning(52).sum(), "same")
