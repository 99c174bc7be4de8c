"""What the lessons claim, run: each staff folder's test_lesson.py, on its lesson from top to bottom."""

from __future__ import annotations

import contextlib
import io

import pytest
from conftest import COURSE

from autograder.assignment import Assignment, find_assignment
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


@pytest.mark.slow
def test_every_claim_of_the_lesson_holds(assignment: Assignment) -> None:
    claims = assignment.folder / "test_lesson.py"
    assert claims.is_file(), "a lesson's claims are tested beside it"
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        status = pytest.main([*OPTIONS, "--import-mode=importlib", str(claims)])
    assert status == pytest.ExitCode.OK, told.getvalue()[-4000:]


@pytest.mark.parametrize("slug", SEEN_BEFORE_HANDING_IN)
def test_public_checks_see_the_mistakes_that_the_lesson_warns_of(slug: str) -> None:
    """A mistake's `fails` is exact: the audit in test_assignments.py grades every one of them."""
    assignment = find_assignment(COURSE, slug)
    public = {check.name for check in declared_checks(assignment) if check.visibility == "public"}
    fails = {mistake.name: set(mistake.fails) for mistake in assignment.mistakes}
    for name in SEEN_BEFORE_HANDING_IN[slug].split():
        assert fails[name] & public, f"{name} is green before handing in"
