"""The real nbgrader on a real course: what is handed in, hostile or not, ends in the gradebook as
the engine graded it.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeGuard

import nbformat
import pytest
from conftest import COURSE, ROOT, few_known_answers, nbgrader
from nbgrader.api import Gradebook
from nbgrader.plugins import CsvExportPlugin

from autograder.assignment import Assignment, find_assignment
from autograder.authoring.handout import function_source
from autograder.authoring.release import release
from autograder.course import Course
from autograder.gradebook import commands
from autograder.gradebook.bridge import output
from autograder.grading.grader import Grader
from autograder.grading.store import Store
from autograder.grading.submission import find
from autograder.grading.workers import grade_class
from autograder.results import Check, Result
from autograder.sandbox.process import Sandbox
from autograder.steps import fill_gradebook, grade_paths

pytestmark = pytest.mark.slow

SLUG = "sgd_factorisation"
SCRIPT = "<script>document.title = 'stolen'</script>"
ANSWER = f"Both look for the nearest matrix of rank 2. {SCRIPT} "
ANSWER += "<img src=x onerror=alert(1)> and a < b, $a<b$"


@dataclass
class Class:
    """A course of its own in a temporary folder, with everything graded and fed back."""

    assignment: Assignment

    @property
    def course(self) -> Course:
        return self.assignment.course

    def submitted(self, student: str) -> Path:
        return self.course.submitted / student / SLUG

    def feedback(self, student: str) -> str:
        page = self.course.feedback / student / SLUG / f"{SLUG}.html"
        return page.read_text(encoding="utf-8")

    def autograded(self, student: str) -> str:
        notebook = self.course.work / "autograded" / student / SLUG / f"{SLUG}.ipynb"
        return notebook.read_text(encoding="utf-8")

    def scores(self, student: str) -> dict[str, float]:
        """A student's automatic points by function, as nbgrader's gradebook has them."""
        with Gradebook(f"sqlite:///{self.course.gradebook}") as book:
            grades = book.find_submission_notebook(SLUG, SLUG, student).grades
            return {
                g.name.removeprefix("check_"): g.auto_score
                for g in grades
                if g.name.startswith("check_")
            }


def notebook(assignment: Assignment, text: str = "", answer: str = "") -> Any:
    """The released notebook with the functions of `text` in its solution cells."""
    made = nbformat.read(assignment.released / f"{SLUG}.ipynb", as_version=4)
    for cell in made.cells:
        settings = cell.metadata.get("nbgrader", {})
        if settings.get("solution") and cell.cell_type == "code" and text:
            cell.source = function_source(text, settings["grade_id"]) or cell.source
        elif settings.get("solution") and answer:
            cell.source = answer
    return made


def check_cells(made: Any) -> list[Any]:
    return [
        cell
        for cell in made.cells
        if cell.metadata.get("nbgrader", {}).get("grade") and cell.cell_type == "code"
    ]


def hostile_notebooks(assignment: Assignment, solution: str) -> dict[str, str]:
    """Notebooks that score full marks, break the batch or run a script with stock nbgrader; the
    functions of most are stubs.
    """
    made: dict[str, Any] = {
        name: notebook(assignment)
        for name in ("skips", "prints-points", "writes-gradebook", "outputs")
    }
    for cell in made["skips"].cells:
        cell.metadata["tags"] = ["skip-execution"]
    hook = "import sys\nget_ipython().display_formatter.format = "
    hook += "lambda *a, **k: ({'text/plain': '20'}, {})\nsys.displayhook = print\n20"
    made["prints-points"].cells.insert(0, nbformat.v4.new_code_cell(hook))
    # it knows the place: one that searches the whole disk is ended by its limit before it finds any
    gradebook_code = f"import sqlite3, glob\nplaces = [{str(assignment.course.gradebook)!r}]\n"
    gradebook_code += "for f in [*places, *glob.glob('/*/gradebook.db')]:\n"
    gradebook_code += "    sqlite3.connect(f).execute('update grade set manual_score = 20')"
    made["writes-gradebook"].cells.insert(0, nbformat.v4.new_code_cell(gradebook_code))
    for cell in check_cells(made["outputs"]):
        cell.outputs = [
            nbformat.v4.new_output(
                "execute_result", {"text/plain": "8.0", "text/html": SCRIPT}, execution_count=1
            )
        ]
    texts = {name: nbformat.writes(value) for name, value in made.items()}

    right = notebook(assignment, solution)
    right.cells += [*check_cells(right)] * 2
    right.cells.append(nbformat.v4.new_markdown_cell(SCRIPT))
    right.cells.append(
        nbformat.v4.new_code_cell(
            f"# {SCRIPT}\nprint(1)",
            outputs=[nbformat.v4.new_output("display_data", {"text/html": SCRIPT})],
        )
    )
    texts["duplicated-cells"] = json.dumps(right)
    right = notebook(assignment, solution)
    for cell in right.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader.schema_version = 99
            cell.metadata.nbgrader.points = 1000
    texts["schema-99"] = nbformat.writes(right)
    right = notebook(assignment, solution)
    right.cells = [cell for cell in right.cells if cell not in check_cells(right)]
    texts["deleted-cells"] = nbformat.writes(right)
    right = notebook(assignment, solution)
    for cell in right.cells:
        cell.metadata = nbformat.NotebookNode()
    texts["no-metadata"] = nbformat.writes(right)
    texts["not-a-notebook"] = "PK\x03\x04 this was a zip file"
    texts["empty"] = ""
    texts["format-99"] = json.dumps({"nbformat": 99, "cells": "none", "metadata": []})
    return texts


FULL = ("perfect", "module", "duplicated-cells", "schema-99", "deleted-cells", "no-metadata")
MOMENTS = {  # when some handed in: in time, a day late, late with an extension, never
    "perfect": "2026-03-01 11:59:59.5 UTC",
    "published": "2026-03-02 11:00:00 UTC",
    "module": "2026-03-02T14:00:00+01:00",
    "empty": "yesterday",
}
NOTHING = (
    "stub",
    "skips",
    "prints-points",
    "writes-gradebook",
    "outputs",
    "not-a-notebook",
    "empty",
    "format-99",
)


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Class:
    root = tmp_path_factory.mktemp("course")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    staff = shutil.copytree(
        ROOT / "reference_solutions" / SLUG, root / "reference_solutions" / SLUG
    )
    few_known_answers(Path(staff), "range_over_rank", "all_zeros", "mask_means_one")
    assignment = find_assignment(Course(root), SLUG)
    release([assignment])
    commands.generate(assignment)
    solution = assignment.solution.read_text(encoding="utf-8")
    examples = ROOT / "examples" / SLUG
    texts = hostile_notebooks(assignment, solution)
    texts |= {
        "perfect": nbformat.writes(notebook(assignment, solution, ANSWER)),
        "stub": nbformat.writes(notebook(assignment)),
    }
    texts["published"] = nbformat.writes(
        notebook(assignment, (examples / "published-loop.py").read_text(encoding="utf-8"))
    )
    made = Class(assignment)
    for student, text in texts.items():
        made.submitted(student).mkdir(parents=True)
        (made.submitted(student) / f"{SLUG}.ipynb").write_text(text, encoding="utf-8")
    made.submitted("module").mkdir(parents=True)
    (made.submitted("module") / f"{SLUG}.py").write_text(solution, encoding="utf-8")
    (made.submitted("perfect") / "secrets.txt").symlink_to("/etc/passwd")
    for student, moment in MOMENTS.items():
        (made.submitted(student) / "timestamp.txt").write_text(moment, encoding="utf-8")
    (made.submitted("module") / "submission_secret.txt").write_text("s" * 64, encoding="utf-8")
    late = f'[late]\npolicy = "percent"\n[extensions.{SLUG}]\nmodule = 1\n'
    (root / "course.toml").write_text(late, encoding="utf-8")
    with Gradebook(f"sqlite:///{made.course.gradebook}") as book:
        book.update_or_create_assignment(SLUG, duedate=datetime(2026, 3, 1, 12))
    shutil.copy(made.course.gradebook, root / "before.db")
    done = nbgrader(root, "autograde", SLUG, sandbox=sandbox)
    assert done.returncode == 0, done.stderr
    commands.write_feedback(assignment)
    return made


def test_the_gradebook_holds_what_the_engine_gives_cell_by_cell(course: Class) -> None:
    submissions = find(course.course.submitted, SLUG)
    assert len(submissions) == len(FULL) + len(NOTHING) + 1
    with closing(Grader(course.assignment, course.course.secret())) as grader:
        store = Store(course.course.results, grader)
        for found, result in zip(
            submissions, grade_class(grader, submissions, 1, store=store), strict=True
        ):
            assert result.status != "grader_error", result.message
            assert course.scores(found.student or "") == {
                name: result.earned(name) for name in course.assignment.functions
            }


@pytest.mark.parametrize("student", FULL)
def test_right_work_keeps_every_point_whatever_happened_to_the_notebook(
    course: Class, student: str
) -> None:
    assert course.scores(student) == course.assignment.functions


@pytest.mark.parametrize("student", NOTHING)
def test_what_scores_full_marks_elsewhere_earns_nothing(course: Class, student: str) -> None:
    assert sum(course.scores(student).values()) == 0


def test_partial_points_are_recorded(course: Class) -> None:
    scores = course.scores("published")
    assert 0 < scores["sgd_factorise"] < course.assignment.functions["sgd_factorise"]
    assert scores["truncated_svd"] == course.assignment.functions["truncated_svd"]


def test_written_answers_wait_for_a_person(course: Class) -> None:
    with Gradebook(f"sqlite:///{course.course.gradebook}") as book:
        waiting = {
            name: book.find_submission(SLUG, name).needs_manual_grade
            for name in ("perfect", "stub")
        }
        manual = [
            g
            for g in book.find_submission_notebook(SLUG, SLUG, "perfect").grades
            if g.manual_score is not None
        ]
    assert waiting == {"perfect": True, "stub": False}
    assert manual == []


@pytest.mark.parametrize("student", FULL + NOTHING)
def test_nothing_of_a_submission_can_run_in_a_browser(course: Class, student: str) -> None:
    shown = [course.feedback(student)]
    for cell in json.loads(course.autograded(student))["cells"]:
        shown += [
            json.dumps(cell.get("outputs")),
            "".join(cell["source"]) if cell["cell_type"] != "code" else "",
        ]
    for text in shown:
        assert SCRIPT not in text
        assert "<img src=x" not in text


def test_feedback_shows_every_check_with_its_message_and_hint(course: Class) -> None:
    page = course.feedback("published")
    assert "never" in page
    assert "<code>sgd_factorise</code>: " in page


def is_check(node: ast.stmt) -> TypeGuard[ast.FunctionDef]:
    return isinstance(node, ast.FunctionDef) and node.name.startswith("test_")


def test_no_hidden_check_reaches_a_student(course: Class) -> None:
    hidden = (course.assignment.folder / "test_hidden.py").read_text(encoding="utf-8")
    checks = [node for node in ast.parse(hidden).body if is_check(node)]
    told = [ast.get_docstring(check) or "" for check in checks]  # titles, which are public
    marks = [mark for check in checks for mark in check.decorator_list]
    told += [ast.unparse(mark) for mark in marks]  # hints, which are, too
    public = "\n".join(told)
    lines = {
        line.strip()
        for line in hidden.splitlines()
        if len(line.strip()) > 30 and not line.strip().startswith(('"""', "@", "#"))
    }
    lines = {line for line in lines if line.strip("\"'") not in public}
    assert len(lines) > 100
    pages = course.feedback("published") + course.feedback("stub") + course.autograded("published")
    assert not [line for line in lines if line in pages]


