"""What an instructor looks at in the terminal: progress, and a table of a class. Text of
submissions is cleaned before it is shown.
"""

from __future__ import annotations

import os
import sys
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console, OverflowMethod
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TimeRemainingColumn,
)
from rich.table import Column, Table
from rich.text import Text

from autograder.assignment import Assignment
from autograder.grading.moved import Changes, changes
from autograder.results import Result

QUIET = 10.0  # seconds between two lines of progress where there is no terminal
BORDERS = 8  # of the table: lines and spaces between three columns
NARROW = 60  # a terminal of fewer columns has no room for a bar
LEAST = 8  # columns of a terminal that a name, or what went wrong, has at least


def console(*, to_stderr: bool = False) -> Console:
    """A console on standard output, or on standard error where standard output carries data."""
    return Console(stderr=to_stderr, highlight=False)


def clean(text: str, length: int = 300) -> str:
    """`text` on one line of at most `length` characters, without control, format or private
    characters.
    """
    line = "".join(" " if character.isspace() else character for character in text[: 4 * length])
    line = "".join(character for character in line if unicodedata.category(character)[0] != "C")
    line = " ".join(line.split())
    return line if len(line) <= length else line[: length - 1] + "…"


def say(line: str) -> None:
    """A line of a log on standard output, with the time in front, at once."""
    print(f"{datetime.now():%Y-%m-%d %H:%M:%S}  {clean(line)}", flush=True)


