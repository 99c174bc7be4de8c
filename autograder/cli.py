"""The command `autograder`. Thin: each command finds its inputs, calls one room of the engine, and
prints.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer
from typer.core import TyperGroup

from autograder.errors import AutograderError, UsageError
from autograder.steps import (
    Lines,
    fill_gradebook,
    grade_paths,
    silence_standard_output,
    submitted_folder,
)

if TYPE_CHECKING:
    from autograder.assignment import Assignment
    from autograder.results import Result

Workers = Annotated[
    int,
    typer.Option(
        min=0, help="Submissions graded at a time; 0: course.toml's, else the number of cores."
    ),
]
NoPreflight = Annotated[
    bool,
    typer.Option("--no-preflight", help="Grade even where right answers would lose points."),
]
Slugs = Annotated[
    Optional[list[str]], typer.Argument(help="Assignments; all of the course if none is named.")
]


class Commands(TyperGroup):
    """All commands: errors of the kit end in one clear line and exit status 2 (bad usage) or 1; so
    do those of `--version` and `--help`, which print while options are read.
    """

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        with in_one_line():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        with in_one_line():
            return super().invoke(ctx)


@contextmanager
def in_one_line() -> Iterator[None]:
    """Say errors of the kit and of the system in one line, and end the command."""
    try:
        yield
    except UsageError as error:
        raise failed(error, 2) from None
    except (AutograderError, OSError) as error:
        if isinstance(error, BrokenPipeError):  # `autograder ... | head`
            silence_standard_output()
            raise SystemExit(1) from None
        raise failed(error, 1) from None
    except KeyboardInterrupt:
        note = "interrupted; what was graded is kept, run the same command to go on"
        raise failed(note, 130) from None


def failed(why: object, status: int) -> SystemExit:
    """Say why on standard error; gives what ends the command."""
    print(f"autograder: {why}", file=sys.stderr)
    with suppress(OSError):
        sys.stdout.flush()
        return SystemExit(status)
    silence_standard_output()
    return SystemExit(status)


app = typer.Typer(
    name="autograder",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """The command. When all is said and done, its process ends at once: to take torch and nbgrader
    apart, object by object, takes Python a second.
    """
    ending = Ending()
    atexit.register(ending)  # first of all, so that it is called last
    try:
        app()
    except SystemExit as end:
        ending.status = end.code
        raise


class Ending:
    """Ends the process. status: what it ends with; None where it ends in some other way"""

    status: object = None

    def __call__(self) -> None:
        if not isinstance(self.status, int):
            return
        logging.shutdown()
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except (OSError, ValueError):
            return  # Python says so, and ends
        os._exit(self.status)


def show_version(wanted: bool) -> None:
    """Print the version and end the command."""
    if wanted:
        from importlib.metadata import version

        print(f"autograder {version('autograder')}")
        raise typer.Exit


@app.callback()
def start(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=show_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Assignments on matrix factorisation by gradient descent, graded fast, fairly and behind a
    wall.

    \b
    Example:
      autograder init my-course && cd my-course && autograder release
    """


@app.command()
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
        bool, typer.Option("--sandbox/--no-sandbox", help="Without: only for code that you trust.")
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
        bool, typer.Option("--dry-run", help="Keep no result; what --diff says would be so.")
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


@app.command()
def check(
    path: Annotated[Path, typer.Argument(help="Your module or notebook.")],
    assignment: Annotated[
        Optional[str], typer.Option(help="The assignment's name, where the file's does not tell.")
    ] = None,
) -> None:
    """Run the public checks alone, on your own machine and your own code.

    \b
    Example:
      autograder check sgd_factorisation.ipynb
    """
    from autograder.authoring.public_check import check as run_public_checks

    raise typer.Exit(run_public_checks(path, assignment))


@app.command()
def release(
    assignments: Slugs = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Change nothing; say what differs from what would be released."
        ),
    ] = False,
    edits: Annotated[
        bool,
        typer.Option(
            "--edits/--no-edits",
            help="Then grade right answers on the hidden inputs, and make what diagnosis compares "
            "with, where that is missing or out of date.",
        ),
    ] = True,
) -> None:
    """Build the students' side and nbgrader's from the staff's.

    \b
    Example:
      autograder release gd_inverse
    """
    from autograder.authoring.release import drift
    from autograder.authoring.release import release as lay_release
    from autograder.gradebook.commands import generate

    chosen = chosen_assignments(assignments)
    if check:
        differences = drift(chosen)
        for difference in differences:
            print(difference)
        raise typer.Exit(1 if differences else 0)
    for file in lay_release(chosen):
        print(file)
    for assignment in chosen:
        for file in generate(assignment):
            print(file)
    if edits:
        from autograder.steps import grade_right_answers, make_edits

        grade_right_answers(chosen)
        for page in make_edits(chosen):
            print(page)


