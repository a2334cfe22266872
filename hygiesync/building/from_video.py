"""From videos of one person to an avatar bundle: observe, learn, fill the bundle, record how it was made."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from hygiesync.array_types import FloatArray
from hygiesync.avatar import video_avatar
from hygiesync.avatar.bundle import STEP, WINDOW
from hygiesync.avatar.loading import load_avatar
from hygiesync.avatar.manifest import RETRIEVAL, UNET, Manifest, consent_text
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.building.appearance_fitting import fit_appearance
from hygiesync.building.atlas_building import build_atlas
from hygiesync.building.bundle_writing import check_destination, write_bundle
from hygiesync.building.evidence import TrainingEvidence
from hygiesync.building.face_fitting import resting_coefficients
from hygiesync.building.idle_loop import build_idle_loop, loop_as_video
from hygiesync.building.job import DEFAULT_LOOKAHEAD_MS, Job, check_video
from hygiesync.building.learning_step import Learned, learn
from hygiesync.building.observation import Observation, observe
from hygiesync.building.painting_step import learn_to_paint
from hygiesync.building.records import evidence_of, source_record, training_record
from hygiesync.building.workshop import open_workshop
from hygiesync.extras import require
from hygiesync.face.target import FaceChoice
from hygiesync.media.video import VideoInfo
from hygiesync.mouth_unet.reference import KnownMouths
from hygiesync.progress import Progress
from hygiesync.rendering.mesh import FaceMesh
from hygiesync.speech_to_shape.generic import GenericSpeech
from hygiesync.speech_to_shape.hearing import sounds_of
from hygiesync.speech_to_shape.onnx_window import OnnxWindow
from hygiesync.speech_to_shape.whole import ANSWER_FRAMES
from hygiesync.version import __version__

ReportMaker = Callable[[TrainingEvidence], bytes]
"""Makes a HTML page; given from outside, since pages are the business of floors above."""


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
    face: FaceChoice = None,
    audio_track: int | None = None,
    renderer: str = RETRIEVAL,
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
        Whether to learn from late or early sound as if it were in time (:mod:`hygiesync.building.av_offset`).
    face : int or str, optional
        Whose face, of several (:mod:`hygiesync.face.target`); the clearly largest, or who speaks, when left out.
    audio_track : int, optional
        Which of the videos' sound tracks, 1 is the first; the default one when left out.
    renderer : {"retrieval", "unet", "both"}
        What draws the mouth: real pictures, a network that paints after them, or real ones and the network at hand.
    progress, warn : callable, optional
        Told of work done, and of what is odd about the videos.
    report : callable, optional
        Makes ``report.html``, such as :func:`hygiesync.evaluation.training_report.make_report`.

    Raises
    ------
    InputError, UsageError, MissingDependencyError
        When a video can't be used; when an argument is out of range, or `out` holds something else; without the extra
        ``train``.
    """
    require("train", "training")
    job = Job.checked(
        _paths(videos), preset, lookahead_ms, seed,
        fix_offset=fix_offset, face=face, audio_track=audio_track, renderer=renderer,
    )  # fmt: skip
    tell, alert = progress or (lambda *_: None), warn or (lambda _: None)
    return _train_into(Path(out), job, tell, alert, report, resume=resume, has_consent=has_consent)


