"""A default may be another number of the same size, and must then work; the order is the stub's."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.draws import Simulation

STAFF = Path(__file__).resolve().parent.parent / "reference_solutions"
CHECKS = {  # the check of each function that has a count by default
    "gd_factorise": ("gd_factorisation", "test_defaults_are_as_given"),
    "gd_inverse": ("gd_inverse", "test_defaults_are_those_of_the_stub"),
    "gd_svd": ("gd_svd", "test_defaults_are_those_of_the_stub"),
    "sgd_factorise": ("sgd_factorisation", "test_defaults_and_argument_are_kept"),
    "sgd_factorise_masked": (
        "sgd_factorisation",
        "test_masked_defaults_and_arguments_are_kept",
    ),
}


def message(function: str, change: Callable[[Callable[..., Any]], Callable[..., Any]]) -> str:
    """What the check says of the right function after a change; "" where it passes."""
    slug, check = CHECKS[function]
    simulation = Simulation(STAFF / slug)
    simulation.functions[function] = change(simulation.functions[function])
    misses = simulation.run(check, range(1)).misses
    return misses[0][1] if misses else ""


def signed(
    right: Callable[..., Any],
    parameters: Iterable[inspect.Parameter],
    count: Callable[[float], int],
) -> Callable[..., Any]:
    """The function under these parameters; count: what it makes of its number of turns"""
    signature = inspect.Signature(list(parameters))

    def changed(*arguments: Any, **options: Any) -> Any:
        given = signature.bind(*arguments, **options)
        given.apply_defaults()
        named = {n: count(v) if n.startswith("num_") else v for n, v in given.arguments.items()}
        return right(**named)

    changed.__signature__ = signature  # type: ignore[attr-defined]
    return changed


def floats(right: Callable[..., Any]) -> list[inspect.Parameter]:
    """Its parameters, with 1e4 for 10000."""
    return [
        one.replace(default=float(one.default)) if one.name.startswith("num_") else one
        for one in inspect.signature(right).parameters.values()
    ]


def as_range_takes_it(number: float) -> int:
    return range(number).stop  # type: ignore[arg-type]


@pytest.mark.parametrize("function", CHECKS)
def test_the_right_function_passes(function: str) -> None:
    assert message(function, lambda right: right) == ""


@pytest.mark.parametrize("function", CHECKS)
def test_a_count_that_is_a_float_by_default_must_work(function: str) -> None:
    said = message(function, lambda right: signed(right, floats(right), as_range_takes_it))
    assert "'float' object" in said
    assert message(function, lambda right: signed(right, floats(right), int)) == ""


@pytest.mark.parametrize("function", CHECKS)
def test_the_order_of_the_defaults_is_that_of_the_stub(function: str) -> None:
    def turned(right: Callable[..., Any]) -> Callable[..., Any]:
        parameters = list(inspect.signature(right).parameters.values())
        given = [one for one in parameters if one.default is one.empty]
        optional = [one for one in parameters if one.default is not one.empty]
        return signed(right, [*given, *reversed(optional)], int)

    assert "in another order than the stub" in message(function, turned)
