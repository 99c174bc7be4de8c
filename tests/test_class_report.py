"""`autograder report`: the class as it stands, what changed, who is apart; and its files."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_course
from click.testing import Result as Ended
from hypothesis import given
from hypothesis import strategies as st
from tiny_course import SLUG

from autograder.assignment import find_assignment
from autograder.authoring.release import release
from autograder.course import Course
from autograder.pages.class_page import as_csv, class_page, safe, table
from autograder.pages.classroom import apart
from autograder.pages.drawing import class_chart, curve_chart
from autograder.pages.gathering import Classroom, Student, gather
from autograder.pages.highlight import definition_in
from autograder.results import Curve, Result
from autograder.steps import fill_gradebook

RIGHT = "def halve(x, factor=0.5):\n    return x * factor\n\n\ndef total(x):\n    return x.sum()\n"
WRONG = RIGHT.replace("x * factor", "x * factor * 2 / 3")


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("course")
    tiny_course.write(root)
    release([find_assignment(Course(root), SLUG)])
    for student, code in {"ada": RIGHT, "bob": WRONG, "eve": "def halve(:"}.items():
        hand_in(root, student, code)
    return root


def hand_in(root: Path, student: str, code: str) -> None:
    file = root / "course" / "submitted" / student / SLUG / f"{SLUG}.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(code, encoding="utf-8")


def test_a_report_says_who_is_graded_and_whose_points_the_checks_moved(
    course: Path, command: Callable[..., Ended], tmp_path: Path
) -> None:
    """Before anything is graded, after a grading, after bob handed in again, after other checks."""
    assert "not graded" in report(course, command, tmp_path, "bob")
    page = (course / "course" / "report" / f"{SLUG}.html").read_text(encoding="utf-8")
    assert "On average" not in page
    assert command(course, "grade", SLUG).exit_code == 0
    assert "graded" in report(course, command, tmp_path, "bob")
    hand_in(course, "bob", RIGHT)
    assert command(course, "grade", SLUG).exit_code == 0
    told = gather(find_assignment(Course(course), SLUG)).changes
    assert (told.new, told.count, told.moved) == (2, 2, ())
    hidden = course / "reference_solutions" / SLUG / "test_hidden.py"
    hidden.write_text(hidden.read_text().replace("draw.uniform(5)", "draw.uniform(1) + 1"))
    hand_in(course, "first", RIGHT.replace("x.sum()", "x[0]"))
    assert command(course, "grade", SLUG, "--no-preflight").exit_code == 0
    hidden.write_text(hidden.read_text().replace("draw.uniform(1) + 1", "draw.uniform(5)"))
    said = command(course, "grade", SLUG, "--no-preflight", "--no-table", "--diff").stdout
    told = gather(find_assignment(Course(course), SLUG)).changes
    (moved,) = told.moved
    assert (moved.result.student, moved.difference) == ("first", -0.5)
    (line,) = (line for line in said.splitlines() if line.startswith("first: "))
    assert line.endswith(", ".join(map(str, moved.moves)))
    assert report(course, command, tmp_path, "first") == "graded"
    page = (course / "course" / "report" / f"{SLUG}.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert f"<code>{moved.moves[0]}</code>".replace(">", "&gt;") in page.replace(">", "&gt;")


def report(course: Path, command: Callable[..., Ended], folder: Path, student: str) -> str:
    """A student's status in the table that the command writes."""
    table = folder / "points.csv"
    done = command(course, "report", SLUG, "--csv", table)
    assert done.exit_code == 0, done.output
    assert f"{SLUG}.html" in done.output
    rows = csv.DictReader(table.read_text(encoding="utf-8").splitlines())
    return next(row["status"] for row in rows if row["student"] == student)


def test_a_report_of_a_course_without_submissions_says_so(
    command: Callable[..., Ended], tmp_path: Path
) -> None:
    tiny_course.write(tmp_path)
    done = command(tmp_path, "report")
    assert done.exit_code == 2


@given(st.text())
def test_no_text_is_a_formula_in_a_spreadsheet(text: str) -> None:
    cell = safe(text)
    assert not cell.lstrip().startswith(("=", "+", "-", "@", "|", "%"))
    assert len(as_csv([{"a": text}]).splitlines()) == 2


