"""What grading a class costs, and what it would cost elsewhere: docs/speed.md.

    python -m benchmarks [--quick] [--again] [--only PHASE ...] [sizes, see --help]

One run measures everything on the same machine, the rivals in turn with ours, on the same
submissions with the same questions. It may be interrupted: phases that are done are kept in
build/bench, and the same command goes on with the others, as long as nothing that is measured has
changed. Figures go to results/latest.json, a plot beside it, the page to docs/speed.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import random
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from autograder.assignment import Assignment, find_assignment, find_assignments
from autograder.course import Course, write_whole
from benchmarks import speed_page
from benchmarks.meter import Cost, measure
from benchmarks.plain import SECRET
from benchmarks.population import Population, Work, lay
from benchmarks.rivals import HERE, REPOSITORY, Rivals

HOME = REPOSITORY / "build" / "bench"
RESULTS = Path(__file__).parent / "results" / "latest.json"
COMMAND = [sys.executable, "-c", "from autograder.cli import main; main()"]
COMPARED = "sgd_factorisation"  # with the others
FIRST = 4  # submissions, which a margin begins after
LIGHT = "tensors_and_autograd"  # for what grows with the class, and not with the students' code
KINDS = ("right", "wrong")
PATIENCE = 3.0  # seconds a submission that a burst may take before it counts as lost

Figures = dict[str, Any]


@dataclass(frozen=True)
class Sizes:
    """How much of everything is measured.

    rounds: of the comparison; compared: submissions that ours grades in one; rivals: that each of
        the others does
    margin: right submissions of each assignment, less four, whose cost is taken at the margin
    growth: sizes of a class; the one of `whole` is also entered, and then once more, unchanged
    entered: submissions entered in the gradebook; shared: of a class on one worker, on two, on two
        of Dask
    burst: submissions that arrive within `seconds`; kills, of a class of `killed`
    """

    rounds: int = 2
    compared: int = 100
    rivals: int = 4
    margin: int = 24
    wrong: int = 40
    growth: tuple[int, ...] = (10, 100, 1000, 5000)
    whole: int = 1000
    entered: int = 60
    shared: int = 100
    burst: int = 1000
    seconds: float = 60.0
    kills: int = 20
    killed: int = 100


QUICK = Sizes(
    rounds=1,
    compared=20,
    rivals=2,
    margin=10,
    wrong=10,
    growth=(10, 50, 200),
    whole=50,
    entered=12,
    shared=16,
    burst=40,
    seconds=10.0,
    kills=3,
    killed=16,
)


class Bench:
    """One run."""

    def __init__(self, sizes: Sizes, *, edits: bool) -> None:
        self.sizes, self.edits = sizes, edits
        self.course = Course(HOME / "course")
        self.phases: dict[str, Callable[[], Figures]] = {
            "compare": self.compare,
            "margin": self.margin,
            "gradebook": self.gradebook,
            "workers": self.workers,
            "dask": self.dask,
            **{f"growth_{size}": partial(self.growth, size) for size in sizes.growth},
            "burst": self.burst,
            "kills": self.kills,
        }

    # --- a course of its own ---------------------------------------------------------------------

    def prepare(self) -> None:
        """A course with this repository's assignments, released; nobody has handed in. What a
        release finds out about edits takes minutes, and is kept from run to run.
        """
        tables, ours = HOME / "tables", Course(REPOSITORY)
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
        shutil.copy(self.course.gradebook, HOME / "gradebook.db")

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
        shutil.copy(HOME / "gradebook.db", self.course.gradebook)

    def forget_results(self) -> None:
        """No result is kept; what the release found out about edits stays."""
        for kept in self.course.results.glob("*/*"):
            if kept.is_file():
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

    # --- phases ----------------------------------------------------------------------------------

    def compare(self) -> Figures:
        """Ours and the rivals in turn, on the same submissions."""
        sizes, rivals = self.sizes, Rivals(self.assignment(COMPARED), HOME / "rivals")
        seen: dict[str, list[Figures]] = {}
        for number in range(sizes.rounds):
            works = self.class_of(COMPARED, number, sizes.compared)
            mine = works[number * sizes.rivals :][: sizes.rivals]
            folder = self.hand_in(works, COMPARED, HOME / "class")
            one = self.hand_in(works[:1], COMPARED, HOME / "one")
            few = self.hand_in(works[:FIRST], COMPARED, HOME / "few")
            steps: dict[str, Callable[[], Cost]] = {
                "ours, one": lambda one=one: self.grade(COMPARED, one, 1),
                "ours, few": lambda few=few: self.grade(COMPARED, few, 1),
                "nbgrader, one": lambda mine=mine: rivals.nbgrader(mine[:1]),
                "ours": lambda folder=folder: self.grade(COMPARED, folder, 1),
                "ours, unchanged": lambda folder=folder: self.grade(COMPARED, folder, 1),
                "nbgrader": lambda mine=mine: rivals.nbgrader(mine),
                "otter": lambda mine=mine: rivals.otter(mine),
                "pytest": lambda mine=mine: rivals.pytest(mine),
            }
            self.forget()
            for name, step in steps.items():
                if name in ("ours", "ours, few"):
                    self.forget_results()
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

    def margin(self) -> Figures:
        """A right submission of each assignment, beyond what the students' calls cost; and a wrong
        one of the assignment that is compared.
        """
        figures: Figures = {}
        for assignment in find_assignments(self.course):
            slug = assignment.slug
            rivals = Rivals(assignment, HOME / "floor")
            right = self.class_of(slug, 11, self.sizes.margin, "right")
            floor = rivals.floor(right[FIRST:])
            imported = floor["import_torch"]
            found: Figures = {"import_torch": imported}
            found["right"] = self._at_the_margin(slug, right)
            found["floor"] = statistics.mean(one["cpu"] for one in floor["modules"])
            found["calls"] = statistics.mean(one["calls"] for one in floor["modules"])
            found["beyond_floor"] = (found["right"] - found["floor"]) / imported
            if slug == COMPARED:
                wrong = self.class_of(slug, 12, self.sizes.wrong, "wrong")
                found["wrong"] = self._at_the_margin(slug, wrong)
                found["wrong_over_right"] = found["wrong"] / found["right"]
            figures[slug] = found
            say(f"{slug}: a right one {found['right']:.3f} CPU s, the floor {found['floor']:.3f}")
        return figures

    def _at_the_margin(self, slug: str, works: Sequence[Work]) -> float:
        """CPU seconds of each submission after the first ones."""
        costs = []
        for some in (works[:FIRST], works):
            self.forget()
            costs.append(self.grade(slug, self.hand_in(some, slug, HOME / "class"), 1).cpu)
        return (costs[1] - costs[0]) / (len(works) - FIRST)

    def gradebook(self) -> Figures:
        """The entry in the gradebook, and the feedback page, of a submission that is graded."""
        costs: dict[str, list[float]] = {"gradebook": [], "feedback": []}
        counts = (self.sizes.entered // 4, self.sizes.entered)
        for count in counts:
            works = self.class_of(COMPARED, 21, count)
            self.forget()
            self.hand_in(works, COMPARED, self.course.submitted)
            self.grade(COMPARED, self.course.submitted)
            for name, options in (("gradebook", ()), ("feedback", ("--feedback",))):
                for step in ("autograded", "feedback"):
                    shutil.rmtree(self.course.work / step, ignore_errors=True)
                shutil.copy(HOME / "gradebook.db", self.course.gradebook)
                cost = self.run("gradebook", COMPARED, "--workers", 1, *options)
                costs[name].append(cost.cpu)
                say(f"{count} entered, {name}: {cost.cpu:.1f} CPU s")
        again = self.run("gradebook", COMPARED, "--workers", 1, "--feedback")
        more = counts[1] - counts[0]
        entry, both = ((seen[1] - seen[0]) / more for seen in costs.values())
        return {
            "submissions": list(counts),
            "gradebook_cpu": entry,
            "feedback_cpu": both - entry,
            "unchanged_wall": again.wall,
            "unchanged_cpu": again.cpu,
        }

    def workers(self) -> Figures:
        """Grading, notebooks, gradebook and feedback on one worker, and on two."""
        walls: dict[int, list[float]] = {1: [], 2: []}
        for number in range(self.sizes.rounds):
            works = self.class_of(COMPARED, 31 + number, self.sizes.shared)
            for workers, seen in walls.items():
                self.forget()
                self.hand_in(works, COMPARED, self.course.submitted)
                cost = self.run("gradebook", COMPARED, "--feedback", "--workers", workers)
                seen.append(cost.wall)
                say(f"{workers} workers: {cost.wall:.1f} s, {cost.cpu:.1f} CPU s")
        speedup = statistics.median(walls[1]) / statistics.median(walls[2])
        return {"submissions": self.sizes.shared, "walls": walls, "speedup": speedup}

    def dask(self) -> Figures:
        """Grading on two workers here, and on two of Dask on this machine: time, and the bits."""
        walls: dict[str, list[float]] = {"here": [], "dask": []}
        different = 0
        for number in range(self.sizes.rounds):
            works = self.class_of(COMPARED, 71 + number, self.sizes.shared)
            folder = self.hand_in(works, COMPARED, HOME / "class")
            told: dict[str, list[Figures]] = {}
            for where, seen in walls.items():
                self.forget()
                lines = HOME / f"{where}.jsonl"
                words: list[object] = ["grade", COMPARED, folder, "--no-table", "--json", lines]
                with ExitStack() as stack:
                    if where == "dask":
                        words += ["--scheduler", stack.enter_context(dask_workers(2))]
                    seen.append(
                        self.run(*words, *([] if where == "dask" else ["--workers", 2])).wall
                    )
                say(f"two workers, {where}: {seen[-1]:.1f} s")
                told[where] = [bits(line) for line in lines.read_text("utf-8").splitlines()]
            different += sum(a != b for a, b in zip(*told.values(), strict=True))
        over = statistics.median(walls["dask"]) / statistics.median(walls["here"])
        count = self.sizes.shared * self.sizes.rounds
        return {"submissions": count, "walls": walls, "different": different, "over": over}

    def growth(self, size: int) -> Figures:
        """A class on all cores; and, of one size, all of it entered and fed back, and then all that
        once more, unchanged.
        """
        folder = self.course.submitted
        self.forget()
        for work in Population(self.assignment(LIGHT), 41, even=True)(size):
            lay(work, self.assignment(LIGHT), folder)
        cost = self.grade(LIGHT, folder)
        found: Figures = {"size": size, "cost": cost.to_json()}
        say(f"a class of {size}: {cost.cpu:.1f} CPU s, {cost.wall:.1f} s")
        if size == self.sizes.whole:
            for name in ("entered", "unchanged"):
                before = written(self.course.work)
                cost = self.run("gradebook", LIGHT, "--feedback")
                found[name] = cost.to_json()
                say(f"{name}: {cost.cpu:.1f} CPU s, {cost.wall:.1f} s")
            now = written(self.course.work)
            found["rewritten"] = sorted(
                name for name, when in now.items() if before.get(name) != when
            )
            found["unchanged_grade"] = self.grade(LIGHT, folder).to_json()
        return found

    def burst(self) -> Figures:
        """Many arrive in a short time; how long until each one's page is there."""
        sizes, chance = self.sizes, random.Random(51)
        self.forget()
        works = list(Population(self.assignment(LIGHT), 51)(sizes.burst))
        arrivals = sorted(chance.uniform(0, sizes.seconds) for _ in works)
        arrived: dict[str, float] = {}
        self.course.submitted.mkdir(parents=True)
        with Watching(self.course) as watching:
            watching.ready()
            start = time.time()
            for work, when in zip(works, arrivals, strict=True):
                time.sleep(max(0.0, start + when - time.time()))
                lay(work, self.assignment(LIGHT), self.course.submitted)
                arrived[work.student] = time.time()
            pages = self._wait_for_pages(watching, len(works))
            ended = time.time()
        waits = sorted(pages[student] - when for student, when in arrived.items())
        figures = {f"p{part}": waits[(len(waits) - 1) * part // 100] for part in (50, 95, 99)}
        figures |= {"longest": waits[-1], "all_done": ended - start}
        say(f"burst of {len(works)}: " + ", ".join(f"{k} {v:.0f} s" for k, v in figures.items()))
        return {"submissions": len(works), "within": sizes.seconds, **figures}

    def _wait_for_pages(self, watching: Watching, count: int) -> dict[str, float]:
        """When each student's page was written, once all are there."""
        deadline = time.monotonic() + max(600.0, PATIENCE * count)
        while True:
            pages = {
                page.parent.parent.name: page.stat().st_mtime
                for page in self.course.feedback.glob(f"*/{LIGHT}/{LIGHT}.html")
            }
            if len(pages) >= count:
                return pages
            watching.check()
            if time.monotonic() > deadline:
                raise RuntimeError(
                    f"{len(pages)} of {count} pages: {watching.log.read_text()[-2000:]}"
                )
            time.sleep(1.0)

    def kills(self) -> Figures:
        """The watch is killed again and again; what is lost in the end."""
        sizes, chance = self.sizes, random.Random(61)
        self.forget()
        works = list(Population(self.assignment(LIGHT), 61)(sizes.killed))
        midway = 0
        for number in range(sizes.kills):
            share = len(works) * number // sizes.kills, len(works) * (number + 1) // sizes.kills
            with Watching(self.course) as watching:
                watching.ready()
                for work in works[slice(*share)]:
                    lay(work, self.assignment(LIGHT), self.course.submitted)
                time.sleep(chance.uniform(0.0, 5.0))
                watching.kill()
            done = len(list(self.course.feedback.glob(f"*/{LIGHT}/{LIGHT}.html")))
            midway += 0 < done < share[1]
            say(f"kill {number + 1} of {sizes.kills}: {done} of {share[1]} had their page")
        self.run("watch", LIGHT, "--once")
        lost = self._differing(works)
        return {"submissions": len(works), "kills": sizes.kills, "midway": midway, "lost": lost}

    def _differing(self, works: Sequence[Work]) -> int:
        """How many have no page, or not the points that grading them undisturbed gives."""
        from nbgrader.api import Gradebook

        with Gradebook(f"sqlite:///{self.course.gradebook}") as book:
            entered = {one.student.id: one.score for one in book.assignment_submissions(LIGHT)}
        lines = HOME / "undisturbed.jsonl"
        self.forget_results()
        self.run("grade", LIGHT, "--no-table", "--json", lines)
        right = {}
        for line in lines.read_text("utf-8").splitlines():
            result = json.loads(line)
            right[result["student"]] = result["score"]
        lost = 0
        for work in works:
            page = self.course.feedback / work.student / LIGHT / f"{LIGHT}.html"
            good = page.is_file() and page.read_text("utf-8").rstrip().endswith("</html>")
            lost += not good or entered.get(work.student) != right[work.student]
        return lost


class Watching:
    """`autograder watch`, while it lasts."""

    def __init__(self, course: Course) -> None:
        self.log = HOME / "watch.log"
        with self.log.open("wb") as said:
            self.process = subprocess.Popen(
                [*COMMAND, "watch", LIGHT],
                cwd=course.root,
                env=os.environ | HERE,
                stdout=said,
                stderr=said,
                start_new_session=True,
                # in the background of a shell an interrupt would be ignored
                preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
            )

    def __enter__(self) -> Watching:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(60)
        finally:
            self.kill()

    def ready(self) -> None:
        """Return when it watches."""
        while b"watching" not in self.log.read_bytes():
            self.check()
            time.sleep(0.2)

    def check(self) -> None:
        """Raise where it has ended by itself."""
        if self.process.poll() is not None:
            raise RuntimeError(f"the watch ended: {self.log.read_text()[-2000:]}")

    def kill(self) -> None:
        """Kill it and all that it started in its session."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


@contextmanager
def dask_workers(count: int) -> Iterator[str]:
    """A Dask scheduler and so many workers on this machine, one submission each at a time; gives
    the scheduler's address.
    """
    home = HOME / "dask"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    file, started = home / "scheduler.json", []

    def start(program: str, *words: object) -> None:
        command = [sys.executable, "-m", f"distributed.cli.dask_{program}", "--no-dashboard"]
        with (home / f"{len(started)}.log").open("wb") as log:
            started.append(
                subprocess.Popen(
                    [*command, "--scheduler-file", str(file), *map(str, words)],
                    cwd=home,
                    env=os.environ | HERE,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )

    def wait_for(name: str, sign: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 120
        while not sign():
            if started[-1].poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Dask's {name} does not start: see the logs in {home}")
            time.sleep(0.1)

    try:
        start("scheduler", "--port", 0, "--host", "127.0.0.1")
        wait_for("scheduler", file.is_file)
        for number in range(1, count + 1):
            start("worker", "--nthreads", 1, "--no-nanny")
            log = home / f"{number}.log"
            wait_for("worker", lambda log=log: b"Registered to" in log.read_bytes())
        yield json.loads(file.read_text("utf-8"))["address"]
    finally:
        for process in started:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


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


# --- what comes of it -----------------------------------------------------------------------------


def summary(phases: Figures, sizes: Sizes) -> Figures:
    """The figures that are looked at, from those of the phases; None where a phase is missing."""
    figures: Figures = {}
    if "compare" in phases:
        figures |= compared(phases["compare"]["rounds"], sizes)
    if "margin" in phases:
        each = {slug: one["beyond_floor"] for slug, one in phases["margin"].items()}
        figures["beyond_floor"] = each[COMPARED]
        figures["beyond_floor_by_assignment"] = each
        figures["wrong_over_right"] = phases["margin"][COMPARED]["wrong_over_right"]
    if "gradebook" in phases:
        for name in ("gradebook_cpu", "feedback_cpu"):
            figures[name] = phases["gradebook"][name]
    if "workers" in phases:
        figures["speedup_2_workers"] = phases["workers"]["speedup"]
        figures["workers"] = phases["workers"]
    if "dask" in phases:
        figures["dask_over_2_workers"] = phases["dask"]["over"]
        figures["dask_different"] = phases["dask"]["different"]
    if classes := [one for name, one in phases.items() if name.startswith("growth_")]:
        figures |= grown(sorted(classes, key=lambda one: one["size"]))
    for name in ("burst", "kills"):
        if name in phases:
            figures[name] = phases[name]
    return rounded(figures)


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


def spread(values: Any) -> Figures:
    listed = sorted(values)
    return {"median": statistics.median(listed), "least": listed[0], "most": listed[-1]}


def rounded(value: Any) -> Any:
    """Figures with four digits behind the point."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def machine() -> Figures:
    """What it was measured on."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    import torch

    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "load": round(os.getloadavg()[0], 1),
        "date": date.today().isoformat(),
    }


# --- the command ----------------------------------------------------------------------------------


def key_of(sizes: Sizes) -> str:
    """Changes with the sizes and with whatever is measured."""
    digest = hashlib.sha256(json.dumps(asdict(sizes)).encode())
    for assignment in find_assignments(Course(REPOSITORY)):
        digest.update(assignment.digest.encode())
    for name in ("population", "plain", "rivals", "speed"):
        digest.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    return digest.hexdigest()[:16]


def main() -> None:
    """Measure what is not measured yet, and write figures, plot and page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--quick", action="store_true", help="small sizes: does it work?")
    parser.add_argument("--again", action="store_true", help="measure what is measured, too")
    parser.add_argument("--only", nargs="+", metavar="PHASE", help="these phases alone")
    for name, value in asdict(Sizes()).items():
        kind = type(value[0] if isinstance(value, tuple) else value)
        many = {"nargs": "+"} if isinstance(value, tuple) else {}
        parser.add_argument(f"--{name}", type=kind, help=f"{value} unless told", **many)
    asked = vars(parser.parse_args())
    quick, again, only = (asked.pop(name) for name in ("quick", "again", "only"))
    told = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in asked.items()
        if value is not None
    }
    sizes = replace(QUICK if quick else Sizes(), **told)
    bench = Bench(sizes, edits=not quick)
    if only:  # "growth" is all of its sizes
        only = [name for name in bench.phases if {name, name.partition("_")[0]} & set(only)]
    if only == []:
        parser.error(f"no such phase; there are {', '.join(bench.phases)}")
    HOME.mkdir(parents=True, exist_ok=True)
    state, key = HOME / "state.json", key_of(sizes)
    kept: Figures = json.loads(state.read_text("utf-8")) if state.is_file() else {}
    if (again and not only) or kept.get("key") != key:
        kept = {"key": key, "phases": {}, "machine": machine()}
    started = time.monotonic()
    bench.prepare()
    say(f"a course is released: {time.monotonic() - started:.0f} s")
    for name in only or bench.phases:
        if name in kept["phases"] and not (again and only):
            say(f"{name}: measured before")
            continue
        begin = time.monotonic()
        kept["phases"][name] = rounded(bench.phases[name]())
        say(f"{name}: done in {time.monotonic() - begin:.0f} s")
        write_whole(state, json.dumps(kept))
        publish(kept, sizes, quick=quick)


def publish(kept: Figures, sizes: Sizes, *, quick: bool) -> None:
    """Write what has been measured so far. A quick run says that it is one."""
    figures = {
        "quick": quick,
        "machine": kept["machine"] | {"load_at_the_end": round(os.getloadavg()[0], 1)},
        "sizes": asdict(sizes),
        **summary(kept["phases"], sizes),
    }
    text = json.dumps(figures, indent=2) + "\n"
    if quick and RESULTS.is_file() and not json.loads(RESULTS.read_text("utf-8"))["quick"]:
        write_whole(HOME / "quick.json", text)  # it takes the place of no full run
        return
    write_whole(RESULTS, text)
    speed_page.write(figures)
