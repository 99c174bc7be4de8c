"""Runs the checks of test_public.py on what you have written. There is nothing to change here.

    check("function")              in the notebook: the checks of one function, as it is at that moment
    pytest                         in this folder: all checks, on the functions in your notebook
    pytest --submission=FILE       the same for another notebook or a .py file

A check calls your functions through `student`, which hands them a fresh copy of every argument and seeds torch before every call.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import hashlib
import inspect
import io
import json
import linecache
import os
import re
import sys
import textwrap
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

HERE = Path(__file__).resolve().parent
MARKS = (
    "task(function): the function that a check is about",
    "points(number): what a check is worth",
    "hint(text): where to look when a check fails",
)
WIDTH = 100


# --- in the notebook --------------------------------------------------------------------------------------------------


def check(function: str) -> None:
    """Run the public checks of one function on this notebook's own functions, and say how each went."""
    caller = inspect.currentframe().f_back  # type: ignore[union-attr]
    run = NotebookRun(caller.f_globals, function)  # type: ignore[union-attr]
    run.start()
    print("\n".join(run.lines))


class NotebookRun:
    """A pytest plugin that runs the checks of one function inside the notebook, and keeps the lines that tell how they went."""

    def __init__(self, namespace: dict[str, Any], function: str) -> None:
        self.namespace, self.function = namespace, function
        self.lines: list[str] = []
        self.passed = self.count = 0

    def start(self) -> None:
        options = [
            "-c",
            str(HERE / "pytest.ini"),
            "-o",
            "addopts=",
            "--rootdir",
            str(HERE),
            "--noconftest",
        ]
        options += [
            "-s",
            "--assert=plain",
            "--import-mode=importlib",
            "-p",
            "no:terminal",
            "-p",
            "no:cacheprovider",
        ]
        options += ["-p", "no:logging", "-p", "no:warnings", "-p", "no:faulthandler"]
        options += ["-p", "no:unraisableexception", "-p", "no:threadexception"]
        sys.modules.pop("test_public", None)
        with quietly() as printed:
            status = pytest.main([*options, str(HERE / "test_public.py")], plugins=[self])
        if status == pytest.ExitCode.INTERRUPTED:
            self.lines.append("Stopped before the end.")
        elif self.count:
            self.lines.append(
                f"{self.function}: {self.passed} of {self.count} public checks passed"
            )
        elif not self.lines:
            self.lines.append(f"The checks could not run.\n{printed.getvalue()}")

    @pytest.fixture
    def student(self) -> Student:
        return Student(self.namespace)

    def pytest_configure(self, config: pytest.Config) -> None:
        pytest_configure(config)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        functions = sorted({task_of(item) for item in items})
        items[:] = [item for item in items if task_of(item) == self.function]
        if not items:
            self.lines.append(
                f"There is no check of {self.function!r} here. There are checks of {', '.join(functions)}."
            )

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.lines.append(
                f"The checks cannot be read: {report.longreprtext.strip().splitlines()[-1]}"
            )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Iterator[None]:
        report = yield
        if call.when == "call" or call.excinfo is not None:
            self.count += 1
            self.passed += call.excinfo is None
            self.lines += told(item, call.excinfo)
        return report


@contextlib.contextmanager
def quietly() -> Iterator[io.StringIO]:
    """Nothing printed (what would have been is given), no other pytest plugin loaded, no compiled files left behind."""
    printed = io.StringIO()
    saved = sys.dont_write_bytecode, os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    sys.dont_write_bytecode, os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = True, "1"
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            yield printed
    finally:
        sys.dont_write_bytecode = saved[0]
        os.environ.pop("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
        if saved[1] is not None:
            os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = saved[1]


# --- `pytest` in this folder ------------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    with contextlib.suppress(
        ValueError
    ):  # the course's own package may be installed, and has this option too
        parser.addoption(
            "--submission",
            metavar="FILE",
            help="the notebook or .py file to check; default: the notebook here",
        )


def pytest_configure(config: pytest.Config) -> None:
    for mark in MARKS:
        config.addinivalue_line("markers", mark)


@pytest.fixture(scope="session")
def namespace(request: pytest.FixtureRequest) -> dict[str, Any]:
    os.environ.setdefault("MPLBACKEND", "Agg")  # no windows
    named = request.config.getoption("--submission", None)
    try:
        return load(Path(named) if named else find_submission(HERE))
    except Verdict as verdict:
        pytest.exit(str(verdict), returncode=2)


