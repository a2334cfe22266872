"""The generic model for whole recordings: Whisper's layers as they are read and heard, its training, and the file."""

import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from librosa import resample
from simple_corpus import three_sounds
from torch import nn
from tracks import TrackOf, opening_of

from hygiesync.errors import InputError
from hygiesync.face.comparison import correlation
from hygiesync.learning.augment import Augmentation
from hygiesync.learning.compact_weights import to_eight_bits
from hygiesync.learning.export_onnx import export_window
from hygiesync.learning.synthetic_corpus import Corpus
from hygiesync.learning.train_generic import GenericSettings
from hygiesync.learning.train_generic_whole import GenericWhole, GenericWholeSettings, train_generic_whole
from hygiesync.learning.whisper_layers import MEL_CENTRE, MEL_SCALE, N_HEADS, WIDTH, WhisperLayers
from hygiesync.media.audio import read_audio
from hygiesync.speech.mel import N_MELS
from hygiesync.speech_to_shape.generic import GenericSpeech, whole_metadata
from hygiesync.speech_to_shape.onnx_window import COEFFICIENTS, SOUNDS, OnnxWindow
from hygiesync.speech_to_shape.stream import coefficients_at
from hygiesync.speech_to_shape.whole import WINDOW_FRAMES, WholeRecordingStream
from hygiesync.timing import SAMPLE_RATE
from hygiesync.tts.espeak import synthesise
from hygiesync.tts.visemes import CURVES
from hygiesync.weights import GENERIC_SPEECH, GENERIC_WHOLE

pytestmark = pytest.mark.usefixtures("one_thread")

HALF, BYTES = 4, 1
"""Numbers of types in a CTranslate2 file."""


def whisper_arrays(n_layers: int = 1) -> dict[str, np.ndarray]:
    """An encoder as large as Whisper tiny's, its weights at random."""
    rng = np.random.default_rng(0)
    shapes: dict[str, tuple[int, ...]] = {
        "conv1/weight": (WIDTH, N_MELS, 3), "conv1/bias": (WIDTH,),
        "conv2/weight": (WIDTH, WIDTH, 3), "conv2/bias": (WIDTH,),
        "position_encodings/encodings": (1500, WIDTH),
    }  # fmt: skip
    for number in range(n_layers):
        attention, ffn = f"layer_{number}/self_attention", f"layer_{number}/ffn"
        shapes |= {f"{part}/layer_norm/{name}": (WIDTH,) for part in (attention, ffn) for name in ("gamma", "beta")}
        for name, n_out, n_in in (
            (f"{attention}/linear_0", 3 * WIDTH, WIDTH), (f"{attention}/linear_1", WIDTH, WIDTH),
            (f"{ffn}/linear_0", 4 * WIDTH, WIDTH), (f"{ffn}/linear_1", WIDTH, 4 * WIDTH),
        ):  # fmt: skip
            shapes |= {f"{name}/weight": (n_out, n_in), f"{name}/bias": (n_out,)}
    return {
        name: (rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:], initial=1))).astype(np.float16)
        for name, shape in shapes.items()
    }


def write_model(folder: Path, arrays: dict[str, np.ndarray], kind: str = "WhisperSpec") -> Path:
    """A CTranslate2 folder, whose decoder has one array that is passed over."""
    folder.mkdir(exist_ok=True)

    def text(value: str) -> bytes:
        content = value.encode() + b"\0"
        return struct.pack("<H", len(content)) + content

    def array(name: str, values: np.ndarray) -> bytes:
        dtype = BYTES if values.dtype == np.int8 else HALF
        size = struct.pack(f"<B{values.ndim}I", values.ndim, *values.shape)
        return text(name) + size + struct.pack("<BI", dtype, values.nbytes) + values.tobytes()

    content = struct.pack("<I", 6) + text(kind) + struct.pack("<II", 3, len(arrays) + 1)
    content += array("decoder/scale", np.ones(3, np.float16))
    content += b"".join(array(f"encoder/{name}", values) for name, values in arrays.items())
    (folder / "model.bin").write_bytes(content + struct.pack("<I", 0))
    return folder


@pytest.fixture(scope="module")
def listener(tmp_path_factory: pytest.TempPathFactory) -> WhisperLayers:
    return WhisperLayers.load(write_model(tmp_path_factory.mktemp("whisper"), whisper_arrays()), 1, WINDOW_FRAMES)


# --- Whisper's layers


