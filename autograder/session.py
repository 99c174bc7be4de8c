"""The pytest plugin: a submission's functions as the `student` fixture, points out.

    pytest reference_solutions/sgd_factorisation --submission FILE      one submission, pytest's own report
    autograder grade sgd_factorisation FILE                             the same checks through `run_checks`

Checks are plain pytest functions of a staff folder's test_public.py and test_hidden.py:

    @pytest.mark.task("sgd_factorise")       which function it is about
    @pytest.mark.points(2)                   what it is worth
    @pytest.mark.hint("Look at ...")         where to look when it fails
    def test_name(student, draw): '''One true sentence about the student's function.'''

Fixtures: `student` (the submission behind the line), `reference` (solution.py, in this process), `draw` (the check's random inputs).
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from autograder.assignment import Assignment, read_assignment
from autograder.errors import AuthoringError, AutograderError
from autograder.results import Check, points_by_function

if TYPE_CHECKING:  # plain pytest loads this plugin in every run: torch is imported when a submission is graded
    from autograder.sandbox import Sandbox
    from autograder.student import Submission
    from autograder.submission import Source

MARKS = {
    "task(function)": "the function of the assignment that a check is about",
    "points(number)": "what a check is worth",
    "hint(text)": "where to look when a check fails",
}
NO_SECRET = "no course"
MESSAGE_CHARACTERS = 400


@dataclass
class Run:
    """One run of an assignment's checks on one submission: what goes in, and the checks that come out.

    until_one_fails: leave out the checks after the first that does not pass; for a mutant, which need not lose more than one
    """

    assignment: Assignment
    student: Any
    secret: str = NO_SECRET
    until_one_fails: bool = False
    checks: list[Check] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


_references: dict[Path, ModuleType] = {}


def run_checks(run: Run) -> list[Check]:
    """Run an assignment's checks in this process; AutograderError where the checks themselves are at fault."""
    run.checks.clear()
    arguments = ["-s", "-p", "no:terminal", "-p", "no:cacheprovider", "-p", "no:logging", "-p", "no:faulthandler"]
    arguments += ["-p", "no:unraisableexception", "-p", "no:threadexception", "-p", "no:doctest", "-p", "no:junitxml"]
    arguments += ["-p", "no:pastebin", "-p", "no:setuponly", "-p", "no:setupplan", "-p", "no:stepwise", "-p", "no:legacypath"]
    arguments += ["--import-mode=importlib", "--assert=plain", "-c", os.devnull, "--noconftest"]
    arguments += [f"--rootdir={run.assignment.folder.parent.parent}", *map(str, run.assignment.checks)]
    arguments += ["--maxfail=1"] if run.until_one_fails else []
    before = os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        plugin = Plugin(run)
        status = pytest.main(arguments, plugins=[plugin])
    finally:
        forget(run.assignment.checks)
        if before is None:
            del os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"]
        else:
            os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = before
    if run.faults or status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise AutograderError("\n".join(run.faults) or f"pytest ended with {status!r} on {run.assignment.folder}")
    return run.checks


def forget(files: tuple[Path, ...]) -> None:
    """Drop the modules of these files, so that the next run reads them anew: pytest keeps what it imported, by name."""
    paths, stems = set(map(str, files)), tuple(path.stem for path in files)
    for name, module in list(sys.modules.items()):
        if name.endswith(stems) and getattr(module, "__file__", None) in paths:
            del sys.modules[name]


def reference_of(assignment: Assignment) -> ModuleType:
    """The assignment's solution.py, imported once a process."""
    path = assignment.solution
    if path not in _references:
        _references[path] = import_file(path, f"reference_{assignment.slug}")
    return _references[path]


def import_file(path: Path, name: str) -> ModuleType:
    """Import a staff file under a name of its own."""
    specification = importlib.util.spec_from_file_location(name, path)
    if specification is None or specification.loader is None:
        raise AuthoringError(path, "cannot be imported", "It must be a Python module.")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


class Plugin:
    """The hooks and fixtures of one run."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def pytest_configure(self, config: pytest.Config) -> None:
        add_marks(config)

    @pytest.fixture
    def student(self) -> Any:
        return self.run.student

    @pytest.fixture
    def reference(self) -> ModuleType:
        return reference_of(self.run.assignment)

    @pytest.fixture
    def draw(self, request: pytest.FixtureRequest) -> Any:
        from autograder.vocabulary import Draw

        return Draw(self.run.secret, f"{self.run.assignment.slug}.{request.node.name}")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        try:
            validate(self.run.assignment, items)
        except AuthoringError as error:
            self.run.faults.append(str(error))
            items.clear()

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.run.faults.append(f"{report.nodeid or self.run.assignment.folder} cannot be collected:\n{report.longreprtext}")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo) -> Generator[None, Any, Any]:
        report = yield
        if call.when == "call" or call.excinfo is not None:
            try:
                self.run.checks.append(judge(item, call))
            except Fault as fault:
                self.run.faults.append(f"{item.nodeid}: {fault}\n{report.longreprtext}")
        return report


class Fault(Exception):
    """A check that failed through no doing of the student's."""


def judge(item: pytest.Item, call: pytest.CallInfo) -> Check:
    """The frozen value of one check that ran; Fault where an exception came from the check itself."""
    outcome, message = verdict(call.excinfo.value if call.excinfo is not None else None)
    function, points, hint, title = described(item)
    failed = outcome != "passed"
    visibility = "hidden" if item.path.name == "test_hidden.py" else "public"
    return Check(
        name=item.name,
        function=function,
        points=points,
        outcome=outcome,
        visibility=visibility,
        message=(message or f"not so: {title}") if failed else "",
        seconds=round(call.duration, 4),
        title=title,
        hint=hint if failed else "",
    )


