"""Right answers first: a check that is broken for everybody stops the run before the class, and
once; and what is handed in after feedback meets other inputs.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import tiny_course
from click.testing import Result as Ended
from conftest import nbgrader
from hypothesis import given
from hypothesis import strategies as st
from nbgrader.api import Gradebook

from autograder.assignment import Assignment, read_assignment
from autograder.course import Course
from autograder.errors import PreflightFailed
from autograder.grading import grader as grading
from autograder.grading.grader import Grader
from autograder.grading.preflight import mark_of, preflight
from autograder.grading.rounds import Rounds, secret_of
from autograder.results import Check
from autograder.sandbox.process import Sandbox

SLUG = tiny_course.SLUG
Command = Callable[..., Ended]
RIGHT = "def halve(x, factor=0.5):\n    return x * factor\n\n\ndef total(x):\n    return x.sum()\n"
WRONG = RIGHT.replace("x * factor", "x / 3")
TELLS = RIGHT.replace("x.sum()", "1 / 0 if len(x) < 5 else exec('raise ValueError(x.sum())')")
SPOILT = "x.sum() + (draw.uniform(1).item() < 2), "  # for every secret


@pytest.fixture
def course(tmp_path: Path) -> Path:
    tiny_course.write(tmp_path)
    return tmp_path


@pytest.fixture
def halves(course: Path) -> Assignment:
    return read_assignment(course / "reference_solutions" / SLUG)


def hand_in(course: Path, **students: str) -> None:
    for student, text in students.items():
        folder = course / "course" / "submitted" / student / SLUG
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{SLUG}.py").write_text(text, encoding="utf-8")


def spoil(course: Path) -> None:
    """A hidden check takes a point from everybody."""
    checks = course / "reference_solutions" / SLUG / "test_hidden.py"
    text = checks.read_text(encoding="utf-8")
    checks.write_text(text.replace("x.sum(), ", SPOILT), encoding="utf-8")


def graded(ended: Ended) -> dict[str, dict]:
    """The results of `grade --json -` by student."""
    results = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
    return {result["student"]: result for result in results}


# --- right answers first --------------------------------------------------------------------------


def test_a_check_that_fails_everybody_stops_the_run_before_the_class(
    course: Path, command: Command
) -> None:
    hand_in(course, anna=RIGHT, bert=WRONG)
    spoil(course)
    with closing(sqlite3.connect(Course(course).gradebook)) as book:  # as if it were released
        book.executescript(
            f"create table assignment (name); insert into assignment values ('{SLUG}')"
        )
    for words in (["grade", SLUG, "--json", "-"], ["gradebook", SLUG]):
        done = command(course, *words)
        assert (done.exit_code, done.stdout) == (1, "")
        assert done.stderr.count("right answers lose points, so nobody was graded") == 1
        for name in ("solution.py", "variants/divides.py"):
            assert f"{name}: test_total_of_a_secret_vector (total 0.5, failed: " in done.stderr
        assert "--no-preflight" in done.stderr
    assert not list(course.rglob("results/**/*"))
    done = command(course, "grade", SLUG, "--json", "-", "--no-preflight")
    assert (done.exit_code, graded(done)["anna"]["score"]) == (0, 4.0)


def test_a_check_that_cannot_be_run_is_told_once(course: Path, command: Command) -> None:
    hand_in(course, anna=RIGHT, bert=WRONG)
    checks = course / "reference_solutions" / SLUG / "test_hidden.py"
    text = checks.read_text(encoding="utf-8")
    checks.write_text(text.replace("    x = draw", "    1 / 0\n    x = draw"), encoding="utf-8")
    done = command(course, "grade", SLUG, "--workers", "1")
    assert (done.exit_code, done.stderr.count("grader_error")) == (1, 1), done.stderr
    assert "ZeroDivisionError" in Course(course).log.read_text(encoding="utf-8")


def test_what_was_found_right_is_not_graded_again(
    halves: Assignment, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And starts no sandbox; a changed check, variant or secret has it looked at anew."""
    grader = Grader(halves, "secret", sandbox=sandbox)
    told: list[tuple[int, int]] = []
    results = halves.course.results
    preflight(grader, {0}, 1, results, progress=lambda *counts: told.append(counts))
    assert told == [(1, 2), (2, 2)]
    monkeypatch.setattr(Sandbox, "begin", lambda *_: 1 / 0)
    preflight(Grader(halves, "secret"), {0}, 1, results)
    marks = {mark_of(grader, secret, results) for secret in ("secret", "another")}
    halves.variants[0].write_text(RIGHT, encoding="utf-8")
    marks.add(mark_of(grader, "secret", results))
    spoil(halves.course.root)
    changed = Grader(read_assignment(halves.folder), "secret", sandbox=sandbox)
    marks.add(mark_of(changed, "secret", results))
    assert [mark.is_file() for mark in marks].count(True) == 1
    assert len(marks) == 4
    with pytest.raises(PreflightFailed):
        preflight(changed, {0}, 2, results)
    assert not mark_of(changed, "secret", results).exists()


