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
from tracks import TrackOf, track_once  # noqa: E402

from hygiesync.avatar.video_avatar import VideoAvatar  # noqa: E402
from hygiesync.media.audio import read_audio, write_wav  # noqa: E402
from hygiesync.synthetic.talker import HELD_OUT, TalkerTruth, make_talker  # noqa: E402
from hygiesync.timing import SAMPLE_RATE  # noqa: E402

SLOW_TIMEOUT_S = 600
"""Until a slow test counts as hanging; the others' is in setup.cfg."""


_LONGEST = (
    "live_devices", "first_order_examples", "training", "server_browser", "live_endurance", "web_browser", "animate",
    "bench", "wheel", "record", "record_breaks", "evaluate", "live", "offline", "batch_ray", "web_export", "parts",
    "hearing_experiment", "server_command", "photo", "templates", "first_order_networks", "microphone", "offset",
)  # fmt: skip
"""Files that take more than some fifteen seconds, the longest first.

The second needs no avatar: else the second process of a run would wait while the first one trains it.
"""

_TRAINED = {"talker_directory", "held_out_directory", "avatar_directory"}
"""Fixtures behind which MediaPipe runs and networks train: a test of a single part does without."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever needs the trained talker is slow, and slow tests may take longer.

    The files with the longest come first, so that none begins when all others are done.
    `make test` deals the tests out by files (pytest-xdist's loadfile): what a file's tests share is made once.
    """
    longest = {f"test_{name}": turn for turn, name in enumerate(_LONGEST)}
    turns: dict[Path, int] = {}
    for item in items:
        if _TRAINED & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
        is_slow = item.get_closest_marker("slow") is not None
        if is_slow:
            item.add_marker(pytest.mark.timeout(SLOW_TIMEOUT_S))
        turns[item.path] = min(turns.get(item.path, 1), 0 if is_slow else 1)
    items.sort(key=lambda item: (longest.get(item.path.stem, len(longest)), turns[item.path]))


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
def track_of(shared_folder: Path) -> TrackOf:
    """Tracks a video's face, once a run."""
    return lambda video: track_once(shared_folder, video)


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
def portrait_avatar_directory(shared_folder: Path) -> Path:
    """The avatar of a picture in the public domain; not to be changed."""

    def make(folder: Path) -> None:
        from hygiesync.building.from_photo import avatar_from_photo
        from hygiesync.media.images import write_png
        from hygiesync.synthetic.portrait import photograph

        write_png(folder / "portrait.png", photograph())
        avatar_from_photo(folder / "portrait.png", folder / "portrait", has_consent=True, max_side=256)

    return made_once(shared_folder / "portraits", make) / "portrait"


@pytest.fixture(scope="session")
def tiny_first_order(shared_folder: Path) -> Path:
    """Folder of made shapes, `shapes`, and of the smallest first order model, trained on them for a moment, `model`."""

    def learn(folder: Path) -> None:
        from first_order_shapes import TINY, write_shapes

        from hygiesync.first_order.configurations import read_configuration
        from hygiesync.first_order.learning.building import train_model

        write_shapes(folder / "shapes", 2, 1)
        train_model(read_configuration(TINY), folder / "shapes", folder / "model", has_consent=True)

    return made_once(shared_folder / "first order", learn)


@pytest.fixture(scope="session")
def data() -> Path:
    """Folder of real recordings, where there is one."""
    folder = os.environ.get("HYGIESYNC_DATA")
    if not folder:
        pytest.skip("HYGIESYNC_DATA is not set")
    return Path(folder)
