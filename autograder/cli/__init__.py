"""The command `autograder`. Thin: each command finds its inputs, calls one room of the engine, and
prints.

grading.py     points: once, into the gradebook, as submissions arrive
authoring.py   a course and its assignments: begin, release, audit
people.py      a class: who is in it, what it did
machine.py     one's own code on one's own machine
inputs.py      what several of them are given
ending.py      how they end
"""

from __future__ import annotations

import atexit
from collections.abc import Callable
from typing import Annotated

import typer

from autograder.cli import authoring, grading, machine, people
from autograder.cli.ending import Commands, Ending, settle_streams

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
    settle_streams()
    ending = Ending()
    atexit.register(ending)  # first of all, so that it is called last
    try:
        app()
    except SystemExit as end:
        ending.status = end.code
        raise


def show_version(wanted: bool) -> None:
    """Print the version and end the command."""
    if wanted:
        from autograder.version import version

        print(f"autograder {version()}")
        raise typer.Exit


@app.callback()
def start(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=show_version,
            is_eager=True,
            help="Print the version, and which build of it, and exit.",
        ),
    ] = False,
) -> None:
    """Assignments on matrix factorisation by gradient descent, graded fast, fairly and behind a
    wall.

    \b
    Example:
      autograder init my-course && cd my-course && autograder release
    """


COMMANDS: dict[str, Callable[..., None]] = {  # in the order in which `--help` lists them
    "grade": grading.grade,
    "check": machine.check,
    "release": authoring.release,
    "edits": authoring.edits_of,
    "learn": authoring.learn,
    "gradebook": grading.gradebook,
    "watch": grading.watch,
    "report": people.class_report,
    "similarity": people.similarity,
    "formgrader": people.formgrader,
    "audit": authoring.audit,
    "init": authoring.init,
    "new": authoring.new,
    "doctor": machine.doctor,
}
for name, command in COMMANDS.items():
    app.command(name)(command)
app.add_typer(people.students, name="students")
