"""An assignment as the engine knows it: data read from one staff folder, validated here and nowhere
else.

reference_solutions/<slug>/
    assignment.toml  handout.md  solution.py  test_public.py  test_hidden.py  design.md  rubric.md
    variants/*.py  mistakes/*.py
"""

from __future__ import annotations

import hashlib
import math
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from autograder.course import SETTINGS as COURSE_SETTINGS
from autograder.course import Course
from autograder.environment import environment
from autograder.errors import AuthoringError, UsageError
from autograder.limits import MIB, Limits
from autograder.rubric import sections

ENGINE = Path(__file__).parent
KINDS = {int: "a whole number", float: "a number"}
SLUG = re.compile(r"[a-z][a-z0-9_]*")
QUESTION = re.compile(r"[A-Za-z0-9_-]+")  # the name of a written answer, as nbgrader allows it
DRAW = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
SETTINGS = {
    "title", "order", "objectives", "functions", "written", "limits", "requirements", "diagnosis",
}  # fmt: skip
DIAGNOSIS = {"start", "draw", "interval", "bases", "edited", "long", "words"}
NO_HELPERS = ("test_*.py", "measure.py", "draws.py", "properties.py")  # Python that no check uses
KINDS_OF = {  # of settings that may be left out
    "objectives": list, "requirements": list,
    "functions": dict, "written": dict, "limits": dict, "diagnosis": dict,
}  # fmt: skip
UNWRITTEN = "TO WRITE:"  # begins a title or a hint of a mistake that `autograder learn` has laid
REQUIREMENTS = (
    "torch>=2.2",
    "numpy",
    # the last torch for Macs with Intel, 2.2, knows no newer numpy
    'numpy<2; sys_platform == "darwin" and platform_machine == "x86_64"',
    "matplotlib>=3.7",
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

    @property
    def is_written(self) -> bool:
        """Whether a person has written what students are told of it."""
        return not any(text.startswith(UNWRITTEN) for text in (self.title, self.hint))


@dataclass(frozen=True)
class Start:
    """How a diagnosis learns a function's own starting point, and hands it to a known mistake.

    options: the call's options with which a function returns its start
    draw: the function that it is drawn with, as in "torch.rand"; it is what hands the start out
        again
    low, high: `draw` gives numbers in [low, high); a "start" outside is none
    bases: the variants that are right and give other results than the solution from the same start
    edited: other variants of which small changes are made, since they spell out what the solution
        leaves to the library
    long: options and the least number of each that makes a call a long one
    """

    options: Mapping[str, float]
    draw: str
    low: float
    high: float
    bases: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    long: Mapping[str, float] = field(default_factory=dict)

    def is_long(self, options: Mapping[str, object]) -> bool:
        """Whether a call with these options is compared by what its check made of it, where shorter
        ones tell enough.
        """
        given = ((options.get(name), least) for name, least in self.long.items())
        return any(isinstance(value, int | float) and value >= least for value, least in given)


@dataclass(frozen=True)
class Assignment:
    """One assignment. `functions` and `written` map a name to its points, in the order of
    assignment.toml; `words` parts of the solution to what a diagnosis calls them.
    """

    slug: str
    folder: Path
    title: str
    order: int
    objectives: tuple[str, ...]
    functions: dict[str, float]
    written: dict[str, float]
    requirements: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    start: Start | None = None
    words: dict[str, str] = field(default_factory=dict)

    @property
    def course(self) -> Course:
        return Course(self.folder.parent.parent)

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
        return self.course.students / self.slug

    @property
    def notebook(self) -> Path:
        """The notebook that students receive."""
        return self.released / f"{self.slug}.ipynb"

    @cached_property
    def variants(self) -> tuple[Path, ...]:
        """Other right answers, by name."""
        return tuple(sorted((self.folder / "variants").glob("*.py")))

    @cached_property
    def bases(self) -> tuple[Overlay, ...]:
        """The variants that give other results than the solution from the same start."""
        return self._named(self.start.bases if self.start is not None else (), "bases")

    @property
    def edited(self) -> tuple[Overlay, ...]:
        """What small changes are made of beside the solution."""
        rest = self._named(self.start.edited if self.start is not None else (), "edited")
        return (*self.bases, *rest)

    def _named(self, names: Sequence[str], key: str) -> tuple[Overlay, ...]:
        """Variants that assignment.toml names."""
        found = []
        for name in names:
            path = self.folder / "variants" / f"{name}.py"
            if not path.is_file():
                mend = "Name files of variants/ there, without their ending."
                raise AuthoringError(path, f"is named in [diagnosis] {key}, and is not there", mend)
            found.append(Overlay(f"variants/{name}", path, name, name, ()))
        return tuple(found)

    @cached_property
    def mistakes(self) -> tuple[Overlay, ...]:
        """Known mistakes, by name."""
        return tuple(read_mistake(path) for path in sorted((self.folder / "mistakes").glob("*.py")))

    @cached_property
    def rubric(self) -> dict[str, str]:
        """How written answers are marked, by their names, in Markdown."""
        file = self.folder / "rubric.md"
        return sections(file, text_of(file), self.written) if file.is_file() else {}

    @property
    def environment(self) -> dict[str, str]:
        """What a submission may import, by its versions."""
        return environment(self.course.settings.packages)

    @property
    def shared_files(self) -> list[Path]:
        """Files that every check may depend on."""
        own = [path for path in self.folder.glob("*.py") if not any(map(path.match, NO_HELPERS))]
        data = [path for path in (self.folder / "data").rglob("*") if path.is_file()]
        files = [*engine_files(), *sorted(own), *sorted(data), self.notebook]
        return [file for file in files if file.is_file()]

    @property
    def files(self) -> list[Path]:
        """Files that may change a grade."""
        mistakes = [mistake.path for mistake in self.mistakes]
        return [self.folder / "assignment.toml", *self.checks, *self.shared_files, *mistakes]

    @cached_property
    def digest(self) -> str:
        """Changes with anything that may change a grade: checks, what they share, mistakes,
        settings, the engine, and what a submission may import.
        """
        digest = hashlib.sha256(repr((asdict(self.limits), self.environment)).encode())
        for file in self.files:
            digest.update(file.name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()[:16]


def text_of(path: Path) -> str:
    """What a file of a staff folder says; AuthoringError where it is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise AuthoringError(path, "is not UTF-8", "Save it as UTF-8.") from None


def engine_files() -> list[Path]:
    """The engine's own modules. The lessons that travel in the package are no part of it, nor are
    the pages, which only show what was graded.
    """
    files = []
    for path in sorted(ENGINE.rglob("*.py")):
        if path.relative_to(ENGINE).parts[0] not in ("lessons", "pages"):
            files.append(path)
    return files


def find_assignments(course: Course) -> list[Assignment]:
    """Every assignment of the course, in its order."""
    found = []
    for folder in course.staff.iterdir():
        if (folder / "assignment.toml").is_file():
            found.append(read_assignment(folder))
    return sorted(found, key=lambda assignment: (assignment.order, assignment.slug))


def find_assignment(course: Course, slug: str) -> Assignment:
    """The assignment called `slug`; UsageError, naming those there are, where there is none."""
    folder = course.staff / slug
    if not SLUG.fullmatch(slug) or not (folder / "assignment.toml").is_file():
        known = ", ".join(assignment.slug for assignment in find_assignments(course)) or "none"
        raise UsageError(f"no assignment {slug!r} in {course.staff}. There are: {known}.")
    return read_assignment(folder)


def read_assignment(folder: Path) -> Assignment:
    """Read and validate one staff folder's assignment.toml."""
    where = folder / "assignment.toml"
    settings = _settings(where)
    if not SLUG.fullmatch(folder.name):
        raise AuthoringError(
            folder, "is not a usable name", "Use lower-case letters, digits and underscores."
        )
    functions = _points(where, settings, "functions")
    if not functions:
        mend = "Add a table [functions] with a line name = points for each."
        raise AuthoringError(where, "names no function", mend)
    course = Course(folder.parent.parent)
    _limits(
        course.root / COURSE_SETTINGS, course.settings.limits
    )  # a fault there is told as one there
    return Assignment(
        slug=folder.name,
        folder=folder,
        title=settings["title"],
        order=settings["order"],
        objectives=tuple(settings.get("objectives", ())),
        functions=functions,
        written=_written(where, settings, functions),
        requirements=(*REQUIREMENTS, *settings.get("requirements", ())),
        limits=_limits(where, course.settings.limits | settings.get("limits", {})),
        start=_start(where, settings.get("diagnosis", {})),
        words=_words(where, settings.get("diagnosis", {}).get("words", {})),
    )


def _settings(where: Path) -> dict[str, Any]:
    try:
        settings = tomllib.loads(where.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AuthoringError(where, f"is not TOML ({error})", "Mend that line.") from error
    if unknown := sorted(settings.keys() - SETTINGS):
        mend = f"Known are {', '.join(sorted(SETTINGS))}."
        raise AuthoringError(where, f"has unknown settings {', '.join(unknown)}", mend)
    for name, kind in KINDS_OF.items():
        value = settings.get(name, kind())
        right = isinstance(value, kind)
        if not right or (kind is list and not all(isinstance(item, str) for item in value)):
            mend = "Give a list of texts." if kind is list else f"Begin it with a line [{name}]."
            raise AuthoringError(where, f"has {name} = {value!r}", mend)
    title, order = settings.get("title"), settings.get("order")
    if not isinstance(title, str) or not title.strip():
        raise AuthoringError(
            where, "has no title", 'Add a line such as title = "Inverse by gradient descent".'
        )
    if type(order) is not int:
        raise AuthoringError(
            where, "has no order", "Add order = N, this assignment's place in the course."
        )
    return settings


def _words(where: Path, words: object) -> dict[str, str]:
    """An assignment's own words for parts of its solution."""
    if isinstance(words, dict) and all(isinstance(word, str) for word in words.values()):
        return words
    mend = 'A line of it is a part of the solution and its word, such as "V[c]" = "V\'s row".'
    raise AuthoringError(where, "has words in [diagnosis] that cannot be read", mend)


def _start(where: Path, table: dict[str, Any]) -> Start | None:
    if unknown := sorted(table.keys() - DIAGNOSIS):
        mend = f"Known are {', '.join(sorted(DIAGNOSIS))}."
        raise AuthoringError(
            where, f"has unknown settings {', '.join(unknown)} in [diagnosis]", mend
        )
    if set(table) <= {"words"}:
        return None
    for name in ("bases", "edited"):
        names = table.get(name, [])
        if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
            mend = 'Give a list of texts: the names of files of variants/, as in ["loops"].'
            raise AuthoringError(where, f"has {name} = {names!r} in [diagnosis]", mend)
    example = 'start = { lr = 0.0 }, draw = "torch.rand", interval = [0.0, 1.0]'
    mend = f"It has three lines, such as {example}."
    draw = table.get("draw", "torch.rand")
    if not isinstance(draw, str) or not DRAW.fullmatch(draw):
        what = f"has draw = {draw!r} in [diagnosis]"
        raise AuthoringError(where, what, 'Give the whole name of a function: "torch.rand".')
    try:
        options, draw, (low, high) = dict(table["start"]), table["draw"], table["interval"]
        return Start(
            {name: _number(value) for name, value in options.items()},
            draw,
            float(low),
            float(high),
            tuple(table.get("bases", ())),
            tuple(table.get("edited", ())),
            {name: _number(value) for name, value in dict(table.get("long", {})).items()},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise AuthoringError(
            where, f"has a table [diagnosis] that cannot be read ({error})", mend
        ) from error


def _number(value: Any) -> float:
    """A number of a setting, whole where it is written so; ValueError where it is none."""
    return value if isinstance(value, int) else float(value)


def _points(where: Path, settings: dict[str, Any], table: str) -> dict[str, float]:
    points = settings.get(table, {})
    for name, value in points.items():
        if type(value) not in (int, float) or not 0 < value < math.inf:
            raise AuthoringError(
                where, f"gives {table}.{name} the points {value!r}", "Points are a number above 0."
            )
    return {name: float(value) for name, value in points.items()}


def _written(where: Path, settings: dict[str, Any], functions: Iterable[str]) -> dict[str, float]:
    """The points of written answers, whose names are those of nbgrader's cells."""
    written = _points(where, settings, "written")
    cells = {cell for function in functions for cell in (function, f"check_{function}")}
    for name in written:
        if not QUESTION.fullmatch(name) or name in cells:
            mend = "Use letters, digits, underscores and hyphens, and no name of a function."
            raise AuthoringError(where, f"names a written answer {name!r}", mend)
    return written


def _limits(where: Path, settings: dict[str, Any]) -> Limits:
    known = {item.name for item in fields(Limits)} - {"memory_bytes"} | {"memory_mib"}
    if unknown := sorted(settings.keys() - known):
        mend = f"Known are {', '.join(sorted(known))}."
        raise AuthoringError(where, f"has unknown limits {', '.join(unknown)}", mend)
    for name, value in settings.items():
        kinds = (int, float) if name.endswith("_seconds") else (int,)
        if type(value) not in kinds or not 0 < value < math.inf:
            mend = f"Give {' or '.join(KINDS[kind] for kind in kinds)} above 0."
            raise AuthoringError(where, f"has the limit {name} = {value!r}", mend)
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
    match = MISTAKE_BLOCK.search(text_of(path))
    mend = (
        "Begin the file with a block `# /// mistake` of title, hint and fails, closed by `# ///`."
    )
    if match is None:
        raise AuthoringError(path, "has no mistake block", mend)
    try:
        settings = tomllib.loads("".join(line[2:] + "\n" for line in match[1].splitlines()))
        title, hint, fails = settings["title"], settings["hint"], settings["fails"]
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise AuthoringError(
            path, f"has a mistake block that cannot be read ({error})", mend
        ) from error
    for name, value in (("title", title), ("hint", hint)):
        if not (isinstance(value, str) and value.strip()):
            raise AuthoringError(path, f"has an empty {name}", f"Write its {name}.")
    if not (isinstance(fails, list) and fails and all(isinstance(one, str) for one in fails)):
        mend = "Write its fails: a list of the checks that must fail."
        raise AuthoringError(path, "has an empty fails", mend)
    return Overlay(path.stem, path, title, hint, tuple(fails))
