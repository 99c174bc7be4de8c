"""`autograder watch`: a deadline, and what is lost when it is killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from autograder.course import Course
from benchmarks.population import Population, Work, lay
from benchmarks.rivals import HERE
from benchmarks.scratch import COMMAND, LIGHT, Figures, Scratch, say

PATIENCE = 3.0  # seconds a submission that a burst may take before it counts as lost


def burst(bench: Scratch) -> Figures:
    """Many arrive in a short time; how long until each one's page is there."""
    sizes, chance = bench.sizes, random.Random(51)
    bench.forget()
    works = list(Population(bench.assignment(LIGHT), 51)(sizes.burst))
    arrivals = sorted(chance.uniform(0, sizes.seconds) for _ in works)
    arrived: dict[str, float] = {}
    bench.course.submitted.mkdir(parents=True)
    with Watching(bench.course, bench.home / "watch.log") as watching:
        watching.ready()
        start = time.time()
        for work, when in zip(works, arrivals, strict=True):
            time.sleep(max(0.0, start + when - time.time()))
            lay(work, bench.assignment(LIGHT), bench.course.submitted)
            arrived[work.student] = time.time()
        pages = wait_for_pages(bench, watching, len(works))
        ended = time.time()
    waits = sorted(pages[student] - when for student, when in arrived.items())
    figures = {f"p{part}": waits[(len(waits) - 1) * part // 100] for part in (50, 95, 99)}
    figures |= {"longest": waits[-1], "all_done": ended - start}
    say(f"burst of {len(works)}: " + ", ".join(f"{k} {v:.0f} s" for k, v in figures.items()))
    return {"submissions": len(works), "within": sizes.seconds, **figures}


def wait_for_pages(bench: Scratch, watching: Watching, count: int) -> dict[str, float]:
    """When each student's page was written, once all are there."""
    deadline = time.monotonic() + max(600.0, PATIENCE * count)
    while True:
        pages = {
            page.parent.parent.name: page.stat().st_mtime
            for page in bench.course.feedback.glob(f"*/{LIGHT}/{LIGHT}.html")
        }
        if len(pages) >= count:
            return pages
        watching.check()
        if time.monotonic() > deadline:
            raise RuntimeError(f"{len(pages)} of {count} pages: {watching.log.read_text()[-2000:]}")
        time.sleep(1.0)


def kills(bench: Scratch) -> Figures:
    """The watch is killed again and again; what is lost in the end."""
    sizes, chance = bench.sizes, random.Random(61)
    bench.forget()
    works = list(Population(bench.assignment(LIGHT), 61)(sizes.killed))
    midway = 0
    for number in range(sizes.kills):
        share = len(works) * number // sizes.kills, len(works) * (number + 1) // sizes.kills
        with Watching(bench.course, bench.home / "watch.log") as watching:
            watching.ready()
            for work in works[slice(*share)]:
                lay(work, bench.assignment(LIGHT), bench.course.submitted)
            time.sleep(chance.uniform(0.0, 5.0))
            watching.kill()
        done = len(list(bench.course.feedback.glob(f"*/{LIGHT}/{LIGHT}.html")))
        midway += 0 < done < share[1]
        say(f"kill {number + 1} of {sizes.kills}: {done} of {share[1]} had their page")
    bench.run("watch", LIGHT, "--once")
    lost = differing(bench, works)
    return {"submissions": len(works), "kills": sizes.kills, "midway": midway, "lost": lost}


def differing(bench: Scratch, works: Sequence[Work]) -> int:
    """How many have no page, or not the points that grading them undisturbed gives."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{bench.course.gradebook}") as book:
        entered = {one.student.id: one.score for one in book.assignment_submissions(LIGHT)}
    lines = bench.home / "undisturbed.jsonl"
    bench.forget_results()
    bench.run("grade", LIGHT, "--no-table", "--json", lines)
    right = {}
    for line in lines.read_text("utf-8").splitlines():
        result = json.loads(line)
        right[result["student"]] = result["score"]
    lost = 0
    for work in works:
        page = bench.course.feedback / work.student / LIGHT / f"{LIGHT}.html"
        good = page.is_file() and page.read_text("utf-8").rstrip().endswith("</html>")
        lost += not good or entered.get(work.student) != right[work.student]
    return lost


class Watching:
    """`autograder watch`, while it lasts."""

    def __init__(self, course: Course, log: Path) -> None:
        self.log = log
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
