"""Every picture moved by every driving video, and speaking, as contact sheets to be looked at; and what it measures.

  make gallery                       # the pictures and videos of $HYGIESYNC_DATA, into recordings/gallery
  python docs/experiments/portrait_gallery.py --data DIR --out DIR --pictures monalisa --drivers talking
  python docs/experiments/portrait_gallery.py --data DIR --out DIR --figures 12   # also figures, over 12 s of each

`DIR` holds `portraits/`, `driving/` and `clips/`; the clips' first frames are pictures, too, and drive themselves. A
sheet shows the moments in which the driving face opens its mouth, shuts its eyes, or is furthest aside: the frame, the
picture, and the mouths of both, enlarged. A sheet that is newer than the code is kept, so that an interrupted run goes
on where it was; `--again` makes all of them anew. `figures.csv` compares each face, detected again, with its driver.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from hygiesync.concurrency.library_threads import single_threaded_libraries
from hygiesync.face.landmarks import LandmarkDetector, find_faces, mesh_triangles, person_matte
from hygiesync.face.topology import INNER_LIPS
from hygiesync.media.images import label_of, read_still, write_png
from hygiesync.media.video import read_frames
from hygiesync.portrait.driving import DrivingFrame, watch_driving
from hygiesync.portrait.measures import MotionComparison, compare_motion, eye_openings, head_poses, mouth_opening
from hygiesync.portrait.mesh_animation import MeshAnimation
from hygiesync.portrait.parts import eye_distance
from hygiesync.portrait.speaking.idle_motion import IdlePose
from hygiesync.portrait.speaking.photo_renderer import PhotoRenderer, speaking_layers
from hygiesync.portrait.speaking.photo_template import PhotoTemplate
from hygiesync.portrait.transfer import TransferOptions

CODE = Path(__file__).parents[2] / "hygiesync"
CELL_PX = 300
"""Height of a picture on a sheet."""

LABEL_PX = 34

RUN_UP = 8
"""Frames drawn before a moment that is shown: the body's motion remembers what was before."""

MOUTHS = {
    "rest": (0, 0, 0), "m": (0, 0.1, 0), "i": (0.25, 0.8, 0), "e": (0.5, 0.4, 0), "a": (0.85, 0, 0), "A": (1.2, 0, 0),
    "o": (0.6, -0.7, 0), "u": (0.2, -1.0, 0), "f": (0.1, 0.1, 1.0),
}  # fmt: skip
"""Curves of sounds; see :data:`hygiesync.tts.visemes.CURVES`."""


@dataclass(frozen=True)
class Figures:
    """What a combination is worth: correlations of :class:`MotionComparison`, and errors of pictures of themselves.

    Attributes
    ----------
    picture, driver : str
    yaw_deg, pitch_deg, roll_deg : float
        How far the driving head moves, standard deviations.
    comparison : MotionComparison
    n_unseen : int
        Frames in which no face was found again.
    below_copy : float
        By which part the mean error is below that of the unmoved picture, for a clip that drives its own first frame.
    """

    picture: str
    driver: str
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    comparison: MotionComparison
    n_unseen: int
    below_copy: float


class Driver:
    """One driving video: its smoothed landmarks, kept, and its frames, read when they are wanted."""

    def __init__(self, path: Path, kept: Path) -> None:
        self.path, self.name = path, path.stem
        if not kept.exists():
            frames = list(watch_driving(path))
            landmarks = [np.full((478, 3), np.nan) if f.landmarks is None else f.landmarks for f in frames]
            kept.parent.mkdir(parents=True, exist_ok=True)
            np.savez(kept, landmarks=np.array(landmarks, np.float32), is_seen=[frame.is_seen for frame in frames])
        with np.load(kept) as arrays:
            self.landmarks, self._is_seen = arrays["landmarks"].astype(np.float64), arrays["is_seen"]

    def frames(self) -> Iterator[DrivingFrame]:
        for source, landmarks, is_seen in zip(read_frames(self.path), self.landmarks, self._is_seen, strict=True):
            known = None if np.isnan(landmarks).any() else landmarks
            yield DrivingFrame(source.image, source.time_s, known, bool(is_seen))

    def moments(self) -> dict[str, int]:
        """Names and numbers of the frames worth looking at."""
        faces = self.landmarks
        poses, eyes = head_poses(faces), eye_openings(faces).mean(-1)
        yaw, pitch, roll, across, down, scale = poses.T
        wanted = {
            "mouth": mouth_opening(faces), "shut": -eyes, "left": -yaw, "right": yaw, "down": pitch, "up": -pitch,
            "over": np.abs(roll), "aside": np.abs(across), "high": -down, "low": down, "near": scale,
        }  # fmt: skip
        chosen: dict[str, int] = {}
        for name, value in wanted.items():
            number = int(np.argmax(value))
            if all(abs(number - other) > RUN_UP for other in chosen.values()):
                chosen[name] = number
        return dict(sorted(chosen.items(), key=lambda item: item[1]))


