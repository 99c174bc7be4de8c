"""Commands for those who write a course: begin one, release it, and grade the graders."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated, Optional

import typer

from autograder.cli.inputs import Slugs, Workers, chosen_assignments


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


def new(
    name: Annotated[
        str, typer.Argument(help="The assignment's name: lower-case letters, digits, underscores.")
    ],
) -> None:
    """Create a new assignment that works as it stands, to be replaced piece by piece.

    \b
    Example:
      autograder new qr_by_reflections
    """
    from autograder.authoring.new import new_assignment
    from autograder.course import Course

    for file in new_assignment(Course.find(), name):
        print(file)


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
    from autograder.authoring.folder import stops_release
    from autograder.authoring.release import drift, strays
    from autograder.authoring.release import release as lay_release
    from autograder.gradebook.commands import generate

    chosen = chosen_assignments(assignments)
    if check:
        differences = drift(chosen)
        for difference in differences:
            print(difference)
        _tell(strays(chosen))
        raise typer.Exit(1 if differences else 0)
    for assignment in chosen:
        for error in stops_release(assignment):  # before anything is laid
            raise error
    for file in lay_release(chosen):
        print(file)
    _tell(strays(chosen))
    for assignment in chosen:
        for file in generate(assignment):
            print(file)
    if edits:
        from autograder.steps import grade_right_answers, make_edits

        grade_right_answers(chosen)
        for page in make_edits(chosen):
            print(page)


def _tell(strays: list[Path]) -> None:
    for file in strays:
        print(f"{file} is not part of the release, and stays", file=sys.stderr)


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


def learn(
    assignment: Annotated[str, typer.Argument(help="The assignment's name.")],
    submission: Annotated[Path, typer.Argument(help="A module, a notebook or a student's folder.")],
    function: Annotated[
        str, typer.Option(help="Which function to take, where several lost points.")
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
