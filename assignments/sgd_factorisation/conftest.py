"""Runs the checks of test_public.py on what you have written. There is nothing to change here.

    check("function")              in the notebook: the checks of one function, as it now is
    style()                        in the notebook: the figures of all lessons look alike
    show(figure, "what it shows")  in the notebook: a figure, with words for who cannot see it
    pytest                         in this folder: all checks, on the functions in your notebook
    pytest --submission=FILE       the same for another notebook or a .py file

A check calls your functions through `student`, which hands them a fresh copy of every argument
and seeds torch before every call (kit_student.py).
"""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

if __package__:  # `autograder check` loads these files out of its package
    from .kit_explain import explain
    from .kit_figures import Picture, show, style
    from .kit_ladder import Lines, smallest_example
    from .kit_notebook import NoSubmission, find_submission, load
    from .kit_report import UNWRITTEN, Told, as_html, as_text, counted, example_as_text, summary
    from .kit_student import Student, Verdict, clean_state
    from .kit_values import printable
else:
    from kit_explain import explain
    from kit_figures import Picture, show, style
    from kit_ladder import Lines, smallest_example
    from kit_notebook import NoSubmission, find_submission, load
    from kit_report import UNWRITTEN, Told, as_html, as_text, counted, example_as_text, summary
    from kit_student import Student, Verdict, clean_state
    from kit_values import printable

__all__ = ["check", "show", "style"]
HERE = Path(__file__).resolve().parent
MARKS = (
    "task(function): the function that a check is about",
    "points(number): what a check is worth",
    "hint(text): where to look when a check fails",
)
MESSAGE = 400  # characters of what a check says
MISSED = pytest.StashKey[dict[str, "Missed"]]()  # functions that failed a check


# --- in the notebook ------------------------------------------------------------------------------


def check(function: str) -> None:
    """Run the public checks of one function on this notebook's own, and show how each went.

    Raises NotPassed unless all passed, so that whatever runs the notebook knows.
    """
    caller = inspect.currentframe().f_back  # type: ignore[union-attr]
    run = NotebookRun(Student(caller.f_globals), function)  # type: ignore[union-attr]
    run.start()
    run.show()
    if not run.passed:
        raise NotPassed(run.summary) from None


class NotPassed(AssertionError):
    """A check found something to mend. What it found is shown already: no traceback."""

    def _render_traceback_(self) -> list[str]:  # what IPython shows of an exception
        return [str(self)]


