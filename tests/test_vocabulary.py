"""The words of checks: what they let pass, what they refuse, and the laws that their yardsticks
keep.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.vocabulary import (
    STANDSTILL,
    Call,
    Draw,
    Wrong,
    close,
    fresh_start,
    history,
    items,
    kind,
    matrix,
    number,
    remembered,
    scalar,
    sensitivity,
    squared_error,
    truncated_svd,
    truncated_svd_error,
    unchanged,
)

laws = settings(max_examples=60, deadline=None)
draws = st.text(max_size=8).map(lambda secret: Draw(secret, "a check"))
sizes = st.integers(min_value=1, max_value=7)

# --- results --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("judge", "good", "bad"),
    [
        (
            lambda value: items(value, 2, "f"),
            [(1, 2), [1, 2]],
            [1, None, (1,), (1, 2, 3), torch.ones(2)],
        ),
        (
            lambda value: matrix(value, (2, 1), "f"),
            [
                torch.ones(2, 1),
                torch.ones(2, 1, dtype=torch.float64),
                torch.ones(2, 1, dtype=torch.float16),
            ],
            [
                None,
                1.0,
                torch.ones(2),
                torch.ones(1, 2),
                torch.ones(2, 1).int(),
                torch.tensor([[1.0], [math.nan]]),
            ],
        ),
        (
            lambda value: scalar(value, "f"),
            [torch.tensor(2.0)],
            [2.0, torch.ones(1), torch.tensor(2), torch.tensor(math.inf)],
        ),
        (
            lambda value: number(value, "f"),
            [2, 2.5, torch.tensor(2.0), torch.ones(1, 1)],
            ["2", None, math.nan, torch.ones(2), torch.tensor(math.inf)],
        ),
        (
            lambda value: history(value, 2, "f"),
            [[1.0, 2], (1.0, torch.tensor(2.0))],
            [torch.ones(2), [1.0], [1.0, None], [1.0, math.nan], [1.0, torch.ones(1)], [1.0, "2"]],
        ),
    ],
    ids=["items", "matrix", "scalar", "number", "history"],
)
def test_results_pass_or_fail_in_words(
    judge: Callable[[Any], object], good: list[Any], bad: list[Any]
) -> None:
    for value in good:
        judge(value)
    for value in bad:
        with pytest.raises(Wrong, match="f"):
            judge(value)


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ((3, 2), "(3, 2)"),
        ((5,), "(5,)"),
        ((0, 2**40), "(0, many)"),
        ((0,) * 5, "(0, 0, 0, 0, ...)"),
    ],
)
def test_a_shape_out_of_proportion_is_not_spelled_out(shape: tuple[int, ...], said: str) -> None:
    value = torch.empty(shape)
    assert kind(value) == f"a tensor of shape {said}"
    with pytest.raises(Wrong, match=re.escape(f"returned U of shape {said}")):
        matrix(value, (9, 9), "f(A) returned U")


# --- yardsticks -----------------------------------------------------------------------------------


@laws
@given(draws, sizes, sizes, st.data())
def test_no_factors_beat_the_truncated_svd(draw: Draw, m: int, n: int, data: st.DataObject) -> None:
    """Eckart and Young: its error is the sum of the squared singular values left out, and no other
    matrix of the rank has less.
    """
    rank = data.draw(st.integers(1, min(m, n)))
    A, U, V = draw.normal(m, n), draw.normal(m, rank), draw.normal(n, rank)
    least = truncated_svd_error(A, rank)
    assert squared_error(A, truncated_svd(A, rank)) == pytest.approx(least, rel=1e-6, abs=1e-10)
    fitted = U @ torch.linalg.lstsq(U, A).solution  # the best that these columns can do
    for R in (U @ V.T, fitted):
        assert squared_error(A, R) >= least * (1 - 1e-6) - 1e-9


# --- draw -----------------------------------------------------------------------------------------


def test_inputs_follow_the_secret_and_the_name_of_the_check() -> None:
    first, again = (Draw("secret", "check").uniform(3, 2) for _ in range(2))
    assert torch.equal(first, again)
    for other in (Draw("another", "check"), Draw("secret", "another"), Draw("", "secret\0check")):
        assert not torch.equal(first, other.uniform(3, 2))


@laws
@given(draws, sizes, sizes)
def test_a_spectrum_is_what_was_asked_for(draw: Draw, m: int, n: int) -> None:
    wanted = sorted((draw.number(0.5, 3.0) for _ in range(min(m, n))), reverse=True)
    found = torch.linalg.svdvals(draw.spectrum(m, n, wanted).double()).tolist()
    assert found == pytest.approx(wanted, rel=1e-5, abs=1e-5)


@laws
@given(draws, st.integers(2, 7), st.integers(2, 7), st.data())
def test_a_mask_hides_no_whole_row_or_column(
    draw: Draw, m: int, n: int, data: st.DataObject
) -> None:
    hidden = data.draw(st.integers(0, m * n - max(m, n) - 1))
    M = draw.mask(m, n, hidden)
    assert int((~M).sum()) == hidden
    assert M.any(0).all()
    assert M.any(1).all()


def test_inputs_are_redrawn_until_they_are_accepted() -> None:
    draw, seen = Draw("secret", "check"), []

    def accept(number: float) -> bool:
        seen.append(number)
        return number > 0.9

    number = draw.until(lambda: draw.number(0, 1), accept)
    assert seen.pop() == number > 0.9
    assert seen
    assert max(seen) <= 0.9


def test_the_last_draw_is_used_where_none_is_accepted() -> None:
    tries = iter(range(10))
    assert Draw("secret", "check").until(lambda: next(tries), lambda _: False, tries=4) == 3
    assert next(tries) == 4


def test_a_rule_is_worked_out_once_for_arguments_that_are_equal_to_the_bit() -> None:
    @dataclass(frozen=True)
    class Run:
        A: torch.Tensor
        epochs: int

    seen = []

    @remembered
    def rule(run: Any, U: torch.Tensor) -> float:
        seen.append(run)
        return float((run.A @ U).sum()) * run.epochs

    A, U = torch.tensor([[1.0, 0.0]]), torch.tensor([[2.0], [3.0]])
    assert rule(Run(A, 2), U) == rule(Run(A.clone(), 2), U.clone()) == 4.0
    assert len(seen) == 1
    others = [
        (Run(A, 3), U),
        (Run(A, 2.0), U),  # type: ignore[arg-type]
        (Run(A * torch.tensor([1.0, -1.0]), 2), U),  # -0.0
        (Run(A, 2), torch.tensor([[2.0 + 2e-7], [3.0]])),
        (Run(A.T, 2), U.T),
        (Run(A.double(), 2), U.double()),
    ]
    for count, other in enumerate(others, start=2):
        assert rule(*other) == float((other[0].A @ other[1]).sum()) * other[0].epochs
        assert len(seen) == count


def test_a_rule_of_what_is_no_plain_value_is_worked_out_each_time() -> None:
    calls = []

    @remembered
    def rule(values: Any) -> int:
        calls.append(1)
        return len(values)

    assert rule({1: 2}) == rule({1: 2}) == 1
    assert len(calls) == 2


def test_rules_of_the_same_words_elsewhere_are_not_confused() -> None:
    def made(factor: int) -> Any:
        exec(f"def rule(x): return {factor} * x", space := {})
        return remembered(space["rule"])

    assert [made(2)(5), made(3)(5), made(2)(5)] == [10, 15, 10]


def test_sensitivity_tells_a_rule_that_forgets_from_one_that_amplifies() -> None:
    start = Draw("secret", "check").uniform(3, 2, low=-1.0)
    assert sensitivity(lambda X: X / 1000, start) < 1e-8
    assert sensitivity(lambda X: (X, 1000 * X), start) > 1e-4
    assert sensitivity(lambda X: X / 0, start) == math.inf
    assert sensitivity(lambda A, X: A.shape[0] * 2.0, start, start) == 0


def test_sensitivity_sees_a_rule_that_amplifies_in_one_direction_alone() -> None:
    """Whichever two entries must move apart for it to show; ups and downs alone would miss half."""
    start = torch.ones(4)
    for i, j in itertools.combinations(range(4), 2):
        assert sensitivity(lambda x, i=i, j=j: 1e6 * (x[i] - x[j]), start) > 0.1
        assert sensitivity(lambda x, i=i, j=j: 1e6 * (x[i] + x[j] - 2), start) > 0.1


# --- judging --------------------------------------------------------------------------------------


def test_close_is_about_every_entry() -> None:
    close(torch.ones(3), torch.ones(3) + 1e-6, 1e-5, "f")
    for far in (torch.tensor([1.0, 1.0, 1.1]), torch.tensor([1.0, 1.0, math.nan])):
        with pytest.raises(Wrong):
            close(far, torch.ones(3), 1e-5, "f")


@laws
@given(st.integers(0, 2**31))
def test_every_start_of_torch_rand_is_fresh(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    start = [torch.rand(shape, generator=generator).double() for shape in ((10, 5), (8, 5))]
    fresh_start(start, ("U", "V"), "f")
    start[0][3, 1], start[1][2, 2] = (
        start[0][5, 0],
        start[1][0, 1],
    )  # torch.rand repeats a number now and then
    fresh_start(start, ("U", "V"), "f")


def test_a_start_of_exactly_zero_stays_one_at_a_standstill() -> None:
    start = torch.rand(10, 9, generator=torch.Generator().manual_seed(0))
    start[2, 3] = 0.0
    moved = start - STANDSTILL * (1 + start)
    assert int((moved != start).sum()) == 1
    fresh_start([moved.double()], ["X"], "f")


@pytest.mark.parametrize(
    "change",
    [
        lambda U, V: (U / 2, V / 2),
        lambda U, V: (1 - U / 8, 1 - V / 8),
        lambda U, V: (U, V / 2),
        lambda U, V: (U, 1 - V / 2),
        lambda U, V: (U - 0.5, V),
        lambda U, V: (2 * U, V),
        lambda U, V: (torch.ones_like(U) / 2, V),
        lambda U, V: (U, U[:8]),
        lambda U, V: (U * torch.nan, V),
    ],
    ids=[
        "scaled",
        "shifted up",
        "one scaled",
        "one shifted",
        "around zero",
        "twice",
        "constant",
        "the same numbers",
        "NaN",
    ],
)
def test_another_start_is_not(
    change: Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]],
) -> None:
    generator = torch.Generator().manual_seed(0)
    start = [torch.rand(shape, generator=generator).double() for shape in ((10, 5), (8, 5))]
    with pytest.raises(Wrong, match="f: "):
        fresh_start(change(*start), ("U", "V"), "f")


def test_a_changed_argument_is_noticed() -> None:
    A, M = torch.tensor([1.0, math.nan]), torch.tensor([True, False])
    unchanged(Call(None, (A.clone(), M.clone(), 3)), A, M)
    for after in ((A + 1, M), (A, ~M), (None, M), (A[:1], M), (A.nan_to_num(), M)):
        with pytest.raises(Wrong, match="argument number"):
            unchanged(Call(None, after), A, M)
