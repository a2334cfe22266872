"""Lips that meet: the opening as a function of the coefficients, and a network that takes it away where it must."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hygiesync.face.shape import ShapeModel
from hygiesync.face.topology import LOWER_BOTTOM, LOWER_FACE, LOWER_TOP
from hygiesync.learning.aperture import CLOSED, Aperture
from hygiesync.learning.augment import Augmentation
from hygiesync.learning.dataset import LabelledClip
from hygiesync.learning.export_onnx import export_step
from hygiesync.learning.mouth_network import CLOSING_ODDS
from hygiesync.learning.network import NetworkSettings, SpeechToShape
from hygiesync.learning.settings import TrainingSettings
from hygiesync.learning.train import predict, train_network
from hygiesync.speech.mel import N_MELS
from hygiesync.speech_to_shape.onnx_step import OnnxStep

pytestmark = pytest.mark.usefixtures("one_thread")

METRIC = np.diag(np.sqrt([0.6, 0.3, 0.1]))
TINY = NetworkSettings(3, conv_width=12, kernel_size=3, n_convolutions=2, lstm_width=16, dropout=0.0)
APERTURE = Aperture(np.array([0.06, 0.0, 0.02]), 0.15, np.array([14.0, 3.0, 8.0]))
"""The mouth's corners (the second coefficient) come along when the lips part."""

ACROSS = np.array([[3.0, -14.0, 0.0], [8.0, 0.0, -14.0]])
"""Directions across the path: what the mouth does in them must not depend on its opening."""


# --- the aperture of a person


@pytest.fixture(scope="module")
def shape() -> ShapeModel:
    rng = np.random.default_rng(0)
    mean = rng.uniform([-0.6, 0.5], [0.6, 1.5], (len(LOWER_FACE), 2))
    mean[LOWER_BOTTOM] = mean[LOWER_TOP] + [0.0, 0.15]
    movements = rng.normal(0, 0.02, (5, mean.size)) * 0.7 ** np.arange(5)[:, None]
    shapes = mean + (rng.normal(0, 1, (300, 5)) @ movements).reshape(300, -1, 2)
    return ShapeModel.fit(shapes + rng.normal(0, 1e-4, shapes.shape), rng.normal(0, 1, (300, 2)))


@pytest.fixture(scope="module")
def coefficients(shape: ShapeModel) -> np.ndarray:
    """What a person does: some of the movements go together."""
    rng = np.random.default_rng(1)
    return rng.normal(0, 2, (400, shape.n_components)) @ rng.normal(0, 1, (shape.n_components,) * 2) + 0.3


def vertical_distance(shapes: np.ndarray) -> np.ndarray:
    return shapes[..., LOWER_BOTTOM, 1] - shapes[..., LOWER_TOP, 1]


def test_the_opening_is_the_vertical_distance_between_the_inner_lips(
    shape: ShapeModel, coefficients: np.ndarray
) -> None:
    opening = Aperture.fit(shape, coefficients).opening(coefficients)
    np.testing.assert_allclose(opening, vertical_distance(shape.inverse_transform(coefficients)), atol=1e-12)
    assert opening.std() > 0.01
    assert opening.min() < 0 < opening.max(), "it has a sign: crossed lips are no open ones"


@pytest.mark.parametrize("distance", [-0.1, 0.02, 0.3])
def test_moving_along_the_path_opens_by_as_much(shape: ShapeModel, coefficients: np.ndarray, distance: float) -> None:
    aperture = Aperture.fit(shape, coefficients)
    moved = coefficients + distance * aperture.path
    np.testing.assert_allclose(aperture.opening(moved), aperture.opening(coefficients) + distance, atol=1e-12)
    before, after = (vertical_distance(shape.inverse_transform(c)) for c in (coefficients, moved))
    np.testing.assert_allclose(after - before, distance, atol=1e-12)


def test_the_path_is_the_way_that_the_persons_mouth_opens(shape: ShapeModel) -> None:
    """A mouth that only ever opens in one way is found to."""
    rng = np.random.default_rng(2)
    way = rng.normal(0, 1, shape.n_components)
    aperture = Aperture.fit(shape, rng.normal(0, 1, (100, 1)) * way + 0.5)
    np.testing.assert_allclose(aperture.path, way / (way @ aperture.gradient), rtol=1e-9)


def test_no_aperture_opens_nothing() -> None:
    none = Aperture.none(3)
    np.testing.assert_array_equal(none.opening(np.ones((4, 3))), np.zeros(4))


# --- a network that closes