class NotebookRun:
    """A pytest plugin that runs checks inside a notebook, and keeps how they went.

    function: the one whose checks are run; None: all
    """

    def __init__(self, student: Any, function: str | None = None) -> None:
        self._student, self.function = student, function
        self.checks: list[Told] = []
        self.examples: dict[str, Lines] = {}  # the smallest that fails, by function
        self._missed: dict[str, list[str]] = {}  # what failed checks say, by function
        self.trouble = ""  # why the checks could not be run to the end

    @property
    def passed(self) -> bool:
        """Whether all checks ran and passed."""
        return not self.trouble and all(told.passed for told in self.checks)

    @property
    def caption(self) -> str:
        """How many checks passed."""
        return self.trouble or counted(str(self.function), self.checks)

    @property
    def summary(self) -> str:
        """The same, and what the first check asks that did not pass."""
        return self.trouble or summary(str(self.function), self.checks)

    def start(self) -> None:
        options = ["-c", str(HERE / "pytest.ini"), "-o", "addopts=", "--rootdir", str(HERE)]
        options += ["--noconftest", "-s", "--assert=plain", "--import-mode=importlib"]
        options += [word for name in UNUSED for word in ("-p", f"no:{name}")]
        sys.modules.pop("test_public", None)  # it is read anew
        with clean_state(), quietly() as printed:
            status = pytest.main([*options, str(HERE / "test_public.py")], plugins=[self])
            missed = self._missed if status != pytest.ExitCode.INTERRUPTED else {}
            for function, messages in missed.items():
                example = smallest_example(HERE, self._student, function, messages)
                self.examples |= {function: example} if example else {}
        sys.modules.pop("test_public", None)
        if status == pytest.ExitCode.INTERRUPTED:
            self.trouble = self.trouble or "Stopped before the end."
        elif not self.checks and not self.trouble:
            self.trouble = f"The checks could not run. {printed.getvalue().strip()}"

    def show(self) -> None:
        """Show the checks: a table in a notebook, text elsewhere."""
        encoding = getattr(sys.stdout, "encoding", "utf-8")
        lines = [line for told in self.checks for line in as_text(told, encoding)]
        examples = list(self.examples.values())
        lines += [line for example in examples for line in example_as_text(example)]
        text = "\n".join([*lines, self.caption])
        if in_ipython():
            from IPython.display import display

            page = as_html(self.caption, self.checks, examples) if self.checks else None
            display({"text/plain": text} | ({"text/html": page} if page else {}), raw=True)
        else:
            print(text)

    @pytest.fixture
    def student(self) -> Any:
        return self._student

    @pytest.fixture
    def picture(self) -> Picture:
        return Picture()

    def pytest_configure(self, config: pytest.Config) -> None:
        pytest_configure(config)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        functions = sorted({task_of(item) for item in items})
        items[:] = [item for item in items if self.function in (None, task_of(item))]
        if not items and not self.trouble:
            there = f"There are checks of {', '.join(functions)}."
            self.trouble = f"There is no check of {self.function!r} here. {there}"

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            last = report.longreprtext.strip().splitlines()[-1]
            self.trouble = f"The checks cannot be read: {last}"

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> pytest.TestReport:
        if call.when == "call" or call.excinfo is not None:
            told = told_of(item, call.excinfo and call.excinfo.value)
            self.checks.append(told)
            if has_example(told):
                self._missed.setdefault(task_of(item), []).append(told.happened)
        outcome = "failed" if call.excinfo else "passed"
        return pytest.TestReport(item.nodeid, item.location, {}, outcome, None, call.when)


UNUSED = (  # plugins of pytest that a run in a notebook has no need of
    *("terminal", "cacheprovider", "logging", "warnings", "faulthandler", "unraisableexception"),
    *("threadexception", "doctest", "junitxml", "pastebin", "setuponly", "setupplan", "stepwise"),
    "legacypath",
)


def in_ipython() -> bool:
    """Whether this is a notebook, or IPython in a terminal."""
    module = sys.modules.get("IPython")
    return module is not None and module.get_ipython() is not None


@contextlib.contextmanager
def quietly() -> Iterator[io.StringIO]:
    """Nothing printed (what would have been is given), no other plugin, no compiled files."""
    printed, name = io.StringIO(), "PYTEST_DISABLE_PLUGIN_AUTOLOAD"
    saved = sys.dont_write_bytecode, os.environ.get(name)
    sys.dont_write_bytecode, os.environ[name] = True, "1"
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            yield printed
    finally:
        sys.dont_write_bytecode = saved[0]
        os.environ.pop(name)
        if saved[1] is not None:
            os.environ[name] = saved[1]


# --- how a check went -----------------------------------------------------------------------------


def task_of(item: pytest.Item) -> str:
    mark = item.get_closest_marker("task")
    return str(mark.args[0]) if mark else ""


