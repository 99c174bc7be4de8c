"""The promise: whatever one submission does, it gains, reads, changes and leaves nothing, and
nobody else notices.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import hostile_bank
import pytest
from conftest import ROOT, few_known_answers

from autograder.assignment import Assignment, find_assignment
from autograder.course import Course
from autograder.grading import workers as working
from autograder.grading.grader import Grader
from autograder.grading.submission import find
from autograder.grading.workers import grade_class, run_on_workers
from autograder.limits import Limits
from autograder.results import STATUSES, Result
from autograder.sandbox.process import Sandbox

SECRET = "canary-of-the-course-5a1f"
LIMITS = Limits(
    call_cpu_seconds=0.25,  # all calls of a good one together need as much
    call_wall_seconds=2.0,
    load_cpu_seconds=0.5,
    load_wall_seconds=2.0,
    memory_bytes=192 << 20,
    processes=24,
    output_bytes=1 << 16,
    reply_bytes=1 << 20,
)
WORKERS = 4
GOOD = ("perfect-module", "published-loop", "library-svd", "mask-ignored")
MADE_BY_THE_GOOD = ("range_over_rank", "mask_is_not_zero", "all_zeros", "trains_on_A_times_M")
MARK = "hostile-was-here"
TOUCHED = [
    ROOT,
    Path.home(),
    *map(Path, ("/", "/etc", "/usr/lib", "/var", "/run", sys.prefix, sys.base_prefix)),
]


@dataclass
class Outcome:
    """What a graded bank left behind."""

    results: dict[str, Result]
    alone: dict[str, Result]
    allowed: dict[str, float]
    canaries: list[str]
    before: dict[str, bytes]
    after: dict[str, bytes]
    processes: list[int]
    connections: int


def contents(*folders: Path) -> dict[str, bytes]:
    """Every regular file below `folders`, and what is in it; other things by their kind."""
    found = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            plain = path.is_file() and not path.is_symlink()
            found[str(path)] = path.read_bytes() if plain else str(path.lstat().st_mode).encode()
    return found


def descendants(pid: int) -> list[int]:
    """The processes that `pid` started, and theirs."""
    children: list[int] = []
    with suppress(OSError):  # it, or one of its threads, has ended meanwhile
        for thread in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError):
                words = Path(f"/proc/{pid}/task/{thread}/children").read_text().split()
                children += map(int, words)
    return [*children, *(grandchild for child in children for grandchild in descendants(child))]


def settled(pid: int, expected: int) -> list[int]:
    """The descendants of `pid`, once no more than `expected` are left or patience is."""
    deadline = time.monotonic() + 20
    while len(descendants(pid)) > expected and time.monotonic() < deadline:
        time.sleep(0.05)
    return descendants(pid)


@pytest.fixture(scope="module")
def canaries() -> Iterator[dict[str, Path]]:
    """A secret file in the home folder and one in the project, as tempting as can be."""
    planted = {
        name: folder / f".autograder-canary-{os.getpid()}"
        for name, folder in (("HOME", Path.home()), ("PROJECT", ROOT))
    }
    for name, path in planted.items():
        path.write_text(f"canary-in-{name}-77c2")
    yield planted
    for path in planted.values():
        path.unlink()


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    """A server on this machine that nobody inside may reach."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    """The assignment of the bank in a course of its own, with the mistakes that the good ones make:
    none of what the others give is one of the many, which would be run on it all the same.
    """
    root = tmp_path_factory.mktemp("kit")
    for folder in ("reference_solutions", "assignments"):
        shutil.copytree(ROOT / folder / hostile_bank.SLUG, root / folder / hostile_bank.SLUG)
    few_known_answers(root / "reference_solutions" / hostile_bank.SLUG, *MADE_BY_THE_GOOD)
    return find_assignment(Course(root), hostile_bank.SLUG)


@pytest.fixture(scope="module")
def outcome(
    tmp_path_factory: pytest.TempPathFactory,
    known: Assignment,
    canaries: dict[str, Path],
    listener: socket.socket,
    sandbox: Sandbox,
) -> Outcome:
    """The bank and four good submissions, graded together by four workers; the good ones alone
    before. What may earn nothing and was ended by a clock counts at once, and is not graded again
    alone: test_neighbours.py has that.
    """
    course = tmp_path_factory.mktemp("course")
    submitted, canary = course / "submitted", course / "canary"
    canary.mkdir()
    (canary / "secret.txt").write_text("canary-in-the-course-93d0")
    (course / "gradebook.db").write_bytes(b"no database")
    places = {
        "COURSE": str(course),
        "PROJECT": str(ROOT),
        "HOME": str(Path.home()),
        "CANARY": str(canary / "secret.txt"),
        "HOME_CANARY": str(canaries["HOME"]),
        "PROJECT_CANARY": str(canaries["PROJECT"]),
        "PORT": str(listener.getsockname()[1]),
    }
    for name in GOOD:
        folder = submitted / f"good-{name}" / hostile_bank.SLUG
        folder.mkdir(parents=True)
        text = (ROOT / "examples" / hostile_bank.SLUG / f"{name}.py").read_text(encoding="utf-8")
        (folder / f"{hostile_bank.SLUG}.py").write_text(
            f"# canary-of-{name}-11e8\n{text}", encoding="utf-8"
        )
    assignment = replace(known, limits=LIMITS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOGRADER_CANARY", "canary-in-the-environment-42b7")
        alone = graded(Grader(assignment, SECRET, sandbox=sandbox), submitted, workers=1)
        allowed = hostile_bank.lay(submitted, places)
        before = contents(course)
        patch.setattr(working, "run_on_workers", by_no_clock)
        together, processes = graded_and_left(Grader(assignment, SECRET), submitted, WORKERS)
    try:
        listener.accept()
        connections = 1
    except BlockingIOError:
        connections = 0
    told = [
        SECRET,
        "canary-in-the-environment-42b7",
        *(path.read_text() for path in canaries.values()),
    ]
    told += [
        "canary-in-the-course-93d0",
        "CANARY-LEFT-BEHIND",
        *(f"canary-of-{name}-11e8" for name in GOOD),
    ]
    return Outcome(together, alone, allowed, told, before, contents(course), processes, connections)


def by_no_clock(work: Any, tasks: Any, count: int, seconds: float) -> Iterator[tuple[int, Any]]:
    """`run_on_workers`, and no clock has ended what one did that may earn nothing."""
    earning = {f"good-{name}" for name in GOOD}
    earning |= {trick.name for trick in hostile_bank.tricks() if trick.earns}
    for place, result in run_on_workers(work, tasks, count, seconds):
        counts = isinstance(result, Result) and result.student not in earning
        yield place, replace(result, by_clock="") if counts else result


def graded(grader: Grader, submitted: Path, workers: int) -> dict[str, Result]:
    """The results of a class by student."""
    found = find(submitted, hostile_bank.SLUG)
    return {result.student: result for result in grade_class(grader, found, workers)}


def graded_and_left(
    grader: Grader, submitted: Path, workers: int
) -> tuple[dict[str, Result], list[int]]:
    """The results of a class by student, and the processes beyond the warm one that were left when
    all were done.
    """
    started = grader.warm().pid
    resting = len(descendants(started))
    results = graded(grader, submitted, workers)
    left = settled(started, resting)[resting:]
    everyone = [started, *descendants(started)]
    grader.close()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in everyone) and time.monotonic() < deadline:
        time.sleep(0.05)
    return results, left + [pid for pid in everyone if Path(f"/proc/{pid}").exists()]


@pytest.mark.slow
def test_the_bank_is_large_and_each_trick_is_told() -> None:
    tricks = list(hostile_bank.tricks())
    assert len(tricks) + len(hostile_bank.MALFORMED) >= 60
    for trick in tricks:
        assert trick.text.startswith('"""'), (
            f"{trick.name} does not begin with its trick in one sentence"
        )


