"""From videos of one person to an avatar bundle: watch, fit, train, gather, pack.

What has been worked out is kept in a folder beside the bundle until the bundle is there, so that a run that was killed
can be resumed: the tracks of the faces once they are whole, and the network after every epoch.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from hygiesync.avatar import video_avatar
from hygiesync.avatar.bundle import STEP
from hygiesync.avatar.loading import load_avatar
from hygiesync.avatar.manifest import Manifest, consent_text, sha256_of
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.building.appearance_fitting import fit_appearance
from hygiesync.building.atlas_building import build_atlas
from hygiesync.building.av_offset import fix_offsets, measure_offsets, record_of
from hygiesync.building.bundle_writing import check_destination, write_bundle
from hygiesync.building.evidence import HeldOut, TrainingEvidence, hold_out
from hygiesync.building.face_fitting import FittedFace, Recording, background_loudness, fit_face, resting_coefficients
from hygiesync.building.idle_loop import build_idle_loop
from hygiesync.building.sound_level import SoundLevel
from hygiesync.building.video_quality import Advice, advise
from hygiesync.errors import InputError, UsageError
from hygiesync.extras import require
from hygiesync.face.comparison import compare_lips
from hygiesync.face.track import FaceTrack
from hygiesync.face.tracking import watch
from hygiesync.learning.aperture import Aperture
from hygiesync.learning.dataset import LabelledClip, align, split
from hygiesync.learning.metric import mouth_metric
from hygiesync.media.audio import read_audio
from hygiesync.media.video import VideoInfo, probe
from hygiesync.progress import Progress
from hygiesync.render.mesh import FaceMesh
from hygiesync.speech.mel import mel_spectrogram
from hygiesync.timing import MEL_RATE, lookahead_frames
from hygiesync.version import __version__

if TYPE_CHECKING:
    from hygiesync.learning.train import TrainingRun

MIN_VIDEO_S = 8

MIN_FACE_SHARE = 0.5
"""Share of a training video's frames that must show the face."""

DEFAULT_LOOKAHEAD_MS = 80.0

_SPARKS = "▁▂▃▄▅▆▇█"

ReportMaker = Callable[[TrainingEvidence], bytes]
"""Makes a HTML page; given from outside, since pages are the apps' business."""


EARLY_LOOKAHEADS = (0, 4)
"""Mel frames; every avatar can be asked to answer as early as that too, as far as it is less than its own lookahead."""


@dataclass(frozen=True)
class Job:
    """What one training is asked for; a resumed run must ask for the same."""

    videos: tuple[Path, ...]
    preset: str
    lookahead: int
    seed: int
    fix_offset: bool = False

    @property
    def early_lookaheads(self) -> tuple[int, ...]:
        """Of the network's early answers, mel frames."""
        return tuple(n for n in EARLY_LOOKAHEADS if n < self.lookahead)

    def fingerprint(self) -> dict[str, Any]:
        """What tells this job from others."""
        hashes = [sha256_of(video) for video in self.videos]
        options = {name: getattr(self, name) for name in ("preset", "lookahead", "seed", "fix_offset")}
        return {"videos": hashes, **options}


