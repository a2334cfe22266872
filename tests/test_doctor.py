"""The doctor: what it says when something is missing, and the description of an avatar."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import pytest

from hygiesync.apps import info
from hygiesync.apps.doctor import Check, abilities, diagnose, format_checks, has_failed, machine, models, packages
from hygiesync.apps.doctor.check import tried
from hygiesync.avatar.manifest import SCHEMA_VERSION
from hygiesync.errors import InputError, MissingDependencyError
from hygiesync.learning import speech_encoder

NUMPY = next(package for package in packages.PACKAGES if package.module == "numpy")
CV2 = next(package for package in packages.PACKAGES if package.module == "cv2")
AV = next(package for package in packages.PACKAGES if package.module == "av")
TORCH = next(package for package in packages.PACKAGES if package.module == "torch")


def raising(error: Exception) -> Callable[..., NoReturn]:
    def attempt(*_arguments: object, **_options: object) -> NoReturn:
        raise error

    return attempt


class Absence:
    """Finds a module by raising instead."""

    def __init__(self, name: str, error: ImportError) -> None:
        self.name, self.error = name, error

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == self.name:
            raise self.error


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes a module look as if it were not installed, or raise `error` on import."""

    def remove(name: str, error: ImportError | None = None) -> None:
        for loaded in [module for module in sys.modules if module == name or module.startswith(f"{name}.")]:
            monkeypatch.delitem(sys.modules, loaded)
        error = error or ModuleNotFoundError(f"No module named {name!r}", name=name)
        monkeypatch.setattr(sys, "meta_path", [Absence(name, error), *sys.meta_path])

    return remove


def test_a_machine_that_runs_the_tests_passes() -> None:
    checks = diagnose()
    assert not has_failed(checks), format_checks(checks)
    names = [check.name for check in checks]
    assert len(set(names)) == len(names)
    for name in ("Python", "numpy", "one OpenCV", "face mesh", "encoders", "PortAudio", "window", "espeak", "disk"):
        assert name in names
    json.dumps([asdict(check) for check in checks])


def test_every_failing_check_says_what_to_do() -> None:
    assert all(check.fix for check in diagnose() if not check.is_ok)


def test_only_required_checks_fail() -> None:
    optional, required = Check("a", False, False, "", "b"), Check("a", False, True, "", "b")
    fine = Check("a", True, True, "")
    assert not has_failed([fine, optional])
    assert has_failed([fine, optional, required])
    assert not has_failed([fine])


def test_text_shows_the_fix_and_a_verdict() -> None:
    fine, note = Check("fine", True, True, "1.0"), Check("odd", False, False, "is odd", "make it even")
    failed = Check("gone", False, True, "is gone", "fetch it")
    assert "all is well" in format_checks([fine])
    assert "-> make it even" in format_checks([fine, note])
    assert "hygiesync works here" in format_checks([fine, note])
    text = format_checks([fine, note, failed])
    assert "FAILED gone" in text
    assert "-> fetch it" in text
    assert "1 of 3 checks failed" in text


@pytest.mark.parametrize(("version", "is_ok"), [((3, 9), False), ((3, 10), True), ((3, 12), True), ((3, 13), False)])
def test_python_versions(monkeypatch: pytest.MonkeyPatch, version: tuple[int, int], is_ok: bool) -> None:
    monkeypatch.setattr(sys, "version_info", (*version, 1, "final", 0))
    check = packages.check_python()
    assert check.is_ok is is_ok
    assert ("3.11" in check.fix) is not is_ok


def test_numpy_2_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda name: "2.1.0")
    check = packages.check_package(NUMPY)
    assert not check.is_ok
    assert check.is_required
    assert "2.1.0" in check.detail
    assert "numpy<2" in check.fix


def test_old_torch_is_refused_and_a_local_version_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda name: "2.5.1+cpu")
    assert not packages.check_package(TORCH).is_ok
    monkeypatch.setattr(metadata, "version", lambda name: "2.13.0+cpu")
    assert packages.check_package(TORCH).is_ok


def test_version_of_a_module_without_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", unknown)
    assert packages.check_package(NUMPY).is_ok


