"""Something new that works from its first minute, laid from the files in `skeleton/`.

autograder new NAME       reference_solutions/<name>/: an assignment with one function, two checks,
                          one other right answer and two mistakes, which the audit accepts
autograder init FOLDER    a course: course.toml, nbgrader_config.py, README.md, .gitignore, lessons
"""

from __future__ import annotations

import json
import keyword
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from autograder.assignment import ENGINE, SLUG, find_assignments
from autograder.course import STAFF, Course, write_whole
from autograder.errors import UsageError

SKELETON = Path(__file__).with_name("skeleton")
HIDDEN = {"gitignore": ".gitignore"}  # a .gitignore in the package would be one for the package
LITTER = shutil.ignore_patterns("__pycache__", ".pytest_cache", ".ipynb_checkpoints")


def new_assignment(course: Course, name: str) -> list[Path]:
    """Lay a working staff folder `reference_solutions/<name>/`; gives its files. UsageError where
    that name cannot be had.
    """
    if not SLUG.fullmatch(name):
        mend = "Use lower-case letters, digits and underscores, a letter first: qr_by_reflections."
        raise UsageError(f"{name!r} is no name for an assignment. {mend}")
    if keyword.iskeyword(name):
        raise UsageError(f"{name!r} is a word of Python's own. Choose another name.")
    folder = course.staff / name
    if folder.exists() or folder.is_symlink():
        mend = "Choose another name, or remove it first."
        raise UsageError(f"{folder} exists already, and nothing in it was touched. {mend}")
    order = max((assignment.order for assignment in find_assignments(course)), default=0) + 1
    title = name.replace("_", " ").capitalize()
    with emptied_where_it_fails(folder):
        words = {"name": name, "title": title, "order": str(order)}
        return lay_skeleton("assignment", folder, words)


def new_course(folder: Path, lessons: str) -> list[Path]:
    """Lay a course in a new or empty folder; gives its files.

    lessons: "all", "none", or names with commas between them
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        mend = "Name a folder that is new or empty."
        raise UsageError(f"{folder} exists already, and nothing in it was touched. {mend}")
    chosen = chosen_lessons(lessons)
    plain = "".join(filter(str.isprintable, folder.absolute().name))
    title = plain.replace("_", " ").replace("-", " ").strip().capitalize() or "Course"
    course_id = re.sub(r"[^A-Za-z0-9_-]+", "-", folder.absolute().name).strip("-") or "course"
    with emptied_where_it_fails(folder):
        laid = lay_skeleton("course", folder, {"title": title, "course_id": course_id})
        staff = folder / STAFF
        staff.mkdir()
        for lesson in chosen:
            shutil.copytree(lesson, staff / lesson.name, ignore=LITTER)
            laid.append(staff / lesson.name)
    return laid


@contextmanager
def emptied_where_it_fails(folder: Path) -> Iterator[None]:
    """Leave a folder that was new or empty as it was, where what is laid in it cannot be laid
    whole: the same command works then, when there is room.
    """
    was_there = folder.is_dir()
    try:
        yield
    except BaseException:
        with suppress(OSError):
            for path in list(folder.iterdir()):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            if not was_there:
                folder.rmdir()
        raise


def lay_skeleton(kind: str, folder: Path, words: dict[str, str]) -> list[Path]:
    """Copy the files of a skeleton, `{word}` replaced by its value; assignment.toml, which makes it
    one, is last.
    """
    templates = [
        path
        for path in (SKELETON / kind).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    laid = []
    for template in sorted(templates, key=lambda path: (path.name == "assignment.toml", path)):
        text = template.read_text(encoding="utf-8")
        for word, value in words.items():
            in_quotes = json.dumps(value, ensure_ascii=False)[1:-1]  # as TOML has it, too
            said = in_quotes if template.suffix == ".toml" else value
            text = text.replace(f"{{{word}}}", said)
        place = template.relative_to(SKELETON / kind)
        path = folder / place.with_name(HIDDEN.get(place.name, place.name))
        write_whole(path, text)
        laid.append(path)
    return laid


def lessons_folder() -> Path:
    """Where the kit's own lessons lie: in the installed package, or in the checkout that the
    package is installed from.
    """
    packaged = ENGINE / "lessons"
    return packaged if packaged.is_dir() else ENGINE.parent / STAFF


def chosen_lessons(named: str) -> Sequence[Path]:
    """The staff folders of the lessons called `named`: "all", "none", or names with commas between
    them.
    """
    known = {}
    for folder in sorted(lessons_folder().iterdir()):
        if (folder / "assignment.toml").is_file():
            known[folder.name] = folder
    if named in ("all", "none"):
        return list(known.values()) if named == "all" else []
    names = list(dict.fromkeys(name.strip() for name in named.split(",")))
    unknown = [name for name in names if name not in known]
    if unknown:
        listed = ", ".join(map(repr, unknown))
        raise UsageError(f"no lesson {listed}. There are: {', '.join(known)}.")
    return [known[name] for name in names]
