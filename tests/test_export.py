"""An export is enough for another runtime to do the same, and to notice when it does not."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from safetensors.numpy import load_file, save_file

from hygiesync.apps.cli import main
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.exporting.export import FILES, reference_signal
from hygiesync.exporting.metadata import FIELDS
from hygiesync.speech.mel import mel_spectrogram
from hygiesync.speech_to_shape.onnx_step import OnnxStep
from hygiesync.timing import described_time, mel_frame_known_at

ALLOWED = ("numpy", "onnxruntime", "safetensors")

# Nothing but the standard library and ALLOWED can be imported by the program that follows.
ONLY_ALLOWED = f"""
import runpy, sys
class Gate:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in {{*sys.stdlib_module_names, *{ALLOWED!r}}}:
            raise ImportError(f"{{name}} is not to be imported")
sys.meta_path.insert(0, Gate())
runpy.run_path(sys.argv.pop(1), run_name="__main__")
"""


@pytest.fixture(scope="module")
def exported(avatar_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export; not to be changed."""
    out = tmp_path_factory.mktemp("export") / "out"
    assert main(["export", str(avatar_directory), "--out", str(out)]) == 0
    return out


@pytest.fixture
def copy(exported: Path, tmp_path: Path) -> Path:
    """A copy of it that may be spoilt."""
    return Path(shutil.copytree(exported, tmp_path / "copy"))


def check_with_the_example(folder: Path, work: Path) -> subprocess.CompletedProcess:
    """Run the program out of the folder's README in a fresh interpreter without hygiesync."""
    (program,) = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    (work / "check.py").write_text(program)
    command = [sys.executable, "-I", "-c", ONLY_ALLOWED, str(work / "check.py")]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


def sign_again(folder: Path, name: str) -> None:
    """Write a changed file's new sha256 into the metadata, so that only the comparisons can notice."""
    metadata = json.loads((folder / "metadata.json").read_text())
    metadata["files"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / "metadata.json").write_text(json.dumps(metadata))