@pytest.mark.slow
def test_every_submission_has_its_result(outcome: Outcome) -> None:
    assert outcome.results.keys() == outcome.allowed.keys() | {f"good-{name}" for name in GOOD}
    for name, result in outcome.results.items():
        assert result.status in STATUSES
        assert result.status != "grader_error", f"{name}: {result.message}"


@pytest.mark.slow
def test_nothing_is_earned_that_no_function_earned(outcome: Outcome) -> None:
    gained = {
        name: outcome.results[name].score
        for name, most in outcome.allowed.items()
        if outcome.results[name].score > most
    }
    assert not gained


@pytest.mark.slow
def test_what_may_be_earned_is_earned(outcome: Outcome) -> None:
    lost = {
        name: outcome.results[name].score
        for name, most in outcome.allowed.items()
        if outcome.results[name].score < most
    }
    assert not lost, "a file declares points that it does not earn"


@pytest.mark.slow
def test_no_canary_is_told(outcome: Outcome) -> None:
    for name, result in outcome.results.items():
        text = result.dumps()
        told = [canary for canary in outcome.canaries if canary in text]
        assert not told, f"{name} tells {told}"
        messages = " ".join(check.message for check in result.tests)
        assert "canary: " not in messages, f"{name} got out: {messages}"


@pytest.mark.slow
def test_no_file_is_changed_outside(outcome: Outcome) -> None:
    assert outcome.after == outcome.before
    marks = [folder / name for folder in TOUCHED for name in (MARK, f"{MARK}.pth")]
    assert not [path for path in marks if path.exists()]
    assert not list(Path(sys.prefix).glob(f"lib/python*/site-packages/{MARK}*"))


