"""Extras: what each brings, and the one line that names a missing package with its command."""

import os
import subprocess
import sys
from configparser import ConfigParser
from importlib.metadata import packages_distributions
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement

from hygiesync import extras
from hygiesync.errors import MissingDependencyError
from hygiesync.extras import EXTRAS, imports_of, require
from hygiesync.media.audio import write_wav

SETUP = Path(__file__).parents[1] / "setup.cfg"

OPTIONAL = sorted({module for modules in EXTRAS.values() for module in modules})
"""What no command may import that only speaks."""

COMMAND_WITHOUT = """\
import sys


class Nowhere:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)


sys.meta_path.insert(0, Nowhere())
from hygiesync.apps.cli import main

sys.exit(main(sys.argv[1:]))
"""


def run_without(blocked: list[str], *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A command in a fresh interpreter that finds none of the blocked modules."""
    return subprocess.run(
        [sys.executable, "-c", COMMAND_WITHOUT.format(blocked=set(blocked)), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def distributions_of(extra: str, setup: ConfigParser) -> set[str]:
    """Names of what an extra installs, with those of the extras that it refers to."""
    names: set[str] = set()
    for line in setup["options.extras_require"][extra].split("\n"):
        if not line.strip() or line.startswith("#"):
            continue
        requirement = Requirement(line)
        if requirement.name == "hygiesync":
            names |= set().union(*(distributions_of(other, setup) for other in requirement.extras))
        else:
            names.add(requirement.name)
    return names


@pytest.fixture(scope="module")
def setup() -> ConfigParser:
    parser = ConfigParser(interpolation=None)
    parser.read(SETUP, encoding="utf-8")
    return parser


@pytest.mark.slow
@pytest.mark.parametrize("extra", EXTRAS)
def test_extras_name_the_modules_that_setup_cfg_installs(extra: str, setup: ConfigParser) -> None:
    owners = packages_distributions()
    wanted = distributions_of(extra, setup)
    for module in EXTRAS[extra]:
        assert wanted & set(owners[module]), f"{module}: not brought by the extra {extra}"
    if extra != "dev":  # the tools for developing are of no command's business
        unnamed = wanted - {owner for module in EXTRAS[extra] for owner in owners[module]}
        assert not unnamed, f"not named in EXTRAS: {unnamed}"


def test_all_is_everything_but_tools_and_what_has_another_licence(setup: ConfigParser) -> None:
    every = set().union(*(distributions_of(extra, setup) for extra in EXTRAS if extra not in ("dev", "piper")))
    assert distributions_of("all", setup) == every


def test_one_opencv_is_asked_for(setup: ConfigParser) -> None:
    core = {Requirement(line).name for line in setup["options"]["install_requires"].split("\n") if _is_one(line)}
    named = core.union(*(distributions_of(extra, setup) for extra in setup["options.extras_require"]))
    assert [name for name in named if name.startswith("opencv")] == ["opencv-contrib-python"]
    assert not core & {"torch", "mediapipe", "librosa", "scikit-learn", "scipy", "matplotlib"}


def _is_one(line: str) -> bool:
    return bool(line.strip()) and not line.startswith("#")


def test_every_missing_module_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    require("photo", "this")
    monkeypatch.setattr(extras, "is_there", lambda module: module not in ("torch", "onnx", "scipy"))
    with pytest.raises(MissingDependencyError) as caught:
        require("train", "training")
    assert str(caught.value) == (
        "training needs scipy, torch and onnx, which are not installed; run `pip install 'hygiesync[train]'`"
    )
    assert caught.value.exit_code == 4


def test_an_import_that_fails_for_another_reason_says_which(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "broken_module.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingDependencyError, match=r"libGL\.so\.1.*hygiesync\[photo\]"), imports_of("photo", "this"):
        import broken_module  # noqa: F401
    with pytest.raises(ValueError, match="mine"), imports_of("photo", "this"):
        raise ValueError("mine")


@pytest.mark.parametrize(
    ("arguments", "extra", "missing"),
    [
        (["train", "me.mp4", "--out", "models/me", "--i-have-consent"], "train", "torch"),
        (["photo", "me.png", "--out", "models/me", "--i-have-consent"], "photo", "mediapipe"),
        (["animate", "me.png", "me.mp4", "--out", "out.mp4", "--i-have-consent"], "photo", "mediapipe"),
        (["record", "me"], "record", "sounddevice"),
        (["demo"], "demo", "skimage"),
        (["devices"], "live", "sounddevice"),
        (["serve", "--folder", "server"], "serve", "aiohttp"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_command_without_its_packages_ends_in_one_line(
    arguments: list[str], extra: str, missing: str, tmp_path: Path
) -> None:
    done = run_without(OPTIONAL, *arguments, cwd=tmp_path)
    assert done.returncode == 4, done.stderr
    line = done.stderr.strip()
    assert "\n" not in line
    assert line.startswith("hygiesync: error: ")
    assert missing in line
    assert line.endswith(f"run `pip install 'hygiesync[{extra}]'`")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_speaking_needs_the_core_alone(avatar_directory: Path, tmp_path: Path) -> None:
    write_wav(tmp_path / "noise.wav", np.random.default_rng(0).normal(size=8000) * 0.1, 16_000)
    done = run_without(OPTIONAL, "render", avatar_directory, "noise.wav", "--out", "said.mp4", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "said.mp4").stat().st_size > 1000
    done = run_without(OPTIONAL, "say", avatar_directory, "Good.", "--out", "good.mp4", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (tmp_path / "a.onnx").touch()
    done = run_without(OPTIONAL, "say", avatar_directory, "No.", "--voice", "a.onnx", "--out", "no.mp4", cwd=tmp_path)
    assert (done.returncode, "hygiesync[piper]" in done.stderr) == (4, True)
    done = run_without(OPTIONAL, "live", avatar_directory, "--no-window", cwd=tmp_path)
    assert (done.returncode, "hygiesync[live]" in done.stderr) == (4, True)
    done = run_without(OPTIONAL, "evaluate", avatar_directory, "good.mp4", cwd=tmp_path)
    assert (done.returncode, "hygiesync[report]" in done.stderr) == (4, True)
