"""What this machine can do: tried, not guessed. The sandbox is probed by running one, because
finding `bwrap` proves nothing.
"""

from __future__ import annotations

import gzip
import importlib.metadata
import os
import platform
import shutil
import sys
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from autograder.course import Course, processors
from autograder.environment import listed_packages
from autograder.errors import AutograderError, UsageError, to_install
from autograder.limits import Limits
from autograder.sandbox import bubblewrap
from autograder.sandbox.cgroup import GET_ONE, Groups
from autograder.sandbox.process import Sandbox
from autograder.sandbox.seccomp import build_filter
from autograder.version import version

PACKAGES = ("torch", "numpy", "pytest", "safetensors", "nbformat", "jupytext", "matplotlib")
ADVISORY, MENDED = "CVE-2026-87766", (0, 12, 0)
CHANGELOGS = tuple(
    Path("/usr/share/doc/bubblewrap") / name
    for name in ("changelog.Debian.gz", "changelog.gz", "changelog", "NEWS", "NEWS.md")
)
PROBE = """
import os, socket
def reaches():
    found = [path for path in ("/root", "/home") if os.path.isdir(path) and os.listdir(path)]
    found += ["network"] if _connects() else []
    return 1.0 if found else 0.0
def _connects():
    try:
        socket.socket()
    except OSError:
        return False
    return True
"""


@dataclass(frozen=True)
class Finding:
    """One thing about this machine: whether it is as it should be, and the mend if not. `needed`:
    grading cannot do without.
    """

    what: str
    good: bool
    found: str
    mend: str = ""
    needed: bool = True


def examine() -> list[Finding]:
    """Everything that decides what this machine can do for the kit."""
    first = [kit(), python(), *packages(), for_submissions(), sandbox(), bubblewrap_version()]
    rest = [nbgrader(), gradebook(), copydetect(), *exchange(), dask(), browser()]
    rest += [workers(), *course()]
    return [*first, seccomp(), counting(), *rest]


def can_grade(findings: Sequence[Finding]) -> bool:
    return all(finding.good for finding in findings if finding.needed)


def kit() -> Finding:
    return Finding("autograder", True, version())


def python() -> Finding:
    good = sys.version_info >= (3, 11)
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Finding("Python", good, found, "" if good else "Install Python 3.11 or newer.")


def packages() -> list[Finding]:
    return [package(name) for name in PACKAGES]


def package(name: str, *, needed: bool = True, mend: str = "") -> Finding:
    try:
        return Finding(name, True, importlib.metadata.version(name), needed=needed)
    except importlib.metadata.PackageNotFoundError:
        return Finding(
            name,
            False,
            "not installed",
            mend or "Install the kit into a virtual environment: docs/instructor-guide.md, Install",
            needed,
        )


def for_submissions() -> Finding:
    """What a submission may import: the kit's list, its extra `packages`, and the course's own."""
    there, missing = [], []
    for name in dict.fromkeys([*listed_packages(), *course_packages()]):
        try:
            there.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    found = ", ".join(there) or "none of the list"
    mend = f"Submissions that import {', '.join(missing)} lose what depends on it: "
    mend += f"pip install {' '.join(missing)}, into the grader's environment."
    what = "packages for submissions"
    return Finding(what, not missing, found, mend if missing else "", needed=False)


def course_packages() -> list[str]:
    """What course.toml names under `packages`, here or above; nothing outside a course."""
    try:
        return Course.find().settings.packages
    except AutograderError:
        return []


def sandbox() -> Finding:
    """Start a real sandbox and run a probe in it."""
    try:
        with Sandbox.start("sandbox") as started, started.open(Limits()) as box:
            box.load([{"kind": "statements", "source": PROBE, "label": ""}], ["reaches"])
            reply = box.call("reaches", (), {}, seed=0)
    except AutograderError as error:
        return Finding("sandbox", False, "cannot be built", str(error))
    if reply.outcome != "returned":
        return Finding(
            "sandbox", False, f"starts, but a probe in it {reply.outcome}", reply.message
        )
    who = "as an unprivileged user" if bubblewrap.runs_as_root() else "as the user who grades"
    return Finding(
        "sandbox",
        True,
        f"{bubblewrap.version()}; walls: {', '.join(started.walls)}; student code runs {who}",
    )


def bubblewrap_version() -> Finding:
    """Whether this bubblewrap is known to have a hole, as far as can be told: distributions mend
    theirs without a new version.
    """
    what = f"bubblewrap without {ADVISORY}"
    numbers = bubblewrap.version_numbers() if shutil.which("bwrap") else ()
    if not numbers:
        return Finding(what, False, "cannot be told", needed=False)
    version = ".".join(map(str, numbers))
    if numbers >= MENDED:
        return Finding(what, True, version, needed=False)
    if says_mended(CHANGELOGS):
        return Finding(what, True, f"{version}, mended by the distribution", needed=False)
    mend = (
        f"{ADVISORY} is mended in {'.'.join(map(str, MENDED))}, and in some distributions' builds "
        "of older versions: bring the package up to date, and look for the number in its changelog "
        "(Debian, Ubuntu: apt-get changelog bubblewrap; Fedora: rpm -q --changelog bubblewrap)."
    )
    return Finding(what, False, f"{version} is older; its changelog does not say", mend, False)


