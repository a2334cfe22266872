"""The generic speech model that ships: whole, small, and a mouth for any voice."""

import numpy as np
import pytest

from hygiesync.errors import InputError
from hygiesync.motion.generic import GENERIC_FILE, GenericSpeech
from hygiesync.motion.predictor import Predictor
from hygiesync.speech.mel import N_MELS
from hygiesync.speech.visemes import CURVES


def one_line(error: pytest.ExceptionInfo) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


def test_it_ships_and_says_what_it_hears():
    speech = GenericSpeech.load()
    assert (speech.lookahead, speech.early_lookaheads) == (8, (0, 4))
    assert len(speech.name) == 16
    predictor = Predictor(speech.step)
    assert predictor.n_components == len(CURVES)


def test_the_folder_is_small():
    assert sum(path.stat().st_size for path in GENERIC_FILE.parent.iterdir()) < 2_000_000


def test_early_answers_are_there():
    mel = np.random.default_rng(0).normal(-4, 1, (20, N_MELS)).astype(np.float32)
    speech = GenericSpeech.load()
    answers = [Predictor(speech.step, early).push(mel) for early in (None, *range(len(speech.early_lookaheads)))]
    assert all(answer.shape == (20, len(CURVES)) for answer in answers)
    assert not np.allclose(answers[0], answers[1]) and not np.allclose(answers[1], answers[2])


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_a_truncated_file_is_refused(tmp_path, share):
    path = tmp_path / "speech_to_shape.onnx"
    content = GENERIC_FILE.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match=r"speech_to_shape\.onnx.*make generic") as error:
        GenericSpeech.load(path)
    one_line(error)


@pytest.mark.parametrize("name", ["none.onnx", ""])
def test_a_missing_file_or_a_folder_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="make generic") as error:
        GenericSpeech.load(tmp_path / name)
    one_line(error)


def test_a_persons_step_is_no_generic_one(tmp_path):
    import torch

    from hygiesync.motion.export import export_step
    from hygiesync.motion.network import NetworkSettings, SpeechToShape

    torch.manual_seed(0)
    settings = NetworkSettings(3, conv_width=12, kernel_size=3, n_convolutions=2, lstm_width=16)
    export_step(SpeechToShape(settings), tmp_path / "step.onnx")
    with pytest.raises(InputError, match="generic") as error:
        GenericSpeech.load(tmp_path / "step.onnx")
    one_line(error)
