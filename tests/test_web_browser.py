"""The exported avatar in a real Chromium: the same pictures, without a network, and nobody else is asked."""

import base64
import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from browser import CHROMIUM
from playwright.sync_api import Page, sync_playwright
from web_export import exported_for_web, static_server

from hygiesync.avatar.loading import load_avatar
from hygiesync.avatar.photo_avatar import PhotoAvatar
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.engine import Engine, VideoFrame
from hygiesync.face.topology import LOWER_MOUTH_REGION
from hygiesync.media.video import probe
from hygiesync.rendering.compositor import WHOLE_PATH_LAG
from hygiesync.rendering.interfaces import TemplateFace
from hygiesync.rendering.warp import Box
from hygiesync.speech_to_shape.stream import coefficients_at
from hygiesync.timing import n_video_frames, sample_time

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")]

MIN_PSNR_DB = 32.0
"""Of the mouth region, between a browser's pictures and Python's."""

_RENDER = """async (samples) => {
  const { avatar } = window.hygiesync, pictures = [];
  avatar.mark = false;
  for await (const { time, pixels } of avatar.render(Float32Array.from(samples))) {
    const colours = pixels();
    let text = "";
    for (let at = 0; at < colours.length; at += 8192) text += String.fromCharCode(...colours.subarray(at, at + 8192));
    pictures.push([time, btoa(text)]);
  }
  avatar.mark = true;
  return pictures;
}"""


@dataclass
class Shown:
    """A page that shows the avatar, and what is known of it."""

    page: Page
    url: str
    server: ThreadingHTTPServer
    requests: list[str]
    own: list[str]
    faults: list[str]

    def wait_until(self, state: str) -> None:
        self.page.wait_for_selector(f"body[data-state={state}]")


@pytest.fixture(scope="module")
def shown(
    shared_folder: Path, avatar_directory: Path, speech: tuple[np.ndarray, Path], one_thread: None
) -> Iterator[Shown]:
    assert CHROMIUM is not None
    folder = exported_for_web(shared_folder, avatar_directory)
    with static_server(folder) as (url, server), sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
                "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-audio-capture={speech[1]}", "--autoplay-policy=no-user-gesture-required",
            ],
        )  # fmt: skip
        page = browser.new_context(permissions=["microphone"], accept_downloads=True).new_page()
        requests: list[str] = []
        faults: list[str] = []
        page.context.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        page.set_default_timeout(120_000)
        page.goto(url)
        one = Shown(page, url, server, requests, [url], faults)
        one.wait_until("ready")
        yield one
        assert not faults
        own = tuple(address for place in one.own for address in (place, f"blob:{place}"))
        assert all(request.startswith(own) for request in requests)
        browser.close()


def psnr_db(one: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((one.astype(float) - other) ** 2)))


def check_pictures(page: Page, samples: np.ndarray, wanted: list[VideoFrame], faces: list[TemplateFace]) -> None:
    """That a page draws certain pictures, around the mouth and everywhere."""
    drawn = page.evaluate(_RENDER, samples.tolist())
    assert len(drawn) == len(wanted) > 10
    for (time_s, encoded), frame, face in zip(drawn, wanted, faces, strict=True):
        assert time_s == pytest.approx(float(frame.time_s))
        height, width = frame.image.shape[:2]
        picture = np.frombuffer(base64.b64decode(encoded), np.uint8).reshape(height, width, 4)[..., :3]
        box = Box.around(face.lower[LOWER_MOUTH_REGION], (height, width), 0)
        assert psnr_db(picture[box.slices], frame.image[box.slices]) > MIN_PSNR_DB
        assert psnr_db(picture, frame.image) > MIN_PSNR_DB


def test_pictures_are_those_of_python(
    shown: Shown, talker_avatar: VideoAvatar, speech: tuple[np.ndarray, Path]
) -> None:
    samples, scene = speech[0][:16_000], talker_avatar.idle(talker_avatar.fps, WHOLE_PATH_LAG)
    engine = Engine(talker_avatar, scene=scene)
    wanted = [*engine.push(samples), *engine.flush()]
    faces = [frame.face for frame in islice(scene.template.frames(), len(wanted)) if frame.face is not None]
    check_pictures(shown.page, samples, wanted, faces)


def test_a_photo_speaks_as_in_python(
    shown: Shown, shared_folder: Path, portrait_avatar_directory: Path, speech: tuple[np.ndarray, Path]
) -> None:
    avatar, samples = load_avatar(portrait_avatar_directory, PhotoAvatar), speech[0][4_000:13_000]
    template, renderer = avatar.idle(avatar.fps).template, avatar.renderer()
    frames = list(islice(template.frames(), n_video_frames(sample_time(len(samples)), avatar.fps)))
    curves = coefficients_at(avatar.speech_stream(), samples, [frame.time_s for frame in frames])
    faces = [frame.face for frame in frames if frame.face is not None]
    # a browser's photos don't nod with their voice
    drawn = [renderer.draw(one, face) for one, face in zip(curves, faces, strict=True)]
    wanted = [VideoFrame(image, frame.time_s) for image, frame in zip(drawn, frames, strict=True)]
    with static_server(exported_for_web(shared_folder, portrait_avatar_directory)) as (url, _):
        shown.own.append(url)
        page = shown.page.context.new_page()
        page.goto(url)
        page.wait_for_selector("body[data-state=ready]")
        check_pictures(page, samples, wanted, [*faces])
        page.close()


