"""Where things go in a window, pictures in other sizes, and what keys mean: all without a display."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hygiesync.devices.window import Key, Panel
from hygiesync.devices.window.keys import FULL_SCREEN, HELP, OWN_KEYS, help_lines, with_own_keys
from hygiesync.devices.window.layout import Rectangle, bars, columns, first_size, fit, letter_height, place, wrap
from hygiesync.devices.window.scaling import middle_square, resized
from hygiesync.devices.window.text import printable

SMALL_SIZES = st.tuples(st.integers(1, 200), st.integers(1, 200))
SIZES = st.tuples(st.integers(1, 8000), st.integers(1, 8000))
KEYS = (Key("m", "mute", "mute the sound"), Key("escape", "quit", "end"), Key("q", "quit", "end"))


# Where things go


@given(SIZES, SIZES)
def test_a_picture_keeps_its_shape_in_the_middle(picture: tuple[int, int], window: tuple[int, int]) -> None:
    found = fit(picture, window)
    assert 1 <= found.width <= window[0]
    assert 1 <= found.height <= window[1]
    exact = window[1] * picture[0] / picture[1], window[0] * picture[1] / picture[0]
    fills_width = found.width == window[0] and abs(found.height - max(1, exact[1])) <= 0.5
    fills_height = found.height == window[1] and abs(found.width - max(1, exact[0])) <= 0.5
    assert fills_width or fills_height
    assert abs((window[0] - found.width) - 2 * found.x) <= 1
    assert abs((window[1] - found.height) - 2 * found.y) <= 1


@given(SIZES, SMALL_SIZES)
def test_picture_and_bars_cover_the_window_once(picture: tuple[int, int], window: tuple[int, int]) -> None:
    covered = np.zeros((window[1], window[0]), int)
    inner = fit(picture, window)
    for part in (inner, *bars(inner, window)):
        covered[part.y : part.y + part.height, part.x : part.x + part.width] += 1
    assert np.all(covered == 1)
    assert len(bars(inner, window)) <= 2


@given(SIZES, SIZES)
def test_a_new_window_fits_its_desktop(picture: tuple[int, int], desktop: tuple[int, int]) -> None:
    width, height = first_size(picture, desktop)
    assert 1 <= width <= max(1, desktop[0] * 0.9)
    assert 1 <= height <= max(1, desktop[1] * 0.9)


@pytest.mark.parametrize(
    ("picture", "expected"),
    [((512, 512), (512, 512)), ((320, 240), (640, 480)), ((1280, 720), (1280, 720)), ((3840, 2160), (1728, 972))],
)
def test_a_new_window_on_an_ordinary_desktop(picture: tuple[int, int], expected: tuple[int, int]) -> None:
    assert first_size(picture, (1920, 1080)) == expected


def test_letters_grow_with_the_window() -> None:
    heights = [letter_height((16 * size, 9 * size)) for size in range(10, 300, 10)]
    assert heights == sorted(heights)
    assert heights[0] >= 11
    assert heights[-1] > 3 * heights[0]


@given(st.text("ab éß漢", max_size=60), st.integers(1, 20))
def test_wrapping_loses_nothing_but_spaces(line: str, width: int) -> None:
    lines = wrap(line, lambda text: len(text) <= width)
    assert lines
    assert all(len(part) <= width for part in lines)
    assert "".join(lines).replace(" ", "") == line.replace(" ", "")


def test_lines_break_between_words_and_long_words_inside() -> None:
    assert wrap("we were away", lambda text: len(text) <= 7) == ["we were", "away"]
    assert wrap("an incomprehensible", lambda text: len(text) <= 8) == ["an", "incompre", "hensible"]
    assert wrap("ab", lambda text: not text) == ["a", "b"]


def test_columns_begin_behind_the_widest_cell() -> None:
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
def test_panels_lie_in_their_corners_without_covering_each_other(panels: list[tuple[tuple[int, int], str]]) -> None:
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
def test_any_size_can_be_made_of_any(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    picture = np.full((size[1], size[0], 3), (10, 120, 250), np.uint8)
    made = resized(picture, wanted)
    assert made.shape == (wanted[1], wanted[0], 3)
    assert np.all(made == (10, 120, 250))


def test_shrinking_averages_and_stays_in_place() -> None:
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


def test_the_middle_square() -> None:
    picture = np.arange(5 * 9 * 3, dtype=np.uint8).reshape(5, 9, 3)
    np.testing.assert_array_equal(middle_square(picture), picture[:, 2:7])
    np.testing.assert_array_equal(middle_square(picture.transpose(1, 0, 2)), picture.transpose(1, 0, 2)[2:7])


def test_a_panel_in_no_corner_is_refused() -> None:
    with pytest.raises(ValueError, match="corner: expected one of top left"):
        Panel(("text",), "centre")


# What keys mean


def test_the_window_adds_its_own_keys() -> None:
    assert with_own_keys(KEYS) == (*KEYS, *OWN_KEYS)
    mine = (Key("return", FULL_SCREEN, "whole screen"),)
    assert [key.key for key in with_own_keys(mine) if key.action == FULL_SCREEN] == ["return"]


def test_a_key_with_two_actions_is_refused() -> None:
    with pytest.raises(ValueError, match="several: h, m"):
        with_own_keys([*KEYS, Key("m", "record", ""), Key("h", "hush", "")])
    with_own_keys([Key("h", "hush", ""), Key("f1", HELP, "help")])


def test_help_has_a_line_an_action() -> None:
    assert help_lines(KEYS) == ("M\tmute the sound", "Escape, Q\tend")


@pytest.mark.parametrize(
    ("text", "expected"), [("a\nb\r\nc", "a b c"), ("mi\0c", "mic"), ("\udce4x", "?x"), ("Müßig œ", "Müßig œ")]
)
def test_any_device_name_can_be_drawn(text: str, expected: str) -> None:
    assert printable(text) == expected
