"""How cost and memory grow with the class."""

from __future__ import annotations

from benchmarks.population import Population, lay
from benchmarks.scratch import LIGHT, Figures, Scratch, say, written


def growth(bench: Scratch, size: int) -> Figures:
    """A class on all cores; and, of one size, all of it entered and fed back, and then all that
    once more, unchanged.
    """
    folder = bench.course.submitted
    bench.forget()
    for work in Population(bench.assignment(LIGHT), 41, even=True)(size):
        lay(work, bench.assignment(LIGHT), folder)
    cost = bench.grade(LIGHT, folder)
    found: Figures = {"size": size, "cost": cost.to_json()}
    say(f"a class of {size}: {cost.cpu:.1f} CPU s, {cost.wall:.1f} s")
    if size == bench.sizes.whole:
        for name in ("entered", "unchanged"):
            before = written(bench.course.work)
            cost = bench.run("gradebook", LIGHT, "--feedback")
            found[name] = cost.to_json()
            say(f"{name}: {cost.cpu:.1f} CPU s, {cost.wall:.1f} s")
        now = written(bench.course.work)
        found["rewritten"] = sorted(name for name, when in now.items() if before.get(name) != when)
        found["unchanged_grade"] = bench.grade(LIGHT, folder).to_json()
    return found


def grown(classes: list[Figures]) -> Figures:
    """How cost and memory grow with the class. classes: the smallest first, which pays for the
    start: the time of a submission is what the others took beyond it
    """
    figures: Figures = {"growth": {}}
    first = classes[0]
    for one in classes:
        cost, more = one["cost"], one["size"] - first["size"]
        beyond = {
            name: (cost[name] - first["cost"][name]) / more if more else None
            for name in ("cpu", "wall")
        }
        figures["growth"][str(one["size"])] = {
            "cpu_each": cost["cpu"] / one["size"],
            "wall": cost["wall"],
            "cpu_each_beyond_the_first": beyond["cpu"],
            "wall_each_beyond_the_first": beyond["wall"],
            "trusted_mib": cost["trusted"],
            "memory_mib": cost["memory"],
        }
        if "unchanged" in one:
            size = one["size"]
            figures[f"unchanged_{size}_wall"] = one["unchanged"]["wall"]
            figures[f"unchanged_{size}_grade_wall"] = one["unchanged_grade"]["wall"]
            figures[f"unchanged_{size}_rewritten"] = len(one["rewritten"])
            figures[f"entered_{size}"] = one["entered"]
    sizes = [one["size"] for one in classes]
    if len(sizes) > 2:
        small, large = (figures["growth"][str(size)] for size in (sizes[1], sizes[-1]))
        figures["growth_from_to"] = [sizes[1], sizes[-1]]
        for name in ("cpu_each_beyond_the_first", "wall_each_beyond_the_first", "trusted_mib"):
            short = name.removesuffix("_beyond_the_first").removesuffix("_mib")
            figures[f"growth_{short}"] = large[name] / small[name]
    return figures
