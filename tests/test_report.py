"""The table of a class: a line a student, with name and points whole, and nothing that a submission
wrote as it wrote it.
"""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from conftest import ASSIGNMENTS
from rich.console import Console

from autograder import report
from autograder.grading.moved import changes
from autograder.report import in_numbers, print_table, what_went_wrong
from autograder.results import Check, Diagnosis, Result


def result(
    student: str, message: str, diagnosis: tuple[Diagnosis, ...] = (), status: str = "graded"
) -> Result:
    tests = tuple(
        Check(f"test_{name}", name, 10.0, "failed", "hidden", f"{name}: {message}", 0.1)
        for name in ("f", "g")
    )
    return Result(
        "slug", "file", student, status, 20.0, tests=tests, diagnosis=diagnosis, message=message
    )


@pytest.mark.parametrize("width", [70, 80, 120])
def test_every_student_has_one_line_with_name_and_points(width: int) -> None:
    results = [
        result("a-name-of-thirty-characters-xx", "long " * 80),
        result("bo", "short"),
        result("漢字", "x" * 300),
    ]
    out = io.StringIO()
    print_table(Console(file=out, width=width, highlight=False), ASSIGNMENTS[0], results)
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    for one in results:
        (line,) = [line for line in lines if str(one.student) in line]
        assert "0/20" in line
    assert len([line for line in lines if "/20" in line]) == len(results)


@pytest.mark.parametrize("width", [30, 40, 50])
def test_what_a_narrow_terminal_has_no_room_for_is_cut_within_the_table(width: int) -> None:
    some = [result("a-name-of-thirty-characters-xx", "long " * 80), result("bo", "short")]
    out = io.StringIO()
    print_table(Console(file=out, width=width, highlight=False), ASSIGNMENTS[0], some)
    rows = [line for line in out.getvalue().splitlines() if line.startswith("│")]
    assert [len(row) for row in rows] == [width, width]
    assert all(row.endswith("│") and "0/20" in row for row in rows)
    assert re.match(r"│a-name.*… │ .*…│$", rows[0])


@pytest.mark.parametrize("width", [40, 80])
def test_one_that_is_looked_at_alone_is_told_whole(width: int) -> None:
    out = io.StringIO()
    said = [result("bo", "what there is to say of it " * 3)]
    print_table(Console(file=out, width=width, highlight=False), ASSIGNMENTS[0], said)
    words = out.getvalue().replace("│", " ").split()
    assert " ".join(what_went_wrong(said[0]).split()) in " ".join(words).replace("bo 0/20 ", "")
    assert max(map(len, out.getvalue().splitlines())) <= width


def test_a_mean_says_of_whom_it_is() -> None:
    some = [result("a", "off"), result("b", "")]
    assert report.summary(some).startswith("2 graded; mean 0 %; behind")
    none = result("c", "nothing there", status="missing")
    said = report.summary([*some, none])
    assert said.startswith("2 graded, 1 missing; mean 0 % of those graded; behind")


def test_functions_with_the_same_mistake_are_named_together() -> None:
    both = tuple(
        Diagnosis(name, "mistake", "Rows are left out", "Count them") for name in ("f", "g")
    )
    assert what_went_wrong(result("s", "off", both)) == "f, g: Rows are left out"
    assert what_went_wrong(result("s", "off", both[1:])) == "g: Rows are left out; f: off"


def test_control_characters_do_not_reach_the_terminal() -> None:
    shown = what_went_wrong(result("s", "\x1b[2Jgone\r\n\u202egrade: 20/20", status="unreadable"))
    assert shown == "unreadable: [2Jgone grade: 20/20"


def of(first: float, second: float) -> Result:
    made = result("s", "said")
    tests = tuple(
        replace(check, outcome="passed" if earned else "failed")
        for check, earned in zip(made.tests, (first, second), strict=True)
    )
    return replace(made, tests=tests)


def test_who_has_as_much_by_other_checks_and_who_was_not_graded_has_no_other_points() -> None:
    broken = result("s", "ours", status="grader_error")
    told = changes(
        [(of(10, 0), of(0, 10)), (of(10, 0), of(10, 10)), (of(10, 0), replace(broken, tests=()))]
    )
    assert in_numbers(told) == (
        "1 of 3 submissions have other points than before; 1 as many by other checks; "
        "1 could not be graded, and nothing is known of their points"
    )
    assert in_numbers(changes([(None, of(10, 0))])) == (
        "0 of 1 submissions have other points than before; 1 had none yet"
    )


# --- progress ------------------------------------------------------------------


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_however_narrow_a_terminal_how_far_it_is_can_be_seen(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    out = io.StringIO()
    terminal = Console(file=out, width=width, force_terminal=True, color_system=None)
    monkeypatch.setattr(report, "console", lambda to_stderr: terminal)
    with report.progress(60, "the title of an assignment, rather a long one: " * 3) as advance:
        for _ in range(12):
            advance()
    shown = out.getvalue().replace("\r", "\n").splitlines()
    assert any("12/60" in line for line in shown)
    assert all("the ti" in line for line in shown if "/60" in line)


def test_lines_of_progress_are_few_and_say_how_far_how_fast_and_how_long(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [100.0]
    monkeypatch.setattr(report.time, "monotonic", lambda: now[0])
    with report.progress(4, "soon done") as advance:
        for _ in range(4):
            now[0] += 1
            advance()
    assert capsys.readouterr().err == ""
    with report.progress(60, "right answers") as advance:
        for done in range(1, 31):
            now[0] += 1
            advance(done, 30)
        assert capsys.readouterr().err.splitlines() == [
            "right answers: 10 of 30, 1.0/s, 20 s left",
            "right answers: 20 of 30, 1.0/s, 10 s left",
            "right answers: 30 of 30, 1.0/s",
        ]
    with report.progress(60, "the class") as advance:
        now[0] += 20
        advance(12, 13, "right answers")
        for done in range(31):
            advance(done, 60, "the class")
            now[0] += 1
    assert capsys.readouterr().err.splitlines() == [
        f"the class: {done} of 60, 1.0/s, {60 - done} s left" for done in (10, 20, 30)
    ]
    assert report.rate(0.05) == "3/min"
    assert report.rate(None) == report.rate(0.0) == ""
