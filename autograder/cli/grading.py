"""Commands that give points: once, into the gradebook, and as submissions arrive."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from autograder.cli.inputs import NoPreflight, Slugs, Workers, chosen_assignments

if TYPE_CHECKING:
    from autograder.results import Result


def grade(
    assignment: Annotated[
        str, typer.Argument(help="The assignment's name, such as sgd_factorisation.")
    ],
    paths: Annotated[
        Optional[list[Path]],
        typer.Argument(help="Modules, notebooks, or folders in nbgrader's submitted layout."),
    ] = None,
    json: Annotated[
        Optional[str],
        typer.Option(metavar="FILE|-", help="One JSON object a line, one line a submission."),
    ] = None,
    workers: Workers = 0,
    sandbox: Annotated[
        bool,
        typer.Option("--sandbox/--no-sandbox", help="--no-sandbox: only for code that you trust."),
    ] = True,
    again: Annotated[
        bool, typer.Option("--again", help="Grade even what was graded before.")
    ] = False,
    preflight: Annotated[
        Optional[bool],
        typer.Option(
            "--preflight/--no-preflight",
            help="Grade right answers first, and nobody where one loses a point. Without either: "
            "where there is more than one submission.",
        ),
    ] = None,
    diff: Annotated[
        bool, typer.Option("--diff", help="Print whose points moved, by how much, by which check.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Keep no result; --diff then says what would move.")
    ] = False,
    summary: Annotated[
        bool, typer.Option("--table/--no-table", help="Print the table of results.")
    ] = True,
    scheduler: Annotated[
        Optional[str],
        typer.Option(metavar="ADDRESS", help="Grade on the workers of this Dask scheduler."),
    ] = None,
) -> None:
    """Grade submissions of one assignment.

    \b
    Example:
      autograder grade sgd_factorisation alice.ipynb bob.py --json results.jsonl
    """
    from autograder import report
    from autograder.assignment import find_assignment
    from autograder.course import Course
    from autograder.steps import Lines, grade_paths, submitted_folder

    course = Course.find()
    chosen = find_assignment(course, assignment)
    submitted = paths or [submitted_folder(chosen)]
    earlier: dict[str, Result | None] = {}
    with closing(Lines(json)) as lines:
        isolation = "sandbox" if sandbox else "none"
        results, kept = grade_paths(
            chosen,
            submitted,
            workers,
            isolation=isolation,
            again=again,
            preflight=True if not paths and preflight is None else preflight,
            scheduler=scheduler,
            dry=dry_run,
            note=lines.add,
            before=earlier.__setitem__ if diff else None,
        )
    console = report.console(to_stderr=json == "-")
    if summary:
        report.print_table(console, chosen, results)
    if diff:
        report.print_changes(console, results, earlier)
    graded = all(result.status != "grader_error" for result in results)
    raise typer.Exit(0 if kept and graded and not lines.lost else 1)


def gradebook(
    assignment: Annotated[str, typer.Argument(help="The assignment's name.")],
    workers: Workers = 0,
    feedback: Annotated[
        bool, typer.Option("--feedback", help="Write the students' feedback pages too.")
    ] = False,
    no_preflight: NoPreflight = False,
) -> None:
    """Grade the course's submitted folder into nbgrader's gradebook.

    \b
    Example:
      autograder gradebook sgd_factorisation --feedback
    """
    from autograder import report
    from autograder.assignment import find_assignment
    from autograder.course import Course
    from autograder.gradebook.commands import gradebook_name, hold_to_entered, make_ready
    from autograder.gradebook.lock import only_one
    from autograder.steps import fill_gradebook, grade_paths, submitted_folder

    course = Course.find()
    chosen = find_assignment(course, assignment)
    folder = submitted_folder(chosen)
    hold_to_entered(chosen)
    with only_one(course):  # beside a watch, told before the class is graded and not after it
        make_ready(chosen)
    results, kept = grade_paths(
        chosen, [folder], workers, preflight=not no_preflight, meanwhile=load_what_enters
    )
    console = report.console()
    report.print_table(console, chosen, results)
    with only_one(course):
        page = fill_gradebook(chosen, results, workers, feedback=feedback)
    console.print(f"gradebook: {gradebook_name(course)}", soft_wrap=True)
    console.print(f"class page: {page}", soft_wrap=True)
    if feedback:
        console.print(f"feedback: {course.feedback}", soft_wrap=True)
    raise typer.Exit(0 if kept else 1)


def load_what_enters() -> None:
    """nbgrader takes a second to load: meanwhile, something else boots."""
    import autograder.gradebook.entry  # noqa: F401
    from autograder.gradebook.rendering import warm

    warm()


def watch(
    assignments: Slugs = None,
    workers: Workers = 0,
    settle: Annotated[
        float,
        typer.Option(min=0.1, help="Seconds for which a file must stay as it is to be read."),
    ] = 2.0,
    once: Annotated[
        bool, typer.Option("--once", help="End when nothing is left that may be graded now.")
    ] = False,
) -> None:
    """Grade what arrives as it comes, a limited number of versions per student and hour.

    \b
    Example:
      autograder watch sgd_factorisation
    """
    from autograder import report
    from autograder.gradebook.commands import hold_to_entered
    from autograder.watch.watch import watch as run_watch

    chosen = chosen_assignments(assignments)
    for assignment in chosen:
        hold_to_entered(assignment)
    course = chosen[0].course
    end_as_interrupted()
    raise typer.Exit(
        run_watch(
            course,
            chosen,
            workers=workers or course.workers,
            settle=settle,
            once=once,
            say=report.say,
        )
    )


def end_as_interrupted() -> None:
    """Have SIGTERM, with which services are stopped, end the command as Ctrl-C does."""
    import signal

    signal.signal(signal.SIGTERM, signal.default_int_handler)
