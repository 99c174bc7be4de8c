"""The lessons, run from top to bottom in a kernel as students have them, with solutions in; and what
they claim, run there: each staff folder's test_lesson.py.
"""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import nbformat
import pytest
from conftest import COURSE
from nbclient import NotebookClient
from test_student_kit import as_released, fill, solutions, text_of, without_pytest

from autograder.assignment import Assignment, find_assignment
from autograder.authoring.handout import BEGIN
from autograder.grading.checks import declared_checks

SEEN_BEFORE_HANDING_IN = {  # what the lessons warn of, and what real students do most: by file in mistakes/
    "tensors_and_autograd": (
        "dot_overwrites_a always_cosine dot_is_a_mean gradients_accumulate partials_swapped "
        "partials_in_one_vector power_not_lowered requires_grad_too_late descends_along_x"
    ),
    "gd_factorisation": (
        "gradients_not_zeroed loss_after_the_step seeds_inside residual_overwrites_d "
        "last_residual_in_d f_is_transposed f_sees_the_new_c criterion_is_a_mean "
        "criterion_is_detached climbs_the_gradient learning_rate_ignored only_c_is_trained"
    ),
    "sgd_factorisation": (
        "range_over_rank mask_multiplies_the_error mask_means_one seeds_itself loss_overwrites_a "
        "v_returned_transposed svd_not_transposed old_u_in_v_update full_batch wrong_sign "
        "mask_divided_in_place hidden_zeroed_in_a"
    ),
    "gd_inverse": (
        "no_momentum averaged_velocity gradients_accumulate loss_after_the_step "
        "returns_the_transpose scales_the_matrix_in_place seed_set_inside "
        "momentum_fixed gradients_never_zeroed steps_uphill"
    ),
    "gd_svd": (
        "no_penalties signs_not_settled order_not_settled only_s_sorted v_transposed "
        "gradients_accumulate loss_after_the_step scales_the_matrix_in_place"
    ),
}
OPTIONS = ("-q", "--disable-plugin-autoload", "-p", "autograder.plugin", "-p", "no:cacheprovider")


FIGURES = """\
import conftest as _kit
_figures = []
def _show(figure, text, show=_kit.show):
    _figures.append((figure, text))
    return show(figure, text)
_kit.show = _show
"""
CLAIMS = """\
import contextlib as _contextlib, io as _io, types as _types
import pytest as _pytest
_lesson = _types.SimpleNamespace(**globals(), printed={printed!r}, figures=_figures)
_plugin = _types.ModuleType("lesson")
_plugin.lesson = _pytest.fixture(scope="session", name="lesson")(lambda: _lesson)
_told = _io.StringIO()
with _contextlib.redirect_stdout(_told):
    _status = _pytest.main({options!r}, plugins=[_plugin])
assert _status == 0, _told.getvalue()[-4000:]
"""


class Run:
    """A notebook in a kernel of its own, cell by cell; a cell that raises ends the test."""

    def __init__(self, notebook: Any, folder: Path) -> None:
        resources = {"metadata": {"path": str(folder)}}
        self.cells = notebook.cells
        self.client = NotebookClient(notebook, timeout=300, resources=resources)

    def add(self, source: str) -> Any:
        """Run one more cell, behind those that there are."""
        self.cells.append(nbformat.v4.new_code_cell(source))
        return self.client.execute_cell(self.cells[-1], len(self.cells) - 1)

    def all(self) -> list[Any]:
        """Run all cells; gives what they showed and printed."""
        code = [place for place, cell in enumerate(self.cells) if cell.cell_type == "code"]
        done = [self.client.execute_cell(self.cells[place], place) for place in code]
        return [output for cell in done for output in cell.outputs]


@pytest.mark.slow
def test_the_notebook_runs_from_top_to_bottom_and_its_claims_hold(
    assignment: Assignment, tmp_path: Path
) -> None:
    """As released, with solutions in: every public check passes, and what the lesson says of its
    numbers is so of the numbers in this very notebook.
    """
    folder = as_released(assignment, tmp_path)
    file = folder / f"{assignment.slug}.ipynb"
    fill(file, solutions(assignment))
    notebook = nbformat.read(file, as_version=4)
    assert BEGIN in str(notebook)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(FIGURES))
    run = Run(notebook, folder)
    claims = assignment.folder / "test_lesson.py"
    assert claims.is_file(), "a lesson's claims are tested beside it"
    options = ["-q", "--disable-plugin-autoload", "-p", "no:cacheprovider"]
    options += ["--import-mode=importlib", str(claims)]
    with run.client.setup_kernel(env=without_pytest()):
        outputs = run.all()
        printed = "".join(out.text for out in outputs if out.get("name") == "stdout")
        run.add(CLAIMS.format(printed=printed, options=options))
    lines = "\n".join(map(text_of, outputs)).splitlines()
    for name in assignment.functions:
        [line] = [
            line
            for line in lines
            if line.startswith(f"{name}: ") and line.endswith("public checks passed")
        ]
        passed, _, count = line.removeprefix(f"{name}: ").split()[:3]
        assert passed == count != "0", line


def test_an_author_runs_the_claims_with_plain_pytest() -> None:
    """`pytest FOLDER/test_lesson.py`: the package's own fixture runs the lesson; on the first one."""
    first = find_assignment(COURSE, "tensors_and_autograd")
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        status = pytest.main(
            [*OPTIONS, "--import-mode=importlib", str(first.folder / "test_lesson.py")]
        )
    assert status == pytest.ExitCode.OK, told.getvalue()[-4000:]


@pytest.mark.parametrize("slug", SEEN_BEFORE_HANDING_IN)
def test_public_checks_see_the_mistakes_that_the_lesson_warns_of(slug: str) -> None:
    """A mistake's `fails` is exact: the audit in test_assignments.py grades every one of them."""
    assignment = find_assignment(COURSE, slug)
    public = {check.name for check in declared_checks(assignment) if check.visibility == "public"}
    fails = {mistake.name: set(mistake.fails) for mistake in assignment.mistakes}
    for name in SEEN_BEFORE_HANDING_IN[slug].split():
        assert fails[name] & public, f"{name} is green before handing in"
