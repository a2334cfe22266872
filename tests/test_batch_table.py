"""Tables of jobs: what is read out of them, and that all that is wrong is told before anything begins."""

import csv
import io
import json
import tempfile
import tracemalloc
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hygiesync.batch.checking import CheckedJobs, check_rows
from hygiesync.batch.kinds.animation import Animation
from hygiesync.batch.kinds.registry import COLUMNS
from hygiesync.batch.kinds.speaking import Speaking
from hygiesync.batch.kinds.training import Training, TrainingSettings
from hygiesync.batch.table import Fault, Row, read_table, rows_of_files
from hygiesync.errors import InputError, UsageError

CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
COLUMN_NAMES = st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=5, unique=True)


@pytest.fixture
def folder(tmp_path: Path, portrait_avatar_directory: Path) -> Path:
    """Folder with an avatar `me`, and sounds `a.wav` and `b.wav`, of which only the names matter here."""
    (tmp_path / "me").symlink_to(portrait_avatar_directory)
    for name in ("a.wav", "b.wav"):
        (tmp_path / name).write_bytes(b"RIFF")
    return tmp_path


def check(folder: Path, rows: Iterable[Row | Fault], **defaults: str) -> CheckedJobs:
    return check_rows(rows, base=str(folder), out=str(folder / "videos"), defaults=defaults)


def cells(**more: str) -> dict[str, str]:
    return {"avatar": "me", "audio": "a.wav", "out": "a.mp4", **more}


@settings(max_examples=50, deadline=None)
@given(COLUMN_NAMES, st.lists(st.lists(CELLS, min_size=5, max_size=5), max_size=5))
def test_a_csv_is_read_as_it_was_written(columns: list[str], rows: list[list[str]]) -> None:
    written = io.StringIO()
    # spreadsheets quote what needs it and end lines with CR LF; so does csv
    writer = csv.writer(written)
    writer.writerow(columns)
    writer.writerows(row[: len(columns)] for row in rows)
    expected = [
        {name: cell for name, cell in zip(columns, row, strict=False) if cell.strip()}
        for row in rows
        if any(row[: len(columns)])
    ]
    assert [row.cells for row in read_text(written.getvalue(), "jobs.csv") if isinstance(row, Row)] == expected


@settings(max_examples=50, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(COLUMNS), CELLS, max_size=5), max_size=5))
def test_a_jsonl_is_read_as_it_was_written(objects: list[dict[str, str]]) -> None:
    text = "\n".join(json.dumps(content) for content in objects)
    expected = [
        (number, {name: cell for name, cell in content.items() if cell.strip()})
        for number, content in enumerate(objects, 1)
    ]
    read = [row for row in read_text(text, "jobs.jsonl") if isinstance(row, Row)]
    assert [(row.number, row.cells) for row in read] == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*COLUMNS, "other"]), inner),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None)
@given(st.lists(JSON | st.dictionaries(st.sampled_from(COLUMNS), JSON), max_size=4))
def test_whatever_a_jsonl_holds_becomes_jobs_or_faults(values: list[Any]) -> None:
    rows = read_text("\n".join(json.dumps(value) for value in values), "jobs.jsonl")
    assert [row.row if isinstance(row, Fault) else row.number for row in rows] == list(range(1, len(values) + 1))
    checked = check(Path("/nowhere"), rows)
    assert {fault.row for fault in checked.faults} == set(range(1, len(values) + 1))  # no avatar is there


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=80), st.sampled_from(["jobs.csv", "jobs.jsonl"]))
def test_any_bytes_are_read_or_refused_in_one_line(content: bytes, name: str) -> None:
    for heading in (b"", b"avatar,text,out\n"):
        try:
            check(Path("/nowhere"), read_bytes(heading + content, name))
        except InputError as error:
            assert name in str(error)


def read_text(text: str, name: str) -> list[Row | Fault]:
    return read_bytes(text.encode(), name)


def read_bytes(content: bytes, name: str) -> list[Row | Fault]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content)
        return list(read_table(path))