@pytest.mark.usefixtures("in_this_process")
def test_a_changed_check_alone_is_run_on_right_answers(
    halves: Assignment, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And stops the class as ever where they fail it, until it is mended."""
    results, ran = halves.course.results, []
    real = grading.run_checks

    def counted(*given: Any, **more: Any) -> list[Check]:
        ran.append(more.get("only"))
        return real(*given, **more)

    monkeypatch.setattr(grading, "run_checks", counted)
    preflight(Grader(halves, "secret", sandbox=sandbox), {0}, 1, results)
    assert ran == [None, None]
    check, file = "test_total_of_a_secret_vector", halves.folder / "test_hidden.py"
    spoil(halves.course.root)
    spoilt = file.read_text(encoding="utf-8")
    for _ in range(2):
        ran.clear()
        with pytest.raises(PreflightFailed, match=check):
            changed = Grader(read_assignment(halves.folder), "secret", sandbox=sandbox)
            preflight(changed, {0}, 1, results)
        everything = {one.name for one in changed.declared}
        assert ran == [{check}, everything] * 2, "a lost point makes the others doubtful"
    ran.clear()
    file.write_text(spoilt.replace(SPOILT, "x.sum() + 0, "), encoding="utf-8")
    preflight(Grader(read_assignment(halves.folder), "secret", sandbox=sandbox), {0}, 1, results)
    assert ran == [{check}, {check}]
    ran.clear()
    preflight(Grader(read_assignment(halves.folder), "other", sandbox=sandbox), {0}, 1, results)
    assert ran == [None, None], "another secret is another class"


def test_a_release_grades_them_before_anybody_has_handed_in(
    course: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lays the released folder all the same where they lose a point, and says so; once they keep
    all, a class waits for nothing.
    """
    monkeypatch.setattr("autograder.steps.make_edits", lambda chosen: [])
    spoil(course)
    done = command(course, "release")
    assert (done.exit_code, done.stderr.count("right answers lose points")) == (1, 1), done.stderr
    assert (course / "assignments" / SLUG / f"{SLUG}.ipynb").is_file()
    assert not list(Course(course).results.rglob("*.preflight"))
    checks = course / "reference_solutions" / SLUG / "test_hidden.py"
    checks.write_text(checks.read_text("utf-8").replace(SPOILT, "x.sum(), "), encoding="utf-8")
    assert command(course, "release").exit_code == 0
    monkeypatch.setattr("autograder.grading.preflight._graded", lambda *_: 1 / 0)
    assert command(course, "release").exit_code == 0
    assert not Course(course).rounds(SLUG).exists(), "a release notes nobody's round"
    hand_in(course, anna=RIGHT, bert=WRONG)
    assert command(course, "grade", SLUG).exit_code == 0


def test_one_submission_by_itself_is_graded_at_once(course: Path, command: Command) -> None:
    spoil(course)
    file = course / "mine.py"
    file.write_text(RIGHT, encoding="utf-8")
    assert command(course, "grade", SLUG, file).exit_code == 0
    assert command(course, "grade", SLUG, file, "--again", "--preflight").exit_code == 1


# --- rounds ---------------------------------------------------------------------------------------


def test_new_bytes_after_feedback_meet_fresh_inputs(course: Path, command: Command) -> None:
    """Before, the same ones; bytes that were there keep their result, also when all is graded
    again.
    """
    hand_in(course, anna=TELLS, bert=WRONG)
    first = graded(command(course, "grade", SLUG, "--json", "-"))
    hand_in(course, anna=f"{TELLS}# more", carl=f"{TELLS}# and more")
    second = graded(command(course, "grade", SLUG, "--json", "-"))
    told = message(first["anna"])
    assert "ValueError" in told
    assert [message(second[name]) for name in ("anna", "carl")] == [told, told]
    Rounds(Course(course).rounds(SLUG)).close()
    hand_in(course, carl=f"{TELLS}# anew", dora=TELLS)
    third = graded(command(course, "grade", SLUG, "--json", "-", "--again"))
    assert [third[name]["round"] for name in ("anna", "bert", "carl", "dora")] == [0, 0, 1, 0]
    assert message(third["anna"]) == message(third["dora"]) == told
    assert message(third["carl"]) != told
    assert "ValueError" in message(third["carl"])
    assert len(list(Course(course).results.rglob("*.preflight"))) == 2


def message(result: dict) -> str:
    (check,) = (c for c in result["tests"] if c["name"] == "test_total_of_a_secret_vector")
    return check["message"]


@given(st.lists(st.one_of(st.none(), st.integers(0, 4)), max_size=12), st.data())
def test_the_log_alone_decides_the_round(
    tmp_path_factory: pytest.TempPathFactory, events: list[int | None], data: st.DataObject
) -> None:
    """Whoever asks, in one process or several by turns, and whatever cut a line short."""
    file = tmp_path_factory.mktemp("rounds") / "log"
    graders = [Rounds(file), Rounds(file)]
    seen: dict[str, int] = {}
    number, out = 0, False
    for event in events:
        one = data.draw(st.sampled_from(graders))
        if data.draw(st.booleans()) and file.exists():
            with file.open("ab") as handle:
                handle.write(b"2026-03-01T18:00:00Z handed-")
        if event is None:
            one.close()
            out = True
            continue
        digest = f"{event:064x}"
        if digest not in seen:
            number, out = number + out, False
            seen[digest] = number
        assert one.of(digest) == seen[digest]
    assert all(Rounds(file).of(digest) == seen[digest] for digest in seen)


def test_where_the_log_cannot_be_written_grading_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "rounds").write_text("a file where the folder should be")
    rounds = Rounds(tmp_path / "rounds" / "log")
    assert [rounds.of("a"), rounds.of("b")] == [0, 0]
    rounds.close()
    assert [rounds.of("a"), rounds.of("c")] == [0, 1]
    assert len(caplog.records) == 1


