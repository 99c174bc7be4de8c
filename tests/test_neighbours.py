"""Nobody hurts a neighbour: none stops a class, and nobody's time decides another's points."""

from __future__ import annotations

import os
import re
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import tiny_course
from conftest import COURSE

from autograder.assignment import Assignment, find_assignment, read_assignment
from autograder.audit.audit import one_file
from autograder.errors import SandboxLost, SandboxUnavailable
from autograder.grading import diagnosis
from autograder.grading import workers as working
from autograder.grading.checks import open_submission
from autograder.grading.example import ask, smallest_example
from autograder.grading.faults import faults_in
from autograder.grading.grader import Grader
from autograder.grading.known import Known
from autograder.grading.sketch import sketch
from autograder.grading.store import Store
from autograder.grading.student import Loaded, Student
from autograder.grading.submission import Found, Submission, find
from autograder.grading.workers import grade_class
from autograder.limits import Limits
from autograder.results import Result
from autograder.sandbox.process import Sandbox

SLUG = tiny_course.SLUG
RIGHT = tiny_course.VARIANT
WRONG = "def halve(x):\n    return x / 3\n\n\ndef total(x):\n    return x.sum()\n"
TWO = "def halve(x):\n    return x / 2\n\n\ndef total(x):\n    return x.repeat(2)\n"
SLEEPS = RIGHT.replace(
    "    accumulated =", "    import time; time.sleep(100)\n    accumulated =", 1
)

LOOPS = RIGHT.replace("    accumulated =", "    while True: pass\n    accumulated =", 1)


@pytest.fixture
def halves(tmp_path: Path) -> Assignment:
    tiny_course.write(tmp_path)
    return read_assignment(tmp_path / "reference_solutions" / SLUG)


@pytest.fixture
def grader(tmp_path: Path, halves: Assignment, sandbox: Sandbox) -> Iterator[Grader]:
    limits = Limits(call_cpu_seconds=0.5, call_wall_seconds=3.0, load_wall_seconds=6.0)
    with faults_in(tmp_path / "grading.log"):
        yield Grader(replace(halves, limits=limits), "secret", sandbox=sandbox)


def hand_in(folder: Path, *sources: str) -> list[Found]:
    for number, source in enumerate(sources):
        own = folder / "submitted" / f"student{number}" / SLUG
        own.mkdir(parents=True)
        (own / f"{SLUG}.py").write_text(source, encoding="utf-8")
    return find(folder / "submitted", SLUG)


# --- no submission is a fault of ours -------------------------------------------------------------


def test_a_check_that_stumbles_over_a_result_has_failed(tmp_path: Path, grader: Grader) -> None:
    results = list(grade_class(grader, hand_in(tmp_path, TWO, RIGHT), 1))
    assert [result.status for result in results] == ["graded", "graded"]
    ones = [check for check in results[0].of("total") if check.name.startswith("test_total_of_one")]
    assert [check.outcome for check in ones] == ["failed", "failed"]
    assert ones[0].message == "total gave what this check could not work with (ValueError)"
    assert results[0].earned("halve") == 3
    assert results[1].score == 4.5
    log = (tmp_path / "grading.log").read_text()
    assert "test_total_of_ones" in log
    assert "ValueError: only one element" in log


@pytest.mark.parametrize("broken", ["1 / 0", "student = student.no_such_thing.at_all"])
def test_a_check_that_fails_before_it_asks_is_a_fault_of_ours(
    tmp_path: Path, halves: Assignment, grader: Grader, broken: str
) -> None:
    checks = halves.folder / "test_hidden.py"
    text = checks.read_text()
    checks.write_text(text.replace("    x = draw", f"    {broken}\n    x = draw"))
    (result,) = grade_class(grader, hand_in(tmp_path, RIGHT), 1)
    assert result.status == "grader_error"


def test_a_sandbox_that_goes_away_in_a_check_is_replaced(
    tmp_path: Path, grader: Grader, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, lost = Loaded.ask, iter([False, True])

    def ask(self: Loaded, *words: object, **options: object) -> object:
        if next(lost, False):
            raise SandboxLost("it went away")
        return real(self, *words, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Loaded, "ask", ask)
    monkeypatch.setattr(Grader, "close", lambda self: None)  # it is the sandbox of all tests
    (result,) = grade_class(grader, hand_in(tmp_path, RIGHT), 1)
    assert result.score == 4.5


@pytest.mark.parametrize("end", ["os._exit(1)", "time.sleep(600)"])
def test_one_submission_alone_costs_no_more_than_itself(
    tmp_path: Path, grader: Grader, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """As a watch grades it: where its grading ends the process, or hangs."""
    monkeypatch.setattr(Grader, "grade", lambda *_: eval(end, {"os": os, "time": time}))
    monkeypatch.setattr(working, "seconds_of", lambda grader: 0.5)
    (result,) = grade_class(grader, hand_in(tmp_path, RIGHT), 1)
    assert result.status == "grader_error"


def test_a_machine_that_can_boot_no_second_sandbox_ends_no_class(
    tmp_path: Path, grader: Grader, monkeypatch: pytest.MonkeyPatch
) -> None:
    grader.warm()
    monkeypatch.setattr(Grader, "run", unavailable)
    (found,) = hand_in(tmp_path, RIGHT)
    (result,) = grade_class(grader, [found], 1)
    assert result.status == "grader_error"
    with pytest.raises(SandboxUnavailable):
        Grader(grader.assignment, grader.secret).grade(found)


def unavailable(*_: object) -> Result:
    raise SandboxUnavailable("no memory")


HUGE = {
    "rows of nothing": "torch.empty(10**11, 0)",
    "many bytes": "torch.zeros(60 << 20, dtype=torch.uint8)",
    "many dimensions": "torch.zeros([1] * 40)",
}


@pytest.mark.parametrize("value", HUGE.values(), ids=HUGE.keys())
def test_what_is_small_on_the_wire_is_no_burden_to_whoever_reads_it(
    sandbox: Sandbox, value: str
) -> None:
    """An example is made of it within half a gigabyte, and is short."""
    known = Known(find_assignment(COURSE, "sgd_factorisation"))
    text = (
        f"import torch\ndef sgd_factorise(A, rank, num_epochs=1000, lr=0.01):\n    return {value}"
    )
    limits = resource.getrlimit(resource.RLIMIT_DATA)
    used = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_DATA, (used + (1 << 29), limits[1]))
    try:
        with open_submission(sandbox, known.assignment, one_file(text)) as loaded:
            rungs = [rung for rung in known.ladder["sgd_factorise"] if not rung.long]
            asked = ask(loaded, rungs, known.assignment.start)
            list(map(sketch, asked.replies))
            example = smallest_example(known, sandbox, asked, kinds_matter=True)
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, limits)
    assert example is None or len(example.given) < 1100