_UPDATE = """async () => {
  const registration = await navigator.serviceWorker.getRegistration();
  await registration.update();
  const worker = registration.installing ?? registration.waiting;
  if (worker?.state === "installing") await new Promise((resolve) => { worker.onstatechange = resolve; });
  return worker?.state;
}"""


def change_version(folder: Path, name: str, content: str) -> None:
    """Give one file of an export another content, as a newer export would."""
    listed = json.loads((folder / "files.json").read_text())
    old, new = listed["version"], hashlib.sha256(content.encode()).hexdigest()
    worker = (folder / "service-worker.js").read_text().replace(old, new)
    for changed, text in ((name, content), ("service-worker.js", worker)):
        (folder / changed).write_text(text)
        listed["files"][changed]["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    (folder / "files.json").write_text(json.dumps(listed | {"version": new}))


def test_an_update_is_whole_or_not_at_all(
    shown: Shown, shared_folder: Path, avatar_directory: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(exported_for_web(shared_folder, avatar_directory), tmp_path / "site"))
    css = (folder / "page.css").read_text()
    with static_server(folder) as (url, _):
        shown.own.append(url)
        page = shown.page.context.new_page()
        page.goto(url)
        page.evaluate("navigator.serviceWorker.ready.then(() => undefined)")
        change_version(folder, "page.css", f"/* newer */ {css}")
        whole = (folder / "words.js").read_text()
        (folder / "words.js").write_text(whole[:-100])
        assert page.evaluate(_UPDATE) == "redundant"
        (folder / "words.js").write_text(whole)
        assert page.evaluate(_UPDATE) == "installed"
        assert page.evaluate("fetch('page.css').then((answer) => answer.text())") == css
        page.close()
        shown.page.wait_for_timeout(500)  # the newer one takes over once nobody shows the older
        page = shown.page.context.new_page()
        page.goto(url)
        assert "newer" in page.evaluate("fetch('page.css').then((answer) => answer.text())")
        page.close()


def moves(page: Page, duration_ms: int, enough: float = np.inf) -> float:
    """How much the mouth's first coefficient changes in so long, and in five pictures at least; no longer if enough."""
    script = """([duration, enough]) => new Promise((resolve) => {
      const seen = [], { avatar } = window.hygiesync, until = performance.now() + duration;
      const see = ({ mouth }) => {
        seen.push(mouth[0]);
        const change = Math.max(...seen) - Math.min(...seen);
        if (change <= enough && (seen.length < 5 || performance.now() < until)) return;
        avatar.removeEventListener("frame", see);
        resolve(change);
      };
      avatar.on("frame", see);
    })"""
    return float(page.evaluate(script, [duration_ms, enough]))


def test_without_a_network_it_is_shown_speaks_and_is_recorded(
    shown: Shown, speech: tuple[np.ndarray, Path], tmp_path: Path
) -> None:
    page = shown.page
    page.evaluate("navigator.serviceWorker.ready.then(() => undefined)")
    shown.server.shutdown()
    page.context.set_offline(True)
    page.reload()
    shown.wait_until("ready")
    assert moves(page, 500) == 0
    page.click("#talk")
    shown.wait_until("listening")
    assert moves(page, 3000, 0.1) > 0.1
    page.click("#record")
    page.wait_for_timeout(700)
    page.click("#record")
    with page.expect_download() as downloading:
        page.click("#recordings a[download]")
    downloading.value.save_as(tmp_path / "recorded.webm")
    assert probe(tmp_path / "recorded.webm").width == page.evaluate("hygiesync.avatar.size.width")
    page.click("#interrupt")
    shown.wait_until("ready")
    page.wait_for_timeout(300)
    assert moves(page, 300) == 0
    page.set_input_files("#sound-input", speech[1])
    page.click("#sound-file button")
    shown.wait_until("speaking")
    assert moves(page, 2000, 0.1) > 0.1
    page.click("#interrupt")
    shown.wait_until("ready")


_ELEMENT = """async () => {
  await import("./hygiesync/index.js");
  const element = document.createElement("hygiesync-avatar");
  const loaded = new Promise((resolve, reject) => {
    element.addEventListener("load", resolve);
    element.addEventListener("error", ({ error }) => reject(error));
  });
  element.setAttribute("src", "avatar/");
  document.body.append(element);
  await loaded;
  const { mouth } = await new Promise((resolve) => { element.addEventListener("frame", resolve, { once: true }); });
  element.avatar.push(new Float32Array(16000), { isPlayed: false });
  const said = element.avatar.flush();
  element.avatar.interrupt();
  await said;
  const size = [element.canvas.width, element.canvas.height, mouth.length];
  element.remove();
  return size;
}"""


def test_it_is_an_element_of_any_page(shown: Shown, talker_avatar: VideoAvatar) -> None:
    manifest = talker_avatar.manifest
    size = [manifest.width, manifest.height, talker_avatar.shape.n_components]
    assert shown.page.evaluate(_ELEMENT) == size


def test_the_page_fits_every_screen_and_every_control_has_a_name(shown: Shown) -> None:
    page = shown.page
    for width, height in ((390, 844), (820, 1180), (1440, 900)):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.select_option("#page-language", "fr")
    assert page.text_content("#talk") == "Parler"
    names = page.evaluate(
        "[...document.querySelectorAll('button, input, select')].map((one) =>"
        " (one.textContent + [...(one.labels || [])].map((label) => label.textContent).join('')).trim())"
    )
    assert all(names)
