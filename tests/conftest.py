"""What the tests share: the course, its assignments found by glob, and one warm sandbox for the
whole run.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace

import forked
import pytest
import tiny_course
from click.testing import Result
from hypothesis import settings
from playwright.sync_api import Browser, sync_playwright
from typer.testing import CliRunner

from autograder.assignment import Assignment, find_assignment, find_assignments
from autograder.authoring.release import release
from autograder.cli import app
from autograder.course import Course
from autograder.errors import SandboxUnavailable
from autograder.gradebook.commands import generate
from autograder.grading import workers
from autograder.limits import Limits
from autograder.sandbox.process import Sandbox

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ROOT = Path(__file__).parent.parent
COURSE = Course(ROOT)
ASSIGNMENTS = find_assignments(COURSE)

settings.register_profile("any machine", deadline=None)  # a busy one is no fault
settings.load_profile("any machine")
pytest_plugins = ["pytester"]


def pytest_addoption(parser: pytest.Parser) -> None:
    what = "students' own checks on every known mistake, not one for each thing that they say"
    parser.addoption("--every-mistake", action="store_true", help=what)


LONGEST = (  # files of tests by their time, those of about ten seconds and more
    "test_assignments",
    "test_hostile",
    "test_lessons",
    "test_own_course",
    "test_walls",
    "test_diagnosis",
    "test_grading",
    "test_sandbox",
    "test_cluster",
    "test_pages",
    "test_nbgrader",
    "test_life",
    "test_watch",
    "test_kit_check",
    "test_student_kit",
    "test_regrade",
    "test_rendering",
    "test_edits",
    "test_class_of_thirty",
    "test_preflight",
    "test_right_work",
    "test_demo",
    "test_postgres",
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Fast ones first. On several processes, a file at a time on each: the longest first, lest one
    process be left with it when the others are done.
    """
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)
    if hasattr(config, "workerinput"):  # one of several
        places = {name: place for place, name in enumerate(LONGEST)}
        items.sort(key=lambda item: places.get(item.path.stem, len(LONGEST)))


def pytest_collection_finish() -> None:
    """Have nbgrader ask alembic once a process, and not for each new gradebook, which revision is
    its latest: it starts a Python for that, which loads all of nbgrader.
    """
    if api := sys.modules.get("nbgrader.api"):
        api.get_alembic_version = functools.cache(api.get_alembic_version)


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Put back what a lesson or a student's code in this process leaves to the tests after it."""
    yield
    if torch := sys.modules.get("torch"):
        torch.set_default_dtype(torch.float32)
        torch.set_grad_enabled(True)
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A real sandbox. A machine that cannot build one fails here, loudly: this project is about
    what stands behind it.
    """
    try:
        started = Sandbox.start()
    except SandboxUnavailable as error:
        pytest.fail(f"these tests need a real sandbox: {error}", pytrace=False)
    with started:
        yield started


def start_with(sandbox: Sandbox, patch: pytest.MonkeyPatch) -> None:
    """Have whatever starts a sandbox in this process get this one."""
    begun = SimpleNamespace(ready=lambda: nullcontext(sandbox), end=lambda: None)
    patch.setattr(Sandbox, "start", lambda isolation="sandbox": begun.ready())
    patch.setattr(Sandbox, "begin", lambda isolation="sandbox": begun)


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A class is graded in the process of the test, where what it does can be counted."""
    monkeypatch.setattr(
        workers, "run_on_workers", lambda work, tasks, *_: enumerate(map(work, tasks))
    )


@contextmanager
def warm(sandbox: Sandbox) -> Iterator[pytest.MonkeyPatch]:
    """Whatever starts a sandbox in this process meanwhile gets the one that is warm already."""
    with pytest.MonkeyPatch.context() as patch:
        start_with(sandbox, patch)
        yield patch


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small course, its assignment released by nbgrader and in its gradebook, and nobody's
    work: made once, to be copied.
    """
    root = tmp_path_factory.mktemp("released") / "course"
    tiny_course.write(root)
    shutil.copy(ROOT / "nbgrader_config.py", root)
    assignment = find_assignment(Course(root), tiny_course.SLUG)
    release([assignment])
    generate(assignment)
    return root


@pytest.fixture
def command(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run an `autograder` command on a course in this process, in the sandbox that is warm
    already.
    """
    start_with(sandbox, monkeypatch)

    def run(course: Path, *words: object) -> Result:
        monkeypatch.setenv("AUTOGRADER_COURSE", str(course))
        return CliRunner().invoke(app, list(map(str, words)), prog_name="autograder")

    return run


def few_known_answers(staff: Path, *mistakes: str) -> None:
    """Leave a staff folder one variant and these mistakes, for a course of which the class is looked
    at: all variants are graded before it, and all mistakes run on what a failing function was
    asked. test_assignments.py grades each of them.
    """
    variants = sorted((staff / "variants").glob("*.py"))[1:]
    for file in (*variants, *(staff / "mistakes").glob("*.py")):
        if file.stem not in mistakes:
            file.unlink()


def nbgrader(
    folder: Path, *words: str, sandbox: Sandbox | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the real command `nbgrader` in a folder, in a process of its own.

    sandbox: one that runs already, lent to it; None: it starts its own
    """
    return forked.run("nbgrader", *words, folder=folder, sandbox=sandbox)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real Chromium, of the system's; one for a file of tests. A machine without one fails here,
    loudly.
    """
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        mend = "apt-get install chromium, or scripts/install-chromium"
        pytest.fail(f"these tests need a real browser, Chromium: {mend}", pytrace=False)
    with sync_playwright() as playwright:
        # Chromium refuses its own sandbox to root; the pages are files of these tests
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        started = playwright.chromium.launch(executable_path=found, args=options)
        yield started
        started.close()


@pytest.fixture
def quick() -> Limits:
    """Limits small enough to break on purpose."""
    return Limits(
        call_cpu_seconds=0.5,
        call_wall_seconds=1.0,
        load_cpu_seconds=0.5,
        load_wall_seconds=1.0,
        memory_bytes=256 << 20,
        output_bytes=1 << 16,
    )


@pytest.fixture(params=ASSIGNMENTS, ids=lambda assignment: assignment.slug)
def assignment(request: pytest.FixtureRequest) -> Assignment:
    """Every assignment of the course, one test each."""
    return request.param
