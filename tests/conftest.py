"""What the tests share: the course, its assignments found by glob, and one warm sandbox for the whole run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.assignment import Assignment, find_assignments
from autograder.errors import SandboxUnavailable
from autograder.sandbox import Limits, Sandbox

ROOT = Path(__file__).parent.parent
ASSIGNMENTS = find_assignments(ROOT)

pytest_plugins = ["pytester"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fast ones first."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A real sandbox. A machine that cannot build one fails here, loudly: this project is about what stands behind it."""
    try:
        started = Sandbox.start()
    except SandboxUnavailable as error:
        pytest.fail(f"these tests need a real sandbox: {error}", pytrace=False)
    with started:
        yield started


@pytest.fixture
def quick() -> Limits:
    """Limits small enough to break on purpose."""
    return Limits(
        call_cpu_seconds=0.5,
        call_wall_seconds=1.0,
        load_cpu_seconds=0.5,
        load_wall_seconds=1.0,
        memory_bytes=256 << 20,
        output_bytes=1 << 16,
    )


@pytest.fixture(params=ASSIGNMENTS, ids=lambda assignment: assignment.slug)
def assignment(request: pytest.FixtureRequest) -> Assignment:
    """Every assignment of the course, one test each."""
    return request.param
