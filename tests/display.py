"""A display in memory for tests of windows: Xvfb, with pictures of what is on it."""

import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest
from x_client import XClient

needs_display = pytest.mark.skipif(shutil.which("Xvfb") is None, reason="Xvfb is not installed")
"""For tests that use `virtual_display`, beside `pytest.mark.device`."""


class VirtualDisplay:
    """A running X server.

    Attributes
    ----------
    name : str
        For the variable DISPLAY.
    client : XClient
        Presses keys, finds and changes windows.
    """

    def __init__(self, number: int, client: XClient, framebuffer: Path) -> None:
        self.name = f":{number}"
        self.client = client
        self._framebuffer = framebuffer

    @property
    def environment(self) -> dict[str, str]:
        """The variables of this process, with programs' windows sent here."""
        return without_display() | {"DISPLAY": self.name}

    def screenshot(self) -> np.ndarray:
        """What is on the whole screen: ndarray, shape (height, width, 3), uint8, RGB."""
        content = self._framebuffer.read_bytes()
        header = struct.unpack_from(">25I", content)  # XWD: sizes in bytes, of the header, of a line, of the colour map
        header_size, width, height, bytes_a_line, n_colours = header[0], header[4], header[5], header[12], header[19]
        pixels = np.frombuffer(content, np.uint8, height * bytes_a_line, header_size + 12 * n_colours)
        return pixels.reshape(height, bytes_a_line // 4, 4)[:, :width, 2::-1].copy()


def without_display() -> dict[str, str]:
    """The variables of this process but those that lead to a display."""
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
    return {name: value for name, value in os.environ.items() if name not in hidden}


def use_environment(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    """Give this process, and those it starts, just these variables until the test's end."""
    for name in set(os.environ) - set(environment):
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


@contextmanager
def virtual_display(directory: Path, size: tuple[int, int] = (1280, 800)) -> Iterator[VirtualDisplay]:
    """Start an X server on a free display number, and end it.

    Parameters
    ----------
    directory : Path
        An empty folder for its memory.
    size : tuple of int
        Width and height of the screen.
    """
    read_end, write_end = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write_end), "-screen", "0", f"{size[0]}x{size[1]}x24", "-fbdir", str(directory),
         "-nolisten", "tcp", "-noreset", "-nocursor"],
        pass_fds=[write_end], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(write_end)
    try:
        with open(read_end) as numbers:
            line = numbers.readline()  # it comes when the server is ready
        assert line, "Xvfb did not start"
        with closing(XClient(int(line))) as client:
            yield VirtualDisplay(int(line), client, directory / "Xvfb_screen0")
    finally:
        server.terminate()
        server.wait(timeout=10)
