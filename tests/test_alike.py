"""What is suspiciously alike, and what has to look alike: copies in disguise are found, right
answers of different people are not.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import pytest
from click.testing import Result
from conftest import ASSIGNMENTS, COURSE

from autograder.assignment import Assignment, find_assignment
from autograder.pages.alike import alike, fingerprint, groups, known_grams
from autograder.pages.similarity_page import similarity_page
from benchmarks.similarity import FILE, renamed, rewritten

SLUG = "sgd_factorisation"


@pytest.fixture(scope="module")
def right() -> dict[str, str]:
    """The variants of one assignment: right answers of different people."""
    variants = find_assignment(COURSE, SLUG).variants
    return {path.stem: path.read_text(encoding="utf-8") for path in variants}


@pytest.fixture(scope="module")
def known() -> frozenset[int]:
    return known_grams(find_assignment(COURSE, SLUG), variants=False)


def pairs(texts: dict[str, str], known: frozenset[int]) -> set[frozenset[str]]:
    prints = {name: fingerprint(text) for name, text in texts.items()}
    return {frozenset((pair.one, pair.other)) for pair in alike(prints, known)}


@pytest.mark.parametrize("disguise", [lambda text: text, renamed, rewritten])
def test_a_copy_is_found_whatever_its_names_and_layout(
    right: dict[str, str], known: frozenset[int], disguise: Callable[[str], str]
) -> None:
    """Of a class of right answers in which one is handed in twice, that pair alone."""
    for name in ("careful", "python_floats"):
        assert pairs(right | {"copy": disguise(right[name])}, known) == {frozenset((name, "copy"))}


@pytest.mark.parametrize("assignment", ASSIGNMENTS, ids=lambda one: one.slug)
def test_right_answers_of_different_people_are_not_alike(assignment: Assignment) -> None:
    texts = {path.stem: path.read_text(encoding="utf-8") for path in assignment.variants}
    assert pairs(texts, known_grams(assignment, variants=False)) == set()


def test_the_released_stub_and_the_solution_are_nobodys_own(known: frozenset[int]) -> None:
    assignment = find_assignment(COURSE, SLUG)
    cells = json.loads(assignment.notebook.read_text(encoding="utf-8"))["cells"]
    stub = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    solution = assignment.solution.read_text(encoding="utf-8")
    assert pairs({"a": stub, "b": stub, "c": solution, "d": solution}, known) == set()


def test_what_many_have_is_what_the_task_asks_for(right: dict[str, str]) -> None:
    text = right["careful"]
    many = {f"student {number}": text for number in range(11)}
    assert pairs(many, frozenset()) == set()
    assert len(pairs(dict(list(many.items())[:5]), frozenset())) == len(
        list(combinations("abcde", 2))
    )


def test_the_page_marks_what_is_shared_as_text(right: dict[str, str]) -> None:
    assignment = find_assignment(COURSE, SLUG)
    evil = "\nx = '<script>alert(1)</script>'\n"
    texts = {"<b>eve": right["careful"] + evil, "mallory": renamed(right["careful"]) + evil}
    prints = {name: fingerprint(text) for name, text in texts.items()}
    found = alike(prints, frozenset())
    page = similarity_page(assignment, prints, found)
    assert groups(found) == [["<b>eve", "mallory"]]
    assert "<mark>" in page
    assert "<script" not in page
    assert "&lt;b&gt;eve" in page


def test_the_command_writes_a_page(command: Callable[..., Result], tmp_path: Path) -> None:
    import tiny_course

    tiny_course.write(tmp_path)
    own = "\n".join(f"    x = x + {number} * x.abs().sum()" for number in range(12))
    for student, name in (("ada", "x"), ("bob", "thing")):
        file = tmp_path / "course" / "submitted" / student / tiny_course.SLUG / "halves.py"
        file.parent.mkdir(parents=True)
        code = f"def halve(x, factor=0.5):\n{own}\n    return x * factor\n"
        file.write_text(code.replace("x", name), encoding="utf-8")
    done = command(tmp_path, "similarity", tiny_course.SLUG)
    assert done.exit_code == 0, done.output
    assert "1 suspicious pair" in done.output
    assert (tmp_path / "course" / "report" / "halves-similarity.html").is_file()


def test_what_was_measured_is_what_the_guide_says() -> None:
    figures = json.loads(FILE.read_text(encoding="utf-8"))["all"]
    guide = " ".join((COURSE.root / "docs" / "instructor-guide.md").read_text("utf-8").split())
    assert f"{figures['slips_called_alike']} of {figures['slip_pairs']:,} pairs" in guide
    assert f"{figures['rewritten_found']} of {figures['copies']}" in guide
