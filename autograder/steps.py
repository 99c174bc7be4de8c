"""What several commands share: grade a class with a progress display, tell it as JSON, enter it."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from autograder.errors import AutograderError, SandboxUnavailable, UsageError

if TYPE_CHECKING:
    from autograder.assignment import Assignment
    from autograder.grading.grader import Grader
    from autograder.grading.store import Store
    from autograder.grading.submission import Found
    from autograder.results import Result

log = logging.getLogger(__name__)


class Lines:
    """Where `--json` goes, one line a result, each as it comes. Where it cannot be written, the
    class is graded all the same.
    """

    def __init__(self, name: str | None) -> None:
        """name: of a file, "-" for standard output, None for nowhere"""
        self.name, self.lost = name, False
        self.file: TextIO | None = None
        if name == "-":
            self.file = sys.stdout
            if isinstance(sys.stdout, TextIOWrapper):
                sys.stdout.reconfigure(encoding="utf-8")  # JSON is UTF-8, whatever the terminal is
        elif name is not None:
            try:
                self.file = open(name, "w", encoding="utf-8")  # noqa: SIM115  `close` ends it
            except OSError as error:
                mend = "Name a file in a folder that can be."
                what = f"--json {name} cannot be written ({error.strerror}). {mend}"
                raise UsageError(what) from None

    def add(self, result: Result) -> None:
        if self.file is not None and not self.lost:
            with self._tried():
                print(result.dumps(), file=self.file, flush=True)

    def close(self) -> None:
        if self.file is not None and self.file is not sys.stdout:
            with self._tried():
                self.file.close()

    @contextmanager
    def _tried(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if not self.lost:
                what = f"--json {self.name} cannot be written ({error.strerror}); grading goes on"
                print(f"autograder: {what}", file=sys.stderr)
            self.lost = True
            if self.file is sys.stdout:
                silence_standard_output()


def silence_standard_output() -> None:
    """Nobody reads it, or its disk is full: what Python still holds of it goes nowhere, and is no
    second error at exit.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def submitted_folder(assignment: Assignment) -> Path:
    """The course's folder of submissions; UsageError where nobody has handed in."""
    folder = assignment.course.submitted
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}. Name the files or folders to grade.")
    if not any(folder.glob(f"*/{assignment.slug}")):
        what = f"no submission of {assignment.slug} in {folder}"
        raise UsageError(f"{what}: it holds no folder <student>/{assignment.slug}/.")
    return folder


def grade_paths(
    assignment: Assignment,
    paths: list[Path],
    workers: int,
    *,
    isolation: str = "sandbox",
    again: bool = False,
    preflight: bool | None = None,
    scheduler: str | None = None,
    dry: bool = False,
    note: Callable[[Result], None] = lambda result: None,
    before: Callable[[str, Result | None], None] | None = None,
    meanwhile: Callable[[], None] = lambda: None,
) -> tuple[list[Result], bool]:
    """Grade what is at `paths` with a progress display.

    preflight: whether right answers are graded first, and end the class with PreflightFailed where
        they lose a point; None: where there is more than one submission
    scheduler: the address of a Dask scheduler whose workers grade, in place of this machine's
    dry: whether nothing is kept, and nobody's round noted
    note: called with each result as it comes, in order
    before: called first, with the path of each submission and what was kept of it until now
    meanwhile: called while the sandbox boots, where there is something to grade

    Returns the results, and whether all of them could be kept for the next run.
    """
    with ExitStack() as stack:
        connection = None
        if scheduler is not None:
            from autograder.cluster.connection import Connection

            # first of all: other machines boot while this one loads what it grades with
            connection = stack.enter_context(Connection(scheduler, isolation))
        from autograder import report
        from autograder.grading.checks import faults_of
        from autograder.grading.faults import faults_in
        from autograder.grading.grader import Grader
        from autograder.grading.preflight import preflight as right_answers_first
        from autograder.grading.store import Store
        from autograder.grading.submission import find
        from autograder.grading.workers import grade_class

        course = assignment.course
        found = []
        for path in paths:
            found += find(path, assignment.slug)
        count = workers or course.workers
        grader = Grader.of_course(assignment, isolation=isolation, dry=dry)
        store = Store(course.results, grader, writes=not dry)
        grader.store, grader.anew = store, again
        if before is not None:
            for one in found:
                before(str(one.path), kept_of(grader, store, one))
        results = []
        stack.enter_context(closing(grader))
        stack.enter_context(faults_in(course.log))
        if connection is not None:
            from autograder.cluster.scheduler import Cluster

            grader.elsewhere = Cluster(grader, connection)
            count = grader.elsewhere.threads
        advance = stack.enter_context(report.progress(len(found), assignment.title))

        def first(rounds: set[int]) -> None:
            if grader.elsewhere is None:
                grader.begin()
                with nullcontext() if len(found) > 1 else suppress(AutograderError):
                    # collected here, and not by each worker; a class is told once, not each of it
                    for fault in faults_of(assignment, grader.declared):
                        raise fault
            meanwhile()
            if not dry and (len(found) > 1 if preflight is None else preflight):
                ahead = partial(advance, title=f"{assignment.title}: right answers")
                right_answers_first(grader, rounds, count, course.results, progress=ahead)
                advance(0, len(found), assignment.title)

        graded = grade_class(
            grader,
            found,
            count,
            store=store,
            again=again,
            progress=lambda _: advance(),
            before=first,
        )
        for result in stack.enter_context(closing(graded)):
            results.append(result)
            note(result)
        return results, store.whole


def kept_of(grader: Grader, store: Store, found: Found) -> Result | None:
    """The last result of a submission that was kept; None where there is none."""
    from autograder.grading.grader import attempt
    from autograder.results import Result

    submission = attempt(grader, found)
    kept = None if isinstance(submission, Result) else store.latest(submission)
    return kept.result if kept is not None else None


