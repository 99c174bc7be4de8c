"""Commands about a class: who is in it, what it did, what was handed in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer
from typer.core import TyperGroup

from autograder.cli.inputs import chosen_assignments
from autograder.errors import UsageError

if TYPE_CHECKING:
    from autograder.assignment import Assignment

students = typer.Typer(cls=TyperGroup, no_args_is_help=True, help="The class list.")


@students.command("import")
def import_students(
    roster: Annotated[Path, typer.Argument(help="A table (CSV) with a line of titles.")],
    id_column: Annotated[
        str,
        typer.Option(
            "--id",
            metavar="COLUMN",
            help="The title of the column with each student's nbgrader id.",
        ),
    ] = "",
) -> None:
    """Enter a class list into the gradebook: id, first name, last name, email.

    \b
    Example:
      autograder students import class.csv --id "Login ID"
    """
    from autograder import report
    from autograder.course import Course
    from autograder.gradebook.roster import enter_roster, read_roster

    found = enter_roster(Course.find(), read_roster(roster, id_column))
    print(f"{found.new} new, {found.changed} changed, {found.same} as they were")
    if found.others:
        others = ", ".join(map(report.clean, found.others))
        print(f"in the gradebook, and not in the list: {others}")


@students.command("reset")
def reset_submissions(
    assignment: Annotated[str, typer.Argument(help="The assignment's name.")],
    named: Annotated[
        Optional[list[str]], typer.Argument(metavar="STUDENT", help="Whose submission.")
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


def class_report(
    assignment: Annotated[
        Optional[str],
        typer.Argument(
            help="The assignment's name; without one, every assignment that somebody handed in."
        ),
    ] = None,
    anonymous: Annotated[
        bool,
        typer.Option(
            "--anonymous",
            help="Numbers in place of names; no message, code or other text of a student's.",
        ),
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
