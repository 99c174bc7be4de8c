"""Commands about the machine that one sits at: one's own code, and what can be done there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer


def check(
    path: Annotated[Path, typer.Argument(help="Your module or notebook.")],
    assignment: Annotated[
        Optional[str],
        typer.Option(help="The assignment's name, where the file's name does not say it."),
    ] = None,
) -> None:
    """Run the public checks alone, on your own machine and your own code.

    \b
    Example:
      autograder check sgd_factorisation.ipynb
    """
    from autograder.authoring.public_check import check as run_public_checks

    raise typer.Exit(run_public_checks(path, assignment))


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
