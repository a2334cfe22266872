"""Speaks the command line and the file layout of MuseTalk's scripts/inference.py; paints an ellipse."""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path.cwd()))  # as `python -m` has it
from stand_in import bar, loudness, misbehave, read_pictures, with_mouth, write_pictures

MOUTH = (0.5, 0.66)
"""Where it lies in a picture of a head."""


def main(args: argparse.Namespace) -> None:
    for needed in (args.unet_model_path, args.unet_config, args.whisper_dir):
        assert Path(needed).exists(), needed
    jobs = json.loads(Path(args.inference_config).read_text())
    for job in jobs.values():
        try:
            if (Path.cwd() / "misbehave").is_file() and (Path.cwd() / "misbehave").read_text() == "complain":
                raise IndexError("list index out of range")
            dub(job, args)
        except Exception as error:
            print("Error occurred during processing:", error)


def dub(job: dict[str, str], args: argparse.Namespace) -> None:
    folder = Path(args.result_dir, args.version)
    folder.mkdir(parents=True, exist_ok=True)
    Path(args.result_dir, "..", Path(job["video_path"]).stem + ".pkl").write_bytes(b"coordinates")
    pictures, fps = read_pictures(job["video_path"])
    print("Extracting landmarks... time-consuming operation")
    opening = loudness(job["audio_path"], fps)
    print("Starting inference")
    bar("", 4)
    cycle = pictures + pictures[::-1]
    made = [with_mouth(cycle[i % len(cycle)], MOUTH, 0.2 * value) for i, value in enumerate(opening)]
    write_pictures(folder / job["result_name"], made, int(fps))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--inference_config", required=True)
    parser.add_argument("--result_dir", required=True)
    parser.add_argument("--unet_model_path", required=True)
    parser.add_argument("--unet_config", required=True)
    parser.add_argument("--whisper_dir", required=True)
    parser.add_argument("--version", choices=["v1", "v15"], required=True)
    parser.add_argument("--use_float16", action="store_true")
    misbehave(Path.cwd())
    main(parser.parse_args())