def _paths(videos: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> tuple[Path, ...]:
    return tuple(Path(path) for path in ((videos,) if isinstance(videos, str | os.PathLike) else videos))


def _train_into(
    directory: Path,
    job: Job,
    tell: Progress,
    alert: Callable[[str], None],
    report: ReportMaker | None,
    *,
    resume: bool,
    has_consent: bool,
) -> VideoAvatar:
    """Refuse what can't be done before work begins, or do it."""
    check_destination(directory)
    infos = [check_video(path) for path in job.videos]
    with open_workshop(directory, job, resume=resume, warn=alert) as workshop:
        _make_bundle(directory, infos, job, workshop, has_consent, tell, alert, report)
    return load_avatar(directory, VideoAvatar)


def _make_bundle(
    directory: Path,
    infos: list[VideoInfo],
    job: Job,
    workshop: Path,
    has_consent: bool,
    tell: Progress,
    alert: Callable[[str], None],
    report: ReportMaker | None,
) -> None:
    """Observe, learn, write; what is interrupted goes on from the workshop."""
    seen = observe(infos, job, workshop, tell, alert)
    generic = GenericSpeech.load()
    listener = OnnxWindow(generic.window)
    whole_clips = [clip.with_sounds(sounds_of(listener, clip.mel)) for clip in seen.clips(ANSWER_FRAMES)]
    learned = learn(seen.clips(job.lookahead), whole_clips, seen.face, job, workshop, tell)
    rest = resting_coefficients(seen.recordings, seen.face, seen.background)

    loop_path = workshop / video_avatar.IDLE_VIDEO
    loop = build_idle_loop(seen.recordings, seen.face, loop_path)

    def fill(folder: Path) -> None:
        mouths = _fill_bundle(folder, seen, learned, rest, generic, tell)
        if job.has_painter:
            painter = learn_to_paint(mouths, job, workshop, tell)
            video_avatar.save_painter(folder, painter.model, painter.facts)
        shutil.copyfile(loop_path, folder / video_avatar.IDLE_VIDEO)
        video_avatar.save_idle(folder, loop)
        if report is not None:
            evidence = evidence_of(directory.name, job, seen, whole_clips, learned, rest)
            (folder / video_avatar.REPORT).write_bytes(report(evidence))

    manifest = _manifest(
        directory.name, job, seen, learned, loop_as_video(loop_path, seen.videos), has_consent=has_consent
    )
    write_bundle(directory, manifest, VideoAvatar.FILES, fill)


def _manifest(
    name: str, job: Job, seen: Observation, learned: Learned, loop: VideoInfo, *, has_consent: bool
) -> Manifest:
    return Manifest(
        name=name,
        lookahead=job.lookahead,
        early_lookaheads=list(job.early_lookaheads),
        width=loop.width,
        height=loop.height,
        fps=str(loop.fps),
        consent=consent_text(has_consent),
        sound_late_ms=round(1000 * seen.sound_late_s, 1),
        renderer=UNET if job.renderer == UNET else RETRIEVAL,
        sources=[source_record(info) for info in seen.videos],
        training=training_record(job, seen, learned),
        hygiesync_version=__version__,
    )


def _fill_bundle(
    folder: Path, seen: Observation, learned: Learned, rest: FloatArray, generic: GenericSpeech, report: Progress
) -> KnownMouths:
    """Write all but painter, report and idle loop, and give what the painter learns from."""
    from safetensors.torch import save as serialized

    from hygiesync.learning.export_onnx import export_persons_window, export_step

    recordings, face = seen.recordings, seen.face
    n_frames = sum(video.n_frames for video in seen.videos)
    done = 0

    def count(n_gathered: int) -> None:
        nonlocal done
        done += n_gathered
        report("gathering", done, n_frames, "")

    mesh = FaceMesh(face.shape)
    atlas, size = build_atlas(recordings, face, mesh, count)
    atlas, canvas, appearance = fit_appearance(face.shape, atlas, mesh)
    video_avatar.save_face(folder, face.pose, face.shape, rest, seen.background)
    video_avatar.save_atlas(folder, atlas, size)
    video_avatar.save_look(folder, mesh, canvas, appearance)
    export_step(learned.run.network, folder / STEP)
    export_persons_window(learned.whole.network, folder / WINDOW, generic.window)
    (folder / video_avatar.WEIGHTS).write_bytes(serialized(learned.run.network.state_dict()))
    return KnownMouths(face.shape, atlas, mesh, canvas, appearance)