@app.command("edits")
def edits_of(assignments: Slugs = None) -> None:
    """Make what diagnosis compares failing functions with: small changes of the right answers.
    Write the page of what students may be told of them.

    \b
    Example:
      autograder edits sgd_factorisation
    """
    from autograder.steps import make_edits

    for page in make_edits(chosen_assignments(assignments), again=True):
        print(page)


@app.command()
def learn(
    assignment: Annotated[str, typer.Argument(help="The assignment's name.")],
    submission: Annotated[Path, typer.Argument(help="A module, a notebook or a student's folder.")],
    function: Annotated[
        str, typer.Option(help="Whose mistake it is, where several functions lost points.")
    ] = "",
    name: Annotated[str, typer.Option(help="Of the file in mistakes/.")] = "",
) -> None:
    """Make a known mistake of what a student handed in: its file, with the checks that it fails.
    Title and hint are yours to write; until then, nobody is told of it.

    \b
    Example:
      autograder learn gd_inverse course/submitted/bob --name step_divided_by_n
    """
    from autograder.assignment import find_assignment
    from autograder.authoring.learn import learn as learn_from
    from autograder.course import Course
    from autograder.sandbox.process import Sandbox

    chosen = find_assignment(Course.find(), assignment)
    with Sandbox.start() as sandbox:
        print(learn_from(chosen, submission, sandbox, function=function, name=name))


@app.command()
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
    from autograder.gradebook.commands import gradebook_name, make_ready
    from autograder.gradebook.lock import only_one

    course = Course.find()
    chosen = find_assignment(course, assignment)
    folder = submitted_folder(chosen)
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


students = typer.Typer(cls=TyperGroup, no_args_is_help=True, help="The class list.")
app.add_typer(students, name="students")


@students.command("import")
def import_students(
    roster: Annotated[Path, typer.Argument(help="A table (CSV) with a line of titles.")],
    id_column: Annotated[
        str, typer.Option("--id", metavar="COLUMN", help="The title over nbgrader's names of them.")
    ] = "",
) -> None:
    """Enter a class list into the gradebook: id, first name, last name, email.

    \b
    Example:
      autograder students import class.csv --id "Login ID"
    """
    from autograder.course import Course
    from autograder.gradebook.roster import enter_roster, read_roster

    found = enter_roster(Course.find(), read_roster(roster, id_column))
    print(f"{found.new} new, {found.changed} changed, {found.same} as they were")
    if found.others:
        print(f"in the gradebook, and not in the list: {', '.join(found.others)}")


@app.command()
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
    """Grade what arrives as it comes: gradebook and feedback, so many versions a student an hour.

    \b
    Example:
      autograder watch sgd_factorisation
    """
    from autograder import report
    from autograder.gradebook.commands import is_entered
    from autograder.watch.watch import watch as run_watch

    chosen = chosen_assignments(assignments)
    for assignment in chosen:
        if not is_entered(assignment):
            mend = f"autograder release {assignment.slug}"
            raise UsageError(f"the gradebook does not know {assignment.slug}. First: {mend}")
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


@students.command("reset")
def reset_submissions(
    assignment: Annotated[str, typer.Argument(help="The assignment's name.")],
    named: Annotated[
        Optional[list[str]], typer.Argument(metavar="[STUDENT]...", help="Whose submission.")
    ] = None,
    everybody: Annotated[bool, typer.Option("--everybody", help="The whole class's.")] = False,
) -> None:
    """Take submissions out of the course, points and marks included, into course/removed/.

    \b
    Example:
      autograder students reset gd_inverse alice
    """
    from autograder.assignment import find_assignment
    from autograder.course import Course
    from autograder.gradebook import reset

    chosen = find_assignment(Course.find(), assignment)
    who = reset.everybody(chosen) if everybody else (named or [])
    if not who:
        raise UsageError("nobody is named. Name students, or --everybody.")
    print(f"moved to {reset.reset(chosen, who)}")


@app.command("report")
def class_report(
    assignment: Annotated[
        Optional[str],
        typer.Argument(help="The assignment's name; all that somebody handed in, without one."),
    ] = None,
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="Numbers for names, and no word of a student's.")
    ] = False,
    table: Annotated[
        Optional[Path], typer.Option("--csv", help="Write the same as a table, too.")
    ] = None,
) -> None:
    """Write the class page: what a class did not understand, from what is graded already.

    \b
    Example:
      autograder report sgd_factorisation --csv points.csv
    """
    from autograder import report
    from autograder.course import write_whole
    from autograder.pages import class_page
    from autograder.pages.gathering import gather

    chosen = handed_in(chosen_assignments([assignment] if assignment else None))
    rows = []
    for one in chosen:
        classroom = gather(one)
        page = class_page.lay(classroom, anonymous=anonymous)
        report.console().print(str(page), markup=False, soft_wrap=True)
        rows += class_page.table(classroom, anonymous=anonymous)
    if table is not None:
        write_whole(table, class_page.as_csv(rows))