@pytest.mark.slow
def test_no_process_is_left(outcome: Outcome) -> None:
    assert outcome.processes == []


@pytest.mark.slow
def test_nobody_reached_the_network(outcome: Outcome) -> None:
    assert outcome.connections == 0


@pytest.mark.slow
def test_good_submissions_are_graded_as_if_they_were_alone(outcome: Outcome) -> None:
    for name in GOOD:
        assert timeless(outcome.results[f"good-{name}"]) == timeless(outcome.alone[f"good-{name}"])
    assert outcome.results["good-perfect-module"].score == 20.0


@pytest.mark.slow
def test_every_result_is_clean_text_of_bounded_size(outcome: Outcome) -> None:
    for name, result in outcome.results.items():
        text = result.dumps()
        assert json.loads(text.encode("utf-8"))["student"] == name
        assert len(text) < 64 << 10, f"{name}: {len(text)} characters"
        assert all(check.message.isprintable() for check in result.tests), (
            f"{name} tells control characters"
        )
        examples = [asdict(one.example) for one in result.diagnosis if one.example is not None]
        for line in [line for example in examples for line in example.values()]:
            assert len(line) < 2100 and line.isprintable(), f"{name} tells {len(line)} characters"


@pytest.mark.slow
def test_a_hidden_check_tells_few_characters_of_its_inputs(outcome: Outcome) -> None:
    result = outcome.results["snooping-inputs_in_errors"]
    hidden = [check for check in result.tests if check.visibility == "hidden"]
    assert {check.outcome for check in hidden} == {"raised", "failed"}
    for check in hidden:
        assert len(check.message) < 200
        assert sum(letter.isdigit() for letter in check.message) <= 80


def timeless(result: Result) -> dict:
    """A result's JSON without the times in it."""
    told = result.to_json()
    checks = [
        {key: value for key, value in check.items() if key != "seconds"} for check in told["tests"]
    ]
    return {key: value for key, value in told.items() if key != "seconds"} | {"tests": checks}


@pytest.mark.slow
def test_the_same_submission_gets_the_same_result_every_time(
    sandbox: Sandbox, known: Assignment
) -> None:
    assignment = replace(known, limits=Limits())
    grader = Grader(assignment, SECRET, sandbox=sandbox)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in ("perfect-module", "published-loop", "trains-on-product"):
        found = find(ROOT / "examples" / hostile_bank.SLUG / f"{name}.py", hostile_bank.SLUG)[0]
        results = [grader.grade(found) for _ in range(5)]
        assert len({json.dumps(timeless(result)) for result in results}) == 1
        assert re.search(rf"│{name} *│ *{results[0].score:g}/20 │", readme), (
            "what `make demo` prints"
        )
