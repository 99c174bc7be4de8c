"""What a term in nbgrader rests on, piece by piece: who is in the class, who is late, which file is
whose, what goes through the exchange, what a page makes of formulas and of modules.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import gzip
import io
import json
import os
import pwd
import shutil
import sqlite3
import struct
import subprocess
import tarfile
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import nbformat
import pytest
import tiny_course
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps import ZipCollectApp
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy import event
from sqlalchemy.engine import Engine
from traitlets.config import Config
from traitlets.log import get_logger
from typer.testing import CliRunner

from autograder import doctor
from autograder.assignment import find_assignment
from autograder.cli import app
from autograder.course import Course, Late, Settings, read_settings
from autograder.errors import AuthoringError, AutograderError, UsageError
from autograder.gradebook import exchange, rebuild, timestamps
from autograder.gradebook.bridge import answers_in, as_it_was, hold_to_the_release, is_open
from autograder.gradebook.collector import moment_in, parts
from autograder.gradebook.commands import alembic_on_path, each_time, has_own_settings, make_ready
from autograder.gradebook.entered import Entry
from autograder.gradebook.entry import Entering
from autograder.gradebook.export import CsvExport, safe
from autograder.gradebook.late import LatePolicy, days_late, penalty, refresh
from autograder.gradebook.marks import database
from autograder.gradebook.mathematics import is_modest, markdown_with_mathml, mathml
from autograder.gradebook.rebuild import definition
from autograder.gradebook.reset import reset
from autograder.gradebook.roster import Student, doubts, enter_roster, read_roster
from autograder.gradebook.settings import configure
from autograder.gradebook.unpacking import Room, TooLarge, unpack_archive
from autograder.grading.submission import counts, read
from autograder.pages import class_page
from autograder.results import Result
from autograder.steps import enter

DAY = 24 * 3600


# --- the class list -------------------------------------------------------------------------------

ROSTER = "ID,First name,Last name,Email\nada7,Ada,Lovelace,ada@example.org\nalan,Alan,Turing,\n"


@pytest.mark.parametrize(
    "data",
    [
        ROSTER.encode(),
        b"\xef\xbb\xbf" + ROSTER.encode(),
        ROSTER.replace(",", ";").replace("\n", "\r\n").encode(),
        ROSTER.replace(",", "\t").encode("utf-16"),
        b"Surname,Forename,User name,E-mail address\nLovelace, Ada ,ada7,ada@example.org\n,,,\n"
        b"Turing,Alan,alan,-\n",
        b'Student,SIS Login ID,Email\n"Lovelace, Ada",ada7,ada@example.org\n"Turing, Alan",alan,\n',
    ],
)
def test_a_class_list_is_read_whoever_wrote_it(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "list.csv").write_bytes(data)
    ada, alan = read_roster(tmp_path / "list.csv")
    assert (ada.id, ada.first_name, ada.last_name, ada.email) == (
        "ada7", "Ada", "Lovelace", "ada@example.org",
    )  # fmt: skip
    assert (alan.id, alan.last_name, alan.email) == ("alan", "Turing", "")


def test_a_list_of_windows_keeps_its_letters(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes("id;Nachname\nk1;Müßig\n".encode("cp1252"))
    assert read_roster(tmp_path / "list.csv")[0].last_name == "Müßig"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["../x,A,B,"], "line 2: id '../x'"),
        (["ada,A,B,a@b", ",A,B,"], "line 3: no id"),
        (["ada,A,B,", "ada,C,D,"], "line 3: 'ada' stands in line 2 already"),
        (["ada,=HYPERLINK(1),B,"], "line 2: first_name '=HYPERLINK(1)' begins as a spreadsheet's"),
        (["ada,<b>A,B,"], "line 2: first_name '<b>A' holds < or >"),
        (["ada,A"], "line 2: 2 columns, where the titles have 4"),
        (["ada,A,B,nowhere"], "line 2: email 'nowhere' is no address"),
        ([f"ada,{'A' * 200},B,"], "line 2: first_name has more than 128 characters"),
        (["ada,A\x1b[31m,B,"], "line 2: first_name 'A\\x1b[31m' holds control characters"),
        (['ada,"A,B,'], "line 2"),
        ([], "has no student"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, lines: list[str], told: str) -> None:
    text = "\n".join(["id,first name,last name,email", *lines])
    (tmp_path / "list.csv").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as refused:
        read_roster(tmp_path / "list.csv")
    assert told in str(refused.value)


@pytest.mark.parametrize("data", [b"", b"\0\1\2", b"a,b\n1,2\n", b"\xff\xfe\x00"])
def test_what_is_no_class_list_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "list.csv").write_bytes(data)
    with pytest.raises(UsageError):
        read_roster(tmp_path / "list.csv")


@given(st.binary(max_size=300))
def test_any_bytes_are_a_list_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.csv"
    file.write_bytes(data)
    try:
        students = read_roster(file)
    except UsageError:
        return
    assert all(student.id and "/" not in student.id for student in students)


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A course with an empty gradebook and one class list entered."""
    root = tmp_path_factory.mktemp("term")
    tiny_course.write(root)
    (root / "course.toml").write_text('course_id = "tiny"\n', encoding="utf-8")
    (root / "list.csv").write_text(ROSTER, encoding="utf-8")
    made = Course(root)
    made.work.mkdir()
    enter_roster(made, read_roster(root / "list.csv"))
    return made


def test_a_gradebook_that_is_broken_is_told_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_course.write(tmp_path)
    (tmp_path / "list.csv").write_text(ROSTER, encoding="utf-8")
    monkeypatch.setenv("AUTOGRADER_COURSE", str(tmp_path))
    book = Course(tmp_path).gradebook
    book.parent.mkdir(exist_ok=True)
    book.write_bytes(b"no database" * 100)
    done = CliRunner().invoke(app, ["students", "import", str(tmp_path / "list.csv")])
    assert done.exit_code == 1
    said = "autograder: the gradebook cannot be read or written (file is not a database)."
    assert done.stderr == f"{said} Is it busy, or broken? What was graded is kept.\n"


def test_an_assignment_that_was_not_released_is_not_graded_into_the_gradebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_course.write(tmp_path)
    monkeypatch.setenv("AUTOGRADER_COURSE", str(tmp_path))
    (tmp_path / "course" / "submitted" / "ada7" / "halves").mkdir(parents=True)
    for tables in (None, "", "create table assignment (name text)"):
        if tables is not None:
            with closing(sqlite3.connect(Course(tmp_path).gradebook)) as book:
                book.executescript(tables)
        done = CliRunner().invoke(app, ["gradebook", "halves"])
        said = "autograder: the gradebook does not know halves. First: autograder release halves\n"
        assert (done.exit_code, done.stderr) == (2, said)


