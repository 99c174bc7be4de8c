"""Grading on arrival: what comes is graded, whole, once, as often as is allowed, whatever ends the
watch in between.
"""

from __future__ import annotations

import errno
import fcntl
import itertools
import json
import os
import random
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tiny_course
from forked import Running
from hypothesis import given
from hypothesis import strategies as st
from nbgrader.api import Gradebook
from nbgrader.utils import notebook_hash
from tiny_course import SLUG
from typer.testing import CliRunner

from autograder.assignment import find_assignment
from autograder.cli import app
from autograder.course import Course, put_in_place
from autograder.errors import AuthoringError, AutograderError, UsageError
from autograder.gradebook import entry, timestamps
from autograder.gradebook.commands import run_nbgrader
from autograder.gradebook.entered import Entry
from autograder.gradebook.entry import Entering
from autograder.gradebook.lock import only_one
from autograder.gradebook.rebuild import wrap
from autograder.gradebook.reset import reset
from autograder.gradebook.roster import Student, enter_roster
from autograder.gradebook.single import annotate
from autograder.grading.grader import Grader
from autograder.grading.submission import Found, is_wrapped
from autograder.pages import delivery
from autograder.results import Result
from autograder.sandbox.process import Sandbox
from autograder.watch import entering
from autograder.watch.allowance import Allowance
from autograder.watch.arrivals import Arrivals, Folder
from autograder.watch.entering import Entered, Entries
from autograder.watch.exchange import Exchange
from autograder.watch.jobs import Job, Jobs
from autograder.watch.ledger import Ledger, version_in
from autograder.watch.staff import Staff
from autograder.watch.watch import Watch

RIGHT = tiny_course.VARIANT
WRONG = f"import torch\n{tiny_course.ZEROS}"
HALF = f"{tiny_course.SOLUTION}\n{tiny_course.THIRDS}"
POINTS = {RIGHT: 4.5, WRONG: 0.4, HALF: 1.9}


# --- how many count -------------------------------------------------------------------------------


@given(
    burst=st.integers(1, 5),
    minutes=st.floats(0.1, 600),
    gaps=st.lists(st.floats(0, 5000), max_size=40),
)
def test_no_window_of_time_holds_more_than_the_burst_and_one_an_interval(
    burst: int, minutes: float, gaps: list[float]
) -> None:
    allowance = Allowance(burst, minutes)
    full_at, now, graded = 0.0, 1e9, []
    for gap in gaps:
        now += gap
        opens = allowance.opens_at(full_at, now)
        assert (allowance.left(full_at, now) > 0) == (opens <= now + 1e-3)
        if opens <= now:
            graded.append(now)
            full_at = allowance.take(full_at, now)
    for place, first in enumerate(graded):
        for count, last in enumerate(graded[place:], start=1):
            assert count <= burst + (last - first) / allowance.seconds + 1e-3


def test_three_at_once_then_one_an_hour_unless_told() -> None:
    allowance, full_at, now = Allowance(), 0.0, 1e9
    for _ in range(3):
        assert allowance.opens_at(full_at, now) <= now
        full_at = allowance.take(full_at, now)
    assert allowance.opens_at(full_at, now) == now + 3600
    assert allowance.opens_at(allowance.take(full_at, now + 3600), now + 3600) == now + 7200


def test_a_clock_that_was_set_back_locks_nobody_out_for_longer_than_a_full_bucket_takes() -> None:
    allowance, later = Allowance(3, 60), 1e9
    full_at = allowance.take(0.0, later)
    assert allowance.opens_at(full_at, later - 10**8) <= later - 10**8 + 3600


def test_without_an_interval_everything_counts_at_once() -> None:
    allowance = Allowance(1, 0)
    full_at = allowance.take(0.0, 1e9)
    assert (allowance.opens_at(full_at, 1e9) <= 1e9, allowance.left(full_at, 1e9)) == (True, 1)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("burst = 0", "has burst = 0 in [watch]. It is a whole number, at least 1"),
        ("burst = 1.5", "has burst = 1.5"),
        ("burst = true", "has burst = True"),
        ("minutes = -1", "has minutes = -1 in [watch]. It is a number of minutes"),
        ("minutes = nan", "has minutes = nan"),
        ("hours = 1", "has unknown settings of watch hours. Known are burst, minutes"),
    ],
)
def test_an_allowance_that_makes_no_sense_is_named(tmp_path: Path, line: str, what: str) -> None:
    (tmp_path / "course.toml").write_text(f"[watch]\n{line}\n", encoding="utf-8")
    with pytest.raises(AuthoringError) as caught:
        Allowance.of(Course(tmp_path))
    assert what in str(caught.value)


# --- what has arrived -----------------------------------------------------------------------------


def named(arrivals: Arrivals) -> list[str]:
    return [folder.student for folder in arrivals.look()]


