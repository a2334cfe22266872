"""Engines of others, by stand-ins that speak the real ones' command lines and file layouts; those are not run."""

import json
import os
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from engines_of_others import install
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hygiesync.apps.cli import main
from hygiesync.apps.doctor.models import check_engines
from hygiesync.avatar.photo_avatar import PhotoAvatar
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.errors import MissingDependencyError, UsageError
from hygiesync.evaluation.engine_comparison import compare
from hygiesync.external.installation import install_steps
from hygiesync.external.output_reading import OutputReading
from hygiesync.external.registry import ENGINES
from hygiesync.external.seamless_square import SeamlessSquare
from hygiesync.first_order.crop import Square
from hygiesync.media.audio import read_audio
from hygiesync.media.images import write_png
from hygiesync.media.sound import Sound
from hygiesync.media.video import VideoWriter, read_frames
from hygiesync.pipelines.animate import AnimateOptions, animate
from hygiesync.pipelines.offline import RenderOptions, render
from hygiesync.synthetic.portrait import photograph

SOUND = Sound((0.2 * np.sin(np.arange(9600) * 0.2) * (np.arange(9600) > 4800)).astype(np.float32), 16000)
"""0.3 s of silence, 0.3 s of a tone."""


@pytest.fixture()
def engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of engines, and a folder for temporary files that must be empty in the end."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("HYGIESYNC_ENGINES", str(tmp_path / "engines"))
    return tmp_path / "engines"


def leftovers(engines: Path) -> list[str]:
    return [path.name for path in (engines.parent / "tmp").iterdir()]


def tags_of(video: Path) -> dict[str, Any]:
    with av.open(str(video)) as container:
        return json.loads(container.metadata["description"])


@pytest.fixture(scope="module")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("portrait") / "portrait.png"
    write_png(path, photograph())
    return path