@app.command()
def similarity(
    assignment: Annotated[str, typer.Argument(help="The assignment's name.")],
) -> None:
    """Write a page of submissions that are suspiciously alike, side by side, for a person to judge.

    \b
    Example:
      autograder similarity sgd_factorisation
    """
    from autograder import report
    from autograder.pages.similarity_page import write_similarity_page

    (chosen,) = handed_in(chosen_assignments([assignment]))
    page, count = write_similarity_page(chosen)
    console = report.console()
    console.print(f"{count} suspicious pair{'' if count == 1 else 's'}")
    console.print(str(page), markup=False, soft_wrap=True)


def handed_in(assignments: list[Assignment]) -> list[Assignment]:
    """Those of some assignments that somebody has handed in; UsageError where there is none."""
    found = [one for one in assignments if any(one.course.submitted.glob(f"*/{one.slug}"))]
    if not found:
        folder = assignments[0].course.submitted if assignments else "the course"
        raise UsageError(f"nobody has handed in yet: {folder} holds no <student>/<assignment>/.")
    return found


@app.command()
def formgrader(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where the pages are served.")] = 8888,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open them in a browser.")
    ] = True,
) -> None:
    """Serve nbgrader's pages for this course: read, mark by hand, override.

    \b
    Example:
      autograder formgrader --port 9000 --no-browser
    """
    from autograder.course import Course
    from autograder.gradebook.commands import serve_formgrader

    raise typer.Exit(serve_formgrader(Course.find(), port, browser=browser))


@app.command()
def audit(
    assignments: Slugs = None,
    gradings: Annotated[
        int,
        typer.Option(
            min=1, help="Gradings of right answers, each assignment, each with its own seed."
        ),
    ] = 30,
    seeds: Annotated[int, typer.Option(min=1, help="Gradings of each mistake.")] = 2,
    mutants: Annotated[
        bool, typer.Option("--mutants/--no-mutants", help="Mutation testing of the solutions.")
    ] = True,
    page: Annotated[
        Optional[Path], typer.Option(help="Write the confusion matrices as a Markdown page.")
    ] = None,
    workers: Workers = 0,
) -> None:
    """Grade the graders: the reference, every variant, every known mistake, every mutant.

    \b
    Example:
      autograder audit gd_inverse --gradings 200 --no-mutants
    """
    from autograder import report
    from autograder.audit import page as pages
    from autograder.audit.audit import audit as run_audit
    from autograder.course import write_whole
    from autograder.grading.grader import Grader

    console, reports = report.console(), []
    for chosen in chosen_assignments(assignments):
        grader = Grader(chosen, secret="", diagnoses=False)
        with closing(grader), report.progress(1, chosen.title) as advance:
            result = run_audit(
                grader,
                gradings=gradings,
                seeds=seeds,
                mutate=mutants,
                workers=workers or chosen.course.workers,
                advance=advance,
            )
        reports.append(result)
        console.print(
            "\n".join(pages.section(result)), markup=False, highlight=False, soft_wrap=True
        )
        if page is not None:
            command = f"autograder audit --gradings {gradings} --seeds {seeds}"
            write_whole(page, pages.page(reports, command))
    raise typer.Exit(1 if any(result.findings for result in reports) else 0)


def chosen_assignments(slugs: list[str] | None) -> list[Assignment]:
    """The assignments of the course here called `slugs`, all where none is named."""
    from autograder.assignment import find_assignment, find_assignments
    from autograder.course import Course

    course = Course.find()
    return [find_assignment(course, slug) for slug in slugs] if slugs else find_assignments(course)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="The course's folder: new, or empty.")],
    lessons: Annotated[
        str,
        typer.Option(
            metavar="all|none|NAME,...", help="Which of the kit's lessons it begins with."
        ),
    ] = "all",
) -> None:
    """Make a course of your own.

    \b
    Example:
      autograder init my-course --lessons sgd_factorisation,gd_svd
    """
    from autograder.authoring.new import new_course

    for file in new_course(folder, lessons):
        print(file)


@app.command()
def new(
    name: Annotated[
        str, typer.Argument(help="The assignment's name: lower-case letters, digits, underscores.")
    ],
) -> None:
    """Lay a new assignment that works as it stands, to be replaced piece by piece.

    \b
    Example:
      autograder new qr_by_reflections
    """
    from autograder.authoring.new import new_assignment
    from autograder.course import Course

    for file in new_assignment(Course.find(), name):
        print(file)


@app.command()
def doctor() -> None:
    """Say what this machine can do, and what to install.

    \b
    Example:
      autograder doctor
    """
    from autograder import doctor as examination
    from autograder import report

    findings = examination.examine()
    examination.print_findings(report.console(), findings)
    raise typer.Exit(0 if examination.can_grade(findings) else 1)
