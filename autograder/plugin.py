"""What the package adds to plain pytest.

pytest FOLDER --submission FILE     one submission with the checks of a staff folder
pytest FOLDER/test_lesson.py        what its lesson claims: fixture `lesson`
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from autograder.assignment import read_assignment
from autograder.grading.checks import (
    NO_SECRET,
    Declared,
    Fault,
    Fixtures,
    judge,
    open_submission,
    stumbled,
)
from autograder.results import Check

if TYPE_CHECKING:
    from autograder.grading.student import Student


def pytest_addoption(parser: pytest.Parser) -> None:
    """What `pytest FOLDER` may be told."""
    group = parser.getgroup("autograder", "grading one submission with an assignment's checks")
    file_help = "the .py or .ipynb to grade with the checks of the assignment's folder"
    group.addoption("--submission", metavar="FILE", help=file_help)
    draw_help = "what the random inputs of the checks derive from"
    group.addoption("--draw", metavar="SECRET", default=NO_SECRET, help=draw_help)
    trust_help = "run a submission that you trust without a sandbox"
    group.addoption("--no-sandbox", action="store_true", help=trust_help)


def pytest_configure(config: pytest.Config) -> None:
    """With --submission, give checks their fixtures; without, know their marks."""
    grading = PlainGrading(config)
    config.add_cleanup(grading.close)
    fixtures = Fixtures(grading.student_of, config.getoption("--draw"))
    if config.getoption("--submission"):
        config.pluginmanager.register(fixtures, "autograder-fixtures")
        config.pluginmanager.register(grading, "autograder-plain-grading")
    else:
        fixtures.pytest_configure(config)


@pytest.fixture(scope="module")
def lesson(request: pytest.FixtureRequest) -> Any:
    """What the cells of a handout leave behind, solutions in, for a staff folder's test_lesson.py;
    see `lesson.run`.
    """
    from autograder.authoring.lesson import run

    return run(read_assignment(request.path.parent))


class PlainGrading:
    """`pytest FOLDER --submission FILE`: the same checks, pytest's own report."""

    def __init__(self, config: pytest.Config) -> None:
        self._path = Path(config.getoption("--submission") or "").absolute()
        self._isolation = "none" if config.getoption("--no-sandbox") else "sandbox"
        self._running = ExitStack()
        self._points: dict[str, list[float]] = {}
        self.student_of = cache(self._load)

    def close(self) -> None:
        """End what was started."""
        self._running.close()

    def _load(self, folder: Path) -> Student:
        from autograder.grading.student import Student
        from autograder.grading.submission import named, read, released_cells
        from autograder.sandbox.process import Sandbox

        assignment = read_assignment(folder)
        submission = read(named(self._path), released_cells(assignment).not_run)
        sandbox = self._running.enter_context(Sandbox.start(self._isolation))
        return Student(
            self._running.enter_context(open_submission(sandbox, assignment, submission))
        )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo
    ) -> Generator[None, Any, Any]:
        report = yield
        declared = Declared.of(item)
        if call.when != "call" or not (declared.function and declared.points):
            return report
        try:
            check = judge(declared, call)
        except Fault as fault:  # its traceback is what the report shows
            self._count(stumbled(declared, call, fault))
            return report
        self._count(check)
        if check.outcome != "passed":
            report.longrepr = (
                f"{check.title}\n  {check.outcome}: {check.message}\n  hint: {check.hint}"
            )
        return report

    def _count(self, check: Check) -> None:
        points = self._points.setdefault(check.function, [0.0, 0.0])
        points[0] += check.earned
        points[1] += check.points

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        for function, (earned, points) in self._points.items():
            terminalreporter.write_line(f"{function}: {earned:g} of {points:g} points")
