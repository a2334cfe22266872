"""A person's network for whole recordings that hears the generic model's sounds beside the mel frames."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hygiesync.errors import InputError
from hygiesync.learning.aperture import Aperture
from hygiesync.learning.dataset import LabelledClip
from hygiesync.learning.ensemble import WholeEnsemble
from hygiesync.learning.export_onnx import export_persons_window
from hygiesync.learning.settings import TrainingSettings
from hygiesync.learning.train import predict, train_network
from hygiesync.learning.whole_network import CONVOLUTIONAL, WholeNetworkSettings, WholeSpeechToShape
from hygiesync.speech.mel import N_MELS, POWER_FLOOR
from hygiesync.speech_to_shape.generic import GenericSpeech
from hygiesync.speech_to_shape.hearing import sounds_of
from hygiesync.speech_to_shape.onnx_window import OnnxWindow
from hygiesync.speech_to_shape.whole import MARGIN_FRAMES, WINDOW_FRAMES

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = WholeNetworkSettings(2, conv_width=8, lstm_width=8, second_context=CONVOLUTIONAL, n_sounds=6, n_parts=3)


@pytest.fixture(scope="module")
def generic() -> GenericSpeech:
    return GenericSpeech.load()


def mel_of(n_frames: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(-4, 1, (n_frames, N_MELS)).astype(np.float32)


class Windows:
    """Stands for the generic model: its one sound is the mel frame's number in the window, and the loudest band."""

    n_frames = WINDOW_FRAMES

    def sounds(self, mel: np.ndarray) -> np.ndarray:
        assert mel.shape == (WINDOW_FRAMES, N_MELS)
        return np.stack([np.arange(WINDOW_FRAMES), mel.max(1)], 1)[::2].astype(np.float32)


@pytest.mark.parametrize("n_frames", [1, 7, WINDOW_FRAMES, 2500])
def test_every_frame_is_heard_in_the_window_that_answers_it(n_frames: int) -> None:
    mel = mel_of(n_frames)
    sounds = sounds_of(Windows(), mel)  # type: ignore[arg-type]
    assert sounds.shape == (n_frames, 2)
    even = np.arange(0, n_frames, 2)
    np.testing.assert_array_equal(sounds[even, 1], mel[even].max(1))
    later = np.flatnonzero(sounds[:, 0] != np.arange(n_frames) // 2 * 2)
    assert (sounds[later, 0] >= MARGIN_FRAMES).all()
    assert (sounds[:, 0] < WINDOW_FRAMES - MARGIN_FRAMES).all()


def test_after_the_end_there_is_silence(generic: GenericSpeech) -> None:
    window, mel = OnnxWindow(generic.window), mel_of(300)
    silence = np.full((WINDOW_FRAMES - 300, N_MELS), np.log10(POWER_FLOOR), np.float32)
    expected = window.sounds(np.concatenate([mel, silence]))[:150]
    np.testing.assert_array_equal(sounds_of(window, mel)[::2], expected)


def test_parts_are_what_differs_most_each_of_variance_one() -> None:
    rng = np.random.default_rng(0)
    mixed = rng.standard_normal((4000, 3)) * (9.0, 4.0, 2.0) @ rng.standard_normal((3, 6)) + 5
    sounds = torch.from_numpy(mixed.astype(np.float32))
    network = SMALL.build(torch.zeros(N_MELS), torch.ones(N_MELS), None)
    network.learn_parts(sounds)
    parts = (sounds - network.sounds_mean) @ network.sounds_parts
    np.testing.assert_allclose(np.cov(parts.numpy().T), np.eye(3), atol=0.02)


def test_an_avatars_window_has_the_generic_model_in_it(generic: GenericSpeech, tmp_path: Path) -> None:
    torch.manual_seed(0)
    sizes, rng = replace(SMALL, n_sounds=384), np.random.default_rng(1)
    members = []
    for number in range(2):
        aperture = Aperture(rng.standard_normal(2), 0.1, rng.standard_normal(2))
        member = WholeSpeechToShape(sizes.member(number), torch.full((N_MELS,), -4.0), torch.ones(N_MELS), aperture)
        member.learn_parts(torch.from_numpy(rng.standard_normal((900, 384)).astype(np.float32)))
        members.append(member)
    network = WholeEnsemble(members).eval()
    path, mel = tmp_path / "window.onnx", mel_of(WINDOW_FRAMES)
    export_persons_window(network, path, generic.window)
    heard = np.concatenate([mel, OnnxWindow(generic.window).sounds(mel).repeat(2, axis=0)], axis=1)
    window = OnnxWindow(path.read_bytes())
    np.testing.assert_allclose(window.answer(mel), predict(network, heard), atol=1e-4)
    assert path.stat().st_size < len(generic.window) + 1_000_000
    with pytest.raises(InputError, match="got a person's own"):
        window.sounds(mel)


def test_mouths_that_only_sounds_tell_of_are_learnt() -> None:
    """The mel frames are noise; the sounds say what the mouth does."""
    rng = np.random.default_rng(0)
    sounds = np.repeat(rng.standard_normal((300, 6)), 8, axis=0).astype(np.float32)
    coefficients = np.stack([sounds[:, 0] + sounds[:, 1], sounds[:, 2]], 1)
    clip = LabelledClip(mel_of(2400), coefficients, np.ones(2400, bool)).with_sounds(sounds)
    assert clip.n_sounds == 6
    settings = TrainingSettings(n_epochs=4, batches_per_epoch=20, batch_size=8, window=100, warm_up=10, n_networks=2)
    run = train_network([clip[:2000]], [clip[2000:]], np.eye(2), replace(SMALL, n_parts=6), settings)
    said = predict(run.network, clip[2000:].heard)
    assert np.corrcoef(said[:, 0], coefficients[2000:, 0])[0, 1] > 0.7
    alone = predict(run.network, clip[2000:].with_sounds(np.zeros((400, 6), np.float32)).heard)
    assert abs(np.corrcoef(alone[:, 0], coefficients[2000:, 0])[0, 1]) < 0.3