def train(
    videos: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    preset: str = "balanced",
    lookahead_ms: float = DEFAULT_LOOKAHEAD_MS,
    seed: int = 0,
    resume: bool = False,
    has_consent: bool = False,
    fix_offset: bool = False,
    progress: Progress | None = None,
    warn: Callable[[str], None] | None = None,
    report: ReportMaker | None = None,
) -> VideoAvatar:
    """Make an avatar from one or more videos of one person speaking.

    Parameters
    ----------
    videos : path or sequence of paths
        Five minutes of a frontal face are best; at least 8 s with sound.
    out : path
        Folder of the avatar to make, such as ``models/me``; an avatar already there is replaced at the end.
    preset : {"fast", "balanced", "best"}
        How long to train.
    lookahead_ms : float
        How far beyond the time it draws the network may hear, 0 to 200 ms: more is more exact, and later when live.
    seed : int
    resume : bool
        Go on where an interrupted run with the same arguments stopped.
    has_consent : bool
        Whether the person shown agreed; recorded in the bundle.
    fix_offset : bool
        Whether to learn from sound that is late or early against the lips as if it were in time; see
        :mod:`hygiesync.building.av_offset`.
    progress, warn : callable, optional
        Told of work done, and of what is odd about the videos.
    report : callable, optional
        Makes the page that the avatar carries as ``report.html``, such as
        :func:`hygiesync.evaluation.training_report.make_report`.

    Returns
    -------
    Avatar

    Raises
    ------
    InputError
        When a video can't be used; the message says why.
    UsageError
        When an argument is out of range, or `out` holds something else.
    MissingDependencyError
        Without the packages of the extra ``train``.
    """
    require("train", "training")
    paths = (videos,) if isinstance(videos, str | os.PathLike) else tuple(videos)
    directory = Path(out)
    _check_preset(preset)
    if not 0 <= lookahead_ms <= 200:
        raise UsageError(f"lookahead: expected 0 to 200 ms, got {lookahead_ms:g}")
    check_destination(directory)
    job = Job(tuple(Path(path) for path in paths), preset, lookahead_frames(lookahead_ms), seed, fix_offset)
    infos = [_checked_video(path) for path in job.videos]
    workshop = _open_workshop(directory, job, resume, warn or (lambda message: None))
    tell = progress or (lambda *_: None)

    recordings = [
        _record(info, workshop / f"track-{number}.safetensors", tell, warn or (lambda message: None))
        for number, info in enumerate(infos)
    ]
    face = fit_face(recordings)
    background = background_loudness(recordings)
    offsets = measure_offsets(recordings, face)
    if fix_offset:
        recordings = fix_offsets(recordings, offsets, warn or (lambda message: None))
    advice = advise(recordings, face, offsets)
    for one in advice:
        (warn or (lambda message: None))(f"{one.problem}; {one.what_to_do}")
    sequences = [
        align(r.mel, f.targets, r.heard_times_s, f.shots, f.is_usable, job.lookahead)
        for r, f in zip(recordings, face.frames, strict=True)
    ]
    run, measures, predicted = _learn(sequences, face, job, workshop / "checkpoint.safetensors", tell)
    rest = resting_coefficients(recordings, face, background)
    held_out = [hold_out(s, p, job.lookahead, background) for s, p in zip(sequences, predicted, strict=True)]
    evidence = _evidence(directory.name, job, infos, run, face, rest, held_out, advice)

    def fill(folder: Path) -> None:
        _fill_bundle(folder, recordings, face, run, rest, background, tell)
        if report is not None:
            (folder / video_avatar.REPORT).write_bytes(report(evidence))

    manifest = Manifest(
        name=directory.name,
        lookahead=job.lookahead,
        early_lookaheads=list(job.early_lookaheads),
        width=infos[0].width,
        height=infos[0].height,
        fps=str(infos[0].fps),
        consent=consent_text(has_consent),
        sources=[_source(info) for info in infos],
        training={
            **_training_record(preset, run, face, measures),
            "sound_offsets": [record_of(o, r) for o, r in zip(offsets, recordings, strict=True)],
            "advice": [asdict(one) for one in advice],
        },
        hygiesync_version=__version__,
    )
    write_bundle(directory, manifest, VideoAvatar.FILES, fill)
    shutil.rmtree(workshop, ignore_errors=True)
    return load_avatar(directory, VideoAvatar)


def _check_preset(preset: str) -> None:
    from hygiesync.learning.settings import PRESETS

    if preset not in PRESETS:
        raise UsageError(f"preset: expected one of {', '.join(PRESETS)}, got {preset!r}")


def _checked_video(path: Path) -> VideoInfo:
    info = probe(path)
    if not info.has_audio:
        raise InputError(f"{path}: has no audio track; training needs a video with the speaker's voice")
    if info.duration_s < MIN_VIDEO_S:
        raise InputError(
            f"{path}: lasts {float(info.duration_s):.1f} s, and training needs at least {MIN_VIDEO_S} s"
            " (five minutes are best)"
        )
    return info


def _open_workshop(directory: Path, job: Job, resume: bool, warn: Callable[[str], None]) -> Path:
    """Folder for unfinished work, either fresh or that of an interrupted run of the same job."""
    workshop = directory.with_name(f".{directory.name}.training")
    record = workshop / "job.json"
    fingerprint = job.fingerprint()
    if resume and record.is_file():
        if json.loads(record.read_text()) != fingerprint:
            raise UsageError(
                f"{directory}: the interrupted training had other videos or options; repeat them, or leave out --resume"
            )
        return workshop
    if resume:
        warn(f"{directory}: nothing to resume, so training starts from the beginning")
    shutil.rmtree(workshop, ignore_errors=True)
    try:
        workshop.mkdir(parents=True)
        record.write_text(json.dumps(fingerprint))
    except OSError as error:
        raise InputError(f"{workshop}: can't be written ({error.strerror}); choose another --out") from error
    return workshop


def _record(info: VideoInfo, cache: Path, report: Progress, warn: Callable[[str], None]) -> Recording:
    """Watch and hear one video; the track comes from `cache` when an interrupted run left it whole."""
    samples = read_audio(info.path)
    mel, sound = mel_spectrogram(samples), SoundLevel.from_samples(samples)
    if cache.exists():
        try:
            return Recording(info, FaceTrack(**load_file(cache)), mel, sound)
        except (SafetensorError, TypeError) as error:
            raise InputError(f"{cache}: is damaged ({error}); train again without --resume") from error
    track = watch(info, MIN_FACE_SHARE, lambda done: report("watching", done, info.n_frames, ""), warn)
    partial = cache.with_suffix(".partial")
    save_file(track.arrays(), partial)
    partial.replace(cache)
    return Recording(info, track, mel, sound)


