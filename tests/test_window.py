"""What a real window on a display in memory shows and hears, and what is said where there is none."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from signal import Signals
from types import SimpleNamespace
from typing import Any
from weakref import WeakSet

import numpy as np
import pytest
from display import VirtualDisplay, needs_display, use_environment, virtual_display, without_display
from present import present

from hygiesync.devices.window import Key, Panel, Window
from hygiesync.devices.window.layout import letter_height
from hygiesync.devices.window.text import N_KEPT, Lettering
from hygiesync.errors import MissingDependencyError

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
QUARTERS = np.repeat(np.repeat(np.array([[RED, GREEN], [BLUE, (255, 255, 255)]], np.uint8), 120, axis=0), 160, axis=1)
"""320 x 240: red and green above, blue and white below."""

TITLE = "hygiesync: mé"
KEYS = (Key("m", "mute", "mute the sound"), Key("escape", "quit", "end"), Key("q", "quit", "end"))


@pytest.fixture(scope="module")
def display(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualDisplay]:
    with virtual_display(tmp_path_factory.mktemp("display"), (1000, 700)) as running:
        yield running


@pytest.fixture
def open_window(display: VirtualDisplay, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Window]]:
    """Opens the one window of a test on the display."""
    use_environment(monkeypatch, display.environment)
    opened = []

    def open_it(
        picture_size: tuple[int, int] = (320, 240), keys: tuple[Key, Key, Key] = KEYS, **options: Any
    ) -> Window:
        opened.append(Window(TITLE, picture_size, keys, **options))
        return opened[-1]

    yield open_it
    for window in opened:
        window.close()


def press(display: VirtualDisplay, key: str, hold_s: float = 0.0) -> None:
    """Press a key with the window in focus, as a window manager would have it."""
    display.client.focus(display.client.find_window(TITLE))
    display.client.press(key, hold_s)


def poll_until(window: Window, is_done: Callable[[list[str]], bool], timeout_s: float = 20) -> list[str]:
    """Poll as a program does until something has come; give all actions."""
    actions: list[str] = []
    end = time.monotonic() + timeout_s
    while not is_done(actions):
        assert time.monotonic() < end, f"waited in vain; actions so far: {actions}"
        actions += window.poll()
        time.sleep(0.005)
    return actions


def poll_for(window: Window, seconds: float) -> list[str]:
    end = time.monotonic() + seconds
    return poll_until(window, lambda _: time.monotonic() > end, seconds + 20)


def part_of_screen(display: VirtualDisplay) -> np.ndarray:
    """The rectangle of the screen that the window covers, which all else leaves black."""
    screen = display.screenshot()
    rows, there = np.nonzero(screen.any(axis=2))
    return screen[rows.min() : rows.max() + 1, there.min() : there.max() + 1]


def centres(picture: np.ndarray) -> list[tuple[int, ...]]:
    """Colours in the middle of the four quarters: above from the left, then below."""
    height, width = picture.shape[:2]
    return [tuple(int(one) for one in picture[height * y // 4, width * x // 4]) for y in (1, 3) for x in (1, 3)]


@pytest.mark.device
@needs_display
class TestOnADisplay:
    def test_a_picture_arrives_with_its_colours_and_shape(
        self, open_window: Callable[..., Window], display: VirtualDisplay
    ) -> None:
        window = open_window()
        window.show(QUARTERS)
        seen = part_of_screen(display)
        assert seen.shape == (480, 640, 3)
        assert centres(seen) == [RED, GREEN, BLUE, (255, 255, 255)]
        np.testing.assert_array_equal(window.screenshot(), seen)

    def test_every_pixel_arrives(self, open_window: Callable[..., Window], display: VirtualDisplay) -> None:
        picture = np.random.default_rng(0).integers(1, 256, (500, 602, 3), np.uint8)
        window = open_window((602, 500))
        window.show(picture)
        np.testing.assert_array_equal(part_of_screen(display), picture)

    def test_mirrored(self, open_window: Callable[..., Window], display: VirtualDisplay) -> None:
        window = open_window(mirror=True)
        window.show(QUARTERS)
        assert centres(part_of_screen(display)) == [GREEN, RED, (255, 255, 255), BLUE]
        press(display, "x")
        assert poll_for(window, 0.2) == []
        assert centres(part_of_screen(display)) == [RED, GREEN, BLUE, (255, 255, 255)]

    def test_another_size_gets_bars(self, open_window: Callable[..., Window], display: VirtualDisplay) -> None:
        window = open_window()
        window.show(QUARTERS)
        display.client.resize(display.client.find_window(TITLE), 900, 240)
        poll_until(window, lambda _: window.screenshot().shape == (240, 900, 3))
        picture = window.screenshot()
        assert centres(picture[:, 290:610]) == [RED, GREEN, BLUE, (255, 255, 255)]
        assert not picture[:, :290].any()
        assert not picture[:, 610:].any()
        assert part_of_screen(display).shape == (240, 320, 3)

    def test_pictures_of_another_size_are_shown_too(
        self, open_window: Callable[..., Window], display: VirtualDisplay
    ) -> None:
        window = open_window()
        window.show(QUARTERS)
        window.show(QUARTERS[:, :160])
        assert centres(part_of_screen(display)) == [RED, RED, BLUE, BLUE]

    def test_keys_are_heard_once(self, open_window: Callable[..., Window], display: VirtualDisplay) -> None:
        window = open_window()
        window.show(QUARTERS)
        press(display, "m")
        press(display, "q")
        assert poll_until(window, lambda actions: len(actions) == 2) == ["mute", "quit"]
        press(display, "a")
        press(display, "space")
        display.client.press_with("Control_L", "m")
        press(display, "q")
        assert poll_until(window, bool) == ["quit"]

    def test_a_held_key_counts_once(self, open_window: Callable[..., Window], display: VirtualDisplay) -> None:
        """The display repeats it after 0.66 s."""
        window = open_window()
        window.show(QUARTERS)
        press(display, "m", hold_s=1.0)
        press(display, "q")
        assert poll_until(window, lambda actions: "quit" in actions) == ["mute", "quit"]

    def test_letters_of_another_alphabet_are_keys_by_their_place(self, open_window: Callable[..., Window]) -> None:
        import pygame

        window = open_window()
        russian = {"key": ord("ь"), "scancode": pygame.KSCAN_M, "mod": 0, "unicode": "ь"}
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, russian))
        # A French keyboard has its comma where others have their m.
        french = {"key": ord(","), "scancode": pygame.KSCAN_M, "mod": 0, "unicode": ","}
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, french))
        assert window.poll() == ["mute"]

    def test_closing_means_quit(self, open_window: Callable[..., Window], display: VirtualDisplay) -> None:
        window = open_window()
        window.show(QUARTERS)
        display.client.ask_to_close(display.client.find_window(TITLE))
        assert poll_until(window, bool) == ["quit"]
        window.show(QUARTERS)  # it stays until the program closes it
        window.close()
        window.close()

    def test_help_lists_the_keys_until_escape(
        self, open_window: Callable[..., Window], display: VirtualDisplay
    ) -> None:
        window = open_window()
        window.show(QUARTERS)
        plain = window.screenshot()
        press(display, "h")
        assert poll_for(window, 0.2) == []
        helped = part_of_screen(display)
        changed = np.any(helped != plain, axis=2)
        rows, there = np.nonzero(changed)
        assert rows.max() - rows.min() > 5 * letter_height((640, 480))
        assert abs((rows.max() + rows.min()) / 2 - 240) < 3
        assert abs((there.max() + there.min()) / 2 - 320) < 3
        press(display, "Escape")
        assert poll_for(window, 0.2) == []
        np.testing.assert_array_equal(window.screenshot(), plain)
        press(display, "Escape")
        assert poll_until(window, bool) == ["quit"]

    def test_full_screen_and_back(self, open_window: Callable[..., Window], display: VirtualDisplay) -> None:
        window = open_window()
        window.show(QUARTERS)
        target = display.client.find_window(TITLE)
        press(display, "f")
        # No window manager runs here, so the test does what one would.
        poll_until(window, lambda _: window.screenshot().shape == (700, 1000, 3))
        press(display, "F11")
        poll_until(window, lambda _: window.screenshot().shape == (480, 640, 3))
        press(display, "F11")
        poll_until(window, lambda _: window.screenshot().shape == (700, 1000, 3))
        press(display, "Escape")
        assert poll_until(window, lambda _: window.screenshot().shape == (480, 640, 3)) == []
        display.client.focus(target)
        press(display, "Escape")
        assert poll_until(window, bool) == ["quit"]

    def test_hidden_and_shown_again(self, open_window: Callable[..., Window], display: VirtualDisplay) -> None:
        window = open_window()
        window.show(QUARTERS)
        target = display.client.find_window(TITLE)
        display.client.hide(target)
        poll_for(window, 0.2)
        assert not display.screenshot().any()
        window.show(QUARTERS[:, ::-1])
        display.client.unhide(target)
        poll_for(window, 0.2)
        assert centres(part_of_screen(display)) == [GREEN, RED, (255, 255, 255), BLUE]

    def test_panels_are_drawn_over_the_picture(
        self, open_window: Callable[..., Window], display: VirtualDisplay
    ) -> None:
        window = open_window()
        grey = np.full((480, 640, 3), 128, np.uint8)
        panels = [
            Panel(("yellow",), "top left", colour=(255, 255, 0)),
            Panel(("cyan\t1", "cyan\t22"), "top right", colour=(0, 255, 255)),
            Panel(("magenta " * 30,), "bottom", 1.5, colour=(255, 0, 255)),
        ]
        window.show(grey, panels)
        seen = part_of_screen(display).astype(int)
        for colour, rows, columns_ in (
            ((255, 255, 0), slice(0, 60), slice(0, 200)),
            ((0, 255, 255), slice(0, 90), slice(440, 640)),
            ((255, 0, 255), slice(240, 480), slice(0, 640)),
        ):
            is_lettered = np.abs(seen - colour).max(axis=2) < 40
            assert is_lettered.sum() > 40
            assert is_lettered[rows, columns_].sum() == is_lettered.sum()
        window.show(grey)
        assert np.all(part_of_screen(display) == 128)

    def test_text_reads_the_same_on_any_picture(self, open_window: Callable[..., Window]) -> None:
        """The ground of a panel darkens what is behind it, so that white letters are seen on white."""
        window = open_window((640, 480))
        window.show(np.full((480, 640, 3), 255, np.uint8), [Panel(("level",))])
        seen = window.screenshot()[:60, :100].min(axis=2)
        assert 80 < np.median(seen[10:20, 10:20]) < 130

    def test_accents_and_ligatures_have_letters_of_their_own(self, open_window: Callable[..., Window]) -> None:
        window = open_window((640, 480))
        texts = [*"éèêëüöäñßœæçåøłžřąőşğıİ¿¡«»“”’…—", "no such character: \U000e0fff"]
        drawn = []
        for text in texts:
            window.show(np.zeros((480, 640, 3), np.uint8), [Panel((text,), size=3.0)])
            drawn.append(window.screenshot()[:160].tobytes())
        assert len(set(drawn)) == len(texts)

    def test_any_text_can_be_shown(self, open_window: Callable[..., Window]) -> None:
        window = open_window((640, 480))
        odd = ("", "\u200b", "麦克风 🎤 مرحبا", "a\0b\tc\ud800", "x" * 300)
        window.show(QUARTERS, [Panel((text,), "middle", size) for text in odd for size in (0.01, 1, 20)])
        window.show(QUARTERS, [Panel(())])

    def test_long_text_shrinks_until_it_fits(self, open_window: Callable[..., Window]) -> None:
        import pygame

        open_window()
        lettering = Lettering(pygame)
        text = "Where were you while we were away? " * 30
        for window in ((640, 480), (300, 900), (1920, 300)):
            width, height = lettering.draw(Panel((text,), "middle", 4.0), window).get_size()
            assert width <= window[0]
            assert height <= window[1]

    def test_what_was_drawn_is_kept_but_not_for_ever(
        self, open_window: Callable[..., Window], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import pygame

        open_window()
        open_font, panels, fonts = pygame.font.Font, WeakSet[Any](), WeakSet[Any]()

        def remember(*arguments: Any) -> Any:
            font = open_font(*arguments)
            fonts.add(font)
            return font

        monkeypatch.setattr(pygame.font, "Font", remember)
        lettering = Lettering(pygame)
        first = lettering.draw(Panel(("0",)), (640, 480))
        assert lettering.draw(Panel(("0",)), (640, 480)) is first
        del first
        for index in range(200):
            panels.add(lettering.draw(Panel((str(index),), size=1 + index / 100), (640, 480)))
        assert 0 < len(panels) <= N_KEPT
        assert 0 < len(fonts) <= N_KEPT

    def test_windows_can_be_opened_one_after_the_other(
        self, open_window: Callable[..., Window], display: VirtualDisplay
    ) -> None:
        for _ in range(3):
            with open_window() as window:
                window.show(QUARTERS)
                assert part_of_screen(display).shape == (480, 640, 3)
        assert not display.screenshot().any()

    def test_an_unknown_key_is_refused(self, open_window: Callable[..., Window], display: VirtualDisplay) -> None:
        with pytest.raises(ValueError, match="unknown key"):
            open_window(keys=(Key("no such key", "x", "x"),))
        open_window().show(QUARTERS)

    @pytest.mark.parametrize(
        ("number", "expected"), [(signal.SIGINT, "KeyboardInterrupt"), (signal.SIGTERM, -signal.SIGTERM)]
    )
    def test_signals_stay_the_programs_own(self, display: VirtualDisplay, number: Signals, expected: int | str) -> None:
        """SDL would make a window's closing of them; nor does it open sound, or greet."""
        script = """
            import sys, time
            import numpy as np
            from hygiesync.devices.window import Window
            with Window("alone", (64, 64), []) as window:
                window.show(np.zeros((64, 64, 3), np.uint8))
                import pygame
                end = time.monotonic() + 30
                try:
                    print(pygame.mixer.get_init(), pygame.joystick.get_init(), flush=True)
                    while time.monotonic() < end:
                        for action in window.poll():
                            print(action, flush=True)
                        time.sleep(0.01)
                except KeyboardInterrupt:
                    print("KeyboardInterrupt")
        """
        with subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script)],
            env={**display.environment, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert present(process.stdout).readline() == "None False\n"
            process.send_signal(number)
            said, complained = process.communicate(timeout=30)
        assert complained == ""
        if isinstance(expected, str):
            assert (said, process.returncode) == (f"{expected}\n", 0)
        else:
            assert (said, process.returncode) == ("", expected)


def test_without_a_display_there_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    use_environment(monkeypatch, without_display())
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(MissingDependencyError, match="`has_window`") as raised:
        Window(TITLE, (320, 240), KEYS)
    assert raised.value.exit_code == 4
    assert "DISPLAY" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_display_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    use_environment(monkeypatch, without_display() | {"DISPLAY": ":4999"})
    with pytest.raises(MissingDependencyError, match="`has_window`") as raised:
        Window(TITLE, (320, 240), KEYS)
    assert "SDL can't open one" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert "SDL_VIDEODRIVER" not in os.environ


def test_without_pygame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pygame", None)
    monkeypatch.setenv("DISPLAY", ":4999")
    with pytest.raises(MissingDependencyError, match=r"pip install 'hygiesync\[live\]'"):
        Window(TITLE, (320, 240), KEYS)


def test_with_the_other_pygame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pygame", SimpleNamespace(version=SimpleNamespace(ver="2.6.1")))
    monkeypatch.setenv("DISPLAY", ":4999")
    with pytest.raises(MissingDependencyError, match=r"found pygame 2\.6\.1, .*`pip uninstall"):
        Window(TITLE, (320, 240), KEYS)


def test_naming_a_window_does_not_import_pygame() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys, hygiesync.devices.window; print('pygame' in sys.modules)"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"
