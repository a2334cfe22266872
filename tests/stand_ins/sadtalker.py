"""Speaks the command line and the file layout of SadTalker's inference.py; paints an ellipse."""

import argparse
import shutil
import sys
import uuid
from pathlib import Path
from time import strftime

import av

sys.path.insert(0, str(Path(__file__).parent))
from stand_in import bar, loudness, misbehave, with_mouth, write_pictures

FPS = 25


def main(args: argparse.Namespace) -> None:
    folder = Path(args.result_dir, strftime("%Y_%m_%d_%H.%M.%S"))
    folder.mkdir(parents=True)
    assert Path(args.checkpoint_dir, f"SadTalker_V0.0.2_{args.size}.safetensors").is_file()
    assert Path("gfpgan/weights/detection_Resnet50_Final.pth").is_file()  # looked for where it is started
    assert args.source_image.split(".")[-1] in ("jpg", "png", "jpeg") and args.preprocess == "resize"
    print("3DMM Extraction for source image")
    if (Path(__file__).parent / "misbehave").is_file():
        print("No face is detected in the input file")
        return
    with av.open(args.source_image) as container:
        source = next(container.decode(video=0)).reformat(args.size, args.size).to_ndarray(format="rgb24")
    opening = loudness(args.driven_audio, FPS)
    bar("Face Renderer:: ", 3)
    temporary = Path(f"{uuid.uuid4()}.mp4")  # as the real one: where it is started
    write_pictures(temporary, [with_mouth(source, (0.5, 0.68), 0.2 * value) for value in opening], FPS)
    shutil.move(temporary, f"{folder}.mp4")
    shutil.rmtree(folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--driven_audio", required=True)
    parser.add_argument("--source_image", required=True)
    parser.add_argument("--result_dir", required=True)
    parser.add_argument("--checkpoint_dir", required=True)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--preprocess", default="crop")
    parser.add_argument("--still", action="store_true")
    parser.add_argument("--enhancer")
    misbehave(Path(__file__).parent)
    main(parser.parse_args())
