"""The library speaks of parameters, the command line of options."""

import ast
import re
from pathlib import Path

import pytest

import hygiesync
from hygiesync.apps.cli import build_parser, main
from hygiesync.apps.commands.common import option_names
from hygiesync.plain_text import with_parameters_as

PACKAGE = Path(hygiesync.__file__).parent
LIBRARY = sorted(path for path in PACKAGE.rglob("*.py") if "apps" not in path.relative_to(PACKAGE).parts)

OPTION = re.compile(r"(?<![\w|-])--[a-z][\w-]*")
OF_OTHERS = re.compile(r"`(pip|apt|git) [^`]*`|^--\w+$")
"""Options of other programs: in a remedy to be typed, or handed to one."""


def options_spoken_of(source: str) -> list[str]:
    texts = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
    return [found for text in texts if isinstance(text, str) for found in OPTION.findall(OF_OTHERS.sub("", text))]


@pytest.mark.parametrize("module", LIBRARY, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_library_module_speaks_of_options(module: Path) -> None:
    assert options_spoken_of(module.read_text(encoding="utf-8")) == []


def test_options_are_found_where_there_are_some() -> None:
    source = '''raise E(f"{out}: choose another --out, {x} or --fix-offset")\n"""For ``--json``."""\nrun(["--setf"])'''
    assert sorted(options_spoken_of(source)) == ["--fix-offset", "--json", "--out"]


def test_parameters_become_what_the_reader_knows_them_by() -> None:
    text = "`fps`: expected 1 to 240, got 0; or leave out `still`, see `hygiesync render` and `other`"
    expected = "--fps: expected 1 to 240, got 0; or leave out the field still, see `hygiesync render` and `other`"
    assert with_parameters_as({"fps": "--fps", "still": "the field still"}, text) == expected


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "a.mp4", "--out", "{}/me", "--lookahead-ms", "900"], "--lookahead-ms: expected 0 to 200 ms"),
        (["train", "a.mp4", "--out", "{}/file"], "file: is there already and is no avatar; choose another --out"),
        (["train", "a.mp4", "--out", "{}/me", "--words", "a.csv", "--words", "b.csv"], "--words: expected once for"),
        (["photo", "a.jpg", "--out", "{}/me", "--max-side", "3"], "--max-side: expected"),
        (["animate", "{}/file", "{}/file", "--out", "{}/o.mp4", "--method", "magic"], "--method: expected one of mesh"),
        (["animate", "{}/file", "{}/file", "--out", "{}/o.mp4", "--only", "ears"], "--only: expected some of"),
        (["render", "{}/me", "a.wav", "--out", "{}/o.mp4", "--fps", "0"], "--fps: expected a frame rate of 1 to 240"),
        (["live", "{}/me", "--no-window", "--fps", "x"], "--fps: expected a frame rate such as 25"),
        (["bench", "{}/me", "--size", "huge"], "--size: expected WIDTHxHEIGHT"),
    ],
)
def test_the_command_line_names_options(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    (tmp_path / "file").write_text("not ours")
    assert main([argument.format(tmp_path) for argument in arguments]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("hygiesync: error: ")]
    assert words in line
    assert "`" not in line


@pytest.mark.parametrize(
    ("command", "parameters"),
    [
        (
            ["train", "v.mp4", "--out", "me"],
            {"has_consent": "--i-have-consent", "videos": "VIDEO"},
        ),
        (
            ["animate", "a", "b", "--out", "c.mp4"],
            {"adapts_scale": "--adapt-scale", "swaps": "--swap"},
        ),
        (["live", "me"], {"has_window": "--no-window", "record": "--record", "duration_s": "--duration"}),
        (["render", "me", "a.wav", "--out", "c.mp4"], {"preset": "--encoder-preset", "avatar": "AVATAR"}),
    ],
)
def test_an_arguments_dest_is_the_librarys_name(command: list[str], parameters: dict[str, str]) -> None:
    names = option_names(build_parser().parse_args(command).parser)
    assert parameters.items() <= names.items()
