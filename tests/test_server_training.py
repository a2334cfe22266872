"""A video becomes an avatar through the page, though the connection breaks while it goes up."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from browser import CHROMIUM, open_browser, open_page, wait_until
from playwright.sync_api import Browser, Route
from servers import RunningServer, running_server

from hygiesync.media.audio import read_audio, write_wav
from hygiesync.synthetic.talker import make_talker
from hygiesync.timing import SAMPLE_RATE

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")]

SIDE = 160
"""Of the video, pixels: what is learnt from it is not looked at here."""


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few seconds of a talker: more than the least that can be learnt from."""
    path = tmp_path_factory.mktemp("video") / "talker.mp4"
    make_talker(path, sentences=3, size=SIDE)
    return path


@pytest.fixture(scope="module")
def browser(video: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    microphone = tmp_path_factory.mktemp("microphone") / "said.wav"
    write_wav(microphone, read_audio(video), SAMPLE_RATE)
    with open_browser(microphone) as opened:
        yield opened


@pytest.fixture
def server(portrait_avatar_directory: Path, video: Path, tmp_path: Path) -> Iterator[RunningServer]:
    third = -(-video.stat().st_size // 3)
    with running_server(tmp_path, (portrait_avatar_directory,), piece_bytes=third, fps=Fraction(5)) as running:
        yield running


def test_a_video_goes_up_in_pieces_and_becomes_the_avatar_that_is_spoken_with(
    browser: Browser, server: RunningServer, video: Path, tmp_path: Path
) -> None:
    sent: list[str] = []

    def break_the_second(route: Route) -> None:
        if route.request.method == "PUT":
            sent.append(route.request.url.partition("offset=")[2])
            if len(sent) == 2:
                route.abort("connectionreset")
                return
        route.continue_()

    with open_page(browser, server.page) as page:
        wait_until(page, "ready")
        page.route("**/uploads/**", break_the_second)
        page.set_input_files("#train-input", video)
        page.fill("#train-name", "Talker")
        page.select_option("#train-preset", "fast")
        page.check("#train-consent")
        page.click("#train button")
        page.wait_for_selector("#train-jobs li[data-state=running]")
        assert sent[1] == sent[2] != sent[0]
        assert len(sent) == 4  # three pieces, and one of them again
        page.wait_for_selector("#avatars button[aria-pressed=true][data-name^=talker]")
        assert "little to learn from" in page.inner_text("#train-jobs li")
        with page.expect_download() as downloading:
            page.click("#train-jobs a[download]")
        downloading.value.save_as(tmp_path / "report.html")
        assert "<html" in (tmp_path / "report.html").read_text()
        wait_until(page, "ready")
