"""The experiment that recipes are chosen by (docs/experiments/hearing.py): its split, its films, and a tiny run."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tracks import TrackOf

from hygiesync.face.track import FaceTrack
from hygiesync.media.video import VideoInfo

EXPERIMENTS = Path(__file__).parents[1] / "docs" / "experiments"


@pytest.fixture(autouse=True)
def experiments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXPERIMENTS))


def test_held_out_sentences_hold_new_words_or_none() -> None:
    from hearing_videos import NEW_WORDS, held_out_sentences, sentences_of

    words = [(0, 0.5, "sil"), (0.5, 1, "bin"), (1, 1.4, "sil"), (1.5, 2, "sil"), (2, 2.5, "lay"), (2.5, 3, "sil")]
    assert sentences_of(words) == [(0, 1.5), (1.5, 3)]
    said = [{"bin", "two"}, {"bin", "five"}, {"two", "lay"}, {"lay", "bin"}, {"set", "bin"}]
    new, known = held_out_sentences(said)
    assert new == [1]
    learnt = set().union(*(said[n] for n in range(5) if n not in {*new, *known}))
    assert known
    assert not learnt & set(NEW_WORDS)
    assert set().union(*(said[n] for n in known)) <= learnt
    assert 4 not in known  # nobody else says "set"


@pytest.mark.slow
def test_a_tiny_run(
    one_thread: None,
    tmp_path: Path,
    talker_video: Path,
    held_out_video: Path,
    track_of: TrackOf,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import hearing
    import hearing_videos

    (tmp_path / "people" / "talker").mkdir(parents=True)
    for name, video in (("train", talker_video), ("held_out", held_out_video)):
        shutil.copy(video, tmp_path / "people" / "talker" / f"{name}.mp4")
    tiny = hearing.Recipe("tiny", hears_all=True, settings={"n_epochs": 1, "batches_per_epoch": 2})
    live = hearing.Recipe("tiny live", hears_all=False, settings=tiny.settings | {"n_networks": 1})
    monkeypatch.setattr(hearing, "RECIPES", (tiny, live, replace(tiny, name="other")))
    watch = hearing_videos.watch

    def watch_held_out(video: VideoInfo, *rest: Any) -> FaceTrack:
        """The other video is one that other tests have tracked."""
        return track_of(talker_video) if video.path.stem == "train" else watch(video, *rest)

    monkeypatch.setattr(hearing_videos, "watch", watch_held_out)
    arguments = ["--people", str(tmp_path / "people"), "--only", "tiny", "--seeds", "1", "--cache", str(tmp_path)]
    hearing.main(arguments)
    told = capsys.readouterr().out.splitlines()
    assert [row.split("|")[1].strip() for row in told[2:]] == [
        "tiny (all)", "**tiny (all)**",
        *(f"tiny live ({hears})" for hears in ("80 ms", "0 ms", "40 ms")),
        *(f"**tiny live ({hears})**" for hears in ("80 ms", "0 ms", "40 ms")),
    ]  # fmt: skip
    assert all(np.isfinite([float(cell) for cell in row.split("|")[3:8]]).all() for row in told[2:])
    monkeypatch.setattr(hearing_videos, "watch", lambda *_: pytest.fail("it was tracked already"))
    person = hearing_videos.person_in(tmp_path / "people" / "talker", tmp_path)
    film = person.held_out[0].film
    joined = film.joined([(1.0, 2.0), (0.0, 1.0)])
    assert len(joined.samples) == 32_000
    np.testing.assert_array_equal(joined.samples[16_000:], film.samples[:16_000])
    assert (np.diff(joined.track.times_s) > 0).all()
