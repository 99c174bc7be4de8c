"""What a changed check costs: a class that was graded is graded once more after one hidden check
has become another.

    python -m benchmarks.regraded [ASSIGNMENT ...] [--submissions 60]

Each check is changed in two ways, which stand for all: its calls stay what they were (as where a
tolerance or a message changes), or all of its inputs are other ones (as where a constant does).
Shares are of a class of 300: start-up, and as often what a submission costs beyond the first ones.
Figures go to results/regraded.json, from which `speed_page` has its section.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from autograder.course import write_whole
from autograder.grading.checks import HIDDEN
from benchmarks.compared import FIRST
from benchmarks.scratch import HOME, Figures, Scratch, rounded, say
from benchmarks.sizes import Sizes

RESULTS = Path(__file__).parent / "results" / "regraded.json"
SLUGS = ("sgd_factorisation", "gd_svd")
CLASS = 300
LINES = {"calls": "assert True", "inputs": "draw.seed()"}


@dataclass(frozen=True)
class Edit:
    """A change of one check. kind: a word of `LINES`: whether the calls stay, or the inputs change

    line: before which the new line stands, from 1
    """

    check: str
    kind: str
    line: int


def edits_of(file: Path) -> list[Edit]:
    """The changes of each check of a file."""
    found = []
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            kinds = ["calls"]
            kinds += ["inputs"] if "draw" in {one.arg for one in node.args.args} else []
            found += [Edit(node.name, kind, node.body[1].lineno) for kind in kinds]
    return found


@contextmanager
def edited(file: Path, edit: Edit) -> Iterator[None]:
    """A file of checks with a change in it, while this lasts."""
    text = file.read_text("utf-8")
    lines = text.splitlines(keepends=True)
    lines.insert(edit.line - 1, f"    {LINES[edit.kind]}\n")
    write_whole(file, "".join(lines))
    try:
        yield
    finally:
        write_whole(file, text)


def regraded(bench: Scratch, slug: str, count: int) -> Figures:
    """What each change of an assignment's hidden checks costs, as a share of a whole grading.

    count: submissions that are graded
    """
    works = bench.class_of(slug, 81, count)
    folders = [
        bench.hand_in(works[:some], slug, bench.home / name)
        for some, name in ((FIRST, "few"), (count, "class"))
    ]
    costs = []
    for folder in folders:
        bench.forget()
        costs.append(bench.grade(slug, folder, 1).cpu)
    each, start = line(costs, count)
    whole, kept, there = start + CLASS * each, bench.home / "kept", bench.course.results / slug
    say(f"{slug}: {each:.3f} CPU s each, {start:.1f} to start")
    file = bench.assignment(slug).folder / HIDDEN
    laid(there, kept)
    found: Figures = {}
    for edit in edits_of(file):
        costs = []
        with edited(file, edit):
            for folder in folders:
                laid(kept, there)  # what known mistakes answer, too, is as it was
                costs.append(bench.grade(slug, folder, 1).cpu)
        mine, begin = line(costs, count)
        share = (begin + CLASS * mine) / whole
        one = {"share": share, "each": mine, "start": begin}
        found.setdefault(edit.check, {})[edit.kind] = one
        say(f"{edit.check}, {edit.kind}: {100 * share:.0f} % ({mine:.3f} each, {begin:.1f})")
    return {"submissions": count, "each": each, "start": start, "checks": found}


def line(costs: list[float], count: int) -> tuple[float, float]:
    """What each of a class costs, and the start, from the costs of its first ones and of all."""
    few, all_ = costs
    each = (all_ - few) / (count - FIRST)
    return each, few - FIRST * each


def laid(source: Path, target: Path) -> None:
    """A copy of a folder, with the times of its files, in place of what was there."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)


def main() -> None:
    """Measure, and write the figures beside those of other assignments."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.regraded", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("assignments", nargs="*", default=SLUGS, metavar="ASSIGNMENT")
    parser.add_argument("--submissions", type=int, default=60)
    asked = parser.parse_args()
    bench = Scratch(Sizes(), edits=True, home=HOME / "regraded")
    bench.home.mkdir(parents=True, exist_ok=True)
    bench.prepare()
    for slug in asked.assignments:
        load = os.getloadavg()[0]
        figures = regraded(bench, slug, asked.submissions)
        figures |= {"date": date.today().isoformat(), "load": load}
        known = json.loads(RESULTS.read_text("utf-8")) if RESULTS.is_file() else {}
        write_whole(RESULTS, json.dumps(rounded(known | {slug: figures}), indent=2) + "\n")
    shutil.rmtree(bench.home / "few", ignore_errors=True)


if __name__ == "__main__":
    main()