def fill_gradebook(
    assignment: Assignment, results: Sequence[Result], workers: int = 0, *, feedback: bool
) -> Path:
    """Enter a graded class into the gradebook, with feedback pages if asked for, and write the
    class page; gives its file. What is as it was is left alone.

    results: of the course's submitted folder
    AutograderError, naming them, where some could not be entered; the others are. They are named,
    too, where the class page then fails.
    """
    from autograder.grading.faults import faults_in
    from autograder.pages.class_page import write_class_page

    count = workers or assignment.course.workers
    with faults_in(assignment.course.log):
        problems = enter(assignment, results, count)
        if feedback:
            problems += give_feedback(assignment, count)
    lines = "\n".join(f"  {problem}" for problem in problems)
    told = f"not entered in the gradebook, {assignment.slug}:\n{lines}"
    try:
        page = write_class_page(assignment, results)
    except Exception:
        if problems:
            log.error("%s", told)
        raise
    if problems:
        raise AutograderError(told)
    return page


def enter(assignment: Assignment, results: Sequence[Result], workers: int) -> list[str]:
    """Enter results into the gradebook and the notebooks, on so many processes; gives what could
    not be entered, and why. A course with settings of its own for nbgrader is entered by nbgrader.
    """
    from autograder import report
    from autograder.gradebook import commands
    from autograder.gradebook.entered import Entry, to_enter
    from autograder.gradebook.marks import roster
    from autograder.gradebook.roster import doubts

    course, slug, title = assignment.course, assignment.slug, "entering the points"
    entries = [
        Entry(one.student, course.submitted / one.student / slug, Path(one.submission), one)
        for one in results
        if one.student is not None
    ]
    known = roster(course, slug)
    there = {*known.names, *(entry.student for entry in entries)}
    for student in course.settings.extensions.get(slug, {}):
        if student not in there:
            what = "course.toml gives %s an extension of %s, and the class has nobody of that name"
            log.warning(what, student, slug)
    for doubt in doubts(known.names, [entry.student for entry in entries]):
        log.warning("%s", doubt)
    gone = sorted(known.marks.keys() - {entry.student for entry in entries})
    if gone:
        what = "the gradebook has points in %s of %s, of whom nothing lies in %s any more. %s"
        mend = f"Lay it back; or take the points out: autograder students reset {slug} NAME"
        log.warning(what, slug, ", ".join(gone), course.submitted, mend)
    entries = to_enter(assignment, entries, known.marks)
    if not entries:
        return []
    with commands.reached(course):
        from autograder.gradebook.entry import enter_class, is_ours

        ours = is_ours(assignment)
    with report.progress(len(entries), title) as advance:
        if ours:
            return enter_class(assignment, entries, workers, advance)
        commands.enter(assignment, advance)
    return []


def give_feedback(assignment: Assignment, workers: int) -> list[str]:
    """Write the feedback pages that are out of date; gives what could not be written, and why."""
    from autograder import report
    from autograder.gradebook import commands
    from autograder.pages.delivery import write_pages

    with report.progress(1, "writing the feedback pages") as advance:
        if commands.has_own_settings(assignment.course):
            commands.write_feedback(assignment, advance)
            return []
        return write_pages(assignment, workers, advance)


def grade_right_answers(assignments: Sequence[Assignment]) -> None:
    """Grade the right answers of each assignment on the hidden inputs that its first round meets,
    unless that was done: the staff is told of a broken check before any student has handed in, and
    the first class waits for nothing. PreflightFailed where some lose a point. Where no sandbox
    starts, say so and go on: they are then graded before the class.
    """
    from autograder import report
    from autograder.errors import PreflightFailed
    from autograder.grading.faults import faults_in
    from autograder.grading.grader import Grader
    from autograder.grading.preflight import mark_of, preflight, right_answers

    lost, sandbox = [], None
    with ExitStack() as stack:
        for assignment in assignments:
            course = assignment.course
            grader = stack.enter_context(closing(Grader.of_course(assignment, dry=True)))
            grader.sandbox = sandbox  # the first that needs one starts it for all
            if mark_of(grader, grader.secret, course.results).is_file():
                continue
            count, title = len(right_answers(assignment)), f"{assignment.title}: right answers"
            try:
                with faults_in(course.log), report.progress(count, title) as advance:
                    preflight(grader, {0}, course.workers, course.results, progress=advance)
            except PreflightFailed as error:
                lost.append(str(error))
            except SandboxUnavailable as error:
                log.warning("right answers are not graded yet: %s", error)
                break
            sandbox = grader.sandbox
    if lost:
        raise PreflightFailed("\n".join(lost))


def make_edits(assignments: Sequence[Assignment], *, again: bool = False) -> Iterator[Path]:
    """Make the tables that diagnosis looks in, and give their pages. Where no sandbox starts, say
    so and go on: grading then names the known mistakes alone.

    again: even those that are there already
    """
    from autograder import report
    from autograder.authoring.edits import is_made, table_of
    from autograder.grading.ladder import read_ladder
    from autograder.sandbox.process import Sandbox

    wanted = [one for one in assignments if again or not is_made(one)]
    if not wanted:
        return
    try:
        with Sandbox.start() as sandbox:
            for assignment in wanted:
                title = f"{assignment.title}: what diagnosis compares with"
                with report.progress(len(read_ladder(assignment)), title) as advance:
                    pages = table_of(assignment, sandbox, lambda _: advance(), again=again)
                yield from pages
    except SandboxUnavailable as error:
        if again:
            raise
        log.warning("no small changes for the diagnosis: %s", error)