@dataclass(frozen=True)
class Picture:
    name: str
    image: np.ndarray
    landmarks: np.ndarray


def pictures_of(data: Path) -> Iterator[Picture]:
    for path in sorted((data / "portraits").iterdir()):
        image = read_still(path)
        yield Picture(path.stem, image, find_faces(image)[0])
    for path in sorted((data / "clips").glob("*.mp4")):
        image = next(read_frames(path)).image
        yield Picture(path.stem, image, find_faces(image)[0])


def square(image: np.ndarray, middle: np.ndarray, half: float) -> np.ndarray:
    """A square part of a picture, `CELL_PX` wide."""
    scale = CELL_PX / (2 * half)
    matrix = np.array([[scale, 0, CELL_PX / 2 - scale * middle[0]], [0, scale, CELL_PX / 2 - scale * middle[1]]])
    return cv2.warpAffine(image, matrix, (CELL_PX, CELL_PX), flags=cv2.INTER_CUBIC, borderValue=(90, 90, 90))


def whole(image: np.ndarray) -> np.ndarray:
    return cv2.resize(image, (round(image.shape[1] * CELL_PX / image.shape[0]), CELL_PX), interpolation=cv2.INTER_AREA)


def mouth(image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    return square(image, landmarks[list(INNER_LIPS), :2].mean(0), 0.5 * float(eye_distance(landmarks)))


def labelled(name: str, width: int) -> np.ndarray:
    """A name on a black strip, as wide as what is under it."""
    strip = np.zeros((LABEL_PX, width, 3), np.uint8)
    label = label_of(name, LABEL_PX - 14)[:LABEL_PX, :width]
    strip[: label.shape[0], : label.shape[1]] = label
    return strip


def sheet(columns: list[list[np.ndarray]], names: list[str]) -> np.ndarray:
    """Columns of pictures under their names, rows in line."""
    heights = [LABEL_PX, *(max(cell.shape[0] for cell in row) for row in zip(*columns, strict=True))]
    shown = []
    for name, cells in zip(names, columns, strict=True):
        width = max(cell.shape[1] for cell in cells)
        padded = [
            cv2.copyMakeBorder(cell, 0, height - cell.shape[0], 0, width - cell.shape[1] + 4, cv2.BORDER_CONSTANT)
            for cell, height in zip([labelled(name, width), *cells], heights, strict=True)
        ]
        shown.append(np.vstack(padded))
    return np.hstack(shown)


def moved_sheet(picture: Picture, driver: Driver) -> np.ndarray:
    moments = driver.moments()
    wanted = {number: name for name, number in moments.items()}
    columns, names, draw = [], [], None
    for number, frame in enumerate(islice(driver.frames(), max(wanted) + 1)):
        if frame.landmarks is None:
            continue
        if draw is None:
            draw = MeshAnimation().animator(picture.image, picture.landmarks, frame, TransferOptions())
        if not any(0 <= moment - number <= RUN_UP for moment in wanted):
            continue
        made = draw(frame)
        if number not in wanted:
            continue
        head = frame.landmarks[:468, :2].mean(0)
        led = square(frame.image, head, 1.6 * float(eye_distance(driver.landmarks[0])))
        face = LandmarkDetectorOnce.of(made)
        faces = [led, whole(made), mouth(frame.image, frame.landmarks)]
        faces.append(mouth(made, picture.landmarks if face is None else face))
        columns.append(faces)
        names.append(f"{wanted[number]} {float(frame.time_s):.2f} s")
    return sheet(columns, names)


class LandmarkDetectorOnce:
    """Faces of single pictures."""

    @staticmethod
    def of(image: np.ndarray) -> np.ndarray | None:
        with LandmarkDetector() as detector:
            return detector.detect_in_depth(image)


def spoken_sheet(picture: Picture) -> np.ndarray:
    """The picture saying single sounds, its head turned a little to either side."""
    layers = speaking_layers(picture.image, picture.landmarks, person_matte(picture.image))
    renderer = PhotoRenderer(picture.image, picture.landmarks, layers, mesh_triangles())
    template = PhotoTemplate(picture.image, picture.landmarks, Fraction(25))
    columns = []
    for number, curves in enumerate(MOUTHS.values()):
        turn = np.array([3.0 * (-1) ** number, 1.0, 0.0])
        life = replace(IdlePose.none(), turn_deg=turn, openness=1 - 0.25 * (number % 5))
        made = renderer.draw(np.array(curves, float), template.face(life))
        columns.append([whole(made), mouth(made, picture.landmarks)])
    return sheet(columns, list(MOUTHS))


def figures_of(picture: Picture, driver: Driver, seconds: float) -> Figures:
    draw, led, made, errors = None, [], [], []
    n_unseen = 0
    with LandmarkDetector() as detector:
        for frame in driver.frames():
            if frame.time_s > seconds:
                break
            if frame.landmarks is None:
                continue
            draw = draw or MeshAnimation().animator(picture.image, picture.landmarks, frame, TransferOptions())
            image = draw(frame)
            found = detector.detect_in_depth(image)
            n_unseen += found is None
            if found is not None:
                led.append(frame.landmarks)
                made.append(found)
            if picture.name == driver.name:
                truth = frame.image.astype(np.int16)
                errors.append([np.abs(truth - other).mean() for other in (image, picture.image)])
    yaw, pitch, roll = head_poses(np.array(led))[:, :3].std(0)
    ours, copied = np.mean(errors, 0) if errors else (np.nan, np.nan)
    return Figures(
        picture.name,
        driver.name,
        yaw,
        pitch,
        roll,
        compare_motion(np.array(led), np.array(made)),
        n_unseen,
        1 - ours / copied,
    )


def write_figures(path: Path, figures: list[Figures]) -> None:
    names = [field.name for field in fields(MotionComparison)]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["picture", "driver", "yaw_deg", "pitch_deg", "roll_deg", *names, "n_unseen", "below_copy"])
        for one in figures:
            row = [one.yaw_deg, one.pitch_deg, one.roll_deg, *asdict(one.comparison).values(), one.n_unseen]
            writer.writerow([one.picture, one.driver, *(f"{value:.3f}" for value in [*row, one.below_copy])])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="portraits/, driving/ and clips/")
    parser.add_argument("--out", type=Path, default=Path("recordings/gallery"), metavar="DIR", help="(%(default)s)")
    parser.add_argument("--pictures", nargs="*", default=[""], help="only those with one of these in their name")
    parser.add_argument("--drivers", nargs="*", default=[""], help="the same; none: only speech")
    parser.add_argument("--figures", type=float, default=0, metavar="S", help="measure so many seconds of each driver")
    parser.add_argument("--again", action="store_true", help="make all sheets anew")
    arguments = parser.parse_args()
    newest = max(path.stat().st_mtime for path in [*CODE.rglob("portrait/**/*.py"), Path(__file__)])
    pictures = [one for one in pictures_of(arguments.data) if any(part in one.name for part in arguments.pictures)]
    videos = sorted((arguments.data / "driving").glob("*.mp4")) + sorted((arguments.data / "clips").glob("*.mp4"))
    drivers = [
        Driver(path, arguments.out / "drivers" / f"{path.stem}.npz")
        for path in videos
        if any(part in path.stem for part in arguments.drivers)
    ]
    figures: list[Figures] = []
    with single_threaded_libraries():
        for picture in pictures:
            jobs: list[tuple[str, Driver | None]] = [(f"{picture.name} says", None)]
            own = [driver for driver in drivers if driver.path.parent.name == "driving" or driver.name == picture.name]
            jobs += [(f"{picture.name} as {driver.name}", driver) for driver in own]
            for name, driver in jobs:
                path = arguments.out / f"{name}.png"
                if arguments.again or not path.exists() or path.stat().st_mtime < newest:
                    print(name, file=sys.stderr)
                    write_png(path, spoken_sheet(picture) if driver is None else moved_sheet(picture, driver))
                if driver is not None and arguments.figures:
                    figures.append(figures_of(picture, driver, arguments.figures))
                    write_figures(arguments.out / "figures.csv", figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