def test_the_example_passes_without_hygiesync(exported: Path, tmp_path: Path) -> None:
    done = check_with_the_example(exported, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("differs by") == 3


def test_the_gate_of_these_tests_holds(tmp_path: Path) -> None:
    for module in ("hygiesync", "torch", "librosa", "scipy"):
        (tmp_path / "program.py").write_text(f"import {module}")
        command = [sys.executable, "-I", "-c", ONLY_ALLOWED, str(tmp_path / "program.py")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert f"{module} is not to be imported" in done.stderr


@pytest.mark.parametrize("name", ["reference.safetensors", "speech_to_shape.onnx", "shape.safetensors"])
def test_a_flipped_byte_is_noticed(copy: Path, tmp_path: Path, name: str) -> None:
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    done = check_with_the_example(copy, tmp_path)
    assert done.returncode == 1
    assert f"{name} is not the file" in done.stderr


def test_a_changed_weight_is_noticed_by_what_it_does(copy: Path, tmp_path: Path) -> None:
    model = onnx.load(copy / "speech_to_shape.onnx")
    weights = max(model.graph.initializer, key=lambda tensor: np.prod(tensor.dims))
    values = numpy_helper.to_array(weights).copy()
    values.flat[values.size // 3] += 2
    weights.CopyFrom(numpy_helper.from_array(values, weights.name))
    onnx.save(model, copy / "speech_to_shape.onnx")
    sign_again(copy, "speech_to_shape.onnx")
    done = check_with_the_example(copy, tmp_path)
    assert done.returncode == 1
    assert "coefficients is not what the reference says" in done.stderr


@pytest.mark.parametrize("name", ["samples", "mel", "coefficients", "landmarks"])
def test_a_changed_reference_is_noticed_by_what_it_says(copy: Path, tmp_path: Path, name: str) -> None:
    tensors = load_file(copy / "reference.safetensors")
    tensors[name].flat[tensors[name].size // 2] += 0.01
    save_file(tensors, copy / "reference.safetensors")
    sign_again(copy, "reference.safetensors")
    done = check_with_the_example(copy, tmp_path)
    assert done.returncode == 1
    assert "is not what the reference says" in done.stderr


def test_the_reference_is_what_hygiesync_computes(exported: Path, talker_avatar: VideoAvatar) -> None:
    reference = load_file(exported / "reference.safetensors")
    assert {array.dtype.name for array in reference.values()} == {"float32"}
    assert np.array_equal(reference["samples"], reference_signal())
    mel = mel_spectrogram(reference["samples"])
    coefficients = OnnxStep(talker_avatar.step).push(mel)
    np.testing.assert_allclose(reference["mel"], mel, atol=1e-6)
    np.testing.assert_allclose(reference["coefficients"], coefficients, atol=1e-6)
    landmarks = talker_avatar.shape.inverse_transform(coefficients)
    np.testing.assert_allclose(reference["landmarks"], landmarks, atol=1e-6)


def test_the_reference_exercises_what_can_go_wrong(exported: Path) -> None:
    reference = load_file(exported / "reference.safetensors")
    assert reference["mel"].min() == pytest.approx(-8)
    assert reference["mel"].max() > 0
    assert reference["coefficients"].std(0).min() > 0.01
    assert np.abs(reference["samples"]).max() < 1


def test_metadata_says_what_is_so(exported: Path, talker_avatar: VideoAvatar) -> None:
    metadata = json.loads((exported / "metadata.json").read_text())
    assert {path.name for path in exported.iterdir()} == set(FILES)
    network, shape, timing = metadata["network"], metadata["shape"], metadata["timing"]
    inputs = {node["name"]: node for node in network["inputs"]}
    outputs = {node["name"]: node for node in network["outputs"]}
    assert inputs[network["mel_input"]]["shape"][-1] == metadata["mel"]["n_mels"]
    assert outputs[network["coefficients_output"]]["shape"][-1] == shape["n_components"] == len(shape["rest"])
    n_early = len(network["early_outputs"])
    assert len(network["states"]) == len(inputs) - 1 == len(outputs) - 1 - n_early
    assert n_early == len(timing["early_lookahead_frames"]) == 2
    assert all(outputs[name]["shape"][-1] == shape["n_components"] for name in network["early_outputs"])
    for state in network["states"]:
        assert inputs[state["input"]]["shape"] == outputs[state["output"]]["shape"]
        assert state["output"] == f"next_{state['input']}"
    lookahead = talker_avatar.manifest.lookahead
    for k in (0, 7):
        begin = timing["frame_s"] * k
        assert timing["first_known_at_s"] + begin == pytest.approx(float(mel_frame_known_at(k)))
        assert timing["first_described_s"] + begin == pytest.approx(float(described_time(k, lookahead)))
    tensors = load_file(exported / shape["file"])
    assert tensors["components"].shape == (shape["n_components"], 2 * shape["n_points"])
    assert tensors["landmark_indices"].shape == (shape["n_points"],)
    assert metadata["provenance"]["consent"] == "stated"
    assert "Synthetic media" in metadata["provenance"]["synthetic_media_note"]


def leaves(entry: dict, prefix: str = "") -> set[str]:
    """Dotted names of what is no object of fixed entries itself."""
    names: set[str] = set()
    for key, value in entry.items():
        is_group = isinstance(value, dict) and key not in ("files", "tolerance")
        names |= leaves(value, f"{prefix}{key}.") if is_group else {prefix + key}
    return names


def test_every_entry_of_the_metadata_is_explained(exported: Path) -> None:
    metadata = json.loads((exported / "metadata.json").read_text())
    assert leaves(metadata) == set(FIELDS)
    page = (exported / "README.md").read_text(encoding="utf-8")
    assert all(f"| `{field}` |" in page for field in FIELDS)


def test_the_same_avatar_gives_the_same_bytes_and_replaces_an_older_export(
    avatar_directory: Path, copy: Path, exported: Path, tmp_path: Path
) -> None:
    assert main(["export", str(avatar_directory), "--out", str(copy), "--json", str(tmp_path / "m.json")]) == 0
    for path in exported.iterdir():
        assert path.read_bytes() == (copy / path.name).read_bytes(), path.name
    assert json.loads((tmp_path / "m.json").read_text()) == json.loads((copy / "metadata.json").read_text())


def refusal(capsys: pytest.CaptureFixture[str], code: int, *arguments: str | Path) -> str:
    """The one line that a command line is refused with."""
    assert main(["export", *map(str, arguments)]) == code
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("hygiesync: error: ")
    return lines[0]


class TestRefuses:
    def test_a_missing_or_damaged_avatar(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path, avatar_directory: Path
    ) -> None:
        assert "nobody" in refusal(capsys, 3, tmp_path / "nobody", "--out", tmp_path / "out")
        broken = Path(shutil.copytree(avatar_directory, tmp_path / "broken"))
        content = bytearray((broken / "speech_to_shape.onnx").read_bytes())
        content[len(content) // 2] ^= 1
        (broken / "speech_to_shape.onnx").write_bytes(content)
        assert "damaged" in refusal(capsys, 3, broken, "--out", tmp_path / "out")
        assert [path.name for path in tmp_path.iterdir()] == ["broken"]

    def test_a_folder_that_holds_something_else(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path, avatar_directory: Path, copy: Path
    ) -> None:
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "precious.txt").write_text("mine")
        (tmp_path / "file").write_text("mine")
        (copy / "added.txt").write_text("mine")
        for place in (tmp_path / "mine", tmp_path / "file", copy, tmp_path / "mine" / "..", ".", "/"):
            assert "--out" in refusal(capsys, 2, avatar_directory, "--out", place)
        assert (tmp_path / "mine" / "precious.txt").read_text() == "mine"
        assert (copy / "added.txt").read_text() == "mine"

    def test_the_avatar_itself_and_what_is_within(
        self, capsys: pytest.CaptureFixture[str], avatar_directory: Path
    ) -> None:
        before = sorted(avatar_directory.iterdir())
        refusal(capsys, 2, avatar_directory, "--out", avatar_directory)
        assert "within the avatar" in refusal(capsys, 2, avatar_directory, "--out", avatar_directory / "export")
        assert sorted(avatar_directory.iterdir()) == before

    def test_a_place_that_cannot_be_written(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path, avatar_directory: Path
    ) -> None:
        (tmp_path / "file").write_text("")
        (tmp_path / "circle").symlink_to(tmp_path / "circle")
        for place in (tmp_path / "file" / "out", tmp_path / ("x" * 300), tmp_path / "circle" / "out", "/proc/none/out"):
            refusal(capsys, 3, avatar_directory, "--out", place)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["circle", "file"]

    def test_a_json_that_cannot_be_written(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path, avatar_directory: Path
    ) -> None:
        refusal(capsys, 3, avatar_directory, "--out", tmp_path / "out", "--json", tmp_path / "none" / "m.json")
        assert not (tmp_path / "out").exists()

    def test_a_hostile_name_in_one_line(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        assert r"\n" in refusal(capsys, 3, tmp_path / "two\nlines\x1b[31m", "--out", tmp_path / "out")
        refusal(capsys, 3, tmp_path / ("x" * 300), "--out", tmp_path / "out")

    def test_wrong_usage(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        assert main(["export", str(tmp_path)]) == 2
        assert "--out" in capsys.readouterr().err


def test_an_odd_name_and_a_link_are_followed(
    avatar_directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = tmp_path / "-sortie %d ü\n語\udcff"
    assert main(["export", str(avatar_directory), "--out", str(odd)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
    (tmp_path / "link").symlink_to(odd)
    assert main(["export", str(avatar_directory), "--out", str(tmp_path / "link")]) == 0
    assert (tmp_path / "link").is_symlink()
    assert {path.name for path in odd.iterdir()} == set(FILES)
    assert len(list(tmp_path.iterdir())) == 2


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--help"]) == 0
    text = capsys.readouterr().out
    for words in ("hygiesync export models/me --out exported/me", "reference", "onnxruntime", "exit codes"):
        assert words in text


def test_exporting_needs_nothing_that_only_training_needs(avatar_directory: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from hygiesync.apps.cli import main;"
        f"assert main(['export', {str(avatar_directory)!r}, '--out', {str(tmp_path / 'out')!r}]) == 0;"
        "assert not {'torch', 'mediapipe', 'librosa', 'sklearn', 'scipy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