def make_network(
    aperture: Aperture | None = APERTURE, log_odds: float | None = None, opening_gain: float = 1.0
) -> SpeechToShape:
    """A network whose answers differ from frame to frame, as sure of its lips as `log_odds`, or now so, now so."""
    torch.manual_seed(0)
    network = SpeechToShape(TINY, torch.full((N_MELS,), -4.0), torch.ones(N_MELS), aperture)
    with torch.no_grad():
        network.head.weight *= 10
        network.opening_gain.fill_(opening_gain)
        odds = raw_answer(network, random_mel(100))[1]
        network.head.weight[-1] *= 0 if log_odds is not None else 2 / odds.std()
        network.head.bias[-1] = 0
        odds = raw_answer(network, random_mel(100))[1]
        network.head.bias[-1] = CLOSING_ODDS - odds.mean() if log_odds is None else log_odds
    return network.eval()


def random_mel(n_frames: int) -> np.ndarray:
    return np.random.default_rng(0).normal(-4, 1, (n_frames, N_MELS)).astype(np.float32)


def before_closing(network: SpeechToShape, mel: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return raw_answer(network, mel)[0][0].numpy()


def raw_answer(network: SpeechToShape, mel: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Coefficients (1, n_frames, n_components) before any closing, and the log-odds that the lips meet."""
    (main, *_), _ = network.raw_outputs(torch.from_numpy(mel)[None])
    return main


@pytest.mark.parametrize("opening_gain", [1.0, 1.3])
def test_lips_that_surely_meet_are_closed(opening_gain: float) -> None:
    network, mel = make_network(log_odds=8.0, opening_gain=opening_gain), random_mel(100)
    raw, answer = before_closing(network, mel), predict(network, mel)
    assert np.abs(APERTURE.opening(raw)).min() > 1e-3
    assert np.ptp(APERTURE.opening(raw)) > 0.02
    np.testing.assert_allclose(APERTURE.opening(answer), 0, atol=1e-4)
    np.testing.assert_allclose(answer @ ACROSS.T, raw @ ACROSS.T, atol=1e-3)
    assert np.ptp(raw @ ACROSS.T, axis=0).min() > 0.5


@pytest.mark.parametrize("opening_gain", [0.8, 1.0, 1.3])
def test_lips_that_surely_part_are_stretched_by_the_reach_and_no_more(opening_gain: float) -> None:
    network, mel = make_network(log_odds=-12.0, opening_gain=opening_gain), random_mel(100)
    raw, answer = before_closing(network, mel), predict(network, mel)
    np.testing.assert_allclose(APERTURE.opening(answer), opening_gain * APERTURE.opening(raw), atol=1e-4)
    np.testing.assert_allclose(answer @ ACROSS.T, raw @ ACROSS.T, atol=1e-3)


def test_the_surer_the_network_is_the_more_the_lips_close() -> None:
    mel = random_mel(50)
    openings = np.abs([APERTURE.opening(predict(make_network(log_odds=odds), mel)) for odds in np.linspace(-6, 4, 11)])
    assert (np.diff(openings, axis=0) <= 1e-6).all()
    assert (openings[-1] < 0.01 * openings[0]).all()


@pytest.mark.parametrize("aperture", [None, Aperture.none(3)])
def test_without_an_aperture_nothing_is_closed(aperture: Aperture | None) -> None:
    network, mel = make_network(aperture, log_odds=20.0, opening_gain=1.3), random_mel(50)
    np.testing.assert_array_equal(predict(network, mel), before_closing(network, mel))


def test_in_pieces_it_closes_as_at_once() -> None:
    network, mel = make_network(opening_gain=1.2), torch.from_numpy(random_mel(60))[None]
    state, pieces = None, []
    with torch.no_grad():
        for begin, end in ((0, 1), (1, 2), (2, 30), (30, 37), (37, 60)):
            piece, state = network(mel[:, begin:end], state)
            pieces.append(piece)
        np.testing.assert_allclose(torch.cat(pieces, 1), network(mel)[0], atol=1e-5)


@pytest.mark.slow
def test_the_exported_step_closes_as_the_network_does(tmp_path: Path) -> None:
    network, mel = make_network(opening_gain=1.2), random_mel(150)
    raw, answer = before_closing(network, mel), predict(network, mel)
    kept = APERTURE.opening(answer) / APERTURE.opening(raw)
    assert kept.min() < 0.1
    assert kept.max() > 1.1, "some frames close and some do not"
    export_step(network, tmp_path / "step.onnx")
    predictor = OnnxStep((tmp_path / "step.onnx").read_bytes())
    np.testing.assert_allclose(predictor.push(mel), answer, atol=1e-4)


# --- training with an aperture

DELAY = 3
MISSED = 5
"""One hum in so many goes without a closure."""

SETTINGS = TrainingSettings(
    n_epochs=10, batches_per_epoch=12, batch_size=12, window=60, warm_up=10, learning_rate=0.01, seed=2,
    augmentation=Augmentation(grain=0.1, gain=0.0, narrow_share=0.0, noise_share=0.0),
)  # fmt: skip


def make_sequence(n_frames: int, seed: int) -> LabelledClip:
    """A mouth that opens with the loudness, partly as it likes, and at a hum (lowest bands) mostly shuts at once."""
    rng = np.random.default_rng(seed)
    loudness, fancy = (np.convolve(rng.normal(0, 1, n_frames + 40), np.hanning(21), "same")[:n_frames] for _ in "ab")
    is_hum, is_shut = np.zeros((2, n_frames), bool)
    for number, begin in enumerate(range(15, n_frames - 20, 40)):
        at = begin + int(rng.integers(0, 15))
        is_hum[at : at + 8] = True
        is_shut[at : at + 8] = number % MISSED != MISSED - 1
    mel = loudness[:, None] / 3 - 4 + rng.normal(0, 0.1, (n_frames, N_MELS))
    mel[is_hum, :12] += 1.5
    opening = np.roll(np.where(is_shut, 0, np.clip(0.15 + 0.015 * loudness + 0.008 * fancy, 0.04, None)), DELAY)
    other = rng.normal(0, 0.05, (n_frames, 3)) + np.roll(loudness, DELAY)[:, None] / 3 * [0.0, 1.0, 0.0]
    coefficients = other + (opening - APERTURE.opening(other))[:, None] * APERTURE.path
    return LabelledClip(mel.astype(np.float32), coefficients.astype(np.float32), np.arange(n_frames) >= DELAY)


def is_closed(coefficients: np.ndarray) -> np.ndarray:
    return np.abs(APERTURE.opening(coefficients)) < CLOSED


TRAINING, VALIDATION = [make_sequence(1800, 1), make_sequence(1400, 2)], [make_sequence(500, 3)]


def trained_with(settings: TrainingSettings) -> SpeechToShape:
    network = train_network(TRAINING, VALIDATION, METRIC, TINY, settings, aperture=APERTURE).network
    assert isinstance(network, SpeechToShape)
    return network


@pytest.fixture(scope="module")
def trained() -> SpeechToShape:
    return trained_with(SETTINGS)


def test_a_network_learns_at_which_sounds_lips_meet(trained: SpeechToShape) -> None:
    truth = VALIDATION[0]
    real, answer, raw = (
        is_closed(c)[20:] for c in (truth.coefficients, predict(trained, truth.mel), before_closing(trained, truth.mel))
    )
    within = real & np.roll(real, 2) & np.roll(real, -2)
    assert within.sum() > 30
    assert answer[within].mean() > 0.9
    assert raw[within].mean() < 0.6, "the best guess of a mouth that mostly closes is one ajar"


def test_it_leaves_lips_apart_where_they_never_meet(trained: SpeechToShape) -> None:
    truth = VALIDATION[0]
    hum = truth.mel[:, :12].mean(1) - truth.mel[:, 12:].mean(1) > 0.7
    away = (np.convolve(hum, np.ones(15), "same") == 0) & (APERTURE.opening(truth.coefficients) > 0.12)
    away[:20] = False
    assert away.sum() > 100
    assert (APERTURE.opening(predict(trained, truth.mel))[away] > 0.03).mean() > 0.99


def spreads(network: SpeechToShape) -> tuple[float, float]:
    """Standard deviation of the real and of the predicted opening."""
    sequences = [*TRAINING, *VALIDATION]
    real = [APERTURE.opening(s.coefficients)[s.is_known] for s in sequences]
    predicted = [APERTURE.opening(predict(network, s.mel))[s.is_known] for s in sequences]
    return np.concatenate(real).std(), np.concatenate(predicted).std()


def test_the_trained_opening_has_the_real_spread(trained: SpeechToShape) -> None:
    real, predicted = spreads(trained)
    assert predicted == pytest.approx(real, rel=0.005)
    assert float(trained.opening_gain) > 1.01, "there was something to calibrate"


def test_a_network_that_knows_little_is_stretched_a_little() -> None:
    """Its mouth hardly moves: stretched to the real spread, it would only tremble."""
    settings = replace(SETTINGS, n_epochs=2)
    network = trained_with(settings)
    real, predicted = spreads(network)
    assert 1.2 < float(network.opening_gain) < 1.5
    assert predicted < 0.9 * real