def test_a_missing_package(without: Callable[..., None]) -> None:
    without("torch")
    check = packages.check_package(TORCH)
    assert not check.is_ok
    assert check.detail == "is not installed"
    assert not check.is_required
    assert "hygiesync[train]" in check.fix
    without("av")
    check = packages.check_package(AV)
    assert check.is_required
    assert "make install" in check.fix


def test_a_package_that_lacks_another(without: Callable[..., None]) -> None:
    without("torch", ModuleNotFoundError("No module named 'sympy'", name="sympy"))
    check = packages.check_package(TORCH)
    assert "can't be imported" in check.detail
    assert "sympy" in check.detail
    assert check.is_required


@pytest.mark.parametrize(("library", "package"), [("libGL.so.1", "libgl1"), ("libgthread-2.0.so.0", "libglib2.0-0")])
def test_missing_system_libraries_name_their_package(without: Callable[..., None], library: str, package: str) -> None:
    without("cv2", ImportError(f"{library}: cannot open shared object file: No such file or directory"))
    check = packages.check_package(CV2)
    assert not check.is_ok
    assert library in check.detail
    assert f"apt-get install -y {package}" in check.fix


@pytest.mark.parametrize(
    ("installed", "is_ok", "said"),
    [
        (["opencv-contrib-python"], True, ""),
        (["opencv-contrib-python", "opencv-python"], False, "pip uninstall -y opencv-contrib-python opencv-python"),
        (["OpenCV-Python-Headless"], False, "pip uninstall -y opencv-python-headless"),
        ([], False, "make install"),
    ],
)
def test_number_of_opencvs(monkeypatch: pytest.MonkeyPatch, installed: list[str], is_ok: bool, said: str) -> None:
    found = [SimpleNamespace(metadata={"Name": name}) for name in [*installed, "numpy", None]]
    monkeypatch.setattr(metadata, "distributions", lambda: found)
    check = packages.check_single_opencv()
    assert check.is_ok is is_ok
    assert said in check.fix


def test_a_detector_that_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    from hygiesync.face import landmarks

    monkeypatch.setattr(landmarks, "LandmarkDetector", raising(MissingDependencyError("needs mediapipe (libGL.so.1)")))
    check = tried("thing", True, abilities.find_face)
    assert not check.is_ok
    assert "libgl1" in check.fix


def test_a_detector_that_sees_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from hygiesync.face import landmarks

    monkeypatch.setattr(landmarks.LandmarkDetector, "detect", lambda self, image: None)
    check = tried("thing", True, abilities.find_face)
    assert not check.is_ok
    assert "no face" in check.detail


def test_a_detector_without_a_portrait_to_try(without: Callable[..., None]) -> None:
    without("skimage")
    check = tried("thing", True, abilities.find_face)
    assert check.is_ok
    assert "not tried" in check.detail
    portrait = abilities.open_portrait()
    assert not portrait.is_ok
    assert "hygiesync[demo]" in portrait.fix


def test_missing_encoders(monkeypatch: pytest.MonkeyPatch) -> None:
    from av.codec import codec

    class Poor:
        def __init__(self, name: str, mode: str) -> None:
            if name == "libx264":
                raise codec.UnknownCodecError(name)

    monkeypatch.setattr(codec, "Codec", Poor)
    check = tried("thing", True, abilities.find_encoders)
    assert not check.is_ok
    assert "libx264" in check.detail
    assert "aac" not in check.detail
    assert "pip install" in check.fix


def test_missing_espeak(without: Callable[..., None]) -> None:
    without("espeakng_loader")
    check = tried("espeak", False, abilities.speak)
    assert not check.is_ok
    assert not check.is_required
    assert "espeakng-loader" in check.detail


def test_a_small_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    import psutil

    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0}, raising=False)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1.5e9))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=0.3e9))
    checks = {check.name: check for check in machine.check_machine()}
    assert set(checks) == {"cores", "memory", "disk"}
    assert not any(check.is_ok or check.is_required for check in checks.values())
    assert "1.5 GB free, and 4 are advised" in checks["memory"].detail


def test_memory_without_psutil(without: Callable[..., None]) -> None:
    without("psutil")
    memory = next(check for check in machine.check_machine() if check.name == "memory")
    assert not memory.is_ok