def test_no_name_is_more_than_text_for_a_terminal(
    course: Course, downloads: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the list of who is no more in the class, where a command fails, in zip_collect's log."""
    where = {"AUTOGRADER_COURSE": str(course.root)}
    with Gradebook(database(course)) as book:
        book.add_student("eve\x1b[31m")
    done = CliRunner().invoke(app, ["students", "import", str(course.root / "list.csv")], env=where)
    with Gradebook(database(course)) as book:
        book.remove_student("eve\x1b[31m")
    assert "not in the list: eve[31m" in done.stdout
    done = CliRunner().invoke(app, ["students", "import", "no\x1b[31m.csv"], env=where)
    assert done.exit_code != 0
    assert "no[31m.csv" in done.stderr
    (downloads / "A\x1b[31m_5_assignsubmission_file_work.zip").write_bytes(b"PK\3\4")
    zip_collect(course)
    log = capsys.readouterr().err
    assert r"A\x1b[31m_5" in log
    for text in (done.stdout, done.stderr, log):
        assert "\x1b" not in text


def test_a_list_is_entered_and_what_it_does_not_say_stays(course: Course) -> None:
    (course.root / "more.csv").write_text(
        "id,email\nalan,alan@example.org\neve,\n", encoding="utf-8"
    )
    entered = enter_roster(course, read_roster(course.root / "more.csv"))
    assert (entered.new, entered.changed, entered.same) == (1, 1, 0)
    assert entered.others == ["ada7"]
    with Gradebook(database(course)) as book:
        alan = book.find_student("alan")
        assert (alan.first_name, alan.email) == ("Alan", "alan@example.org")
        book.remove_student("eve")


def test_what_a_spreadsheet_would_calculate_is_exported_as_text(course: Course) -> None:
    with Gradebook(database(course)) as book:
        book.update_or_create_assignment("halves")
        book.add_student("=cmd|' /C calc'!A0", last_name="O'Neil, the\nThird")
        CsvExport(to=str(course.root / "grades.csv")).export(book)
        book.remove_student("=cmd|' /C calc'!A0")
    with open(course.root / "grades.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert "'=cmd|' /C calc'!A0" in {row["student_id"] for row in rows}
    assert {row["last_name"] for row in rows} >= {"Lovelace", "O'Neil, the\nThird"}
    assert all(len(row) == 11 and None not in row for row in rows)


@pytest.mark.parametrize("begins", [*"=+-@|%\t\r\n", " =", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_what_one_table_takes_for_a_formula_is_one_to_all(tmp_path: Path, begins: str) -> None:
    text = f"{begins}cmd"
    assert safe(text) == f"'{text}"
    assert class_page.safe(text).startswith("'")
    place = io.StringIO()
    csv.writer(place).writerows([["id", "name"], ["ada7", text]])
    (tmp_path / "list.csv").write_text(place.getvalue(), encoding="utf-8")
    if begins.strip():  # spaces around what stands in a list are no part of it
        with pytest.raises(UsageError, match="begins as a spreadsheet's formula does"):
            read_roster(tmp_path / "list.csv")


def test_a_number_is_no_formula() -> None:
    assert [safe(value) for value in (-1.5, 0.0, None, "-2+3", "@x")] == [
        "-1.5", "0.0", "", "'-2+3", "'@x",
    ]  # fmt: skip


def test_what_is_taken_out_is_gone_from_everywhere_and_lost_nowhere(course: Course) -> None:
    assignment = find_assignment(course, "halves")
    for step in ("submitted", "autograded"):
        (course.work / step / "alan" / "halves").mkdir(parents=True)
        (course.work / step / "alan" / "halves" / "file").write_text(step, encoding="utf-8")
    with Gradebook(database(course)) as book:
        book.update_or_create_assignment("halves")
        book.add_notebook("halves", "halves")
        book.add_grade_cell("check_halve", "halves", "halves", max_score=3, cell_type="code")
        book.add_submission("halves", "alan")
        book.find_grade("check_halve", "halves", "halves", "alan").manual_score = 2.5
        book.db.commit()
    with pytest.raises(UsageError, match="nothing of halves from ada7"):
        reset(assignment, ["alan", "ada7"])
    with pytest.raises(UsageError):
        reset(assignment, ["../submitted/alan"])
    kept = reset(assignment, ["alan"]) / "alan" / "halves"
    assert (kept / "submitted" / "file").read_text(encoding="utf-8") == "submitted"
    rows = json.loads((kept / "gradebook.json").read_text(encoding="utf-8"))
    assert [row["manual_score"] for row in rows if row["name"] == "check_halve"] == [2.5]
    assert not (course.submitted / "alan" / "halves").exists()
    with Gradebook(database(course)) as book, pytest.raises(MissingEntry):
        book.find_submission("halves", "alan")


def test_a_course_that_tells_nbgrader_more_than_the_kit_does_is_left_to_nbgrader(
    tmp_path: Path,
) -> None:
    course, file = Course(tmp_path), tmp_path / "nbgrader_config.py"
    shutil.copy(ROOT / "nbgrader_config.py", file)
    for settings in ("", '[late]\npolicy = "zero"\n', 'course_id = "la"\nexchange = "/x"\n'):
        (tmp_path / "course.toml").write_text(settings, encoding="utf-8")
        assert not has_own_settings(Course(tmp_path))
    file.write_text(f"{file.read_text()}\nc.CourseDirectory.student_id_exclude = 'bob'\n")
    assert has_own_settings(course)
    file.unlink()
    assert has_own_settings(course), "stock nbgrader, then"


def test_nbgraders_log_tells_its_progress() -> None:
    seen: list[str] = []
    log = get_logger()
    log.setLevel("INFO")
    with each_time("Autograding ", lambda: seen.append("one")):
        log.info("Autograding %s", "a")
        log.info("Sanitizing b")
        log.info("Autograding b")
    log.info("Autograding c")
    assert seen == ["one", "one"]


# --- late work ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "seconds", "lost"),
    [
        (Late("none"), 9 * DAY, 0),
        (Late("zero"), 1, 10),
        (Late("zero", grace_minutes=10), 600, 0),
        (Late("percent", percent=10), 1, 1),
        (Late("percent", percent=10), DAY, 1),
        (Late("percent", percent=10), DAY + 1, 2),
        (Late("percent", percent=40), 5 * DAY, 10),
        (Late("percent", percent=10), 0, 0),
    ],
)
def test_what_a_late_submission_loses_of_ten_points(
    rule: Late, seconds: float, lost: float
) -> None:
    assert penalty(10.0, days_late(seconds, rule), rule) == pytest.approx(lost)


@given(
    score=st.floats(0, 1e6),
    days=st.integers(0, 10_000),
    percent=st.floats(0, 100),
    policy=st.sampled_from(("none", "percent", "days", "zero")),
)
def test_nobody_loses_more_than_they_earned(
    score: float, days: int, percent: float, policy: str
) -> None:
    assert 0 <= penalty(score, days, Late(policy, percent)) <= score


def test_late_days_are_spent_in_the_order_of_due_dates(course: Course) -> None:
    """Three for the course: two go to the first assignment, one and a half are left to be seen as
    one, and the third pays in full. An extension is no late day.
    """
    due = datetime(2031, 3, 1)
    with Gradebook(database(course)) as book:
        for number, hours in ((1, 40), (2, 30), (3, 5)):
            when = due + timedelta(days=7 * number)
            book.update_or_create_assignment(f"late{number}", duedate=when)
            handed_in = when + timedelta(hours=hours)
            submission = book.add_submission(f"late{number}", "ada7", timestamp=handed_in)
            submission.extension = timedelta(hours=4) if number == 2 else None
        book.db.commit()
        lost = {}
        for number in (3, 1, 2):  # whatever the order in which they are graded
            asking = AssignLatePenalties()
            asking.gradebook, asking.assignment_id = book, f"late{number}"
            plugin = LatePolicy(parent=asking, policy="days", days=3, percent=10)
            late = book.find_submission(f"late{number}", "ada7").total_seconds_late
            lost[number] = plugin.late_submission_penalty("ada7", 10.0, late)
        for number in (1, 2, 3):
            book.remove_assignment(f"late{number}")
    assert lost == {1: None, 2: 1.0, 3: 1.0}


@pytest.fixture
def late_class(course: Course) -> Iterator[Course]:
    """Twelve students who handed in three days late, with two points in one cell each."""
    due, names = datetime(2031, 3, 1), [f"late{number}" for number in range(12)]
    with Gradebook(database(course)) as book:
        book.update_or_create_assignment("due", duedate=due)
        book.add_notebook("due", "due")
        book.add_grade_cell("check", "due", "due", max_score=3, cell_type="code")
        for name in names:
            book.add_student(name)
            book.add_submission("due", name, timestamp=due + timedelta(days=3))
            book.find_grade("check", "due", "due", name).auto_score = 2.0
        book.db.commit()
    yield course
    with Gradebook(database(course)) as book:
        book.remove_assignment("due")
        for name in names:
            book.remove_student(name)


def charged(course: Course, policy: str, student: str = "") -> dict[str, float]:
    """What students lose once a late policy is in course.toml; of one alone, where one is named."""
    made = Course(course.root)
    vars(made)["settings"] = Settings(late={"policy": policy})
    refresh(made, "due", student)
    with Gradebook(database(course)) as book:
        rows: list[Any] = book.assignment_submissions("due")
        return {row.student.id: row.late_submission_penalty for row in rows}


def test_a_policy_that_costs_nothing_gives_back_what_another_has_cost(late_class: Course) -> None:
    assert set(charged(late_class, "zero").values()) == {2.0}
    assert set(charged(late_class, "none").values()) == {0.0}


def test_the_penalty_of_one_student_reads_nobody_elses_work(late_class: Course) -> None:
    asked: list[str] = []

    def note(*arguments: Any) -> None:
        asked.append(str(arguments[3]))  # what a query is filled with

    event.listen(Engine, "before_cursor_execute", note)
    try:
        made = Course(late_class.root)
        vars(made)["settings"] = Settings(late={"policy": "zero"})
        refresh(made, "due", "late3")
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert charged(late_class, "percent", "late4")["late3"] == 2.0
    assert charged(late_class, "percent", "late4")["late5"] == 0.0
    assert any("late3" in one for one in asked)
    assert not any(f"late{number}'" in one for one in asked for number in (2, 5, 11))


@pytest.mark.parametrize(
    "text",
    [
        '[late]\npolicy = "harsh"',
        "[late]\npercent = 120",
        "[late]\npercent = nan",
        "[late]\ndays = 1.5",
        "[late]\ndays = true",
        "[late]\nper_day = 3",
        "[extensions]\nhalves = 2",
        '[extensions.halves]\nada = "2 days"',
        "[extensions.halves]\nada = -1",
        "[extensions.halfs]\nada = 1",
        'names = "yes"',
    ],
)
def test_a_late_policy_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "reference_solutions" / "halves").mkdir(parents=True)
    (tmp_path / "course.toml").write_text(text, encoding="utf-8")
    with pytest.raises(AuthoringError, match=r"course\.toml"):
        read_settings(tmp_path / "course.toml")


# --- the exchange ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01 18:00:00.5 UTC", datetime(2026, 3, 1, 18, 0, 0, 500_000)),
        ("2026-03-01 18:00:00", datetime(2026, 3, 1, 18)),
        ("2026-03-01T18:00:00Z", datetime(2026, 3, 1, 18)),
        ("2026-03-01 18:00:00+01:00", datetime(2026, 3, 1, 17)),
        ("2026-13-01 18:00:00", None),
        ("0001-01-01 00:00:00+99:99", None),
        ("1", None),
        ("tomorrow", None),
        ("2026-03-01 18:00:00 ../../etc/passwd", None),
        ("2026-03-01 18:00:00 UTC" + " " * 10_000, None),
        ("", None),
    ],
)
def test_a_time_is_read_or_it_is_none(tmp_path: Path, text: str, moment: datetime | None) -> None:
    (tmp_path / timestamps.TIMESTAMP).write_text(text, encoding="utf-8")
    assert timestamps.timestamp_in(tmp_path) == moment
    assert timestamps.settle_timestamp(tmp_path) == (moment is None)
    assert (tmp_path / timestamps.UNREADABLE).exists() == (moment is None)


