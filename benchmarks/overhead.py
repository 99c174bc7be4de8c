"""What grading costs beyond the student's own calls, and how that compares with a fresh interpreter
for every submission.

CPU seconds of everything that works on a submission: the grader's process, and the sandbox with all
that it forks (from /proc, because bubblewrap does not hand its children's times on). The student's
own share is the CPU time of its functions. Ratios are taken in this one run.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

from autograder.assignment import Assignment, find_assignment, find_assignments
from autograder.course import Course
from autograder.grading.checks import open_submission, run_checks
from autograder.grading.grader import Grader
from autograder.grading.student import Student
from autograder.grading.submission import read

RESULTS = Path(__file__).parent / "results" / "overhead.json"
REPEATS = 10
TICKS = os.sysconf("SC_CLK_TCK")
FRESH = "import runpy, sys, torch, pytest; runpy.run_path(sys.argv[1])"


def tree_seconds(pid: int) -> float:
    """CPU seconds of a process, of its children that ended, and of those that live."""
    text = Path(f"/proc/{pid}/stat").read_text()
    seconds = sum(map(int, text.rpartition(")")[2].split()[11:15])) / TICKS
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return seconds + sum(tree_seconds(int(child)) for child in children)


def measure(grader: Grader, path: Path) -> tuple[float, float, float]:
    """CPU seconds of one grading, of the student's functions in it, and wall seconds."""
    sandbox = grader.warm()
    assert sandbox.pid is not None
    before, own, start = tree_seconds(sandbox.pid), time.process_time(), time.perf_counter()
    with open_submission(sandbox, grader.assignment, read(path)) as loaded:
        run_checks(grader.assignment, Student(loaded), "benchmark")
    wall = time.perf_counter() - start
    time.sleep(1.2)  # the warm process collects the box within a second
    used = tree_seconds(sandbox.pid) - before + time.process_time() - own
    return used, loaded.box.function_seconds, wall


def fresh_interpreter(path: Path) -> float:
    """CPU seconds of only starting Python, importing torch and pytest, and running the submission's
    top level.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", FRESH, str(path)], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def chosen() -> list[Assignment]:
    """The assignments named on the command line, all of the course where none is."""
    course = Course.find(Path(__file__))
    if not sys.argv[1:]:
        return find_assignments(course)
    return [find_assignment(course, slug) for slug in sys.argv[1:]]


def main() -> None:
    """Measure every assignment's reference solution; print and write the figures."""
    measured: dict[str, dict[str, float]] = {}
    titles = f"{'all CPU s':>10}{'student':>9}{'beyond':>8}{'wall s':>8}"
    print(f"{'assignment':<22}{titles}{'fresh interpreter, CPU s':>26}")
    for assignment in chosen():
        grader = Grader(assignment, secret="benchmark", diagnoses=False)
        try:
            measure(grader, assignment.solution)
            runs = [measure(grader, assignment.solution) for _ in range(REPEATS)]
            fresh = statistics.median(fresh_interpreter(assignment.solution) for _ in range(3))
        finally:
            grader.close()
        total, student, wall = (statistics.median(column) for column in zip(*runs, strict=True))
        beyond = statistics.median(run[0] - run[1] for run in runs)
        measured[assignment.slug] = {
            "cpu_seconds": round(total, 3),
            "student_cpu_seconds": round(student, 3),
            "beyond_cpu_seconds": round(beyond, 3),
            "wall_seconds": round(wall, 3),
            "fresh_interpreter_cpu_seconds": round(fresh, 3),
        }
        print(
            f"{assignment.slug:<22}{total:>10.3f}{student:>9.3f}{beyond:>8.3f}{wall:>8.3f}{fresh:>26.3f}"
        )
    figures = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "repeats": REPEATS,
        "assignments": measured,
    }
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