def test_whatever_a_library_raises_becomes_a_check() -> None:
    check = tried("thing", True, raising(RuntimeError("first line\nsecond line")))
    assert (check.name, check.is_ok, check.is_required, check.detail) == ("thing", False, True, "first line")
    assert tried("thing", True, raising(ValueError())).detail == "ValueError"


def test_the_speech_encoder_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    check = models.check_speech_encoder()
    assert check.is_ok
    assert "weights" in check.detail
    lost = InputError(
        "hygiesync/weights/speech_encoder.safetensors: can't be read; get it back with git, or run `make generic`"
    )
    monkeypatch.setattr(speech_encoder.SpeechEncoder, "load", raising(lost))
    check = tried("speech encoder", False, models.check_speech_encoder)
    assert not check.is_ok
    assert check.fix == "get it back with git, or run `make generic`"


def test_avatars_are_looked_at(avatar_directory: Path, tmp_path: Path) -> None:
    assert [check.is_ok for check in models.check_avatars(tmp_path / "nowhere")] == [True]
    for name in ("good", "damaged", "nonsense"):
        shutil.copytree(avatar_directory, tmp_path / name)
    (tmp_path / "generic").mkdir()
    (tmp_path / "damaged" / "atlas.mkv").write_bytes(b"")
    (tmp_path / "nonsense" / "avatar.json").write_text("{")
    checks = {check.name: check for check in models.check_avatars(tmp_path)}
    assert set(checks) == {"avatar good", "avatar damaged", "avatar nonsense"}
    assert checks["avatar good"].is_ok
    assert "MB" in checks["avatar good"].detail
    for name, fix in (("damaged", "make it again"), ("nonsense", "make the avatar again")):
        check = checks[f"avatar {name}"]
        assert not check.is_ok
        assert not check.is_required
        assert fix in check.fix


def test_an_avatar_is_described(avatar_directory: Path) -> None:
    content = info.describe(avatar_directory)
    assert content["name"] == avatar_directory.name
    assert content["sources"][0]["name"] == "talker.mp4"
    assert content["duration_s"] > 8
    assert 0 < content["n_usable_frames"] <= content["n_frames"]
    assert content["n_components"] >= 8
    assert 0.9 < content["explained_variance"] <= 1
    assert content["lookahead_ms"] == 80
    assert "lip_distance_pct" in content["validation"]
    assert content["has_consent"]
    assert "Synthetic media" in content["synthetic_media_note"]
    assert content["n_bytes"] == sum(path.stat().st_size for path in avatar_directory.iterdir())
    assert content["schema_version"] == SCHEMA_VERSION
    json.dumps(content)


def test_a_description_reads_well(avatar_directory: Path) -> None:
    content = info.describe(avatar_directory)
    text = info.format_info(content)
    for word in ("talker.mp4", "components", "80 ms", "atlas.mkv", "MB", "Synthetic media"):
        assert word in text
    assert f"version {SCHEMA_VERSION}" in text
    assert "ask before" not in text
    without_consent = content | {"consent": "not stated", "has_consent": False}
    assert "ask before" in info.format_info(without_consent)


def test_an_avatar_that_records_little_is_described(avatar_directory: Path, tmp_path: Path) -> None:
    copied = tmp_path / "copy"
    shutil.copytree(avatar_directory, copied)
    manifest = json.loads((copied / "avatar.json").read_text())
    (copied / "avatar.json").write_text(json.dumps(manifest | {"training": {}, "sources": []}))
    content = info.describe(copied)
    assert content["n_components"] is None
    assert "?" in info.format_info(content)


@pytest.mark.parametrize("name", ["atlas.mkv", "face.safetensors", "weights.safetensors"])
def test_damage_is_reported(avatar_directory: Path, tmp_path: Path, name: str) -> None:
    copied = tmp_path / "copy"
    shutil.copytree(avatar_directory, copied)
    content = bytearray((copied / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copied / name).write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        info.describe(copied)
    (copied / name).unlink()
    with pytest.raises(InputError, match="missing"):
        info.describe(copied)


def test_no_avatar_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no avatar"):
        info.describe(tmp_path)
