"""``make generic``: the ear in models/generic, made again from nothing but synthetic voices."""

from __future__ import annotations

import argparse
from pathlib import Path

from hygiesync.apps.progress import StageBars
from hygiesync.avatar.build import DEFAULT_LOOKAHEAD_MS
from hygiesync.motion.corpus import synthesise_corpus
from hygiesync.motion.ear import EAR_FILE
from hygiesync.motion.pretrain import Lesson, pretrain
from hygiesync.timing import lookahead_frames, mel_frames_to_time

N_UTTERANCES = 1600
"""Some 100 minutes of speech."""


def main() -> None:
    """Synthesise the corpus, teach the ear, write it."""
    parser = argparse.ArgumentParser("python -m hygiesync.apps.generic", description=__doc__)
    parser.add_argument("--out", type=Path, default=EAR_FILE, metavar="FILE", help="ear to write (%(default)s)")
    parser.add_argument("--utterances", type=int, default=N_UTTERANCES, metavar="N", help="sentences (%(default)s)")
    parser.add_argument("--steps", type=int, default=Lesson.n_steps, metavar="N", help="of training (%(default)s)")
    arguments = parser.parse_args()
    with StageBars() as bars:
        spoken = 0

        def count(n_utterances: int) -> None:
            nonlocal spoken
            spoken += n_utterances
            bars("speaking", spoken, arguments.utterances)

        corpus = synthesise_corpus(arguments.utterances, lookahead_frames(DEFAULT_LOOKAHEAD_MS), progress=count)
        ear = pretrain(
            corpus, Lesson(n_steps=arguments.steps), lambda step, n, note: bars("teaching", step, n, note)
        )
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    partial = arguments.out.with_suffix(".partial")
    ear.save(partial)
    partial.replace(arguments.out)
    minutes = float(mel_frames_to_time(len(corpus.mel))) / 60
    print(f"{arguments.out}: ear {ear.name}, taught on {minutes:.0f} minutes of synthetic speech")


if __name__ == "__main__":
    main()
