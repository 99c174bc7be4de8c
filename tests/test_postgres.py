"""A department's gradebook: nbgrader's, in a real PostgreSQL server, written by two graders at once."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import postgres
import pytest
import tiny_course
from conftest import ROOT
from forked import Running
from nbgrader.api import Gradebook
from tiny_course import SLUG
from typer.testing import CliRunner

from autograder import doctor
from autograder.assignment import find_assignment
from autograder.authoring.release import release
from autograder.cli import app
from autograder.course import Course
from autograder.gradebook.commands import generate
from autograder.sandbox.process import Sandbox

pytestmark = pytest.mark.slow
TEXTS = (tiny_course.VARIANT, f"import torch\n{tiny_course.ZEROS}")
EACH = 6  # students of a grader


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgres.server() as url:
        yield url


@pytest.fixture(scope="module")
def graders(url: str, tmp_path_factory: pytest.TempPathFactory) -> list[Course]:
    """Two courses, as on two machines, with the same secret and one gradebook; each has students of
    its own.
    """
    first = tmp_path_factory.mktemp("graders") / "one"
    tiny_course.write(first)
    shutil.copy(ROOT / "nbgrader_config.py", first)
    (first / "course.toml").write_text(f'gradebook = "{url}"\n', encoding="utf-8")
    Course(first).secret()
    assignment = find_assignment(Course(first), SLUG)
    release([assignment])
    generate(assignment)
    assert generate(assignment) == [], "it is in the database"
    assert not Course(first).gradebook.exists()
    second = first.with_name("two")
    shutil.copytree(first, second)
    courses = [Course(first), Course(second)]
    for place, course in enumerate(courses):
        for number in range(EACH):
            home = course.submitted / f"student{place}{number}" / SLUG
            home.mkdir(parents=True)
            (home / f"{SLUG}.py").write_text(f"{TEXTS[number % 2]}\n# {place} {number}\n")
    return courses


def start(course: Course, sandbox: Sandbox) -> Running:
    words = ("gradebook", SLUG, "--workers", 1)
    return Running("autograder", *words, folder=course.root, sandbox=sandbox)


def scores(url: str) -> dict[str, float]:
    with Gradebook(url) as book:
        return {one.student.id: one.score for one in book.assignment_submissions(SLUG)}


def test_two_graders_write_at_once_and_nothing_is_lost_when_one_is_killed(
    url: str, graders: list[Course], sandbox: Sandbox
) -> None:
    with start(graders[0], sandbox) as first, start(graders[1], sandbox) as second:
        deadline = time.monotonic() + 200
        while not any(name.startswith("student1") for name in scores(url)):
            assert time.monotonic() < deadline, "the second grader entered nobody"
            time.sleep(0.1)
        second.kill(group=True)
        assert first.wait(300) == 0, first.output + first.errors
    expected = {f"student0{number}": (4.5, 0.4)[number % 2] for number in range(EACH)}
    there = scores(url)
    assert {name: there[name] for name in expected} == expected

    with start(graders[1], sandbox) as again:
        assert again.wait(300) == 0, again.output + again.errors
    expected |= {f"student1{number}": (4.5, 0.4)[number % 2] for number in range(EACH)}
    assert scores(url) == expected


def test_the_doctor_tries_the_courses_gradebook(
    graders: list[Course], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOGRADER_COURSE", str(graders[0].root))
    finding = doctor.gradebook()
    assert finding.good
    assert "PostgreSQL" in finding.found
    away = Course(tmp_path)
    away.staff.mkdir()
    url = "postgresql+psycopg://me:s3cret@127.0.0.1:1/gradebook"
    (tmp_path / "course.toml").write_text(f'gradebook = "{url}"\n', encoding="utf-8")
    monkeypatch.setenv("AUTOGRADER_COURSE", str(tmp_path))
    finding = doctor.gradebook()
    assert not finding.good
    assert "s3cret" not in finding.found + finding.mend


def test_a_gradebook_that_is_away_is_said_in_one_line(
    graders: list[Course], tmp_path: Path
) -> None:
    course = Course(tmp_path / "away")
    shutil.copytree(graders[0].root, course.root)
    url = "postgresql+psycopg://me:s3cret@127.0.0.1:1/gradebook"
    (course.root / "course.toml").write_text(f'gradebook = "{url}"\n', encoding="utf-8")
    done = CliRunner().invoke(app, ["watch"], env={"AUTOGRADER_COURSE": str(course.root)})
    assert done.exit_code == 1
    assert "the gradebook cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr
    assert "s3cret" not in done.stderr
