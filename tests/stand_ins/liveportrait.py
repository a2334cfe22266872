"""Speaks the command line and the file layout of LivePortrait's inference.py; moves the face up and down a little."""

import argparse
import sys
from pathlib import Path

import av
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from stand_in import read_pictures, write_pictures


def main(args: argparse.Namespace) -> None:
    with av.open(args.source) as container:
        source = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert max(source.shape) <= 1280 and not any(side % 2 for side in source.shape[:2])
    pictures, fps = read_pictures(args.driving)
    if (Path(__file__).parent / "misbehave").is_file():
        raise Exception("No face detected in the source image!")
    made = []
    for number, _ in enumerate(pictures):
        print(f"Making motion templates... \x1b[91m━━━\x1b[0m {100 * (number + 1) // len(pictures)}% 0:00:01\r", end="")
        moved = source.copy()
        height, width = source.shape[:2]
        box = (slice(height // 3, 2 * height // 3), slice(width // 3, 2 * width // 3))
        moved[box] = np.roll(source, number % 5, axis=0)[box]
        made.append(moved)
    out = Path(args.output_dir)
    out.mkdir(parents=True, exist_ok=True)
    name = f"{Path(args.source).stem}--{Path(args.driving).stem}"
    write_pictures(out / f"{name}_concat.mp4", [np.hstack([source, one]) for one in made], int(fps))
    write_pictures(out / f"{name}.mp4", made, int(fps))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("-s", "--source", required=True)
    parser.add_argument("-d", "--driving", required=True)
    parser.add_argument("-o", "--output_dir", required=True)
    main(parser.parse_args())
