"""One avatar, many sessions at once: engines in threads draw to the bit what they draw one after another."""

import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from importlib import import_module
from threading import Barrier

import numpy as np
import pytest
from PIL import Image
from skimage import data as pictures

import hygiesync
from hygiesync.avatar.bundle import Avatar
from hygiesync.avatar.photo_avatar import PhotoAvatar
from hygiesync.rendering import atlas
from hygiesync.timing import SAMPLE_RATE
from hygiesync.tts.espeak import synthesise

N_ENGINES = 8
SECONDS = 1.0


@pytest.fixture(scope="module")
def photo_avatar(tmp_path_factory: pytest.TempPathFactory) -> PhotoAvatar:
    folder = tmp_path_factory.mktemp("photo")
    Image.fromarray(np.ascontiguousarray(pictures.astronaut()[:256, 90:346])).save(folder / "face.png")
    return hygiesync.avatar_from_photo(folder / "face.png", folder / "avatar", has_consent=True)


@pytest.fixture(scope="module")
def speeches() -> list[np.ndarray]:
    """Something else for each engine, in blocks of its own length."""
    speech = synthesise("My mother bought a big bag of apples, and we paid for five warm shoes.")
    samples = np.interp(np.arange(0, speech.duration_s, 1 / SAMPLE_RATE),
                        np.arange(len(speech.samples)) / speech.sample_rate, speech.samples)  # fmt: skip
    length = int(SECONDS * SAMPLE_RATE)
    starts = np.linspace(0, len(samples) - length, N_ENGINES).astype(int)
    return [samples[start : start + length].astype(np.float32) for start in starts]


@pytest.fixture
def short_turns() -> Iterator[None]:
    """Threads that change over as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def spoken(avatar: Avatar, samples: np.ndarray, number: int) -> list[tuple[Fraction, np.ndarray]]:
    engine = hygiesync.Engine(avatar, fps=25)
    blocks = np.array_split(samples, 10 + number)
    drawn = [frame for block in blocks for frame in engine.push(block)]
    return [(frame.time_s, frame.image.copy()) for frame in [*drawn, *engine.flush()]]


@pytest.mark.slow
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["talker_avatar", "photo_avatar"])
def test_eight_engines_at_once_draw_what_they_draw_one_after_another(
    kind: str,
    speeches: list[np.ndarray],
    short_turns: None,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    avatar = request.getfixturevalue(kind)
    monkeypatch.setattr(atlas, "MAX_OPEN_BYTES", 500_000)  # pictures come and go all the time
    alone = [spoken(avatar, samples, number) for number, samples in enumerate(speeches)]
    all_ready = Barrier(N_ENGINES)

    def speak_together(number: int) -> list[tuple[Fraction, np.ndarray]]:
        all_ready.wait(60)
        return spoken(avatar, speeches[number], number)

    with ThreadPoolExecutor(N_ENGINES) as workers:
        together = list(workers.map(speak_together, range(N_ENGINES)))
    for mine, others in zip(together, alone, strict=True):
        assert [time_s for time_s, _ in mine] == [time_s for time_s, _ in others]
        for (_, image), (_, wanted) in zip(mine, others, strict=True):
            np.testing.assert_array_equal(image, wanted)
    first, last = alone[0][-5][1], alone[-1][-5][1]
    assert not np.array_equal(first, last), "they say something else"


PUBLIC = [
    ("engine", "Engine"), ("avatar.bundle", "Avatar"), ("avatar.video_avatar", "VideoAvatar"),
    ("avatar.photo_avatar", "PhotoAvatar"), ("avatar.template", "IdleTemplate"), ("avatar.template", "VideoTemplate"),
    ("avatar.still_template", "StillTemplate"), ("portrait.speaking.photo_template", "PhotoTemplate"),
    ("portrait.speaking.photo_renderer", "PhotoRenderer"), ("rendering.compositor", "Compositor"),
    ("rendering.landmark_renderer", "LandmarkRenderer"), ("rendering.atlas", "Atlas"),
    ("rendering.retrieval", "Retriever"),
    ("rendering.path", "PathSearch"), ("speech_to_shape.stream", "SpeechToShapeStream"),
    ("speech_to_shape.onnx_step", "OnnxStep"), ("speech_to_shape.onnx_window", "OnnxWindow"),
    ("speech_to_shape.whole", "WholeRecordingStream"), ("speech_to_shape.generic", "GenericSpeech"),
    ("speech.mel", "MelSpectrogram"), ("speech.activity", "VoiceActivity"), ("face.landmarks", "LandmarkDetector"),
    ("media.writer", "VideoWriter"), ("media.background_writer", "BackgroundWriter"), ("live.session", "LiveSession"),
    ("live.worker", "EngineWorker"), ("live.playout", "Playout"), ("live.recorder", "Recorder"),
    ("live.statistics", "Statistics"), ("live.template", "Head"), ("devices.sound.source", "SoundSource"),
    ("devices.sound.speaker", "Speaker"), ("concurrency.library_threads", "SharedChange"),
]  # fmt: skip


@pytest.mark.parametrize(("module", "name"), PUBLIC)
def test_every_public_class_says_what_threads_may_do_with_it(module: str, name: str) -> None:
    said = " ".join(getattr(import_module(f"hygiesync.{module}"), name).__doc__.split())
    assert re.search(r"thread-safe|(one|another|any) thread|any number of threads", said, re.IGNORECASE)