def test_nothing_but_the_notebook_is_copied_from_a_submission(course: Class) -> None:
    folder = course.course.work / "autograded" / "perfect" / SLUG
    assert [path.name for path in folder.iterdir() if path.name.startswith("secrets")] == []


def test_export_lists_the_class(course: Class, tmp_path: Path) -> None:
    with Gradebook(f"sqlite:///{course.course.gradebook}") as book:
        CsvExportPlugin(to=str(tmp_path / "grades.csv")).export(book)
    table = (tmp_path / "grades.csv").read_text(encoding="utf-8")
    assert all(f",{student}," in table for student in FULL + NOTHING)


def test_a_second_run_changes_no_point(course: Class) -> None:
    """The first was the command `nbgrader autograde`; this one is what the gradebook's is."""
    before = {student: course.scores(student) for student in FULL + NOTHING}
    page = course.course.work / "autograded" / "perfect" / SLUG / f"{SLUG}.ipynb"
    written = page.stat().st_mtime_ns
    commands.run_nbgrader(course.course, "autograde", SLUG, "perfect", force=True, create=True)
    assert page.stat().st_mtime_ns != written
    assert {student: course.scores(student) for student in FULL + NOTHING} == before


# --- the same without nbgrader's converters -------------------------------------------------------


def in_gradebook(course: Course) -> dict[str, Any]:
    """All that a gradebook says of an assignment's submissions, without the numbers of its rows."""
    with Gradebook(f"sqlite:///{course.gradebook}") as book:
        found = {}
        for submission in book.assignment_submissions(SLUG):
            (notebook,) = submission.notebooks
            grades = [
                (g.name, g.auto_score, g.manual_score, g.extra_credit, g.needs_manual_grade)
                for g in notebook.grades
            ]
            comments = [(c.name, c.auto_comment, c.manual_comment) for c in notebook.comments]
            found[submission.student.id] = {
                "when": (submission.timestamp, submission.extension),
                "penalty": notebook.late_submission_penalty,
                "grades": sorted(grades),
                "comments": sorted(comments),
            }
        return found