def test_a_file_is_named_when_it_has_stayed_as_it_is_and_not_while_it_grows(tmp_path: Path) -> None:
    file = tmp_path / "alice" / SLUG / f"{SLUG}.py"
    file.parent.mkdir(parents=True)
    arrivals = Arrivals(tmp_path, [SLUG], settle=0.2)
    assert named(arrivals) == []
    for part in ("a = 1\n", "b = 2\n", "c = 3\n"):
        with file.open("a", encoding="utf-8") as growing:
            growing.write(part)
        assert named(arrivals) == []
        time.sleep(0.1)
        assert named(arrivals) == []
    time.sleep(0.21)
    assert named(arrivals) == ["alice"]
    (folder,) = arrivals.look()
    arrivals.done(folder)
    assert named(arrivals) == []
    same_size_and_time = file.stat()
    file.write_text("a = 9\nb = 2\nc = 3\n", encoding="utf-8")
    os.utime(file, ns=(same_size_and_time.st_atime_ns, same_size_and_time.st_mtime_ns))
    assert named(arrivals) == []
    time.sleep(0.21)
    assert named(arrivals) == ["alice"], "a change that hides its time is one all the same"


def test_a_file_by_another_name_is_named_where_it_counts(tmp_path: Path) -> None:
    folder = tmp_path / "ada" / SLUG
    folder.mkdir(parents=True)
    arrivals = Arrivals(tmp_path, [SLUG], settle=0.0)
    assert named(arrivals) == []
    (folder / f"{SLUG} (1).py").write_text("x = 1\n", encoding="utf-8")
    assert named(arrivals) == ["ada"]
    (folder / "other.py").write_text("x = 1\n", encoding="utf-8")
    assert named(arrivals) == []  # which of the two counts, nobody knows


def test_a_new_version_of_it_is_named_beside_a_notebook_without_code_as_well(
    tmp_path: Path,
) -> None:
    """As the gradebook lays one for nbgrader."""
    file = tmp_path / "ada" / SLUG / "my_work.py"
    file.parent.mkdir(parents=True)
    file.write_text("x = 1\n", encoding="utf-8")
    assert wrap(file.parent, SLUG)
    arrivals = Arrivals(tmp_path, [SLUG], settle=0.0)
    (folder,) = arrivals.look()
    assert version_in(folder).data == b"x = 1\n"
    arrivals.done(folder)
    assert named(arrivals) == []
    file.write_text("x = 2  # a new version\n", encoding="utf-8")
    assert named(arrivals) == ["ada"]


def test_a_clock_that_is_set_right_leaves_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "bob" / SLUG / f"{SLUG}.py"
    file.parent.mkdir(parents=True)
    file.write_text("x = 1\n", encoding="utf-8")
    arrivals, ahead, right = Arrivals(tmp_path, [SLUG], settle=0.0), 86400.0, time.time
    monkeypatch.setattr(time, "time", lambda: right() + ahead)
    (folder,) = arrivals.look()
    arrivals.postpone(folder, time.time() + 60, deferred=True)
    assert named(arrivals) == []
    ahead = 0.0
    assert named(arrivals) == ["bob"]
    arrivals.postpone(folder, time.time() + 60, deferred=True)
    assert named(arrivals) == []
    ahead = 61.0
    assert named(arrivals) == ["bob"]


def test_what_waits_is_named_when_its_time_has_come_or_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "bob" / SLUG / f"{SLUG}.ipynb"
    file.parent.mkdir(parents=True)
    file.write_text("{}", encoding="utf-8")
    arrivals = Arrivals(tmp_path, [SLUG], settle=0.0)
    (folder,) = arrivals.look()
    arrivals.postpone(folder, time.time() + 0.2, deferred=True)
    assert (named(arrivals), arrivals.quiet()) == ([], True)
    time.sleep(0.21)
    assert named(arrivals) == ["bob"]
    arrivals.postpone(folder, time.time() + 1000, deferred=True)
    file.write_text("{ }", encoding="utf-8")
    assert named(arrivals) == ["bob"]


def test_a_version_says_when_it_came_as_the_gradebook_reads_it_and_nothing_else(
    tmp_path: Path,
) -> None:
    """A copy of it is a submission as any other."""
    work = tmp_path / "submitted" / "ada" / SLUG
    work.mkdir(parents=True)
    (work / f"{SLUG}.py").write_text(RIGHT, encoding="utf-8")
    ledger, folder = Ledger(Course(tmp_path)), Folder(work, "ada", SLUG)
    for moment, secret in (("2026-11-27 08:00:00 UTC", "s" * 64), ("next monday", "a b" * 6)):
        (work / "timestamp.txt").write_text(moment, encoding="utf-8")
        (work / "submission_secret.txt").write_text(secret, encoding="utf-8")
        version = version_in(folder)
        read = timestamps.timestamp_in(work)
        assert version.timestamp == (moment if read is not None else "")
        assert version.secret == (timestamps.secret_in(work) or "")
        with ledger.laid(SLUG, version) as laid:
            notebook = laid / f"{SLUG}.ipynb"
            assert is_wrapped(notebook.read_text(encoding="utf-8"), notebook)