def verdict(error: BaseException | None) -> tuple[str, str]:
    """The outcome and the one line for the student that an ended check stands for."""
    from autograder.student import Verdict

    if error is None:
        return "passed", ""
    line = str(error).strip().splitlines()[0][:MESSAGE_CHARACTERS] if str(error).strip() else ""
    if isinstance(error, Verdict):
        return error.outcome, line
    if isinstance(error, AssertionError):
        return "failed", line
    raise Fault(f"{type(error).__name__}: {line}")


def described(item: pytest.Item) -> tuple[str, float, str, str]:
    """A check's function, points, hint and sentence, from its marks and docstring; AuthoringError where one is missing."""
    found = {}
    for name in ("task", "points", "hint"):
        mark = item.get_closest_marker(name)
        if mark is None or len(mark.args) != 1 or not mark.args[0]:
            raise AuthoringError(item.path, f"{item.name} has no {name}", f"Add @pytest.mark.{name}(...).")
        found[name] = mark.args[0]
    sentence = " ".join((getattr(item, "function", None).__doc__ or "").split("\n\n")[0].split())
    if not sentence:
        raise AuthoringError(item.path, f"{item.name} has no docstring", "Write one true sentence about the student's function.")
    return found["task"], float(found["points"]), found["hint"], sentence


def validate(assignment: Assignment, items: list[pytest.Item]) -> None:
    """Fail where the checks and assignment.toml do not fit together."""
    where = assignment.folder / "assignment.toml"
    seen: dict[str, Path] = {}
    blank = []
    for item in items:
        function, points, _, _ = described(item)
        if function not in assignment.functions:
            mend = f"Its functions are {', '.join(assignment.functions)}: mend the task mark, or add the function."
            raise AuthoringError(item.path, f"{item.name} is about {function}, which assignment.toml does not name", mend)
        if item.name in seen:
            raise AuthoringError(
                item.path, f"{item.name} is also in {seen[item.name].name}", "Give each check a name of its own."
            )
        seen[item.name] = item.path
        blank.append(Check(item.name, function, points, "passed", "hidden", "", 0.0))
    totals = points_by_function(blank)
    for function, points in assignment.functions.items():
        total = totals.get(function, 0.0)
        if abs(total - points) > 1e-9:
            mend = "Change the points of its checks, or the line in [functions]."
            raise AuthoringError(where, f"gives {function} {points:g} points, and its checks add up to {total:g}", mend)


def add_marks(config: pytest.Config) -> None:
    for name, meaning in MARKS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")


# --- plain pytest -----------------------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("autograder", "grading one submission with an assignment's checks")
    group.addoption("--submission", metavar="FILE", help="the .py or .ipynb to grade with the checks of the assignment's folder")
    group.addoption("--draw", metavar="SECRET", default=NO_SECRET, help="what the random inputs of the checks derive from")
    group.addoption("--no-sandbox", action="store_true", help="run a submission that you trust without a sandbox")


def pytest_configure(config: pytest.Config) -> None:
    add_marks(config)
    if config.getoption("--submission"):
        config.pluginmanager.register(PlainRun(config), "autograder-plain-run")


class PlainRun:
    """`pytest FOLDER --submission FILE`: the same checks, pytest's own report."""

    def __init__(self, config: pytest.Config) -> None:
        self.path = Path(config.getoption("--submission")).absolute()
        self.isolation = "none" if config.getoption("--no-sandbox") else "sandbox"
        self.secret = config.getoption("--draw")
        self.earned: dict[str, list[float]] = {}

    @pytest.fixture(scope="session")
    def sandbox(self) -> Iterator[Any]:
        from autograder.sandbox import Sandbox

        with Sandbox.start(self.isolation) as sandbox:
            yield sandbox

    @pytest.fixture(scope="module")
    def student(self, request: pytest.FixtureRequest, sandbox: Any) -> Iterator[Any]:
        from autograder.student import Student
        from autograder.submission import read, unchanged_cells

        assignment = read_assignment(request.path.parent)
        source = read(self.path, unchanged_cells(assignment))
        with open_submission(sandbox, assignment, source) as submission:
            yield Student(submission)

    @pytest.fixture
    def reference(self, request: pytest.FixtureRequest) -> ModuleType:
        return reference_of(read_assignment(request.path.parent))

    @pytest.fixture
    def draw(self, request: pytest.FixtureRequest) -> Any:
        from autograder.vocabulary import Draw

        return Draw(self.secret, f"{request.path.parent.name}.{request.node.name}")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo) -> Generator[None, Any, Any]:
        report = yield
        if call.when == "call":
            try:
                check = judge(item, call)
            except (Fault, AuthoringError):
                return report
            earned = self.earned.setdefault(check.function, [0.0, 0.0])
            earned[0] += check.earned
            earned[1] += check.points
            if check.outcome != "passed":
                report.longrepr = f"{check.title}\n  {check.outcome}: {check.message}\n  hint: {check.hint}"
        return report

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        for function, (earned, points) in self.earned.items():
            terminalreporter.write_line(f"{function}: {earned:g} of {points:g} points")


@contextmanager
def open_submission(sandbox: Sandbox, assignment: Assignment, source: Source) -> Iterator[Submission]:
    """Load a source into a box of its own: `with open_submission(sandbox, assignment, source) as submission`."""
    from autograder.student import Submission

    with sandbox.open(assignment.limits) as box:
        units = [{"kind": unit.kind, "source": unit.source, "label": unit.label} for unit in source.units]
        reply = box.load(units, list(assignment.functions))
        yield Submission.loaded(box, reply, assignment.functions)
