"""The checks of an assignment as pytest has collected them: once a process, and run on one student
after another.

To start pytest and to collect takes longer than to run the checks of most submissions. Kept is what
pytest read: which checks there are, with what marks, fixtures and parameters. The files of checks
themselves are executed anew for every student, as a collection would, so that nothing that a check
leaves in them (a list, a generator's state) reaches the next student. Where more than functions
hangs on the first execution (fixtures and classes of a file's own, parameters that can change), the
files are collected anew each time.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import SourceLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import pytest

from autograder.errors import AutograderError
from autograder.grading.decided import HOOKS

UNUSED_PLUGINS = (
    "terminal", "cacheprovider", "logging", "faulthandler", "unraisableexception",
    "threadexception", "doctest", "junitxml", "pastebin", "setuponly", "setupplan", "stepwise",
    "legacypath",
)  # fmt: skip
CONSTANT = (type(None), bool, int, float, complex, str, bytes)


class Collected:
    """The collected checks of some files. plugins: what pytest is to call; kept as long

    faults: what kept files from being collected
    """

    def __init__(self, files: Sequence[Path], root: Path, plugins: Iterable[Any]) -> None:
        self.files, self.stamp = tuple(files), stamp_of(files)
        self.items: list[pytest.Item] = []
        self.faults: list[str] = []
        self.session: pytest.Session | None = None
        self._interrupted = False
        self._codes: dict[str, CodeType] = {}  # of the files, compiled once
        arguments = ["-s", "--disable-plugin-autoload", "--import-mode=importlib", "--assert=plain"]
        for name in UNUSED_PLUGINS:
            arguments += ["-p", f"no:{name}"]
        arguments += ["-c", os.devnull, "--noconftest", f"--rootdir={root}"]
        try:
            status = pytest.main([*arguments, *map(str, files)], plugins=[self, *plugins])
            if self._interrupted:
                raise KeyboardInterrupt
            fine = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
            if status not in fine and not self.faults:
                raise AutograderError(f"pytest ended with {status!r} on {files[0].parent}")
            self.again = not self.faults and all(map(is_plain, self.items))
            self._fresh = True  # as collected: not executed anew, and not run
        finally:
            forget(self.files)

    # --- what pytest calls

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            where = report.nodeid or self.files[0].parent
            self.faults.append(f"{where} cannot be collected:\n{report.longreprtext}")

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Ctrl-C, of which pytest makes an exit status: whoever went on would import once more what
        was half imported, and of torch that is a crash.
        """
        self._interrupted = isinstance(excinfo.value, KeyboardInterrupt)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Keep what was collected, and run nothing yet."""
        self.session, self.items = session, list(session.items)
        return True

    # --- what is done with it

    def holds(self) -> bool:
        """Whether it may be run once more: the files are as they were, and can be executed anew."""
        return (self.again or self._fresh) and stamp_of(self.files) == self.stamp

    def run(self, items: Sequence[pytest.Item], is_over: Callable[[], bool]) -> None:
        """Run some of the checks in turn, until `is_over` after one of them.

        Raises AutograderError where pytest is told to exit, or a file cannot be executed.
        """
        if self.session is None:
            return
        with self._configured(self.session), self._modules(items):
            for item, following in zip(items, [*items[1:], None], strict=True):
                item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
                if is_over():
                    return

    @contextmanager
    def _configured(self, session: pytest.Session) -> Iterator[None]:
        """pytest's settings of this process while checks run, as in any run of it."""
        config, here = session.config, Path.cwd()
        config.option.tbstyle = "line"  # to format what nobody reads takes longer than to run
        markers = config.getini("markers")
        known = len(markers)
        config._do_configure()
        capture = config.pluginmanager.getplugin("capturemanager")
        if capture is not None and not capture.is_globally_capturing():
            capture.start_global_capturing()  # of nothing, with -s; ended with the last run
            config.add_cleanup(capture.stop_global_capturing)
        try:
            yield
        except pytest.exit.Exception as error:
            raise AutograderError(f"pytest ended on {self.files[0].parent}: {error}") from error
        finally:
            os.chdir(here)
            config.hook.pytest_sessionfinish(session=session, exitstatus=pytest.ExitCode.OK)
            config._ensure_unconfigure()
            del markers[known:]

    @contextmanager
    def _modules(self, items: Sequence[pytest.Item]) -> Iterator[None]:
        """The files of the checks, executed anew and known by their names while the checks run."""
        try:
            for node in dict.fromkeys(item.getparent(pytest.Module) for item in self.items):
                if node is None:
                    continue
                module = node.obj if self._fresh else executed(node.obj, self._codes)
                sys.modules[module.__name__] = node.obj = module
                for item in items:
                    if isinstance(item, pytest.Function) and item.parent is node:
                        item.obj = getattr(module, item.originalname)
            self._fresh = False
            yield
        finally:
            self._fresh = False
            forget(self.files)


def is_plain(item: pytest.Item) -> bool:
    """Whether a check is a function of its file, and all that pytest knows of it beside is
    constant.
    """
    node = item.parent
    if type(item) is not pytest.Function or type(node) is not pytest.Module:
        return False
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return all(map(is_constant, parameters)) and not any(
        name.startswith(HOOKS) or is_fixture(value) for name, value in vars(node.obj).items()
    )


def is_fixture(value: object) -> bool:
    return isinstance(value, type(pytest.fixture(lambda: None)))


def is_constant(value: object) -> bool:
    if type(value) is tuple:
        return all(map(is_constant, value))
    return type(value) in CONSTANT


def executed(module: ModuleType, codes: dict[str, CodeType]) -> ModuleType:
    """The same file as a new module. Raises AutograderError where that fails.

    codes: of files that were compiled before, by the names of their modules
    """
    specification, name = module.__spec__, module.__name__
    loader = specification.loader if specification is not None else None
    if specification is None or loader is None:
        raise AutograderError(f"{name} cannot be executed anew")
    new = importlib.util.module_from_spec(specification)
    sys.modules[name] = new
    try:
        if name not in codes and isinstance(loader, SourceLoader):
            code = loader.get_code(name)
            codes |= {name: code} if code is not None else {}
        if name in codes:
            exec(codes[name], vars(new))
        else:  # of a pytest around this one, say
            loader.exec_module(new)
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise AutograderError(f"{module.__file__} cannot be collected: {what}") from error
    return new


def stamp_of(files: Iterable[Path]) -> tuple[tuple[Path, int, int, int], ...]:
    """By what to notice that a file has changed."""
    statuses = ((file, file.stat()) for file in files)
    return tuple((file, at.st_mtime_ns, at.st_size, at.st_ino) for file, at in statuses)


def forget(files: tuple[Path, ...]) -> None:
    """Drop the modules of these files, so that the next run reads them anew: pytest keeps what it
    imported, by name.
    """
    paths, stems = set(map(str, files)), tuple(path.stem for path in files)
    for name, module in list(sys.modules.items()):
        if name.endswith(stems) and getattr(module, "__file__", None) in paths:
            del sys.modules[name]
