"""The speech encoder: pretrained once and given to every network, on disk and in a network."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from simple_corpus import three_sounds

from hygiesync.errors import InputError
from hygiesync.learning.network import NetworkSettings, SpeechToShape
from hygiesync.learning.pretrain_encoder import PretrainingSettings, pretrain
from hygiesync.learning.speech_encoder import SpeechEncoder
from hygiesync.learning.synthetic_corpus import SOUNDS, Corpus, synthesise_corpus
from hygiesync.learning.synthetic_voices import TOLD_SHARE
from hygiesync.weights import SPEECH_ENCODER

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = NetworkSettings(3, conv_width=12, kernel_size=3, n_convolutions=2, lstm_width=16)
SHORT = PretrainingSettings(n_epochs=2, steps_per_epoch=4, batch_size=4, window=50, warm_up=10, seed=1)


def make_network(settings: NetworkSettings = TINY, seed: int = 0) -> SpeechToShape:
    torch.manual_seed(seed)
    return SpeechToShape(settings)


def layers(network: SpeechToShape) -> dict[str, torch.Tensor]:
    return dict(network.state_dict())


def one_line(error: pytest.ExceptionInfo) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


# --- given from network to network


def test_an_encoder_gives_another_network_the_layers_before_its_head() -> None:
    giver, pupil = make_network(), make_network(replace(TINY, n_components=7), seed=1)
    before = {name: tensor.clone() for name, tensor in layers(pupil).items()}
    SpeechEncoder.from_network(giver).give_to(pupil)
    given = layers(giver)
    for name, tensor in layers(pupil).items():
        if name.startswith(("convolutions", "lstm")):
            torch.testing.assert_close(tensor, given[name], atol=1e-3, rtol=1e-3)
            assert tensor.dtype == torch.float32
            assert not torch.equal(tensor, before[name])
        else:
            assert torch.equal(tensor, before[name]), name


def test_what_a_network_learns_later_leaves_the_encoder_alone() -> None:
    network = make_network()
    encoder = SpeechEncoder.from_network(network)
    kept = {name: tensor.clone() for name, tensor in encoder.tensors.items()}
    pupil = make_network(seed=1)
    encoder.give_to(pupil)
    with torch.no_grad():
        for parameter in (*network.parameters(), *pupil.parameters()):
            parameter.add_(1)
    assert all(torch.equal(tensor, kept[name]) for name, tensor in encoder.tensors.items())


@pytest.mark.parametrize(
    "other", [dict(conv_width=16), dict(lstm_width=20), dict(n_convolutions=3), dict(kernel_size=5)]
)
def test_a_network_of_other_sizes_is_refused(other: dict[str, Any]) -> None:
    network = make_network(replace(TINY, **other))
    before = {name: tensor.clone() for name, tensor in layers(network).items()}
    with pytest.raises(InputError, match="make generic") as error:
        SpeechEncoder.from_network(make_network()).give_to(network)
    assert "other sizes" in one_line(error)
    assert all(torch.equal(tensor, before[name]) for name, tensor in layers(network).items())


def test_the_name_is_that_of_the_weights() -> None:
    network = make_network()
    name = SpeechEncoder.from_network(network).name
    assert SpeechEncoder.from_network(make_network()).name == name
    with torch.no_grad():
        network.head.weight += 1
    assert SpeechEncoder.from_network(network).name == name, "the head is no part of the encoder"
    with torch.no_grad():
        network.lstm.get_parameter("weight_hh_l0")[3, 2] += 0.01
    assert SpeechEncoder.from_network(network).name != name


# --- on disk


def test_an_encoder_survives_the_way_to_disk_and_back(tmp_path: Path) -> None:
    encoder = SpeechEncoder.from_network(make_network())
    encoder.save(tmp_path / "encoder.safetensors")
    back = SpeechEncoder.load(tmp_path / "encoder.safetensors")
    assert back.name == encoder.name
    assert back.tensors.keys() == encoder.tensors.keys()
    assert all(torch.equal(tensor, encoder.tensors[name]) for name, tensor in back.tensors.items())
    pupil, other = make_network(seed=1), make_network(seed=1)
    encoder.give_to(pupil)
    back.give_to(other)
    assert all(torch.equal(tensor, layers(other)[name]) for name, tensor in layers(pupil).items())


def test_a_missing_encoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.safetensors.*make generic") as error:
        SpeechEncoder.load(tmp_path / "none.safetensors")
    one_line(error)


def test_a_folder_is_no_encoder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="make generic") as error:
        SpeechEncoder.load(tmp_path)
    one_line(error)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99])
def test_a_truncated_encoder_is_refused(tmp_path: Path, share: float) -> None:
    path = tmp_path / "encoder.safetensors"
    SpeechEncoder.from_network(make_network()).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match=r"encoder\.safetensors.*make generic") as error:
        SpeechEncoder.load(path)
    one_line(error)


def test_another_file_of_tensors_is_no_encoder(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"x": np.zeros(3)}, tmp_path / "encoder.safetensors")
    with pytest.raises(InputError, match="make generic"):
        SpeechEncoder.load(tmp_path / "encoder.safetensors").give_to(make_network())


@pytest.mark.parametrize("n_components", [8, 24])
def test_the_encoder_that_ships_fits_every_avatar(n_components: int) -> None:
    network = make_network(NetworkSettings(n_components))
    before = {name: tensor.clone() for name, tensor in layers(network).items()}
    SpeechEncoder.load().give_to(network)
    assert all(torch.isfinite(tensor).all() for tensor in layers(network).values())
    assert not torch.equal(network.lstm.get_parameter("weight_hh_l0"), before["lstm.weight_hh_l0"])
    assert SPEECH_ENCODER.stat().st_size < 2_000_000


# --- pretrained


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return three_sounds()


def test_an_encoder_is_pretrained_on_spoken_words_and_fits_a_default_network(tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader")
    encoder = pretrain(synthesise_corpus(2, 8, seed=1), SHORT)
    encoder.save(tmp_path / "encoder.safetensors")
    network = make_network(NetworkSettings(12))
    SpeechEncoder.load(tmp_path / "encoder.safetensors").give_to(network)
    assert all(torch.isfinite(tensor).all() for tensor in layers(network).values())


def test_the_same_seed_gives_the_same_encoder(corpus: Corpus) -> None:
    first = pretrain(corpus, SHORT)
    torch.manual_seed(9)  # the state that others leave the generator in must not matter
    assert pretrain(corpus, SHORT).name == first.name
    assert pretrain(corpus, replace(SHORT, seed=2)).name != first.name


@pytest.mark.slow
def test_pretraining_tells_sounds_apart(corpus: Corpus) -> None:
    """It reports as it goes, and after a hundred steps tells three sounds of many."""
    told = []
    settings = replace(SHORT, n_epochs=3, steps_per_epoch=50, batch_size=6)
    pretrain(corpus, settings, lambda n_done, n_all, history: told.append((n_done, n_all, history[TOLD_SHARE][-1])))
    assert [report[:2] for report in told] == [(1, 3), (2, 3), (3, 3)]
    share = told[-1][2]
    assert share > 0.7, f"of {len(SOUNDS)} sounds, three of them spoken"
