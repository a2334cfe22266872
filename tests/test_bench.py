"""The bench: what it returns, not how fast this machine is."""

import copy
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from present import present

import hygiesync
from hygiesync.apps.benchmarks import batch as batch_benchmark
from hygiesync.apps.benchmarks import bench as module
from hygiesync.apps.benchmarks import drawing, enlargement, live, processes, speaking
from hygiesync.apps.benchmarks.bench import bench, format_bench
from hygiesync.apps.benchmarks.drawing import PARTS, DrawingBench
from hygiesync.apps.benchmarks.enlargement import enlarge, enlarged_atlas
from hygiesync.apps.benchmarks.learning import measure_learning
from hygiesync.apps.benchmarks.stopwatch import Stopwatch
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.errors import HygieSyncError, InputError
from hygiesync.face.topology import LOWER_MOUTH_REGION
from hygiesync.rendering.compositor import Compositor
from hygiesync.rendering.interfaces import TemplateFace, TemplateFrame

pytestmark = pytest.mark.slow

SIZES = ((256, 256), (480, 320))
TIMES = (
    "retrieval_ms",
    "warp_ms",
    "decode_ms",
    "blend_ms",
    "frame_ms",
    "seamless_clone_ms",
    "frame_copy_ms",
)
PERCENTILES = ("p50", "p95", "p99")


@pytest.fixture(scope="module")
def short_runs() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "N_ROUNDS", 8)
        patch.setattr(enlargement, "MAX_PICTURES", 12)
        patch.setattr(processes, "N_STARTS", 1)
        patch.setattr(speaking, "N_LOADS", 1)
        patch.setattr(speaking, "HEARD_S", 0.5)
        patch.setattr(live, "N_REPEATS", 1)
        yield


@pytest.fixture(scope="module")
def measured(talker_avatar: VideoAvatar, short_runs: None) -> tuple[dict[str, Any], list[tuple[str, int, int, str]]]:
    """The result, and what was told of progress on the way."""
    told = []
    return bench(talker_avatar, SIZES, progress=lambda *work: told.append(work)), told


@pytest.fixture(scope="module")
def result(measured: tuple[dict[str, Any], list[tuple[str, int, int, str]]]) -> dict[str, Any]:
    return measured[0]


@pytest.fixture(scope="module")
def told(measured: tuple[dict[str, Any], list[tuple[str, int, int, str]]]) -> list[tuple[str, int, int, str]]:
    return measured[1]


def test_each_size_has_all_times(result: dict[str, Any]) -> None:
    assert list(result["sizes"]) == ["256x256", "480x320"]
    for size in result["sizes"].values():
        assert set(TIMES) <= set(size)
        for name in TIMES:
            assert tuple(size[name]) == PERCENTILES
            assert 0 < size[name]["p50"] <= size[name]["p95"] <= size[name]["p99"]


def test_parts_are_within_the_frame(result: dict[str, Any]) -> None:
    for size in result["sizes"].values():
        parts = sum(size[f"{part}_ms"]["p50"] for part in PARTS)
        # medians of parts may add up to slightly more than the median of the whole
        assert parts < 1.5 * size["frame_ms"]["p99"]


def test_ratios_are_of_the_measured_times(result: dict[str, Any]) -> None:
    for size in result["sizes"].values():
        for rival in ("seamless_clone", "frame_copy"):
            for percentile in ("p50", "p99"):
                ratio = size["ratios"][f"frame_{percentile}_to_{rival}_p50"]
                assert ratio == pytest.approx(size["frame_ms"][percentile] / size[f"{rival}_ms"]["p50"], rel=0.01)


def test_the_rest_is_measured_too(result: dict[str, Any]) -> None:
    assert result["latency_s"] == pytest.approx(0.09)
    assert result["listening"]["sound_s_per_s"] > 0
    assert 0 < result["listening"]["mel_frame_us"]["p50"] <= result["listening"]["mel_frame_us"]["p99"]
    assert result["load_ms"]["p50"] > 0
    assert result["animate"]["frame_ms"]["p99"] >= result["animate"]["frame_ms"]["p50"] > 0
    assert result["animate"]["frame_p50_to_remap_p50"] > 1
    assert set(result["live"]) == {"80", "0"}
    assert result["live"]["80"]["latency_ms"]["p50"] > result["live"]["0"]["latency_ms"]["p50"]
    assert all(live["audio_blocks_lost"] == 0 for live in result["live"].values())
    for name in ("bare_python", "import_engine", "help"):
        assert result["startup"][name]["wall_ms"] > 0
        assert result["startup"][name]["cpu_ms"] > 0
    assert set(result["startup"]["ratios"]) == {"import_engine_to_bare_python_wall", "help_to_bare_python_cpu"}
    assert "training" not in result


def test_result_is_plain_json(result: dict[str, Any]) -> None:
    assert json.loads(json.dumps(result)) == result