def test_a_spreadsheets_semicolons_and_byte_order_mark_are_read() -> None:
    rows = read_bytes("\ufeffAvatar;Lookahead-ms;text\r\nme;80;a, b\r\n;;\r\n".encode(), "jobs.csv")
    assert rows == [Row(2, {"avatar": "me", "lookahead_ms": "80", "text": "a, b"})]


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "heading"), ("avatar,colour\n", "unknown column 'colour'"), ("avatar,avatar\n", "more than once")],
)
def test_a_wrong_heading_is_refused(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_text(text, "jobs.csv")


def test_a_comma_without_quotes_is_told() -> None:
    (fault,) = read_text("avatar,text,out\nme,Hello, you,a.mp4\n", "jobs.csv")
    assert str(fault).startswith("row 2: expected 3 cells, got 4")


def test_good_rows_become_jobs(folder: Path) -> None:
    rows = [Row(2, cells(fps="29.97", still="Yes")), Row(3, {"avatar": "me", "text": "Hi", "out": "x/b.mp4"})]
    checked = check(folder, rows, speed="200", crf="30", still="no")
    assert checked.faults == []
    sound, text = (job.task for job in checked.jobs)
    assert isinstance(sound, Speaking)
    assert isinstance(text, Speaking)
    assert [job.out for job in checked.jobs] == ["a.mp4", "x/b.mp4"]
    assert (sound.kind, sound.audio) == ("render", str(folder / "a.wav"))
    options = sound.manner.options
    assert (options.fps, options.still, options.crf) == (Fraction(30000, 1001), True, 30)
    assert (text.kind, text.text, text.manner.voice.words_per_minute) == ("say", "Hi", 200)


@pytest.mark.parametrize(
    ("wrong", "column", "words"),
    [
        ({"avatar": "none"}, "avatar", "expected an avatar's folder, found nothing"),
        ({"avatar": ""}, "avatar", "got nothing"),
        ({"audio": "none.wav"}, "audio", "No such file"),
        ({"audio": "me"}, "audio", "which is a folder"),
        ({"text": "Hi"}, "audio", "got audio and text"),
        ({"audio": ""}, "audio", "to be filled, got none"),
        ({"voice": "f3"}, "voice", "expected nothing in a row of the kind render, got 'f3'"),
        ({"kind": "sing"}, "kind", "expected one of render, say, animate, train, got 'sing'"),
        ({"kind": "say"}, "kind", "expected render, since audio is filled"),
        ({"out": "a.avi"}, "out", "ends in .mp4"),
        ({"out": "../a.mp4"}, "out", "inside the folder of outputs"),
        ({"out": "/tmp/a.mp4"}, "out", "inside the folder of outputs"),
        ({"crf": "52"}, "crf", "from 0 to 51, got '52'"),
        ({"fps": "fast"}, "fps", "frame rate"),
        ({"expressiveness": "nan"}, "expressiveness", "from 0 to 2"),
        ({"still": "perhaps"}, "still", "yes or no"),
        ({"lookahead_ms": "-1"}, "lookahead_ms", "or all"),
        ({"codec": "magic"}, "codec", "video encoder"),
        ({"encoder_preset": "quick"}, "encoder_preset", "veryfast"),
        ({"template": "none.mp4"}, "template", "No such file"),
        ({"template": "b.wav"}, "template", "made from a photo"),
    ],
)
def test_a_bad_row_is_told_with_its_column(folder: Path, wrong: dict[str, str], column: str, words: str) -> None:
    filled = {name: cell for name, cell in cells(**wrong).items() if cell}
    checked = check(folder, [Row(7, filled), Row(8, cells(out="b.mp4"))])
    assert [job.row for job in checked.jobs] == [8]
    (fault,) = checked.faults
    assert (fault.row, fault.column) == (7, column)
    assert words in fault.problem


def test_rows_animate_and_train_as_well(folder: Path) -> None:
    rows = [
        Row(2, {"image": "a.wav", "driving": "b.wav", "out": "moving.mp4", "only": "mouth+eyes", "swap": "no"}),
        Row(3, {"kind": "Train", "videos": "a.wav | b.wav", "out": "models/anna", "preset": "fast", "consent": "yes"}),
    ]
    checked = check(folder, rows, crf="30", lookahead_ms="80")
    assert checked.faults == []
    animation, training = (job.task for job in checked.jobs)
    assert isinstance(animation, Animation)
    assert (animation.options.crf, animation.options.transfer.only) == (30, ("mouth", "eyes"))
    assert not animation.has_consent
    assert isinstance(training, Training)
    assert training.videos == (str(folder / "a.wav"), str(folder / "b.wav"))
    assert training.settings == TrainingSettings("fast", 80.0, has_consent=True)
    assert checked.jobs[1].proof == "models/anna/avatar.json"


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [
        ({"driving": "b.wav", "out": "a.mp4"}, "image", "expected a picture with a face, got nothing"),
        ({"driving": "b.wav", "image": "a.wav", "out": "a.mp4", "only": "nose"}, "only", "some of mouth+eyes+pose"),
        ({"driving": "b.wav", "image": "a.wav", "out": "a.mp4", "fps": "25"}, "fps", "nothing in a row of the kind"),
        ({"driving": "b.wav", "image": "a.wav", "out": "a.mp4", "method": "magic:x"}, "method", "one of mesh"),
        ({"videos": "none.mp4", "out": "x"}, "videos", "No such file"),
        ({"videos": "a.wav", "out": "x", "lookahead_ms": "all"}, "lookahead_ms", "from 0 to 200"),
        ({"videos": "a.wav", "out": ""}, "out", "the name of a folder"),
        ({"videos": "a.wav", "out": "."}, "out", "inside the folder"),
    ],
)
def test_bad_rows_of_other_kinds_are_told(folder: Path, row: dict[str, str], column: str, words: str) -> None:
    (fault,) = check(folder, [Row(2, {name: cell for name, cell in row.items() if cell})]).faults
    assert fault.column == column
    assert words in fault.problem


