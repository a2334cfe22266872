"""Networks that answer as one: the mean before any closing, in pieces, exported, and resumable to the bit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hygiesync.learning.aperture import Aperture
from hygiesync.learning.dataset import LabelledClip
from hygiesync.learning.ensemble import Ensemble
from hygiesync.learning.export_onnx import export_step
from hygiesync.learning.network import NetworkSettings, SpeechToShape
from hygiesync.learning.settings import TrainingSettings, preset
from hygiesync.learning.train import ProgressCallback, TrainingRun, predict, train_network
from hygiesync.speech.mel import N_MELS
from hygiesync.speech_to_shape.onnx_step import OnnxStep
from hygiesync.timing import time_to_mel_frames

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = NetworkSettings(3, conv_width=12, kernel_size=3, n_convolutions=2, lstm_width=16, early_frames=(4, 8))
APERTURE = Aperture(np.array([0.05, 0.0, 0.02]), 0.02, np.array([16.0, 3.0, 10.0]))
METRIC = np.diag(np.sqrt([0.6, 0.3, 0.1]))
SETTINGS = TrainingSettings(n_epochs=3, batches_per_epoch=3, batch_size=4, window=60, warm_up=10, seed=3, n_networks=2)


def random_network(seed: int, settings: NetworkSettings = TINY) -> SpeechToShape:
    """A network that is not trained, but whose answers differ from frame to frame, and whose lips meet now and then."""
    torch.manual_seed(seed)
    n = settings.n_components
    aperture = Aperture(np.resize(APERTURE.gradient, n), 0.02, np.resize(APERTURE.path, n))
    network = SpeechToShape(settings, torch.full((N_MELS,), -4.0), torch.ones(N_MELS), aperture)
    with torch.no_grad():
        network.head.weight *= 10
        network.opening_gain.fill_(1.2)
    return network.eval()


def random_mel(n_frames: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(-4, 1, (n_frames, N_MELS)).astype(np.float32)


def make_sequence(n_frames: int, seed: int) -> LabelledClip:
    """Mel frames whose energy comes and goes, and coefficients that follow it."""
    rng = np.random.default_rng(seed)
    smooth = np.convolve(rng.normal(0, 1, n_frames + 40), np.hanning(21), "same")[:n_frames] / 3
    mel = (smooth[:, None] - 4 + rng.normal(0, 0.1, (n_frames, N_MELS))).astype(np.float32)
    coefficients = np.stack([smooth, np.tanh(2 * smooth), -smooth], 1).astype(np.float32)
    return LabelledClip(mel, coefficients, np.ones(n_frames, bool))


TRAINING, VALIDATION = [make_sequence(600, 1)], [make_sequence(200, 2)]


def train(
    checkpoint: Path | None = None,
    progress: ProgressCallback | None = None,
    training_settings: TrainingSettings = SETTINGS,
) -> TrainingRun:
    return train_network(TRAINING, VALIDATION, METRIC, TINY, training_settings, checkpoint, progress, APERTURE)


@pytest.fixture(scope="module")
def whole_run() -> TrainingRun:
    return train()


def same_weights(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    theirs = other.state_dict()
    return all(torch.equal(tensor, theirs[name]) for name, tensor in one.state_dict().items())


@torch.no_grad()
def test_the_mean_is_taken_before_the_closing() -> None:
    """Lips that meet for one member only meet or don't, and never half meet."""
    members, mel = [random_network(1), random_network(2)], torch.from_numpy(random_mel(80))[None]
    for member, log_odds in zip(members, (4.0, -4.0), strict=True):
        member.head.bias[TINY.n_components :: TINY.n_components + 1] = log_odds
    ensemble = Ensemble(members)
    main, early, _ = ensemble.predict(mel)
    heard = [member.raw_outputs(mel)[0] for member in members]
    mean = [tuple((one + other) / 2 for one, other in zip(*pair, strict=True)) for pair in zip(*heard, strict=True)]
    expected, expected_early = members[0].apply_closure(mean)
    for answer, wanted in zip((main, *early), (expected, *expected_early), strict=True):
        np.testing.assert_allclose(answer, wanted, atol=1e-5)
    separately = (members[0].predict(mel)[0] + members[1].predict(mel)[0]) / 2
    assert not np.allclose(main, separately, atol=0.05)


@torch.no_grad()
def test_one_member_answers_as_it_does_alone() -> None:
    alone, mel = random_network(1), torch.from_numpy(random_mel(60))[None]
    np.testing.assert_array_equal(Ensemble([alone])(mel)[0], alone(mel)[0])


