"""Run an assignment's checks on a submission with pytest, in this process.

Checks are plain pytest functions of a staff folder's test_public.py and test_hidden.py:

    @pytest.mark.task("sgd_factorise")       which function it is about
    @pytest.mark.points(2)                   what it is worth
    @pytest.mark.hint("Look at ...")         where to look when it fails
    def test_name(student, draw): '''One true sentence about the student's function.'''

Fixtures: `student` (the submission behind the line), `reference` (solution.py, in this process),
`draw` (the check's random inputs), `picture` (what a student's notebook draws where the check
fails; here its curve is kept).
"""

from __future__ import annotations

import importlib.util
import traceback
from collections.abc import Callable, Generator, Iterator, Set
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from autograder.assignment import Assignment
from autograder.errors import AuthoringError, AutograderError, SandboxError
from autograder.grading.collected import Collected
from autograder.grading.curves import Picture
from autograder.grading.faults import faults
from autograder.results import Check

if (
    TYPE_CHECKING
):  # plain pytest loads this file in every run: torch is imported when a submission is graded
    from autograder.grading.student import Loaded, Student
    from autograder.grading.submission import Submission
    from autograder.sandbox.process import Sandbox

MARKS = {
    "task(function)": "the function of the assignment that a check is about",
    "points(number)": "what a check is worth",
    "hint(text)": "where to look when a check fails",
}
NO_SECRET = "no course"
HIDDEN = "test_hidden.py"
PICTURE = pytest.StashKey[Picture]()
MESSAGE_CHARACTERS = 400


# --- what a check declares ------------------------------------------------------------------------


@dataclass(frozen=True)
class Declared:
    """A check as its marks and its docstring declare it; None or "" for what is missing there.

    function: whom it is about; points: what it is worth; sentence: what it says of that function
    """

    path: Path
    line: int
    name: str
    function: str | None
    points: float | None
    hint: str | None
    sentence: str

    @property
    def visibility(self) -> str:
        return "hidden" if self.path.name == HIDDEN else "public"

    @classmethod
    def of(cls, item: pytest.Item) -> Declared:
        """The declaration of a collected check."""
        arguments = {}
        for name in ("task", "points", "hint"):
            mark = item.get_closest_marker(name)
            arguments[name] = mark.args[0] if mark is not None and len(mark.args) == 1 else None
        docstring = getattr(item, "function", None).__doc__ or ""
        points = arguments["points"]
        return cls(
            path=item.path,
            line=(item.location[1] or 0) + 1,
            name=item.name,
            function=arguments["task"] or None,
            points=float(points) if isinstance(points, int | float) else None,
            hint=arguments["hint"],
            sentence=" ".join(docstring.split("\n\n")[0].split()),
        )


def faults_of(assignment: Assignment, checks: list[Declared]) -> Iterator[AuthoringError]:
    """Where the checks do not declare what they must, or do not fit assignment.toml."""
    seen: dict[str, Path] = {}
    for check in checks:
        where = f"{check.path}:{check.line}"
        marks = {"task": check.function, "points": check.points or None, "hint": check.hint}
        for mark, value in marks.items():
            if value is None:
                yield AuthoringError(
                    where, f"{check.name} has no {mark}", f"Add @pytest.mark.{mark}(...)."
                )
        if check.hint is not None and not check.hint.strip():
            mend = "Say where to look, without giving the answer away."
            yield AuthoringError(where, f"{check.name} has an empty hint", mend)
        if not check.sentence:
            mend = "Write one true sentence about the student's function."
            yield AuthoringError(where, f"{check.name} has no docstring", mend)
        if check.function and check.function not in assignment.functions:
            what = f"{check.name} is about {check.function}, which assignment.toml does not name"
            functions = ", ".join(assignment.functions)
            mend = f"Its functions are {functions}: mend the task mark, or add the function."
            yield AuthoringError(where, what, mend)
        if check.name in seen:
            what = f"{check.name} is also in {seen[check.name].name}"
            yield AuthoringError(where, what, "Give each check a name of its own.")
        seen[check.name] = check.path
    yield from _wrong_totals(assignment, checks)


def _wrong_totals(assignment: Assignment, checks: list[Declared]) -> Iterator[AuthoringError]:
    for function, points in assignment.functions.items():
        total = sum(check.points or 0.0 for check in checks if check.function == function)
        if abs(total - points) > 1e-9:
            what = f"gives {function} {points:g} points, and its checks add up to {total:g}"
            mend = "Change the points of its checks, or the line in [functions]."
            yield AuthoringError(assignment.folder / "assignment.toml", what, mend)


