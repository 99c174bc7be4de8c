"""The command `autograder`. Thin: each command finds its inputs, calls one room of the engine, and prints."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional, TextIO

import typer

from autograder.errors import AutograderError, UsageError

if TYPE_CHECKING:
    from autograder.assignment import Assignment
    from autograder.results import Result

app = typer.Typer(
    name="autograder",
    help="Assignments on matrix factorisation by gradient descent, graded fast, fairly and behind a wall.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

CORES = os.cpu_count() or 1
Workers = Annotated[int, typer.Option(min=1, help="How many submissions are graded at a time.")]
Slugs = Annotated[Optional[list[str]], typer.Argument(help="Assignments; all of the course if none is named.")]


@app.command()
def grade(
    assignment: Annotated[str, typer.Argument(help="The assignment's name, such as sgd_factorisation.")],
    paths: Annotated[
        Optional[list[Path]], typer.Argument(help="Modules, notebooks, or folders in nbgrader's submitted layout.")
    ] = None,
    json: Annotated[Optional[str], typer.Option(metavar="FILE|-", help="One JSON object a line, one line a submission.")] = None,
    workers: Workers = CORES,
    sandbox: Annotated[bool, typer.Option("--sandbox/--no-sandbox", help="Without: only for code that you trust.")] = True,
    again: Annotated[bool, typer.Option("--again", help="Grade even what was graded before.")] = False,
    summary: Annotated[bool, typer.Option("--table/--no-table", help="Print the table of results.")] = True,
) -> None:
    """Grade submissions of one assignment."""
    from autograder import report
    from autograder.assignment import find_assignment, find_course

    course = find_course()
    chosen = find_assignment(course, assignment)
    lines = Lines(json)
    results, kept = grade_paths(course, chosen, paths or [], workers, sandbox=sandbox, again=again, lines=lines)
    lines.close()
    if summary:
        report.print_table(report.console(to_stderr=json == "-"), chosen, results)
    whole = kept and not lines.lost and all(result.status != "grader_error" for result in results)
    raise typer.Exit(0 if whole else 1)


class Lines:
    """Where `--json` goes, one line a result, each as it comes. Where it cannot be written, the class is graded all the same."""

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
                raise UsageError(f"--json {name} cannot be written ({error.strerror}). {mend}") from None

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
                print(f"autograder: --json {self.name} cannot be written ({error.strerror}); grading goes on", file=sys.stderr)
            self.lost = True
            if self.file is sys.stdout:
                silence_standard_output()


def silence_standard_output() -> None:
    """Nobody reads it, or its disk is full: what Python still holds of it goes nowhere, and is no second error at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def grade_paths(
    course: Path, assignment: Assignment, paths: list[Path], workers: int, *, sandbox: bool, again: bool, lines: Lines
) -> tuple[list[Result], bool]:
    """Grade what is at `paths` (none: the course's submitted folder) with a progress display; each result to `lines` as it comes.

    Returns the results, and whether all of them could be kept for the next run.
    """
    from autograder import grading, report, submission
    from autograder.assignment import course_secret

    submitted = course / "course" / "submitted"
    if not paths and not submitted.is_dir():
        raise UsageError(f"there is no folder {submitted}. Name the files or folders to grade.")
    found = [one for path in paths or [submitted] for one in submission.find(path, assignment.slug)]
    grader = grading.Grader(
        assignment,
        secret=course_secret(course),
        isolation="sandbox" if sandbox else "none",
        store=course / "course" / "results",
        log_file=course / "course" / "log" / "grading.log",
    )
    results = []
    with closing(grader), report.progress(len(found), assignment.title) as advance:
        for result in grading.grade_class(grader, found, workers, again=again, progress=lambda _: advance()):
            results.append(result)
            lines.add(result)
    return results, grader.keeps


@app.command()
def check(
    path: Annotated[Path, typer.Argument(help="Your module or notebook.")],
    assignment: Annotated[Optional[str], typer.Option(help="The assignment's name, where the file's does not tell.")] = None,
) -> None:
    """Run the public checks alone, on your own machine and your own code."""
    from autograder.public_check import check as run_public_checks

    raise typer.Exit(run_public_checks(path, assignment))