def _learn(
    sequences: list[LabelledClip], face: FittedFace, job: Job, checkpoint: Path, report: Progress
) -> tuple[TrainingRun, dict[str, float], list[np.ndarray]]:
    """Train the network, and measure it on the validation part; gives its answers there for each sequence too."""
    from hygiesync.learning.network import NetworkSettings
    from hygiesync.learning.settings import preset
    from hygiesync.learning.speech_encoder import SpeechEncoder
    from hygiesync.learning.train import predict, train_network

    training, validation = split(sequences)
    settings = preset(job.preset, job.seed, sum(len(sequence) for sequence in sequences))

    def count(epoch: int, n_epochs: int, training_loss: list[float], validation_loss: list[float]) -> None:
        losses = f"loss {training_loss[-1]:.3f}, validation {validation_loss[-1]:.3f}"
        report("learning", epoch, n_epochs, f"{losses} {sparkline(validation_loss)}")

    run = train_network(
        training,
        validation,
        mouth_metric(face.shape),
        NetworkSettings(face.shape.n_components, early_frames=tuple(job.lookahead - n for n in job.early_lookaheads)),
        settings,
        checkpoint,
        count,
        Aperture.fit(face.shape, face.usable_coefficients),
        SpeechEncoder.load(),
    )
    predicted = [predict(run.network, sequence.mel) for sequence in validation]
    known = [sequence.is_known for sequence in validation]
    real = np.concatenate([s.coefficients[flags] for s, flags in zip(validation, known, strict=True)])
    answers = np.concatenate([p[flags] for p, flags in zip(predicted, known, strict=True)])
    comparison = compare_lips(
        face.shape.inverse_transform(real), face.shape.inverse_transform(answers), float(1 / MEL_RATE)
    )
    return run, comparison.to_dict(), predicted


def _evidence(
    name: str,
    job: Job,
    infos: list[VideoInfo],
    run: TrainingRun,
    face: FittedFace,
    rest: np.ndarray,
    held_out: list[HeldOut],
    advice: tuple[Advice, ...],
) -> TrainingEvidence:
    """What a report tells of this training."""
    return TrainingEvidence(
        name=name,
        preset=job.preset,
        sources=tuple(path.name for path in job.videos),
        duration_s=float(sum(info.duration_s for info in infos)),
        training_loss=tuple(run.training_loss),
        validation_loss=tuple(run.validation_loss),
        best_epoch=run.best_epoch,
        shape=face.shape,
        rest=rest,
        coefficients=face.usable_coefficients,
        n_frames=sum(len(frames.is_usable) for frames in face.frames),
        held_out=tuple(held_out),
        advice=advice,
    )


def _fill_bundle(
    folder: Path,
    recordings: list[Recording],
    face: FittedFace,
    run: TrainingRun,
    rest: np.ndarray,
    background: float,
    report: Progress,
) -> None:
    from safetensors.torch import save as serialized

    from hygiesync.learning.export_onnx import export_step

    n_frames = sum(recording.video.n_frames for recording in recordings)
    done = 0

    def count(n_gathered: int) -> None:
        nonlocal done
        done += n_gathered
        report("gathering", done, n_frames, "")

    mesh = FaceMesh(face.shape)
    atlas, size = build_atlas(recordings, face, mesh, count)
    atlas, canvas, appearance = fit_appearance(face.shape, atlas, mesh)
    video_avatar.save_face(folder, face.pose, face.shape, rest, background)
    video_avatar.save_atlas(folder, atlas, size)
    video_avatar.save_look(folder, mesh, canvas, appearance)
    video_avatar.save_idle(folder, build_idle_loop(recordings, face, folder / video_avatar.IDLE_VIDEO))
    export_step(run.network, folder / STEP)
    (folder / video_avatar.WEIGHTS).write_bytes(serialized(run.network.state_dict()))


def _source(info: VideoInfo) -> dict[str, Any]:
    return {
        "name": Path(info.path).name,
        "sha256": sha256_of(Path(info.path)),
        "duration_s": round(float(info.duration_s), 3),
    }


def _training_record(preset: str, run: TrainingRun, face: FittedFace, measures: dict[str, float]) -> dict[str, Any]:
    usable = np.concatenate([frames.is_usable for frames in face.frames])
    return {
        "preset": preset,
        "settings": asdict(run.settings),
        "network": run.network.settings.to_dict(),
        "training_loss": [round(loss, 5) for loss in run.training_loss],
        "validation_loss": [round(loss, 5) for loss in run.validation_loss],
        "best_epoch": run.best_epoch,
        "ear": run.ear_name,
        "validation": measures,
        "n_frames": len(usable),
        "n_usable_frames": int(usable.sum()),
        "explained_variance_ratio": [round(float(share), 5) for share in face.shape.explained_variance_ratio],
    }


def sparkline(values: list[float], width: int = 24) -> str:
    """A curve in one line of text: its last `width` values, lowest to highest.

    Examples
    --------
    >>> sparkline([3.0, 2.0, 1.0])
    '█▄▁'
    """
    shown = values[-width:]
    low, span = min(shown), (max(shown) - min(shown)) or 1.0
    return "".join(_SPARKS[int((value - low) / span * (len(_SPARKS) - 1))] for value in shown)
