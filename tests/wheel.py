"""A wheel of the checkout, and environments that hold it with just the packages that it asks for.

Nothing is fetched: the packages come from the environment that the tests run in, each by links to its own files. So
whatever setup.cfg forgets is not there, and no environment takes longer than a second.
"""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from importlib.metadata import Distribution, PathDistribution, distribution
from pathlib import Path
from zipfile import Path as ZipPath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
SOURCES = ("hygiesync", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")


def build_wheel(folder: Path) -> Path:
    """Build the checkout's wheel out of a copy of what it is made from, so that nothing is left in the checkout."""
    copy = folder / "source"
    copy.mkdir()
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)
    _pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder), str(copy))
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(wheel: Path, folder: Path, *extras: str) -> Path:
    """A new environment with the wheel and what its core and some extras ask for; gives the folder of its programs."""
    venv.create(folder, with_pip=False, symlinks=True)
    programs = folder / "bin"
    _pip("--python", str(programs / "python"), "install", "--no-deps", "--no-index", "--quiet", str(wheel))
    (packages,) = folder.glob("lib/python*/site-packages")
    for needed in needed_distributions(wheel, extras):
        for name in {Path(file).parts[0] for file in needed.files or ()} - {"..", "__pycache__"}:
            link = packages / name
            if not link.exists():
                link.symlink_to(Path(str(needed.locate_file(name))))
    return programs


def needed_distributions(wheel: Path, extras: tuple[str, ...] = ()) -> list[Distribution]:
    """What a wheel's metadata asks for, directly or not, as it is installed here."""
    (info,) = (entry for entry in ZipPath(wheel).iterdir() if entry.name.endswith(".dist-info"))
    found: dict[str, Distribution] = {}
    wanted: set[tuple[str, str]] = set()
    queue = [(PathDistribution(info), extra) for extra in ("", *extras)]
    while queue:
        owner, extra = queue.pop()
        for requirement in _requirements(owner, extra):
            name = canonicalize_name(requirement.name)
            for wish in ("", *requirement.extras):
                if (name, wish) not in wanted:
                    wanted.add((name, wish))
                    is_own = name == "hygiesync"
                    found |= {} if is_own else {name: distribution(name)}
                    queue.append((PathDistribution(info) if is_own else found[name], wish))  # type: ignore[arg-type]
    return list(found.values())


def _requirements(owner: Distribution, extra: str) -> Iterator[Requirement]:
    for line in owner.requires or ():
        requirement = Requirement(line)
        if requirement.marker is None:
            if not extra:
                yield requirement
        elif requirement.marker.evaluate({"extra": extra}):
            yield requirement


def run(programs: Path, *command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A program of the environment, which sees nothing of the checkout."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV_"))}
    return subprocess.run(
        [str(programs / command[0]), *command[1:]],
        env=environment,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def _pip(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", *arguments], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