def difference(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.abs(a.astype(int) - b.astype(int)).max(-1)


# --- each engine, through its real command line


def test_musetalk_dubs_a_filmed_avatar(talker_avatar: VideoAvatar, engines: Path, tmp_path: Path) -> None:
    install(engines, "musetalk")
    out, plain, stages = tmp_path / "out.mp4", tmp_path / "plain.mp4", []
    render(talker_avatar, SOUND, out, RenderOptions(engine="musetalk", still=True, crf=5),
           progress=lambda stage, *_: stages.append(stage))  # fmt: skip
    render(talker_avatar, SOUND, plain, RenderOptions(fps=Fraction(25), still=True, crf=5))
    made, ours = list(read_frames(out)), list(read_frames(plain))
    assert [frame.time_s for frame in made] == [Fraction(n, 25) for n in range(15)]
    assert len(read_audio(out)) == pytest.approx(
        9600, abs=1100
    )  # the sound itself, without what was added for the engine
    # the engine's mouth, which our own renderer never draws, is there when there is sound, and nothing else is
    template = next(iter(talker_avatar.still(Fraction(25)).template.frames()))
    assert template.face is not None
    x, y = np.rint(template.face.lower.mean(0)).astype(int)
    size = int(np.ptp(template.face.lower[:, 0]))
    mouth = slice(y - size // 2, y + size // 2), slice(x - size // 2, x + size // 2)
    assert (difference(made[12].image, ours[12].image)[mouth] > 60).sum() > 50
    outside = np.ones(template.image.shape[:2], bool)
    outside[y - size : y + size, x - size : x + size] = False
    assert difference(made[12].image, template.image)[outside].max() < 30
    assert tags_of(out)["engine"] == "MuseTalk 1.5"
    assert {"MuseTalk 1.5: painting", "MuseTalk 1.5: watching", "writing"} <= set(stages)
    assert leftovers(engines) == []


def test_sadtalker_lets_a_picture_say_a_text(
    engines: Path, portrait: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = install(engines, "sadtalker")
    out = tmp_path / "out.mp4"
    arguments = ["say", str(portrait), "Oh!", "--out", str(out), "--engine", "sadtalker", "--i-have-consent"]
    assert main(arguments) == 0, capsys.readouterr().err
    picture, made = photograph(), [frame.image for frame in read_frames(out)]
    assert made[0].shape == picture.shape
    assert max(difference(image, picture).max() for image in made) > 100
    square = np.zeros(picture.shape[:2], bool)
    square[:5] = square[:, :5] = square[-5:] = True
    assert max(difference(image, picture)[square].mean() for image in made) < 5
    assert tags_of(out) | {"software": ""} == {
        "synthetic": "face", "method": "speech-driven from text", "face": "portrait.png", "consent": "stated",
        "software": "", "engine": "SadTalker",
    }  # fmt: skip
    assert leftovers(engines) == [] and not list(home.glob("*.mp4"))


def test_sadtalker_takes_a_photos_avatar(portrait_avatar_directory: Path, engines: Path, tmp_path: Path) -> None:
    from hygiesync.avatar.loading import load_avatar

    install(engines, "sadtalker")
    avatar = load_avatar(portrait_avatar_directory, PhotoAvatar)
    render(avatar, SOUND, tmp_path / "out.mp4", RenderOptions(engine="sadtalker"))
    frames = list(read_frames(tmp_path / "out.mp4"))
    assert len(frames) == 15 and frames[0].image.shape == avatar.picture.shape


def test_liveportrait_keeps_the_driving_videos_times(engines: Path, portrait: Path, tmp_path: Path) -> None:
    """It rounds rates to whole numbers; times are ours."""
    install(engines, "liveportrait")
    driving, out = tmp_path / "driving.mp4", tmp_path / "out.mp4"
    times = [Fraction(n * 1001, 30000) + Fraction(n // 4, 100) for n in range(8)]
    with VideoWriter(driving, 400, 400, Fraction(30000, 1001)) as writer:
        for time_s in times:
            writer.write(photograph(), time_s)
    result = animate(portrait, driving, out, AnimateOptions(engine="liveportrait"), has_consent=True)
    assert result == {"n_frames": 8, "width": 400, "height": 400, "engine": "LivePortrait"}
    assert [frame.time_s for frame in read_frames(out)] == [frame.time_s for frame in read_frames(driving)]
    assert tags_of(out)["method"] == "video-driven" and tags_of(out)["engine"] == "LivePortrait"
    assert leftovers(engines) == []


# --- what goes wrong, in one line


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("sadtalker", "raise", "SadTalker failed (exit code 1): RuntimeError: CUDA out of memory. Tried to"),
        ("sadtalker", "refuse", "SadTalker ended without a video: No face is detected in the input file"),
        ("sadtalker", "hang", "SadTalker was not done within 1 s, --engine-timeout, and was ended"),
    ],
)
def test_an_engines_own_error_is_shown(
    engines: Path, portrait: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, kind: str, words: str
) -> None:
    home = install(engines, name)
    (home / "misbehave").write_text(kind)
    out = tmp_path / "out.mp4"
    arguments = ["say", str(portrait), "Oh!", "--out", str(out), "--engine", name, "--i-have-consent"]
    assert main([*arguments, "--engine-timeout", "1" if kind == "hang" else "100"]) == 4
    assert words in capsys.readouterr().err.splitlines()[-1]
    assert not out.exists() and leftovers(engines) == []
    if kind == "hang":
        assert not any(is_running(int(pid)) for pid in (home / "pids").read_text().split())


def is_running(pid: int) -> bool:
    """Whether a process does anything still; one that nobody has waited for does not."""
    for _ in range(50):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        if state == "Z":
            return False
        time.sleep(0.1)
    return True


def test_musetalks_failed_job_is_an_error(talker_avatar: VideoAvatar, engines: Path, tmp_path: Path) -> None:
    """It prints what failed, and ends as if all were well."""
    (install(engines, "musetalk") / "misbehave").write_text("complain")
    with pytest.raises(MissingDependencyError, match="ended without a video: list index out of range"):
        render(talker_avatar, SOUND, tmp_path / "out.mp4", RenderOptions(engine="musetalk", still=True))
    assert not (tmp_path / "out.mp4").exists() and leftovers(engines) == []


def test_an_interruption_ends_the_engine(engines: Path, portrait: Path, tmp_path: Path) -> None:
    from hygiesync.pipelines.by_engine import EngineOptions, speak_picture

    install(engines, "sadtalker")

    def interrupt(stage: str, *_: object) -> None:
        if "painting" in stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        speak_picture(portrait, SOUND, tmp_path / "out.mp4", EngineOptions(engine="sadtalker"), progress=interrupt)
    assert leftovers(engines) == []


# --- what is there, and what is asked for


def test_states_from_nothing_to_all(engines: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    def state() -> str:
        assert main(["engines", "musetalk", "--json", str(tmp_path / "list.json")]) == 0
        (entry,) = json.loads((tmp_path / "list.json").read_text())
        assert entry["missing"] or entry["state"] in ("installed", "not installed")
        return entry["state"]

    assert state() == "not installed"
    assert [check.detail.partition(";")[0] for check in check_engines()] == ["none of others is installed"]
    home = engines / "musetalk"
    home.mkdir(parents=True)
    assert state() == "code missing"
    (home / "scripts").mkdir()
    (home / "scripts/inference.py").touch()
    assert state() == "environment missing"
    install(engines, "musetalk")
    (home / "models/sd-vae/config.json").unlink()
    assert state() == "weights missing"
    (check,) = check_engines()
    assert not check.is_ok and not check.is_required and "models/sd-vae/config.json" in check.detail
    install(engines, "musetalk")
    assert state() == "installed"
    (check,) = check_engines()  # the stand-in's Python has none of its packages
    assert "its Python lacks" in check.detail and "mmpose" in check.detail


def test_the_list_tells_licences_and_steps(engines: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["engines"]) == 0
    text = capsys.readouterr().out
    for name, kind in ENGINES.items():
        card = kind().card
        assert f"{name}  ({card.title})" in text and card.weights_licence in text and card.commit[:10] in text
        steps = install_steps(card)
        assert card.commit in steps and str(engines) in steps and ".venv" in steps and "{" not in steps


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"engine": "wav2lip"}, UsageError, "`engine`: expected one of musetalk, liveportrait, sadtalker"),
        ({"engine": "liveportrait"}, UsageError, "here a video says a sound, which musetalk does"),
        ({"engine": "musetalk"}, MissingDependencyError, "MuseTalk 1.5: not installed; `hygiesync engines musetalk`"),
        ({"engine": "musetalk", "expressiveness": 1.5}, UsageError, "`expressiveness`: musetalk hears and draws"),
        ({"engine": "musetalk", "fps": Fraction(30000, 1001)}, UsageError, "`fps`: engines count in whole numbers"),
        ({"engine": "musetalk", "time_limit_s": 0.0}, UsageError, "`time_limit_s`: expected more than 0 s"),
    ],
)
def test_what_cant_be_is_said_at_once(
    talker_avatar: VideoAvatar,
    engines: Path,
    tmp_path: Path,
    options: dict[str, Any],
    kind: type[Exception],
    words: str,
) -> None:
    with pytest.raises(kind) as raised:
        render(talker_avatar, SOUND, tmp_path / "out.mp4", RenderOptions(**options))
    assert words in str(raised.value) and not (tmp_path / "out.mp4").exists()