@pytest.fixture
def student(namespace: dict[str, Any]) -> Student:
    return Student(namespace)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if call.when == "call" or call.excinfo is not None:
        lines = told(item, call.excinfo, encoding=getattr(sys.stdout, "encoding", ""))
        item.config.get_terminal_writer().line("\n".join(lines))
    return report


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Each check has told its lines: nothing more to print, and a failed one is counted under a name without traceback."""
    if report.failed:
        return "not passed", "", ""
    return ("passed", "", "") if report.when == "call" else None


def task_of(item: pytest.Item) -> str:
    mark = item.get_closest_marker("task")
    return str(mark.args[0]) if mark else ""


def told(
    item: pytest.Item, failure: pytest.ExceptionInfo[BaseException] | None, encoding: str = "utf-8"
) -> list[str]:
    """How a check went: its sentence; where it failed, what happened and where to look."""
    good, bad = ("✓", "✗") if (encoding or "").lower().startswith("utf") else ("ok  ", "FAIL")
    sentence = " ".join(
        (getattr(item, "function", None).__doc__ or item.name).split("\n\n")[0].split()
    )
    if failure is None:
        return [f"{good} {sentence}"]
    lines = [f"{bad} {sentence}", *indented(what_happened(failure.value))]
    unwritten = "NotImplementedError" in getattr(failure.value, "error_types", ())
    hint = None if unwritten else item.get_closest_marker("hint")
    return lines + (indented(f"Hint: {hint.args[0]}") if hint else [])


def indented(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="    ", subsequent_indent="    ")


def what_happened(error: BaseException) -> str:
    text = str(error).strip()
    if isinstance(error, AssertionError | Verdict):
        return text.splitlines()[0] if text else "this is not so"
    return f"the check could not use what your function returned ({type(error).__name__}: {text.splitlines()[0] if text else ''})"


# --- calling your functions -------------------------------------------------------------------------------------------


class Verdict(Exception):
    """A call that did not return. outcome: "raised" or "missing"; error_types: the names of the exception's class and its bases."""

    def __init__(self, outcome: str, message: str, error_types: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.outcome, self.error_types = outcome, error_types


class Call(NamedTuple):
    """One call that returned: its value, and what the function left of the arguments that it was given."""

    value: Any
    arguments: tuple[Any, ...]


class Student:
    """Your functions as attributes: `student.f(A)` seeds torch, then calls f with a copy of A."""

    def __init__(self, namespace: dict[str, Any], seed: int = 0) -> None:
        self._namespace, self._seed = namespace, seed

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *arguments, **options: self.call(name, *arguments, **options).value

    def seeded(self, seed: int) -> Student:
        """The same functions, called after `torch.manual_seed(seed)`."""
        return Student(self._namespace, seed)

    def call(self, name: str, *arguments: Any, **options: Any) -> Call:
        """Call a function by name; gives its value and the arguments as they are after the call."""
        arguments, options = copy.deepcopy(arguments), copy.deepcopy(options)
        return Call(detached(self._run(name, arguments, options)), detached(arguments))

    def differentiate(
        self, name: str, *arguments: Any, **options: Any
    ) -> tuple[Any, tuple[Any, ...]]:
        """A function's value and the gradients of its sum with respect to each floating tensor argument (None: no path to it)."""
        arguments, options = copy.deepcopy(arguments), copy.deepcopy(options)
        leaves = [
            item.requires_grad_()
            for item in arguments
            if isinstance(item, torch.Tensor) and item.is_floating_point()
        ]
        value = self._run(name, arguments, options)
        if not (isinstance(value, torch.Tensor) and value.requires_grad):
            return detached(value), (None,) * len(leaves)
        return detached(value), torch.autograd.grad(value.sum(), leaves, allow_unused=True)

    def defaults(self, name: str) -> dict[str, Any]:
        """The parameters of a function, in order, with their default values (None: no default, or not a number)."""
        parameters = inspect.signature(self._function(name)).parameters.values()
        return {
            item.name: item.default if isinstance(item.default, bool | int | float) else None
            for item in parameters
        }

    def _function(self, name: str) -> Callable[..., Any]:
        function = self._namespace.get(name)
        if callable(function):
            return function  # type: ignore[no-any-return]
        why = [
            text
            for source, text in self._namespace.get("__errors__", ())
            if re.search(rf"\b{name}\b", source)
        ]
        raise Verdict("missing", f"{name} is not defined" + (f": {why[0]}" if why else ""))

    def _run(self, name: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        function = self._function(name)
        try:
            with clean_state(self._seed):
                return function(*arguments, **options)
        except NotImplementedError as error:
            raise Verdict(
                "raised", f"{name} is not written yet", ("NotImplementedError",)
            ) from error
        except (Exception, SystemExit) as error:
            what = f"{name} raised {type(error).__name__}: {' '.join(str(error).split())}"
            raise Verdict(
                "raised",
                what + self._place(error),
                tuple(kind.__name__ for kind in type(error).__mro__),
            ) from error

    def _place(self, error: BaseException) -> str:
        """The last line of yours that an exception passed through."""
        place, step = "", error.__traceback__
        while step is not None:
            if step.tb_frame.f_globals is self._namespace:
                file = step.tb_frame.f_code.co_filename
                cell = f"{file.strip('<>')}, " if file.startswith("<cell") else ""
                place = f" ({cell}line {step.tb_lineno}: {linecache.getline(file, step.tb_lineno).strip()})"
            step = step.tb_next
        return place


@contextlib.contextmanager
def clean_state(seed: int) -> Iterator[None]:
    """Every call begins alike: seeded, in float32, with gradients on. What it changes of that is put back."""
    dtype = torch.get_default_dtype()
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.set_default_dtype(torch.float32)
        torch.manual_seed(seed)
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)


def detached(value: Any) -> Any:
    """A result without its path of gradients."""
    if isinstance(value, torch.Tensor):
        return value.detach()
    return type(value)(map(detached, value)) if type(value) in (tuple, list) else value


# --- reading your notebook --------------------------------------------------------------------------------------------


def find_submission(folder: Path) -> Path:
    """The notebook of a folder; where there is none, its .py file."""
    notebooks = sorted(folder.glob("*.ipynb"))
    modules = sorted(
        path for path in folder.glob("*.py") if path.name not in ("conftest.py", "test_public.py")
    )
    found = notebooks or modules
    named = [path for path in found if path.stem == folder.name]
    if len(named or found) != 1:
        names = ", ".join(path.name for path in found) or "no notebook"
        raise Verdict(
            "missing",
            f"which file shall be checked? Here is {names}. Say it: pytest --submission=FILE",
        )
    return (named or found)[0]


def load(path: Path) -> dict[str, Any]:
    """Run the statements of a file that define things; gives the names that they leave.

    Of a notebook, set-up cells and the cells with your solutions run as they are. Other cells that came with the handout are
    left out; of those that you added or changed, only imports, definitions, and assignments that use no function of the
    notebook are run, so that no training starts. A statement that fails is passed over.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        cells = (
            json.loads(text)["cells"]
            if path.suffix == ".ipynb"
            else [{"cell_type": "code", "source": text, "metadata": {}}]
        )
    except FileNotFoundError:
        raise Verdict("missing", f"there is no file {path}") from None
    except (ValueError, KeyError, TypeError):
        raise Verdict("missing", f"{path.name} cannot be read as a notebook") from None
    module = sys.modules["submission"] = types.ModuleType("submission")
    module.__dict__["__errors__"] = []
    for number, cell in enumerate(cells, start=1):
        source = "".join(cell["source"])
        whole = path.suffix == ".py" or defines(cell)
        if cell["cell_type"] == "code" and (whole or not as_released(cell, source)):
            run_cell(
                source,
                f"<cell {number}>" if path.suffix == ".ipynb" else path.name,
                whole,
                module.__dict__,
            )
    return module.__dict__


def defines(cell: dict[str, Any]) -> bool:
    """Whether a cell is for set-up or for a solution."""
    metadata = cell.get("metadata", {})
    return "setup" in metadata.get("tags", ()) or bool(metadata.get("nbgrader", {}).get("solution"))


def as_released(cell: dict[str, Any], source: str) -> bool:
    """Whether a cell is as it came with the handout: its id ends in a digest of its text."""
    text = "\n".join(line.rstrip() for line in source.strip().splitlines())
    return str(cell.get("id", "")).endswith(hashlib.sha256(text.encode()).hexdigest()[:8])


def run_cell(source: str, name: str, whole: bool, namespace: dict[str, Any]) -> None:
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    try:
        statements = parsed(source, name)
    except (SyntaxError, ValueError) as error:
        place = f"{name.strip('<>')}, line {getattr(error, 'lineno', '?')}"
        namespace["__errors__"].append(
            (source, f"{place}: {type(error).__name__}: {getattr(error, 'msg', error)}")
        )
        return
    for statement in statements:
        own = {
            key
            for key, value in namespace.items()
            if getattr(value, "__globals__", None) is namespace
        }
        if not wanted(statement, whole, own):
            continue
        try:
            exec(compile(ast.Module([statement], []), name, "exec"), namespace)
        except (Exception, SystemExit) as error:
            what = f"{name.strip('<>')}, line {statement.lineno}: {type(error).__name__}: {error}"
            namespace["__errors__"].append((ast.unparse(statement), what))


def parsed(source: str, name: str) -> list[ast.stmt]:
    """The statements of a cell; lines such as %matplotlib inline and !pip install, which are not Python, are passed over."""
    try:
        return ast.parse(source, name).body
    except SyntaxError:
        return ast.parse(re.sub(r"(?m)^([ \t]*)[%!?].*$", r"\1pass", source), name).body


def wanted(statement: ast.stmt, whole: bool, own: set[str]) -> bool:
    """Whether a statement is run: see `load`. own: the functions that the notebook has defined so far."""
    names = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
    if "check" in names or (
        isinstance(statement, ast.ImportFrom) and statement.module == "conftest"
    ):
        return False
    if whole or isinstance(statement, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef):
        return True
    return isinstance(statement, ast.Assign | ast.AnnAssign) and not names & own
