"""What a submission costs: ours and the rivals in turn, and ours at the margin."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from autograder.assignment import find_assignments
from benchmarks.meter import Cost
from benchmarks.population import Work
from benchmarks.rivals import Rivals
from benchmarks.scratch import COMPARED, Figures, Scratch, say, spread
from benchmarks.sizes import Sizes

FIRST = 4  # submissions, which a margin begins after


def compare(bench: Scratch) -> Figures:
    """Ours and the rivals in turn, on the same submissions."""
    sizes, rivals = bench.sizes, Rivals(bench.assignment(COMPARED), bench.home / "rivals")
    seen: dict[str, list[Figures]] = {}
    for number in range(sizes.rounds):
        works = bench.class_of(COMPARED, number, sizes.compared)
        mine = works[number * sizes.rivals :][: sizes.rivals]
        folder = bench.hand_in(works, COMPARED, bench.home / "class")
        one = bench.hand_in(works[:1], COMPARED, bench.home / "one")
        few = bench.hand_in(works[:FIRST], COMPARED, bench.home / "few")
        steps: dict[str, Callable[[], Cost]] = {
            "ours, one": lambda one=one: bench.grade(COMPARED, one, 1),
            "ours, few": lambda few=few: bench.grade(COMPARED, few, 1),
            "nbgrader, one": lambda mine=mine: rivals.nbgrader(mine[:1]),
            "ours": lambda folder=folder: bench.grade(COMPARED, folder, 1),
            "ours, unchanged": lambda folder=folder: bench.grade(COMPARED, folder, 1),
            "nbgrader": lambda mine=mine: rivals.nbgrader(mine),
            "otter": lambda mine=mine: rivals.otter(mine),
            "pytest": lambda mine=mine: rivals.pytest(mine),
        }
        bench.forget()
        for name, step in steps.items():
            if name in ("ours", "ours, few"):
                bench.forget_results()
            cost = step()
            seen.setdefault(name, []).append(cost.to_json())
            say(f"round {number + 1}: {name}: {cost.cpu:.1f} CPU s, {cost.wall:.1f} s")
        floor = rivals.floor(works)
        seen.setdefault("floor", []).append(
            {
                "import_torch": floor["import_torch"],
                "cpu": statistics.mean(one["cpu"] for one in floor["modules"]),
                "calls": statistics.mean(one["calls"] for one in floor["modules"]),
            }
        )
    return {"assignment": COMPARED, "rounds": seen}


def margin(bench: Scratch) -> Figures:
    """A right submission of each assignment, beyond what the students' calls cost; and a wrong
    one of the assignment that is compared.
    """
    figures: Figures = {}
    for assignment in find_assignments(bench.course):
        slug = assignment.slug
        rivals = Rivals(assignment, bench.home / "floor")
        right = bench.class_of(slug, 11, bench.sizes.margin, "right")
        floor = rivals.floor(right[FIRST:])
        imported = floor["import_torch"]
        found: Figures = {"import_torch": imported}
        found["right"] = at_the_margin(bench, slug, right)
        found["floor"] = statistics.mean(one["cpu"] for one in floor["modules"])
        found["calls"] = statistics.mean(one["calls"] for one in floor["modules"])
        found["beyond_floor"] = (found["right"] - found["floor"]) / imported
        if slug == COMPARED:
            wrong = bench.class_of(slug, 12, bench.sizes.wrong, "wrong")
            found["wrong"] = at_the_margin(bench, slug, wrong)
            found["wrong_over_right"] = found["wrong"] / found["right"]
        figures[slug] = found
        say(f"{slug}: a right one {found['right']:.3f} CPU s, the floor {found['floor']:.3f}")
    return figures


def at_the_margin(bench: Scratch, slug: str, works: Sequence[Work]) -> float:
    """CPU seconds of each submission after the first ones."""
    costs = []
    for some in (works[:FIRST], works):
        bench.forget()
        costs.append(bench.grade(slug, bench.hand_in(some, slug, bench.home / "class"), 1).cpu)
    return (costs[1] - costs[0]) / (len(works) - FIRST)


def compared(rounds: dict[str, list[Figures]], sizes: Sizes) -> Figures:
    """CPU seconds a submission, of each grader: in a class of 100 with start-up, and at the margin;
    and their ratios to ours.
    """
    cpu = {name: [one["cpu"] for one in seen] for name, seen in rounds.items()}
    count, few = sizes.compared, sizes.rivals
    margin = {
        "ours": spread(
            (whole - few_) / (count - FIRST)
            for whole, few_ in zip(cpu["ours"], cpu["ours, few"], strict=True)
        ),
        "nbgrader": spread(
            (all_ - one) / (few - 1)
            for all_, one in zip(cpu["nbgrader"], cpu["nbgrader, one"], strict=True)
        ),
        "otter": spread(one / few for one in cpu["otter"]),
        "pytest": spread(one / few for one in cpu["pytest"]),
    }
    start = {
        # with the right answers that are graded before a class
        "ours": statistics.median(cpu["ours, few"]) - FIRST * margin["ours"]["median"],
        "nbgrader": statistics.median(cpu["nbgrader, one"]) - margin["nbgrader"]["median"],
        "otter": 0.0,
        "pytest": 0.0,
    }
    whole = {name: one["median"] + start[name] / 100 for name, one in margin.items()}
    floor = statistics.median(cpu["floor"])
    return {
        "cpu_each_of_100": whole,
        "cpu_each_at_the_margin": margin,
        "start_up_cpu": start,
        "cold_one_cpu": spread(cpu["ours, one"]),
        "unchanged_cpu": spread(cpu["ours, unchanged"]),
        "floor_cpu": floor,
        "import_torch_cpu": statistics.median(one["import_torch"] for one in rounds["floor"]),
        "peak_memory_mib": {name: max(one["memory"] for one in rounds[name]) for name in margin},
        **{f"vs_{name}": whole[name] / whole["ours"] for name in margin if name != "ours"},
        "at_the_margin": {
            f"vs_{name}": margin[name]["median"] / margin["ours"]["median"]
            for name in margin
            if name != "ours"
        },
    }