def test_a_layer_is_torchs_own_encoder_layer(listener: WhisperLayers) -> None:
    weights = {name: torch.from_numpy(array.astype(np.float32)) for name, array in whisper_arrays().items()}
    layer = nn.TransformerEncoderLayer(WIDTH, N_HEADS, 4 * WIDTH, 0.0, "gelu", batch_first=True, norm_first=True)
    linear = {
        "self_attn.in_proj_": "self_attention/linear_0/", "self_attn.out_proj.": "self_attention/linear_1/",
        "linear1.": "ffn/linear_0/", "linear2.": "ffn/linear_1/",
    }  # fmt: skip
    norms = {"norm1.": "self_attention/layer_norm/", "norm2.": "ffn/layer_norm/"}
    theirs = [(torchs, ours, ("weight", "bias")) for torchs, ours in linear.items()]
    theirs += [(torchs, ours, ("gamma", "beta")) for torchs, ours in norms.items()]
    layer.load_state_dict(
        {
            f"{torchs}{kind}": weights[f"layer_0/{ours}{name}"]
            for torchs, ours, names in theirs
            for kind, name in zip(("weight", "bias"), names, strict=True)
        }
    )
    mel = torch.from_numpy(np.random.default_rng(1).normal(-3, 1, (2, 50, N_MELS)).astype(np.float32))
    x = ((mel - MEL_CENTRE) / MEL_SCALE).transpose(1, 2)
    for name, stride in (("conv1", 1), ("conv2", 2)):
        filtered = nn.functional.conv1d(x, weights[f"{name}/weight"], weights[f"{name}/bias"], stride, 1)
        x = nn.functional.gelu(filtered)
    expected = layer(x.transpose(1, 2) + weights["position_encodings/encodings"][:25])
    torch.testing.assert_close(listener(mel), expected, atol=1e-5, rtol=1e-5)


def test_bands_that_are_louder_by_the_longer_transform_are_heard_as_whisper_hears_them() -> None:
    """Whisper's own frames of a tone in noise, by librosa, against ours: the same but for each band's few bins."""
    from librosa.feature import melspectrogram

    from hygiesync.speech.mel import mel_spectrogram

    rng = np.random.default_rng(0)
    samples = (0.1 * rng.standard_normal(SAMPLE_RATE)).astype(np.float32)
    power = melspectrogram(y=samples, sr=SAMPLE_RATE, n_fft=400, hop_length=160, n_mels=N_MELS, center=False)
    theirs = (np.log10(power).T + 4) / 4
    ours = (mel_spectrogram(samples) - MEL_CENTRE) / MEL_SCALE
    high = slice(40, None)  # lower ones have hardly a bin each in the shorter transform
    assert abs(np.mean(ours[: len(theirs), high] - theirs[: len(ours), high])) < 0.01


@pytest.mark.parametrize("fault", ["none", "short", "other", "bytes", "layers"])
def test_what_is_no_whisper_is_refused_in_one_line(tmp_path: Path, fault: str) -> None:
    arrays = whisper_arrays()
    if fault == "bytes":
        arrays["conv1/weight"] = np.zeros((WIDTH, N_MELS, 3), np.int8)
    folder = write_model(tmp_path / "model", arrays, "TransformerSpec" if fault == "other" else "WhisperSpec")
    path = folder / "model.bin"
    if fault == "none":
        path.unlink()
    if fault == "short":
        path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(InputError, match=r"model\.bin: can't be read.*CTranslate2") as error:
        WhisperLayers.load(folder, 2 if fault == "layers" else 1, WINDOW_FRAMES)
    assert "\n" not in str(error.value)


# --- training


def long_enough() -> Corpus:
    """The language of three sounds, for longer than a window."""
    return Corpus.joined([three_sounds()] * 2)


@pytest.fixture(scope="module")
def trained(listener: WhisperLayers) -> GenericWhole:
    settings = GenericWholeSettings(
        n_windows=4, n_epochs=4, steps_per_epoch=25, batch_size=4, n_states=100, dropout=0.0, eagerness=0.0,
        voices=GenericSettings(tract_std=0.0, room_share=0.0, colour=0.0, augmentation=Augmentation(noise_share=0.0)),
    )  # fmt: skip
    heard: list[int] = []
    network = train_generic_whole(long_enough(), listener, settings, heard.append)
    assert heard == [1] * 4
    return network


