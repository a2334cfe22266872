"""Voices speak in chunks: nothing of the text is lost, the first comes soon, and one that hangs is ended."""

import os
import shutil
import sys
import time
from collections.abc import Generator, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from hygiesync.errors import HygieSyncError, InputError, UsageError
from hygiesync.tts import espeak_client, espeak_process, flite, voices
from hygiesync.tts.espeak import EspeakVoice, synthesise
from hygiesync.tts.flite import FliteVoice
from hygiesync.tts.sentences import sentences
from hygiesync.tts.speech import Speech
from hygiesync.tts.voice import Voice, VoiceSettings
from hygiesync.tts.voices import open_voice

TEXT = "Bob, please move the vanilla cheese. My papa bought a pretty box! Will you?\n\nYes: five warm shoes."

needs_flite = pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")


@pytest.mark.parametrize("language", ["en", "fr+m2"])
def test_espeaks_chunks_put_together_are_its_speech_of_the_whole_text(language: str) -> None:
    chunks, whole = list(EspeakVoice(language).speak(TEXT)), synthesise(TEXT, language)
    assert len(chunks) == 6
    np.testing.assert_array_equal(np.concatenate([chunk.samples for chunk in chunks]), whole.samples)
    in_chunks = [sound.symbol for chunk in chunks for sound in chunk.phonemes]
    assert in_chunks == [sound.symbol for sound in whole.phonemes]
    starts = np.cumsum([0, *(chunk.duration_s for chunk in chunks)])
    ends = [start + sound.end_s for start, chunk in zip(starts, chunks, strict=False) for sound in chunk.phonemes]
    pauses = np.array([symbol == "_" for symbol in in_chunks])
    apart_s = np.abs(np.subtract(ends, [sound.end_s for sound in whole.phonemes]))
    assert apart_s[~pauses].max() < 1e-9
    assert apart_s[pauses].max() < 0.06, "a chunk's first sound has what leads to it, such as the closure of a stop"


def test_phonemes_fill_each_chunk() -> None:
    for chunk in EspeakVoice().speak(TEXT):
        assert chunk.phonemes[0].start_s == 0
        assert chunk.phonemes[-1].end_s == pytest.approx(chunk.duration_s, abs=1e-9)


@needs_flite
def test_flite_speaks_sentence_by_sentence() -> None:
    voice = open_voice("flite-rms", words_per_minute=200)
    assert voice == FliteVoice("rms", 200)
    chunks = list(voice.speak(TEXT + " ..."))
    assert ["".join(sound.symbol for sound in chunk.phonemes if sound.symbol != "_")[:3] for chunk in chunks] == [
        "bɑb", "maɪ", "wɪl", "jɛs",
    ]  # fmt: skip
    slow, high = (next(FliteVoice("slt", pace, pitch).speak("Papa.")) for pace, pitch in ((100, 50), (150, 100)))
    assert slow.duration_s > 1.3 * high.duration_s
    with pytest.raises(InputError, match="nothing is spoken"):
        list(voice.speak("..."))


@pytest.mark.slow
def test_a_flite_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "flite"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(flite, "PATIENCE_S", 0.5)
    with pytest.raises(HygieSyncError, match="flite did not end within 1 s and was ended"):
        next(FliteVoice().speak("Hello."))


def test_a_text_is_cut_between_sentences_and_nowhere_else() -> None:
    text = 'He said: "No!" Prof. B. (aged 3.5) left, e.g. today... Really?! Yes\n\n Next'
    assert list(sentences(text)) == [
        'He said: "No!"', "Prof. B.", "(aged 3.5) left, e.g. today...", "Really?!", "Yes", "Next",
    ]  # fmt: skip
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())
    assert list(sentences(" \n ")) == []