# --- the plugins ----------------------------------------------------------------------------------


class Fixtures:
    """The fixtures and marks of checks.

    student_of: the student whom the checks of a staff folder are about
    secret: what the checks' random inputs derive from
    """

    def __init__(self, student_of: Callable[[Path], Student], secret: str) -> None:
        self._student_of, self.secret = student_of, secret
        self._item: pytest.Item  # the check under way. As pytest's own fixture it costs more

    def pytest_configure(self, config: pytest.Config) -> None:
        for name, meaning in MARKS.items():
            config.addinivalue_line("markers", f"{name}: {meaning}")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        self._item = item

    @pytest.fixture
    def student(self) -> Student:
        return self._student_of(self._item.path.parent)

    @pytest.fixture
    def reference(self) -> ModuleType:
        return reference_of(self._item.path.with_name("solution.py"))

    @pytest.fixture
    def draw(self) -> Any:
        from autograder.vocabulary import Draw

        return Draw(self.secret, f"{self._item.path.parent.name}.{self._item.name}")

    @pytest.fixture
    def picture(self) -> Picture:
        picture = Picture(hidden=self._item.path.name == HIDDEN)
        self._item.stash[PICTURE] = picture
        return picture


class Recorder:
    """Keeps how each check of a student ends: one student at a time."""

    def __init__(self) -> None:
        self.declared: list[Declared] = []
        self.begin(None)

    def begin(self, student: Student | None) -> None:
        """Be about this student from now on."""
        self.student = student
        self.checks: list[Check] = []
        self.faults: list[str] = []
        self.lost: SandboxError | None = None
        self._asked = 0  # of the student when the check under way began

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        self.declared = [Declared.of(item) for item in items]

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        submission = submission_of(self.student)
        if submission is not None:
            self._asked, submission.check = submission.asked, item.name
            if submission.replies is not None:
                submission.replies.begin(item.name)
        if PICTURE in item.stash:  # another student's
            del item.stash[PICTURE]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo
    ) -> Generator[None, Any, Any]:
        report = yield
        if call.excinfo is not None and isinstance(call.excinfo.value, SandboxError):
            self.lost = call.excinfo.value
        elif call.when == "call" or call.excinfo is not None:
            self._judge(item, call, report)
        return report

    def _judge(self, item: pytest.Item, call: pytest.CallInfo, report: pytest.TestReport) -> None:
        try:
            picture = item.stash.get(PICTURE, None)
            check = judge(Declared.of(item), call)
            self.checks.append(replace(check, curve=picture.kept if picture else None))
        except Fault as fault:
            error = call.excinfo and call.excinfo.value
            trace = "".join(traceback.format_exception(error))
            told = f"{item.nodeid}: {fault}\n{report.longreprtext}\n{trace}"
            submission = submission_of(self.student)
            asked = submission is not None and submission.asked > self._asked
            if asked and call.when == "call" and isinstance(error, Exception):
                faults.error("%s", told)
                self.checks.append(stumbled(Declared.of(item), call, fault))
            else:
                self.faults.append(told)

    def has_failed(self) -> bool:
        """Whether any check did not pass, whoever is at fault."""
        return bool(self.faults) or any(check.outcome != "passed" for check in self.checks)


class Runner:
    """The collected checks of an assignment, and what pytest calls while they run."""

    def __init__(self, assignment: Assignment) -> None:
        self.recorder = Recorder()
        self.fixtures = Fixtures(self._student_of, NO_SECRET)
        plugins = [self.recorder, self.fixtures]
        self.collected = Collected(assignment.checks, assignment.course.root, plugins)

    def _student_of(self, folder: Path) -> Student:
        if self.recorder.student is None:
            raise AssertionError(f"checks in {folder} run without a student")
        return self.recorder.student


def submission_of(student: Student | None) -> Loaded | None:
    """What a check's calls are made to; None where it is tried on another object."""
    return getattr(student, "_submission", None)