# --- parts


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(1, 30), max_size=30))
def test_output_reads_the_same_in_any_pieces(lengths: list[int]) -> None:
    text = "load\nPainting 10%|# |\rPainting 55%|## |\x1b[0m\r\nTraceback\nValueError: no 3 faces\n  ~~~~\nbye"
    pieces: Iterator[tuple[int, int]] = zip(np.cumsum([0, *lengths]), np.cumsum([*lengths, len(text)]), strict=True)
    told: list[tuple[str, int]] = []
    reading = OutputReading([("Painting", "painting")], lambda line: None, lambda *what: told.append(what))
    for start, end in pieces:
        reading.feed(text[start:end])
    reading.close()
    assert told == [("painting", 0), ("painting", 10), ("painting", 55)]
    assert reading.error() == "ValueError: no 3 faces"


def test_a_square_is_put_back_without_a_step() -> None:
    """In another light at its border, it gets the picture's; what it shows inside stays."""
    rng = np.random.default_rng(0)
    picture = np.full((80, 100, 3), 120, np.uint8) + rng.integers(0, 4, (80, 100, 3), np.uint8)
    square = Square(20, 10, 60)
    made = np.clip(square.cut(picture).astype(int) + np.linspace(10, 40, 60)[None, :, None], 0, 255).astype(np.uint8)
    made[25:35, 25:35] = 20
    pasted = SeamlessSquare(picture, square).paste(made)
    changed = difference(pasted, picture)
    inner = np.zeros((80, 100), bool)
    inner[33:47, 43:57] = True
    assert changed[~inner].max() < 12 and changed[36:44, 46:54].min() > 80