def test_table_says_the_ratios(result: dict[str, Any]) -> None:
    text = format_bench(result)
    for word in ("256x256", "480x320", "cv2.seamlessClone", "frame copy", "latency", "--help", "p99"):
        assert word in text
    assert "FaceMesh" not in text
    assert max(map(len, text.splitlines())) <= 100


def test_table_shows_how_learning_stands_other_work(result: dict[str, Any]) -> None:
    learning = {"steps": 5, "alone_s": 0.4, "beside_busy_cores_s": 0.8, "ratio": 2.0}
    assert "80 ms a step; 2.0 x" in format_bench(copy.deepcopy(result) | {"learning": learning})


def test_learning_is_not_stopped_by_busy_cores() -> None:
    """Twice as slow is a fair share of each core; threads that spin while they wait made it ten times and more."""
    learning = measure_learning(lambda *_: None, n_rounds=1)
    assert learning["alone_s"] > 0
    assert learning["ratio"] < 4


def test_table_shows_training(result: dict[str, Any]) -> None:
    training = {"train_s": 90.0, "facemesh_s": 60.0, "ratio": 1.5, "train_peak_mb": 700.0, "facemesh_peak_mb": 300.0}
    text = format_bench(copy.deepcopy(result) | {"training": training})
    assert "1.50 x a bare FaceMesh pass" in text
    assert "700 MB" in text


def test_table_shows_batches(result: dict[str, Any]) -> None:
    batch = {
        "n_files": 200, "single_s": 90.0, "single_free_s": 70.0, "local_s": 50.0, "ray_s": 54.0, "loop_s": 400.0,
        "ratios": {"local_to_half_of_singles": 1.11, "ray_to_half_of_singles": 1.2, "loop_to_local": 8.0},
        "scaling": {"1": 1.0, "8": 1.02},
    }  # fmt: skip
    text = format_bench(copy.deepcopy(result) | {"batch": batch})
    for words in ("50.0 s, 1.11 x half", "Ray, 2 workers: 54.0 s, 1.20 x", "400.0 s, 8.0 x", "8: 1.020"):
        assert words in text
    assert max(map(len, text.splitlines())) <= 100


def test_a_batch_is_timed_in_all_ways(talker_avatar: VideoAvatar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_benchmark, "_N_LOOPED", 1)
    monkeypatch.setattr(batch_benchmark, "_SCALES", (1,))
    monkeypatch.setattr(batch_benchmark, "_SLEEP_S", 0.01)
    monkeypatch.setattr(batch_benchmark, "is_there", lambda module: False)
    monkeypatch.setattr(batch_benchmark, "N_WORKERS", 1)
    measured = batch_benchmark.measure_batch(talker_avatar, 1, lambda *_: None)
    assert measured["ray_s"] is None
    assert min(measured[f"{way}_s"] for way in ("single", "single_free", "local", "loop")) > 0
    assert measured["ratios"]["loop_to_local"] == pytest.approx(measured["loop_s"] / measured["local_s"])
    assert measured["scaling"]["1"] >= 1


def test_the_number_of_threads_is_left_as_it_was(
    talker_avatar: VideoAvatar, short_runs: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "measure_startup", lambda report: {})
    monkeypatch.setattr(module, "measure_live", lambda avatar, report: {})
    n_threads = cv2.getNumThreads()
    cv2.setNumThreads(3)
    try:
        bench(talker_avatar, ((128, 128),))
        assert cv2.getNumThreads() == 3
    finally:
        cv2.setNumThreads(n_threads)


def test_what_is_timed_is_what_speaking_draws(talker_avatar: VideoAvatar) -> None:
    """By the watch the same pictures come out as without it."""
    there = enlarge(talker_avatar, (256, 256), n_rounds=3)
    timed = DrawingBench(talker_avatar, there)
    plain = Compositor.from_models(
        talker_avatar.shape, there.atlas, talker_avatar.mesh, talker_avatar.canvas, talker_avatar.appearance
    )
    for number, (template, coefficients) in enumerate(there.script):
        spent_s = timed.draw(number)
        mouth, picture = timed.drawing.blended
        np.testing.assert_array_equal(picture, plain.render(template, coefficients))
        assert mouth.patch.shape[1::-1] == tuple(timed.patch_px)
        assert all(0 < spent_s[part] < spent_s["frame"] for part in PARTS)


@pytest.mark.parametrize(("size", "longer_side"), [((512, 512), 256), ((1920, 1080), 384)])
def test_mouths_have_the_wanted_size(
    talker_avatar: VideoAvatar, short_runs: None, size: tuple[int, int], longer_side: int
) -> None:
    there = enlarge(talker_avatar, size, n_rounds=1)
    template, coefficients = there.script[0]
    assert template.image.shape == (size[1], size[0], 3)
    region = present(template.face).lower[LOWER_MOUTH_REGION]
    assert np.ptp(region, axis=0).max() == pytest.approx(longer_side, rel=0.05)
    assert (region > 0).all()
    assert (region < size).all()
    drawn = DrawingBench(talker_avatar, there).compositor.render(template, coefficients)
    assert drawn.shape == template.image.shape
    assert (drawn != template.image).any()


