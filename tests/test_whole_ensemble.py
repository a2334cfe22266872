"""Two networks of whole recordings as one: of other kinds, trained apart, exported as the mean before any closing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from hygiesync.building.learning_step import whole_network
from hygiesync.learning.aperture import Aperture
from hygiesync.learning.dataset import LabelledClip
from hygiesync.learning.ensemble import WholeEnsemble
from hygiesync.learning.export_onnx import export_window
from hygiesync.learning.settings import LARGE_FROM_S, TrainingSettings, whole_preset
from hygiesync.learning.train import predict, train_network
from hygiesync.learning.whole_network import CONVOLUTIONAL, RECURRENT, WholeNetworkSettings, WholeSpeechToShape
from hygiesync.speech.mel import N_MELS
from hygiesync.speech_to_shape.onnx_window import OnnxWindow
from hygiesync.speech_to_shape.whole import WINDOW_FRAMES
from hygiesync.timing import time_to_mel_frames

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = WholeNetworkSettings(3, conv_width=12, lstm_width=8, second_context=CONVOLUTIONAL)
APERTURE = Aperture(np.array([0.05, 0.0, 0.02]), 0.02, np.array([16.0, 3.0, 10.0]))


def random_network(context: str, closing_bias: float = 0.0) -> WholeSpeechToShape:
    torch.manual_seed(1)
    network = WholeSpeechToShape(
        replace(TINY, context=context), torch.full((N_MELS,), -4.0), torch.ones(N_MELS), APERTURE
    )
    with torch.no_grad():
        network.head.weight *= 10
        network.head.bias[-1] = closing_bias
    return network.eval()


def random_mel(n_frames: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(-4, 1, (n_frames, N_MELS)).astype(np.float32)


@torch.no_grad()
def test_convolutions_hear_a_quarter_of_a_second_and_recurrence_everything() -> None:
    mel = random_mel(400)
    other = mel.copy()
    other[200:] += 1
    for context, hears_far in ((CONVOLUTIONAL, False), (RECURRENT, True)):
        network = random_network(context)
        difference = np.abs(predict(network, mel) - predict(network, other)).max(1)
        assert difference[180:200].min() > 0
        assert (difference[:170].max() > 0) == hears_far


@torch.no_grad()
def test_the_mean_is_taken_before_the_closing() -> None:
    """Lips that meet for one member only meet or don't, and never half meet."""
    members = [random_network(RECURRENT, 4.0), random_network(CONVOLUTIONAL, -4.0)]
    mel = torch.from_numpy(random_mel(80))[None]
    heard = [member.raw_outputs(mel)[0][0] for member in members]
    mean = [((heard[0][0] + heard[1][0]) / 2, (heard[0][1] + heard[1][1]) / 2)]
    np.testing.assert_allclose(WholeEnsemble(members)(mel), members[0].apply_closure(mean)[0], atol=1e-5)
    separately = (members[0](mel) + members[1](mel)) / 2
    assert not np.allclose(WholeEnsemble(members)(mel), separately, atol=0.05)


@pytest.mark.slow
def test_trained_apart_and_exported_as_one(tmp_path: Path) -> None:
    mel = random_mel(600)
    shapes: NDArray[np.float32] = mel[:, :3] + np.float32(4)
    clip = LabelledClip(mel, shapes, np.ones(600, bool))
    settings = TrainingSettings(n_epochs=2, batches_per_epoch=2, batch_size=4, window=60, n_networks=2)
    run = train_network([clip], [clip[:100]], np.eye(3), TINY, settings, tmp_path / "c.safetensors", None, APERTURE)
    assert isinstance(run.network, WholeEnsemble)
    kinds = [member.settings.context for member in run.network.members if isinstance(member, WholeSpeechToShape)]
    assert kinds == [RECURRENT, CONVOLUTIONAL]
    again = train_network([clip], [clip[:100]], np.eye(3), TINY, settings, tmp_path / "c.safetensors", None, APERTURE)
    for name, tensor in run.network.state_dict().items():
        assert torch.equal(tensor, again.network.state_dict()[name]), "both are in their checkpoints"
    export_window(run.network, tmp_path / "window.onnx")
    window = OnnxWindow((tmp_path / "window.onnx").read_bytes())
    long = random_mel(WINDOW_FRAMES)
    np.testing.assert_allclose(window.answer(long), predict(run.network, long), atol=1e-4)


def test_little_video_has_two_of_a_kind_and_quick_training_one() -> None:
    """Convolutions want more to learn from than recurrence does."""
    little, much = (time_to_mel_frames(LARGE_FROM_S + more) for more in (-1, 1))
    assert whole_network(12, little).member(1).context == RECURRENT
    assert [whole_network(12, much).member(number).context for number in (0, 1)] == [RECURRENT, CONVOLUTIONAL]
    assert [whole_preset(name, 0, much).n_networks for name in ("fast", "balanced", "best")] == [1, 2, 2]