def on_disk(course: Course) -> dict[str, tuple[int, bytes]]:
    """The rights and the bytes of all that nbgrader leaves; and what the kit keeps of answers. How
    long it took to find that a file cannot be read is another number each time.
    """
    return {
        str(path.relative_to(course.work)): (
            path.stat().st_mode,
            re.sub(rb'("seconds": )[\d.e-]+', rb"\1 0", path.read_bytes()),
        )
        for step in ("autograded", "feedback", "marked")
        for path in sorted((course.work / step).rglob("*"))
        if path.is_file() and path.name not in ("entered.json", "page.json", ".turn")
    }


def grade_and_enter(course: Course) -> list[Result]:
    """What the command `gradebook` does, on two workers."""
    assignment = find_assignment(course, SLUG)
    commands.make_ready(assignment)
    results, _ = grade_paths(assignment, [course.submitted], 2, preflight=False)
    fill_gradebook(assignment, results, 2, feedback=True)
    return results


def test_what_is_entered_is_what_nbgraders_converters_leave(course: Class, tmp_path: Path) -> None:
    """To the byte: for right and wrong, late and unreadable submissions, before and after somebody
    has marked. And what has not changed is not touched.
    """
    theirs, ours = course.course, Course(tmp_path / "course")
    shutil.copytree(theirs.root, ours.root, symlinks=True)
    for step in ("autograded", "feedback", "marked"):
        shutil.rmtree(ours.work / step)
    shutil.copy(theirs.root / "before.db", ours.gradebook)
    grade_and_enter(ours)
    assert in_gradebook(ours) == in_gradebook(theirs)
    assert in_gradebook(ours)["published"]["penalty"] > 0
    assert on_disk(ours) == on_disk(theirs)

    there = {path: path.stat().st_mtime_ns for path in ours.work.rglob("*") if path.is_file()}
    grade_and_enter(ours)
    now = {path: path.stat().st_mtime_ns for path in ours.work.rglob("*") if path.is_file()}
    changed = {path.name for path in now if now[path] != there.get(path)}
    assert changed <= {"lock"}

    for one in (ours, theirs):
        with Gradebook(f"sqlite:///{one.gradebook}") as book:
            for student in ("perfect", "published"):
                grades = book.find_submission_notebook(SLUG, SLUG, student).grades
                for number, grade in enumerate(sorted(grades, key=lambda grade: str(grade.name))):
                    if number % 2 or grade.auto_score is None:
                        grade.manual_score = 0.5
                    else:
                        grade.extra_credit = 0.25
                    grade.needs_manual_grade = False
            book.db.commit()
        notebook = one.submitted / "published" / SLUG / f"{SLUG}.ipynb"
        notebook.write_text(notebook.read_text().replace("def truncated_svd", "def other"))
    grade_and_enter(ours)
    for kept in ("results", "rounds"):  # graded once: the seconds that it took are in the notebook
        shutil.copytree(ours.work / kept, theirs.work / kept, dirs_exist_ok=True)
    commands.run_nbgrader(theirs, "autograde", SLUG, "published", force=True, create=True)
    for student in ("perfect", "published"):
        commands.run_nbgrader(theirs, "generate_feedback", SLUG, student, force=True)
    assert in_gradebook(ours) == in_gradebook(theirs)
    assert {g[4] for g in in_gradebook(ours)["published"]["grades"] if "check_" in g[0]} == {True}
    assert on_disk(ours) == on_disk(theirs)


# --- what is written ------------------------------------------------------------------------------


def test_points_are_a_plain_decimal_between_nothing_and_the_maximum() -> None:
    assignment = find_assignment(COURSE, SLUG)
    name = next(iter(assignment.functions))
    for earned in (0.0, 0.1 + 0.2, 1e-9, 1e9):
        checks = (Check("test", name, earned, "passed", "hidden", "", 0.0, "<b>title</b>"),)
        written = output(assignment, Result(SLUG, "p", None, "graded", 20.0, checks), name)
        points = float(written.data["text/plain"])
        assert 0 <= points <= assignment.functions[name]
        assert set(written.data["text/plain"]) <= set("0123456789.")
        assert "<b>title" not in written.data["text/html"]
