"""An assignment as the engine knows it: data read from one staff folder, validated here and nowhere else.

reference_solutions/<slug>/
    assignment.toml  handout.md  solution.py  test_public.py  test_hidden.py  design.md  variants/*.py  mistakes/*.py
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import tomllib
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from autograder.errors import AuthoringError, UsageError
from autograder.sandbox.limits import MIB, Limits

STAFF = "reference_solutions"
STUDENTS = "assignments"
SLUG = re.compile(r"[a-z][a-z0-9_]*")
SETTINGS = {"title", "order", "objectives", "functions", "written", "limits", "requirements"}
REQUIREMENTS = (
    "torch>=2.2",
    "numpy",
    'numpy<2; sys_platform == "darwin" and platform_machine == "x86_64"',  # the last torch for Macs with Intel, 2.2, knows no other
    "matplotlib>=3.6",
    "pytest>=8",
    "jupyter",
)


@dataclass(frozen=True)
class Overlay:
    """A file laid over the reference solution: one known mistake, with what it must fail."""

    name: str
    path: Path
    title: str
    hint: str
    fails: tuple[str, ...]


@dataclass(frozen=True)
class Assignment:
    """One assignment. `functions` and `written` map a name to its points, in the order of assignment.toml."""

    slug: str
    folder: Path
    title: str
    order: int
    objectives: tuple[str, ...]
    functions: dict[str, float]
    written: dict[str, float]
    requirements: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)

    @property
    def max_score(self) -> float:
        """The automatic points; written answers are graded by hand."""
        return sum(self.functions.values())

    @property
    def solution(self) -> Path:
        return self.folder / "solution.py"

    @property
    def checks(self) -> tuple[Path, Path]:
        """The public checks and the hidden ones."""
        return self.folder / "test_public.py", self.folder / "test_hidden.py"

    @property
    def released(self) -> Path:
        """The folder that students receive."""
        return self.folder.parent.parent / STUDENTS / self.slug

    @cached_property
    def variants(self) -> tuple[Path, ...]:
        """Other right answers, by name."""
        return tuple(sorted((self.folder / "variants").glob("*.py")))

    @cached_property
    def mistakes(self) -> tuple[Overlay, ...]:
        """Known mistakes, by name."""
        return tuple(read_mistake(path) for path in sorted((self.folder / "mistakes").glob("*.py")))

    @cached_property
    def digest(self) -> str:
        """Changes with anything that may change a grade: the staff folder's checks, solution and settings, and the engine."""
        engine = Path(__file__).parent
        files = [self.folder / "assignment.toml", self.solution, *self.checks, *(mistake.path for mistake in self.mistakes)]
        files += sorted(engine.rglob("*.py"))
        notebook = self.released / f"{self.slug}.ipynb"
        files += [notebook] if notebook.exists() else []
        digest = hashlib.sha256()
        for file in files:
            digest.update(file.name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()[:16]


def find_course(start: Path | None = None) -> Path:
    """The folder that holds `reference_solutions/`: at `start` (default: here) or above it, or the one $AUTOGRADER_COURSE names."""
    named = os.environ.get("AUTOGRADER_COURSE")
    first = Path(named) if named else (start or Path.cwd())
    for folder in (first.resolve(), *first.resolve().parents):
        if (folder / STAFF).is_dir():
            return folder
    raise UsageError(
        f"no course here: {first} is not inside a folder that holds {STAFF}/. Change into it, or set AUTOGRADER_COURSE."
    )


def find_assignments(course: Path) -> list[Assignment]:
    """Every assignment of the course, in its order."""
    folders = [folder for folder in (course / STAFF).iterdir() if (folder / "assignment.toml").is_file()]
    return sorted((read_assignment(folder) for folder in folders), key=lambda assignment: (assignment.order, assignment.slug))


def find_assignment(course: Path, slug: str) -> Assignment:
    """The assignment called `slug`; UsageError, naming those that there are, where there is none."""
    folder = course / STAFF / slug
    if not SLUG.fullmatch(slug) or not (folder / "assignment.toml").is_file():
        known = ", ".join(assignment.slug for assignment in find_assignments(course)) or "none"
        raise UsageError(f"no assignment {slug!r} in {course / STAFF}. There are: {known}.")
    return read_assignment(folder)


def read_assignment(folder: Path) -> Assignment:
    """Read and validate one staff folder's assignment.toml."""
    where = folder / "assignment.toml"
    try:
        settings = tomllib.loads(where.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AuthoringError(where, f"is not TOML ({error})", "Mend that line.") from error
    if unknown := sorted(settings.keys() - SETTINGS):
        raise AuthoringError(where, f"has unknown settings {', '.join(unknown)}", f"Known are {', '.join(sorted(SETTINGS))}.")
    if not SLUG.fullmatch(folder.name):
        raise AuthoringError(folder, "is not a usable name", "Use lower-case letters, digits and underscores.")
    title, order = settings.get("title"), settings.get("order")
    if not isinstance(title, str) or not title.strip():
        raise AuthoringError(where, "has no title", 'Add a line such as title = "Inverse by gradient descent".')
    if not isinstance(order, int):
        raise AuthoringError(where, "has no order", "Add order = N, this assignment's place in the course.")
    functions = _points(where, settings, "functions")
    if not functions:
        raise AuthoringError(where, "names no function", "Add a table [functions] with a line name = points for each.")
    return Assignment(
        slug=folder.name,
        folder=folder,
        title=title,
        order=order,
        objectives=tuple(settings.get("objectives", ())),
        functions=functions,
        written=_points(where, settings, "written"),
        requirements=(*REQUIREMENTS, *settings.get("requirements", ())),
        limits=_limits(where, settings.get("limits", {})),
    )


def _points(where: Path, settings: dict[str, Any], table: str) -> dict[str, float]:
    points = settings.get(table, {})
    for name, value in points.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise AuthoringError(where, f"gives {table}.{name} the points {value!r}", "Points are a number above 0.")
    return {name: float(value) for name, value in points.items()}


def _limits(where: Path, settings: dict[str, Any]) -> Limits:
    known = {item.name for item in fields(Limits)} - {"memory_bytes"} | {"memory_mib"}
    if unknown := sorted(settings.keys() - known):
        raise AuthoringError(where, f"has unknown limits {', '.join(unknown)}", f"Known are {', '.join(sorted(known))}.")
    values = dict(settings)
    if "memory_mib" in values:
        values["memory_bytes"] = values.pop("memory_mib") * MIB
    return Limits(**values)


MISTAKE_BLOCK = re.compile(r"(?m)^# /// mistake$\n((?:^#(?:| .*)$\n)+?)^# ///$")


def read_mistake(path: Path) -> Overlay:
    """A mistake's block of settings, in the form of Python's inline script metadata:

    # /// mistake
    # title = "Only the first `rank` rows are trained"
    # hint = "How many rows does A have, and how many does your outer loop visit?"
    # fails = ["test_every_row_is_trained"]
    # ///
    """
    match = MISTAKE_BLOCK.search(path.read_text(encoding="utf-8"))
    mend = "Begin the file with a block `# /// mistake` of title, hint and fails, closed by `# ///`."
    if match is None:
        raise AuthoringError(path, "has no mistake block", mend)
    try:
        settings = tomllib.loads("".join(line[2:] + "\n" for line in match[1].splitlines()))
        title, hint, fails = settings["title"], settings["hint"], tuple(settings["fails"])
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise AuthoringError(path, f"has a mistake block that cannot be read ({error})", mend) from error
    for name, value in (("title", title), ("hint", hint), ("fails", fails)):
        if not value or (isinstance(value, str) and not value.strip()):
            raise AuthoringError(path, f"has an empty {name}", f"Write its {name}.")
    return Overlay(path.stem, path, title, hint, fails)


def course_secret(course: Path) -> str:
    """What the matrices of hidden checks derive from: made on first use, kept in `course/`, ignored by git."""
    file = course / "course" / "secret"
    try:
        return file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_name(f"secret.{os.getpid()}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as handle:
            handle.write(secrets.token_hex(32) + "\n")
        try:
            os.link(temporary, file)  # whoever comes first decides, for everybody
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
        return file.read_text(encoding="ascii").strip()
