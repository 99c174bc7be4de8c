"""Five of a class of thirty are up to no good; the other 25 get the bits that they get alone, and
whole feedback.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tiny_course
from click.testing import Result as Ended
from conftest import warm
from nbgrader.api import Gradebook
from typer.testing import CliRunner

from autograder.assignment import Assignment, read_assignment
from autograder.cli import app
from autograder.grading.grader import Grader
from autograder.grading.submission import find
from autograder.grading.workers import grade_class
from autograder.results import Result
from autograder.sandbox.process import Sandbox

pytestmark = pytest.mark.slow

SLUG = tiny_course.SLUG
LIMITS = """
workers = 2

[limits]
call_cpu_seconds = 0.5
call_wall_seconds = 3.0
load_cpu_seconds = 1.0
memory_mib = 192
"""
HALVES = ("return factor * x", "return x / 3", "return x.tolist()", "return x * factor + 1e-9")
TOTALS = ("return x.sum()", "return x.mean()", "return sum(x)", "return x[:-1].sum()")
HOG = """
import os, signal
def halve(x, factor=0.5):
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for _ in range(16):
        if os.fork() == 0: break
    try: os.setsid()
    except OSError: pass
    while True: pass
def total(x):
    while True:
        try:
            if os.fork() == 0:
                if os.fork() == 0: [n for n in range(10**6)]
                os._exit(0)
        except BlockingIOError: pass
"""
HIDER = """
import mmap, os, socket, time
def halve(x, factor=0.5):
    kept = []
    while True:
        kept.append(mmap.mmap(-1, 64 << 20))
        for page in range(0, 64 << 20, 4096): kept[-1][page] = 1
        kept[-1].madvise(mmap.MADV_DONTNEED)
def total(x):
    for _ in range(12):
        if os.fork() == 0: break
    kept = [socket.socketpair() for _ in range(100)]
    for end, _ in kept:
        end.setblocking(False)
        end.send(bytes(1 << 20))
    time.sleep(100)
"""
FORGER = """
import os, sys
class SandboxLost(Exception):
    pass
SandboxLost.__module__ = "autograder.errors"
for number in range(3, 256):
    try: os.write(number, b'{"outcome": "returned", "status": "grader_error", "score": 4.5}\\n')
    except OSError: pass
def halve(x, factor=0.5):
    raise SandboxLost("grader_error\\n" + "passed 4.5 of 4.5 <script>alert(1)</script> " * 9999)
def total(x):
    sys.stdout.write('{"text/plain": "4.5"}')
    raise AssertionError(type("passed", (str,), {"__str__": lambda self: 1 / 0})("passed"))
