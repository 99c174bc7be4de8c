"""A course of its own that is measured in, and what is done there again and again."""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autograder.assignment import Assignment, find_assignment
from autograder.course import Course
from autograder.grading.preflight import RIGHT
from benchmarks.meter import Cost, measure
from benchmarks.plain import SECRET
from benchmarks.population import Population, Work, lay
from benchmarks.rivals import HERE, REPOSITORY
from benchmarks.sizes import Sizes

HOME = REPOSITORY / "build" / "bench"
COMMAND = [sys.executable, "-c", "from autograder.cli import main; main()"]
COMPARED = "sgd_factorisation"  # with the others
LIGHT = "tensors_and_autograd"  # for what grows with the class, and not with the students' code
KINDS = ("right", "wrong")

Figures = dict[str, Any]


class Scratch:
    """The course. home: the folder that it lies in, with all that is measured beside it

    edits: whether a release finds out about edits and right answers
    """

    def __init__(self, sizes: Sizes, *, edits: bool, home: Path = HOME) -> None:
        self.sizes, self.edits, self.home = sizes, edits, home
        self.course = Course(home / "course")

    def prepare(self) -> None:
        """A course with this repository's assignments, released; nobody has handed in. What a
        release finds out about edits takes minutes, and is kept from run to run.
        """
        tables, ours = self.home / "tables", Course(REPOSITORY)
        if self.course.results.is_dir():
            self.forget_results()
            shutil.rmtree(tables, ignore_errors=True)
            self.course.results.rename(tables)
        shutil.rmtree(self.course.root, ignore_errors=True)
        shutil.copytree(ours.staff, self.course.staff)
        shutil.copy(REPOSITORY / "nbgrader_config.py", self.course.root)
        self.course.work.mkdir()
        (self.course.work / "secret").write_text(SECRET, encoding="ascii")
        if tables.is_dir():
            tables.rename(self.course.results)
        self.run("release", "--edits" if self.edits else "--no-edits")
        shutil.copy(self.course.gradebook, self.home / "gradebook.db")

    def run(self, *words: object) -> Cost:
        """One of our commands, measured."""
        return measure([*COMMAND, *map(str, words)], self.course.root, HERE)

    def grade(self, slug: str, folder: Path, workers: int = 0) -> Cost:
        return self.run("grade", slug, folder, "--no-table", "--workers", workers)

    def assignment(self, slug: str) -> Assignment:
        return find_assignment(self.course, slug)

    def forget(self) -> None:
        """No result is kept, nothing is entered, nobody has handed in."""
        work = self.course.work
        for name in ("autograded", "feedback", "submitted", "watch", "rounds"):
            shutil.rmtree(work / name, ignore_errors=True)
        self.forget_results()
        shutil.copy(self.home / "gradebook.db", self.course.gradebook)

    def forget_results(self) -> None:
        """No result is kept. What the release found out stays: about edits, and that right answers
        keep every point.
        """
        for kept in self.course.results.glob("*/*"):
            if kept.is_file() and kept.suffix not in (".preflight", RIGHT):
                kept.unlink()

    def hand_in(self, works: Sequence[Work], slug: str, folder: Path) -> Path:
        """A folder in which these students, and no others, have handed in."""
        shutil.rmtree(folder, ignore_errors=True)
        for work in works:
            lay(work, self.assignment(slug), folder)
        return folder

    def class_of(self, slug: str, seed: int, count: int, *kinds: str) -> list[Work]:
        """Some students whose cells do not fail: the others could not go on."""
        return list(Population(self.assignment(slug), seed, kinds or KINDS, fails=False)(count))


def bits(line: str) -> Figures:
    """A result without how long it took."""
    result: Figures = json.loads(line)
    tests = [check | {"seconds": 0} for check in result["tests"]]
    return result | {"seconds": 0, "tests": tests}


def written(folder: Path) -> dict[str, int]:
    """When each file below a folder was written, but for the lock on it."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "lock"]
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in files}


def say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {line}", flush=True)


def spread(values: Any) -> Figures:
    listed = sorted(values)
    return {"median": statistics.median(listed), "least": listed[0], "most": listed[-1]}


def rounded(value: Any) -> Any:
    """Figures with four digits behind the point."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    return round(value, 4) if isinstance(value, float) else value