def test_an_engines_process_sees_no_packages_of_ours(
    engines: Path, portrait: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hygiesync.pipelines.by_engine import EngineOptions, speak_picture

    home = install(engines, "sadtalker")
    script = (home / "inference.py").read_text()
    report = home / "environment.json"
    (home / "inference.py").write_text(
        f"import json, os\njson.dump(dict(os.environ), open({str(report)!r}, 'w'))\n{script}"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["/nowhere", os.environ.get("PYTHONPATH", "")]))
    speak_picture(portrait, SOUND, tmp_path / "out.mp4", EngineOptions(engine="sadtalker"))
    seen = json.loads(report.read_text())
    assert "PYTHONPATH" not in seen and seen["TMPDIR"].startswith(str(tmp_path / "tmp"))


# --- side by side


@pytest.fixture(scope="module")
def short_video(held_out_video: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The talker for a second, at half the size."""
    path = tmp_path_factory.mktemp("short") / "short.mp4"
    with VideoWriter(path, 256, 256, Fraction(25), audio_rate=16000, audio_channels=1) as writer:
        for number, frame in zip(range(24), read_frames(held_out_video), strict=False):
            writer.write(cv2.resize(frame.image, (256, 256), interpolation=cv2.INTER_AREA), Fraction(number, 25))
        writer.write_audio(read_audio(held_out_video)[: 24 * 640])
    return path


def test_engines_are_compared_and_those_that_cant_be_used_are_named(
    talker_avatar: VideoAvatar,
    short_video: Path,
    engines: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The mouth that our own renderer draws follows the real lips better than an ellipse that follows the loudness."""
    install(engines, "musetalk")
    report, results = tmp_path / "report.html", tmp_path / "results.json"
    arguments = ["compare", str(talker_avatar.directory), str(short_video), "--report", str(report)]
    assert main([*arguments, "--json", str(results), "--engines", "retrieval,unet,musetalk"]) == 0
    said = capsys.readouterr()
    assert "note: unet is left out: `renderer`: avatar has no network that paints" in said.err
    content = json.loads(results.read_text())
    rows = content["rows"]
    assert list(rows) == ["retrieval", "musetalk"] and list(content["left_out"]) == ["unet"]
    assert rows["retrieval"]["lip_distance_pct"] < rows["musetalk"]["lip_distance_pct"]
    assert all(row["frames"] > 20 and row["memory_mb"] > 50 and row["ms_per_picture"] > 0 for row in rows.values())
    page = report.read_text()
    assert page.count("data:image/jpeg") >= 2 and "Left out" in page and "has no network that paints" in page


def test_engines_that_cant_be_compared_are_said_at_once(
    talker_avatar: VideoAvatar, short_video: Path, engines: Path, tmp_path: Path
) -> None:
    def compare_by(*names: str) -> None:
        compare(talker_avatar, short_video, names, tmp_path / "report.html")

    with pytest.raises(UsageError, match=r"sadtalker does something else .*; hygiesync's own: retrieval"):
        compare_by("retrieval", "sadtalker")
    with pytest.raises(UsageError, match="`engines`: expected at least one name"):
        compare_by()
    with pytest.raises(MissingDependencyError, match=r"MuseTalk 1.5: not installed"):
        compare_by("musetalk")
    assert not (tmp_path / "report.html").exists()
