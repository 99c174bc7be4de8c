"""The curve that a check's result keeps: few numbers, finite ones, and nothing of hidden inputs."""

from __future__ import annotations

import json
import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from autograder.grading.curves import POINTS, Picture
from autograder.results import Check, Curve, Result

ODD = st.one_of(
    st.floats(),
    st.integers(),
    st.none(),
    st.text(max_size=3),
    st.builds(object),
    st.lists(st.floats(), max_size=3).map(torch.tensor),
)


def kept(yours: list, *, hidden: bool = False, **more: object) -> Curve | None:
    picture = Picture(hidden=hidden)
    picture.curve(yours=yours, name="loss", **more)  # type: ignore[arg-type]
    return picture.kept


@given(st.lists(ODD, max_size=100), st.booleans())
def test_whatever_stands_in_a_students_list_a_curve_is_short_finite_and_json(
    yours: list, hidden: bool
) -> None:
    curve = kept(yours, hidden=hidden, reference=yours, floor=0.5)
    if curve is None:
        return
    check = Check("test", "f", 1.0, "passed", "public", "", 0.0, curve=curve)
    result = Result("a", "s", None, "graded", 1.0, (check,))
    assert Result.from_json(json.loads(result.dumps())) == result
    assert len(curve.yours) == len(curve.reference) == min(len(yours), POINTS)
    assert all(value is None or math.isfinite(value) for value in curve.yours)


def test_a_long_run_keeps_its_ends() -> None:
    curve = kept([float(value) for value in range(20_000, 0, -1)])
    assert curve is not None
    assert (curve.yours[0], curve.yours[-1], curve.steps) == (20_000, 1, 20_000)


def test_of_a_hidden_check_neither_the_length_nor_the_size_of_a_run_is_kept() -> None:
    small, large = (
        kept([size, None, size / 3], hidden=True, floor=size / 9) for size in (3.0, 3e4)
    )
    assert small == large
    assert small is not None
    assert (small.steps, small.yours, small.floor) == (0, (1.0, None, 0.33), 0.11)


def test_one_point_is_no_curve() -> None:
    assert kept([1.0, math.nan, math.inf]) is None
