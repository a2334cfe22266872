"""The engine: the same pictures for any blocks, at exact times, with an honest latency; and what it leaves alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from present import present

from hygiesync import Engine
from hygiesync.avatar.template import FacePlaces, VideoTemplate
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.errors import InputError, UsageError
from hygiesync.face.shape import mouth_opening
from hygiesync.face.tracking import track_face
from hygiesync.media.audio import read_audio
from hygiesync.media.video import probe
from hygiesync.rendering.interfaces import Scene, TemplateFace, TemplateFrame
from hygiesync.speech.mel import mel_spectrogram
from hygiesync.speech_to_shape.stream import coefficients_at
from hygiesync.speech_to_shape.track import N_SOUND_FRAMES
from hygiesync.synthetic.talker import TalkerTruth
from hygiesync.timing import mel_position, parse_fps


@pytest.fixture(scope="module")
def speech(held_out_video: Path) -> np.ndarray:
    return read_audio(held_out_video)[:24000]


def video_template(path: Path, avatar: VideoAvatar) -> VideoTemplate:
    info = probe(path)
    return VideoTemplate(info, FacePlaces.from_track(track_face(info), avatar.pose))


class CoefficientRecorder:
    """A renderer that keeps what it was asked for: the pictures' cause without their cost."""

    def __init__(self) -> None:
        self.seen: list[tuple[Fraction, np.ndarray]] = []
        self.all: list[tuple[Fraction, np.ndarray]] = []

    lag = 0

    def push(
        self, template: TemplateFrame[TemplateFace], coefficients: np.ndarray, sound: np.ndarray
    ) -> Iterator[tuple[TemplateFrame[TemplateFace], np.ndarray]]:
        self.seen.append((template.time_s, coefficients))
        self.all.append(self.seen[-1])
        yield template, np.zeros((2, 2, 3), np.uint8)

    def flush(self) -> Iterator[tuple[TemplateFrame[TemplateFace], np.ndarray]]:
        return iter(())

    def reset(self) -> None:
        self.seen = []


def recorded(
    avatar: VideoAvatar, fps: float | str = 60, recorder: CoefficientRecorder | WaitingRecorder | None = None
) -> Scene[TemplateFace]:
    """The avatar at rest, with a renderer that draws nothing."""
    return replace(avatar.idle(parse_fps(fps)), renderer=recorder or CoefficientRecorder())


def dubbing(avatar: VideoAvatar, source: VideoTemplate) -> Engine:
    return Engine(avatar, scene=replace(avatar.idle(avatar.fps), template=source))


def run(
    avatar: VideoAvatar, blocks: list[np.ndarray], fps: int | str = 60, flush: bool = True, expressiveness: float = 1.0
) -> list[tuple[Fraction, np.ndarray]]:
    recorder = CoefficientRecorder()
    engine = Engine(avatar, scene=recorded(avatar, fps, recorder), expressiveness=expressiveness)
    for block in blocks:
        list(engine.push(block))
    if flush:
        list(engine.flush())
    return recorder.seen


def test_times_are_exact_and_cover_the_sound(talker_avatar: VideoAvatar, speech: np.ndarray) -> None:
    times = [time for time, _ in run(talker_avatar, [speech], fps="29.97")]
    assert times == [Fraction(n * 1001, 30000) for n in range(len(times))]
    assert times[-1] < Fraction(len(speech), 16000) <= times[-1] + Fraction(1001, 30000)


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(cuts=st.lists(st.integers(0, 24000), max_size=12))
def test_any_blocks_give_the_same_coefficients(talker_avatar: VideoAvatar, speech: np.ndarray, cuts: list[int]) -> None:
    whole = run(talker_avatar, [speech])
    parts = run(talker_avatar, np.split(speech, sorted(cuts)))
    assert [time for time, _ in whole] == [time for time, _ in parts]
    np.testing.assert_allclose([c for _, c in parts], [c for _, c in whole], atol=1e-4)


def test_live_and_offline_draw_the_same_pictures(talker_avatar: VideoAvatar, speech: np.ndarray) -> None:
    live, offline = Engine(talker_avatar, fps=25), Engine(talker_avatar, fps=25)
    by_blocks = [frame.image for block in np.split(speech[:9600], 60) for frame in live.push(block)]
    at_once = [frame.image for frame in offline.push(speech[:9600])]
    assert len(by_blocks) == len(at_once) > 5
    for a, b in zip(by_blocks, at_once, strict=True):
        assert np.abs(a.astype(int) - b).max() <= 2  # coefficients agree to rounding, not to the bit