def test_each_round_has_a_secret_of_its_own() -> None:
    assert secret_of("secret", 0) == "secret"  # what was graded before there were rounds stays
    assert len({secret_of("secret", number) for number in range(20)}) == 20


# --- with the real nbgrader -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def term(released: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(released, tmp_path_factory.mktemp("term") / "course"))


def scores(course: Path) -> dict[str, float]:
    with Gradebook(f"sqlite:///{Course(course).gradebook}") as book:
        return {one.student.id: one.score for one in book.assignment_submissions(SLUG)}


@pytest.mark.slow
def test_feedback_of_nbgrader_begins_a_round_and_the_gradebook_says_the_same(
    term: Path, command: Command, sandbox: Sandbox
) -> None:
    hand_in(term, anna=TELLS, bert=WRONG)
    for words in (["autograde", SLUG], ["generate_feedback", SLUG]):
        done = nbgrader(term, *words, sandbox=sandbox)
        assert done.returncode == 0, done.stderr
    before = {path: path.read_bytes() for path in Course(term).results.rglob("*.json")}
    hand_in(term, anna=f"{TELLS}# anew")
    done = nbgrader(term, "autograde", SLUG, "--force", sandbox=sandbox)
    assert done.returncode == 0, done.stderr
    results = graded(command(term, "grade", SLUG, "--json", "-"))
    assert [results[name]["round"] for name in ("anna", "bert")] == [1, 0]
    assert scores(term) == {name: result["score"] for name, result in results.items()}
    kept = {path: path.read_bytes() for path in Course(term).results.rglob("*.json")}
    assert len(kept) == len(before) + 1  # the command has graded nothing that nbgrader had not
    assert before.items() <= kept.items()


@pytest.mark.slow
def test_a_broken_check_ends_nbgraders_run_before_the_first_student(
    term: Path, sandbox: Sandbox
) -> None:
    hand_in(term, carl=f"{RIGHT}# mine", dora=f"{WRONG}# mine")
    before = (term / "reference_solutions" / SLUG / "test_hidden.py").read_text(encoding="utf-8")
    known = scores(term) if Course(term).gradebook.exists() else {}
    spoil(term)
    try:
        done = nbgrader(term, "autograde", SLUG, "--force", sandbox=sandbox)
    finally:
        hidden = term / "reference_solutions" / SLUG / "test_hidden.py"
        hidden.write_text(before, encoding="utf-8")
    assert done.returncode != 0
    assert done.stderr.count("right answers lose points, so nobody was graded") == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert scores(term) == known
