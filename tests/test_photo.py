"""Photo avatars: one picture speaks, lives, and is used like any other avatar."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from plain_rendering import NO_SOUND
from present import present
from safetensors.numpy import load_file, save_file
from skimage import data as pictures

import hygiesync
from hygiesync.apps.cli import main
from hygiesync.avatar.loading import load_avatar
from hygiesync.avatar.manifest import Manifest, sha256_of
from hygiesync.avatar.photo_avatar import BACKGROUND, PERSON, PICTURE, PhotoAvatar
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.errors import InputError, UsageError
from hygiesync.face.comparison import correlation
from hygiesync.face.landmarks import LandmarkDetector, find_faces
from hygiesync.face.topology import INNER_LIPS
from hygiesync.media.audio import read_audio, write_wav
from hygiesync.media.video import probe, read_frames
from hygiesync.portrait.layers import Layers
from hygiesync.portrait.measures import eye_openings, head_poses, mouth_opening
from hygiesync.portrait.parts import EYES, eye_distance
from hygiesync.portrait.speaking.idle_motion import IdleMotion, IdlePose
from hygiesync.portrait.speaking.photo_renderer import PhotoRenderer
from hygiesync.portrait.speaking.photo_template import PhotoFace, PhotoTemplate
from hygiesync.portrait.speaking.talking_face import TalkingFace
from hygiesync.rendering.interfaces import TemplateFrame
from hygiesync.synthetic.portrait import Portrait
from hygiesync.timing import SAMPLE_RATE
from hygiesync.tts.espeak import synthesise

CLOSED, WIDE = np.zeros(3), np.array([1.0, 0.0, 0.0])


@pytest.fixture(scope="module")
def smile() -> np.ndarray:
    """A photograph that smiles with bare teeth."""
    return np.ascontiguousarray(pictures.astronaut()[:400, 25:425])


@pytest.fixture(scope="module")
def smile_path(smile: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "smile.png"
    Image.fromarray(smile).save(path)
    return path


@pytest.fixture(scope="module")
def avatar(smile_path: Path, tmp_path_factory: pytest.TempPathFactory) -> PhotoAvatar:
    return hygiesync.avatar_from_photo(smile_path, tmp_path_factory.mktemp("avatars") / "smile", has_consent=True)


@pytest.fixture(scope="module")
def renderer(avatar: PhotoAvatar) -> PhotoRenderer:
    return avatar.renderer()


@pytest.fixture(scope="module")
def still(avatar: PhotoAvatar) -> TemplateFrame[PhotoFace]:
    """The photo as a template's frame, not moving."""
    return next(avatar.still(Fraction(25)).template.frames())


@pytest.fixture(scope="module")
def speech_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of silence, some words, and silence again."""
    speech = synthesise("My mother bought a big bag of apples at the market.")
    silence = np.zeros(speech.sample_rate, np.float32)
    path = tmp_path_factory.mktemp("sound") / "speech.wav"
    write_wav(path, np.concatenate([silence, speech.samples, silence]), speech.sample_rate)
    return path


@pytest.fixture(scope="module")
def spoken(
    avatar: PhotoAvatar, speech_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks (n, 478, 3) of the avatar saying it, and the pictures' times."""
    out = tmp_path_factory.mktemp("said") / "said.mp4"
    assert main(["render", str(avatar.directory), str(speech_path), "--out", str(out), "--fps", "25"]) == 0
    frames = list(read_frames(out))
    return np.stack([seen(frame.image) for frame in frames]), np.array([float(frame.time_s) for frame in frames])


def seen(image: np.ndarray) -> np.ndarray:
    """Landmarks (478, 3) of a picture by itself."""
    (face,) = find_faces(np.ascontiguousarray(image))
    return face


def drawn(renderer: PhotoRenderer, frame: TemplateFrame[PhotoFace], curves: np.ndarray) -> np.ndarray:
    ((_, picture),) = renderer.push(frame, curves, NO_SOUND)
    return picture


