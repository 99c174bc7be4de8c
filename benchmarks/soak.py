"""SIGKILL at random instants of grading a class of 60, each followed by a resume: docs/soak.md.

    python -m benchmarks.soak [KILLS]        100 unless told

The class hands in the skeleton's right answers and mistakes, modules and notebooks by turns, no two
alike. Every other kill takes the whole process group at once, as a power cut would; the others take
the command alone and leave its workers to notice.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autograder.authoring.new import new_assignment
from autograder.course import Course

PAGE = Path(__file__).parent.parent / "docs" / "soak.md"
SLUG = "column_means"
CLASS = 60
COMMAND = [
    str(Path(sys.executable).with_name("autograder")),
    "grade",
    SLUG,
    "--json",
    "results.jsonl",
    "--no-table",
]
QUIET: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


class Lost(Exception):
    """A promise that a resume did not keep."""


def hand_in(course: Course) -> None:
    """The skeleton's assignment, and its class."""
    course.staff.mkdir()
    new_assignment(course, SLUG)
    folder = course.staff / SLUG
    sources = []
    for file in sorted(folder.glob("variants/*.py")) + sorted(folder.glob("mistakes/*.py")):
        sources.append(file.read_text("utf-8"))
    for number in range(CLASS):
        source = f"import torch\n{sources[number % len(sources)]}\nNUMBER = {number}\n"
        home = course.submitted / f"student{number:02}" / SLUG
        home.mkdir(parents=True)
        if number % 2:
            cell: dict[str, Any] = {
                "cell_type": "code",
                "id": "one",
                "metadata": {},
                "execution_count": None,
                "outputs": [],
                "source": source,
            }
            (home / f"{SLUG}.ipynb").write_text(
                json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
            )
        else:
            (home / f"{SLUG}.py").write_text(source, encoding="utf-8")


def results(course: Course) -> list[dict[str, Any]]:
    """The results that the last run gave, without how long they took."""
    lines = (course.root / "results.jsonl").read_text("utf-8").splitlines()
    return [timeless(json.loads(line)) for line in lines]


def timeless(result: dict[str, Any]) -> dict[str, Any]:
    return result | {"seconds": 0, "tests": [check | {"seconds": 0} for check in result["tests"]]}


def stored(course: Course) -> dict[Path, tuple[int, str]]:
    """The kept results: when each was written, and what it says."""
    kept = {}
    for file in (course.results / SLUG).glob("*.json"):
        kept[file] = (file.stat().st_mtime_ns, file.read_text("utf-8"))
    return kept


def interrupt(course: Course, results_kept: int, seconds: float, whole_group: bool) -> bool:
    """Start grading, kill it so many seconds after so many results are kept, and wait until nothing
    of it is left. False where it had ended before.
    """
    folder = course.results / SLUG
    with subprocess.Popen(COMMAND, cwd=course.root, start_new_session=True, **QUIET) as run:
        while run.poll() is None and sum(1 for _ in folder.glob("*.json")) < results_kept:
            time.sleep(0.01)
        time.sleep(seconds)
        if run.poll() is not None:
            return False
        started = list(descendants(run.pid))
        if whole_group:
            os.killpg(run.pid, signal.SIGKILL)
        else:
            run.kill()
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in started):
        if time.monotonic() > deadline:
            raise Lost("a process of the killed run outlived it by 20 s")
        time.sleep(0.02)
    return True


def descendants(pid: int) -> Iterator[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in map(int, children):
        yield child
        yield from descendants(child)


def resume(course: Course, undisturbed: list[dict[str, Any]]) -> int:
    """Grade the class to its end; Lost where anything differs from an undisturbed run. Returns how
    many results were kept.
    """
    before = stored(course)
    for _, text in before.values():
        json.loads(text)
    status = subprocess.run(COMMAND, cwd=course.root, **QUIET, check=False).returncode
    after = stored(course)
    if status != 0 or results(course) != undisturbed:
        what = f"the resumed run ended with status {status}"
        raise Lost(f"{what}, and its results are not those of the undisturbed run")
    if len(after) != CLASS or any(after[file] != kept for file, kept in before.items()):
        raise Lost("a submission was graded twice, or is not in the store")
    return len(before)


def main() -> None:
    """Kill and resume; print as it goes, and write the page at the end."""
    kills, chance = int(sys.argv[1]) if len(sys.argv) > 1 else 100, random.Random(100)
    with tempfile.TemporaryDirectory() as folder:
        course = Course(Path(folder))
        hand_in(course)
        subprocess.run(COMMAND, cwd=course.root, **QUIET, check=True)
        undisturbed = results(course)
        kept: list[int] = []
        while len(kept) < kills:
            for file in stored(course):
                file.unlink()
            reached = max(
                0, chance.randrange(-CLASS // 5, CLASS)
            )  # one kill in six comes while the command starts
            if not interrupt(
                course,
                reached,
                chance.uniform(0.0, 0.1 if reached else 3.0),
                whole_group=len(kept) % 2 == 1,
            ):
                continue
            kept.append(resume(course, undisturbed))
            graded = f"{kept[-1]} of {CLASS} were graded"
            print(f"kill {len(kept)} of {kills}: {graded}; resumed, nothing differs", flush=True)
    midway = sum(0 < count < CLASS for count in kept)
    median = sorted(kept)[kills // 2]
    figures = f"""\
{kills} kills, {kills} resumes, each with the results of the undisturbed run. At {midway} of the
kills some results were kept and some were not; at the median kill {median} of {CLASS} were."""
    PAGE.write_text(f"{HEAD}\n{figures}\n", encoding="utf-8")
    print(figures)


HEAD = """\
# Killed and resumed

Made by `make soak`; do not edit. A class of 60 is graded, and the grading killed with SIGKILL:
while it starts, or up to a tenth of a second after a random number of results. Then the same
command runs again. Each time every result must equal the undisturbed run's (seconds aside), every
result kept before the kill must be the same file as before, none may be missing, and no process of
the killed run may be left.
"""

if __name__ == "__main__":
    main()