def test_the_two_files_go_on_as_what_they_say(tmp_path: Path) -> None:
    student, staff = tmp_path / "student", tmp_path / "staff"
    student.mkdir()
    (student / timestamps.TIMESTAMP).write_text("2026-03-01 18:00 UTC\n", encoding="ascii")
    (student / timestamps.SECRET).write_text("ab" * 64, encoding="ascii")
    timestamps.hand_on(student, staff)
    assert timestamps.timestamp_in(staff) == datetime(2026, 3, 1, 18)
    assert (staff / timestamps.SECRET).read_text(encoding="ascii") == "ab" * 64


@pytest.mark.parametrize("text", ["", "short", "../" * 20, "é" * 32, "a" * 10_000, "<b>" * 20])
def test_a_secret_that_is_none_goes_nowhere(tmp_path: Path, text: str) -> None:
    (tmp_path / timestamps.SECRET).write_text(text, encoding="utf-8")
    timestamps.hand_on(tmp_path, tmp_path / "staff")
    assert not (tmp_path / "staff").exists()


def test_collecting_follows_no_link_and_keeps_bounds(tmp_path: Path) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    (theirs / "inner").mkdir(parents=True)
    (tmp_path / "solution.py").write_text("secret", encoding="utf-8")
    (theirs / "halves.py").symlink_to(tmp_path / "solution.py")
    (theirs / "linked").symlink_to(tmp_path)
    (theirs / "inner" / "halves.ipynb").write_text("{}", encoding="utf-8")
    (theirs / "huge").write_bytes(b"x" * 3000)
    (theirs / "feedback").mkdir()
    os.mkfifo(theirs / "pipe")
    bounds = CourseDirectory(max_file_size=2)
    left_out = list(exchange.copy_regular(theirs, ours, bounds))
    kept = [path.relative_to(ours).as_posix() for path in ours.rglob("*") if path.is_file()]
    assert kept == ["inner/halves.ipynb"]
    assert sorted(Path(name).name for name in left_out) == ["halves.py", "huge", "pipe"]


def test_collecting_goes_no_deeper_than_a_submission_may_be(tmp_path: Path) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / ("a longer place of ours " * 8) / "ours"
    theirs.mkdir()
    (theirs / "halves.ipynb").write_text("{}", encoding="utf-8")
    for number in range(2000):
        (theirs / "wide" / str(number)).mkdir(parents=True)
    here = os.open(theirs, os.O_RDONLY)
    for _ in range(1500):  # deeper than any path is long
        os.mkdir("d" * 200, dir_fd=here)
        inner = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    try:
        left_out = list(exchange.copy_regular(theirs, ours, CourseDirectory()))
    finally:
        subprocess.run(["rm", "-rf", str(theirs)], check=True)
    assert (ours / "halves.ipynb").is_file()
    assert 1 < len(left_out) < 20


def test_what_cannot_be_copied_whole_is_not_collected_and_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    theirs.mkdir()
    for name in ("a.py", "submission_secret.txt"):
        (theirs / name).write_text("x" * 32, encoding="utf-8")
    copy, copied = exchange._copy, []

    def full_disk(name: str, *more: Any) -> int | None:
        copied.append(name)
        if len(copied) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return copy(name, *more)

    collect = exchange.Collect()
    collect.coursedir = CourseDirectory()
    with monkeypatch.context() as patched:
        patched.setattr(exchange, "_copy", full_disk)
        collect.do_copy(str(theirs), str(ours))
    assert len(copied) == 2
    assert not ours.exists()
    collect.do_copy(str(theirs), str(ours))
    assert sorted(os.listdir(ours)) == ["a.py", "submission_secret.txt"]


def test_what_others_lay_there_in_a_name_counts_where_its_account_has_laid_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = pwd.getpwuid(os.getuid()).pw_name
    hers, forged = (tmp_path / f"{who}+halves+20{year}-01-01 00:00:00 UTC+x" for year in (26, 99))
    for folder in (hers, forged):
        folder.mkdir()
    assert exchange.is_of(hers, who)
    assert not exchange.is_of(hers, f"{who}2")
    collect = exchange.Collect()
    collect.inbound_path = str(tmp_path)
    records = [collect._path_to_record(str(folder)) for folder in (hers, forged)]
    latest = collect._sort_by_timestamp(records)
    assert [record["filename"] for record in latest] == [forged.name, hers.name]
    monkeypatch.setattr(exchange, "is_of", lambda folder, student: folder == hers)
    assert [record["filename"] for record in collect._sort_by_timestamp(records)] == [hers.name]


def test_as_many_work_at_a_time_as_there_are_processors_that_they_may_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda number: {0})
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert Course(tmp_path).workers == 1
    assert doctor.workers().found.startswith("1 ")


def test_the_doctor_says_what_an_exchange_wants(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "reference_solutions").mkdir()
    monkeypatch.setenv("AUTOGRADER_COURSE", str(tmp_path))
    assert doctor.exchange() == []
    place = tmp_path / "exchange"
    settings = f'exchange = "{place}"\n'
    (tmp_path / "course.toml").write_text(settings, encoding="utf-8")
    assert "course_id" in doctor.exchange()[0].mend
    (tmp_path / "course.toml").write_text(settings + 'course_id = "x"\n', encoding="utf-8")
    assert f"mkdir -p {place}" in doctor.exchange()[0].mend
    place.mkdir()
    assert doctor.exchange()[0].good


