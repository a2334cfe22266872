"""From sound to shape: training that can be repeated and resumed, the exported step, and the streaming listener."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hygiesync.errors import InputError
from hygiesync.learning.aperture import Aperture
from hygiesync.learning.augment import Augmentation
from hygiesync.learning.dataset import LabelledClip
from hygiesync.learning.export_onnx import export_step
from hygiesync.learning.network import NetworkSettings, SpeechToShape
from hygiesync.learning.settings import TrainingSettings
from hygiesync.learning.speech_encoder import SpeechEncoder
from hygiesync.learning.train import TrainingRun, predict, train_network
from hygiesync.speech.bands import loudness
from hygiesync.speech.mel import N_MELS, mel_spectrogram
from hygiesync.speech_to_shape.onnx_step import OnnxStep
from hygiesync.speech_to_shape.stream import SpeechToShapeStream, coefficients_at
from hygiesync.timing import SAMPLE_RATE, described_time, mel_frames_to_time, time_to_mel_frames, time_to_samples

pytestmark = pytest.mark.usefixtures("one_thread")

N_COMPONENTS = 3
TINY = NetworkSettings(N_COMPONENTS, conv_width=12, kernel_size=3, n_convolutions=2, lstm_width=16)
SHORT = TrainingSettings(n_epochs=5, batches_per_epoch=3, batch_size=4, window=60, warm_up=10, seed=3)
WEIGHTS = np.array([0.6, 0.3, 0.1])
METRIC = np.diag(np.sqrt(WEIGHTS))
APERTURE = Aperture(np.array([0.05, 0.0, 0.02]), 0.02, np.array([16.0, 3.0, 10.0]))
LITTLE_NOISE = Augmentation(grain=0.1, gain=0.0, narrow_share=0.0, noise_share=0.0)
DELAY = 4


def make_sequence(n_frames: int, seed: int) -> LabelledClip:
    """Mel frames whose energy comes and goes, and coefficients that follow it `DELAY` frames later."""
    rng = np.random.default_rng(seed)
    smooth = np.convolve(rng.normal(0, 1, n_frames + 40), np.hanning(21), "same")[:n_frames] / 3
    mel = (smooth[:, None] - 4 + rng.normal(0, 0.1, (n_frames, N_MELS))).astype(np.float32)
    delayed = np.roll(smooth, DELAY)
    coefficients = np.stack([delayed, np.tanh(2 * delayed), -delayed], 1).astype(np.float32)
    return LabelledClip(mel, coefficients, np.arange(n_frames) >= DELAY)


TRAINING, VALIDATION = [make_sequence(600, 1), make_sequence(400, 2)], [make_sequence(300, 3)]


def train(
    checkpoint: Path | None = None,
    progress: Callable[..., None] | None = None,
    training_settings: TrainingSettings = SHORT,
    network_settings: NetworkSettings = TINY,
    aperture: Aperture | None = None,
    encoder: SpeechEncoder | None = None,
) -> TrainingRun:
    return train_network(
        TRAINING, VALIDATION, METRIC, network_settings, training_settings, checkpoint, progress, aperture, encoder
    )


def same_weights(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    theirs = other.state_dict()
    return all(torch.equal(tensor, theirs[name]) for name, tensor in one.state_dict().items())


def random_encoder(network_settings: NetworkSettings = TINY, seed: int = 5) -> SpeechEncoder:
    torch.manual_seed(seed)
    return SpeechEncoder.from_network(SpeechToShape(network_settings))


class Interrupted(Exception):  # noqa: N818
    pass


def interrupt_after(n_epochs: int) -> Callable[..., Any]:
    def progress(epoch: int, *_: object) -> None:
        if epoch == n_epochs:
            raise Interrupted

    return progress


@pytest.fixture(scope="module")
def whole_run() -> TrainingRun:
    return train()


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """What a run that was interrupted after two epochs left."""
    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Interrupted):
        train(path, interrupt_after(2))
    return path


def test_the_same_seed_gives_the_same_weights(whole_run: TrainingRun) -> None:
    torch.manual_seed(12345)  # the state that others leave the generator in must not matter
    again, other = train(), train(training_settings=replace(SHORT, seed=4))
    assert same_weights(again.network, whole_run.network)
    assert again.training_loss == whole_run.training_loss
    assert not same_weights(other.network, whole_run.network)


@pytest.mark.parametrize("n_epochs", [1, 4, 5])
def test_an_interrupted_run_ends_with_the_same_bits(tmp_path: Path, whole_run: TrainingRun, n_epochs: int) -> None:
    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Interrupted):
        train(path, interrupt_after(n_epochs))
    torch.manual_seed(999)
    epochs = []
    resumed = train(path, lambda epoch, *_: epochs.append(epoch))
    assert epochs == list(range(n_epochs + 1, SHORT.n_epochs + 1))
    assert same_weights(resumed.network, whole_run.network)
    assert resumed.training_loss == whole_run.training_loss
    assert resumed.validation_loss == whole_run.validation_loss


@pytest.mark.parametrize("n_epochs", [2, 5])
def test_an_interrupted_run_with_an_encoder_and_an_aperture_does_too(tmp_path: Path, n_epochs: int) -> None:
    path = tmp_path / "checkpoint.safetensors"
    equipment: dict[str, Any] = dict(aperture=APERTURE, encoder=random_encoder())
    whole = train(**equipment)
    with pytest.raises(Interrupted):
        train(path, interrupt_after(n_epochs), **equipment)
    torch.manual_seed(999)
    resumed = train(path, **equipment)
    assert same_weights(resumed.network, whole.network)
    assert resumed.validation_loss == whole.validation_loss
    assert resumed.encoder_name == whole.encoder_name
    assert float(whole.network.opening_gain) != 1


def test_training_begins_with_the_encoder(whole_run: TrainingRun) -> None:
    encoder, idle = random_encoder(), replace(SHORT, n_epochs=1, batches_per_epoch=1, learning_rate=1e-9)
    run = train(training_settings=idle, encoder=encoder)
    weights = run.network.state_dict()
    for name, tensor in encoder.tensors.items():
        np.testing.assert_allclose(weights[name], tensor, atol=1e-6)
    assert (run.encoder_name, whole_run.encoder_name) == (encoder.name, "none")


def test_an_encoder_of_other_sizes_is_not_begun_with() -> None:
    with pytest.raises(InputError, match="other sizes"):
        train(encoder=random_encoder(replace(TINY, lstm_width=20)))


def test_a_checkpoint_changes_nothing(tmp_path: Path, whole_run: TrainingRun) -> None:
    assert same_weights(train(tmp_path / "checkpoint.safetensors").network, whole_run.network)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.safetensors"]


def test_validation_only_watches() -> None:
    """A part that says the opposite of what is learnt from changes no weight, and its own lowest epoch is told."""
    opposite = [replace(VALIDATION[0], coefficients=-VALIDATION[0].coefficients)]
    longer = replace(SHORT, n_epochs=6, batches_per_epoch=6, learning_rate=0.02, velocity_weight=0)
    misled = train_network(TRAINING, opposite, METRIC, TINY, longer)
    led = train_network(TRAINING, VALIDATION, METRIC, TINY, longer)
    assert same_weights(misled.network, led.network)
    assert len(misled.validation_loss) == 6
    assert misled.best_epoch < 5 and misled.validation_loss[misled.best_epoch] == min(misled.validation_loss)
    assert not misled.network.training


def test_the_gain_is_not_fitted_to_what_is_reported() -> None:
    """Whatever the validation part holds, the opening is stretched as the training part asks for."""
    wider = [replace(VALIDATION[0], coefficients=5 * VALIDATION[0].coefficients)]
    gains = [
        float(train_network(TRAINING, part, METRIC, TINY, SHORT, aperture=APERTURE).network.opening_gain)
        for part in (VALIDATION, wider)
    ]
    assert gains[0] == gains[1] != 1


@pytest.mark.parametrize(
    "other",
    [
        {"training_settings": replace(SHORT, seed=8)},
        {"training_settings": replace(SHORT, n_epochs=9)},
        {"network_settings": replace(TINY, conv_width=16)},
        {"training_settings": replace(SHORT, augmentation=LITTLE_NOISE)},
    ],
)
def test_a_checkpoint_of_other_settings_is_refused(
    checkpoint: Path, other: dict[str, NetworkSettings] | dict[str, TrainingSettings]
) -> None:
    with pytest.raises(InputError, match="other settings"):
        train(checkpoint, **other)


def test_a_checkpoint_of_another_encoder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Interrupted):
        train(path, interrupt_after(1), encoder=random_encoder())
    for other in (random_encoder(seed=6), None):
        with pytest.raises(InputError, match="other settings"):
            train(path, encoder=other)
    assert len(train(path, encoder=random_encoder()).validation_loss) == SHORT.n_epochs


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.999])
def test_a_truncated_checkpoint_is_refused(checkpoint: Path, share: float) -> None:
    content = checkpoint.read_bytes()
    checkpoint.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError, match="damaged"):
        train(checkpoint)


def test_a_file_that_is_no_checkpoint_is_refused(checkpoint: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"x": np.zeros(3)}, checkpoint)
    with pytest.raises(InputError, match="train again"):
        train(checkpoint)


def test_it_learns_a_delayed_answer() -> None:
    longer = replace(SHORT, n_epochs=12, batches_per_epoch=12, batch_size=16, learning_rate=0.01)
    longer = replace(longer, augmentation=LITTLE_NOISE)
    run = train(training_settings=longer, network_settings=replace(TINY, dropout=0.0))
    truth = VALIDATION[0]
    known = truth.coefficients[20:]
    error = ((predict(run.network, truth.mel)[20:] - known) ** 2 @ WEIGHTS).mean()
    of_the_mean = ((known.mean(0) - known) ** 2 @ WEIGHTS).mean()
    assert error < 0.15 * of_the_mean
    assert min(run.validation_loss) < 0.3 * run.validation_loss[0]


def random_network(settings: NetworkSettings = TINY, seed: int = 0) -> SpeechToShape:
    """A network that is not trained, but whose answers differ from frame to frame."""
    torch.manual_seed(seed)
    network = SpeechToShape(settings, torch.full((N_MELS,), -4.0), torch.ones(N_MELS))
    with torch.no_grad():
        network.head.weight *= 10
    return network.eval()


def random_mel(n_frames: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(-4, 1, (n_frames, N_MELS)).astype(np.float32)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 79))
def test_future_mel_frames_never_change_an_answer(n_frames: int) -> None:
    network, mel = random_network(), random_mel(80)
    changed = mel.copy()
    changed[n_frames:] += 3
    before, after = predict(network, mel), predict(network, changed)
    np.testing.assert_array_equal(after[:n_frames], before[:n_frames])
    assert (after[n_frames:] != before[n_frames:]).any()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 60), max_size=8))
def test_the_network_in_pieces_is_the_network_at_once(cuts: list[int]) -> None:
    network, mel = random_network(), torch.from_numpy(random_mel(60))[None]
    state, pieces = None, []
    edges = [0, *sorted(cuts), 60]
    with torch.no_grad():
        for begin, end in pairwise(edges):
            if begin < end:
                piece, state = network(mel[:, begin:end], state)
                pieces.append(piece)
        np.testing.assert_allclose(torch.cat(pieces, 1), network(mel)[0], atol=1e-5)


@pytest.fixture(scope="module")
def step(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The exported step of `random_network()`."""
    path = tmp_path_factory.mktemp("export") / "step.onnx"
    export_step(random_network(), path)
    return path.read_bytes()


