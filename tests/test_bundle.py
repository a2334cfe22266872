"""The bundle on disk: whole or absent, every byte accounted for, and each fault said in one line."""

import errno
import json
import os
import resource
import signal
import subprocess
import sys
import textwrap
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hygiesync.avatar.loading import load_avatar
from hygiesync.avatar.manifest import MANIFEST_NAME, SCHEMA_VERSION, Manifest, sha256_of
from hygiesync.avatar.template import FacePlaces
from hygiesync.avatar.video_avatar import VideoAvatar, save_idle
from hygiesync.building.bundle_writing import check_destination, write_bundle
from hygiesync.errors import InputError, UsageError

FILES = VideoAvatar.FILES
MANIFEST = Manifest(name="me", lookahead=8, width=64, height=48, fps="30000/1001")


def fill(folder: Path) -> None:
    for name in FILES:
        (folder / name).write_bytes(f"content of {name}".encode() * 20)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    write_bundle(tmp_path / "me", MANIFEST, FILES, fill)
    return tmp_path / "me"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def edited(bundle: Path, **changes: object) -> Path:
    """The bundle with some entries of its `avatar.json` changed; None takes them out."""
    entries = json.loads((bundle / MANIFEST_NAME).read_text()) | changes
    kept = {name: value for name, value in entries.items() if value is not None}
    (bundle / MANIFEST_NAME).write_text(json.dumps(kept))
    return bundle


def test_a_bundle_has_all_files_their_fingerprints_and_nothing_beside_it(bundle: Path) -> None:
    assert set(contents(bundle)) == {MANIFEST_NAME, *FILES}
    assert [path.name for path in bundle.parent.iterdir()] == ["me"]
    manifest = Manifest.read(bundle)
    assert manifest == replace(MANIFEST, files={name: sha256_of(bundle / name) for name in FILES})
    manifest.check_files(bundle, FILES)


def test_a_bundle_that_is_written_again_is_replaced(bundle: Path) -> None:
    write_bundle(bundle, replace(MANIFEST, name="you"), FILES, fill)
    assert Manifest.read(bundle).name == "you"
    assert [path.name for path in bundle.parent.iterdir()] == ["me"]