@app.command()
def release(
    assignments: Slugs = None,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; say what differs from what would be released.")] = False,
) -> None:
    """Build the students' side and nbgrader's from the staff's."""
    from autograder import release as releasing
    from autograder.assignment import find_course

    course = find_course()
    chosen = chosen_assignments(course, assignments)
    if check:
        differing = releasing.drift(course, chosen)
        for line in differing:
            print(line)
        raise typer.Exit(1 if differing else 0)
    for file in releasing.release(course, chosen):
        print(file)


@app.command()
def gradebook(
    assignment: Annotated[str, typer.Argument(help="The assignment's name.")],
    workers: Workers = CORES,
    feedback: Annotated[bool, typer.Option("--feedback", help="Write the students' feedback pages too.")] = False,
) -> None:
    """Grade the course's submitted folder into nbgrader's gradebook."""
    from autograder import gradebook as book
    from autograder import report
    from autograder.assignment import find_assignment, find_course

    course = find_course()
    chosen = find_assignment(course, assignment)
    results, kept = grade_paths(course, chosen, [], workers, sandbox=True, again=False, lines=Lines(None))
    console = report.console()
    report.print_table(console, chosen, results)
    book.wrap_modules(course, chosen)
    with console.status("entering the points into nbgrader's gradebook"):
        book.enter(course, chosen)
        if feedback:
            book.feedback(course, chosen)
    console.print(f"gradebook: {course / 'course' / 'gradebook.db'}", soft_wrap=True)
    raise typer.Exit(0 if kept else 1)


@app.command()
def audit(
    assignments: Slugs = None,
    gradings: Annotated[
        int, typer.Option(min=1, help="Gradings of right answers, each assignment, each with its own seed.")
    ] = 30,
    seeds: Annotated[int, typer.Option(min=1, help="Gradings of each mistake.")] = 2,
    mutants: Annotated[bool, typer.Option("--mutants/--no-mutants", help="Mutation testing of the solutions.")] = True,
    page: Annotated[Optional[Path], typer.Option(help="Write the confusion matrices as a Markdown page.")] = None,
    workers: Workers = CORES,
) -> None:
    """Grade the graders: the reference, every variant, every known mistake, every mutant."""
    from autograder import audit as auditing
    from autograder import grading, report
    from autograder.assignment import find_course

    course = find_course()
    console, reports = report.console(), []
    for chosen in chosen_assignments(course, assignments):
        grader = grading.Grader(chosen, secret="", diagnoses=False)
        with closing(grader), report.progress(1, chosen.title) as advance:
            one = auditing.audit(grader, gradings=gradings, seeds=seeds, mutate=mutants, workers=workers, advance=advance)
        reports.append(one)
        console.print(auditing.page([one], "").partition("## ")[2], markup=False, highlight=False, soft_wrap=True)
        if page is not None:
            grading.write_whole(page, auditing.page(reports, f"autograder audit --gradings {gradings} --seeds {seeds}"))
    raise typer.Exit(1 if any(one.findings for one in reports) else 0)


def chosen_assignments(course: Path, slugs: list[str] | None) -> list[Assignment]:
    """The assignments called `slugs`, all of the course where none is."""
    from autograder.assignment import find_assignment, find_assignments

    return [find_assignment(course, slug) for slug in slugs] if slugs else find_assignments(course)


@app.command()
def new(name: Annotated[str, typer.Argument(help="The assignment's name: lower-case letters, digits, underscores.")]) -> None:
    """Lay a new assignment that works as it stands, to be replaced piece by piece."""
    from autograder import skeleton
    from autograder.assignment import find_course

    for file in skeleton.lay(find_course(), name):
        print(file)


@app.command()
def doctor() -> None:
    """Say what this machine can do, and what to install."""
    from autograder import doctor as examination
    from autograder import report

    findings = examination.examine()
    report.print_findings(report.console(), findings)
    raise typer.Exit(0 if examination.can_grade(findings) else 1)


def main(command: Callable[[], object] = app) -> None:
    """Run a command; errors of the kit end in one clear line and exit status 2 (bad usage) or 1."""
    try:
        command()
    except UsageError as error:
        print(f"autograder: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except AutograderError as error:
        print(f"autograder: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except BrokenPipeError:  # `autograder ... | head`
        silence_standard_output()
        raise SystemExit(1) from None
    except OSError as error:
        print(f"autograder: {error}", file=sys.stderr)
        with suppress(OSError):
            silence_standard_output()
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        print("autograder: interrupted; what was graded is kept, run the same command to go on", file=sys.stderr)
        raise SystemExit(130) from None