def test_a_name_that_is_no_text_is_written_all_the_same(course: Path) -> None:
    """Folders' names are bytes; those that UTF-8 cannot write are gone from table and page."""
    name = "zed\udcff<b>"
    hand_in(course, name, RIGHT)
    classroom = gather(find_assignment(Course(course), SLUG))
    assert name in [student.id for student in classroom.students]
    for text in (as_csv(table(classroom)), class_page(classroom)):
        assert text.encode("utf-8")
    assert "zed?&lt;b&gt;" in class_page(classroom)


def curve(last: float | None) -> Curve:
    return Curve("loss", 3, (1.0, 0.5, last))


def test_the_page_does_not_tell_how_long_it_took_to_read_what_cannot_be_read(course: Path) -> None:
    """That is another time in each run, and a page that nothing has changed is not written anew."""
    assignment = find_assignment(Course(course), SLUG)
    pages = set()
    for seconds in (0.0, 0.001, 0.2):
        unread = Result(SLUG, "", "eve", "unreadable", 4.5, message="not Python", seconds=seconds)
        student = Student("eve", "Eve", course / "eve.py", unread, None)
        pages.add(class_page(Classroom(assignment, (student,))))
    assert len(pages) == 1


def test_who_ends_elsewhere_than_the_class_is_apart() -> None:
    close = [curve(0.1 + number / 1000) for number in range(20)]
    assert apart(close) == {}
    found = apart([*close, curve(1.0), curve(None), curve(0.001)])
    assert set(found) == {20, 21, 22}
    assert apart([curve(0.1), curve(0.1)]) == {}


@pytest.mark.parametrize("history", [(1e308,) * 3, (9.0, 3.0, 1e308), (5e-324,) * 3, (-1e308,) * 3])
def test_losses_as_large_as_floats_go_are_drawn_and_told(history: tuple[float, ...]) -> None:
    """One student's history, which is whatever they return, is on everybody's class page."""
    every = [Curve("loss", 3, (1.0, 0.5, 0.1 + number / 1000)) for number in range(20)]
    odd = Curve("loss", 3, history)
    assert "<svg" in curve_chart(odd)
    told = apart([*every, odd])
    assert all("inf" not in words for words in told.values())
    chart = class_chart([(curve, "a") for curve in [*every, odd]], set(told))
    assert "nan" not in chart
    assert "inf" not in chart


@pytest.mark.parametrize("start", [1e6, 1e300])
def test_one_start_that_was_made_up_flattens_nobodys_curve(start: float) -> None:
    every = [Curve("loss", 3, (1.0, 0.5, 0.1 + number / 1000)) for number in range(20)]
    alone = class_chart([(curve, "a") for curve in every], set())
    odd = Curve("loss", 3, (start, start, start))
    beside = class_chart([*((curve, "a") for curve in every), (odd, "eve")], set())
    lines = [part for part in str(alone).split("<") if part.startswith("polyline")]
    assert lines
    assert all(line in beside for line in lines)


def test_who_could_not_be_entered_is_named_where_the_class_page_fails_too(
    course: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> Path:
        raise OSError("no space left")

    monkeypatch.setattr("autograder.steps.enter", lambda *_: ["ada: the database is away"])
    monkeypatch.setattr("autograder.pages.class_page.write_class_page", fails)
    with pytest.raises(OSError, match="no space left"):
        fill_gradebook(find_assignment(Course(course), SLUG), [], feedback=False)
    assert "ada: the database is away" in caplog.text


def test_a_definition_is_found_by_its_indentation() -> None:
    source = "import torch\ndef f(x):\n    y = x\n\n    return y\n\ndef g(): pass\ndef f(z):\n    return 1\nf(1)"
    assert definition_in(source, "f") == "def f(z):\n    return 1"
    assert definition_in(source, "g") == "def g(): pass"
    assert definition_in(source, "h") == ""


def test_a_definition_goes_on_after_a_text_at_the_margin() -> None:
    """As it does in the answer cell of a module that was handed in."""
    source = '@decorated\ndef f(x):\n    """One\nof several lines.\n"""\n    return {\n}\nf(1)'
    assert definition_in(source, "f") == source.removesuffix("\nf(1)")
