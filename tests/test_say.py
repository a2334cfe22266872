"""Text to video: voices behind one interface, and the command."""

import json
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import pytest
from media_files import tags_of

from hygiesync.apps.cli import main
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.errors import InputError, MissingDependencyError, UsageError
from hygiesync.media.audio import read_audio
from hygiesync.media.images import write_png
from hygiesync.media.video import probe
from hygiesync.pipelines.say import say
from hygiesync.synthetic.portrait import photograph
from hygiesync.tts.espeak import EspeakVoice, synthesise
from hygiesync.tts.piper import PiperVoice
from hygiesync.tts.speech import Speech
from hygiesync.tts.voices import open_voice

SAMPLES_A_PHONEME = 256


def samples_of(chunks: Iterator[Speech] | list[Speech]) -> np.ndarray:
    """All of a voice's samples."""
    return np.concatenate([chunk.samples for chunk in chunks])


def test_espeak_is_the_voice_unless_another_is_named() -> None:
    assert open_voice(None) == EspeakVoice()
    assert open_voice("f3", "fr", 180, 70) == EspeakVoice("fr+f3", 180, 70)
    (chunk,) = open_voice(None, "de").speak("Guten Tag!")
    spoken = synthesise("Guten Tag!", "de")
    assert chunk.sample_rate == spoken.sample_rate
    assert chunk.phonemes == spoken.phonemes
    np.testing.assert_array_equal(chunk.samples, spoken.samples)


def test_variants_sound_different_and_unknown_ones_are_refused() -> None:
    plain, low = samples_of(EspeakVoice("en").speak("Hello.")), samples_of(EspeakVoice("en+m7").speak("Hello."))
    assert len(plain) != len(low) or not np.allclose(plain, low)
    for name in ("zzz", "../en", ""):
        with pytest.raises(UsageError, match="expected one of espeak's variants"):
            list(open_voice(name).speak("Hello."))


def write_piper_voice(path: Path) -> Path:
    """A voice whose every phoneme is 256 samples of a ramp: Piper's own interface, without a person."""
    tensor, helper = onnx.TensorProto, onnx.helper
    inputs = [
        helper.make_tensor_value_info("input", tensor.INT64, [1, "n"]),
        helper.make_tensor_value_info("input_lengths", tensor.INT64, [1]),
        helper.make_tensor_value_info("scales", tensor.FLOAT, [3]),
    ]
    output = helper.make_tensor_value_info("output", tensor.FLOAT, [1, 1, 1, "m"])
    ramp = np.linspace(-0.5, 0.5, SAMPLES_A_PHONEME, dtype=np.float32)
    constants = [
        onnx.numpy_helper.from_array(ramp, "ramp"),
        onnx.numpy_helper.from_array(np.array([1, 1, 1, -1], np.int64), "shape"),
    ]
    nodes = [
        helper.make_node("Cast", ["input"], ["as_float"], to=tensor.FLOAT),
        helper.make_node("Sign", ["as_float"], ["sign"]),
        helper.make_node("Abs", ["sign"], ["ones"]),
        helper.make_node("Transpose", ["ones"], ["phonemes"], perm=[1, 0]),
        helper.make_node("Mul", ["phonemes", "ramp"], ["sound"]),
        helper.make_node("Reshape", ["sound", "shape"], ["output"]),
    ]
    graph = helper.make_graph(nodes, "voice", inputs, [output], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    config = {
        "audio": {"sample_rate": 22050},
        "espeak": {"voice": "en"},
        "inference": {"noise_scale": 0.667, "length_scale": 1.0, "noise_w": 0.8},
        "num_symbols": 256,
        "num_speakers": 1,
        "speaker_id_map": {},
        "phoneme_id_map": {symbol: [number + 3] for number, symbol in enumerate("hɛloʊəlˈw ɜːd.")}
        | {"_": [0], "^": [1], "$": [2]},
    }
    Path(f"{path}.json").write_text(json.dumps(config), encoding="utf-8")
    return path


def test_a_piper_voice_speaks(tmp_path: Path) -> None:
    pytest.importorskip("piper")
    voice = open_voice(str(write_piper_voice(tmp_path / "voice.onnx")))
    chunks = list(voice.speak("Hello world. Hello."))
    assert [chunk.sample_rate for chunk in chunks] == [22050, 22050], "a chunk a sentence"
    samples = samples_of(chunks)
    assert samples.dtype == np.float32 and samples.ndim == 1
    assert len(samples) > 10 * SAMPLES_A_PHONEME
    assert len(samples) % SAMPLES_A_PHONEME == 0
    assert 0.4 < np.abs(samples).max() <= 1
    with pytest.raises(InputError, match="nothing is spoken"):
        next(voice.speak(""))


def test_what_is_no_piper_voice_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("piper")
    with pytest.raises(InputError, match="found nothing there"):
        open_voice(str(tmp_path / "missing.onnx"))
    alone = tmp_path / "alone.onnx"
    alone.write_bytes(b"garbage")
    with pytest.raises(InputError, match=r"in alone\.onnx\.json"):
        open_voice(str(alone))
    Path(f"{alone}.json").write_text("{}")
    with pytest.raises(InputError, match="is no Piper voice"):
        open_voice(str(alone))
    with pytest.raises(UsageError, match="words per minute"):
        PiperVoice(alone, 10_000)


def test_without_piper_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "piper", None)
    voice = tmp_path / "voice.onnx"
    voice.touch()
    with pytest.raises(MissingDependencyError, match=r"hygiesync\[piper\]"):
        open_voice(str(voice))


