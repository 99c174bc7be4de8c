"""What gradebook, notebooks and feedback cost, and what a second worker gains."""

from __future__ import annotations

import shutil
import statistics

from benchmarks.scratch import COMPARED, Figures, Scratch, say


def gradebook(bench: Scratch) -> Figures:
    """The entry in the gradebook, and the feedback page, of a submission that is graded."""
    costs: dict[str, list[float]] = {"gradebook": [], "feedback": []}
    counts = (bench.sizes.entered // 4, bench.sizes.entered)
    for count in counts:
        works = bench.class_of(COMPARED, 21, count)
        bench.forget()
        bench.hand_in(works, COMPARED, bench.course.submitted)
        bench.grade(COMPARED, bench.course.submitted)
        for name, options in (("gradebook", ()), ("feedback", ("--feedback",))):
            for step in ("autograded", "feedback"):
                shutil.rmtree(bench.course.work / step, ignore_errors=True)
            shutil.copy(bench.home / "gradebook.db", bench.course.gradebook)
            cost = bench.run("gradebook", COMPARED, "--workers", 1, *options)
            costs[name].append(cost.cpu)
            say(f"{count} entered, {name}: {cost.cpu:.1f} CPU s")
    again = bench.run("gradebook", COMPARED, "--workers", 1, "--feedback")
    more = counts[1] - counts[0]
    entry, both = ((seen[1] - seen[0]) / more for seen in costs.values())
    return {
        "submissions": list(counts),
        "gradebook_cpu": entry,
        "feedback_cpu": both - entry,
        "unchanged_wall": again.wall,
        "unchanged_cpu": again.cpu,
    }


def workers(bench: Scratch) -> Figures:
    """Grading, notebooks, gradebook and feedback on one worker, and on two: a class as elsewhere,
    and a large one, whose time is less that of the start.
    """
    sizes = bench.sizes
    return {"shared": on_workers(bench, sizes.shared), "large": on_workers(bench, sizes.large)}


def on_workers(bench: Scratch, count: int) -> Figures:
    """A class of this size. speedup: one worker's time over that of two"""
    walls: dict[int, list[float]] = {1: [], 2: []}
    for number in range(bench.sizes.rounds):
        works = bench.class_of(COMPARED, 31 + number, count)
        for workers, seen in walls.items():
            bench.forget()
            bench.hand_in(works, COMPARED, bench.course.submitted)
            cost = bench.run("gradebook", COMPARED, "--feedback", "--workers", workers)
            seen.append(cost.wall)
            say(f"{workers} workers, {count}: {cost.wall:.1f} s, {cost.cpu:.1f} CPU s")
    speedup = statistics.median(walls[1]) / statistics.median(walls[2])
    return {"submissions": count, "walls": walls, "speedup": speedup}