def test_the_exported_step_by_step_is_the_network_at_once(step: bytes) -> None:
    mel = random_mel(300)
    expected = predict(random_network(), mel)
    predictor = OnnxStep(step)
    np.testing.assert_allclose(predictor.push(mel), expected, atol=1e-4)
    predictor.reset()
    one_by_one = np.concatenate([predictor.push(frame[None]) for frame in mel])
    np.testing.assert_allclose(one_by_one, expected, atol=1e-4)
    assert predictor.n_components == N_COMPONENTS
    assert np.ptp(expected, axis=0).min() > 0.1, "answers that hardly differ show nothing"


@pytest.mark.slow
def test_the_default_network_exports_too(tmp_path: Path) -> None:
    network = random_network(NetworkSettings(12))
    export_step(network, tmp_path / "step.onnx")
    mel = random_mel(50)
    streamed = OnnxStep((tmp_path / "step.onnx").read_bytes()).push(mel)
    np.testing.assert_allclose(streamed, predict(network, mel), atol=1e-4)
    assert sum(parameter.numel() for parameter in network.parameters()) < 1e6


EARLY = replace(TINY, early_frames=(4, 8), dropout=0.0)


@pytest.mark.slow
def test_early_answers_are_exported_too(tmp_path: Path) -> None:
    network = random_network(EARLY)
    with torch.no_grad():
        network.early_opening_gain.copy_(torch.tensor([1.2, 1.4]))
    export_step(network, tmp_path / "step.onnx")
    step, mel = (tmp_path / "step.onnx").read_bytes(), random_mel(50)
    with torch.no_grad():
        main, early, _ = network.predict(torch.from_numpy(mel)[None])
    for number, expected in [(None, main), (0, early[0]), (1, early[1])]:
        np.testing.assert_allclose(OnnxStep(step, number).push(mel), expected[0], atol=1e-4)
    assert not np.allclose(early[0], early[1], atol=0.1)
    with pytest.raises(InputError, match="another kind"):
        OnnxStep(step, 2)