@contextmanager
def progress(total: int, title: str) -> Iterator[Callable[..., None]]:
    """A progress display on standard error, or lines where that is no terminal; gives what is
    called with (done, total) and a title, or with nothing for one more.
    """
    shown = console(to_stderr=True)
    bar = [BarColumn(min(40, shown.width // 4))] if shown.width >= NARROW else []
    columns = (
        SpinnerColumn(),
        Title(),
        *bar,
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
    )
    if not shown.is_terminal:
        yield Lines(clean(title), total).advance
        return
    with Progress(*columns, console=shown, transient=True, speed_estimate_period=60) as display:
        task = display.add_task(clean(title), total=total)

        def advance(
            done: int | None = None, of: int | None = None, title: str | None = None
        ) -> None:
            named = None if title is None else clean(title)
            if done is None:
                display.update(task, advance=1, description=named)
            else:
                display.update(task, completed=done, total=of, description=named)

        yield advance


class Title(ProgressColumn):
    """What is being done. It is what a narrow terminal cuts: how far it is stays to be seen."""

    def __init__(self) -> None:
        super().__init__(Column(no_wrap=False))  # for the table: what may be made narrower

    def render(self, task: Task) -> Text:
        return Text(task.description, no_wrap=True, overflow="ellipsis")


class Rate(ProgressColumn):
    """How many a second, or a minute where a second sees none."""

    def render(self, task: Task) -> Text:
        return Text(rate(task.speed), style="progress.percentage")


def rate(speed: float | None) -> str:
    """A speed in words. speed: a second; None where it is not known yet"""
    if not speed:
        return ""
    return f"{speed:.1f}/s" if speed >= 1 else f"{60 * speed:.0f}/min"


class Lines:
    """Progress where there is no terminal: a line now and then, none of what is soon done."""

    def __init__(self, title: str, total: int) -> None:
        self.title, self.total, self.done = title, total, 0
        self.start = self.told = time.monotonic()

    def advance(
        self, done: int | None = None, of: int | None = None, title: str | None = None
    ) -> None:
        if title is not None and clean(title) != self.title:  # something else begins
            self.title = clean(title)
            self.start = self.told = time.monotonic()
        self.done = self.done + 1 if done is None else done
        self.total = self.total if of is None else of
        now = time.monotonic()
        if now - self.told >= QUIET or (self.told > self.start and self.done >= self.total):
            self.told = now
            print(self.line(now - self.start), file=sys.stderr, flush=True)

    def line(self, passed: float) -> str:
        """How far it is after so many seconds."""
        speed = self.done / passed if passed else 0.0
        parts = [f"{self.title}: {self.done} of {self.total}", rate(speed)]
        if speed and self.done < self.total:
            parts.append(f"{(self.total - self.done) / speed:.0f} s left")
        return ", ".join(filter(None, parts))


def what_went_wrong(result: Result) -> str:
    """One line: the status, or for each function that lost points the mistake that it behaves like,
    else its first failed check.
    """
    if result.status != "graded":
        return clean(f"{result.status}: {result.message}")
    titles = {item.function: item.title for item in result.diagnosis if item.mistake}
    first = {
        check.function: check.message
        for check in reversed(result.tests)
        if check.outcome != "passed"
    }
    lost = [
        function
        for function in dict.fromkeys(check.function for check in result.tests)
        if function in first
    ]
    shared = {
        title: [function for function in lost if titles.get(function) == title]
        for title in titles.values()
    }
    parts = [f"{', '.join(functions)}: {title}" for title, functions in shared.items() if functions]
    return clean(
        "; ".join([*parts, *(first[function] for function in lost if function not in titles)]), 240
    )


def name_of(result: Result) -> str:
    return clean(result.student or os.path.basename(result.submission), 40)


def print_table(to: Console, assignment: Assignment, results: Sequence[Result]) -> None:
    """Student, points, and what went wrong, each on one line, cut to the terminal's width: the
    whole is in the JSON and the feedback. One that is looked at alone is shown whole.
    """
    rows = [
        [
            Text(text)
            for text in (name_of(one), f"{one.score:g}/{one.max_score:g}", what_went_wrong(one))
        ]
        for one in results
    ]
    first, second = (
        max([len(title), *(row[place].cell_len for row in rows)])
        for place, title in enumerate(("student", "points"))
    )
    titles = [assignment.course.settings.title, assignment.title]
    title = clean(": ".join(filter(None, titles)))
    table = Table(title=title, title_justify="left", pad_edge=False)
    first = min(first, max(LEAST, to.width - second - BORDERS - LEAST))
    table.add_column("student", no_wrap=True, overflow="ellipsis", width=first)
    table.add_column("points", justify="right", style="bold", no_wrap=True, min_width=second)
    left = max(LEAST, to.width - first - second - BORDERS)
    cut = len(rows) > 1
    overflow: OverflowMethod = "ellipsis" if cut else "fold"
    table.add_column("what went wrong", no_wrap=cut, overflow=overflow, max_width=left)
    for row in rows:
        table.add_row(*row)
    to.print(table)
    to.print(Text(summary(results)))


def summary(results: Iterable[Result]) -> str:
    """One line about a class: how many, how they did, which wall stood."""
    listed = list(results)
    if not listed:
        return "nothing was graded"
    graded = [result.score / result.max_score for result in listed if result.status == "graded"]
    counts = ", ".join(
        f"{sum(result.status == status for result in listed)} {status}"
        for status in ("graded", "unreadable", "missing", "grader_error")
        if any(result.status == status for result in listed)
    )
    mean = f"; mean {100 * sum(graded) / len(graded):.0f} %" if graded else ""
    mean += " of those graded" if 0 < len(graded) < len(listed) else ""
    walls = sorted(
        {
            " + ".join(result.walls) or result.isolation
            for result in listed
            if result.status == "graded"
        }
    )
    return f"{counts}{mean}{'; behind ' + ', '.join(walls) if walls else ''}"


def print_changes(
    to: Console, results: Sequence[Result], before: Mapping[str, Result | None]
) -> None:
    """Whose points moved since they were last kept, by how much, by which checks.

    before: by the path of a submission, its kept result; None where there was none
    """
    told = changes((before.get(result.submission), result) for result in results)
    for one in told.moved:
        words = ", ".join(map(str, one.moves))
        points = f"{one.before:g} -> {one.result.score:g} ({one.difference:+g})"
        to.print(Text(clean(f"{name_of(one.result)}: {points}: {words}", 1000)), soft_wrap=True)
    for check, (up, down, together) in told.checks.items():
        words = f"{check}: {up} gained, {down} lost, {together:+g} points together"
        to.print(Text(words), soft_wrap=True)
    to.print(Text(in_numbers(told)), soft_wrap=True)


def in_numbers(told: Changes) -> str:
    """How many submissions a grading changed, as a sentence."""
    parts = [f"{told.others} of {told.count} submissions have other points than before"]
    if balanced := len(told.moved) - told.others:
        parts.append(f"{balanced} as many by other checks")
    if told.new:
        parts.append(f"{told.new} had none yet")
    if told.unknown:
        parts.append(f"{told.unknown} could not be graded, and nothing is known of their points")
    return "; ".join(parts)