def test_marks_behind_a_letter_do_not_keep_the_grader(grader: Grader, sandbox: Sandbox) -> None:
    """Put in their order all at once, these take an hour."""
    text = f"import torch\n# a{chr(0x315) * 400_000}{chr(0x316) * 400_000}\nｓvd = 1"
    with open_submission(sandbox, grader.assignment, one_file(text)) as loaded:
        assert Student(loaded).mentions(re.compile("svd"))
        assert not Student(loaded).mentions(re.compile("lstsq"))


def test_no_mistake_named_costs_no_grade(
    tmp_path: Path, grader: Grader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosis, "diagnose", lambda *_: 1 / 0)
    (result,) = grade_class(grader, hand_in(tmp_path, WRONG), 1)
    assert (result.status, result.earned("total"), result.diagnosis) == ("graded", 1.5, ())
    assert "ZeroDivisionError" in (tmp_path / "grading.log").read_text()


STALLS = """
import os, time
time.sleep(0.8 if os.path.exists('/tmp/been-here') else 0)
open('/tmp/been-here', 'w').close()
os.fork = lambda: time.sleep(1000)
def f():
    return 1
"""


def test_a_loader_that_stalls_times_out(
    sandbox: Sandbox, quick: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the supervisor may load twice and wait for two calls before it answers: leave it no more
    monkeypatch.setattr("autograder.sandbox.box.GRACE_SECONDS", -1.5)
    with sandbox.open(quick) as box:
        box.load([{"kind": "statements", "source": STALLS, "label": ""}], ["f"])
        reply = box.call("f", (), {}, seed=0)
    assert reply.outcome == "timed_out"
    assert box.by_clock == "slept"


# --- what a clock ends ----------------------------------------------------------------------------


def noting(
    monkeypatch: pytest.MonkeyPatch, file: Path, change: Callable[[Result, int], Result]
) -> None:
    """Note every grading in a file, workers' too; `change` its result, given how many there were of
    that submission.
    """
    real = Grader.run

    def run(self: Grader, submission: Submission, start: float | None = None) -> Result:
        with file.open("a") as notes:
            notes.write(f"{submission.digest}\n")
        times = file.read_text().split().count(submission.digest)
        return change(real(self, submission, start), times)

    monkeypatch.setattr(Grader, "run", run)


def gradings(file: Path) -> list[int]:
    told = file.read_text().split()
    return sorted(told.count(digest) for digest in set(told))


@pytest.mark.parametrize(("source", "ended_by"), [(SLEEPS, "slept"), (LOOPS, "computed")])
def test_what_a_clock_ended_is_graded_again_alone_and_then_kept(
    tmp_path: Path, grader: Grader, monkeypatch: pytest.MonkeyPatch, source: str, ended_by: str
) -> None:
    notes, store = tmp_path / "notes", Store(tmp_path / "results", grader)
    noting(monkeypatch, notes, lambda result, times: result)
    submissions = hand_in(tmp_path, RIGHT, source, WRONG)
    results = list(grade_class(grader, submissions, 2, store=store))
    assert gradings(notes) == [1, 1, 2]
    assert [result.by_clock for result in results] == ["", ended_by, ""]
    assert {check.outcome for check in results[1].of("total")} == {"timed_out"}
    assert results[0].score == 4.5
    assert len(list(tmp_path.rglob("results/**/*.json"))) == 3


def test_what_a_neighbour_took_comes_back(
    tmp_path: Path, grader: Grader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(result: Result, times: int) -> Result:
        right = result.score == 4.5
        return replace(result, by_clock="crowded", tests=()) if right and times == 1 else result

    noting(monkeypatch, tmp_path / "notes", lose)
    store = Store(tmp_path / "results", grader)
    results = list(grade_class(grader, hand_in(tmp_path, WRONG, RIGHT), 2, store=store))
    assert [result.score for result in results] == [1.5 + 0.4, 4.5]
    assert [result.by_clock for result in results] == ["", ""]


def test_what_a_busy_machine_decides_is_not_kept(
    tmp_path: Path, grader: Grader, monkeypatch: pytest.MonkeyPatch
) -> None:
    noting(monkeypatch, tmp_path / "n", lambda result, times: replace(result, by_clock="crowded"))
    store = Store(tmp_path / "results", grader)
    for workers in (1, 2):
        submissions = hand_in(tmp_path / str(workers), RIGHT, WRONG)
        results = list(grade_class(grader, submissions, workers, store=store))
        assert [result.by_clock for result in results] == ["crowded", "crowded"]
    assert not list(tmp_path.rglob("results/**/*.json"))
