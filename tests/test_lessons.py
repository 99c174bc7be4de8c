"""What the lessons claim, run: each staff folder's test_lesson.py, on its lesson from top to bottom."""

from __future__ import annotations

import contextlib
import io

import pytest

from autograder.assignment import Assignment

OPTIONS = ("-q", "--disable-plugin-autoload", "-p", "autograder.plugin", "-p", "no:cacheprovider")


@pytest.mark.slow
def test_every_claim_of_the_lesson_holds(assignment: Assignment) -> None:
    claims = assignment.folder / "test_lesson.py"
    assert claims.is_file(), "a lesson's claims are tested beside it"
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        status = pytest.main([*OPTIONS, "--import-mode=importlib", str(claims)])
    assert status == pytest.ExitCode.OK, told.getvalue()[-4000:]
