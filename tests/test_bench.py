"""What the benchmarks stand on: a class that is the same every time, and a meter that counts what a
command started.
"""

from __future__ import annotations

import ast
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import COURSE

from autograder.assignment import Assignment, find_assignment
from autograder.errors import AutograderError
from autograder.grading.checks import HIDDEN
from autograder.grading.decided import digests_of
from benchmarks.compared import compared
from benchmarks.diagnosis_page import FIRST, LAST, write
from benchmarks.growth import grown
from benchmarks.meter import Failed, measure
from benchmarks.plain import functions_in, passes, questions
from benchmarks.population import Population, answered, lay
from benchmarks.regraded import edited, edits_of
from benchmarks.sizes import Sizes
from benchmarks.speed_page import changed_checks

SLUG = "tensors_and_autograd"


@pytest.fixture(scope="module")
def warm_up() -> Assignment:
    return find_assignment(COURSE, SLUG)


def test_a_class_is_the_same_every_time_and_no_two_in_it_are_alike(warm_up: Assignment) -> None:
    first, again = list(Population(warm_up, 3)(150)), list(Population(warm_up, 3)(150))
    assert first == again
    whole = [one for one in first if one.kind != "broken"]
    assert len({one.module() for one in whole}) == len(whole)
    assert {one.kind for one in first} == {"right", "wrong", "broken"}
    other = {one.module() for one in Population(warm_up, 4)(150) if one.kind != "broken"}
    assert not other & {one.module() for one in whole}


def test_right_students_earn_everything_and_wrong_ones_lose_something(warm_up: Assignment) -> None:
    """By the checks in this process, which is what the rivals ask."""
    asked, folder = questions(warm_up.folder), warm_up.folder
    assert sum(one.points for one in asked) == warm_up.max_score
    for kind in ("right", "wrong"):
        for work in Population(warm_up, 5, (kind,), fails=False)(6):
            namespace: dict[str, object] = {}
            exec(compile(work.module(), "student", "exec"), namespace)
            functions = functions_in(namespace, folder)
            lost = [one.name for one in asked if not passes(one, functions, folder)]
            assert bool(lost) == (kind == "wrong"), (work.number, lost)


def test_students_hand_in_modules_and_notebooks_with_their_answers(
    warm_up: Assignment, tmp_path: Path
) -> None:
    works = list(Population(warm_up, 6, ("right",))(4))
    files = [next(lay(work, warm_up, tmp_path).iterdir()).name for work in works]
    assert files == [f"{SLUG}.ipynb", f"{SLUG}.py"] * 2
    cells = answered(works[0], warm_up)["cells"]
    sources = {
        cell["metadata"].get("nbgrader", {}).get("grade_id"): cell["source"] for cell in cells
    }
    for name, source in works[0].functions:
        assert sources[name] == source


BURN = "import time\nwhile time.process_time() < 0.4: pass"


def test_the_meter_counts_what_a_command_started_and_tells_what_it_said_when_it_fails(
    tmp_path: Path,
) -> None:
    code = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BURN!r}])\n{BURN}"
    cost = measure([sys.executable, "-c", code], tmp_path)
    assert 0.75 < cost.cpu < 5
    assert cost.trusted > 1
    with pytest.raises(Failed, match="so it goes"):
        measure([sys.executable, "-c", "raise SystemExit('so it goes')"], tmp_path)


def test_ratios_are_of_a_class_of_100_with_start_up() -> None:
    """Ours: 5 s to start and 0.5 each; nbgrader: 3 and 3; the others 5 and 2 each."""

    def seen(cpu: float) -> list[dict]:
        return [{"cpu": cpu, "memory": 1.0, "import_torch": 1.0}]

    rounds = {
        "ours, one": seen(5.5),
        "ours, few": seen(7.0),
        "ours": seen(15.0),
        "ours, unchanged": seen(2.0),
        "nbgrader, one": seen(6.0),
        "nbgrader": seen(12.0),
        "otter": seen(15.0),
        "pytest": seen(6.0),
        "floor": seen(0.1),
    }
    figures = compared(rounds, Sizes(compared=20, rivals=3))
    assert figures["cpu_each_of_100"]["ours"] == pytest.approx(0.55)
    assert figures["vs_nbgrader"] == pytest.approx(3.03 / 0.55)
    assert figures["vs_otter"] == pytest.approx(5 / 0.55)
    assert figures["at_the_margin"]["vs_pytest"] == pytest.approx(4)