def test_enlarged_mouths_are_the_same_mouths(talker_avatar: VideoAvatar, short_runs: None) -> None:
    """The same picture, at twice the size, from an atlas that was enlarged and one that was not."""
    atlas = talker_avatar.atlas
    larger = enlarged_atlas(atlas, 2.0)
    height, width = atlas.camera_picture(3).shape[:2]
    assert larger.camera_picture(3).shape == (2 * height, 2 * width, 3)
    smaller = cv2.resize(larger.camera_picture(3), (width, height), interpolation=cv2.INTER_AREA)
    assert np.abs(smaller.astype(int) - atlas.camera_picture(3)).mean() < 3
    assert len(larger) == enlargement.MAX_PICTURES
    assert np.allclose(larger.vertices, 2 * atlas.vertices[: len(larger)])
    assert larger.detail == atlas.detail


def test_the_watch_adds_up_what_a_part_takes() -> None:
    watch = Stopwatch()
    for _ in range(2):
        with watch.timing("slow"):
            time.sleep(0.02)
    with pytest.raises(KeyError), watch.timing("failing"):
        raise KeyError
    assert watch.spent_s["slow"] >= 0.04
    assert 0 < watch.spent_s["failing"] < watch.spent_s["slow"]


def test_progress_is_told(told: list[tuple[str, int, int, str]]) -> None:
    assert {stage for stage, *_ in told} == {"drawing", "live", "starting"}
    assert all(0 <= done <= total for _, done, total, _ in told)


def test_a_missing_training_video_is_refused_at_once(
    talker_avatar: VideoAvatar, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "measure_drawing", lambda *_: pytest.fail("began to measure"))
    with pytest.raises(InputError, match="nowhere"):
        bench(talker_avatar, training_video=tmp_path / "nowhere.mp4")


def test_a_template_without_a_face_is_refused(talker_avatar: VideoAvatar, monkeypatch: pytest.MonkeyPatch) -> None:
    class Faceless:
        def frames(self) -> Iterator[TemplateFrame[TemplateFace]]:
            return iter(())

    idle = replace(talker_avatar.idle(talker_avatar.fps), template=Faceless())
    monkeypatch.setattr(type(talker_avatar), "idle", lambda self, fps: idle)
    with pytest.raises(InputError, match="no face"):
        bench(talker_avatar, ((128, 128),))


def test_training_is_compared_with_passes_before_and_after(monkeypatch: pytest.MonkeyPatch, talker_video: Path) -> None:
    commands = []

    def pretend(arguments: list[str], log: Path, attend: Callable[..., object]) -> None:
        commands.append(arguments[:3])
        with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.2)"]) as process:
            attend(process)

    monkeypatch.setattr(processes, "checked_run", pretend)
    training = processes.measure_training(talker_video, lambda *_: None)
    assert [command[0] for command in commands] == ["-c", "-m", "-c"]
    assert commands[1] == ["-m", "hygiesync", "train"]
    assert training["ratio"] > 0
    assert training["train_peak_mb"] > 1
    assert training["video_s"] > 8


def test_the_bare_pass_runs(held_out_video: Path, tmp_path: Path) -> None:
    short = tmp_path / "log"
    processes.checked_run(["-c", processes.BARE_PASS, str(held_out_video)], str(short), subprocess.Popen.wait)


def test_a_failing_command_is_told_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(HygieSyncError, match="exit code 3: the last words"):
        processes.checked_run(
            ["-c", "import sys; print('the last words'); sys.exit(3)"], str(tmp_path / "log"), subprocess.Popen.wait
        )


def test_a_command_is_ended_when_its_watcher_is_interrupted(tmp_path: Path) -> None:
    started = []

    def interrupted(process: subprocess.Popen[bytes]) -> None:
        started.append(process)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        processes.checked_run(["-c", "import time; time.sleep(60)"], str(tmp_path / "log"), interrupted)
    assert started[0].poll() is not None


def test_memory_of_children_counts() -> None:
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    alone, family = processes.PeakMemory(), processes.PeakMemory()
    fill = "import time; block = bytearray(60_000_000); time.sleep(0.5)"
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.3)"]) as process:
        alone.watch(process)
    with subprocess.Popen([sys.executable, "-c", child, fill]) as process:
        family.watch(process)
    assert family.n_bytes > alone.n_bytes + 50_000_000


def test_the_package_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    code = "import hygiesync, pathlib; print(pathlib.Path(hygiesync.__file__).parent)"
    processes.checked_run(["-c", code], str(tmp_path / "log"), subprocess.Popen.wait)
    assert Path((tmp_path / "log").read_text().strip()) == Path(hygiesync.__file__).parent