def test_an_extension_for_nobody_in_the_class_is_told(
    course: Course, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(course.root, tmp_path, dirs_exist_ok=True)
    given = "[extensions.halves]\nada7 = 1\nadda7 = 2\n"
    (tmp_path / "course.toml").write_text(f'course_id = "tiny"\n{given}', encoding="utf-8")
    assert enter(find_assignment(Course(tmp_path), "halves"), [], 1) == []
    (told,) = caplog.messages
    assert told.startswith("course.toml gives adda7 an extension of halves, and")


def test_points_of_somebody_whose_submission_is_gone_are_told(
    course: Course, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(course.root, tmp_path, dirs_exist_ok=True)
    (tmp_path / "course.toml").unlink(missing_ok=True)
    copy = Course(tmp_path)
    with Gradebook(database(copy)) as book:
        book.update_or_create_assignment("halves")
        book.update_or_create_notebook("halves", "halves")
        book.update_or_create_grade_cell("one", "halves", "halves", max_score=1, cell_type="code")
        book.add_submission("halves", "alan")
    assert enter(find_assignment(copy, "halves"), [], 1) == []
    (told,) = caplog.messages
    assert told.startswith("the gradebook has points in halves of alan, of whom nothing lies in ")
    assert told.endswith(
        " any more. Lay it back; or take the points out: autograder students reset halves NAME"
    )


def test_a_folder_that_cannot_be_written_to_keeps_nobody_else_from_being_graded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_course.write(tmp_path)
    real = rebuild.opened

    def refused(folder: Path) -> AbstractContextManager[int]:
        if "locked" in folder.parts:
            raise PermissionError(13, "Permission denied", str(folder))
        return real(folder)

    for name in ("ada7", "locked", "zoe"):
        (tmp_path / "course" / "submitted" / name / "halves").mkdir(parents=True)
    monkeypatch.setattr(rebuild, "opened", refused)
    make_ready(find_assignment(Course(tmp_path), "halves"))
    laid = (tmp_path / "course" / "submitted").glob("*/halves/halves.ipynb")
    assert sorted(file.parts[-3] for file in laid) == ["ada7", "zoe"]


def test_a_folder_whose_name_no_database_takes_is_to_be_renamed(tmp_path: Path) -> None:
    entering = object.__new__(Entering)  # nothing of a course is asked before the name is
    said = entering(Entry("a\udcff", tmp_path, tmp_path / "x.py", cast("Result", None)))
    assert said == (
        "the folder's name 'a\\udcff' is not UTF-8, and no database takes it. Rename it"
    )


# --- what is entered ------------------------------------------------------------------------------


def cells(**points: float) -> nbformat.NotebookNode:
    """A notebook with a cell of each name, as the gradebook has given it points."""
    made = [
        nbformat.v4.new_markdown_cell(
            f"The answer {name}.",
            metadata={"nbgrader": {"grade_id": name, "grade": True, "points": worth}},
        )
        for name, worth in points.items()
    ]
    for cell in made:
        cell.metadata.nbgrader |= {"solution": True, "schema_version": 3, "locked": False}
    return nbformat.v4.new_notebook(cells=made)


def test_an_answer_that_was_deleted_and_is_still_is_the_one_that_was_marked(tmp_path: Path) -> None:
    found = []
    for number, book in enumerate((cells(one=1), cells(one=1), cells(one=1, two=1))):
        nbformat.write(book, tmp_path / f"{number}.ipynb")
        found.append(answers_in(tmp_path / f"{number}.ipynb"))
    first, same, written = found
    assert as_it_was("two", first, same)
    assert as_it_was("one", first, same)
    assert not as_it_was("two", first, written)
    assert not as_it_was("two", written, same)
    assert not as_it_was("two", {}, same), "nothing was graded before"


@pytest.mark.parametrize(
    ("automatic", "by_hand", "extra", "waited", "same", "opens"),
    [
        (3.0, None, None, False, False, False),  # nobody's but the grader's
        (3.0, None, None, True, False, False),
        (None, None, None, False, True, True),  # no points yet
        (None, None, 1.0, False, True, True),
        (3.0, 2.0, None, False, True, False),  # of the answer that was marked
        (3.0, None, 2.0, False, True, False),
        (3.0, 2.0, None, False, False, True),  # of another one
        (3.0, None, 2.0, False, False, True),
        (3.0, 2.0, None, True, True, True),  # and not yet looked at
        (3.0, None, 2.0, True, True, True),
        (3.0, None, 0.0, False, False, False),
    ],
)
def test_what_a_person_gave_waits_again_where_the_answer_is_another(
    automatic: float | None,
    by_hand: float | None,
    extra: float | None,
    waited: bool,
    same: bool,
    opens: bool,
) -> None:
    row = SimpleNamespace(auto_score=automatic, manual_score=by_hand, extra_credit=extra)
    assert is_open(row, waited=waited, same=same) is opens


def test_points_that_the_gradebook_does_not_know_are_told_before_anything_is_entered(
    tmp_path: Path,
) -> None:
    tiny_course.write(tmp_path)
    assignment = find_assignment(Course(tmp_path), "halves")
    hold_to_the_release(cells(check_halve=3, check_total=1.5, why_halve=2), assignment)
    with pytest.raises(AutograderError) as told:
        hold_to_the_release(cells(check_halve=2, check_total=1.5, why_not=1), assignment)
    assert str(told.value) == (
        "the points of assignment.toml are not those that the gradebook has: halve 3, there 2; "
        "why_halve 2, there 0; why_not 0, there 1. Nothing was entered. "
        "First: autograder release halves"
    )


# --- file names of learning platforms -------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "name", "user", "file"),
    [
        (
            "Ada Lovelace_123456_assignsubmission_file_halves.ipynb",
            "Ada Lovelace",
            "",
            "halves.ipynb",
        ),
        ("Ada Lovelace_123456_assignsubmission_file/halves.py", "Ada Lovelace", "", "halves.py"),
        ("Ada Lovelace_1_assignsubmission_file_/a/b/halves.py", "Ada Lovelace", "", "halves.py"),
        ("Ada Lovelace_1_assignsubmission_file_work/halves.py", "Ada Lovelace", "", "halves.py"),
        ("lovelaceada_LATE_4711_98765_halves-1.ipynb", "lovelaceada", "", "halves-1.ipynb"),
        ("lovelaceada_4711_98765_my_halves.ipynb", "lovelaceada", "", "my_halves.ipynb"),
        ("Halves_ada7_attempt_2026-03-01-15-00-00_halves.ipynb", "", "ada7", "halves.ipynb"),
        ("12-67 - Ada Lovelace - Mar 1, 2026 315 PM/h.ipynb", "Ada Lovelace", "", "h.ipynb"),
        ("H/Lovelace, Ada(ada7)/Submission attachment(s)/h.py", "Lovelace, Ada", "ada7", "h.py"),
        (
            "Lovelace_Ada_ada7_12345/20260301150000_halves.ipynb",
            "Lovelace_Ada",
            "ada7",
            "halves.ipynb",
        ),
    ],
)
def test_a_platforms_path_says_who(place: str, name: str, user: str, file: str) -> None:
    told = parts(place)
    assert told is not None
    assert (told["name"], told["user"], told["file"]) == (name, user, file)


MALLORY = "mallory_4711_98765_"  # as Canvas has it, who knows him by that number
VICTIMS = [
    "Ada Lovelace_123456_assignsubmission_file_halves.ipynb",
    "Halves_ada7_attempt_2026-03-01-15-00-00_halves.ipynb",
    "12-67 - Ada Lovelace - Mar 1, 2026 315 PM/h.ipynb",
    "Lovelace, Ada(ada7)/Submission attachment(s)/h.ipynb",
    "Lovelace_Ada_ada7_12345/20260301150000_halves.ipynb",
    "lovelaceada_4711_98765_halves-1.ipynb",
]


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("within", ["", "work.zip/", "work/a/"])
def test_what_a_student_names_makes_nobody_else_of_them(within: str, victim: str) -> None:
    for mine, who in (
        (MALLORY, "mallory"),
        ("Mal Lory_4711_assignsubmission_file_", "Mal Lory"),
        ("Halves_mal_attempt_2026-03-01-15-00-00_", "mal"),
    ):
        told = parts(f"submissions/{mine}{within}{victim}")
        assert told is not None
        assert who in (told["name"], told["user"])


def test_a_platforms_number_of_a_student_is_no_part_of_another_platforms_name() -> None:
    told = parts("HW_1_20231234_attempt_2026-03-01-15-00-00_halves.ipynb")
    assert told is not None
    assert told["user"] == "20231234"


@pytest.mark.parametrize("place", ["halves.ipynb", "ada7/halves.ipynb", "", "/" * 4000, "_" * 4000])
def test_a_path_of_no_platform_says_nothing(place: str) -> None:
    assert parts(place) is None


def bomb(place: Path) -> None:
    """The same megabyte three times, in few bytes: more than a submission may hold here."""
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as made:
        for number in range(3):
            made.writestr(f"{number}.ipynb", bytes(1_000_000))


def nested_bomb(place: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("halves.ipynb", bytes(1_000_000))
    with zipfile.ZipFile(place, "w") as outer:
        for number in range(3):
            outer.writestr(f"{number}.zip", inner.getvalue())


def many_files(place: Path) -> None:
    with zipfile.ZipFile(place, "w") as made:
        for number in range(2000):
            made.writestr(f"{number}.txt", b"")


def deep(place: Path) -> None:
    with zipfile.ZipFile(place, "w") as made:
        made.writestr("a/" * 1500 + "halves.ipynb", b"")


def outside(place: Path) -> None:
    with zipfile.ZipFile(place, "w") as made:
        made.writestr("../../../../outside.ipynb", b"")


def links(place: Path) -> None:
    """A link to a folder, a file that would go through it, a link to a file; and a device."""
    with tarfile.open(place, "w:gz") as made:
        for name, kind, target in (
            ("a", tarfile.SYMTYPE, ".."),
            ("b.ipynb", tarfile.SYMTYPE, "/etc/passwd"),
            ("c.ipynb", tarfile.LNKTYPE, "b.ipynb"),
            ("d.ipynb", tarfile.CHRTYPE, ""),
        ):
            one = tarfile.TarInfo(name)
            one.type, one.linkname = kind, target
            made.addfile(one)


def long_header(place: Path, kind: bytes = tarfile.XHDTYPE, size: int = 50_000_000) -> None:
    """A name of fifty megabytes, in as many kilobytes."""
    header = tarfile.TarInfo("header")
    header.type, header.size = kind, size
    with gzip.open(place, "wb", 1) as made:
        made.write(header.tobuf())
        for _ in range(size // 1_000_000):
            made.write(bytes(1_000_000))


def many_links(place: Path) -> None:
    with tarfile.open(place, "w:gz") as made:
        for number in range(5000):
            one = tarfile.TarInfo(f"{number}")
            one.type, one.linkname = tarfile.SYMTYPE, "halves.ipynb"
            made.addfile(one)


def unbounded(place: Path, method: int = zipfile.ZIP_BZIP2) -> None:
    """Fifty megabytes in a few bytes, that zipfile unpacks at once; they say that they are ten."""
    with zipfile.ZipFile(place, "w", method) as made:
        made.writestr("halves.ipynb", bytes(50_000_000))
    data = bytearray(place.read_bytes())
    struct.pack_into("<L", data, data.rfind(b"PK\1\2") + 24, 10)
    place.write_bytes(data)


def many_entries(place: Path, count: int = 200_000) -> None:
    """A list of many files, and none of them."""
    numbers = (20, 3, 20, 0, 0, 0, 0, 33, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0)
    listed = (struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", *numbers) + b"aa") * count
    sizes = (44, 45, 45, 0, 0, count, count, len(listed), 0)
    end = struct.pack("<4sQ2H2L4Q", b"PK\6\6", *sizes)
    end += struct.pack("<4sLQL", b"PK\6\7", 0, len(listed), 1)
    end += struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    place.write_bytes(listed + end)


@pytest.mark.parametrize("make", [unbounded, many_entries, partial(unbounded, method=14)])
def test_no_zip_archive_fills_the_memory(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "work.zip")
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            unpack_archive(tmp_path / "work.zip", tmp_path / "laid", Room(10**9, 1000))
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_archive_is_unpacked(tmp_path: Path, method: int) -> None:
    files = {"halves.ipynb": b"x" * 300_000, "a/b.py": b"y", "empty": b""}
    with zipfile.ZipFile(tmp_path / "work.zip", "w", method) as made:
        made.comment = b"a comment " * 6000
        for name, data in files.items():
            made.writestr(name, data)
    unpack_archive(tmp_path / "work.zip", tmp_path / "laid", Room(1_000_000, 3))
    laid = {file: file.read_bytes() for file in (tmp_path / "laid").rglob("*") if file.is_file()}
    assert laid == {tmp_path / "laid" / name: data for name, data in files.items()}


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_no_header_of_an_archive_fills_the_memory(tmp_path: Path, kind: bytes) -> None:
    long_header(tmp_path / "work.tar.gz", kind)
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            unpack_archive(tmp_path / "work.tar.gz", tmp_path / "laid", Room(10**9, 1000))
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_an_archive_is_unpacked_however_it_is_compressed(tmp_path: Path, mode: str) -> None:
    archive, long = tmp_path / "work", f"{'n' * 90}/{'m' * 90}/halves.py"
    files = {"halves.ipynb": b"x" * 300_000, long: b"y" * 512, "empty": b"", "dir/e.py": b"z"}
    with tarfile.open(archive, mode) as made:  # type: ignore[call-overload]
        for name, data in files.items():
            one = tarfile.TarInfo(name)
            one.size = len(data)
            made.addfile(one, io.BytesIO(data))
    unpack_archive(archive, tmp_path / "laid", Room(1_000_000, 10))
    laid = {file: file.read_bytes() for file in (tmp_path / "laid").rglob("*") if file.is_file()}
    assert laid == {tmp_path / "laid" / name: data for name, data in files.items()}


def test_a_name_that_leads_out_of_the_folder_is_told(
    course: Course, downloads: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outside(downloads / "class.zip")
    assert zip_collect(course) == set()
    said = "cannot be unpacked (a file in it has no name for this folder: '../../"
    assert said in capsys.readouterr().err


HOSTILE_ARCHIVES = {
    "Bom Ber": bomb,
    "Nes Ted": nested_bomb,
    "Ma Ny": many_files,
    "De Ep": deep,
    "Out Side": outside,
    "Li Nks": links,
    "Ma Links": many_links,
    "Lo Name": long_header,
    "Un Bound": unbounded,
    "Ma Entries": many_entries,
}


ROOM = 2500  # kilobytes that a student's files may have


def zip_collect(course: Course, config: Config | None = None) -> set[str]:
    """What nbgrader's own command collects in a course, with more settings."""
    own = Config()
    configure(own, course.root)
    own.CourseDirectory.max_dir_size = ROOM
    own.merge(config or Config())
    app = ZipCollectApp(config=own)
    app.config_file = "none"
    with alembic_on_path(), contextlib.chdir(course.root):
        app.initialize(["halves", "--force"])
        app.start()
    files = (path for path in course.submitted.rglob("*") if path.is_file())
    return {path.relative_to(course.submitted).as_posix() for path in files}


@pytest.fixture
def downloads(course: Course) -> Iterator[Path]:
    """Where a platform's files are laid; nothing has been collected."""
    archive = course.work / "downloaded" / "halves" / "archive"
    archive.mkdir(parents=True)
    yield archive
    shutil.rmtree(course.work / "downloaded")
    shutil.rmtree(course.submitted, ignore_errors=True)


@pytest.mark.parametrize(
    ("students", "files", "collected"),
    [
        (  # the number of one platform is the name of somebody else in the list
            [("ada7", "Ada", "Lovelace", ""), ("123456", "Bob", "Beck", "")],
            ["Ada Lovelace_123456", "Bob Beck_7"],
            {"ada7", "123456"},
        ),
        (  # two of a name, of whom the list has one
            [("ada7", "Ada", "Lovelace", "")],
            ["Ada Lovelace_777", "Ada Lovelace_888"],
            {"ada7", "Ada_Lovelace-888"},
        ),
        (  # two of a name in the list, by the platform's numbers; and one that it does not know
            [("ada7", "Ada", "Lovelace", "777"), ("ada8", "Ada", "Lovelace", "888")],
            ["Ada Lovelace_777", "Ada Lovelace_888", "Ada Lovelace_999"],
            {"ada7", "ada8", "Ada_Lovelace-999"},
        ),
        ([("k1", "Countess", "", "777")], ["Ada Lovelace_777"], {"k1"}),
    ],
)
def test_nobodys_work_goes_to_somebody_else(
    course: Course,
    downloads: Path,
    students: list[tuple[str, str, str, str]],
    files: list[str],
    collected: set[str],
) -> None:
    before = set(people(course))
    with Gradebook(database(course)) as book:
        for name in before:
            book.remove_student(name)
        for name, first, last, number in students:
            book.add_student(name, first_name=first, last_name=last, lms_user_id=number or None)
    for file in files:
        (downloads / f"{file}_assignsubmission_file_halves.py").write_text(file, encoding="utf-8")
    try:
        found = zip_collect(course)
        assert found == {f"{name}/halves/halves.py" for name in collected}
        if "123456" in collected:
            text = (course.submitted / "ada7" / "halves" / "halves.py").read_text(encoding="utf-8")
            assert text.startswith("Ada")
    finally:
        with Gradebook(database(course)) as book:
            for name in people(course):
                book.remove_student(name)
        enter_roster(course, read_roster(course.root / "list.csv"))


@pytest.mark.parametrize(
    ("listed", "handed_in", "collected"),
    [
        (["ada7"], "Halves_ADA7_attempt_2026-03-01-15-00-00_halves.py", "ada7"),
        (["ADA7", "ada7"], "Halves_ADA7_attempt_2026-03-01-15-00-00_halves.py", "ADA7"),
        (["Ada7", "ada7"], "Halves_ADA7_attempt_2026-03-01-15-00-00_halves.py", "ADA7"),
        (["jos\u00e9"], "Diaz, Jose(jose\u0301)/Submission attachment(s)/halves.py", "jos\u00e9"),
        (["jose\u0301"], "Diaz, Jose(jos\u00e9)/Submission attachment(s)/halves.py", "jose\u0301"),
        (["x.y"], "Halves_xy_attempt_2026-03-01-15-00-00_halves.py", "xy"),
    ],
)
def test_a_name_is_the_lists_in_whichever_case_or_form(
    course: Course, downloads: Path, listed: list[str], handed_in: str, collected: str
) -> None:
    before = set(people(course))
    with Gradebook(database(course)) as book:
        for name in before:
            book.remove_student(name)
        for name in listed:
            book.add_student(name)
    (downloads / handed_in).parent.mkdir(parents=True, exist_ok=True)
    (downloads / handed_in).write_text("x = 1", encoding="utf-8")
    try:
        assert f"{collected}/halves/halves.py" in zip_collect(course)
    finally:
        with Gradebook(database(course)) as book:
            for name in listed:
                book.remove_student(name)
        enter_roster(course, read_roster(course.root / "list.csv"))


ONE, OTHER = "jos\u00e9", "jose\u0301"


@pytest.mark.parametrize(
    ("names", "students", "told"),
    [
        ({}, ["ann", "bob"], []),
        ({"ann": "", "bob": ""}, ["ann", "eve"], []),  # no list was entered
        ({"ann": "Ann A"}, ["ann"], []),
        (
            {"ann": "Ann A"},
            ["ann", "eve"],
            ["not in the class list, and entered all the same: eve"],
        ),
        ({ONE: "José D"}, [OTHER], ["'jose\\u0301' and 'jos\\xe9' differ"]),
        ({ONE: "José D", OTHER: ""}, [OTHER], ["'jose\\u0301' and 'jos\\xe9' differ"]),
        ({}, ["Ann", "ann"], ["'Ann' and 'ann' differ"]),
        ({"Ann": "Ann A", "ann": "Ann B"}, ["Ann", "ann"], []),  # two of the list
        ({"Ann": "Ann A", "ann": ""}, [], []),
    ],
)
def test_who_may_be_another_of_the_list_is_told(
    names: dict[str, str], students: list[str], told: list[str]
) -> None:
    said = doubts(names, students)
    assert len(said) == len(told)
    assert all(one.startswith(begin) for one, begin in zip(said, told, strict=True))


def test_who_is_in_no_list_is_told_where_points_are_entered(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    course = Course(tmp_path)
    tiny_course.write(tmp_path)
    course.work.mkdir()
    enter_roster(course, [Student("ada7", "Ada", "Lovelace")])
    result = Result("halves", "x", "ADA7", "grader_error", 4.5, message="no sandbox")
    with suppress(AutograderError):
        enter(find_assignment(course, "halves"), [result], 1)
    assert "'ADA7' and 'ada7' differ in case or Unicode form alone" in caplog.text


def people(course: Course) -> list[str]:
    with Gradebook(database(course)) as book:
        return [one.id for one in book.students]


@pytest.mark.parametrize(
    ("settings", "hour"),
    [('timezone = "Asia/Tokyo"\n', 6), ('timezone = "America/New_York"\n', 20), ("", 18)],
)
def test_a_platforms_time_is_that_of_where_the_course_is(
    course: Course,
    downloads: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    settings: str,
    hour: int,
) -> None:
    """Else of where the machine is: here three hours behind."""
    file, before = course.root / "course.toml", (course.root / "course.toml").read_text()
    (downloads / "Halves_ada7_attempt_2026-03-01-15-00-00_halves.py").write_text("x = 1")
    try:
        file.write_text(before + settings, encoding="utf-8")
        monkeypatch.setenv("TZ", "HERE+3")
        time.tzset()
        zip_collect(course)
    finally:
        file.write_text(before, encoding="utf-8")
        monkeypatch.undo()
        time.tzset()
    moment = timestamps.timestamp_in(course.submitted / "ada7" / "halves")
    assert moment == datetime(2026, 3, 1, hour)
    assert ("Times are read as this machine's (HERE)" in capsys.readouterr().err) is (not settings)


@pytest.mark.parametrize("name", ["Nowhere/Land", "../etc", "Europe", "/etc/localtime", "x\0y"])
def test_a_timezone_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "course.toml").write_text(f"timezone = {json.dumps(name)}\n", encoding="utf-8")
    with pytest.raises(AuthoringError, match=r'has timezone = .*such as "Europe/Berlin"'):
        read_settings(tmp_path / "course.toml")


def test_a_link_in_a_download_brings_nobody_the_staffs_files(
    course: Course, downloads: Path
) -> None:
    folder = downloads / "Ada Lovelace_5_assignsubmission_file_"
    folder.mkdir()
    (folder / "halves.py").symlink_to(course.staff / "halves" / "solution.py")
    (downloads / "Alan Turing_6_assignsubmission_file_halves.py").write_text("x = 1")
    assert zip_collect(course) == {"alan/halves/halves.py"}


@pytest.mark.parametrize("own", [True, False])
def test_an_archive_of_a_students_is_bounded_whatever_its_name(
    course: Course, downloads: Path, own: bool
) -> None:
    """By a pattern of the course's own, or among files that a platform has named."""
    bomb(downloads / "alan-work.zip")
    beside = "ada7-halves.py" if own else "Ada Lovelace_5_assignsubmission_file_halves.py"
    (downloads / beside).write_text("x = 1", encoding="utf-8")
    config = Config()
    if own:
        pattern = r".*/(?P<student_id>\w+)-(?P<file_id>\w+)"
        config.FileNameCollectorPlugin.named_regexp = pattern
    assert zip_collect(course, config) == {"ada7/halves/halves.py"}
    extracted = course.work / "downloaded" / "halves" / "extracted"
    assert sum(file.stat().st_size for file in extracted.rglob("*")) < 1000 * ROOM


def test_a_platforms_archive_of_a_class_holds_more_than_one_students(
    course: Course, downloads: Path
) -> None:
    with zipfile.ZipFile(downloads / "class.zip", "w", zipfile.ZIP_DEFLATED) as made:
        for number, name in enumerate(("Ada Lovelace", "Alan Turing", "Eve New")):
            made.writestr(f"{name}_{number}_assignsubmission_file_halves.py", bytes(1_000_000))
        inner = io.BytesIO()
        with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as nested:
            for number in range(3):
                nested.writestr(f"{number}.ipynb", bytes(1_000_000))
        made.writestr("Bom Ber_9_assignsubmission_file_work.zip", inner.getvalue())
    files = {f"{who}/halves/halves.py" for who in ("ada7", "alan", "Eve_New-2")}
    assert zip_collect(course) == files


def test_zip_collect_takes_what_platforms_give(course: Course, downloads: Path) -> None:
    """nbgrader's own command, on files as Moodle, Canvas and Blackboard name them, archives of the
    students' own among them, whole and broken.
    """
    blank = nbformat.writes(nbformat.v4.new_notebook())
    for name in (
        "Ada Lovelace_123456_assignsubmission_file_halves (1).ipynb",
        "turingalan_LATE_4711_98765_halves-2.py",
        "Halves_eve.x_attempt_2026-03-01-15-00-00_halves.ipynb",
        "Halves_eve.x_attempt_2026-03-02-15-00-00_Halves.ipynb",
        "hoppergrace_99_1_mine.ipynb",
        "what is this.ipynb",
    ):
        (downloads / name).write_text(blank, encoding="utf-8")
    with zipfile.ZipFile(downloads / "Bob Unknown_7_assignsubmission_file_work.zip", "w") as made:
        made.writestr("mine/halves.ipynb", blank)
        made.writestr("mine/.ipynb_checkpoints/halves-checkpoint.ipynb", blank)
        made.writestr("__MACOSX/mine/._halves.ipynb", b"\0\1")
        made.writestr("mine/broken.zip", b"PK\3\4")
    for who, make in HOSTILE_ARCHIVES.items():
        make(downloads / f"{who}_9_assignsubmission_file_work.zip")
    (downloads / "Broken Off_8_assignsubmission_file_work.zip").write_bytes(b"PK\3\4")
    (downloads / "No Name_9_assignsubmission_file_work.gz").write_bytes(b"")
    assert zip_collect(course) == {
        "ada7/halves/halves.ipynb",
        "alan/halves/halves.py",
        "eve.x/halves/halves.ipynb",
        "eve.x/halves/timestamp.txt",
        "hoppergrace-99/halves/mine.ipynb",
        "Bob_Unknown-7/halves/halves.ipynb",
        "Nes_Ted-9/halves/halves.ipynb",  # of three megabytes in archives, two
        "Nes_Ted-9/halves/halves-2.ipynb",
    }


FIRST, LAST = "# the first", "# the last"
ATTEMPTS = {
    "Blackboard": {
        "Halves_eve.x_attempt_2026-03-01-15-00-00_halves.py": FIRST,
        "Halves_eve.x_attempt_2026-03-05-15-00-00_halves.py": LAST,
    },
    "Blackboard, of another kind": {
        "Halves_eve.x_attempt_2026-03-01-15-00-00_halves.ipynb": FIRST,
        "Halves_eve.x_attempt_2026-03-05-15-00-00_mine.py": LAST,
        "Halves_eve.x_attempt_2026-03-06-15-00-00_notes.txt": "no code",
    },
    "Blackboard, of another name": {
        "Halves_eve.x_attempt_2026-03-05-15-00-00_halves (1).py": LAST,
        "Halves_eve.x_attempt_2026-03-01-15-00-00_halves.py": FIRST,
    },
    "ILIAS": {
        "Ex_Eve_eve.x_12345/20260301150000_halves.py": FIRST,
        "Ex_Eve_eve.x_12345/20260301150000_notes.py": "x = 1",
        "Ex_Eve_eve.x_12345/20260305150000_halves.py": LAST,
    },
    "ILIAS, of another name": {
        "Ex_Eve_eve.x_12345/20260301150000_mine.py": FIRST,
        "Ex_Eve_eve.x_12345/20260305150000_mine.py": LAST,
    },
    "Brightspace": {
        "12-67 - Eve Ex - Feb 28, 2026 315 PM/halves.py": FIRST,
        "12-67 - Eve Ex - Jan 2, 2026 315 PM/halves.py": FIRST,
        "12-67 - Eve Ex - Mar 5, 2026 300 PM/halves.py": LAST,
    },
    "no time": {
        "Eve Ex_12_assignsubmission_file_/halves - Copy.py": FIRST,
        "Eve Ex_12_assignsubmission_file_/Halves.py": FIRST,
        "Eve Ex_12_assignsubmission_file_/backup/halves.py": FIRST,
        "Eve Ex_12_assignsubmission_file_/halves.py": LAST,
    },
    "times that cannot be read": {
        "12-67 - Eve Ex - le 1 foo/halves.py": LAST,
        "12-67 - Eve Ex - le 2 foo/halves.py": FIRST,
    },
}


@pytest.mark.parametrize("files", ATTEMPTS.values(), ids=ATTEMPTS.keys())
def test_of_several_attempts_the_last_counts(
    course: Course,
    downloads: Path,
    capsys: pytest.CaptureFixture[str],
    files: dict[str, str],
) -> None:
    """By the platform's time, else the one of the right name; and the log says what does not."""
    for name, text in files.items():
        (downloads / name).parent.mkdir(parents=True, exist_ok=True)
        (downloads / name).write_text(text, encoding="utf-8")
    zip_collect(course)
    (folder,) = course.submitted.glob("*/halves")
    assert counts(folder, "halves").read_text(encoding="utf-8") == LAST
    moment = timestamps.timestamp_in(folder)
    last = datetime(2026, 3, 5, 15).astimezone(UTC).replace(tzinfo=None)
    assert moment == (last if "2026" in "".join(files) else None)
    log = capsys.readouterr().err
    for name, text in files.items():
        said = f"a later attempt is there: {name!r}", f"a later one is there: {name!r}"
        said += (f"{name!r} is collected as",)
        assert any(one in log for one in said) is (text == FIRST), name


def test_of_attempts_of_which_a_day_may_be_a_month_all_are_collected(
    course: Course, downloads: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"12-67 - Eve Ex - {day}-03-2026 1500/halves.py" for day in ("05", "13")]
    for name in names:
        (downloads / name).parent.mkdir()
        (downloads / name).write_text(f"# {name}", encoding="utf-8")
    zip_collect(course)
    (folder,) = course.submitted.glob("*/halves")
    assert {file.read_text() for file in folder.glob("*.py")} == {f"# {name}" for name in names}
    assert f"When it was handed in cannot be told: {names[0]!r}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("told", "date"),
    [
        ("05-03-2026 1500", None),
        ("05.03.26 15:00", None),
        ("26-03-05 1500", None),
        ("13-02-2026 15:00", "2026-02-13"),
        ("05-05-2026 15:00", "2026-05-05"),
        ("Mar 5, 2026 315 PM", "2026-03-05"),
        ("5 March 2026 15:00", "2026-03-05"),
        ("2026-03-05 15:00", "2026-03-05"),
        ("2026-03-05-15-00-00", "2026-03-05"),
        ("20260305150000", "2026-03-05"),
        ("le 5 foo", None),
        ("", None),
    ],
)
def test_a_time_is_read_where_it_has_one_reading(told: str, date: str | None) -> None:
    moment = moment_in(told, UTC)
    assert (moment and moment[:10]) == date


@pytest.mark.parametrize(
    ("known", "users", "collected"),
    [
        (["ada7"], ["ADA7"], {"ada7"}),
        (["jose\u0301"], ["jos\u00e9"], {"jose\u0301"}),
        (["ada7"], ["ADA7", "ada7"], {"ADA7", "ada7"}),  # the one that is written so is it
        (["ada7"], ["ADA7", "Ada7"], {"ada7", "Ada7"}),
        (["gross"], ["gross", "gro\u00df"], {"gross", "gro\u00df"}),
        (["gross"], ["gro\u00df"], {"gro\u00df"}),
        (["fin", "ada8"], ["\ufb01n", "\uff41\uff44\uff418"], {"\ufb01n", "\uff41\uff44\uff418"}),
    ],
)
def test_two_names_of_a_platforms_are_two_students(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    known: list[str],
    users: list[str],
    collected: set[str],
) -> None:
    """And one that is alone in its spelling is the class list's."""
    tiny_course.write(tmp_path)
    course = Course(tmp_path)
    archive = course.work / "downloaded" / "halves" / "archive"
    archive.mkdir(parents=True)
    enter_roster(course, [Student(name) for name in known])
    for day, user in enumerate(users, 1):
        name = f"Halves_{user}_attempt_2026-03-0{day}-15-00-00_halves.py"
        (archive / name).write_text("x = 1", encoding="utf-8")
    files = {file for file in zip_collect(course) if file.endswith(".py")}
    assert files == {f"{name}/halves/halves.py" for name in collected}
    log = capsys.readouterr().err
    assert "Not collected" not in log
    assert ("is not 'ada7', who is written" in log) is (known == ["ada7"] and len(users) == 2)


# --- files with odd names -------------------------------------------------------------------------


def test_the_only_notebook_counts_whatever_its_name_then_the_only_module(tmp_path: Path) -> None:
    released = ("conftest.py", "test_public.py", "kit_report.py", ".hidden.py")
    for name in released:
        (tmp_path / name).write_text("x = 1", encoding="utf-8")
    assert counts(tmp_path, "halves").name == "halves.ipynb"
    (tmp_path / "my work.py").write_text("x = 1", encoding="utf-8")
    assert counts(tmp_path, "halves").name == "my work.py"
    (tmp_path / "halves (1).ipynb").write_text("{}", encoding="utf-8")
    assert counts(tmp_path, "halves").name == "halves (1).ipynb"
    (tmp_path / "halves (2).ipynb").write_text("{}", encoding="utf-8")
    assert counts(tmp_path, "halves").name == "halves.ipynb"
    (tmp_path / "HALVES.IPYNB").write_text("{}", encoding="utf-8")
    assert counts(tmp_path, "halves").name == "HALVES.IPYNB"
    (tmp_path / "halves.py").write_text("x = 1", encoding="utf-8")
    assert counts(tmp_path, "halves").name == "halves.py"


def test_what_is_called_in_capitals_goes_before_other_names(tmp_path: Path) -> None:
    (tmp_path / "HALVES.PY").write_text("x = 1", encoding="utf-8")
    (tmp_path / "scratch.ipynb").write_text("{}", encoding="utf-8")
    (tmp_path / "more.py").write_text("x = 1", encoding="utf-8")
    assert counts(tmp_path, "halves").name == "HALVES.PY"
    (tmp_path / "HALVES.IPYNB").write_text("{}", encoding="utf-8")
    assert counts(tmp_path, "halves").name == "HALVES.IPYNB"


@pytest.mark.parametrize("name", ["HALVES.PY", "halves.Py", "mine.PY"])
def test_a_module_in_capitals_is_one(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes("# coding: latin-1\nx = 'é'\n".encode("latin-1"))
    path = counts(tmp_path, "halves")
    assert path.name == name
    assert "é" in read(path).text
    assert [answer.kind for answer in rebuild.student_cells(path)] == ["code"]


@pytest.mark.parametrize("name", ["HALVES.IPYNB", "halves.Ipynb", "mine.IPYNB"])
def test_a_notebook_in_capitals_is_one(tmp_path: Path, name: str) -> None:
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1")])
    nbformat.write(book, tmp_path / "book")
    (tmp_path / "book").rename(tmp_path / name)
    path = counts(tmp_path, "halves")
    assert path.name == name
    assert [unit.kind for unit in read(path).units] == ["cell"]
    assert [answer.source for answer in rebuild.student_cells(path)] == ["x = 1"]


def test_what_is_called_in_capitals_is_collected(course: Course, downloads: Path) -> None:
    (downloads / "Ada Lovelace_5_assignsubmission_file_HALVES.PY").write_text("x = 1")
    with zipfile.ZipFile(downloads / "Alan Turing_6_assignsubmission_file_WORK.ZIP", "w") as made:
        made.writestr("Halves.IPYNB", "{}")
    assert zip_collect(course) == {"ada7/halves/halves.PY", "alan/halves/halves.IPYNB"}


# --- a module's functions -------------------------------------------------------------------------

MODULE = '''\
import torch

# the first try
def halve(x):
    return x


@torch.no_grad()
# again
def halve(
    x,
):
    """Half
of it.
"""
    y = x / 2

    # done
    return y

print(halve(1))
class total: pass
'''


def test_the_last_definition_of_a_function_is_found_by_its_form() -> None:
    lines = MODULE.splitlines()
    first, last = definition(lines, "halve") or (0, 0)
    assert lines[first] == "@torch.no_grad()"
    assert lines[last - 1] == "    return y"
    assert definition(lines, "total") == (len(lines) - 1, len(lines))
    assert definition(lines, "hal") is None


@given(st.lists(st.sampled_from(["def f(x):", "  y", '"""', "", "@a", "# c", ")", "z = 1"])))
def test_a_definition_begins_with_itself_and_stays_within_the_text(lines: list[str]) -> None:
    span = definition(lines, "f")
    assert (span is None) == ("def f(x):" not in lines)
    if span is not None:
        assert 0 <= span[0] < span[1] <= len(lines)
        assert "def f(x):" in lines[slice(*span)]


# --- formulas -------------------------------------------------------------------------------------


def test_formulas_are_mathml_and_words_are_words() -> None:
    page = markdown_with_mathml("Let $x^2 < 1$, so\n\n$$\\sum_i x_i$$\n\nand *done*.")
    assert page.count("<math") == 2
    assert "<msup><mi>x</mi><mn>2</mn></msup>" in page
    assert "<em>done</em>" in page
    assert "$" not in page


@pytest.mark.parametrize(
    "tex",
    [
        r"\text{<script>alert(1)</script>}",
        r"\href{javascript:alert(1)}{x}",
        r"\text{<img src=x onerror=alert(1)>}",
        r"\text{&#60;script>}",
        r"\mathrm{</math><script>}",
        r"\style{background:url(//evil)}{x}",
        r"\unicode{x3C}script>",
        r"\newcommand{\a}{\b\b}\newcommand{\b}{\c\c}\a",
        "{" * 1999,
        r"\frac" * 300,
        "x" * 100_000,
    ],
)
def test_no_formula_holds_anything_alive(tex: str) -> None:
    made = mathml(tex)
    assert "<script" not in made
    assert "<img" not in made
    assert "javascript" not in made or made.startswith("<code>")
    assert "style=" not in made
    assert "href" not in made or made.startswith("<code>")


def test_no_formula_is_longer_than_a_page() -> None:
    for length in ("9999em", "1e9em", "99cm", "5000pt", "1e+9", ".2E9px", "99" * 25 + "mm"):
        assert not is_modest(length), length
        assert length not in mathml(rf"\rule{{{length}}}{{{length}}} \hspace{{{length}}}")
    for length in ("0.2778em", "100%", "3pt", "0em 2em", "-0.1667em", "1cm", "thick", ""):
        assert is_modest(length), length
    assert 'width="2em"' in mathml(r"\rule{2em}{0.4pt}")


@pytest.mark.parametrize(
    "tex", [r"\smash{x}", r"\mathllap{x}", r"\mathrlap{x}", r"\raise 20em x", r"\lower 20em{x}"]
)
def test_no_formula_is_drawn_over_what_stands_around_it(tex: str) -> None:
    made = mathml(tex)
    assert "mpadded" not in made
    assert "<mi>x</mi>" in made


def test_every_formula_of_the_lessons_is_drawn() -> None:
    from test_house import ROOT

    for file in (ROOT / "assignments").glob("*/*.ipynb"):
        for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "markdown" and "$" in "".join(cell["source"]):
                page = markdown_with_mathml("".join(cell["source"]))
                assert "<math" in page
                assert "$" not in page.replace("\\$", "")