def test_latency_is_what_it_says(talker_avatar: VideoAvatar, speech: np.ndarray) -> None:
    engine = Engine(talker_avatar, scene=recorded(talker_avatar, 50))
    for end in range(160, 16000, 160):
        times = [frame.time_s for frame in engine.push(speech[end - 160 : end])]
        for time in times:
            assert end / 16000 <= float(time) + engine.latency_s + 0.02 + 0.01


def test_more_sound_never_changes_earlier_pictures(talker_avatar: VideoAvatar, speech: np.ndarray) -> None:
    short = run(talker_avatar, [speech[:12000]], flush=False)
    longer = run(talker_avatar, [speech], flush=False)
    for (_, a), (_, b) in zip(short, longer, strict=False):
        np.testing.assert_allclose(a, b, atol=1e-5)  # BLAS adds up in another order


def test_reset_starts_again(talker_avatar: VideoAvatar, speech: np.ndarray) -> None:
    recorder = CoefficientRecorder()
    engine = Engine(talker_avatar, scene=recorded(talker_avatar, 60, recorder))
    list(engine.push(speech))
    first = recorder.seen
    engine.reset()
    list(engine.push(speech))
    assert [time for time, _ in recorder.seen] == [time for time, _ in first]
    np.testing.assert_array_equal([c for _, c in recorder.seen], [c for _, c in first])


def test_silence_rests(talker_avatar: VideoAvatar) -> None:
    seen = run(talker_avatar, [np.zeros(16000, np.float32)])
    np.testing.assert_allclose([c for _, c in seen], np.tile(talker_avatar.rest, (len(seen), 1)), atol=1e-6)


def test_speech_to_silence_rests_within_120_ms(talker_avatar: VideoAvatar, speech: np.ndarray) -> None:
    loud = np.flatnonzero(np.abs(speech) > 0.02)[-1] + 1
    times = [Fraction(n, 100) for n in range(int(loud / 160) + 60)]
    samples = np.concatenate([speech[:loud], np.zeros(16000, np.float32)])
    heard = coefficients_at(talker_avatar.speech_stream(), samples, times)
    after = np.array([float(time) for time in times]) > loud / 16000 + 0.12
    np.testing.assert_allclose(heard[after], np.tile(talker_avatar.rest, (after.sum(), 1)), atol=1e-6)


def test_expressiveness_scales_the_way_from_rest(talker_avatar: VideoAvatar, speech: np.ndarray) -> None:
    none, plain, double = (
        np.array([c for _, c in run(talker_avatar, [speech], fps=25, expressiveness=scale)]) for scale in (0, 1, 2)
    )
    np.testing.assert_array_equal(none, np.tile(talker_avatar.rest, (len(none), 1)))
    np.testing.assert_allclose(double - talker_avatar.rest, 2 * (plain - talker_avatar.rest), atol=1e-6)
    assert np.abs(plain - talker_avatar.rest).max() > 0.5


@pytest.mark.parametrize("bad", [-0.1, 2.01, float("nan"), float("inf")])
def test_refuses_an_expressiveness_out_of_range(talker_avatar: VideoAvatar, bad: float) -> None:
    with pytest.raises(UsageError, match="`expressiveness`: expected 0 to 2, got"):
        Engine(talker_avatar, expressiveness=bad)


@pytest.mark.parametrize("bad", [np.zeros((100, 2), np.float32), np.array([0, np.nan], np.float32)])
def test_refuses_what_is_no_signal(talker_avatar: VideoAvatar, bad: np.ndarray) -> None:
    with pytest.raises(InputError, match="samples: expected a mono signal"):
        Engine(talker_avatar, scene=recorded(talker_avatar)).push(bad)


@pytest.mark.slow
def test_only_the_lower_face_changes(talker_avatar: VideoAvatar, held_out_video: Path, speech: np.ndarray) -> None:
    """Above the nose, and in the corners, a dubbed picture is the template's own."""
    source = video_template(held_out_video, talker_avatar)
    for template, frame in zip(source.frames(), dubbing(talker_avatar, source).push(speech), strict=False):
        eyes_y = int(present(template.face).to_picture[1, 2])
        np.testing.assert_array_equal(frame.image[:eyes_y], template.image[:eyes_y])
        np.testing.assert_array_equal(frame.image[-20:], template.image[-20:])
        assert (frame.image != template.image).any()


