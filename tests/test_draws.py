"""The simulation of draws finds a check that some secrets fail, and finds nothing in a fair one."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.draws import Simulation

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


def test_functions_of_draws_py_come_before_those_of_the_solution(folder: Path) -> None:
    (folder / "draws.py").write_text("def double(x, lr=0.5):\n    return 3 * x\n", encoding="utf-8")
    assert len(Simulation(folder).run("test_fair", range(5)).misses) == 5
