"""The simulation of draws finds a check that some secrets fail, and finds nothing in a fair one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from autograder import vocabulary
from autograder.assignment import find_assignments
from autograder.course import Course
from benchmarks.draws import Simulation, module_at
from benchmarks.together import met, together

COURSE = Course(Path(__file__).resolve().parent.parent)

SOLUTION = """
import torch

def double(x, lr=0.5):
    if lr < 0:
        raise ValueError("negative")
    return 2 * x
"""
DRAWS = """
def double(x, lr=0.5):
    return x + x
"""
CHECKS = """
from autograder.vocabulary import close, expect, unchanged

def test_of_no_random_inputs(student):
    raise AssertionError

def test_fair(student, draw):
    x = draw.uniform(3)
    call = student.seeded(1).twice().call("double", x.clone(), lr=0.1)
    unchanged(call, x)
    close(call.value, 2 * x.double(), 1e-5, "double(x)")
    expect(student.defaults("double") == {"x": None, "lr": 0.5}, "defaults")

def test_unfair(student, draw):
    expect(draw.integer(0, 10) > 0, "one draw in ten")
"""

LONG = """
def double(x, lr=0.5):
    return _twice(x)

def _twice(x):
    return x + x

def _many_twice(twice, calls):
    assert len(calls) == SECRETS
    return [twice(x) for x, in calls]

SECRETS = 60
LONG = ("test_fair", "test_unfair")
MANY = {"_twice": _many_twice}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {"solution.py": SOLUTION, "draws.py": DRAWS, "test_hidden.py": CHECKS}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_check_that_fails_some_secrets_is_found(folder: Path) -> None:
    tally = Simulation(folder).run("test_unfair", range(300))
    assert tally.secrets == 300
    assert 10 < len(tally.misses) < 60
    secret, message = tally.misses[0]
    assert secret.startswith("draws ")
    assert message == "Wrong: one draw in ten"


def test_a_fair_check_misses_nothing_and_says_what_rounding_used(folder: Path) -> None:
    simulation = Simulation(folder)
    assert simulation.names == ["test_fair", "test_unfair"]
    tally = simulation.run("test_fair", range(50))
    assert not tally.misses
    assert tally.share is not None
    assert 0 <= tally.share < 0.1


def test_the_checks_that_others_run_are_left_alone(folder: Path) -> None:
    close = module_at(folder / "test_hidden.py").close
    Simulation(folder).run("test_fair", range(2))
    assert module_at(folder / "test_hidden.py").close is close is vocabulary.close


def test_functions_of_draws_py_come_before_those_of_the_solution(folder: Path) -> None:
    (folder / "draws.py").write_text("def double(x, lr=0.5):\n    return 3 * x\n", encoding="utf-8")
    assert len(Simulation(folder).run("test_fair", range(5)).misses) == 5


def test_a_long_check_is_run_under_many_secrets_at_once_and_misses_the_same(folder: Path) -> None:
    for name in ("test_fair", "test_unfair"):
        alone = Simulation(folder).run(name, range(60))
        (folder / "draws.py").write_text(LONG, encoding="utf-8")
        at_once = Simulation(folder).run(name, range(60))
        assert (at_once.misses, at_once.share) == (alone.misses, alone.share)
        (folder / "draws.py").write_text(DRAWS, encoding="utf-8")


def test_a_check_that_draws_py_calls_long_exists(folder: Path) -> None:
    (folder / "draws.py").write_text('LONG = ("test_gone",)', encoding="utf-8")
    with pytest.raises(ValueError, match="no such check: test_gone"):
        Simulation(folder)


def test_runs_together_wait_for_each_other_and_get_their_own_results() -> None:
    seen = []

    def many(calls: list[tuple[torch.Tensor, int]]) -> list[float]:
        seen.append(len(calls))
        return [float(x.sum()) + more for x, more in calls]

    ask = met(many)

    def run(number: int) -> tuple[float, ...]:
        return tuple(ask(torch.ones(1 + number % 2), number) for _ in range(number))

    ends = together([lambda number=number: run(number) for number in range(5)])
    assert ends == [(), (3.0,), (3.0,) * 2, (5.0,) * 3, (5.0,) * 4]
    assert seen[:2] == [2, 2]  # a batch is of one shape: 1 and 3, then 2 and 4
    assert sum(seen) == 10


LONG_CHECKS = [
    pytest.param(one.folder, name, id=f"{one.slug}-{name}")
    for one in find_assignments(COURSE)
    for name in Simulation(one.folder).long
]


@pytest.mark.parametrize(("folder", "name"), LONG_CHECKS)
def test_at_once_a_check_uses_as_much_of_its_tolerance_as_alone(folder: Path, name: str) -> None:
    simulation, secrets = Simulation(folder), range(12)
    at_once = simulation.run(name, secrets)
    simulation.long = ()
    alone = simulation.run(name, secrets)
    assert at_once.misses == alone.misses == []
    assert at_once.share == (alone.share and pytest.approx(alone.share, rel=0.5, abs=0.01))
