"""Runs a submission's top level statement by statement, so that a line that fails costs no other.

A module's statements and a notebook cell's run alike. A cell goes through IPython's own
transformations first: magics, `!commands`, `await` and the display of its last expression behave as
in a notebook, or are inert (shell.py). A cell magic (`%%name`) is one statement, unless it only
wraps its body.
"""

from __future__ import annotations
import __future__

import ast
import functools
import importlib
import inspect
import linecache
import re
import sys
import types

from .call import describe
from .shell import shell
from .wording import explain_syntax

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
LOOPS = (ast.For, ast.AsyncFor, ast.While)
BOUND = re.compile(r"^[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)|^(\w+)[ \t]*=", re.MULTILINE)
MOST_NAMES = 40  # of those that a failed statement would have bound
MOST_ERRORS = 20


class NotPython(Exception):
    """A module that does not parse."""


class Steps:
    """Numbers the statements of a submission, and says which are left out.

    skip: the numbers of those that used up the time limit in earlier runs, in order
    report: called with a message for the supervisor before each statement

    After one of them, everything else runs. After the second, what may take long (loops, calls of
    the submission's own functions) is left out too, since no run shall follow.
    """

    def __init__(self, skip: list[int], report) -> None:
        self.skip, self.report, self.number = skip, report, -1

    def announce(self) -> None:
        """Tell which statement is next."""
        self.report({"progress": self.number + 1})

    def leaves_out(self) -> str:
        """Go on to the next statement; says why it is not run, "" where it is."""
        self.announce()
        self.number += 1
        if self.number in self.skip:
            return "did not finish within the time limit, and was left out"
        return ""

    def is_short_of_time(self) -> bool:
        return len(self.skip) > 1 and self.number > self.skip[-1]


class Runner:
    """Runs the units of a submission in one namespace. errors: what failed, as messages."""

    def __init__(self, namespace: dict, steps: Steps) -> None:
        self.namespace, self.steps = namespace, steps
        self.errors: list[dict] = []
        self.flags = 0  # of the future statements so far, which hold for what follows

    def run(self, source: str, label: str) -> None:
        raise NotImplementedError

    def run_statements(self, tree: ast.Module, name: str, displays: bool = False) -> None:
        """Run each statement by itself; the last one shows its value where it is an expression."""
        for statement in tree.body:
            why = self.steps.leaves_out()
            if why:
                place = f"{name.strip('<>')} line {statement.lineno}"
                self.note({"type": "", "message": why, "where": place}, bound_by(statement))
                continue
            if self.steps.is_short_of_time() and not self.is_cheap(statement):
                continue
            shown = displays and statement is tree.body[-1] and isinstance(statement, ast.Expr)
            try:
                self.execute(statement, name, shown)
            except BaseException as error:
                self.note(describe(error), bound_by(statement))

    def execute(self, statement: ast.stmt, name: str, shown: bool) -> None:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            importlib.invalidate_caches()  # of a file that the statement before has written
        tree = ast.Interactive([statement]) if shown else ast.Module([statement], [])
        flags = self.flags | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        code = compile(tree, name, "single" if shown else "exec", flags, dont_inherit=True)
        self.flags |= future_flags(statement)
        if code.co_flags & inspect.CO_COROUTINE:
            awaited(eval(code, self.namespace))
        else:
            exec(code, self.namespace)

    def is_cheap(self, statement: ast.stmt) -> bool:
        """Whether a statement defines something, or has no loop and calls nothing of the
        submission's own.
        """
        if isinstance(statement, DEFINITIONS):
            return True
        for node in ast.walk(statement):
            if isinstance(node, LOOPS):
                return False
            if isinstance(node, ast.Name) and is_own(self.namespace.get(node.id)):
                return False
        return True

    def note(self, error: dict, names: list[str]) -> None:
        """Keep an error, with the names that its statement would have bound."""
        if len(self.errors) < MOST_ERRORS:
            self.errors.append(error | {"binds": names[:MOST_NAMES]})

    def note_unreadable(self, error: BaseException, source: str, place: str) -> None:
        """Keep the error of a cell that does not parse."""
        line = getattr(error, "lineno", None)
        told = {
            "type": type(error).__name__,
            "message": explain_syntax(error, source),
            "where": f"{place} line {line}" if line else place,
        }
        names = [first or second for first, second in BOUND.findall(source[:100_000])]
        self.note(told, names)


