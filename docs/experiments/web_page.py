"""What an avatar in a page takes: first picture, pictures a second, the page's own time, memory, latency, sizes.

    python docs/experiments/web_page.py EXPORT SPEECH.wav

EXPORT is a folder that `hygiesync export --web` wrote. A real Chromium shows it without a graphics card: pictures are
drawn by SwiftShader, and the page around them by the processor, as Chromium does by itself on such a machine. With
`--all-by-gl` SwiftShader draws the whole page. Its microphone hears SPEECH. Figures are written to stdout as JSON.
"""

import argparse
import functools
import gzip
import json
import os
import shutil
import statistics
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from hygiesync.media.audio import read_audio

SPEAKING_S = 8.0
"""How long is watched, seconds."""

_FIRST_PICTURE = """
const look = () => {
  if (window.hygiesync?.avatar?.nFrames > 0) window.firstPictureMs ??= performance.now();
  else requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""

_WATCH = """(duration) => new Promise((resolve) => {
  const { avatar } = window.hygiesync, seen = [];
  const see = ({ choosingMs, computingMs, behind }) => seen.push([performance.now(), choosingMs, computingMs, behind]);
  avatar.on("frame", see);
  setTimeout(() => { avatar.removeEventListener("frame", see); resolve(seen); }, duration);
})"""

_HEAR = """async (samples) => {
  const { avatar } = window.hygiesync, canvas = avatar.canvas;
  avatar.detach();
  avatar.interrupt();
  const pcm = Float32Array.from(samples);
  await avatar.push(pcm, { isPlayed: false }); // the browser first runs the network slowly, until it has optimised it
  avatar.interrupt();
  const begun = performance.now();
  await avatar.push(pcm, { isPlayed: false });
  const took = performance.now() - begun;
  avatar.interrupt();
  avatar.attach(canvas);
  return took;
}"""


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        pass


def private_mb(kind: str) -> float:
    """Memory that Chromium's processes of a kind have for themselves, megabytes; the largest of them."""
    sizes = [0.0]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
            if "chromium" in command and f"--type={kind}" in command:
                lines = (process / "smaps_rollup").read_text().splitlines()
                own = [int(line.split()[1]) for line in lines if line.startswith(("Private_Clean", "Private_Dirty"))]
                sizes.append(sum(own) / 1000)
        except OSError:
            continue  # it has ended meanwhile
    return max(sizes)


@contextmanager
def static_site(folder: Path) -> Iterator[str]:
    """Address of a folder's files."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_QuietHandler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()


@contextmanager
def browser_on(microphone: Path, *, is_all_by_gl: bool = False) -> Iterator[Browser]:
    """A Chromium whose microphone plays a file again and again."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=[
                "--no-sandbox", "--enable-unsafe-swiftshader", *(["--use-angle=swiftshader"] if is_all_by_gl else []),
                "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-audio-capture={microphone}", "--autoplay-policy=no-user-gesture-required",
            ],
        )  # fmt: skip
        yield browser
        browser.close()


def open_page(browser: Browser, url: str, script: str = "") -> Page:
    """The export's page, once it is ready; `script` runs in it before all else."""
    page = browser.new_context(permissions=["microphone"]).new_page()
    page.set_default_timeout(120_000)
    page.add_init_script(_FIRST_PICTURE + script)
    page.goto(url)
    page.wait_for_selector("body[data-state=ready]")
    page.wait_for_timeout(1000)
    return page


def summary(seen: list[list[Any]]) -> dict[str, float]:
    """Pictures a second and the page's time for one, of what was seen."""
    times = [one[0] for one in seen]
    return {
        "pictures_per_s": round(1000 * (len(times) - 1) / (times[-1] - times[0]), 1),
        "choosing_ms_p50": round(statistics.median(one[1] for one in seen), 2),
        "drawing_commands_ms_p50": round(statistics.median(one[2] - one[1] for one in seen), 2),
    }


def measure(page: Page, speech: Path) -> dict[str, Any]:
    figures: dict[str, Any] = {"first_picture_ms": round(page.evaluate("window.firstPictureMs"))}
    page.wait_for_timeout(2000)
    figures["resting"] = summary(page.evaluate(_WATCH, 1000 * SPEAKING_S / 2))
    page.set_input_files("#sound-input", speech)
    page.click("#sound-file button")
    page.wait_for_selector("body[data-state=speaking]")
    figures["speaking"] = summary(page.evaluate(_WATCH, 1000 * SPEAKING_S))
    figures["memory_mb"] = {kind: round(private_mb(kind)) for kind in ("renderer", "gpu-process")}
    page.click("#talk")
    page.wait_for_selector("body[data-state=listening]")
    page.wait_for_timeout(2000)
    seen = page.evaluate(_WATCH, 1000 * SPEAKING_S)
    behind = [1000 * one[3] for one in seen if one[3] is not None]
    figures["microphone_to_picture_ms"] = {
        f"p{share}": round(float(np.percentile(behind, share)), 1) for share in (5, 50, 95)
    }
    page.click("#talk")
    samples = read_audio(speech)[: int(SPEAKING_S * 16_000)]
    took_ms = page.evaluate(_HEAR, samples.tolist())
    figures["hearing_ms_per_mel_frame"] = round(took_ms / (len(samples) / 160), 3)
    of_picture = 4 * figures["hearing_ms_per_mel_frame"] + figures["speaking"]["choosing_ms_p50"]
    figures["ms_per_picture_at_25_without_drawing"] = round(of_picture, 2)
    return figures


def sizes_mb(folder: Path) -> dict[str, float]:
    def compressed(path: Path) -> int:
        return len(gzip.compress(path.read_bytes(), 6))

    files = [path for path in folder.rglob("*") if path.is_file()]
    of_avatar = [path for path in files if path.parent == folder / "avatar"]
    others = [path for path in files if path not in of_avatar]
    return {
        "avatar": round(sum(path.stat().st_size for path in of_avatar) / 1e6, 2),
        "runtime_gzip": round(sum(map(compressed, others)) / 1e6, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("export", type=Path)
    parser.add_argument("speech", type=Path)
    parser.add_argument("--all-by-gl", dest="is_all_by_gl", action="store_true")
    arguments = parser.parse_args()
    with (
        static_site(arguments.export) as url,
        browser_on(arguments.speech, is_all_by_gl=arguments.is_all_by_gl) as browser,
    ):
        figures = measure(open_page(browser, url), arguments.speech)
    print(json.dumps(figures | {"sizes_mb": sizes_mb(arguments.export), "load": os.getloadavg()[0]}, indent=1))


if __name__ == "__main__":
    main()