def test_all_bad_rows_are_told_at_once(folder: Path) -> None:
    rows: list[Row | Fault] = [Row(2, cells(crf="x", fps="0")), Fault(3, "", "torn")]
    rows += [Row(4, cells()), Row(5, cells(out="./a.mp4"))]
    checked = check(folder, rows)
    assert [(fault.row, fault.column) for fault in checked.faults] == [
        (2, "fps"),
        (2, "crf"),
        (3, ""),
        (4, "out"),
        (5, "out"),
    ]
    assert "than row 2 has" in checked.faults[-1].problem


def test_what_is_read_is_not_written_over(folder: Path) -> None:
    (folder / "b.mp4").write_bytes(b"x")
    rows = [Row(2, cells(out="b.mp4")), Row(3, cells(audio="b.mp4"))]
    checked = check_rows(rows, base=str(folder), out=str(folder))
    assert [(fault.row, fault.column) for fault in checked.faults] == [(2, "out")]


@pytest.mark.parametrize("defaults", [{"crf": "x"}, {"out": "a.mp4"}, {"kind": "say"}])
def test_a_wrong_value_for_all_is_wrong_usage(folder: Path, defaults: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=next(iter(defaults))):
        check(folder, [], **defaults)


def test_a_folder_gives_its_sounds_in_order(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("z.wav", "b/a.MP3", "notes.txt", ".hidden.wav"):
        (tmp_path / name).write_bytes(b"x")
    rows = list(rows_of_files([str(tmp_path), str(tmp_path / "notes.txt")]))
    assert [(row.number, row.cells["out"]) for row in rows] == [(1, "b/a.mp4"), (2, "z.mp4"), (3, "notes.mp4")]
    assert rows[0].cells["audio"] == str(tmp_path / "b/a.MP3")
    (tmp_path / "b" / "empty").mkdir()
    with pytest.raises(InputError, match="found none"):
        list(rows_of_files([str(tmp_path / "b" / "empty")]))


def test_a_hundred_thousand_rows_fit_into_memory(folder: Path) -> None:
    """The jobs of a tenth of them, with all that is remembered, take a tenth of 150 MB at most."""
    n_rows = 10_000
    table = folder / "jobs.csv"
    with table.open("w") as file:
        file.write("avatar,text,out,crf\n")
        file.writelines(f"me,sentence {number},a/{number}.mp4,{number % 5}\n" for number in range(n_rows))
    tracemalloc.start()
    checked = check(folder, read_table(table))
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(checked.jobs) == n_rows
    assert used < n_rows * 1500