def says_mended(changelogs: Sequence[Path]) -> bool:
    """Whether the package's own changelog names the hole."""
    for path in changelogs:
        with suppress(OSError, EOFError, zlib.error):
            data = path.read_bytes()
            if ADVISORY.encode() in (gzip.decompress(data) if path.suffix == ".gz" else data):
                return True
    return False


def seccomp() -> Finding:
    """Whether the second wall can be built."""
    size = len(build_filter()) // 8
    if size:
        return Finding("system-call filter", True, f"{size} instructions", needed=False)
    mend = "Install libseccomp (Debian, Ubuntu: apt-get install libseccomp2) for the second wall."
    return Finding("system-call filter", False, "libseccomp was not found", mend, needed=False)


def counting() -> Finding:
    """Who counts what a submission uses: the kernel, or the supervisor of its box."""
    what = "counting of time and memory"
    groups = Groups.find()
    if groups is not None:
        return Finding(what, True, f"a control group for each submission, in {groups.folder}")
    mend = f"A control group for each submission: {GET_ONE}"
    return Finding(what, True, "a census of processes every 20 ms", mend, needed=False)


def nbgrader() -> Finding:
    mend = f"For the gradebook: {to_install('nbgrader')}"
    return package("nbgrader", needed=False, mend=mend)


def copydetect() -> Finding:
    mend = f"For `autograder similarity` alone: {to_install('similarity')}"
    return package("copydetect", needed=False, mend=mend)


def exchange() -> list[Finding]:
    """Whether the course here can use its exchange; nothing where it names none."""
    try:
        settings = Course.find().settings
    except AutograderError:
        return []
    if not settings.exchange:
        return []
    place = Path(settings.exchange)
    mend = ""
    if not settings.course_id:
        mend = 'Add a line such as course_id = "nla-2026" to course.toml.'
    elif not place.is_dir():
        mend = f"Make it, for everybody to write to: mkdir -p {place} && chmod 777 {place}"
    elif not os.access(place, os.W_OK | os.X_OK):
        mend = f"Let everybody write to it, as its owner: chmod 777 {place}"
    found = f"{place}, course {settings.course_id or 'without a name'}"
    return [Finding("exchange", not mend, found, mend, needed=False)]


def dask() -> Finding:
    mend = f"For grading on many machines: {to_install('dask')}"
    return package("distributed", needed=False, mend=mend)


def gradebook() -> Finding:
    """Whether the gradebook of the course here can be reached, where it is in a database server."""
    what = "gradebook"
    try:
        course = Course.find()
        if not course.settings.gradebook:
            return Finding(what, True, "SQLite, in course/gradebook.db", needed=False)
        from autograder.gradebook.commands import gradebook_name, reached

        with reached(course):
            found = _server(course.settings.gradebook)
        return Finding(what, True, f"{gradebook_name(course)}: {found}", needed=False)
    except UsageError as error:
        if "no course" in str(error):
            return Finding(what, True, "no course here; SQLite unless it says otherwise", "", False)
        return Finding(what, False, "cannot be reached", str(error), needed=False)
    except (AutograderError, ImportError) as error:
        return Finding(what, False, "cannot be reached", str(error), needed=False)


def _server(url: str) -> str:
    """What a database server says that it is."""
    from sqlalchemy import create_engine, text

    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                return f"PostgreSQL {connection.execute(text('show server_version')).scalar()}"
            return engine.dialect.name
    finally:
        engine.dispose()


def browser() -> Finding:
    for name in ("chromium", "chromium-browser", "google-chrome", "chrome"):
        if path := shutil.which(name):
            return Finding("browser", True, path, needed=False)
    mend = "Only the project's own browser tests need one (Debian: apt-get install chromium)."
    return Finding("browser", False, "none found", mend, needed=False)


def workers() -> Finding:
    return Finding("workers", True, f"{processors()} at a time by default")


def course() -> list[Finding]:
    """The course that one is in, by its title; nothing outside a course."""
    try:
        found = Course.find()
    except AutograderError:
        return []
    try:
        title, fault = found.settings.title or "without a title", ""
    except AutograderError as error:
        title, fault = "its settings cannot be read", str(error)
    return [Finding("course", not fault, f"{title}, in {found.root}", fault, needed=False)]


def print_findings(to: Console, findings: Sequence[Finding]) -> None:
    """What `autograder doctor` found, one line each, with the mend under what is wrong."""
    for finding in findings:
        mark, style = ("✗", "red") if finding.needed else ("–", "yellow")
        if finding.good:
            mark, style = "✓", "green"
        to.print(Text.assemble((f"{mark} ", style), (f"{finding.what}: ", "bold"), finding.found))
        if finding.mend:
            to.print(Text(f"    {finding.mend}"))