def test_an_avatar_says_a_text(talker_avatar: VideoAvatar, tmp_path: Path) -> None:
    voice = EspeakVoice("en", words_per_minute=200)
    say(talker_avatar, "Bob may buy a map.", tmp_path / "said.mp4", voice=voice)
    info, wanted = probe(tmp_path / "said.mp4"), synthesise("Bob may buy a map.", words_per_minute=200)
    assert float(info.duration_s) == pytest.approx(wanted.duration_s, abs=0.08)
    heard = read_audio(tmp_path / "said.mp4", wanted.sample_rate)
    n_common = min(len(heard), len(wanted.samples))
    assert np.corrcoef(heard[:n_common], wanted.samples[:n_common])[0, 1] > 0.95
    tags = tags_of(tmp_path / "said.mp4")
    assert "Synthetic media (speech-driven from text): a synthetic voice reads a text" in tags["comment"]
    assert tags["comment"].endswith("Consent of the person shown: stated.")
    assert json.loads(tags["description"])["synthetic"] == "mouth"


def test_the_command(
    avatar_directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "said.mp4"
    code = main(["say", str(avatar_directory), "Oui.", "--language", "fr", "--fps", "30", "--out", str(out)])
    assert code == 0
    assert "said.mp4: written" in capsys.readouterr().out
    assert probe(out).fps == Fraction(30)
    monkeypatch.setattr(sys, "stdin", open(write_text(tmp_path / "t.txt", "Yes.")))  # noqa: SIM115
    assert main(["say", str(avatar_directory), "-", "--out", str(out)]) == 0


def write_text(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["", "--out", "{}/o.mp4"], 3, "at least one word"),
        (["...", "--out", "{}/o.mp4"], 3, "nothing is spoken"),
        (["Hi", "--out", "{}/no/o.mp4"], 3, "does not exist"),
        (["Hi", "--out", "{}/o.mp4", "--language", "nowhere"], 2, "language"),
        (["Hi", "--out", "{}/o.mp4", "--voice", "nobody"], 2, "variants"),
        (["Hi", "--out", "{}/o.mp4", "--voice", "no.onnx"], 3, "no.onnx"),
        (["Hi", "--out", "{}/o.mp4", "--voice", "flite-x"], 2, "flite-slt"),
        (["Hi", "--out", "{}/o.mp4", "--voice", "flite-slt", "--language", "fr"], 2, "expected en"),
        (["Hi", "--out", "{}/o.mp4", "--speed", "9999"], 2, "words per minute"),
        (["Hi", "--out", "{}/o.mp4", "--pitch", "-1"], 2, "pitch"),
        (["Hi", "--out", "{}/o.mp4", "--fps", "x"], 2, "frame rate"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    avatar_directory: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    word: str,
) -> None:
    given = main(["say", str(avatar_directory), *(argument.format(tmp_path) for argument in arguments)])
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("hygiesync: error: ")]
    assert (given, len(lines)) == (code, 1)
    assert word in lines[0]
    assert list(tmp_path.glob("*.mp4")) == []


@pytest.mark.slow
def test_a_picture_says_it_led_by_an_avatar(portrait_avatar_directory: Path, tmp_path: Path) -> None:
    write_png(tmp_path / "mirrored.png", np.ascontiguousarray(photograph()[:, ::-1]))
    out = tmp_path / "said.mp4"
    command = ["say", str(portrait_avatar_directory), "Hi.", "--picture", str(tmp_path / "mirrored.png")]
    assert main([*command, "--fps", "10", "--out", str(out), "--i-have-consent"]) == 0
    info, tags = probe(out), tags_of(out)
    assert info.has_audio
    assert (info.width, info.height) == (photograph().shape[1], photograph().shape[0])
    assert "from text" in tags["description"]
    assert "mirrored.png" in tags["description"]
