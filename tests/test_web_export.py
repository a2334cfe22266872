"""An avatar's folder for the web: whole, as small as asked for, and its runtime hears and chooses as Python does."""

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from web_export import exported_for_web, onnxruntime_package

from hygiesync.apps.cli import main
from hygiesync.avatar.loading import load_avatar
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.exporting.web.coverage import choose_runs
from hygiesync.exporting.web.onnxruntime_web import VERSION
from hygiesync.exporting.web.packs import pack
from hygiesync.exporting.web.reference import speech_reference
from hygiesync.media.audio import read_audio
from hygiesync.version import __version__

NODE = shutil.which("node")
NODE_TESTS = sorted(str(path) for path in (Path(__file__).parent / "web").glob("*.test.js"))
RUNTIME = Path(__file__).parents[1] / "hygiesync" / "web"


@pytest.fixture(scope="module")
def exported(shared_folder: Path, avatar_directory: Path) -> Path:
    """An export; not to be changed."""
    return exported_for_web(shared_folder, avatar_directory)


@pytest.fixture(scope="module")
def package(shared_folder: Path) -> Path:
    return onnxruntime_package(shared_folder)


def run_node(*, export: Path, sounds: Path | None = None, tests: list[str] = NODE_TESTS) -> subprocess.CompletedProcess:
    """The runtime's own tests, on an export."""
    assert NODE is not None
    environment = {**os.environ, "HYGIESYNC_WEB_EXPORT": str(export)}
    if sounds is not None:
        environment["HYGIESYNC_WEB_SOUNDS"] = str(sounds)
    return subprocess.run([NODE, "--test", *tests], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.skipif(NODE is None, reason="there is no node")
def test_the_runtime_hears_and_chooses_as_python_does(exported: Path) -> None:
    done = run_node(export=exported)
    assert done.returncode == 0, done.stdout
    assert re.search(r"^# pass 1[6-9]$", done.stdout, re.MULTILINE), done.stdout


@pytest.mark.skipif(NODE is None, reason="there is no node")
def test_a_photo_is_exported_as_if_it_had_been_filmed(shared_folder: Path, portrait_avatar_directory: Path) -> None:
    folder = exported_for_web(shared_folder, portrait_avatar_directory)
    index = json.loads((folder / "avatar" / "avatar.json").read_text())
    assert (index["origin"], index["answers"], index["background"]) == ("photo", "curves", None)
    done = run_node(export=folder, tests=[test for test in NODE_TESTS if "drawing" in test])
    assert done.returncode == 0, done.stdout


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.skipif(NODE is None, reason="there is no node")
def test_real_voices_give_the_same_coefficients(
    exported: Path, avatar_directory: Path, data: Path, tmp_path: Path
) -> None:
    avatar, described = load_avatar(avatar_directory), {}
    for wav in sorted((data / "speech").glob("*.wav")):
        # as a browser reads the file: at its own rate, and the mean of its channels
        rate = int.from_bytes(wav.read_bytes()[24:28], "little")
        coefficients = speech_reference(avatar, read_audio(wav)[: 16_000 * 5])["coefficients"]
        sound = read_audio(wav, rate)[: rate * 5 + rate // 10]
        n_known = len(coefficients) - 3
        packed, about = pack({"sound": sound, "coefficients": coefficients[:n_known]})
        (tmp_path / wav.name).write_bytes(packed)
        described[wav.name] = {**about, "sample_rate": rate}
    (tmp_path / "sounds.json").write_text(json.dumps(described))
    done = run_node(export=exported, sounds=tmp_path)
    assert done.returncode == 0, done.stdout


def test_the_network_of_the_web_answers_the_same_without_convolutions(
    exported: Path, talker_avatar: VideoAvatar
) -> None:
    described = json.loads((exported / "avatar" / "avatar.json").read_text())
    about = described["files"]["speech.pack"]["arrays"]["step"]
    content = gzip.decompress((exported / "avatar" / "speech.pack").read_bytes())
    step = content[about["offset"] :][: about["shape"][0]]
    assert "Conv" in {node.op_type for node in onnx.load_model_from_string(talker_avatar.step).graph.node}
    assert "Conv" not in {node.op_type for node in onnx.load_model_from_string(step).graph.node}
    one, other = (onnxruntime.InferenceSession(model) for model in (talker_avatar.step, step))
    random = np.random.default_rng(0)
    feeds = {one_input.name: random.normal(size=one_input.shape).astype("f4") for one_input in one.get_inputs()}
    for wanted, found in zip(one.run(None, feeds), other.run(None, feeds), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_the_folder_is_whole_and_says_so(exported: Path) -> None:
    listed = json.loads((exported / "files.json").read_text())
    there = {path.relative_to(exported).as_posix() for path in exported.rglob("*") if path.is_file()}
    assert there == {*listed["files"], "files.json"}
    for name, about in listed["files"].items():
        content = (exported / name).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (about["bytes"], about["sha256"])
    assert listed["version"] in (exported / "service-worker.js").read_text()
    index = json.loads((exported / "avatar" / "avatar.json").read_text())
    assert index["consent"] == "stated"
    assert "Synthetic media" in index["synthetic_media_note"]
    assert (
        index["atlas"]["n_pictures"]
        == index["atlas"]["n_pictures_of_avatar"]
        == sum(index["atlas"]["sheets"]["n_pictures"])
    )
    assert json.loads((RUNTIME / "package.json").read_text())["version"] == __version__
    assert "Microsoft" in (exported / "hygiesync" / "onnxruntime-web" / "LICENSE").read_text()


def test_a_smaller_one_keeps_the_mouths_that_fit_and_replaces_an_older_one(
    exported: Path, avatar_directory: Path, package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = sum(path.stat().st_size for path in (exported / "avatar").iterdir())
    max_mb = 0.8 * whole / 1e6
    command = ["export", str(avatar_directory), "--web", "--out", str(tmp_path / "out")]
    command += ["--onnxruntime-web", str(package)]
    shutil.copytree(exported, tmp_path / "out")
    assert main([*command, "--max-mb", str(max_mb), "--json", str(tmp_path / "files.json")]) == 0
    assert sum(path.stat().st_size for path in (tmp_path / "out" / "avatar").iterdir()) <= 1e6 * max_mb
    atlas = json.loads((tmp_path / "out" / "avatar" / "avatar.json").read_text())["atlas"]
    assert 0 < atlas["n_pictures"] < atlas["n_pictures_of_avatar"]
    assert json.loads((tmp_path / "files.json").read_text()) == json.loads(
        (tmp_path / "out" / "files.json").read_text()
    )
    (tmp_path / "out" / "mine.txt").write_text("mine")
    capsys.readouterr()
    assert main(command) == 2
    assert "--out" in capsys.readouterr().err
    assert (tmp_path / "out" / "mine.txt").read_text() == "mine"


def refusal(capsys: pytest.CaptureFixture[str], code: int, *arguments: str | Path) -> str:
    """The line that a command is refused with."""
    capsys.readouterr()
    assert main(["export", *map(str, arguments)]) == code
    *_, line = capsys.readouterr().err.splitlines()
    assert line.startswith("hygiesync: error: ")
    return line


def npm_package(path: Path, version: str = VERSION, *, without: str = "") -> Path:
    """Something that looks like onnxruntime-web's package."""
    contents = {
        "package.json": json.dumps({"name": "onnxruntime-web", "version": version}),
        "dist/ort.wasm.min.mjs": "export {}",
        "dist/ort-wasm-simd-threaded.mjs": "export {}",
        "dist/ort-wasm-simd-threaded.wasm": "wasm",
    }
    with tarfile.open(path, "w:gz") as archive:
        for name, text in contents.items():
            if name != without:
                member = tarfile.TarInfo(f"package/{name}")
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text.encode()))
    return path


class TestRefuses:
    def test_a_package_that_is_another(
        self, capsys: pytest.CaptureFixture[str], avatar_directory: Path, tmp_path: Path
    ) -> None:
        command = (avatar_directory, "--web", "--out", tmp_path / "out", "--onnxruntime-web")
        older = npm_package(tmp_path / "older.tgz", "1.0.0")
        assert f"expected onnxruntime-web {VERSION}, got onnxruntime-web 1.0.0" in refusal(capsys, 3, *command, older)
        part = npm_package(tmp_path / "part.tgz", without="dist/ort-wasm-simd-threaded.wasm")
        assert "has no dist/ort-wasm-simd-threaded.wasm" in refusal(capsys, 3, *command, part)
        for length in (0, 20, 150):
            (tmp_path / "cut.tgz").write_bytes(older.read_bytes()[:length])
            assert "npm pack" in refusal(capsys, 3, *command, tmp_path / "cut.tgz")
        assert "npm pack" in refusal(capsys, 3, *command, tmp_path / "nowhere.tgz")
        assert not (tmp_path / "out").exists()

    def test_to_go_on_without_npm(
        self,
        capsys: pytest.CaptureFixture[str],
        avatar_directory: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("PATH", str(tmp_path))
        assert "--onnxruntime-web" in refusal(capsys, 4, avatar_directory, "--web", "--out", tmp_path / "out")

    def test_sizes_that_are_none_or_too_small(
        self, capsys: pytest.CaptureFixture[str], avatar_directory: Path, tmp_path: Path
    ) -> None:
        package = npm_package(tmp_path / "package.tgz")
        command = (avatar_directory, "--web", "--out", tmp_path / "out", "--onnxruntime-web", package, "--max-mb")
        for size in ("0", "-1", "nan"):
            assert "--max-mb" in refusal(capsys, 2, *command, size)
        assert "no mouth fits into 0.5" in refusal(capsys, 2, *command, "0.5")
        assert not (tmp_path / "out").exists()

    def test_options_of_the_web_alone(
        self, capsys: pytest.CaptureFixture[str], avatar_directory: Path, tmp_path: Path
    ) -> None:
        assert "--web" in refusal(capsys, 2, avatar_directory, "--out", tmp_path / "out", "--max-mb", "3")

    def test_the_avatar_itself_and_what_is_within(
        self, capsys: pytest.CaptureFixture[str], avatar_directory: Path, tmp_path: Path
    ) -> None:
        package = npm_package(tmp_path / "package.tgz")
        for place in (avatar_directory, avatar_directory / "web"):
            refusal(capsys, 2, avatar_directory, "--web", "--out", place, "--onnxruntime-web", package)


@given(
    points=st.lists(st.floats(-10, 10, width=32), min_size=1, max_size=40),
    length=st.integers(1, 5),
    share=st.floats(0, 1.5),
)
@settings(deadline=None, max_examples=60)
def test_runs_are_chosen_once_and_fit(points: list[float], length: int, share: float) -> None:
    array = np.array(points, np.float32)[:, None]
    runs = [np.arange(len(points))[begin : begin + length] for begin in range(0, len(points), length)]
    n_bytes = [10 + 3 * len(run) for run in runs]
    chosen = choose_runs(array, runs, n_bytes, share * sum(n_bytes))
    assert len(set(chosen)) == len(chosen) > 0
    assert len(chosen) == 1 or sum(n_bytes[run] for run in chosen) <= share * sum(n_bytes)
    if share >= 1:
        assert sorted(chosen) == list(range(len(runs)))


def test_runs_cover_what_is_far_apart_before_what_is_alike() -> None:
    points = np.array([[0], [0.1], [0.2], [9], [0.3], [-7]], np.float32)
    runs = [np.array([index]) for index in range(len(points))]
    assert {3, 5} <= set(choose_runs(points, runs, [10] * 6, 30))


def test_a_pack_wraps_around_and_refuses_what_a_browser_has_not() -> None:
    rows: np.ndarray[Any, Any] = np.array([[-32768, 5], [32767, -6], [-32768, 7]], np.int16)
    packed, about = pack({"first": np.arange(3, dtype=np.uint8), "rows": rows}, by_difference=("rows",))
    content = gzip.decompress(packed)
    assert about["arrays"]["rows"]["offset"] == 8
    low, high = np.frombuffer(content[8:], np.uint8).reshape(2, -1).astype(np.uint16)
    steps = (low | high << 8).reshape(3, 2)
    assert np.array_equal(np.cumsum(steps, axis=0, dtype=np.uint16).view(np.int16), rows)
    with pytest.raises(TypeError, match="int64"):
        pack({"long": np.zeros(2, np.int64)})


def test_the_exported_part_of_an_avatar_knows_its_mouths(exported: Path, talker_avatar: VideoAvatar) -> None:
    described = json.loads((exported / "avatar" / "avatar.json").read_text())
    content = gzip.decompress((exported / "avatar" / "atlas.pack").read_bytes())
    about = described["files"]["atlas.pack"]["arrays"]["vertices"]
    n_bytes = 2 * int(np.prod(about["shape"]))
    low, high = np.frombuffer(content[about["offset"] :][:n_bytes], np.uint8).reshape(2, -1).astype(np.uint16)
    stored = np.cumsum((low | high << 8).reshape(about["shape"]), axis=0, dtype=np.uint16).view(np.int16)
    used = described["atlas"]["vertices"]
    np.testing.assert_allclose(stored / described["atlas"]["vertex_fraction"], talker_avatar.atlas.vertices[:, used])