class StatementRunner(Runner):
    """The statements of a module."""

    def __init__(self, steps: Steps) -> None:
        module = types.ModuleType("submission")
        sys.modules["submission"] = module
        super().__init__(module.__dict__, steps)

    def run(self, source: str, label: str) -> None:
        name = f"<submission{'' if label == '' else ' ' + label}>"
        remember(name, source)
        self.steps.announce()  # the parser may be what takes too long
        try:
            tree = ast.parse(source, name)
        except SyntaxError as error:
            exported = self.as_a_cell(source, name)
            if exported is None:
                told = f"line {error.lineno}: {explain_syntax(error, source)}"
                raise NotPython(told) from None
            tree = exported
        except (ValueError, RecursionError, MemoryError) as error:
            raise NotPython(f"the parser gave up ({type(error).__name__})") from None
        self.run_statements(tree, name)

    def as_a_cell(self, source: str, name: str) -> ast.Module | None:
        """A module with `!pip` or `%matplotlib` in it, as Colab exports notebooks, as a cell reads:
        those lines fail, since nothing runs them here, and cost themselves alone. None for what is
        no cell either.
        """
        try:
            return ast.parse(shell().transform_cell(source), name)
        except BaseException:
            return None


class CellRunner(Runner):
    """The cells of a notebook, in IPython's shell."""

    def __init__(self, steps: Steps) -> None:
        self.shell = shell()
        self.shell.runner = self
        self.name = "<cell>"
        super().__init__(self.shell.user_ns, steps)

    def run(self, source: str, label: str) -> None:
        self.name = f"<cell {label}>"
        remember(self.name, source)
        with self.shell.builtin_trap, self.shell.display_trap:
            self.run_cell(source, 0)

    def run_cell(self, source: str, offset: int) -> None:
        """Run a cell, or the body of a cell magic that begins `offset` lines below its top."""
        self.steps.announce()
        blank = len(source) - len(source.lstrip())  # IPython drops empty lines at the top
        offset += source[:blank].count("\n")
        try:
            text = self.shell.transform_cell(source)
            tree = self.shell.transform_ast(ast.parse(text, self.name))
        except BaseException as error:
            if isinstance(error, SyntaxError) and error.lineno:
                error.lineno += offset
            self.note_unreadable(error, source, self.name.strip("<>"))
            return
        ast.increment_lineno(tree, offset)
        self.run_statements(tree, self.name, displays=not text.rstrip().endswith(";"))

    def run_once(self, source: str, setup: str = "") -> None:
        """Run code as `%timeit` does, once: what it binds is its own."""
        names = dict(self.namespace)
        for text in (setup, source):
            code = compile(self.shell.transform_cell(text), self.name, "exec", self.flags)
            exec(code, names)


def remember(name: str, source: str) -> None:
    """Let tracebacks and `inspect` find the lines of a unit."""
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)


def future_flags(statement: ast.stmt) -> int:
    """The compiler's flags that a `from __future__ import` sets for all that follows."""
    flags = 0
    if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
        for alias in statement.names:
            flags |= getattr(getattr(__future__, alias.name, None), "compiler_flag", 0)
    return flags


def awaited(coroutine) -> None:
    """Run a coroutine to its end, on an event loop where one can be made."""
    loop = event_loop()
    if loop is not None:
        loop.run_until_complete(coroutine)
        return
    try:
        while True:
            coroutine.send(None)
    except StopIteration:
        pass


@functools.cache
def event_loop():
    """One loop for all of a submission, so that what is begun in one statement can be awaited in
    another; None where none can be made.
    """
    import asyncio

    try:
        loop = asyncio.new_event_loop()
    except OSError:
        return None
    asyncio.set_event_loop(loop)
    return loop


def bound_by(statement: ast.stmt) -> list[str]:
    """The names that a statement would have bound."""
    names = []
    for node in ast.walk(statement):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.alias):
            names.append((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.append(node.id)
    return [name[:80] for name in names]


def is_own(value) -> bool:
    """Whether a value is a function or a class of the submission's."""
    try:
        file = value.__code__.co_filename
    except Exception:
        return getattr(value, "__module__", None) in ("submission", "__main__") and callable(value)
    return file.startswith(("<submission", "<cell"))
