"""The page in a real Chromium: it is talked to, types, renders, makes avatars, is interrupted and comes back."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import CHROMIUM, Seen, browser_page, wait_until
from servers import ServerProcess, server_process

from hygiesync.media.audio import write_wav
from hygiesync.media.video import probe
from hygiesync.tts.voices import open_voice

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")]

MOUTH = (0.41, 0.31, 0.16, 0.12)
"""Where the portrait's is: left, top, width, height as parts of the picture."""

SIZES = {"phone": (390, 844), "tablet": (820, 1180), "desktop": (1440, 900)}


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some seconds of speech."""
    chunks = list(open_voice().speak("Papa and mama buy apples. Bob may have more maple pie. We all go home now."))
    path = tmp_path_factory.mktemp("spoken") / "spoken.wav"
    write_wav(path, np.concatenate([chunk.samples for chunk in chunks]), chunks[0].sample_rate)
    return path


@pytest.fixture(scope="module")
def server(portrait_avatar_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with server_process(tmp_path_factory.mktemp("server"), portrait_avatar_directory) as running:
        yield running


def test_the_microphone_is_heard_again_and_moves_the_mouth(server: ServerProcess, spoken: Path) -> None:
    with browser_page(server.page, spoken) as page:
        wait_until(page, "ready")
        assert page.evaluate("hygiesync.connection.way") == "WebRTC"
        page.click("#headphones")
        page.click("#talk")
        wait_until(page, "listening")
        assert page.get_attribute("#talk", "aria-pressed") == "true"
        seen = Seen(page, 7, MOUTH)
        assert len(seen.mouth[0]) > 5
        assert seen.played[1].max() > 0.01
        # by how much is measured by docs/experiments/server_latency.py: beside other tests it would say nothing
        assert np.ptp(seen.mouth[1]) > 1
        page.click("#talk")
        wait_until(page, "ready")


def test_a_text_is_said_interrupted_and_made_a_video(server: ServerProcess, spoken: Path, tmp_path: Path) -> None:
    with browser_page(server.page, spoken) as page:
        wait_until(page, "ready")
        page.fill("#text", "This is a long text about nothing at all, so that there is time to interrupt it. " * 3)
        page.click("#say button[value=live]")
        wait_until(page, "speaking")
        page.click("#interrupt")
        wait_until(page, "ready")
        page.set_input_files("#sound-input", spoken)
        page.click("#sound-file button[value=live]")
        wait_until(page, "speaking")
        page.click("#interrupt")
        page.click("#sound-file button[value=render]")
        page.wait_for_selector("#jobs li[data-state=done] video")
        with page.expect_download() as downloading:
            page.click("#jobs a[download]")
        downloading.value.save_as(tmp_path / "said.mp4")
        assert probe(tmp_path / "said.mp4").width == 256
        assert page.evaluate("document.querySelector('#jobs video').readyState") >= 1


def test_a_picture_becomes_the_avatar_that_is_spoken_with(
    server: ServerProcess, spoken: Path, portrait_avatar_directory: Path
) -> None:
    with browser_page(server.page, spoken) as page:
        wait_until(page, "ready")
        page.set_input_files("#photo-input", portrait_avatar_directory.parent / "portrait.png")
        page.fill("#photo-name", "Eileen")
        page.click("#photo button")
        assert page.locator("#photo-jobs li").count() == 0  # not without consent
        page.check("#photo-consent")
        page.click("#photo button")
        page.wait_for_selector("#avatars button[aria-pressed=true][data-name^=eileen]")
        wait_until(page, "ready")


def test_without_webrtc_pictures_and_sound_come_by_a_socket(server: ServerProcess, spoken: Path) -> None:
    with browser_page(f"{server.page}&transport=socket", spoken) as page:
        wait_until(page, "ready")
        assert page.evaluate("hygiesync.connection.way") == "WebSocket"
        page.click("#talk")
        wait_until(page, "listening")
        page.wait_for_timeout(1500)
        assert page.evaluate("hygiesync.connection.pictures") > 5
        assert page.evaluate("document.getElementById('canvas').width") == 256


def test_the_page_says_what_is_the_matter_and_comes_back_by_itself(
    portrait_avatar_directory: Path, spoken: Path, tmp_path: Path
) -> None:
    one = server_process(tmp_path, portrait_avatar_directory, "--max-sessions", "1")
    with one as first, browser_page(first.page, spoken) as page:
        wait_until(page, "ready")
        other = page.context.new_page()
        other.goto(first.page)
        wait_until(other, "busy")
        other.close()
        assert first.end()[0] == 0
        wait_until(page, "lost")
        with server_process(tmp_path, portrait_avatar_directory, port=first.port):
            wait_until(page, "ready")


def test_it_fits_every_screen_and_every_control_has_a_name(server: ServerProcess, spoken: Path) -> None:
    with browser_page(server.page, spoken, locale="fr-FR", color_scheme="dark") as page:
        wait_until(page, "ready")
        assert page.evaluate("document.documentElement.lang") == "fr"
        for width, height in SIZES.values():
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        names = page.evaluate(
            "[...document.querySelectorAll('button, input, select, textarea')].map((one) =>"
            " (one.textContent + [...(one.labels || [])].map((label) => label.textContent).join('')).trim())"
        )
        assert all(names)


def test_without_the_token_nothing_is_shown(server: ServerProcess, spoken: Path) -> None:
    with browser_page(f"{server.url}/", spoken) as page:
        wait_until(page, "noToken")
        assert page.locator("#avatars li").count() == 0