def test_it_is_an_avatar_like_any_other(avatar: PhotoAvatar, smile: np.ndarray) -> None:
    loaded = load_avatar(avatar.directory)
    assert isinstance(loaded, PhotoAvatar)
    np.testing.assert_array_equal(loaded.picture, smile)
    engine = hygiesync.Engine(loaded, fps=25)
    frames = [*engine.push(np.zeros(SAMPLE_RATE // 2, np.float32)), *engine.flush()]
    assert [frame.time_s for frame in frames] == [Fraction(n, 25) for n in range(13)]
    assert frames[0].image.shape == smile.shape


def test_what_needs_a_video_says_so(
    avatar: PhotoAvatar, smile_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError, match="made from a photo, and this needs an avatar made from a video"):
        load_avatar(avatar.directory, VideoAvatar)
    name = str(avatar.directory)
    for arguments in (["evaluate", name, "x.mp4"], ["bench", name], ["export", name, "--out", str(tmp_path / "x")]):
        assert main(arguments) == 2
        assert "made from a photo" in capsys.readouterr().err
    sound = tmp_path / "a.wav"
    write_wav(sound, np.zeros(8000, np.float32), 16_000)
    out = tmp_path / "o.mp4"
    assert main(["render", name, str(sound), "--template", "face.mp4", "--out", str(out)]) == 2
    assert "face swap" in capsys.readouterr().err
    assert not out.exists()


def test_a_smile_closes_and_opens(renderer: PhotoRenderer, still: TemplateFrame[PhotoFace], smile: np.ndarray) -> None:
    openings = [float(mouth_opening(seen(drawn(renderer, still, WIDE * opening)))) for opening in (0, 0.4, 1)]
    assert mouth_opening(seen(smile)) > 0.1
    assert openings[0] < 0.015
    assert openings[0] + 0.03 < openings[1] < openings[2] - 0.04
    assert openings[2] > 0.12


def test_a_wide_open_mouth_shuts_with_its_jaw() -> None:
    """Lips of a picture in mid-speech come together as they are, not swollen, and the chin comes up with them."""
    image, _ = Portrait(400).render(1.2, 0, 0, np.array([[1.0, 0, 0], [0, 1, 0]]))
    opened = find_faces(image)[0]
    face = TalkingFace(opened)
    shut = face.landmarks(CLOSED)
    gap = float(np.linalg.norm(opened[13] - opened[14]))
    assert gap > 0.15 * float(eye_distance(opened))
    assert np.linalg.norm((shut[13] - shut[14])[:2]) < 0.1 * gap
    for edge, outer in ((13, 0), (14, 17)):
        fullness = [float(np.linalg.norm(points[edge] - points[outer])) for points in (opened, shut)]
        assert fullness[1] < 1.35 * fullness[0]
    assert opened[152, 1] - shut[152, 1] > 0.45 * gap


@pytest.mark.slow
def test_a_picture_in_mid_speech_is_told_of_and_shuts(smile_path: Path, tmp_path: Path) -> None:
    image, _ = Portrait(300).render(1.4, 0, 0, np.array([[1.0, 0, 0], [0, 1, 0]]))
    Image.fromarray(image).save(tmp_path / "shouting.png")
    told: list[str] = []
    shouting = hygiesync.avatar_from_photo(tmp_path / "shouting.png", tmp_path / "shouting", warn=told.append)
    assert any("shouting.png: the mouth is wide open and was shut" in line for line in told)
    picture = next(shouting.idle(Fraction(25)).template.frames())
    shut = seen(drawn(shouting.renderer(), picture, CLOSED))
    assert mouth_opening(shut[:, :2]) < 0.35 * mouth_opening(shouting.landmarks[:, :2])
    told.clear()
    hygiesync.avatar_from_photo(smile_path, tmp_path / "smiling", warn=told.append)
    assert not any("wide open" in line for line in told)


def test_lips_round_and_spread(renderer: PhotoRenderer, still: TemplateFrame[PhotoFace]) -> None:
    widths = []
    for width in (-1.0, 0.0, 1.0):
        face = seen(drawn(renderer, still, np.array([0.2, width, 0])))
        widths.append(np.linalg.norm(face[61] - face[291]) / np.linalg.norm(face[33] - face[263]))
    assert widths[0] + 0.04 < widths[1] < widths[2] - 0.01


def test_a_mouth_has_teeth_above_and_dark_below(
    avatar: PhotoAvatar, renderer: PhotoRenderer, still: TemplateFrame[PhotoFace]
) -> None:
    picture = drawn(renderer, still, WIDE)
    ring = TalkingFace(avatar.landmarks).landmarks(WIDE)[list(INNER_LIPS)]
    top, bottom, x = ring[15, 1], ring[5, 1], round(float(ring[5, 0]))
    column = picture[:, x - 2 : x + 3].mean((1, 2))
    above, below = (column[round(top + share * (bottom - top))] for share in (0.3, 0.75))
    assert above > 1.6 * below
    assert below < 110


def test_the_mouth_of_a_grey_picture_is_grey(smile: np.ndarray, tmp_path: Path) -> None:
    grey = cv2.cvtColor(smile, cv2.COLOR_RGB2GRAY)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    avatar = hygiesync.avatar_from_photo(tmp_path / "grey.png", tmp_path / "grey")
    picture = drawn(avatar.renderer(), next(avatar.still(Fraction(25)).template.frames()), WIDE).astype(int)
    assert np.ptp(picture, axis=-1).max() <= 3


def test_background_stands_still_while_the_head_lives(avatar: PhotoAvatar, renderer: PhotoRenderer) -> None:
    frames = list(islice(avatar.idle(Fraction(5)).template.frames(), 60))
    alone = cv2.erode((avatar.layers.alpha == 0).astype(np.uint8), np.ones((41, 41))) > 0
    assert alone.mean() > 0.1
    made = np.stack([drawn(renderer, frame, CLOSED) for frame in frames[::6]]).astype(int)
    assert np.abs(made[:, alone] - avatar.picture[alone].astype(int)).max() <= 2
    poses = head_poses(np.stack([seen(picture) for picture in made.astype(np.uint8)]))
    assert 0.5 < np.ptp(poses[:, 0]) < 12
    still = drawn(renderer, next(avatar.still(Fraction(25)).template.frames()), CLOSED)
    assert np.abs(still.astype(int) - made[0]).mean() < 1.5


def test_who_else_is_in_the_picture_stays_whole(smile: np.ndarray, tmp_path: Path) -> None:
    Image.fromarray(np.hstack([smile, smile])).save(tmp_path / "two.png")
    avatar = hygiesync.avatar_from_photo(tmp_path / "two.png", tmp_path / "two", face=2, max_side=800)
    picture = drawn(avatar.renderer(), next(avatar.still(Fraction(25)).template.frames()), CLOSED)
    beside = (avatar.layers.alpha == 255) & (np.arange(800) < 400)
    assert beside.mean() > 0.1
    assert np.abs(picture.astype(int) - avatar.picture)[beside].max() < 100  # sharpest edges soften


@pytest.mark.slow
def test_moving_skin_shows_no_specks(avatar: PhotoAvatar) -> None:
    height, width = avatar.picture.shape[:2]
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    places = np.dstack([x, y, np.full_like(x, 128)]).astype(np.uint8)  # colours that say where they are from
    layers = Layers(places, np.full((height, width), 255, np.uint8), places)
    renderer = PhotoRenderer(places, avatar.landmarks, layers, avatar.triangles)
    skin = np.ones((height, width), np.uint8)
    for ring in (INNER_LIPS, *EYES):
        cv2.fillPoly(skin, [np.rint(avatar.landmarks[list(ring), :2]).astype(np.int32)], 0)
    skin = cv2.erode(skin, np.ones((17, 17), np.uint8)) > 0
    living, life = avatar.still(Fraction(25)).template, IdleMotion()
    assert isinstance(living, PhotoTemplate)
    for time_s in np.arange(20, 26, 1 / 15):
        moment = replace(life.at(float(time_s)), openness=1.0)
        picture = renderer.draw(CLOSED, living.face(moment))
        speck = np.abs(picture.astype(int) - cv2.medianBlur(picture, 5)).max(-1)
        assert speck[skin].max() <= 3, time_s


def test_eyes_close_in_a_blink(avatar: PhotoAvatar, renderer: PhotoRenderer) -> None:
    life = IdleMotion()
    times_s = np.arange(0, 12, 0.02)
    openness = np.array([life.at(float(time_s)).openness for time_s in times_s])
    number = int(openness.argmin())
    frames = islice(avatar.idle(Fraction(50)).template.frames(), number, number + 1)
    shut = eye_openings(seen(drawn(renderer, next(frames), CLOSED))).mean()
    opened = eye_openings(seen(avatar.picture)).mean()
    assert shut < 0.5 * opened


def test_life_is_gentle_never_repeats_and_needs_no_memory() -> None:
    life = IdleMotion(3)
    first = life.at(0.0)
    assert not first.turn_deg.any()
    assert first.openness == 1
    times_s = np.concatenate([np.arange(0, 60, 1 / 60), 36_000 + np.arange(0, 60, 1 / 60)])
    moments = [life.at(float(time_s)) for time_s in times_s]
    openness = np.array([moment.openness for moment in moments])
    turns = np.stack([moment.turn_deg for moment in moments])
    assert openness.min() == 0
    assert openness.max() == 1
    began = np.flatnonzero((openness[1:] < 0.5) & (openness[:-1] >= 0.5))
    assert 20 <= len(began) <= 52  # of two minutes: 10 to 26 a minute
    assert np.abs(turns).max() < 4
    steps = np.abs(np.diff(turns, axis=0))
    assert np.delete(steps, 3599, axis=0).max() < 0.1
    assert not np.allclose(turns[:3600], turns[3600:], atol=0.2)
    again = IdleMotion(3).at(float(times_s[5000]))
    np.testing.assert_array_equal(again.turn_deg, moments[5000].turn_deg)
    assert not np.allclose(IdleMotion(4).at(30.0).turn_deg, life.at(30.0).turn_deg)


def test_a_breath_lifts_the_shoulders_and_not_the_room(avatar: PhotoAvatar, renderer: PhotoRenderer) -> None:
    living = PhotoTemplate(avatar.picture, avatar.landmarks, Fraction(25))
    poses = [IdlePose.none(), replace(IdlePose.none(), breath=1.0, lean=1.0)]
    still, breathing = (renderer.draw(CLOSED, living.face(pose)).astype(int) for pose in poses)
    change = np.abs(breathing - still).max(-1)
    chin = int(avatar.landmarks[152, 1])
    body = np.zeros(change.shape, bool)
    body[chin + 40 :] = avatar.layers.alpha[chin + 40 :] > 200
    assert change[body].mean() > 2
    assert change[:chin].mean() < 0.2
    room = cv2.erode((avatar.layers.alpha == 0).astype(np.uint8), np.ones((21, 21))) > 0
    assert change[room].max() <= 2


def test_brows_rise_alone(avatar: PhotoAvatar, renderer: PhotoRenderer) -> None:
    living = PhotoTemplate(avatar.picture, avatar.landmarks, Fraction(25))
    faces = [seen(renderer.draw(CLOSED, living.face(replace(IdlePose.none(), brow=brow)))) for brow in (0.0, 0.06)]
    raised = (faces[0] - faces[1])[:, 1] / np.linalg.norm(faces[0][33] - faces[0][263])
    assert raised[[105, 334]].mean() > 0.02
    assert abs(raised[[33, 263, 4, 61, 291, 152]]).max() < 0.02


def test_manners_of_life(avatar: PhotoAvatar) -> None:
    """Lively heads turn further than calm ones, and still ones not at all: nor do they blink or breathe."""
    turned = {}
    for life in ("calm", "lively", "still"):
        frames = islice(avatar.with_life(life).idle(Fraction(2)).template.frames(), 60)
        faces = [present(frame.face) for frame in frames]
        turned[life] = np.ptp([face.head.rotation[0, 2] for face in faces])
        assert {face.liveliness > 0 for face in faces} == {life != "still"}
        assert (life == "still") == all(face.life.openness == 1 and face.life.breath == 0 for face in faces)
    assert turned["lively"] > 1.4 * turned["calm"] > 1.4 * turned["still"] == 0
    with pytest.raises(UsageError, match="`life`: expected calm, lively, still, got 'wild'"):
        avatar.with_life("wild")


@pytest.mark.slow
def test_speech_moves_the_mouth_in_time_and_silence_closes_it(
    spoken: tuple[np.ndarray, np.ndarray], speech_path: Path
) -> None:
    landmarks, times_s = spoken
    opening = mouth_opening(landmarks)
    samples = read_audio(speech_path)
    energy = np.sqrt(np.convolve(samples**2, np.ones(800) / 800, "same"))
    is_silent = (times_s < 0.8) | (times_s > len(samples) / SAMPLE_RATE - 0.7)
    assert opening[is_silent].max() < 0.02
    assert opening[~is_silent].max() > 0.08
    loudness = np.log10(energy + 1e-3)

    def likeness(lag_s: float) -> float:
        return correlation(np.interp(times_s - lag_s, np.arange(len(samples)) / SAMPLE_RATE, loudness), opening)

    lags_s = np.arange(-0.2, 0.201, 0.01)
    likenesses = [likeness(lag_s) for lag_s in lags_s]
    assert max(likenesses) > 0.5
    assert abs(lags_s[int(np.argmax(likenesses))]) <= 0.04


@pytest.mark.slow
def test_who_it_is_stays(spoken: tuple[np.ndarray, np.ndarray], smile: np.ndarray) -> None:
    landmarks, _ = spoken
    face = seen(smile)
    eyes = np.linalg.norm(landmarks[:, 33] - landmarks[:, 263], axis=1)
    assert abs(np.median(eyes) / np.linalg.norm(face[33] - face[263]) - 1) < 0.03


@pytest.mark.slow
def test_commands(smile_path: Path, speech_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, said = tmp_path / "one", tmp_path / "said.mp4"
    assert main(["photo", str(smile_path), "--out", str(out), "--i-have-consent", "--max-side", "240"]) == 0
    printed = capsys.readouterr()
    assert "240 x 240" in printed.out
    assert "scaled" in printed.err
    assert main(["info", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "smile.png" in shown
    assert "one picture" in shown
    assert "?" not in shown
    assert main(["say", str(out), "Hello!", "--out", str(said)]) == 0
    info = probe(said)
    assert (info.width, info.height, info.fps, info.has_audio) == (240, 240, Fraction(30), True)
    points = tmp_path / "points.mp4"
    assert main(["render", str(out), str(speech_path), "--landmarks-only", "--fps", "10", "--out", str(points)]) == 0
    image = next(read_frames(points)).image
    assert 0.01 < (image > 128).mean() < 0.4
    still = tmp_path / "still.mp4"
    assert main(["render", str(out), str(speech_path), "--life", "still", "--fps", "5", "--out", str(still)]) == 0
    frames = [frame.image.astype(int) for frame in read_frames(still)]
    upper = np.s_[:60, :]
    assert max(np.abs(frame[upper] - frames[0][upper]).mean() for frame in frames) < 2


@pytest.mark.slow
def test_live_shows_it(avatar: PhotoAvatar, speech_path: Path, tmp_path: Path) -> None:
    measured, said = tmp_path / "measured.json", tmp_path / "said.mp4"
    arguments = ["--input-device", str(speech_path), "--no-window", "--fps", "10", "--duration", "1.5"]
    assert main(["live", str(avatar.directory), *arguments, "--json", str(measured), "--record", str(said)]) == 0
    assert json.loads(measured.read_text())["failure"] == ""
    with LandmarkDetector() as detector:
        assert detector.detect(next(read_frames(said)).image) is not None


@pytest.mark.slow
def test_pictures_without_a_usable_face_are_refused(
    smile: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(np.full((200, 200, 3), 128, np.uint8)).save(tmp_path / "none.png")
    Image.fromarray(np.hstack([smile, smile])).save(tmp_path / "two.png")
    Image.fromarray(smile[::-1, ::-1]).save(tmp_path / "head.png")
    Image.fromarray(np.rot90(smile)).save(tmp_path / "side.png")
    height = round(float(seen(smile)[INNER_LIPS[5], 1])) - 1
    Image.fromarray(cv2.resize(smile[:height], None, fx=3, fy=3)).save(tmp_path / "cut.png")
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "folder.png").mkdir()
    out = tmp_path / "avatar"
    reasons = {
        "none": "no face", "two": "choose one with --face", "head": "turn the picture upright",
        "side": "turn the picture upright", "cut": "edge cuts off the face's mouth",
        "text": "no picture", "folder": "is a folder", "gone": "no such file",
    }  # fmt: skip
    for name, said in reasons.items():
        assert main(["photo", str(tmp_path / f"{name}.png"), "--out", str(out)]) == 3
        assert said in capsys.readouterr().err
        assert not out.exists()
    assert main(["photo", str(tmp_path / "two.png"), "--out", str(out), "--face", "2"]) == 0
    assert load_avatar(out, PhotoAvatar).landmarks[:, 0].mean() > 400
    assert main(["photo", str(tmp_path / "two.png"), "--out", str(tmp_path), "--face", "2"]) == 2
    assert main(["photo", str(tmp_path / "two.png"), "--out", str(tmp_path / "x"), "--max-side", "-1"]) == 2


@pytest.mark.parametrize("name", [PERSON, BACKGROUND, "face.safetensors", "speech_to_shape.onnx"])
def test_damage_is_found(avatar: PhotoAvatar, tmp_path: Path, name: str) -> None:
    broken = shutil.copytree(avatar.directory, tmp_path / "broken")
    content = bytearray((broken / name).read_bytes())
    content[len(content) // 2] ^= 0xFF
    (broken / name).write_bytes(content)
    with pytest.raises(InputError, match="make it again"):
        load_avatar(broken)


def without_two_thirds(picture: np.ndarray) -> np.ndarray:
    return picture[: len(picture) // 3]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (PICTURE, without_two_thirds),
        (PICTURE, lambda picture: picture[..., 0]),
        (PERSON, without_two_thirds),
        (PERSON, lambda picture: picture[..., :3]),
        (BACKGROUND, without_two_thirds),
        ("landmarks", lambda landmarks: landmarks * np.nan),
        ("landmarks", lambda landmarks: landmarks * 0),
        ("landmarks", lambda landmarks: landmarks + 5000),
        ("landmarks", lambda landmarks: landmarks[:468]),
        ("landmarks", lambda landmarks: landmarks[:, :2]),
        ("triangles", lambda triangles: triangles + 9999),
        ("triangles", lambda triangles: triangles[:0]),
        ("triangles", lambda triangles: triangles.ravel()),
    ],
)
def test_files_that_belong_to_something_else_are_found(
    avatar: PhotoAvatar, tmp_path: Path, name: str, change: Callable[..., Any]
) -> None:
    other = shutil.copytree(avatar.directory, tmp_path / "other")
    if name.endswith(".png"):
        Image.fromarray(change(np.array(Image.open(other / name)))).save(other / name)
    else:
        tensors = load_file(other / "face.safetensors")
        tensors[name] = np.ascontiguousarray(change(tensors[name]))
        save_file(tensors, other / "face.safetensors")
    manifest = Manifest.read(other)
    replace(manifest, files={file: sha256_of(other / file) for file in manifest.files}).write(other)
    with pytest.raises(InputError, match=r"can't be read .* make the avatar again"):
        load_avatar(other)


def test_a_name_with_spaces_is_shown_as_the_shell_needs_it(
    smile_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a b"
    assert main(["photo", str(smile_path), "--out", str(out)]) == 0
    assert f"say '{out}'" in capsys.readouterr().out