def run_checks(
    assignment: Assignment,
    student: Student,
    secret: str = NO_SECRET,
    *,
    until_one_fails: bool = False,
    only: Set[str] | None = None,
) -> list[Check]:
    """Run an assignment's checks on a student; AutograderError where the checks themselves are at
    fault, SandboxError where the sandbox went away.

    A check that raises something after it has asked for a function of the student's has failed:
    what came back is what it could not work with. One that raises before is at fault.

    until_one_fails: leave out the checks after the first that does not pass; for a mutant, which
        need not lose more than one
    only: the names of the checks to run (None: all)
    """
    runner = runner_of(assignment)
    recorder, collected = runner.recorder, runner.collected
    fault = next(faults_of(assignment, recorder.declared), None)
    if fault is not None:
        raise AutograderError(str(fault))
    items = [item for item in collected.items if only is None or item.name in only]
    recorder.begin(student)
    runner.fixtures.secret = secret
    try:
        collected.run(
            items,
            lambda: recorder.lost is not None or (until_one_fails and recorder.has_failed()),
        )
        if recorder.lost is not None:
            raise recorder.lost
        if recorder.faults:
            raise AutograderError("\n".join(recorder.faults))
        return recorder.checks
    finally:
        recorder.begin(None)


def declared_checks(assignment: Assignment) -> list[Declared]:
    """What the checks of an assignment declare, without running one; AutograderError where a file
    cannot be collected.
    """
    return runner_of(assignment).recorder.declared


RUNNERS: dict[tuple[Path, ...], Runner] = {}  # of this process, by the files of checks
MOST_RUNNERS = 8


def runner_of(assignment: Assignment) -> Runner:
    """The collected checks of an assignment, collected anew where they have changed or cannot be
    run once more; AutograderError where they cannot be collected.
    """
    key = (assignment.course.root, *assignment.checks)
    runner = RUNNERS.pop(key, None)
    if runner is None or not runner.collected.holds():
        runner = Runner(assignment)
    if runner.collected.faults:
        raise AutograderError("\n".join(runner.collected.faults))
    RUNNERS[key] = runner
    if len(RUNNERS) > MOST_RUNNERS:
        del RUNNERS[next(iter(RUNNERS))]
    return runner


@cache
def reference_of(solution: Path) -> ModuleType:
    """A solution.py, imported once a process."""
    name = f"reference_{solution.parent.name}"
    specification = importlib.util.spec_from_file_location(name, solution)
    if specification is None or specification.loader is None:
        raise AuthoringError(solution, "cannot be imported", "It must be a Python module.")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


# --- how a check ended ----------------------------------------------------------------------------


class Fault(Exception):
    """An exception of a check's own. kind: the name of its type"""

    def __init__(self, kind: str, words: str) -> None:
        super().__init__(f"{kind}: {words}")
        self.kind = kind


def judge(declared: Declared, call: pytest.CallInfo) -> Check:
    """The value of one check that ran; Fault where an exception came from the check itself."""
    error = call.excinfo.value if call.excinfo is not None else None
    outcome, message = verdict(error, hidden=declared.visibility == "hidden")
    return ended(declared, call, outcome, message)


def stumbled(declared: Declared, call: pytest.CallInfo, fault: Fault) -> Check:
    """The value of a check that could not work with what a student's function gave it."""
    message = f"{declared.function} gave what this check could not work with ({fault.kind})"
    return ended(declared, call, "failed", message)


def ended(declared: Declared, call: pytest.CallInfo, outcome: str, message: str) -> Check:
    """The value of a check that ended so."""
    failed = outcome != "passed"
    return Check(
        name=declared.name,
        function=declared.function or "",
        points=declared.points or 0.0,
        outcome=outcome,
        visibility=declared.visibility,
        message=(message or f"not so: {declared.sentence}") if failed else "",
        seconds=round(call.duration, 4),
        title=declared.sentence,
        hint=(declared.hint or "") if failed else "",
    )


def verdict(error: BaseException | None, *, hidden: bool = False) -> tuple[str, str]:
    """The outcome and the one line for the student that an ended check stands for.

    hidden: whether the check's inputs are not for the student to know
    """
    from autograder.grading.student import Verdict

    if error is None:
        return "passed", ""
    text = str(error).strip()
    if hidden and isinstance(error, Verdict):
        text = error.hidden_message
    line = text.splitlines()[0][:MESSAGE_CHARACTERS] if text else ""
    if isinstance(error, Verdict):
        return error.outcome, line
    if isinstance(error, AssertionError):
        return "failed", line
    raise Fault(type(error).__name__, line)


@contextmanager
def open_submission(
    sandbox: Sandbox, assignment: Assignment, submission: Submission
) -> Iterator[Loaded]:
    """Load what was handed in into a box of its own: `with open_submission(...) as loaded`."""
    from autograder.grading.student import Loaded

    with sandbox.open(assignment.limits) as box:
        units = [asdict(unit) for unit in submission.units]
        reply = box.load(units, list(assignment.functions))
        loaded = Loaded.from_reply(box, reply, assignment.functions)
        loaded.text = submission.text
        yield loaded