@pytest.mark.parametrize(
    "error",
    [ValueError("x"), InputError("x"), FileNotFoundError(2, "No such file", "video.mp4"), KeyboardInterrupt()],
)
def test_a_failing_fill_leaves_the_old_bundle_and_keeps_its_own_error(bundle: Path, error: BaseException) -> None:
    before = contents(bundle)

    def fail(folder: Path) -> None:
        (folder / FILES[0]).write_text("half")
        raise error

    with pytest.raises(type(error)) as raised:
        write_bundle(bundle, MANIFEST, FILES, fail)
    assert raised.value is error
    assert contents(bundle) == before
    assert [path.name for path in bundle.parent.iterdir()] == ["me"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_while_filling_is_said_of_the_bundle(bundle: Path, number: int) -> None:
    before = contents(bundle)

    def fail(folder: Path) -> None:
        raise OSError(number, os.strerror(number))

    with pytest.raises(InputError, match=rf"me: can't be written \({os.strerror(number)}\); free space"):
        write_bundle(bundle, MANIFEST, FILES, fail)
    assert contents(bundle) == before


def test_a_file_that_the_system_lets_grow_no_further_is_said_of_the_bundle(tmp_path: Path) -> None:
    """The system's own limit stands for a full disk: the write itself fails, in whatever writes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(InputError, match="me: can't be written"):
            write_bundle(tmp_path / "me", MANIFEST, FILES, save_large_places)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.iterdir())


def save_large_places(folder: Path) -> None:
    shapes = (1000,), (1000, 2, 3), (1000, 2), (1000, 90, 2), (1000,)
    save_idle(folder, FacePlaces(*map(np.zeros, shapes)))


def test_a_fill_that_forgets_a_file_makes_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="without"):
        write_bundle(tmp_path / "me", MANIFEST, FILES, lambda folder: (folder / FILES[0]).write_text("alone"))
    assert not list(tmp_path.iterdir())


def test_when_the_last_rename_fails_the_old_bundle_comes_back(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, rename = contents(bundle), Path.rename

    def fail_into_place(path: Path, target: Path) -> Path:
        if target == bundle and path.name.endswith(".partial"):
            raise OSError(5, "Input/output error")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail_into_place)
    with pytest.raises(InputError, match="Input/output error"):
        write_bundle(bundle, MANIFEST, FILES, fill)
    assert contents(bundle) == before


KILLED_WHILE_FILLING = """
    import os, signal, sys
    from pathlib import Path
    from hygiesync.building.bundle_writing import write_bundle
    from hygiesync.avatar.loading import load_avatar
    from hygiesync.avatar.video_avatar import VideoAvatar
    from hygiesync.avatar.manifest import Manifest

    def fill(folder):
        for name in VideoAvatar.FILES[:3]:
            (folder / name).write_bytes(b"half a bundle")
        os.kill(os.getpid(), signal.SIGKILL)

    manifest = Manifest(name="new", lookahead=8, width=64, height=48, fps="25")
    write_bundle(Path(sys.argv[1]), manifest, VideoAvatar.FILES, fill)
"""


@pytest.mark.parametrize("was_there", [False, True])
def test_a_kill_while_filling_leaves_nothing_broken_at_the_target(tmp_path: Path, was_there: bool) -> None:
    target = tmp_path / "me"
    if was_there:
        write_bundle(target, MANIFEST, FILES, fill)
    before = contents(target) if was_there else None
    script = textwrap.dedent(KILLED_WHILE_FILLING)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script, target], env=environment, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    if was_there:
        assert contents(target) == before
    else:
        with pytest.raises(InputError, match="nothing"):
            load_avatar(target)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"found nothing.*hygiesync train"):
        load_avatar(tmp_path / "nobody")


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "me").write_text("not a folder")
    with pytest.raises(InputError, match="found a file"):
        load_avatar(tmp_path / "me")


def test_a_folder_that_is_no_avatar(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no avatar\.json"):
        load_avatar(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3", '"avatar"', "{}", "\x00", '{"schema_version": 3}'])
def test_a_broken_manifest_is_said_to_be_damaged(bundle: Path, text: str) -> None:
    (bundle / MANIFEST_NAME).write_text(text)
    with pytest.raises(InputError, match=r"avatar\.json: is damaged"):
        Manifest.read(bundle)


def test_a_manifest_that_is_no_text(bundle: Path) -> None:
    (bundle / MANIFEST_NAME).write_bytes(b"\xff\xfe\x00{")
    with pytest.raises(InputError, match="damaged"):
        Manifest.read(bundle)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60))
def test_any_bytes_as_a_manifest_are_an_input_error(bundle: Path, content: bytes) -> None:
    (bundle / MANIFEST_NAME).write_bytes(content)
    with pytest.raises(InputError):
        Manifest.read(bundle)


@pytest.mark.parametrize("name", ["name", "lookahead", "width", "height", "fps"])
def test_missing_entries_are_said(bundle: Path, name: str) -> None:
    with pytest.raises(InputError, match="entries are missing"):
        Manifest.read(edited(bundle, **{name: None}))


@pytest.mark.parametrize("name", ["lookahead", "width", "height", "fps", "files"])
@pytest.mark.parametrize("value", [None, True, -1, 10**30, 0.5, "x", "1/0", [], [[]], {"a": 1}], ids=repr)
def test_entries_of_a_wrong_kind_are_damage(bundle: Path, name: str, value: object) -> None:
    entries = json.loads((bundle / MANIFEST_NAME).read_text()) | {name: value}
    (bundle / MANIFEST_NAME).write_text(json.dumps(entries))
    with pytest.raises(InputError, match="damaged"):
        Manifest.read(bundle)


@pytest.mark.parametrize("name", ["name", "consent", "synthetic_media_note", "sources", "training"])
@pytest.mark.parametrize("value", [None, 5, [5], [["a"]]], ids=repr)
def test_entries_that_are_shown_are_of_their_kind(bundle: Path, name: str, value: object) -> None:
    with pytest.raises(InputError, match="damaged"):
        Manifest.read(edited(bundle, **{name: [value]}))


def test_a_newer_schema_asks_for_a_newer_program(bundle: Path) -> None:
    with pytest.raises(InputError, match="install a newer hygiesync"):
        Manifest.read(edited(bundle, schema_version=SCHEMA_VERSION + 1))


@pytest.mark.parametrize("version", [0, "new", 1.5, []])
def test_another_schema_asks_for_training(bundle: Path, version: object) -> None:
    with pytest.raises(InputError, match="make the avatar again"):
        Manifest.read(edited(bundle, schema_version=version))


@pytest.mark.parametrize("changes", [{"hop_length": 200}, {"n_mels": 40}, {"rigid_landmarks": [1, 2]}])
def test_another_mel_clock_or_other_landmarks_are_refused(
    bundle: Path, changes: dict[str, int] | dict[str, list[int]]
) -> None:
    with pytest.raises(InputError, match="another mel clock or other landmarks"):
        Manifest.read(edited(bundle, **changes))


def test_entries_of_later_programs_are_passed_over(bundle: Path) -> None:
    assert asdict(Manifest.read(edited(bundle, mood="good"))) == asdict(Manifest.read(bundle))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(FILES), st.integers(0, 10**6), st.integers(1, 255))
def test_any_changed_byte_is_found_and_its_file_named(bundle: Path, name: str, place: int, change: int) -> None:
    path = bundle / name
    content = bytearray(path.read_bytes())
    content[place % len(content)] ^= change
    path.write_bytes(content)
    with pytest.raises(InputError, match=name):
        load_avatar(bundle)
    fill(bundle)
    Manifest.read(bundle).check_files(bundle, FILES)


@pytest.mark.parametrize("name", FILES)
def test_a_lost_or_shortened_file_is_named(bundle: Path, name: str) -> None:
    content = (bundle / name).read_bytes()
    (bundle / name).write_bytes(content[:-1])
    with pytest.raises(InputError, match=name):
        load_avatar(bundle)
    (bundle / name).unlink()
    with pytest.raises(InputError, match=rf"{name}: is missing"):
        load_avatar(bundle)


def test_files_that_are_whole_but_nonsense_are_an_input_error(bundle: Path) -> None:
    with pytest.raises(InputError, match="train the avatar again"):
        load_avatar(bundle)


def test_a_place_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("words")
    (tmp_path / "file").write_text("words")
    for taken in ("thesis", "file"):
        with pytest.raises(UsageError, match="no avatar"):
            check_destination(tmp_path / taken)


def test_a_new_an_empty_and_an_avatars_place_are_fine(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for free in (bundle, tmp_path / "empty", tmp_path / "new" / "deep"):
        check_destination(free)


def test_a_place_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("words")
    with pytest.raises(InputError, match="not a folder"):
        check_destination(tmp_path / "file" / "me")


@pytest.mark.parametrize("place", [".", "inner/.."])
def test_a_place_without_a_name_of_its_own_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError):
        check_destination(Path(place))
