"""The process that runs a submission's top level once, then forks one process for every call."""

from __future__ import annotations

import ast
import contextlib
import functools
import inspect
import linecache
import os
import sys
import types

from .call import MESSAGE_CHARACTERS, answer, describe
from .frames import pack, read_frame, write_all


def load(request: dict, report) -> dict:
    """Run the units of a submission in order and return the namespace that they leave.

    `request["skip"]` is the unit that used up the time limit last time (None: none did): from it
    on, only definitions run. `report(message)` tells the supervisor which unit starts.
    """
    helper = types.ModuleType(
        "conftest"
    )  # what a released notebook's set-up cell imports: inert while grading
    for name in ("check", "show", "style"):
        vars(helper)[name] = lambda *arguments, **options: None
    sys.modules["conftest"] = helper
    runner = (
        CellRunner()
        if any(unit["kind"] == "cell" for unit in request["units"])
        else StatementRunner()
    )
    for index, unit in enumerate(request["units"]):
        report({"progress": index})
        past_limit = request["skip"] is not None and index >= request["skip"]
        source = definitions_of(unit["source"]) if past_limit else unit["source"]
        runner.run(source, unit["label"])
    return {"namespace": runner.namespace, "errors": runner.errors}


def definitions_of(source: str) -> str:
    """Only the imports, functions and classes of a unit, each on the lines where it stood."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return ""
    kept = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
    tree.body = [statement for statement in tree.body if isinstance(statement, kept)]
    return ast.unparse(tree)


class NotPython(Exception):
    """A module that does not parse."""


class StatementRunner:
    """Top-level statements of a module, each by itself."""

    def __init__(self) -> None:
        module = types.ModuleType("submission")
        sys.modules["submission"] = module
        self.namespace = module.__dict__
        self.errors: list[dict] = []

    def run(self, source: str, label: str) -> None:
        name = f"<submission{'' if label == '' else ' ' + label}>"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        try:
            statements = ast.parse(source, name).body
        except SyntaxError as error:
            raise NotPython(f"line {error.lineno}: {error.msg}") from None
        except (ValueError, RecursionError, MemoryError) as error:
            raise NotPython(f"the parser gave up ({type(error).__name__})") from None
        for statement in statements:
            try:
                exec(compile(ast.Module([statement], []), name, "exec"), self.namespace)
            except BaseException as error:
                self.errors.append(describe(error))


class CellRunner:
    """Cells of a notebook, each by itself, in IPython's own shell: magics, `!commands` and displays
    behave or are inert.
    """

    def __init__(self) -> None:
        self.shell = shell()
        self.namespace = self.shell.user_ns
        self.errors: list[dict] = []

    def run(self, source: str, label: str) -> None:
        name = f"<cell {label}>"
        self.shell.compile.get_code_name = lambda raw, code, number: name
        try:
            outcome = self.shell.run_cell(source, store_history=False, silent=True)
        except BaseException as error:
            self.errors.append(describe(error))
            return
        failure = outcome.error_before_exec or outcome.error_in_exec
        if failure is not None:
            self.errors.append(describe(failure))


@functools.cache
def shell():
    """IPython's shell, made once in the zygote; forks use their own copy of it."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    class GradingShell(InteractiveShell):
        def enable_gui(self, gui=None):
            pass

        def enable_matplotlib(self, gui=None):
            return None, "agg"

        def system(self, command):
            print("shell commands do not run while grading")

        system_raw = system_piped = system

        def getoutput(self, command, split=True, depth=0):
            self.system(command)
            return []

        def _showtraceback(self, etype, evalue, stb):
            pass

    config = Config()
    config.HistoryManager.enabled = False
    config.HistoryManager.hist_file = ":memory:"
    made = GradingShell(config=config)

    def inert(line: str, cell: str | None = None) -> None:
        print("shell commands do not run while grading")

    for magic in ("pip", "conda", "mamba", "micromamba", "uv", "sx", "system"):
        made.register_magic_function(inert, "line", magic)  # type: ignore[arg-type]
    for magic in (
        "bash",
        "sh",
        "script",
        "sx",
        "system",
        "capture_shell",
        "perl",
        "ruby",
        "javascript",
    ):
        made.register_magic_function(inert, "cell", magic)  # type: ignore[arg-type]
    return made


def serve_submission(request: dict, requests: int, replies: int, limits: dict) -> None:
    """The loader's life: run the top level, tell what it defined, then fork once a call request."""
    number = {"number": request["number"]}
    try:
        loaded = load(request, lambda message: write_all(replies, pack(message | number)))
    except NotPython as error:
        write_all(
            replies,
            pack({"outcome": "unreadable", "message": str(error)[:MESSAGE_CHARACTERS]} | number),
        )
        return
    namespace = loaded["namespace"]
    functions = {
        name: signature(namespace.get(name))
        for name in request["names"]
        if callable(namespace.get(name))
    }
    write_all(
        replies,
        pack(
            {"outcome": "loaded", "functions": functions, "errors": loaded["errors"][:20]} | number
        ),
    )
    while True:
        call, payload = read_frame(requests)
        number = {"number": call["number"]}
        pid = os.fork()
        if pid == 0:
            try:
                os.close(requests)
                write_all(replies, pack({"started": os.getpid()} | number))
                write_all(replies, answer(call, payload, namespace, limits["reply_bytes"]))
            finally:
                os._exit(0)
        status = os.waitpid(pid, 0)[1]
        write_all(replies, pack({"ended": os.waitstatus_to_exitcode(status)} | number))


def signature(function) -> dict:
    """Parameter names and their defaults, where these are numbers; anything else as null."""
    told = {}
    for parameter in list(parameters_of(function))[:32]:
        default = parameter.default
        plain = (
            isinstance(default, bool | int | float) and default == default and abs(default) < 1e300
        )
        told[parameter.name[:80]] = default if plain else None
    return told


def parameters_of(function, depth: int = 4):
    """A function's parameters; behind a decorator that takes anything, (*args, **kwargs), those of
    the function it was put on.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except Exception:  # it has none, or is an object that only looks like a function
        return ()
    closure = getattr(function, "__closure__", None) or ()
    if (
        depth
        and closure
        and all(item.kind in (item.VAR_POSITIONAL, item.VAR_KEYWORD) for item in parameters)
    ):
        with contextlib.suppress(Exception):
            return next(
                parameters_of(cell.cell_contents, depth - 1)
                for cell in closure
                if callable(cell.cell_contents)
            )
    return parameters
