"""The window: where things go, what keys mean, and what a real window on a real display shows and hears."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from types import SimpleNamespace

import numpy as np
import pytest
from display import needs_display, use_environment, virtual_display, without_display
from hypothesis import given
from hypothesis import strategies as st

from hygiesync.apps.window import Key, Panel, Window
from hygiesync.apps.window.keys import FULL_SCREEN, HELP, OWN_KEYS, help_lines, with_own_keys
from hygiesync.apps.window.layout import Rectangle, bars, columns, first_size, fit, letter_height, place, wrap
from hygiesync.apps.window.lettering import Lettering, printable
from hygiesync.apps.window.scaling import middle_square, resized
from hygiesync.errors import MissingDependencyError

SMALL_SIZES = st.tuples(st.integers(1, 200), st.integers(1, 200))
SIZES = st.tuples(st.integers(1, 8000), st.integers(1, 8000))
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
QUARTERS = np.repeat(np.repeat(np.array([[RED, GREEN], [BLUE, (255, 255, 255)]], np.uint8), 120, axis=0), 160, axis=1)
"""320 x 240: red and green above, blue and white below."""

TITLE = "hygiesync: mé"
KEYS = (Key("m", "mute", "mute the sound"), Key("escape", "quit", "end"), Key("q", "quit", "end"))

device = [pytest.mark.device, needs_display]


def as_array(colour):
    return np.array(colour, np.uint8)


# Where things go


@given(SIZES, SIZES)
def test_a_picture_keeps_its_shape_in_the_middle(picture, window):
    found = fit(picture, window)
    assert 1 <= found.width <= window[0]
    assert 1 <= found.height <= window[1]
    assert found.width == window[0] or found.height == window[1]
    # Each side is within half a pixel of the exact shape, or cannot be smaller.
    if found.width == window[0]:
        assert abs(found.height - window[0] * picture[1] / picture[0]) <= 0.5 or found.height == 1
    if found.height == window[1]:
        assert (
            found.width == window[0]
            or abs(found.width - window[1] * picture[0] / picture[1]) <= 0.5
            or (found.width == 1)
        )
    assert abs((window[0] - found.width) - 2 * found.x) <= 1
    assert abs((window[1] - found.height) - 2 * found.y) <= 1


@given(SIZES, SMALL_SIZES)
def test_picture_and_bars_cover_the_window_once(picture, window):
    covered = np.zeros((window[1], window[0]), int)
    inner = fit(picture, window)
    for part in (inner, *bars(inner, window)):
        covered[part.y : part.y + part.height, part.x : part.x + part.width] += 1
    assert np.all(covered == 1)
    assert len(bars(inner, window)) <= 2


@given(SIZES, SIZES)
def test_a_new_window_fits_its_desktop(picture, desktop):
    width, height = first_size(picture, desktop)
    assert 1 <= width <= max(1, desktop[0] * 0.9)
    assert 1 <= height <= max(1, desktop[1] * 0.9)


@pytest.mark.parametrize(
    ("picture", "expected"),
    [((512, 512), (512, 512)), ((320, 240), (640, 480)), ((1280, 720), (1280, 720)), ((3840, 2160), (1728, 972))],
)
def test_a_new_window_on_an_ordinary_desktop(picture, expected):
    assert first_size(picture, (1920, 1080)) == expected


def test_letters_grow_with_the_window():
    heights = [letter_height((16 * size, 9 * size)) for size in range(10, 300, 10)]
    assert heights == sorted(heights)
    assert heights[0] >= 11
    assert heights[-1] > 3 * heights[0]


@given(st.text("ab éß漢", max_size=60), st.integers(1, 20))
def test_wrapping_loses_nothing_but_spaces(line, width):
    lines = wrap(line, lambda text: len(text) <= width)
    assert lines
    assert all(len(part) <= width for part in lines)
    assert "".join(lines).replace(" ", "") == line.replace(" ", "")


def test_lines_break_between_words_and_long_words_inside():
    assert wrap("we were away", lambda text: len(text) <= 7) == ["we were", "away"]
    assert wrap("an incomprehensible", lambda text: len(text) <= 8) == ["an", "incompre", "hensible"]
    assert wrap("ab", lambda text: not text) == ["a", "b"]


def test_columns_begin_behind_the_widest_cell():
    assert columns([[10, 5], [30], [20, 5, 1]], gap=4) == [0, 24, 33]
    assert columns([], gap=4) == []


@given(
    st.lists(
        st.tuples(
            st.tuples(st.integers(1, 90), st.integers(1, 30)), st.sampled_from(["top left", "top right", "bottom"])
        ),
        max_size=6,
    )
)
def test_panels_lie_in_their_corners_without_covering_each_other(panels):
    sizes, corners = [size for size, _ in panels], [corner for _, corner in panels]
    window, margin = (400, 500), 7
    found = [Rectangle(x, y, *size) for (x, y), size in zip(place(sizes, corners, window, margin), sizes, strict=True)]
    for one, corner in zip(found, corners, strict=True):
        assert margin <= one.x <= window[0] - margin - one.width
        assert margin <= one.y <= window[1] - margin - one.height
        assert {"top left": one.x == margin, "top right": one.x + one.width == window[0] - margin}.get(corner, True)
    taken = np.zeros((window[1], window[0]), int)
    for one in found:
        taken[one.y : one.y + one.height, one.x : one.x + one.width] += 1
    assert taken.max(initial=0) <= 1
    below = [one for one, corner in zip(found, corners, strict=True) if corner == "bottom"]
    assert not below or below[-1].y + below[-1].height == window[1] - margin


@given(SMALL_SIZES, SMALL_SIZES)
def test_any_size_can_be_made_of_any(size, wanted):
    picture = np.full((size[1], size[0], 3), (10, 120, 250), np.uint8)
    made = resized(picture, wanted)
    assert made.shape == (wanted[1], wanted[0], 3)
    assert np.all(made == (10, 120, 250))


def test_shrinking_averages_and_stays_in_place():
    """A fine chequerboard becomes grey, not black or white; what is in the middle stays there."""
    board = (np.indices((720, 1280)).sum(axis=0) % 2 * 255).astype(np.uint8)[..., None].repeat(3, axis=2)
    for size in ((640, 360), (320, 180), (300, 169)):
        assert np.all(abs(resized(board, size).astype(int) - 127) <= 1)
    spot = np.zeros((720, 1280, 3), np.uint8)
    spot[300:420, 560:720] = 255
    for size in ((1000, 562), (501, 281), (123, 69)):
        rows, columns_ = np.nonzero(resized(spot, size)[..., 0] > 127)
        assert abs((rows.mean() + 0.5) / size[1] - 0.5) < 0.01
        assert abs((columns_.mean() + 0.5) / size[0] - 0.5) < 0.01


def test_the_middle_square():
    picture = np.arange(5 * 9 * 3, dtype=np.uint8).reshape(5, 9, 3)
    np.testing.assert_array_equal(middle_square(picture), picture[:, 2:7])
    np.testing.assert_array_equal(middle_square(picture.transpose(1, 0, 2)), picture.transpose(1, 0, 2)[2:7])


def test_a_panel_in_no_corner_is_refused():
    with pytest.raises(ValueError, match="corner: expected one of top left"):
        Panel(("text",), "top")


# What keys mean


def test_the_window_adds_its_own_keys():
    assert with_own_keys(KEYS) == (*KEYS, *OWN_KEYS)
    mine = (Key("return", FULL_SCREEN, "whole screen"),)
    assert [key.key for key in with_own_keys(mine) if key.action == FULL_SCREEN] == ["return"]


def test_a_key_with_two_actions_is_refused():
    with pytest.raises(ValueError, match="several: h, m"):
        with_own_keys([*KEYS, Key("m", "record", ""), Key("h", "hush", "")])
    with_own_keys([Key("h", "hush", ""), Key("f1", HELP, "help")])


def test_help_has_a_line_an_action():
    assert help_lines(KEYS) == ("M\tmute the sound", "Escape, Q\tend")


@pytest.mark.parametrize(
    ("text", "expected"), [("a\nb\r\nc", "a b c"), ("mi\0c", "mic"), ("\udce4x", "?x"), ("Müßig œ", "Müßig œ")]
)
def test_any_device_name_can_be_drawn(text, expected):
    assert printable(text) == expected


# A real window


@pytest.fixture(scope="module")
def display(tmp_path_factory):
    with virtual_display(tmp_path_factory.mktemp("display"), (1000, 700)) as running:
        yield running


@pytest.fixture
def open_window(display, monkeypatch):
    """Opens the one window of a test on the display."""
    use_environment(monkeypatch, display.environment)
    opened = []

    def open_it(picture_size=(320, 240), keys=KEYS, **options):
        opened.append(Window(TITLE, picture_size, keys, **options))
        return opened[-1]

    yield open_it
    for window in opened:
        window.close()


def poll_until(window, is_done, timeout_s=20):
    """Poll as a program does until something has come; give all actions."""
    actions, end = [], time.monotonic() + timeout_s
    while not is_done(actions):
        assert time.monotonic() < end, f"waited in vain; actions so far: {actions}"
        actions += window.poll()
        time.sleep(0.005)
    return actions


def poll_for(window, seconds):
    end = time.monotonic() + seconds
    return poll_until(window, lambda _: time.monotonic() > end, seconds + 20)


def part_of_screen(display, window):
    """The rectangle of the screen that the window covers, which all else leaves black."""
    screen = display.screenshot()
    rows, there = np.nonzero(screen.any(axis=2))
    return screen[rows.min() : rows.max() + 1, there.min() : there.max() + 1]


def centres(picture):
    """Colours in the middle of the four quarters: above from the left, then below."""
    height, width = picture.shape[:2]
    return [tuple(int(one) for one in picture[height * y // 4, width * x // 4]) for y in (1, 3) for x in (1, 3)]


class TestOnADisplay:
    pytestmark = device

    def test_a_picture_arrives_with_its_colours_and_shape(self, open_window, display):
        window = open_window()
        window.show(QUARTERS)
        seen = part_of_screen(display, window)
        assert seen.shape == (480, 640, 3)
        assert centres(seen) == [RED, GREEN, BLUE, (255, 255, 255)]
        np.testing.assert_array_equal(window.screenshot(), seen)

    def test_every_pixel_arrives(self, open_window, display):
        picture = np.random.default_rng(0).integers(1, 256, (500, 602, 3), np.uint8)
        window = open_window((602, 500))
        window.show(picture)
        np.testing.assert_array_equal(part_of_screen(display, window), picture)

    def test_mirrored(self, open_window, display):
        window = open_window(mirror=True)
        window.show(QUARTERS)
        assert centres(part_of_screen(display, window)) == [GREEN, RED, (255, 255, 255), BLUE]
        press(display, "x")
        assert poll_for(window, 0.2) == []
        assert centres(part_of_screen(display, window)) == [RED, GREEN, BLUE, (255, 255, 255)]

    def test_another_size_gets_bars(self, open_window, display):
        window = open_window()
        window.show(QUARTERS)
        display.client.resize(display.client.find_window(TITLE), 900, 240)
        poll_until(window, lambda _: window.screenshot().shape == (240, 900, 3))
        picture = window.screenshot()
        assert centres(picture[:, 290:610]) == [RED, GREEN, BLUE, (255, 255, 255)]
        assert not picture[:, :290].any()
        assert not picture[:, 610:].any()
        assert part_of_screen(display, window).shape == (240, 320, 3)

    def test_pictures_of_another_size_are_shown_too(self, open_window, display):
        window = open_window()
        window.show(QUARTERS)
        window.show(QUARTERS[:, :160])
        assert centres(part_of_screen(display, window)) == [RED, RED, BLUE, BLUE]

    def test_keys_are_heard_once(self, open_window, display):
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

    def test_a_held_key_counts_once(self, open_window, display):
        """The display repeats it after 0.66 s."""
        window = open_window()
        window.show(QUARTERS)
        press(display, "m", hold_s=1.0)
        press(display, "q")
        assert poll_until(window, lambda actions: "quit" in actions) == ["mute", "quit"]

    def test_letters_of_another_alphabet_are_keys_by_their_place(self, open_window):
        import pygame

        window = open_window()
        russian = {"key": ord("ь"), "scancode": pygame.KSCAN_M, "mod": 0, "unicode": "ь"}
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, russian))
        # A French keyboard has its comma where others have their m.
        french = {"key": ord(","), "scancode": pygame.KSCAN_M, "mod": 0, "unicode": ","}
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, french))
        assert window.poll() == ["mute"]

    def test_closing_means_quit(self, open_window, display):
        window = open_window()
        window.show(QUARTERS)
        display.client.ask_to_close(display.client.find_window(TITLE))
        assert poll_until(window, bool) == ["quit"]
        window.show(QUARTERS)  # it stays until the program closes it
        window.close()
        window.close()

    def test_help_lists_the_keys_until_escape(self, open_window, display):
        window = open_window()
        window.show(QUARTERS)
        plain = window.screenshot()
        press(display, "h")
        assert poll_for(window, 0.2) == []
        helped = part_of_screen(display, window)
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

    def test_full_screen_and_back(self, open_window, display):
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

    def test_hidden_and_shown_again(self, open_window, display):
        window = open_window()
        window.show(QUARTERS)
        target = display.client.find_window(TITLE)
        display.client.hide(target)
        poll_for(window, 0.2)
        assert not display.screenshot().any()
        window.show(QUARTERS[:, ::-1])
        display.client.unhide(target)
        poll_for(window, 0.2)
        assert centres(part_of_screen(display, window)) == [GREEN, RED, (255, 255, 255), BLUE]

    def test_panels_are_drawn_over_the_picture(self, open_window, display):
        window = open_window()
        grey = np.full((480, 640, 3), 128, np.uint8)
        panels = [
            Panel(("yellow",), "top left", colour=(255, 255, 0)),
            Panel(("cyan\t1", "cyan\t22"), "top right", colour=(0, 255, 255)),
            Panel(("magenta " * 30,), "bottom", 1.5, colour=(255, 0, 255)),
        ]
        window.show(grey, panels)
        seen = part_of_screen(display, window).astype(int)
        for colour, rows, columns_ in (
            ((255, 255, 0), slice(0, 60), slice(0, 200)),
            ((0, 255, 255), slice(0, 90), slice(440, 640)),
            ((255, 0, 255), slice(240, 480), slice(0, 640)),
        ):
            is_lettered = np.abs(seen - colour).max(axis=2) < 40
            assert is_lettered.sum() > 40
            assert is_lettered[rows, columns_].sum() == is_lettered.sum()
        window.show(grey)
        assert np.all(part_of_screen(display, window) == 128)

    def test_text_reads_the_same_on_any_picture(self, open_window):
        """The ground of a panel darkens what is behind it, so that white letters are seen on white."""
        window = open_window((640, 480))
        window.show(np.full((480, 640, 3), 255, np.uint8), [Panel(("level",))])
        seen = window.screenshot()[:60, :100].min(axis=2)
        assert 80 < np.median(seen[10:20, 10:20]) < 130

    def test_accents_and_ligatures_have_letters_of_their_own(self, open_window):
        window = open_window((640, 480))
        texts = [*"éèêëüöäñßœæçåøłžřąőşğıİ¿¡«»“”’…—", "no such character: \U000e0fff"]
        drawn = []
        for text in texts:
            window.show(np.zeros((480, 640, 3), np.uint8), [Panel((text,), size=3.0)])
            drawn.append(window.screenshot()[:160].tobytes())
        assert len(set(drawn)) == len(texts)

    def test_any_text_can_be_shown(self, open_window):
        window = open_window((640, 480))
        odd = ("", "\u200b", "麦克风 🎤 مرحبا", "a\0b\tc\ud800", "x" * 300)
        window.show(QUARTERS, [Panel((text,), "middle", size) for text in odd for size in (0.01, 1, 20)])
        window.show(QUARTERS, [Panel(())])

    def test_long_text_shrinks_until_it_fits(self, open_window):
        import pygame

        open_window()
        lettering = Lettering(pygame)
        text = "Where were you while we were away? " * 30
        for window in ((640, 480), (300, 900), (1920, 300)):
            width, height = lettering.draw(Panel((text,), "middle", 4.0), window).get_size()
            assert width <= window[0]
            assert height <= window[1]

    def test_what_was_drawn_is_kept_but_not_for_ever(self, open_window):
        import pygame

        open_window()
        lettering = Lettering(pygame)
        first = lettering.draw(Panel(("0",)), (640, 480))
        assert lettering.draw(Panel(("0",)), (640, 480)) is first
        for index in range(200):
            lettering.draw(Panel((str(index),), size=1 + index / 100), (640, 480))
        assert len(lettering._panels) <= 32
        assert len(lettering._fonts) <= 32

    def test_windows_can_be_opened_one_after_the_other(self, open_window, display):
        for _ in range(3):
            with open_window() as window:
                window.show(QUARTERS)
                assert part_of_screen(display, window).shape == (480, 640, 3)
        assert not display.screenshot().any()

    def test_an_unknown_key_is_refused(self, open_window, display):
        with pytest.raises(ValueError, match="unknown key"):
            open_window(keys=(Key("no such key", "x", "x"),))
        open_window().show(QUARTERS)

    @pytest.mark.parametrize(
        ("number", "expected"), [(signal.SIGINT, "KeyboardInterrupt"), (signal.SIGTERM, -signal.SIGTERM)]
    )
    def test_signals_stay_the_programs_own(self, display, number, expected):
        """SDL would make a window's closing of them; nor does it open sound, or greet."""
        script = """
            import sys, time
            import numpy as np
            from hygiesync.apps.window import Window
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
            assert process.stdout.readline() == "None False\n"
            process.send_signal(number)
            said, complained = process.communicate(timeout=30)
        assert complained == ""
        if isinstance(expected, str):
            assert (said, process.returncode) == (f"{expected}\n", 0)
        else:
            assert (said, process.returncode) == ("", expected)


def press(display, key, hold_s=0.0):
    """Press a key with the window in focus, as a window manager would have it."""
    display.client.focus(display.client.find_window(TITLE))
    display.client.press(key, hold_s)


# Where there is no window


def test_without_a_display_there_is_one_clear_line(monkeypatch):
    use_environment(monkeypatch, without_display())
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(MissingDependencyError, match="--no-window") as raised:
        Window(TITLE, (320, 240), KEYS)
    assert raised.value.exit_code == 4
    assert "DISPLAY" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_display_that_does_not_answer(monkeypatch):
    use_environment(monkeypatch, without_display() | {"DISPLAY": ":4999"})
    with pytest.raises(MissingDependencyError, match="--no-window") as raised:
        Window(TITLE, (320, 240), KEYS)
    assert "SDL can't open one" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert "SDL_VIDEODRIVER" not in os.environ


def test_without_pygame(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygame", None)
    monkeypatch.setenv("DISPLAY", ":4999")
    with pytest.raises(MissingDependencyError, match="pip install pygame-ce"):
        Window(TITLE, (320, 240), KEYS)


def test_with_the_other_pygame(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygame", SimpleNamespace(version=SimpleNamespace(ver="2.6.1")))
    monkeypatch.setenv("DISPLAY", ":4999")
    with pytest.raises(MissingDependencyError, match=r"found pygame 2\.6\.1, .*`pip uninstall"):
        Window(TITLE, (320, 240), KEYS)


def test_naming_a_window_does_not_import_pygame():
    done = subprocess.run(
        [sys.executable, "-c", "import sys, hygiesync.apps.window; print('pygame' in sys.modules)"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"
