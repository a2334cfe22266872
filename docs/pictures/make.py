"""The README's pictures, made again: everything in them comes from the public-domain portrait inside scikit-image.

  python docs/pictures/make.py

Writes photo.jpg (one picture speaks), animate.jpg (a talker moves a painting of her mirror image) and swap.jpg (the
painting's face on the talker's head) beside this file.
"""

from __future__ import annotations

import tempfile
from fractions import Fraction
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from skimage import data

import hygiesync
from hygiesync.media.images import write_png
from hygiesync.media.video import VideoWriter, read_frames
from hygiesync.pipelines.animate import AnimateOptions, animate
from hygiesync.portrait.head import rotation_of
from hygiesync.portrait.speaking.idle_motion import IdleMotion
from hygiesync.synthetic.portrait import Portrait

HERE = Path(__file__).parent
TILE, QUALITY = 190, 88
MOMENTS = {
    "the photo": None,
    "silence, b, p, m": (0.0, 0.0, 0.0),
    "s, t, d": (0.16, 0.3, 0.0),
    "ee": (0.32, 1.0, 0.0),
    "ah": (1.0, 0.0, 0.0),
    "oo": (0.24, -1.0, 0.0),
    "f, v": (0.1, 0.0, 1.0),
}


def main() -> None:
    """Make all three."""
    portrait = np.ascontiguousarray(data.astronaut()[:400, 25:425])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_png(folder / "photo.png", portrait)
        save("photo", [speaking(folder)])
        painting = painted(portrait)
        write_png(folder / "painting.png", painting)
        talker(folder / "talker.mp4")
        shown = frames_of(folder / "talker.mp4")
        for kind, options in (("animate", AnimateOptions()), ("swap", AnimateOptions(swaps=True))):
            animate(folder / "painting.png", folder / "talker.mp4", folder / "made.mp4", options)
            save(kind, [[painting, *shown], [painting, *frames_of(folder / "made.mp4")]])


def speaking(folder: Path) -> list[np.ndarray]:
    """The photo, and its avatar's mouth for some sounds while it lives."""
    avatar = hygiesync.avatar_from_photo(folder / "photo.png", folder / "avatar", has_consent=True)
    renderer = avatar.renderer()
    frames = islice(avatar.idle(Fraction(1)).template.frames(), len(MOMENTS))
    pictures = []
    for frame, (label, curves) in zip(frames, MOMENTS.items(), strict=True):
        picture = avatar.picture if curves is None else renderer.draw(np.array(curves), frame.face)
        pictures.append(labelled(picture[25:215, 85:275], label))
    return pictures


def painted(portrait: np.ndarray) -> np.ndarray:
    """Her mirror image as an old master might have left it: broad strokes under yellow varnish."""
    near = cv2.resize(portrait[10:230, 70:290, :][:, ::-1], (440, 440), interpolation=cv2.INTER_CUBIC)
    strokes = cv2.medianBlur(cv2.xphoto.oilPainting(np.ascontiguousarray(near), 2, 1), 3)
    varnish = strokes * np.array([0.93, 0.78, 0.5]) + np.array([6, 3, 0])
    y, x = np.mgrid[-1:1:440j, -1:1:440j]
    return np.clip(varnish * (1 - 0.3 * (x**2 + y**2))[..., None], 0, 255).astype(np.uint8)


def talker(path: Path) -> None:
    """Two seconds of the portrait as it speaks and moves its head."""
    portrait, life = Portrait(400), IdleMotion()
    with VideoWriter(path, 400, 400, Fraction(25), crf=10) as writer:
        for number in range(50):
            opening = max(0.0, float(np.sin(number / 4)))
            turn = rotation_of(np.array([0, 0, 5 * np.sin(number / 9)]))[:2, :2]
            centre = portrait.centre + 400 * life.at(number / 4).shift
            pose = np.column_stack([turn, centre - turn @ portrait.centre])
            image, _ = portrait.render(opening, np.sin(number / 6), 0.0, pose)
            writer.write(image, Fraction(number, 25))


def frames_of(path: Path) -> list[np.ndarray]:
    """Six frames of a video."""
    return [frame.image for number, frame in enumerate(read_frames(path)) if number in (5, 12, 20, 29, 37, 45)]


def labelled(picture: np.ndarray, label: str) -> np.ndarray:
    """A tile with a line of text below."""
    tile = cv2.resize(picture, (TILE, TILE), interpolation=cv2.INTER_CUBIC)
    strip = np.full((26, TILE, 3), 255, np.uint8)
    (width, _), _ = cv2.getTextSize(label, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)
    cv2.putText(strip, label, ((TILE - width) // 2, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (60, 60, 60), 1, cv2.LINE_AA)
    return np.vstack([tile, strip])


def save(name: str, rows: list[list[np.ndarray]]) -> None:
    """Write rows of pictures, each scaled to a tile's width."""
    scaled = [[cv2.resize(p, (TILE, round(TILE * p.shape[0] / p.shape[1]))) for p in row] for row in rows]
    sheet = np.vstack([np.hstack(row) for row in scaled])
    cv2.imwrite(str(HERE / f"{name}.jpg"), sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


if __name__ == "__main__":
    main()