def test_growth_is_what_a_submission_takes_beyond_the_smallest_class() -> None:
    """5 s to start, and half a second each; of the largest class 0.6."""

    def one(size: int, cpu: float, **more: Any) -> dict[str, Any]:
        return {
            "size": size,
            "cost": {"cpu": cpu, "wall": cpu, "trusted": size, "memory": 2.0},
            **more,
        }

    again = {"wall": 1.5}
    whole = {"entered": again, "unchanged": again, "unchanged_grade": again, "rewritten": ["a"]}
    figures = grown([one(10, 10.0), one(100, 55.0), one(1000, 505.0, **whole), one(5010, 3010.0)])
    assert (figures["unchanged_1000_wall"], figures["unchanged_1000_rewritten"]) == (1.5, 1)
    assert figures["growth"]["1000"]["cpu_each_beyond_the_first"] == pytest.approx(0.5)
    assert figures["growth_cpu_each"] == figures["growth_wall_each"] == pytest.approx(1.2)
    assert figures["growth_trusted"] == pytest.approx(50.1)


def test_every_hundred_of_an_even_class_begins_with_the_same(warm_up: Assignment) -> None:
    works = list(Population(warm_up, 3, even=True)(300))
    kinds = [work.kind for work in works]
    assert kinds[:100] == kinds[100:200] == kinds[200:]
    assert (kinds[:100].count("right"), kinds[:100].count("broken")) == (55, 4)
    texts = {work.module() for work in works if work.kind != "broken"}
    assert len(texts) == sum(kind != "broken" for kind in kinds), "no two alike"


TITLES = ("assignment", "respelled: named", "variants: told something")


def test_the_page_of_diagnosis_keeps_what_was_not_measured_anew(tmp_path: Path) -> None:
    """Rows and misses of the assignments that were run are replaced, those of others kept, and the
    last row is of all; what stands around them stays as it is.
    """
    page = tmp_path / "diagnosis.md"
    page.write_text(f"# Before\n\n{FIRST}\nnothing yet\n{LAST}\n\nAfter.\n", encoding="utf-8")
    first = {"assignment": "first", "respelled": "3 of 4", "variants": "0 of 2"}
    second = {"assignment": "second", "respelled": "5 of 6", "variants": "0 of 3"}
    write(page, TITLES, [first, second], {"first": ["- first, `a`: nothing"], "second": []})
    again = dict(second, respelled="6 of 8")
    write(page, TITLES, [again], {"second": ["- second, `b`: nothing"]})
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Before\n\n") and text.endswith("\n\nAfter.\n")
    assert [line for line in text.splitlines() if line.startswith(("| ", "- "))] == [
        "| assignment | respelled: named | variants: told something |",
        "| first | 3 of 4 | 0 of 2 |",
        "| second | 6 of 8 | 0 of 3 |",
        "| all | 9 of 12 (75 %) | 0 of 5 |",
        "- first, `a`: nothing",
        "- second, `b`: nothing",
    ]
    assert "nothing yet" not in text
    write(page, TITLES, [], {})
    assert page.read_text(encoding="utf-8") == text


def test_a_page_without_a_place_for_figures_is_left_alone(tmp_path: Path) -> None:
    """Where the two comments are missing, it is said, and nothing is written."""
    page = tmp_path / "diagnosis.md"
    page.write_text("# Nothing measured\n", encoding="utf-8")
    with pytest.raises(AutograderError, match="no place for what is measured"):
        write(page, TITLES, [], {})
    assert page.read_text(encoding="utf-8") == "# Nothing measured\n"


def test_a_changed_check_is_changed_and_comes_back(warm_up: Assignment, tmp_path: Path) -> None:
    """Its digest is another one, that of no other check is, and where only calls are to stay they
    do: what is put in draws nothing.
    """
    file = tmp_path / HIDDEN
    shutil.copy(warm_up.folder / HIDDEN, file)
    text = file.read_text("utf-8")
    before = digests_of(ast.parse(text), HIDDEN)
    edits = edits_of(file)
    assert {edit.check for edit in edits} == set(before)
    for edit in edits:
        with edited(file, edit):
            new = file.read_text("utf-8")
            after = digests_of(ast.parse(new), HIDDEN)
            assert {name for name in before if before[name] != after[name]} == {edit.check}
            assert (new.count("draw.") > text.count("draw.")) == (edit.kind == "inputs")
        assert file.read_text("utf-8") == text


def test_the_page_says_which_changed_checks_cost_too_much() -> None:
    checks = {"test_a": {"calls": {"share": 0.05}, "inputs": {"share": 0.4}}}
    checks["test_b"] = {"calls": {"share": 0.1}}
    one = {"checks": checks, "date": "2026-01-01", "submissions": 60, "load": 1.2}
    text = changed_checks({"f": one | {"each": 0.5, "start": 4.0}})
    assert "`f`: 1 of 3 changes cost more than 15 %" in text
    assert "| f | `test_a` | 5 % | 40 % |" in text and "| f | `test_b` | 10 % | – |" in text