@pytest.mark.slow
def test_early_answers_are_about_later_moments() -> None:
    """Trained on what was heard 4 frames ago, each head is nearest to the moment that it is for."""
    longer = replace(SHORT, n_epochs=12, batches_per_epoch=12, batch_size=16, learning_rate=0.01, early_weight=1.0)
    run = train(training_settings=replace(longer, augmentation=LITTLE_NOISE), network_settings=EARLY)
    truth = VALIDATION[0]
    with torch.no_grad():
        main, early, _ = run.network.predict(torch.from_numpy(truth.mel)[None])
    for answer, own_frames in [(main, 0), (early[0], 4), (early[1], 8)]:
        said = answer[0, 20:280].numpy()
        errors = {n: float(((said - truth.coefficients[20 + n : 280 + n]) ** 2 @ WEIGHTS).mean()) for n in (0, 4, 8)}
        assert min(errors, key=errors.__getitem__) == own_frames, errors


def test_early_answers_leave_the_main_one_nearly_as_it_is() -> None:
    alone, beside = train(), train(network_settings=replace(TINY, early_frames=(4,)))
    ratio = beside.validation_loss[-1] / alone.validation_loss[-1]
    assert 0.8 < ratio < 1.2


def test_a_predictor_answers_no_frames_with_no_frames(step: bytes) -> None:
    assert OnnxStep(step).push(np.zeros((0, N_MELS), np.float32)).shape == (0, N_COMPONENTS)