def no_room(*_: Any) -> Any:
    raise OSError(errno.ENOSPC, "No space left on device")


# --- the whole ------------------------------------------------------------------------------------


@pytest.fixture
def course(released: Path, tmp_path: Path) -> Course:
    shutil.copytree(released, tmp_path / "course")
    return Course(tmp_path / "course")


class Watched:
    """A watch in this process, in the sandbox that is warm already."""

    def __init__(self, course: Course, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
        self.course, self.sandbox = course, sandbox
        self.entered: list[Entered] = []
        self.said: list[str] = []
        monkeypatch.setattr(Watch, "_warm", lambda watching: sandbox)

    def run(self) -> list[tuple[str | None, float]]:
        """Watch until there is nothing to do; gives who has how many points now."""
        before, course = len(self.entered), Course(self.course.root)  # its settings read anew
        watching = Watch(
            course,
            [find_assignment(course, SLUG)],
            workers=2,
            settle=0.01,
            tell=self.entered.append,
            say=self.said.append,
        )
        with closing(watching):
            watching.run(once=True)
        return sorted((one.result.student, one.result.score) for one in self.entered[before:])

    def page(self, student: str) -> str:
        return (self.course.feedback / student / SLUG / f"{SLUG}.html").read_text("utf-8")


@pytest.fixture
def watched(course: Course, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(course, sandbox, monkeypatch)


def hand_in(course: Course, student: str, text: str, name: str = f"{SLUG}.py") -> None:
    """Lay a file for a student, by a rename, as careful programs do."""
    folder = course.submitted / student / SLUG
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".new").write_text(text, encoding="utf-8")
    (folder / ".new").rename(folder / name)


def allow(course: Course, burst: int, minutes: float) -> None:
    (course.root / "course.toml").write_text(f"[watch]\nburst = {burst}\nminutes = {minutes}\n")


def scores(course: Course) -> dict[str, float]:
    with Gradebook(f"sqlite:///{course.gradebook}") as book:
        return {one.student.id: one.score for one in book.assignment_submissions(SLUG)}


@pytest.mark.slow
def test_what_is_handed_in_ends_in_the_gradebook_and_on_a_page_each_version_once(
    watched: Watched,
) -> None:
    course = watched.course
    allow(course, 2, 60)
    hand_in(course, "alice", RIGHT)
    hand_in(course, "zoë +1", WRONG)
    hand_in(course, "cut", '{"cells": [', f"{SLUG}.ipynb")
    (course.submitted / "link" / SLUG).mkdir(parents=True)
    (course.submitted / "link" / SLUG / f"{SLUG}.py").symlink_to("/etc/passwd")
    (course.submitted / "empty" / SLUG).mkdir(parents=True)
    expected = {"alice": 4.5, "zoë +1": POINTS[WRONG], "cut": 0.0, "link": 0.0}
    assert dict(watched.run()) == expected
    assert scores(course) == expected
    assert "1 more version of this" in watched.page("alice")
    assert "is a link" in watched.page("link")
    assert watched.run() == [], "nothing is graded twice"

    hand_in(course, "alice", HALF)
    assert watched.run() == [("alice", POINTS[HALF])]
    assert "The next version that you hand in is graded after" in watched.page("alice")
    for text in (WRONG, RIGHT + "\n# again\n", WRONG + "\n# the last\n"):
        hand_in(course, "alice", text)
        assert watched.run() == []
    assert "It is graded after" in watched.page("alice")
    assert watched.page("alice").count('<div id="autograder-arrival"') == 1
    assert scores(course)["alice"] == POINTS[HALF]

    hand_in(course, "alice", RIGHT)
    assert watched.run() == [("alice", 4.5)], "a version that has counted costs nothing again"
    hand_in(course, "alice", WRONG + "\n# the last\n")
    allow(course, 2, 0)
    assert watched.run() == [("alice", POINTS[WRONG])], "what waited is graded, the latest of it"
    assert scores(course) == expected | {"alice": POINTS[WRONG]}


@pytest.mark.slow
def test_what_counted_and_was_not_entered_is_entered_even_when_something_newer_waits(
    watched: Watched,
) -> None:
    """As a kill between two steps leaves it."""
    course = watched.course
    allow(course, 1, 60)
    hand_in(course, "alice", RIGHT)
    assert watched.run() == [("alice", 4.5)]
    ledger = Ledger(course)
    account = ledger.account(SLUG, "alice")
    (file,) = (ledger.folder / "ledger" / SLUG).glob("*.json")
    file.write_text(json.dumps(json.loads(file.read_text()) | {"entered": ""}))
    hand_in(course, "alice", WRONG)
    assert watched.run() == [("alice", 4.5)]
    assert Ledger(course).account(SLUG, "alice").full_at == account.full_at, "no second token"
    file.write_text('{"student": "alice", "counted": 3')
    assert watched.run() == [("alice", POINTS[WRONG])], "a ledger that cannot be read begins anew"


@pytest.mark.slow
def test_who_is_given_longer_is_entered_again_and_nobody_else(watched: Watched) -> None:
    course = watched.course
    late = '[watch]\nburst = 1\n[late]\npolicy = "percent"\npercent = 10\n'
    (course.root / "course.toml").write_text(late, encoding="utf-8")
    with Gradebook(f"sqlite:///{course.gradebook}") as book:
        book.update_or_create_assignment(SLUG, duedate=datetime(2026, 11, 1))
    for student in ("alice", "bob"):
        hand_in(course, student, RIGHT)
        moment = course.submitted / student / SLUG / "timestamp.txt"
        moment.write_text("2026-11-03 12:00:00 UTC", encoding="utf-8")
    assert watched.run() == [("alice", 4.5), ("bob", 4.5)]
    longer = late + "[extensions.halves]\nbob = 5\n"
    (course.root / "course.toml").write_text(longer, encoding="utf-8")
    assert watched.run() == [("bob", 4.5)], "without a token"
    assert watched.run() == []
    with Gradebook(f"sqlite:///{course.gradebook}") as book:
        lost = {
            one.student.id: one.late_submission_penalty for one in book.assignment_submissions(SLUG)
        }
    assert lost == {"alice": pytest.approx(1.35), "bob": 0.0}


@pytest.mark.slow
def test_what_cannot_be_entered_is_said_and_tried_again(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = watched.course
    hand_in(course, "alice", RIGHT)
    hand_in(course, "bob", RIGHT)
    enter = Entering.enter

    def fails_for_alice(entering: Entering, entry: Entry) -> None:
        if entry.student == "alice":
            raise OSError("the database is away")
        enter(entering, entry)

    with monkeypatch.context() as patched:
        patched.setattr(Entering, "enter", fails_for_alice)
        assert watched.run() == [("bob", 4.5)]
    assert any("alice" in line and "the database is away" in line for line in watched.said)
    assert watched.run() == [("alice", 4.5)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("room", "method"),
    [(Ledger, "write"), (Ledger, "keep"), (Jobs, "done"), (Watch, "_grade")],
    ids=["account", "version", "entered", "graded"],
)
def test_a_full_disk_ends_no_watch_and_what_it_kept_from_being_done_is_tried_again(
    watched: Watched, monkeypatch: pytest.MonkeyPatch, room: type, method: str
) -> None:
    course = watched.course
    allow(course, 1, 60)
    does, tries = getattr(room, method), itertools.count()

    def fails_once(*given: Any) -> Any:
        if next(tries) == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return does(*given)

    for student in ("alice", "bob"):
        hand_in(course, student, RIGHT)
    with monkeypatch.context() as patched:
        patched.setattr(room, method, fails_once)
        entered = watched.run()
    assert any("No space left on device" in line for line in watched.said)
    assert watched.run() == sorted({("alice", 4.5), ("bob", 4.5)} - set(entered))
    assert scores(course) == {"alice": 4.5, "bob": 4.5}
    accounts = [Ledger(course).account(SLUG, name) for name in ("alice", "bob")]
    assert max(account.full_at for account in accounts) <= time.time() + 3600, "no second token"


def test_what_could_not_be_kept_is_taken_when_its_time_has_come(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_in(course, "alice", RIGHT)
    said: list[str] = []
    graders = {SLUG: Grader.of_course(find_assignment(course, SLUG))}
    jobs = Jobs(course, graders, settle=0.0, at_a_time=8, say=said.append)
    jobs.begin()
    monkeypatch.setattr("autograder.watch.jobs.SELDOM", 0)
    monkeypatch.setattr("autograder.watch.jobs.RETRY", 0.1)
    with monkeypatch.context() as patched:
        patched.setattr("autograder.watch.ledger.write_whole", no_room)
        assert (jobs.batch(), len(jobs.refused), jobs.quiet()) == ([], 1, True)
    assert jobs.batch() == []
    time.sleep(0.11)
    assert [job.student for job in jobs.batch()] == ["alice"]
    assert (jobs.refused, len(said)) == (set(), 1)


def test_what_could_not_be_kept_and_was_taken_away_is_no_matter_any_more(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_in(course, "alice", RIGHT)
    hand_in(course, "bob", RIGHT)
    graders = {SLUG: Grader.of_course(find_assignment(course, SLUG))}
    jobs = Jobs(course, graders, settle=0.0, at_a_time=8, say=lambda line: None)
    jobs.begin()
    monkeypatch.setattr("autograder.watch.jobs.SELDOM", 0)
    with monkeypatch.context() as patched:
        patched.setattr("autograder.watch.ledger.write_whole", no_room)
        assert (jobs.batch(), len(jobs.refused)) == ([], 2)
    shutil.rmtree(course.submitted / "alice")
    for file in (course.submitted / "bob" / SLUG).iterdir():
        file.unlink()
    assert (jobs.batch(), jobs.refused, jobs.quiet()) == ([], set(), True)


@pytest.mark.slow
def test_what_comes_through_the_exchange_is_collected_whole_and_its_page_given_back(
    watched: Watched, tmp_path: Path
) -> None:
    course, inbound = watched.course, tmp_path / "exchange" / "la" / "inbound"
    settings = f'course_id = "la"\nexchange = "{tmp_path / "exchange"}"\n'
    (course.root / "course.toml").write_text(settings, encoding="utf-8")
    secret, pages = "s" * 64, tmp_path / "exchange" / "la" / "feedback"
    moments = [f"2026-11-27 08:0{minute}:00.000000 UTC" for minute in (0, 1)]
    for moment, text in zip(moments, (WRONG, RIGHT), strict=True):
        folder = inbound / f"alice+{SLUG}+{moment}+abc"
        folder.mkdir(parents=True)
        (folder / f"{SLUG}.py").write_text(text, encoding="utf-8")
        (folder / "timestamp.txt").write_text(moment, encoding="utf-8")
    assert watched.run() == [], "nothing is whole yet"
    (folder / "submission_secret.txt").write_text(secret, encoding="utf-8")
    (inbound / f"alice+{SLUG}+2099-01-01 00:00:00 UTC+file").write_text("")
    for name in (f"alice+{SLUG}+zzz+x", f"mallory+{SLUG}+once upon a time+x", f"+{SLUG}+", SLUG):
        (inbound / name).mkdir()
        (inbound / name / "submission_secret.txt").write_text(secret, encoding="utf-8")
    assert watched.run() == [("alice", 4.5)], "of two, the latest; and nobody is in her way"
    run_nbgrader(Course(course.root), "collect", SLUG, update=True)
    assert os.listdir(course.submitted) == ["alice"]
    assert f"{SLUG}.py" in os.listdir(course.submitted / "alice" / SLUG)
    name = notebook_hash(secret=secret, notebook_id=SLUG)
    assert "halve" in (pages / f"{name}.html").read_text(encoding="utf-8")
    assert watched.run() == []
    with Gradebook(f"sqlite:///{course.gradebook}") as book:
        assert book.find_submission(SLUG, "alice").timestamp.minute == 1


def test_what_the_grader_fails_on_costs_a_token_each_time_that_it_is_handed_in(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was graded costs nothing again, since nothing is run for it."""
    allow(course, 2, 60)
    monkeypatch.setattr("autograder.watch.jobs.SELDOM", 0)
    graders = {SLUG: Grader.of_course(find_assignment(course, SLUG))}
    said: list[str] = []
    jobs = Jobs(course, graders, settle=0.0, at_a_time=8, say=said.append)
    entries = Entries(graders, jobs, None, workers=1, tell=lambda entered: None)

    def graded(hour: int, status: str) -> list[str]:
        hand_in(course, "alice", RIGHT)
        moment = course.submitted / "alice" / SLUG / "timestamp.txt"
        moment.write_text(f"2026-11-01 {hour}:00:00 UTC", encoding="utf-8")
        batch = jobs.batch()
        if status == "graded":
            for job in batch:
                jobs.done(job)
        else:
            result = graders[SLUG].blank(Found(moment, "alice"), status, "it fails", 0.0)
            entries.enter(SLUG, [(job, result) for job in batch])
        return [job.student for job in batch]

    assert [graded(hour, "graded") for hour in (10, 11, 12)] == [["alice"]] * 3
    assert [graded(hour, "grader_error") for hour in (13, 14, 15)] == [["alice"]] * 2 + [[]]
    assert "waits until" in said[-1]


class Inbound:
    """The exchange of a course, in which alice hands in."""

    def __init__(self, course: Course, exchange: Path) -> None:
        settings = f'course_id = "la"\nexchange = "{exchange}"\n'
        (course.root / "course.toml").write_text(settings, encoding="utf-8")
        self.course, self.folder = course, exchange / "la" / "inbound"
        self.said: list[str] = []
        self.place = course.submitted / "alice" / SLUG

    def hand_in(self, text: str, moment: str, told: str = "") -> Path:
        """Lay a version there. told: what its own file says of the time, if something else"""
        folder = self.folder / f"alice+{SLUG}+{moment}+abc"
        folder.mkdir(parents=True)
        (folder / f"{SLUG}.py").write_text(text, encoding="utf-8")
        (folder / "timestamp.txt").write_text(told or moment, encoding="utf-8")
        (folder / "submission_secret.txt").write_text("s" * 64, encoding="utf-8")
        return folder

    def lay(self, text: str, moment: str) -> None:
        """What an instructor lays in `submitted/`."""
        hand_in(self.course, "alice", text)
        (self.place / "timestamp.txt").write_text(moment, encoding="utf-8")

    def begin(self) -> Exchange:
        course = Course(self.course.root)
        return Exchange(course, [SLUG], Ledger(course), self.said.append)

    def collect(self) -> tuple[str, str]:
        """Collect as a watch does that begins; gives the work that lies there, and its time."""
        self.begin().collect()
        file, moment = self.place / f"{SLUG}.py", self.place / "timestamp.txt"
        return file.read_text(encoding="utf-8"), moment.read_text(encoding="utf-8")


@pytest.fixture
def inbound(course: Course, tmp_path: Path) -> Inbound:
    return Inbound(course, tmp_path / "exchange")


EARLY, NOON, SOON, LATER, LATE = (
    f"2026-11-27 {hour}:00:00.000000 UTC" for hour in ("08", "12", "13", "14", "16")
)


def test_what_was_mended_after_it_was_collected_stays_until_something_newer_comes(
    inbound: Inbound,
) -> None:
    inbound.hand_in(WRONG, NOON)
    assert inbound.collect() == (WRONG, NOON)
    for moment in (EARLY, LATE):
        inbound.lay(HALF, moment)
        assert inbound.collect() == (HALF, moment)
    inbound.lay(HALF, EARLY)
    inbound.hand_in(RIGHT, LATE)
    assert inbound.collect() == (RIGHT, LATE)
    shutil.rmtree(inbound.place)
    assert inbound.collect() == (RIGHT, LATE), "what was taken away is collected again"


def test_work_that_was_given_a_later_time_gives_way_to_the_next(inbound: Inbound) -> None:
    """Which came before that time, as somebody was given longer; other work does not."""
    inbound.hand_in(WRONG, NOON)
    assert inbound.collect() == (WRONG, NOON)
    inbound.lay(WRONG, LATE)
    assert inbound.collect() == (WRONG, LATE)
    inbound.hand_in(RIGHT, SOON)
    assert inbound.collect() == (RIGHT, SOON)
    inbound.lay(HALF, LATE)
    inbound.hand_in(WRONG, LATER)
    assert inbound.collect() == (HALF, LATE)


def test_what_was_laid_by_hand_gives_way_to_nothing_older(inbound: Inbound) -> None:
    inbound.lay(HALF, LATE)
    inbound.hand_in(WRONG, NOON)
    assert inbound.collect() == (HALF, LATE)
    assert "not collected, as what lies there is of a later time" in inbound.said[-1]
    inbound.lay(HALF, EARLY)
    assert inbound.collect() == (WRONG, NOON)


def test_what_nbgrader_has_collected_is_not_collected_again(inbound: Inbound) -> None:
    inbound.hand_in(WRONG, NOON)
    inbound.lay(WRONG, NOON)
    inbound.collect()
    inbound.lay(HALF, EARLY)
    assert (inbound.collect(), inbound.said) == ((HALF, EARLY), [])


def test_a_time_that_a_students_file_makes_up_keeps_no_newer_version_away(
    inbound: Inbound,
) -> None:
    inbound.hand_in(WRONG, EARLY, told="2099-01-01 00:00:00 UTC")
    assert inbound.collect()[0] == WRONG
    inbound.hand_in(RIGHT, NOON)
    assert inbound.collect() == (RIGHT, NOON)
    assert len(inbound.said) == 2


def test_what_breaks_off_while_it_is_collected_takes_nothing_away_and_is_tried_again(
    course: Course, inbound: Inbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbound.hand_in(RIGHT, EARLY)
    hand_in(course, "alice", WRONG)
    collecting = inbound.begin()
    monkeypatch.setattr("autograder.watch.exchange.RETRY", 0.0)

    with monkeypatch.context() as patched:
        patched.setattr("autograder.gradebook.exchange._copy", no_room)
        collecting.collect()
    assert "not collected" in inbound.said[-1]
    there = course.submitted / "alice" / SLUG / f"{SLUG}.py"
    assert there.read_text(encoding="utf-8") == WRONG
    collecting.collect()
    assert there.read_text(encoding="utf-8") == RIGHT


@pytest.mark.slow
def test_what_is_taken_out_may_come_again_and_comes_back_by_no_check(watched: Watched) -> None:
    """As if it had never been handed in: its token is there again, too."""
    course, hidden = watched.course, watched.course.staff / SLUG / "test_hidden.py"
    allow(course, 1, 60)
    hand_in(course, "alice", RIGHT)
    assert watched.run() == [("alice", 4.5)]
    assignment = find_assignment(course, SLUG)
    with only_one(course), pytest.raises(UsageError, match="another process enters grades"):
        reset(assignment, ["alice"])
    reset(assignment, ["alice"])
    text = hidden.read_text()
    hidden.write_text(text.replace("draw.uniform(5)", "draw.uniform(6)"))
    assert watched.run() == [], "a corrected check enters what was taken out"
    assert scores(course) == {}
    hidden.write_text(text)
    hand_in(course, "alice", RIGHT)
    assert watched.run() == [("alice", 4.5)]
    assert scores(course) == {"alice": 4.5}


def test_one_watch_at_a_time(course: Course) -> None:
    with only_one(course):
        with pytest.raises(UsageError, match=f": {os.getpid()}, a watch"), only_one(course):
            pass
        done = CliRunner().invoke(app, ["watch"], env={"AUTOGRADER_COURSE": str(course.root)})
        assert (done.exit_code, "another process enters grades" in done.stderr) == (2, True)
        (course.submitted / "ann" / SLUG).mkdir(parents=True)
        done = CliRunner().invoke(
            app, ["gradebook", SLUG], env={"AUTOGRADER_COURSE": str(course.root)}
        )
        assert (done.exit_code, "another process enters grades" in done.stderr) == (2, True)
        assert done.stdout == "", "the class was graded first"
    with only_one(course):
        pass


def test_a_name_in_another_form_is_told(course: Course, watched: Watched) -> None:
    """It is somebody else to nbgrader, and looks the same in every table."""
    enter_roster(course, [Student("jos\u00e9", "José", "Díaz")])
    hand_in(course, "jose\u0301", RIGHT)
    assert watched.run() == [("jose\u0301", 4.5)]
    (told,) = [line for line in watched.said if "Unicode form" in line]
    assert told.startswith("'jose\\u0301' and 'jos\\xe9' differ in case or Unicode form alone")


def hangs(*_: Any) -> None:
    time.sleep(60)


def test_what_hangs_while_a_student_is_entered_is_ended(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = Result(SLUG, "x", "ann", "graded", 4.5)
    one = Entry("ann", course.submitted / "ann" / SLUG, Path("x"), result)
    monkeypatch.setattr(entry, "SECONDS", 0.2)
    monkeypatch.setattr(Entering, "enter", hangs)
    problems = entry.enter_class(find_assignment(course, SLUG), [one], 2)
    assert problems == ["ann: the process ended (exit status -9)"]


def test_what_hangs_while_a_page_is_written_is_ended(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = course.work / "autograded" / "ann" / SLUG / f"{SLUG}.ipynb"
    notebook.parent.mkdir(parents=True)
    notebook.write_text("{}", encoding="utf-8")
    monkeypatch.setattr(delivery, "SECONDS", 0.2)
    monkeypatch.setattr(delivery.Delivery, "write", hangs)
    problems = delivery.write_pages(find_assignment(course, SLUG), 2)
    assert problems == ["ann: the process ended (exit status -9)"]


def test_a_watch_goes_on_after_what_hangs(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Any] = []
    grader: Any = SimpleNamespace(assignment=find_assignment(course, SLUG), rounds=None)
    jobs: Any = SimpleNamespace(
        course=course, note=lambda job: "", again=lambda job, why: said.append(why)
    )
    entries = Entries({SLUG: grader}, jobs, None, workers=2, tell=said.append)
    monkeypatch.setattr(entering, "SECONDS", 0.2)
    monkeypatch.setattr(Entering, "enter", hangs)
    folder = Folder(course.submitted / "ann" / SLUG, "ann", SLUG)
    job = Job(folder, "key", "content", time.monotonic())
    entries.enter(SLUG, [(job, Result(SLUG, "x", "ann", "graded", 4.5))])
    assert said == ["exit status -9"]


def test_a_file_system_without_locks_is_told_as_that(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refused)
    with pytest.raises(AutograderError, match="cannot be locked") as told, only_one(course):
        pass
    assert "another process" not in str(told.value)


def test_a_new_release_is_a_change_of_the_staffs_side(course: Course) -> None:
    """Which cells of a notebook run depends on those that were released."""
    assignment = find_assignment(course, SLUG)
    staff = Staff(course, [assignment])
    assert staff.unchanged()
    text = assignment.notebook.read_text(encoding="utf-8")
    assignment.notebook.write_text(text.replace("The end.", "At last."), encoding="utf-8")
    assert not staff.unchanged()


@pytest.mark.parametrize(
    ("settings", "same"),
    [
        ("workers = 2  # the machine's", True),
        ("workers = 3", False),
        ("workers = 2\n[extensions.halves]\nbob = 5", False),
        ("workers = 2\n[late]\npolicy = 'zero'", False),
        ("workers = 2\n[watch]\nminutes = 0", False),
        ("workers = 2\n[limits]\ncall_wall_seconds = 7", False),
        ("workers = 2\n[watch]\nminutes = 'none'", False),
        ("workers = ", False),
    ],
)
def test_other_settings_are_a_change_of_the_staffs_side(
    course: Course, settings: str, same: bool
) -> None:
    file = course.root / "course.toml"
    file.write_text("workers = 2\n", encoding="utf-8")
    staff = Staff(course, [find_assignment(course, SLUG)])
    assert staff.unchanged()
    file.write_text(settings, encoding="utf-8")
    assert staff.unchanged() is same


def test_what_is_wrong_with_the_settings_is_said_while_the_watch_waits(
    course: Course, caplog: pytest.LogCaptureFixture
) -> None:
    staff = Staff(course, [find_assignment(course, SLUG)])
    assert staff.unchanged()
    (course.root / "course.toml").write_text("[extensions\n", encoding="utf-8")
    assert not staff.unchanged()
    assert not staff.unchanged()
    (told,) = [record.getMessage() for record in caplog.records]
    assert "course.toml" in told


def test_what_changes_while_the_staffs_side_is_loaded_is_a_change_as_well(course: Course) -> None:
    assignments = [find_assignment(course, SLUG)]
    assert course.settings.workers == 0
    (course.root / "course.toml").write_text("workers = 2\n", encoding="utf-8")
    assert not Staff(course, assignments).unchanged()


def test_an_assignment_that_is_not_released_is_named_before_anything_is_graded(
    course: Course,
) -> None:
    course.gradebook.unlink()
    done = CliRunner().invoke(app, ["watch"], env={"AUTOGRADER_COURSE": str(course.root)})
    assert done.exit_code == 2
    assert f"autograder release {SLUG}" in done.stderr


def test_a_note_takes_the_place_of_the_one_before_and_nothing_elses(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text('<html><body class="x">\n<p>&lt;body&gt; <div>mine</div></p></body></html>')
    assert annotate(page, "after 3 < 4")
    assert annotate(page, "after 4")
    assert not annotate(page, "after 4")
    text = page.read_text()
    assert text.count("autograder-arrival") == 1
    assert "<div>mine</div>" in text
    assert text.index("after 4") < text.index("mine")


def test_a_folder_takes_the_place_of_another(tmp_path: Path) -> None:
    for name in ("new", "place"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text("")
    put_in_place(tmp_path / "new", tmp_path / "place")
    assert [path.name for path in tmp_path.rglob("*")] == ["place", "new"]


def test_a_folder_that_nothing_can_take_the_place_of_stays(tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / "work").write_text("")
    with pytest.raises(OSError, match="missing"):
        put_in_place(tmp_path / "missing", tmp_path / "place")
    assert [path.name for path in tmp_path.rglob("*")] == ["place", "work"]


# --- as a process ---------------------------------------------------------------------------------


@pytest.fixture
def start(course: Course, sandbox: Sandbox) -> Iterator[Any]:
    """Start the command; it is killed in the end."""
    with ExitStack() as started:

        def run(*options: str) -> Running:
            words = ("watch", "--settle", "0.1", *options)
            running = Running("autograder", *words, folder=course.root, sandbox=sandbox)
            return started.enter_context(running)

        yield run


def wait_for(process: Running, what: str) -> str:
    """Its next line that holds some words."""
    for line in process.lines():
        if what in line:
            return line
    raise AssertionError(f"the watch ended without saying {what!r}: {process.errors}")


@pytest.mark.slow
def test_killed_at_random_instants_it_loses_nothing_and_leaves_every_file_whole(
    course: Course, start: Any
) -> None:
    chance = random.Random(5)
    allow(course, 2, 60)
    texts = {f"student{number}": f"{RIGHT}\n# {number}\n" for number in range(8)}
    texts["student3"] = WRONG
    for student, text in texts.items():
        hand_in(course, student, text)
    for _ in range(2):
        process = start()
        wait_for(process, "watching")
        time.sleep(chance.uniform(1.0, 4.0))
        process.kill(group=True)
    hand_in(course, "student3", RIGHT + "\n# at last\n")
    process = start("--once")
    assert process.wait(200) == 0, process.output + process.errors
    assert scores(course) == dict.fromkeys(texts, 4.5)
    for page in course.feedback.glob(f"*/{SLUG}/*.html"):
        assert page.read_text(encoding="utf-8").rstrip().endswith("</html>")
    for file in course.work.glob(f"autograded/*/{SLUG}/*.ipynb"):
        json.loads(file.read_text(encoding="utf-8"))
    ledger, now = Ledger(course), time.time()
    for student in texts:
        counted = 2 if student == "student3" else 1
        account = ledger.account(SLUG, student)
        assert len(account.counted) <= counted
        assert account.full_at <= now + counted * 3600


@pytest.mark.slow
def test_it_grades_what_comes_begins_anew_when_a_check_changes_and_ends_at_ctrl_c(
    watched: Watched, start: Any
) -> None:
    course = watched.course
    hand_in(course, "alice", f"{RIGHT}\n\ndef total(x):\n    return x[:5].sum()\n")
    assert watched.run() == [("alice", 4.5)]
    hidden = course.staff / SLUG / "test_hidden.py"
    text = hidden.read_text()
    hidden.write_text(text.replace("x.sum(), ", "2 * x.sum(), "))
    process = start()
    wait_for(process, "right answers lose points, so nobody was graded")
    hidden.write_text(text.replace("draw.uniform(5)", "draw.uniform(6)"))
    wait_for(process, "beginning anew")
    assert "4/4.5" in wait_for(process, "alice"), "by the new check"
    hand_in(course, "bob", RIGHT)
    assert "4.5/4.5" in wait_for(process, "bob")
    process.interrupt()
    assert process.wait(30) == 130
    assert "interrupted" in process.output + process.errors
