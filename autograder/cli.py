"""The command `autograder`. Thin: each command finds its inputs, calls one room of the engine, and prints."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Annotated, Optional

import typer

from autograder.errors import AutograderError, UsageError

app = typer.Typer(
    name="autograder",
    help="Assignments on matrix factorisation by gradient descent, graded fast, fairly and behind a wall.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

Slugs = Annotated[Optional[list[str]], typer.Argument(help="Assignments; all of the course if none is named.")]


@app.command()
def grade(
    assignment: Annotated[str, typer.Argument(help="The assignment's name, such as sgd_factorisation.")],
    paths: Annotated[
        Optional[list[Path]], typer.Argument(help="Modules, notebooks, or folders in nbgrader's submitted layout.")
    ] = None,
    json: Annotated[Optional[str], typer.Option(metavar="FILE|-", help="One JSON object a line, one line a submission.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="How many submissions are graded at a time.")] = os.cpu_count() or 1,
    sandbox: Annotated[bool, typer.Option("--sandbox/--no-sandbox", help="Without: only for code that you trust.")] = True,
    again: Annotated[bool, typer.Option("--again", help="Grade even what was graded before.")] = False,
    summary: Annotated[bool, typer.Option("--table/--no-table", help="Print the table of results.")] = True,
) -> None:
    """Grade submissions of one assignment."""
    from autograder import grading, report, submission
    from autograder.assignment import course_secret, find_assignment, find_course

    course = find_course()
    chosen = find_assignment(course, assignment)
    submitted = course / "course" / "submitted"
    if not paths and not submitted.is_dir():
        raise UsageError(f"there is no folder {submitted}. Name the files or folders to grade.")
    found = [one for path in paths or [submitted] for one in submission.find(path, chosen.slug)]
    grader = grading.Grader(
        chosen,
        secret=course_secret(course),
        isolation="sandbox" if sandbox else "none",
        store=course / "course" / "results",
        log_file=course / "course" / "log" / "grading.log",
    )
    console = report.console(to_stderr=json == "-")
    with ExitStack() as stack:
        lines: IO[str] | None = None
        if json is not None:
            lines = sys.stdout if json == "-" else stack.enter_context(open(json, "w", encoding="utf-8"))
        stack.callback(grader.close)
        advance = stack.enter_context(report.progress(len(found), chosen.title))
        results = []
        for result in grading.grade_class(grader, found, workers, again=again, progress=advance):
            results.append(result)
            if lines is not None:
                print(result.dumps(), file=lines, flush=True)
    if summary:
        report.print_table(console, chosen, results)
    raise typer.Exit(1 if any(result.status == "grader_error" for result in results) else 0)


@app.command()
def doctor() -> None:
    """Say what this machine can do, and what to install."""
    from autograder import doctor as examination
    from autograder import report

    findings = examination.examine()
    report.print_findings(report.console(), findings)
    raise typer.Exit(0 if examination.can_grade(findings) else 1)


def main() -> None:
    """Run the command; errors of the kit end in one clear line and exit status 2 (bad usage) or 1."""
    try:
        app()
    except UsageError as error:
        print(f"autograder: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except AutograderError as error:
        print(f"autograder: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        print("autograder: interrupted; what was graded is kept, run the same command to go on", file=sys.stderr)
        raise SystemExit(130) from None