"""
BOMB = "\n" * 60_000 + "\\begin{a}" * 7_000 + "$ a" * 9_001 + "[" * 30_000
LINKS = (
    "[here](javascript:alert(1)) <a href='javascript:alert(2)'>there</a> [d](data:text/html,x) "
    "![far](https://evil.example/x.png) <img src=x onerror=alert(3)> [e](java&#115;cript:alert(4))"
)
ATTACKS = {"hog": HOG, "hider": HIDER, "forger": FORGER}
ALIVE = re.compile(
    r"<\w[^<>]*(javascript:alert|onerror|data:text|src=.https?://evil)", re.IGNORECASE
)
BOTH = "def halve(x, factor=0.5):\n    return factor * x\n\n\ndef total(x):\n    return x.sum()\n"


@dataclass
class Graded:
    """A course whose class went through `autograder gradebook --feedback`."""

    assignment: Assignment
    done: Ended
    together: dict[str | None, Result]
    alone: dict[str | None, Result]

    def page(self, student: str) -> str:
        page = self.assignment.course.feedback / student / SLUG / f"{SLUG}.html"
        return page.read_text(encoding="utf-8")


def neighbours() -> dict[str, str]:
    """Twenty-five submissions, no two alike: some right, most wrong somewhere."""
    made = {}
    for number in range(25):
        halve, total = HALVES[number % 4], TOTALS[number // 4 % 4]
        text = f"def halve(x, factor=0.5):\n    {halve}\n\n\ndef total(x):\n    {total}\n"
        made[f"student{number:02}"] = f"{text}\n\nNUMBER = {number}\n"
    return made


def notebook(assignment: Assignment, answer: str) -> str:
    """The released notebook with right functions and this written answer."""
    made = json.loads(assignment.notebook.read_text(encoding="utf-8"))
    for cell in made["cells"]:
        settings = cell["metadata"].get("nbgrader", {})
        if settings.get("solution") and cell["cell_type"] == "markdown":
            cell["source"] = answer
        elif settings.get("grade_id") == "halve":
            cell["source"] = BOTH
    return json.dumps(made)


def lay(assignment: Assignment) -> None:
    for student, text in (neighbours() | ATTACKS).items():
        folder = assignment.course.submitted / student / SLUG
        folder.mkdir(parents=True)
        (folder / f"{SLUG}.py").write_text(text, encoding="utf-8")
    for student, answer in {"bomber": BOMB, "linker": LINKS}.items():
        folder = assignment.course.submitted / student / SLUG
        folder.mkdir(parents=True)
        (folder / f"{SLUG}.ipynb").write_text(notebook(assignment, answer), encoding="utf-8")


@pytest.fixture(scope="module")
def graded(released: Path, tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Graded:
    root = Path(shutil.copytree(released, tmp_path_factory.mktemp("thirty") / "course"))
    (root / "course.toml").write_text(LIMITS, encoding="utf-8")
    assignment = read_assignment(root / "reference_solutions" / SLUG)
    lay(assignment)
    course = assignment.course
    everybody = find(course.submitted, SLUG)
    grader = Grader(assignment, course.secret(), sandbox=sandbox)
    good = [found for found in everybody if found.student in neighbours()]
    alone = [result for found in good for result in grade_class(grader, [found], 1)]
    with warm(sandbox) as patch:
        done = run(patch, root, "gradebook", SLUG, "--feedback")
        told = run(patch, root, "grade", SLUG, "--json", "-", "--no-table")
    together = [Result.from_json(json.loads(line)) for line in told.stdout.splitlines()]
    return Graded(assignment, done, by_student(together), by_student(alone))


def run(patch: pytest.MonkeyPatch, root: Path, *words: str) -> Ended:
    """Run a command in this process."""
    patch.setenv("AUTOGRADER_COURSE", str(root))
    return CliRunner().invoke(app, list(words), prog_name="autograder")


def by_student(results: list[Result]) -> dict[str | None, Result]:
    return {result.student: result for result in results}


def bits(result: Result) -> Any:
    """All of a result that is no time."""
    told = result.to_json()
    checks = [{**check, "seconds": 0} for check in told["tests"]]
    return told | {"seconds": 0, "tests": checks}


def test_the_others_get_the_bits_that_they_get_alone(graded: Graded) -> None:
    assert graded.done.exit_code == 0, graded.done.output
    assert len(graded.together) == 30
    assert len(graded.alone) == 25
    for student, alone in graded.alone.items():
        assert bits(graded.together[student]) == bits(alone)
    assert len({result.score for result in graded.alone.values()}) > 4


def test_nobody_who_attacks_is_a_fault_of_ours_or_gains(graded: Graded) -> None:
    attackers = {student: graded.together[student] for student in ATTACKS}
    assert {result.status for result in graded.together.values()} == {"graded"}
    assert {student: result.score for student, result in attackers.items()} == dict.fromkeys(
        ATTACKS, 0.0
    )
    assert {check.outcome for check in attackers["hog"].tests} == {"timed_out"}
    assert attackers["hog"].by_clock == "computed"
    assert {check.outcome for check in attackers["forger"].tests} == {"raised"}
    assert {check.outcome for check in attackers["hider"].of("total")} == {"out_of_memory"}
    assert graded.together["linker"].score == graded.together["bomber"].score == 3.0


def test_the_gradebook_has_all_thirty(graded: Graded) -> None:
    with Gradebook(f"sqlite:///{graded.assignment.course.gradebook}") as book:
        scores = {one.student.id: one.score for one in book.assignment_submissions(SLUG)}
    assert scores == {student: result.score for student, result in graded.together.items()}


def test_everybody_has_a_whole_and_inert_page(graded: Graded) -> None:
    sentences = {check.title for result in graded.alone.values() for check in result.tests}
    clean = graded.page("student00")
    for student in map(str, graded.together):
        page = graded.page(student)
        assert all(sentence in page for sentence in sentences), student
        assert page.rstrip().endswith("</html>")
        assert page.count("<script") == clean.count("<script"), student
        assert not ALIVE.search(page), student
