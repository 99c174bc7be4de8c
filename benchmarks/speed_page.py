"""docs/speed.md and the plot beside the figures, from the figures of `benchmarks.speed`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from autograder.course import write_whole

PAGE = Path(__file__).parent.parent / "docs" / "speed.md"
CHANGED = Path(__file__).parent / "results" / "regraded.json"  # of `benchmarks.regraded`
PLOT = Path(__file__).parent / "results" / "speed.svg"
NAMES = {"ours": "autograder", "nbgrader": "nbgrader", "otter": "otter run", "pytest": "pytest"}
TARGETS = (  # key, target, whether more is better, what it is
    ("beyond_floor", 0.15, False, "a right submission beyond the floor, in CPU of `import torch`"),
    ("wrong_over_right", 1.5, False, "a wrong submission over a right one, CPU"),
    ("vs_nbgrader", 6.0, True, "nbgrader over ours: CPU, 100 submissions with start-up"),
    ("vs_otter", 8.0, True, "`otter run` over ours, the same"),
    ("vs_pytest", 4.0, True, "a fresh pytest over ours, the same"),
    ("at_the_margin.vs_nbgrader", 8.0, True, "nbgrader over ours: CPU of one submission more"),
    ("at_the_margin.vs_otter", 12.0, True, "`otter run` over ours, the same"),
    ("at_the_margin.vs_pytest", 6.0, True, "a fresh pytest over ours, the same"),
    ("gradebook_cpu", 0.06, False, "gradebook and notebook, CPU s a submission"),
    ("feedback_cpu", 0.05, False, "feedback page, CPU s a submission"),
    ("unchanged_1000_wall", 5.0, False, "an unchanged class of 1,000: all of it once more, s"),
    ("unchanged_1000_rewritten", 0.0, False, "files that this rewrites"),
    ("speedup_2_workers", 1.7, True, "two workers over one, feedback included: wall, class of 100"),
    ("speedup_2_workers_large", 1.7, True, "the same, class of 300"),
    ("dask_over_2_workers", 1.15, False, "two workers of Dask over two here, wall, class of 100"),
    ("dask_over_2_workers_large", 1.15, False, "the same, class of 300"),
    ("dask_different", 0.0, False, "results of theirs that differ in a bit"),
    ("growth_cpu_each", 1.1, False, "a submission of the largest class over one of 100, CPU"),
    ("growth_wall_each", 1.1, False, "the same, wall"),
    ("growth_trusted", 1.2, False, "memory of our own processes, the same"),
)  # fmt: skip


def write(figures: dict[str, Any]) -> None:
    """Write the page, and the plot where there is something to plot."""
    parts = [HEAD, about(figures), targets(figures)]
    if "cpu_each_of_100" in figures:
        parts.append(comparison(figures))
        plot(figures)
    if "growth" in figures:
        parts.append(growth(figures))
    parts += [paragraph for paragraph in (burst(figures), kills(figures)) if paragraph]
    if CHANGED.is_file():
        parts.append(changed_checks(json.loads(CHANGED.read_text("utf-8"))))
    write_whole(PAGE, "\n\n".join(parts) + "\n")


def about(figures: dict[str, Any]) -> str:
    machine = figures["machine"]
    kind = "**Quick run, small sizes: no more than a trial.** " if figures["quick"] else ""
    return (
        f"{kind}{machine['date']}, {machine['processor']}, {machine['cores']} cores, Python "
        f"{machine['python']}, torch {machine['torch']}; load {machine['load']} when it began and "
        f"{machine['load_at_the_end']} when it ended. Where other work shares the machine, times "
        "grow, and with shared processor parts CPU times too; ratios less."
    )


def table(titles: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(titles)} |", "|" + "---|" * len(titles)]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])


def targets(figures: dict[str, Any]) -> str:
    rows = []
    for key, target, more, what in TARGETS:
        inner, _, name = key.rpartition(".")
        value = (figures.get(inner, {}) if inner else figures).get(name)
        if value is None:
            continue
        met = value >= target if more else value <= target
        wanted = f"{'at least' if more else 'at most'} {target:g}"
        rows.append((what, f"`{key}`", wanted, f"{value:.3g}", "yes" if met else "**no**"))
    titles = ("what", "figure", "target", "measured", "met")
    return "## Targets\n\n" + table(titles, rows)


def comparison(figures: dict[str, Any]) -> str:
    rows = []
    for name, title in NAMES.items():
        margin = figures["cpu_each_at_the_margin"][name]
        rows.append(
            (
                title,
                f"{figures['cpu_each_of_100'][name]:.2f}",
                f"{margin['median']:.2f} ({margin['least']:.2f} to {margin['most']:.2f})",
                f"{figures['start_up_cpu'][name]:.1f}",
                f"{figures['peak_memory_mib'][name]:.0f}",
            )
        )
    floor = f"{figures['floor_cpu']:.3f}"
    rows.append(("the floor", floor, floor, f"{figures['import_torch_cpu']:.2f}", "–"))
    titles = (
        "grader",
        "CPU s each of 100",
        "at the margin (spread)",
        "start-up, CPU s",
        "memory, MiB",
    )
    cold, same = figures["cold_one_cpu"]["median"], figures["unchanged_cpu"]["median"]
    more = (
        f"One submission from nothing costs us {cold:.1f} CPU s; the class once more, unchanged, "
    )
    more += f"{same:.1f}.\n\n![CPU seconds a submission](../benchmarks/results/speed.svg)"
    return f"## The same submissions, the same questions\n\n{table(titles, rows)}\n\n{more}"


def growth(figures: dict[str, Any]) -> str:
    rows = []
    for size, found in figures["growth"].items():
        cpu, wall = found["cpu_each_beyond_the_first"], found["wall_each_beyond_the_first"]
        rows.append(
            (
                f"{int(size):,}",
                f"{found['wall']:.1f}",
                f"{found['cpu_each']:.3f}",
                "–" if cpu is None else f"{cpu:.3f}",
                "–" if wall is None else f"{wall:.3f}",
                f"{found['trusted_mib']:.0f}",
                f"{found['memory_mib']:.0f}",
            )
        )
    titles = (
        "class",
        "wall, s",
        "CPU s each",
        "CPU s each beyond the smallest class",
        "wall s each beyond it",
        "our largest process, MiB",
        "everything, MiB",
    )
    said = (
        "Grading on all cores, `tensors_and_autograd`. Each hundred of a class holds 55 right, 41 "
        "wrong and 4 unreadable submissions that begin with the same texts, in other styles, so "
        "that classes differ in size alone. The smallest class pays for the start."
    )
    parts = ["## Growth", said, table(titles, rows)]
    for name, cost in figures.items():
        if name.startswith("entered_"):
            size = int(name.removeprefix("entered_"))
            parts.append(
                f"Gradebook, notebooks, feedback and class page of {size:,}: {cost['wall']:.0f} "
                f"s, {cost['cpu'] / size:.3f} CPU s each; the same command once more, nothing "
                f"changed: {figures[f'unchanged_{size}_wall']:.1f} s, and `autograder grade`: "
                f"{figures[f'unchanged_{size}_grade_wall']:.1f} s."
            )
    return "\n\n".join(parts)


def burst(figures: dict[str, Any]) -> str:
    if "burst" not in figures:
        return ""
    one = figures["burst"]
    return (
        f"## A deadline\n\n{one['submissions']:,} submissions arrive within {one['within']:g} s, "
        "and `autograder watch` has all cores. From arrival to feedback page: "
        f"{one['p50']:.0f} s in the median, {one['p95']:.0f} s at the 95th percentile, "
        f"{one['p99']:.0f} s at the 99th; two of them are the time for which a file must stay as "
        "it is."
    )


def kills(figures: dict[str, Any]) -> str:
    if "kills" not in figures:
        return ""
    one = figures["kills"]
    return (
        f"The watch killed {one['kills']} times at random instants while {one['submissions']} "
        f"arrive (at {one['midway']} of the kills some had their page and some had not): "
        f"{one['lost']} lost, half written, or with other points than undisturbed grading gives."
    )


def changed_checks(figures: dict[str, Any]) -> str:
    """What a changed check costs, from the figures of `benchmarks.regraded`."""
    rows, parts = [], []
    for slug, one in figures.items():
        for check, kinds in one["checks"].items():
            told = (percent(kinds[kind]["share"]) if kind in kinds else "–" for kind in KINDS)
            rows.append((slug, f"`{check}`", *told))
        shares = [kind["share"] for kinds in one["checks"].values() for kind in kinds.values()]
        over = sum(share > MOST_CHANGED for share in shares)
        parts.append(
            f"`{slug}`: {over} of {len(shares)} changes cost more than {percent(MOST_CHANGED)} "
            f"({one['date']}, {one['submissions']} submissions, load {one['load']:.0f}; a whole "
            f"grading: {one['each']:.2f} CPU s each and {one['start']:.1f} to start)."
        )
    titles = ("assignment", "changed check", "its calls stay", "all its inputs are others")
    return "\n\n".join([CHANGED_HEAD, *parts, table(titles, rows)])


def percent(share: float) -> str:
    return f"{max(0.0, 100 * share):.0f} %"  # what is near 0 may come out below it


def plot(figures: dict[str, Any]) -> None:
    """CPU seconds a submission as bars, start-up apart."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "speed"
    from matplotlib import pyplot

    each, margin = figures["cpu_each_of_100"], figures["cpu_each_at_the_margin"]
    names = list(NAMES)[::-1]
    figure, axes = pyplot.subplots(figsize=(7, 2.6), layout="constrained")
    own = [margin[name]["median"] for name in names]
    rest = [each[name] - margin[name]["median"] for name in names]
    axes.barh([NAMES[name] for name in names], own, color="tab:blue", label="each more")
    axes.barh(
        [NAMES[name] for name in names], rest, left=own, color="tab:orange", label="start-up / 100"
    )
    axes.axvline(figures["floor_cpu"], color="black", linewidth=1, label="floor")
    axes.set_xlabel("CPU seconds a submission")
    axes.legend()
    figure.savefig(PLOT, metadata={"Date": None})
    pyplot.close(figure)


HEAD = """\
# Speed

Made by `make bench`; do not edit. All commands of one run on one machine, taken in turn, on the
same submissions with the same questions (the checks of `sgd_factorisation`, where nothing else is
said). CPU is the kernel's account of everything that a command started, sandbox included. The floor
is the CPU time of the students' own calls, made one after another in one warm process without any
wall. The others do not keep a student's code apart from the checks; what each gets is in
`benchmarks/rivals.py`. Figures: `benchmarks/results/latest.json`."""

KINDS = ("calls", "inputs")
MOST_CHANGED = 0.15  # of the CPU time of a whole grading: the target
CHANGED_HEAD = """\
## A changed check

The share of a whole grading, in CPU time of a class of 300, when one hidden check has become
another (`python -m benchmarks.regraded`). Where its calls stay what they were, as with another
tolerance or message, what submissions answered is read back, and none of their code runs, but that
of functions that lost the very check and behave like no known mistake: what is known of them is
found anew. Where all inputs are others, every submission is loaded, which alone is a sixth of
grading one of `sgd_factorisation`, and makes the calls of this check; known mistakes are asked its
new calls. The target is 15 % for any change. One reading each, on a machine with other work: a few
percent are noise."""
