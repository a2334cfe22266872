"""The program, whose trainings are over after a few steps: for tests of everything but how well is learnt.

Run as a script it is the command line, for tests that kill it or run it elsewhere.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

from hygiesync.learning import settings
from hygiesync.learning.settings import TrainingSettings

N_EPOCHS = 3
"""Of each network: one can be interrupted with another to come."""


@contextmanager
def few_steps() -> Iterator[None]:
    """Within, the preset "fast" is faster still; so short a training is the same in every process."""
    whole_preset = settings.whole_preset

    def quick(name: str, seed: int, n_mel_frames: int) -> TrainingSettings:
        return replace(whole_preset(name, seed, n_mel_frames), n_epochs=N_EPOCHS, batches_per_epoch=2)

    presets = settings.PRESETS | {"fast": TrainingSettings(n_epochs=N_EPOCHS, batches_per_epoch=8)}
    with patch.object(settings, "PRESETS", presets), patch.object(settings, "whole_preset", quick):
        yield


@contextmanager
def few_streaming_steps() -> Iterator[None]:
    """Within, of the preset "fast" only the network of whole recordings, which files are rendered with, learns well."""
    presets = settings.PRESETS | {"fast": TrainingSettings(n_epochs=2, batches_per_epoch=8)}
    with patch.object(settings, "PRESETS", presets):
        yield


if __name__ == "__main__":
    from hygiesync.apps.cli import main

    with few_steps():
        sys.exit(main())