@pytest.mark.slow
def test_lips_part_where_they_are_known_to(trained: GenericWhole) -> None:
    corpus = long_enough()
    with torch.no_grad():
        curves = trained(torch.from_numpy(corpus.mel[:WINDOW_FRAMES])[None])[0][0].numpy()
    assert curves.shape == (WINDOW_FRAMES, len(CURVES))
    wanted = corpus.curves[:WINDOW_FRAMES, 0]
    assert np.median(curves[wanted > 0, 0]) > 0.3 + np.median(curves[wanted == 0, 0])


@pytest.mark.slow
def test_eight_bits_cost_a_quarter_and_answer_alike(trained: GenericWhole, tmp_path: Path) -> None:
    path = tmp_path / "window.onnx"
    export_window(trained, path, (COEFFICIENTS, SOUNDS))
    n_bytes, window = path.stat().st_size, OnnxWindow(path.read_bytes())
    to_eight_bits(path, whole_metadata())
    assert path.stat().st_size < 0.3 * n_bytes
    mel = long_enough().mel[:WINDOW_FRAMES]
    exact = window.answer(mel)
    with torch.no_grad():
        curves, sounds = trained(torch.from_numpy(mel)[None])
    np.testing.assert_allclose(exact, curves[0].numpy(), atol=1e-3)
    np.testing.assert_allclose(window.sounds(mel), sounds[0].numpy(), atol=1e-3)
    off = np.abs(OnnxWindow(path.read_bytes()).answer(mel) - exact)
    assert off.mean() < 0.01
    assert np.quantile(off, 0.99) < 0.05  # single ones are near where lips begin to close
    assert len(GenericSpeech.load(window_path=path).name) == 16


# --- the file that ships


@pytest.fixture(scope="module")
def window() -> OnnxWindow:
    return OnnxWindow(GenericSpeech.load().window)


def opening_at(window: OnnxWindow, samples: np.ndarray, times_s: np.ndarray) -> np.ndarray:
    stream = WholeRecordingStream(window, np.zeros(len(CURVES)), None)
    return coefficients_at(stream, samples, [Fraction(t).limit_denominator(90_000) for t in times_s])[:, 0]


def test_lips_part_in_vowels_and_meet_in_p_b_m(window: OnnxWindow) -> None:
    said = synthesise("papaya, Bombay, mayhem, Pamela, bobbing, bamboo, pompom, Mumbai", "en-us+f2")
    times_s = np.arange(0, said.phonemes[-1].end_s, 0.01)
    samples = resample(said.samples, orig_sr=said.sample_rate, target_sr=SAMPLE_RATE)
    opening = opening_at(window, samples, times_s)

    def of(symbols: str) -> list[np.ndarray]:
        spoken = [p for p in said.phonemes if p.symbol.lstrip("ˈˌ")[0] in symbols and p.end_s - p.start_s > 0.03]
        return [opening[(times_s >= p.start_s - 0.02) & (times_s <= p.end_s + 0.02)] for p in spoken]

    assert np.median([one.max() for one in of("aɑæ")]) > 0.5
    assert np.mean([one.min() < 0.05 for one in of("pbm")]) > 0.85


@pytest.mark.parametrize("level", [0.0, 1e-3])
def test_silence_is_rest(window: OnnxWindow, level: float) -> None:
    samples = level * np.random.default_rng(0).standard_normal(2 * SAMPLE_RATE).astype(np.float32)
    assert not opening_at(window, samples, np.arange(0.5, 1.9, 0.04)).any()


def test_the_speech_models_are_small() -> None:
    assert sum(path.stat().st_size for path in GENERIC_SPEECH.parent.iterdir() if path.is_file()) < 8 * 2**20


def test_the_step_is_no_window(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"generic\.onnx: expected a generic speech model"):
        GenericSpeech.load(window_path=GENERIC_SPEECH)
    with pytest.raises(InputError, match=r"gone\.onnx: can't be read"):
        GenericSpeech.load(window_path=tmp_path / "gone.onnx")
    assert GENERIC_WHOLE.is_file()


@pytest.mark.slow
@pytest.mark.data
def test_a_real_speaker_that_it_never_heard(data: Path, track_of: TrackOf, window: OnnxWindow) -> None:
    video = data / "grid" / "dev.mp4"
    track = track_of(video)
    opening = opening_at(window, read_audio(video), track.times_s)
    assert correlation(opening_of(track)[track.has_face], opening[track.has_face]) >= 0.72
