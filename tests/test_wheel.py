"""The wheel: installed elsewhere, with only what it asks for, it trains, makes photos speak, and speaks."""

import shutil
import subprocess
from pathlib import Path
from zipfile import ZipFile

import cv2
import numpy as np
import pytest
import quick_training
import wheel
from skimage import data

from hygiesync.media.audio import write_wav
from hygiesync.synthetic.talker import make_talker

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheel.build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def full(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Programs of an environment that can train."""
    return wheel.install(built, tmp_path_factory.mktemp("full") / "venv", "train")


@pytest.fixture(scope="module")
def core(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Programs of an environment that can only speak."""
    return wheel.install(built, tmp_path_factory.mktemp("core") / "venv")


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder outside the checkout with a talker's video, a picture, a sound, and the program that trains quickly."""
    folder = tmp_path_factory.mktemp("elsewhere")
    make_talker(folder / "talker.mp4", sentences=4, size=256)
    cv2.imwrite(str(folder / "face.png"), data.astronaut()[:, :, ::-1])
    shutil.copy(quick_training.__file__, folder / "quick_training.py")
    write_wav(folder / "noise.wav", np.random.default_rng(0).normal(size=8000) * 0.1, 16_000)
    return folder


def hygiesync(programs: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return wheel.run(programs, "hygiesync", *arguments, cwd=folder)


def test_the_wheel_holds_the_package_whole(built: Path) -> None:
    with ZipFile(built) as archive:
        names = set(archive.namelist())
    package = wheel.ROOT / "hygiesync"
    files = {path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    expected = {path.relative_to(wheel.ROOT).as_posix() for path in files}
    assert {name for name in names if ".dist-info/" not in name} == expected
    assert {"hygiesync/py.typed", "hygiesync/weights/generic.onnx"} <= names


def test_what_is_imported_comes_from_the_wheel(core: Path, workplace: Path) -> None:
    said = wheel.run(core, "python", "-c", "import hygiesync; print(hygiesync.__file__)", cwd=workplace)
    assert Path(said.stdout.strip()).is_relative_to(core.parent), said
    version = hygiesync(core, workplace, "--version")
    assert (version.returncode, version.stderr) == (0, ""), version


def test_the_core_is_small_and_there_is_one_opencv(built: Path) -> None:
    core = {found.metadata["Name"].lower() for found in wheel.needed_distributions(built)}
    assert len(core) <= 13, core
    every = {found.metadata["Name"].lower() for found in wheel.needed_distributions(built, ("all", "dev"))}
    assert "mediapipe" in every
    assert {name for name in every if name.startswith("opencv")} == {"opencv-contrib-python"} & core


def test_a_wheel_trains_and_what_it_made_speaks_with_the_core_alone(full: Path, core: Path, workplace: Path) -> None:
    arguments = ["train", "talker.mp4", "--out", "models/talker", "--preset", "fast", "--i-have-consent"]
    trained = wheel.run(full, "python", "quick_training.py", *arguments, cwd=workplace)
    assert trained.returncode == 0, trained.stderr
    assert (workplace / "models/talker/report.html").is_file()
    for programs, out in ((full, "full.mp4"), (core, "core.mp4")):
        spoken = hygiesync(programs, workplace, "render", "models/talker", "noise.wav", "--out", out)
        assert spoken.returncode == 0, spoken.stderr
        assert (workplace / out).stat().st_size > 1000


def test_a_wheel_makes_photos_speak(full: Path, core: Path, workplace: Path) -> None:
    made = hygiesync(full, workplace, "photo", "face.png", "--out", "models/face", "--i-have-consent")
    assert made.returncode == 0, made.stderr
    spoken = hygiesync(core, workplace, "say", "models/face", "Good morning.", "--out", "photo.mp4")
    assert spoken.returncode == 0, spoken.stderr
    assert (workplace / "photo.mp4").stat().st_size > 1000


@pytest.mark.parametrize(
    ("extra", "arguments"),
    [
        ("train", ["train", "talker.mp4", "--out", "models/other", "--i-have-consent"]),
        ("photo", ["photo", "face.png", "--out", "models/other", "--i-have-consent"]),
        ("live", ["devices"]),
    ],
)
def test_the_core_alone_says_what_is_missing(core: Path, workplace: Path, extra: str, arguments: list[str]) -> None:
    done = hygiesync(core, workplace, *arguments)
    assert done.returncode == 4, done
    assert done.stderr.count("\n") == 1, done.stderr
    assert f"hygiesync[{extra}]" in done.stderr