def other_model() -> bytes:
    """A sound ONNX model that is no speech model."""
    value = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n"]) for name in ("a", "b")]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Neg", ["a"], ["b"])], "neg", value[:1], value[1:])
    opset = onnx.helper.make_opsetid("", 13)
    return onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString()


@pytest.mark.parametrize(
    "content", [b"", b"garbage", b"\x00" * 1000, other_model()], ids=["none", "text", "zeros", "other"]
)
def test_other_bytes_are_no_speech_model(content: bytes) -> None:
    with pytest.raises(InputError, match="speech model"):
        OnnxStep(content)


def test_a_cut_off_model_is_no_speech_model(step: bytes) -> None:
    with pytest.raises(InputError, match="speech model"):
        OnnxStep(step[: len(step) // 2])


# --- the listener

REST = np.array([0.31, -0.77, 0.123])
ROOM = 1e-3


def voice(duration_s: float, seed: int = 0) -> np.ndarray:
    n = round(duration_s * SAMPLE_RATE)
    seconds = np.arange(n) / SAMPLE_RATE
    tone = sum(np.sin(2 * np.pi * 140 * k * seconds) / k for k in range(1, 25))
    return (0.1 * tone + np.random.default_rng(seed).normal(0, 0.02, n)).astype(np.float32)


def room(duration_s: float, amplitude: float = ROOM, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, amplitude, round(duration_s * SAMPLE_RATE)).astype(np.float32)


ROOM_LEVEL = float(loudness(mel_spectrogram(room(1))).mean())
SPEECH = np.concatenate([room(0.3), voice(0.5), room(0.4), voice(0.3), room(0.3)])


OTHER_ROOM_LEVEL = ROOM_LEVEL - 2
"""Of a room 20 decibels quieter: one trained there does not take this room's noise for its own pauses."""


def make_listener(
    step: bytes, lookahead: int = 8, background: float = ROOM_LEVEL, expressiveness: float = 1.0
) -> SpeechToShapeStream:
    return SpeechToShapeStream(OnnxStep(step), REST, background, lookahead, expressiveness)


def times(duration_s: float, fps: int = 60) -> list[Fraction]:
    return [Fraction(n, fps) for n in range(round(duration_s * fps))]


@pytest.mark.parametrize("lookahead", [0, 1, 8, 20])
def test_any_blocks_give_the_same_coefficients(step: bytes, lookahead: int) -> None:
    wanted = times(1.5)
    whole = coefficients_at(make_listener(step, lookahead), SPEECH, wanted)
    assert np.ptp(whole, axis=0).min() > 0.1
    for block_length in (97, 160, 1600):
        listener, found = make_listener(step, lookahead), []
        waiting = list(wanted)
        for begin in range(0, len(SPEECH), block_length):
            listener.push(SPEECH[begin : begin + block_length])
            while waiting and waiting[0] <= listener.known_until_s:
                found.append(listener.at(waiting.pop(0)))
        assert len(found) == len(wanted)
        np.testing.assert_allclose(found, whole, atol=1e-4)


@pytest.mark.parametrize("lookahead", [0, 1, 2, 8, 20])
@pytest.mark.parametrize("time_s", [Fraction(0), Fraction(1, 60), Fraction(1001, 30_000), Fraction(1, 2)])
def test_the_latency_is_enough_and_nothing_later_is_heard(step: bytes, lookahead: int, time_s: Fraction) -> None:
    listener = make_listener(step, lookahead)
    n_needed = time_to_samples(time_s + listener.latency_s)
    listener.push(SPEECH[:n_needed])
    assert listener.known_until_s >= time_s
    at_once = listener.at(time_s)
    np.testing.assert_allclose(at_once, coefficients_at(make_listener(step, lookahead), SPEECH, [time_s])[0], atol=1e-4)
    loud_after = np.concatenate([SPEECH[:n_needed], voice(1)])
    np.testing.assert_allclose(
        at_once, coefficients_at(make_listener(step, lookahead), loud_after, [time_s])[0], atol=1e-4
    )


@pytest.mark.parametrize("lookahead", [0, 1, 8])
def test_what_is_said_to_be_known_can_be_asked_for(step: bytes, lookahead: int) -> None:
    listener = make_listener(step, lookahead)
    for n_samples in (0, 1, 150, 248, 1, 160, 500):
        listener.push(np.zeros(n_samples, np.float32))
        if listener.known_until_s >= 0:
            assert np.isfinite(listener.at(listener.known_until_s)).all()


def test_the_latency_is_the_lookahead_and_one_frame(step: bytes) -> None:
    assert make_listener(step, 8).latency_s == mel_frames_to_time(9)


@pytest.mark.parametrize("noise", [0.0, ROOM])
@pytest.mark.parametrize("lookahead", [0, 8, 20])
@pytest.mark.parametrize("extra_samples", [0, 40, 80, 120])
def test_silence_returns_to_rest_within_120_ms_and_stays(
    step: bytes, lookahead: int, extra_samples: int, noise: float
) -> None:
    spoken = np.concatenate([room(0.3, noise), voice(0.5), voice(extra_samples / SAMPLE_RATE)])
    end_s = Fraction(len(spoken), SAMPLE_RATE)
    samples = np.concatenate([spoken, room(1.5, noise)])
    moments = [end_s + Fraction(ms, 1000) for ms in range(-60, 1300, 3)]
    found = coefficients_at(make_listener(step, lookahead, OTHER_ROOM_LEVEL), samples, moments)
    assert np.abs(found[:15] - REST).max() > 0.05, "while it speaks, the mouth moves"
    at_rest = np.array([moment >= end_s + Fraction(120, 1000) for moment in moments])
    np.testing.assert_allclose(found[at_rest], np.broadcast_to(REST, found[at_rest].shape), atol=1e-6)
    stays = np.array([moment >= end_s + Fraction(200, 1000) for moment in moments])
    np.testing.assert_array_equal(found[stays], np.broadcast_to(REST, found[stays].shape))


@pytest.mark.parametrize(("amplitude", "background"), [(0.0, ROOM_LEVEL), (0.0, -7.9), (ROOM, OTHER_ROOM_LEVEL)])
def test_a_silent_signal_never_moves_the_mouth(step: bytes, amplitude: float, background: float) -> None:
    found = coefficients_at(make_listener(step, background=background), room(2, amplitude), times(2))
    np.testing.assert_array_equal(found, np.broadcast_to(REST, found.shape))


def answers_of_the_network(step: bytes, samples: np.ndarray, lookahead: int = 8) -> tuple[list[Fraction], np.ndarray]:
    """Times that its answers describe, and the answers."""
    answers = OnnxStep(step).push(mel_spectrogram(samples))
    return [described_time(index, lookahead) for index in range(len(answers))], answers


def test_in_pauses_like_the_training_videos_the_network_is_heard(step: bytes) -> None:
    samples = np.concatenate([room(1.5, seed=3), voice(0.5), room(1.5, seed=4)])
    moments, answers = answers_of_the_network(step, samples)
    begun = time_to_mel_frames(0.2)
    found = coefficients_at(make_listener(step), samples, moments[begun:])
    np.testing.assert_allclose(found, answers[begun:], atol=1e-5)
    assert np.ptp(answers[begun:100], axis=0).min() > 0.01


def test_digital_silence_in_a_familiar_room_is_at_rest(step: bytes) -> None:
    samples = np.concatenate([room(1), np.zeros(SAMPLE_RATE, np.float32), room(1)])
    rests = [Fraction(n, 100) for n in range(112, 185)]
    found = coefficients_at(make_listener(step), samples, rests)
    np.testing.assert_array_equal(found, np.broadcast_to(REST, found.shape))


def test_a_loud_noise_in_a_familiar_room_shuts_the_gate(step: bytes) -> None:
    samples = np.concatenate([room(1.5), room(2, 0.05)])
    moments = [Fraction(n, 100) for n in range(345)]
    found = coefficients_at(make_listener(step), samples, moments)
    assert np.abs(found[50:140] - REST).max(1).min() > 0.01, "before it the network is heard"
    np.testing.assert_array_equal(found[220:], np.broadcast_to(REST, found[220:].shape))


def test_without_expressiveness_the_mouth_rests(step: bytes) -> None:
    found = coefficients_at(make_listener(step, expressiveness=0.0), SPEECH, times(1.5))
    np.testing.assert_array_equal(found, np.broadcast_to(REST, found.shape))


@pytest.mark.parametrize("expressiveness", [0.5, 2.0])
def test_expressiveness_scales_the_distance_from_rest(step: bytes, expressiveness: float) -> None:
    plain, scaled = (
        coefficients_at(make_listener(step, expressiveness=by), SPEECH, times(1.5)) for by in (1.0, expressiveness)
    )
    np.testing.assert_allclose(scaled - REST, expressiveness * (plain - REST), atol=1e-9)
    assert np.ptp(plain, axis=0).min() > 0.1


def test_the_mouth_is_open_to_the_network_when_the_voice_begins(step: bytes) -> None:
    begin_s = Fraction(3, 10)
    with_gate = coefficients_at(make_listener(step), SPEECH, [begin_s + Fraction(n, 100) for n in range(40)])
    free = SpeechToShapeStream(OnnxStep(step), REST, -9.0, 8)
    free.push(SPEECH)
    without_gate = np.array([free.at(begin_s + Fraction(n, 100)) for n in range(40)])
    np.testing.assert_allclose(with_gate, without_gate, atol=1e-6)


def test_reset_forgets_everything_heard(step: bytes) -> None:
    listener = make_listener(step)
    first = coefficients_at(listener, SPEECH, times(1.5))
    listener.push(voice(1))
    np.testing.assert_array_equal(coefficients_at(listener, SPEECH, times(1.5)), first)