class HangingEspeak:
    """Stands in for espeak's process: speaks as many clauses as it is told, then waits for ever."""

    def __init__(self, path: Path, n_clauses: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pid = path.with_suffix(".pid")
        path.write_text(
            "import json, os, sys, time\n"
            f"open({str(self.pid)!r}, 'w').write(str(os.getpid()))\n"
            "json.load(sys.stdin)\n"
            "out = sys.stdout.buffer\n"
            f"if {n_clauses}: out.write(b'{{\"sample_rate\": 22050}}\\n')\n"
            f"for _ in range({n_clauses}):\n"
            '    out.write(b\'{"events": [["a", 0]], "n_bytes": 2000}\\n\' + b\'\\x00\\x20\' * 1000)\n'
            "out.flush()\n"
            "time.sleep(60)\n"
        )
        monkeypatch.setattr(espeak_process, "__file__", str(path))
        monkeypatch.setattr(espeak_client, "PATIENCE_S", 0.5)

    def is_running(self) -> bool:
        return Path("/proc", self.pid.read_text()).exists()


@pytest.mark.parametrize("n_clauses", [0, 3])
def test_an_espeak_that_hangs_is_ended(n_clauses: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    espeak = HangingEspeak(tmp_path / "espeak.py", n_clauses, monkeypatch)
    heard = []
    start_s = time.perf_counter()
    with pytest.raises(HygieSyncError, match=r"espeak-ng did not go on for .* s and was ended") as raised:
        for chunk in EspeakVoice().speak("Hello, you there"):
            heard.append(chunk)
    assert time.perf_counter() - start_s < 10
    assert len(heard) == n_clauses
    assert "\n" not in str(raised.value) and "'Hello, you there'" in str(raised.value)
    assert not espeak.is_running()


@pytest.mark.slow
def test_the_patience_grows_with_the_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    HangingEspeak(tmp_path / "espeak.py", 0, monkeypatch)
    monkeypatch.setattr(espeak_client, "PATIENCE_A_LETTER_S", 0.01)
    start_s = time.perf_counter()
    with pytest.raises(HygieSyncError, match="did not go on for 2 s"):
        synthesise("a" * 150)
    assert 2 <= time.perf_counter() - start_s < 10


@pytest.mark.slow
def test_who_listens_slowly_is_not_taken_for_an_espeak_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeak_client, "PATIENCE_S", 2.0)
    monkeypatch.setattr(espeak_client, "PATIENCE_A_LETTER_S", 0.0)
    text = "A long sentence, which fills more than a pipe holds. " * 30
    n_samples = 0
    for number, chunk in enumerate(EspeakVoice().speak(text)):
        n_samples += len(chunk.samples)
        if number == 0:
            time.sleep(2.5)
    assert n_samples == len(synthesise(text).samples)


@pytest.mark.skipif(sys.platform != "linux", reason="looks at Linux's list of processes")
def test_who_stops_listening_ends_espeak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    espeak = HangingEspeak(tmp_path / "espeak.py", 3, monkeypatch)
    chunks = EspeakVoice().speak("Hello.")
    assert len(list(islice(chunks, 2))) == 2
    assert espeak.is_running()
    assert isinstance(chunks, Generator)
    chunks.close()
    assert not espeak.is_running()


def test_an_espeak_that_fails_is_told_of_with_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "espeak.py"
    broken.write_text("raise SystemExit('no data')")
    monkeypatch.setattr(espeak_process, "__file__", str(broken))
    with pytest.raises(HygieSyncError, match=r"ended with exit code 1 .*: no data"):
        synthesise("Hello.")
    broken.write_text(
        'import sys; sys.stdout.buffer.write(b\'{"sample_rate": 22050}\\n{"events": [], "n_bytes": 9}\\nx\')'
    )
    with pytest.raises(HygieSyncError, match="in the middle of a word"):
        synthesise("Hello.")


def test_a_new_voice_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the design promises: its own file, and a place among the others."""

    class Beeps:
        def speak(self, text: str) -> Iterator[Speech]:
            for word in text.split():
                yield Speech(np.full(100 * len(word), 0.5, np.float32), 8000, ())

    def open_beeps(settings: VoiceSettings) -> Voice | None:
        return Beeps() if settings.name == "beeps" else None

    monkeypatch.setattr(voices, "VOICES", (open_beeps, *voices.VOICES))
    assert [len(chunk.samples) for chunk in open_voice("beeps").speak("a bee")] == [100, 300]
    assert open_voice(None) == EspeakVoice()
    with pytest.raises(UsageError, match="words per minute"):
        open_voice("beeps", words_per_minute=1)
