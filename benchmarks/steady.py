"""One submission graded 50 times while every core is busy: one and the same result, seconds aside.

    python -m benchmarks.steady [ASSIGNMENT ...]

Graded are the reference solution and a known mistake of each assignment named, of sgd_factorisation
where none is. Figures go to results/steady.json.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from autograder.assignment import Assignment, find_assignment
from autograder.course import Course
from autograder.grading.grader import Grader
from autograder.grading.submission import Submission, Unit
from benchmarks.soak import timeless

RESULTS = Path(__file__).parent / "results" / "steady.json"
GRADINGS = 50
BURN = "while True: sum(range(10_000))"


@contextmanager
def load(processes: int) -> Iterator[None]:
    """So many processes that compute for ever."""
    burning = [subprocess.Popen([sys.executable, "-c", BURN]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in burning:
            process.kill()
            process.wait()


def submissions(assignment: Assignment) -> dict[str, Submission]:
    """The reference solution, and the first known mistake laid over it."""
    solution, mistake = assignment.solution.read_text("utf-8"), assignment.mistakes[0]
    texts = {"solution": [solution], mistake.name: [solution, mistake.path.read_text("utf-8")]}
    handed_in = {}
    for name, parts in texts.items():
        units = [Unit("statements", text, str(place)) for place, text in enumerate(parts)]
        handed_in[name] = Submission(tuple(units), "")
    return handed_in


def main() -> None:
    """Grade, compare, print, and write the figures; exit status 1 where two results of one
    submission differ.
    """
    figures: dict[str, dict[str, Any]] = {}
    busy, course = 2 * (os.cpu_count() or 1), Course.find(Path(__file__))
    for assignment in [
        find_assignment(course, slug) for slug in sys.argv[1:] or ["sgd_factorisation"]
    ]:
        grader = Grader(assignment, secret="steady")
        try:
            for name, submission in submissions(assignment).items():
                alone = timeless(json.loads(grader.run(submission).dumps()))
                with load(busy):
                    seen = {
                        json.dumps(
                            timeless(json.loads(grader.run(submission).dumps())), sort_keys=True
                        )
                        for _ in range(GRADINGS)
                    }
                same = seen == {json.dumps(alone, sort_keys=True)}
                digest = hashlib.sha256(min(seen).encode()).hexdigest()[:12]
                figures[f"{assignment.slug}/{name}"] = {
                    "different_results": len(seen),
                    "same_as_alone": same,
                    "result": digest,
                }
                results = "1 result" if len(seen) == 1 else f"{len(seen)} results"
                what = f"{assignment.slug} {name}: {GRADINGS} gradings, {results}"
                print(f"{what}, as when alone: {same}")
        finally:
            grader.close()
    RESULTS.write_text(
        json.dumps({"gradings": GRADINGS, "busy_processes": busy, "submissions": figures}, indent=2)
        + "\n"
    )
    raise SystemExit(0 if all(one["same_as_alone"] for one in figures.values()) else 1)


if __name__ == "__main__":
    main()
