"""Fixtures that many tests share, made once a run, and how tests are dealt out to several processes.

Whatever only needs *an* avatar takes `talker_avatar`: a synthetic talker whose true shapes are known, learnt once.
"""

import os
import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from made_once import made_once, run_folder

# Networks and matrices of the tests are small: a second thread only waits for the first, and beside another test it
# spins. Set before any of the libraries is loaded; what the tests start inherits it.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402

from hygiesync.avatar.video_avatar import VideoAvatar  # noqa: E402
from hygiesync.media.audio import read_audio, write_wav  # noqa: E402
from hygiesync.synthetic.talker import HELD_OUT, TalkerTruth, make_talker  # noqa: E402
from hygiesync.timing import SAMPLE_RATE  # noqa: E402

SLOW_TIMEOUT_S = 600
"""Until a slow test counts as hanging; the others' is in setup.cfg."""


def pytest_itemcollected(item: pytest.Item) -> None:
    """Deal the tests out by files, so that what a file's tests share is made once.

    All that listens and shows in real time is one group: two such sessions at once would make each other late.
    pytest-xdist reads the groups before this file's other hook may change the list of tests.
    """
    item.add_marker(pytest.mark.xdist_group("devices" if item.get_closest_marker("device") else item.path.stem))
    if item.get_closest_marker("slow"):
        item.add_marker(pytest.mark.timeout(SLOW_TIMEOUT_S))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest groups first: none begins when the other processes are already done."""
    groups = [next(item.iter_markers("xdist_group")).args[0] for item in items]
    slow = {group for item, group in zip(items, groups, strict=True) if item.get_closest_marker("slow")}
    turns = {group: 0 if group == "devices" else 1 if group in slow else 2 for group in groups}
    items[:] = [item for _, item in sorted(zip(groups, items, strict=True), key=lambda pair: turns[pair[0]])]


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """So small a network only waits for a second thread, and on a busy machine for long."""
    import torch

    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder that all processes of a run share."""
    return run_folder(tmp_path_factory)


def _talker(folder: Path, sentences: Sequence[str] | int, seed: int) -> None:
    truth = make_talker(folder / "talker.mp4", sentences=sentences, seed=seed)
    (folder / "truth").write_bytes(pickle.dumps(truth))


@pytest.fixture(scope="session")
def talker_directory(shared_folder: Path) -> Path:
    return made_once(shared_folder / "talker", lambda folder: _talker(folder, 7, seed=0))


@pytest.fixture(scope="session")
def talker_truth(talker_directory: Path) -> TalkerTruth:
    """Truth of `talker_video`."""
    return pickle.loads((talker_directory / "truth").read_bytes())


@pytest.fixture(scope="session")
def talker_video(talker_directory: Path) -> Path:
    """Some 20 seconds of a talking portrait."""
    return talker_directory / "talker.mp4"


@pytest.fixture(scope="session")
def held_out_directory(shared_folder: Path) -> Path:
    return made_once(shared_folder / "held out", lambda folder: _talker(folder, HELD_OUT[:1], seed=7))


@pytest.fixture(scope="session")
def held_out_truth(held_out_directory: Path) -> TalkerTruth:
    """Truth of `held_out_video`."""
    return pickle.loads((held_out_directory / "truth").read_bytes())


@pytest.fixture(scope="session")
def held_out_video(held_out_directory: Path) -> Path:
    """A few seconds of the same talker saying something else."""
    return held_out_directory / "talker.mp4"


@pytest.fixture(scope="session")
def avatar_directory(shared_folder: Path, talker_video: Path) -> Path:
    """Folder of `talker_avatar`; not to be changed."""

    def learn(folder: Path) -> None:
        from hygiesync.building.from_video import train
        from hygiesync.evaluation.training_report import make_report

        train(talker_video, folder / "avatar", preset="fast", has_consent=True, report=make_report)

    return made_once(shared_folder / "avatars", learn) / "avatar"


@pytest.fixture(scope="session")
def talker_avatar(avatar_directory: Path) -> VideoAvatar:
    from hygiesync.avatar.loading import load_avatar

    return load_avatar(avatar_directory, VideoAvatar)


@pytest.fixture(scope="session")
def speech(held_out_video: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[np.ndarray, Path]:
    """A few seconds of the talker's voice: samples (n,), float32, at 16 kHz, and the file they are in."""
    path = tmp_path_factory.mktemp("speech") / "speech.wav"
    write_wav(path, read_audio(held_out_video), SAMPLE_RATE)
    return read_audio(path), path


@pytest.fixture(scope="session")
def data() -> Path:
    """Folder of real recordings, where there is one."""
    folder = os.environ.get("HYGIESYNC_DATA")
    if not folder:
        pytest.skip("HYGIESYNC_DATA is not set")
    return Path(folder)
