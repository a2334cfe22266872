"""Fixtures made once a session: a synthetic talker whose true shapes are known, and an avatar trained on it."""

import os
from pathlib import Path

import pytest

from hygiesync.synthetic.talker import HELD_OUT, make_talker


@pytest.fixture(scope="module")
def one_thread():
    """So small a network only waits for a second thread, and on a busy machine for long."""
    import torch

    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


@pytest.fixture(scope="session")
def talker_directory(tmp_path_factory):
    return tmp_path_factory.mktemp("talker")


@pytest.fixture(scope="session")
def talker_truth(talker_directory):
    """Truth of `talker_video`."""
    return make_talker(talker_directory / "talker.mp4", sentences=7)


@pytest.fixture(scope="session")
def talker_video(talker_directory, talker_truth):
    """Some 20 seconds of a talking portrait."""
    return talker_directory / "talker.mp4"


@pytest.fixture(scope="session")
def held_out_truth(talker_directory):
    """Truth of `held_out_video`."""
    return make_talker(talker_directory / "held out.mp4", sentences=HELD_OUT[:1], seed=7)


@pytest.fixture(scope="session")
def held_out_video(talker_directory, held_out_truth):
    """A few seconds of the same talker saying something else."""
    return talker_directory / "held out.mp4"


@pytest.fixture(scope="session")
def avatar_directory(talker_directory, talker_video):
    """Folder of `talker_avatar`; not to be changed."""
    from hygiesync.building.from_video import train
    from hygiesync.evaluation.training_report import make_report

    train(talker_video, talker_directory / "avatar", preset="fast", has_consent=True, report=make_report)
    return talker_directory / "avatar"


@pytest.fixture(scope="session")
def talker_avatar(avatar_directory):
    from hygiesync.avatar.loading import load_avatar
    from hygiesync.avatar.video_avatar import VideoAvatar

    return load_avatar(avatar_directory, VideoAvatar)


@pytest.fixture(scope="session")
def data():
    """Folder of real recordings, where there is one."""
    folder = os.environ.get("HYGIESYNC_DATA")
    if not folder:
        pytest.skip("HYGIESYNC_DATA is not set")
    return Path(folder)