def told_of(item: pytest.Item, error: BaseException | None) -> Told:
    """How a check went: its sentence; where it failed, what happened and where to look."""
    docstring = getattr(item, "function", None).__doc__ or item.name
    sentence = " ".join(docstring.split("\n\n")[0].split())
    if error is None:
        return Told(item.name, sentence, "passed", "passed")
    outcome, happened = ending(error, sentence)
    if isinstance(error, Verdict) and happened.endswith(UNWRITTEN):  # or that of what it calls is
        word = UNWRITTEN if happened == f"{task_of(item)} is {UNWRITTEN}" else outcome
        return Told(item.name, sentence, outcome, word, happened)
    mark = item.get_closest_marker("hint")
    look = explain(happened, isinstance(error, Verdict)) or (mark.args[0] if mark else "")
    told = Told(item.name, sentence, outcome, outcome, happened, look)
    drawn = picture_of(item) if isinstance(error, AssertionError) else None
    return told if drawn is None else told._replace(png=drawn.png, words=drawn.words)


def has_example(told: Told) -> bool:
    """Whether there is a function that could be asked for the smallest example that fails."""
    return not (told.passed or told.outcome == "missing" or told.happened.endswith(UNWRITTEN))


def ending(error: BaseException, sentence: str) -> tuple[str, str]:
    """The outcome of a check that did not pass, and what happened, as the grader has them."""
    text = str(error).strip()
    line = text.splitlines()[0][:MESSAGE] if text else ""
    if isinstance(error, Verdict):
        return error.outcome, line
    if isinstance(error, AssertionError):
        return "failed", line or f"not so: {sentence}"
    said = printable(f"{type(error).__name__}: {line}" if line else type(error).__name__)
    return "failed", f"the check could not use what your function returned ({said})"


def picture_of(item: pytest.Item) -> Any:
    """What a check that failed has to show."""
    picture = getattr(item, "funcargs", {}).get("picture")
    return picture.drawn() if isinstance(picture, Picture) else None


# --- `pytest` in this folder ----------------------------------------------------------------------


class Missed(NamedTuple):
    """A function that failed checks: the folder of these, and what they say."""

    folder: Path
    student: Student
    messages: list[str]


def pytest_addoption(parser: pytest.Parser) -> None:
    words = "the notebook or .py file to check; default: the notebook here"
    with contextlib.suppress(ValueError):  # the course's own package has this option too
        parser.addoption("--submission", metavar="FILE", help=words)


def pytest_configure(config: pytest.Config) -> None:
    for mark in MARKS:
        config.addinivalue_line("markers", mark)


@pytest.fixture(scope="session")
def namespace(request: pytest.FixtureRequest) -> dict[str, Any]:
    os.environ.setdefault("MPLBACKEND", "Agg")  # no windows
    named = request.config.getoption("--submission", None)
    functions = {task_of(item) for item in request.session.items}
    try:
        with clean_state():
            return load(Path(named) if named else find_submission(HERE), functions)
    except NoSubmission as problem:
        pytest.exit(str(problem), returncode=2)


@pytest.fixture
def student(namespace: dict[str, Any]) -> Student:
    return Student(namespace)


@pytest.fixture
def picture() -> Picture:
    return Picture()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if call.when == "call" or call.excinfo is not None:
        told = told_of(item, call.excinfo and call.excinfo.value)
        lines = as_text(told, getattr(sys.stdout, "encoding", ""))
        item.config.get_terminal_writer().line("\n".join(lines))
        student = getattr(item, "funcargs", {}).get("student")
        if has_example(told) and isinstance(student, Student):
            missed = item.config.stash.setdefault(MISSED, {})
            one = missed.setdefault(task_of(item), Missed(item.path.parent, student, []))
            one.messages.append(told.happened)
    return report


def pytest_terminal_summary(config: pytest.Config) -> None:
    """The smallest example of each function that failed a check."""
    for function, one in config.stash.get(MISSED, {}).items():
        with clean_state(), quietly(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the checks have met them
            example = smallest_example(one.folder, one.student, function, one.messages)
        if example:
            config.get_terminal_writer().line("\n" + "\n".join(example_as_text(example)))


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Each check has told its lines: nothing more to print, and no traceback of a failed one."""
    if report.failed:
        return "not passed", "", ""
    return ("passed", "", "") if report.when == "call" else None