@torch.no_grad()
@pytest.mark.parametrize("n_members", [2, 3])
def test_in_pieces_as_at_once(n_members: int) -> None:
    ensemble = Ensemble([random_network(seed) for seed in range(n_members)])
    mel, state, pieces = torch.from_numpy(random_mel(60))[None], None, []
    for begin, end in [(0, 1), (1, 20), (20, 60)]:
        piece, state = ensemble(mel[:, begin:end], state)
        pieces.append(piece)
    np.testing.assert_allclose(torch.cat(pieces, 1), ensemble(mel)[0], atol=1e-5)


@pytest.mark.slow
def test_the_exported_step_is_the_ensemble(tmp_path: Path) -> None:
    """At the default sizes: two fit in what a network may weigh."""
    settings = NetworkSettings(12, early_frames=(4, 8))
    ensemble = Ensemble([random_network(seed, settings) for seed in (1, 2)])
    export_step(ensemble, tmp_path / "step.onnx")
    step, mel = (tmp_path / "step.onnx").read_bytes(), random_mel(50)
    with torch.no_grad():
        main, early, _ = ensemble.predict(torch.from_numpy(mel)[None])
    for number, expected in [(None, main), (0, early[0]), (1, early[1])]:
        np.testing.assert_allclose(OnnxStep(step, number).push(mel), expected[0], atol=1e-4)
    assert not np.allclose(main, early[0], atol=0.1)
    assert sum(parameter.numel() for parameter in ensemble.parameters()) < 1e6


def test_members_are_trained_apart(whole_run: TrainingRun) -> None:
    assert isinstance(whole_run.network, Ensemble)
    first, second = whole_run.network.members
    alone = train(training_settings=replace(SETTINGS, n_networks=1))
    assert not same_weights(first, second)
    calibrated = ("opening_gain", "early_opening_gain")
    for name, tensor in alone.network.state_dict().items():
        assert name in calibrated or torch.equal(tensor, first.state_dict()[name]), name
    assert whole_run.settings == SETTINGS
    assert len(whole_run.training_loss) == len(whole_run.validation_loss) == SETTINGS.n_epochs
    assert not whole_run.network.training


@pytest.mark.slow
def test_the_ensembles_own_opening_is_stretched_to_the_real_spread() -> None:
    """Its mean moves less than its members' answers do."""
    longer = replace(SETTINGS, n_epochs=8, batches_per_epoch=12, batch_size=16, learning_rate=0.01)
    network = train(training_settings=longer).network
    stretched = float(network.opening_gain)
    network.opening_gain.fill_(1.0)
    said = np.concatenate([APERTURE.opening(predict(network, sequence.mel)) for sequence in TRAINING])
    real = np.concatenate([APERTURE.opening(sequence.coefficients) for sequence in TRAINING])
    assert stretched != 1
    assert stretched == pytest.approx(min(real.std() / said.std(), 1.4), rel=1e-3)


class Interrupted(Exception):  # noqa: N818
    pass


@pytest.mark.parametrize("n_epochs", [1, 3, 4, 6])
def test_an_interrupted_run_ends_with_the_same_bits(tmp_path: Path, whole_run: TrainingRun, n_epochs: int) -> None:
    """Whether the first network or the second was being trained."""
    told = []

    def interrupt(epoch: int, n_all: int, *_: object) -> None:
        told.append((epoch, n_all))
        if epoch == n_epochs:
            raise Interrupted

    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Interrupted):
        train(path, interrupt)
    torch.manual_seed(999)
    resumed = train(path, lambda epoch, n_all, *_: told.append((epoch, n_all)))
    assert told == [(epoch, 6) for epoch in range(1, 7)]
    assert same_weights(resumed.network, whole_run.network)
    assert resumed.training_loss == whole_run.training_loss
    assert resumed.validation_loss == whole_run.validation_loss


FIVE_MINUTES = time_to_mel_frames(300)


def test_the_best_preset_is_an_ensemble() -> None:
    assert preset("best", 0, FIVE_MINUTES).n_networks == 2
    assert {preset(name, 0, FIVE_MINUTES).n_networks for name in ("fast", "balanced")} == {1}


@pytest.mark.parametrize("share", [0.03, 0.2, 0.5])
def test_a_short_video_gets_two_networks_for_the_work_of_one(share: float) -> None:
    whole, short = preset("balanced", 0, FIVE_MINUTES), preset("balanced", 0, round(share * FIVE_MINUTES))
    assert short.n_networks == 2
    assert short.n_networks * short.batches_per_epoch == whole.batches_per_epoch
    assert preset("fast", 0, round(share * FIVE_MINUTES)).n_networks == 1
    assert preset("best", 0, round(share * FIVE_MINUTES)).n_networks == 2, "three would weigh too much"


def test_what_is_heard_too_often_is_spliced() -> None:
    shares = [preset("balanced", 5, round(s * FIVE_MINUTES)).splice_share for s in (0.1, 0.2, 0.4, 0.5, 1, 5)]
    np.testing.assert_allclose(shares, [0.8, 0.6, 0.2, 0, 0, 0], atol=1e-3)