def test_the_loop_goes_on_for_ever(talker_avatar: VideoAvatar) -> None:
    """The idle loop outlasts its own length, at its own pace, and never stops moving."""
    length = len(talker_avatar.idle_places.times_s)
    frames = talker_avatar.idle(talker_avatar.fps).template.frames()
    seen = [next(frames) for _ in range(2 * length + 3)]
    assert [frame.time_s for frame in seen] == [n / talker_avatar.fps for n in range(len(seen))]
    np.testing.assert_array_equal(seen[0].image, seen[length].image)
    assert np.abs(seen[0].image.astype(int) - seen[length // 2].image).mean() > 0


@pytest.mark.slow
def test_a_short_template_goes_back_and_forth(talker_avatar: VideoAvatar, held_out_video: Path) -> None:
    """Past its end it is shown backwards, then forwards: neighbouring pictures stay neighbours."""
    info = probe(held_out_video)
    frames = video_template(held_out_video, talker_avatar).frames()
    n_frames = info.n_frames
    shown = islice(frames, 3 * n_frames - 2)
    seen = [(frame.time_s, frame.image[::8, ::8].astype(int)) for frame in shown]
    steps = np.diff([float(time) for time, _ in seen])
    np.testing.assert_allclose(steps, 0.04, atol=1e-9)
    np.testing.assert_array_equal(seen[n_frames - 2][1], seen[n_frames][1])
    np.testing.assert_array_equal(seen[2 * n_frames - 3][1], seen[2 * n_frames - 1][1])
    jumps = [np.abs(b - a).mean() for (_, a), (_, b) in pairwise(seen)]
    assert max(jumps[n_frames - 2 :]) <= max(jumps[: n_frames - 1]) + 1e-9


def test_opening_follows_speech(talker_avatar: VideoAvatar, held_out_video: Path, held_out_truth: TalkerTruth) -> None:
    """On a sentence it never heard, the predicted opening correlates with the true one."""
    times = list(held_out_truth.times_s)
    heard = coefficients_at(talker_avatar.speech_stream(), read_audio(held_out_video), times)
    opening = mouth_opening(talker_avatar.shape.inverse_transform(heard))
    assert np.corrcoef(opening, held_out_truth.opening)[0, 1] > 0.7


@pytest.mark.parametrize(("asked_ms", "used_ms"), [(None, 80), (99, 80), (80, 80), (79, 40), (40, 40), (9, 0), (0, 0)])
def test_an_answer_is_had_as_early_as_asked(talker_avatar: VideoAvatar, asked_ms: int | None, used_ms: int) -> None:
    engine = Engine(talker_avatar, lookahead_ms=asked_ms)
    assert engine.lookahead_s == Fraction(used_ms, 1000)
    assert engine.latency_s == pytest.approx((used_ms + 10) / 1000)


@pytest.mark.parametrize("lookahead_ms", [-1, float("nan")])
def test_a_lookahead_that_is_none_is_refused(talker_avatar: VideoAvatar, lookahead_ms: float) -> None:
    with pytest.raises(UsageError, match="`lookahead_ms`: expected 0 ms or more"):
        Engine(talker_avatar, lookahead_ms=lookahead_ms)


def test_an_early_answer_is_in_time_with_the_sound(
    talker_avatar: VideoAvatar, held_out_video: Path, held_out_truth: TalkerTruth
) -> None:
    """The early lips are less exact, and not later: shifting them would not make them more like the true ones."""
    samples, times = read_audio(held_out_video), [Fraction(n, 50) for n in range(150)]
    true = np.interp(np.array(times, float), np.array(held_out_truth.times_s, float), held_out_truth.opening)
    for lookahead_ms in (80, 0):
        heard = coefficients_at(talker_avatar.speech_stream(lookahead_ms=lookahead_ms), samples, times)
        said = mouth_opening(talker_avatar.shape.inverse_transform(heard))
        fits = {shift: np.corrcoef(true[8:-8], said[8 + shift : len(said) - 8 + shift])[0, 1] for shift in range(-6, 7)}
        best = max(fits, key=fits.__getitem__)
        assert abs(best) <= 1, fits
        assert fits[0] > 0.5, fits


def test_skipped_pictures_are_not_drawn_and_time_goes_on(talker_avatar: VideoAvatar, speech: np.ndarray) -> None:
    drawn = CoefficientRecorder()
    engine = Engine(talker_avatar, scene=recorded(talker_avatar, 50, drawn))
    pictures = engine.push(speech)
    assert next(pictures).time_s == 0
    engine.skip_until(Fraction(1, 2))
    assert next(pictures).time_s == Fraction(1, 2)
    engine.skip_until(Fraction(0))
    assert next(pictures).time_s == Fraction(26, 50)
    rest = list(pictures)
    assert [time for time, _ in drawn.seen] == [0, Fraction(1, 2), Fraction(26, 50), *(frame.time_s for frame in rest)]
    whole = dict(run(talker_avatar, [speech], fps=50))
    for time, coefficients in drawn.seen:
        np.testing.assert_allclose(coefficients, whole[time], atol=1e-4)


class WaitingRecorder:
    """A renderer with a lag: frames come out in bursts, each drawn when it is taken."""

    def __init__(self, lag: int = 3) -> None:
        self.lag = lag
        self.waiting: list[tuple[TemplateFrame[TemplateFace], np.ndarray]] = []

    def push(
        self, template: TemplateFrame[TemplateFace], coefficients: np.ndarray, sound: np.ndarray
    ) -> Iterator[tuple[TemplateFrame[TemplateFace], np.ndarray]]:
        self.waiting.append((template, coefficients))
        if len(self.waiting) > self.lag:
            yield from self.flush()

    def flush(self) -> Iterator[tuple[TemplateFrame[TemplateFace], np.ndarray]]:
        ready, self.waiting = self.waiting, []
        for template, coefficients in ready:
            yield template, np.full((1, 1, 3), coefficients[0])

    def reset(self) -> None:
        self.waiting = []


@pytest.mark.parametrize("taken", [1, 2, 3, 5])
def test_pictures_that_are_not_taken_are_neither_lost_nor_mixed_up(
    talker_avatar: VideoAvatar, speech: np.ndarray, taken: int
) -> None:
    """Whoever drops the iterator in the middle of a burst gets the rest with the next call, each with its own mouth."""
    blocks = np.array_split(speech, 20)
    whole = Engine(talker_avatar, scene=recorded(talker_avatar, 25, WaitingRecorder()))
    expected = [frame for block in blocks for frame in whole.push(block)] + list(whole.flush())
    engine, got = Engine(talker_avatar, scene=recorded(talker_avatar, 25, WaitingRecorder())), []
    for block in blocks:
        got += list(islice(engine.push(block), taken))
    while rest := list(islice(engine.flush(), taken)):
        got += rest
    assert [frame.time_s for frame in got] == [frame.time_s for frame in expected]
    np.testing.assert_array_equal([frame.image for frame in got], [frame.image for frame in expected])


@pytest.mark.parametrize("kind", [np.int16, np.int32, np.uint8, bool])
def test_integer_samples_are_refused_by_name(talker_avatar: VideoAvatar, kind: type) -> None:
    """16-bit samples taken for floats would be a voice 90 dB too loud."""
    with pytest.raises(InputError, match=f"floating-point numbers from -1 to 1, got {np.dtype(kind)}"):
        Engine(talker_avatar, scene=recorded(talker_avatar)).push(np.zeros(160, kind))


def test_after_the_end_no_more_sound_is_taken_until_reset(talker_avatar: VideoAvatar, speech: np.ndarray) -> None:
    engine = Engine(talker_avatar, scene=recorded(talker_avatar))
    first = [list(engine.push(speech)), list(engine.flush())]
    assert not list(engine.flush()), "the end came once"
    with pytest.raises(UsageError, match=r"ended by flush\(\); call reset\(\) or interrupt\(\)"):
        engine.push(speech)
    engine.reset()
    again = [list(engine.push(speech)), list(engine.flush())]
    assert [len(part) for part in again] == [len(part) for part in first]


class TestInterruption:
    """What was heard and has no picture yet is forgotten; the mouth comes to rest, and the head goes on."""

    FPS = 50

    def interrupted(
        self, avatar: VideoAvatar, speech: np.ndarray, recorder: CoefficientRecorder, n_taken: int = 30
    ) -> tuple[Engine, Fraction]:
        """An engine that was interrupted, and when its sound goes on."""
        engine = Engine(avatar, scene=recorded(avatar, self.FPS, recorder))
        taken = list(islice(engine.push(speech), n_taken))
        from_s = engine.interrupt()
        assert from_s == taken[-1].time_s + Fraction(1, self.FPS), "the next picture's time"
        return engine, from_s

    def test_the_mouth_is_at_rest_within_120_ms(self, talker_avatar: VideoAvatar, speech: np.ndarray) -> None:
        recorder = CoefficientRecorder()
        engine, from_s = self.interrupted(talker_avatar, speech, recorder)
        last = recorder.all[-1][1]
        pictures = list(engine.push(np.zeros(16000, np.float32)))
        assert pictures[0].time_s == from_s
        after = [(time_s - from_s, mouth) for time_s, mouth in recorder.all if time_s >= from_s]
        silent = run(talker_avatar, [np.zeros(16000, np.float32)], self.FPS)
        wanted = dict(silent)
        assert np.abs(after[0][1] - last).max() < 0.05, "it does not jump"
        for time_s, mouth in after:
            if time_s >= Fraction(12, 100):
                np.testing.assert_allclose(mouth, wanted[time_s], atol=1e-6)

    def test_what_was_not_said_is_forgotten_and_new_speech_is_said(
        self, talker_avatar: VideoAvatar, speech: np.ndarray
    ) -> None:
        recorder = CoefficientRecorder()
        engine, from_s = self.interrupted(talker_avatar, speech, recorder)
        list(engine.push(speech)), list(engine.flush())
        said_anew = {time_s - from_s: mouth for time_s, mouth in recorder.all if time_s >= from_s}
        for time_s, mouth in run(talker_avatar, [speech], self.FPS):
            if time_s >= Fraction(12, 100):
                np.testing.assert_allclose(said_anew[time_s], mouth, atol=1e-5)

    def test_the_head_goes_on_without_a_missing_or_repeated_frame(
        self, talker_avatar: VideoAvatar, speech: np.ndarray
    ) -> None:
        recorder = CoefficientRecorder()
        engine, _ = self.interrupted(talker_avatar, speech, recorder)
        list(engine.push(np.zeros(8000, np.float32)))
        times = [time_s for time_s, _ in recorder.all]
        assert times == [Fraction(n, self.FPS) for n in range(len(times))]

    def test_frames_that_wait_in_a_renderer_are_drawn_anew(
        self, talker_avatar: VideoAvatar, speech: np.ndarray
    ) -> None:
        """With a lag, frames are in the renderer already: they come again, with the mouth that is wanted now."""
        engine = Engine(talker_avatar, scene=recorded(talker_avatar, self.FPS, WaitingRecorder(6)))
        taken = list(islice(engine.push(speech), 10))
        engine.interrupt()
        taken += list(engine.push(np.zeros(8000, np.float32)))
        assert [frame.time_s for frame in taken] == [Fraction(n, self.FPS) for n in range(len(taken))]

    def test_before_anything_was_said(self, talker_avatar: VideoAvatar, speech: np.ndarray) -> None:
        engine = Engine(talker_avatar, scene=recorded(talker_avatar))
        assert engine.interrupt() == 0
        assert len(list(engine.push(speech))) > 10


def test_a_renderer_is_given_the_sound_around_its_moment(talker_avatar: VideoAvatar, speech: np.ndarray) -> None:
    """Half of the mel frames before the moment, half after; the same whatever was pushed since."""
    seen = {}

    class Listening(CoefficientRecorder):
        def push(
            self, template: TemplateFrame[TemplateFace], coefficients: np.ndarray, sound: np.ndarray
        ) -> Iterator[tuple[TemplateFrame[TemplateFace], np.ndarray]]:
            seen[template.time_s] = sound
            return super().push(template, coefficients, sound)

    engine = Engine(talker_avatar, scene=recorded(talker_avatar, 50, Listening()))
    list(engine.push(speech)), list(engine.flush())
    heard, seen = seen, {}
    engine = Engine(talker_avatar, scene=recorded(talker_avatar, 50, Listening()))
    for block in np.array_split(speech, 77):
        list(engine.push(block))
    mel = mel_spectrogram(speech)
    for time_s, sound in seen.items():
        np.testing.assert_allclose(sound, heard[time_s], atol=1e-4)
        last = int(mel_position(time_s, 0) // 1) + N_SOUND_FRAMES // 2
        if last < len(mel):
            wanted = np.clip(np.arange(last - N_SOUND_FRAMES + 1, last + 1), 0, None)
            np.testing.assert_allclose(sound, mel[wanted], atol=1e-4)


def test_without_lookahead_the_sound_ahead_is_the_last_that_was_heard(
    talker_avatar: VideoAvatar, speech: np.ndarray
) -> None:
    stream = talker_avatar.speech_stream(lookahead_ms=0)
    stream.push(speech)
    time_s = Fraction(1, 2)
    sound = stream.sound_at(time_s)
    np.testing.assert_array_equal(sound[N_SOUND_FRAMES // 2 :], sound[[N_SOUND_FRAMES // 2]].repeat(8, 0))
