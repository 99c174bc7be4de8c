"""What the diagnosis of a failing submission costs: docs/diagnosis.md.

    python -m benchmarks.diagnosis_cost ASSIGNMENT [EVERY]

Every known mistake (or every EVERY-th) as a submission, each graded once, in the course's own
inputs, by a process that remembers nothing at first but what the course keeps: `autograder edits`
makes that. CPU seconds are a control group's, so the sandbox is in them.
"""

from __future__ import annotations

import multiprocessing
import statistics
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from autograder.assignment import find_assignment
from autograder.course import Course
from autograder.grading.grader import Grader
from benchmarks.diagnosis import handed_in
from benchmarks.meter import Group


def costs(slug: str, every: int, cpu: Callable[[], float]) -> list[tuple[str, float, float]]:
    """(name, CPU seconds of the diagnosis, of all the rest) of each mistake."""
    assignment = find_assignment(Course.find(Path(__file__)), slug)
    solution, found = assignment.solution.read_text(encoding="utf-8"), []
    spent = [0.0]

    class Metered(Grader):
        def _diagnosis(self, *given: Any) -> Any:
            begun = cpu()
            told = super()._diagnosis(*given)
            spent[0] = cpu() - begun
            return told

    with closing(Metered(assignment, assignment.course.secret())) as grader:
        grader.warm()
        for mistake in assignment.mistakes[::every]:
            spent[0], begun = 0.0, cpu()
            grader.run(handed_in("statements", [solution, mistake.path.read_text("utf-8")]))
            found.append((mistake.name, spent[0], cpu() - begun - spent[0]))
    return found


def measured(slug: str, every: int, group: Group) -> None:
    """Measure in a group, and print a line a mistake and the mean."""
    group.enter()
    found = costs(slug, every, group.cpu)
    for name, diagnosis, rest in found:
        print(f"{name}: {diagnosis:.3f} s, and {rest:.3f} s of grading")
    told = [diagnosis for _, diagnosis, _ in found]
    rest = statistics.mean(one for _, _, one in found)
    print(
        f"{slug}: {statistics.mean(told):.3f} s in the mean over {len(told)} mistakes, "
        f"{max(told):.3f} s at worst; grading itself {rest:.3f} s"
    )


def main() -> None:
    """Measure in a process of its own, which takes its group along."""
    slug, every = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with Group.make() as group:
        if group is None:
            sys.exit("no control group can be made here, and without one this cannot be measured")
        process = multiprocessing.Process(target=measured, args=(slug, every, group))
        process.start()
        process.join()
    sys.exit(process.exitcode)


if __name__ == "__main__":
    main()
