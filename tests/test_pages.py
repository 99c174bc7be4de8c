"""The pages in a real browser: a class with a hostile student in it is text everywhere, nothing
leaves a page, people who see badly or have a telephone can use it, and all numbers are the same.
"""

from __future__ import annotations

import csv
import datetime
import io
import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import tiny_course
from axe_playwright_python.sync_playwright import Axe
from click.testing import Result as Ended
from conftest import COURSE, warm
from nbgrader.api import Gradebook
from nbgrader.plugins import CsvExportPlugin
from playwright.sync_api import Browser, Page
from tiny_course import SLUG
from tinyhtml5.parser import HTMLParser

from autograder.assignment import Assignment, find_assignment
from autograder.course import Course
from autograder.gradebook import commands
from autograder.gradebook.marks import RESULT, Mark, Marks, roster
from autograder.pages import class_page, gathering
from autograder.pages.feedback import feedback_page
from autograder.pages.markup import formula, markdown
from autograder.pages.similarity_page import write_similarity_page
from autograder.results import Check, Curve, Diagnosis, Example, Result
from autograder.sandbox.process import Sandbox

pytestmark = pytest.mark.slow

EVIL = (
    '<img src=https://evil.example/x.png onerror="window.stolen=1"><script>window.stolen=1</script>'
)
FORMULA = '=HYPERLINK("https://evil.example/","click")'
HOSTILE = "=eve <b>"  # a folder's name is a student's name
RIGHT = "def halve(x, factor=0.5):\n    return x * factor\n"
TOTAL = "def total(x):\n    return x.sum()\n"
ANSWER = f"""\
# Why
{EVIL} and $a < b$, so $\\frac{{a}}{{2}} \\le \\sum_i b_i$, [a link](https://example.org/),
[another](javascript:window.stolen=1), ![a picture](https://evil.example/p.png)
$\\href{{javascript:window.stolen=1}}{{x}}$ $$\\text{{{EVIL}}}$$
"""
OWN = "".join(f"    y = y + {number} * abs(y)  # {EVIL}\n" for number in range(12))
THIRDS = (
    f"def halve(x, factor=0.5):\n    return x * factor * 2 / 3\ndef own(y):\n{OWN}    return y\n"
)
AXE = (
    "feedback of ada",
    "feedback of bob",
    "feedback of =eve <b>",
    "class",
    "anonymous",
    "similarity",
)
WORKS = {  # what each student's cells hold
    "ada": (RIGHT, TOTAL, "So that $\\frac12 + \\frac12 = 1$."),
    "bob": (THIRDS, TOTAL, ""),
    "cy": (THIRDS, TOTAL, "Because."),
    HOSTILE: (
        f"# {EVIL}\ndef halve(x):\n    raise ValueError({EVIL + FORMULA!r} + '\\x1b[31m\\u202e')\n",
        f"print({EVIL!r})\ndef total(x):\n    return {FORMULA!r}\n",
        ANSWER,
    ),
}


def hand_in(assignment: Assignment, student: str, halve: str, total: str, answer: str) -> None:
    """Lay a student's notebook, with hostile metadata and outputs in it."""
    made = json.loads(assignment.notebook.read_text(encoding="utf-8"))
    for cell in made["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if name in ("halve", "total"):
            cell["source"] = halve if name == "halve" else total
            cell["outputs"] = [
                {"output_type": "display_data", "data": {"text/html": EVIL}, "metadata": {}}
            ]
        elif name == "why_halve" and answer:
            cell["source"] = answer
    made["metadata"]["autograder"] = {"status": EVIL}
    made["metadata"]["title"] = EVIL
    path = assignment.course.submitted / student / SLUG / f"{SLUG}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(made), encoding="utf-8")
    (path.parent / "timestamp.txt").write_text("2026-03-02 12:00:00 UTC", encoding="utf-8")


@pytest.fixture(scope="module")
def course(
    released: Path, tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox
) -> Assignment:
    """A class in the gradebook: one late with a penalty, one overridden, one marked by hand, one
    who handed in nothing; their pages written.
    """
    root = Path(shutil.copytree(released, tmp_path_factory.mktemp("pages") / "course"))
    with (root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write("\nc.LateSubmissionPlugin.penalty_method = 'zero'\n")
    assignment = find_assignment(Course(root), SLUG)
    for student, work in WORKS.items():
        hand_in(assignment, student, *work)
    late = assignment.course.submitted / "cy" / SLUG / "timestamp.txt"
    late.write_text("2026-03-04 15:00:00 UTC", encoding="utf-8")
    url = f"sqlite:///{assignment.course.gradebook}"
    with Gradebook(url) as book:
        due = datetime.datetime(2026, 3, 3, 12, 0)
        book.update_or_create_assignment(SLUG, duedate=due)
        book.add_student("zoe", first_name="Zoë", last_name="Absent")
    with warm(sandbox):
        commands.enter(assignment)
    with Gradebook(url) as book:
        mark(book, "ada", "why_halve", 1.5, f"Well put. {EVIL}")
        mark(book, HOSTILE, "check_halve", 0.75, FORMULA)
    commands.write_feedback(assignment)
    class_page.write_class_page(assignment)
    class_page.write_class_page(assignment, anonymous=True)
    assert write_similarity_page(assignment)[1] == 1
    return assignment


def mark(book: Gradebook, student: str, cell: str, points: float, comment: str) -> None:
    """Mark by hand, as formgrader does."""
    grade = book.find_grade(cell, SLUG, SLUG, student)
    grade.manual_score, grade.needs_manual_grade = points, False
    beside = cell.removeprefix("check_")  # formgrader's box is by the student's own cell
    book.find_comment(beside, SLUG, SLUG, student).manual_comment = comment
    book.db.commit()


def feedback_file(assignment: Assignment, student: str) -> Path:
    return assignment.course.feedback / student / SLUG / f"{SLUG}.html"


def pages(assignment: Assignment) -> dict[str, Path]:
    """Every page of ours, by a short name."""
    report = assignment.course.report
    found = {f"feedback of {who}": feedback_file(assignment, who) for who in WORKS}
    found["similarity"] = report / f"{SLUG}-similarity.html"
    found |= {"class": report / f"{SLUG}.html", "anonymous": report / f"{SLUG}-anonymous.html"}
    return found


@pytest.fixture
def opened(browser: Browser) -> Iterator[Any]:
    """Opens a page; nothing but that file may be asked for, and no script but ours may run."""
    contexts, asked = [], []

    def open_page(file: Path, *, width: int = 1280, dark: bool = False) -> Page:
        scheme = "dark" if dark else "light"
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("dialog", lambda dialog: asked.append(f"dialog: {dialog.message}"))
        page.goto(file.as_uri())
        return page

    yield open_page
    for context in contexts:
        for page in context.pages:
            assert page.evaluate("window.stolen") is None
        context.close()
    assert all(url.startswith(("file:", "data:image/")) for url in asked), asked


# --- hostile --------------------------------------------------------------------------------------


def test_a_hostile_submission_is_text_on_every_page(course: Assignment, opened: Any) -> None:
    """What a browser makes of each page: no element and no address of theirs; and the fixture saw
    no script of theirs run and no request leave.
    """
    for name, file in pages(course).items():
        page = opened(file)
        scripts = page.locator("script:not([type='application/json'])").count()
        assert scripts == (1 if name in ("class", "anonymous") else 0), name
        alive = page.evaluate(
            "[...document.querySelectorAll('*')].flatMap(e => [...e.attributes].map(a => [e.tagName,"
            " a.name, a.value])).filter(([t, n, v]) => n.startsWith('on') || n === 'style' ||"
            " /javascript:/i.test(v) || (/evil/.test(v) && n !== 'href' && t !== 'TR'))"
        )
        assert alive == [], name
        links = page.eval_on_selector_all("a[href]", "all => all.map(a => a.protocol)")
        assert set(links) <= {"https:", "file:"}, name
    page = opened(feedback_file(course, HOSTILE))
    assert "<script>window.stolen=1" in page.inner_text("body").replace("< ", "<")
    assert page.locator("math mfrac").count() == 1
    text = feedback_file(course, HOSTILE).read_text(encoding="utf-8")
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_no_cell_of_the_table_is_a_formula(course: Assignment) -> None:
    text = class_page.as_csv(class_page.table(gathering.gather(course)))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["student"] for row in rows] == sorted(["'" + HOSTILE, "ada", "bob", "cy", "zoe"])
    for row in rows:
        for value in row.values():
            number = re.fullmatch(r"-?\d+(\.\d+)?", value)
            assert number or not value.startswith(("=", "+", "-", "@", "\t", "\r")), value


def test_no_hidden_check_is_on_a_page(course: Assignment) -> None:
    hidden = [line.strip() for line in tiny_course.HIDDEN.splitlines()]
    code = [line for line in hidden if line.startswith(("A =", "close(", "x =", "def "))]
    assert code
    for name, file in pages(course).items():
        text = file.read_text(encoding="utf-8")
        assert not [line for line in code if line in text], name


def test_a_page_without_names_has_no_word_of_anybodys(course: Assignment) -> None:
    text = pages(course)["anonymous"].read_text(encoding="utf-8")
    for word in (*WORKS, "zoe", "Zoë", "Absent", "stolen", "ValueError", "2026-03", "feedback/"):
        assert not re.search(rf"(?<![\w]){re.escape(word)}(?![\w])", text), word
    assert "student 1" in text


# --- for everybody --------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "dark"), [(390, True), (1280, False)], ids=["dark", "light"])
def test_axe_finds_nothing_serious(course: Assignment, opened: Any, width: int, dark: bool) -> None:
    shown = pages(course)
    for name in AXE:
        page = opened(shown[name], width=width, dark=dark)
        if name == "class":
            page.click("#class tbody button >> nth=1")
        found = Axe().run(page).response
        assert len(found["passes"]) > 15, "axe looked at nothing"
        serious = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
        told = [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in serious]
        assert not told, f"{name}: {told}"
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{name} is {wide} px wide"


def test_headings_are_in_order_and_pages_small(course: Assignment, opened: Any) -> None:
    for name, file in pages(course).items():
        page = opened(file)
        levels = page.eval_on_selector_all(
            "h1,h2,h3,h4,h5,h6",
            "all => all.filter(h => !h.closest('dialog')).map(h => +h.tagName[1])",
        )
        assert levels[0] == 1, name
        assert all(after <= before + 1 for before, after in pairwise(levels))
        assert page.get_attribute("html", "lang") == "en"
        assert page.evaluate("document.compatMode") == "CSS1Compat"
        assert file.stat().st_size < 150_000, name


def test_pages_are_valid_html_with_each_id_once(course: Assignment, opened: Any) -> None:
    """By a parser that tells every error of HTML's own list; axe has looked at what elements say."""
    for name, file in pages(course).items():
        parser = HTMLParser()
        parser.parse(file.read_text(encoding="utf-8"))
        assert parser.errors == [], name
        ids = opened(file).eval_on_selector_all("[id]", "all => all.map(one => one.id)")
        assert len(ids) == len(set(ids)), name


def test_a_printed_page_has_no_tools_and_everything_else(course: Assignment, opened: Any) -> None:
    page = opened(pages(course)["class"])
    assert page.is_visible("#filter")
    page.emulate_media(media="print")
    assert not page.is_visible("#filter")
    assert page.is_visible("#class")


# --- the class page -------------------------------------------------------------------------------


def test_the_class_page_begins_with_what_was_not_understood(
    course: Assignment, opened: Any
) -> None:
    page = opened(pages(course)["class"])
    first = page.inner_text("header")
    assert "fail this: " in first
    assert "The mistake that most share (2 students): Divides by three, of all numbers." in first
    assert page.inner_text("#shared ~ details summary").startswith("2 Divides by three")
    page.click("#shared ~ details summary")
    assert "x * factor * 2 / 3" in page.inner_text("#shared ~ details pre")
    told = page.inner_text("section[aria-labelledby=problems]")
    assert "Zoë Absent (zoe): missing" in told


def test_tables_sort_and_filter_and_a_row_opens_a_result(course: Assignment, opened: Any) -> None:
    page = opened(pages(course)["class"])
    names = "all => all.filter(r => !r.hidden).map(r => r.dataset.student)"
    rows = "#class tbody tr"
    page.click("#class thead button >> nth=1")
    by_points = page.eval_on_selector_all(rows, names)
    assert (by_points[0], by_points[-1]) == ("ada", "zoe")
    page.fill("#filter", "divides by")
    assert sorted(page.eval_on_selector_all(rows, names)) == ["bob", "cy"]
    assert page.inner_text("#found") == "2 of 5 students"
    page.fill("#filter", "")
    page.select_option("#which", "late")
    assert page.eval_on_selector_all(rows, names) == ["cy"]
    page.click(f"{rows} >> visible=true >> button")
    assert "halve behaves like this: Divides by three" in page.inner_text("#detail")


# --- one number -----------------------------------------------------------------------------------


def test_points_are_the_same_everywhere(
    course: Assignment, opened: Any, command: Callable[..., Ended], tmp_path: Path
) -> None:
    """The gradebook's, with an override, a comment's points and a penalty, on every page, in the
    table and in nbgrader's export; and those of the checks as the command `grade` gives them.
    """
    with Gradebook(f"sqlite:///{course.course.gradebook}") as book:
        expected = {}
        for submission in book.assignment_submissions(SLUG):
            penalty = submission.late_submission_penalty
            expected[submission.student.id] = max(0.0, submission.score - penalty)
    assert expected == {"ada": 6.0, "bob": 1.9, "cy": 0.0, HOSTILE: 0.75}
    found = roster(course.course, SLUG)
    assert {who: marks.total for who, marks in found.marks.items()} == expected
    table = csv.DictReader(
        io.StringIO(class_page.as_csv(class_page.table(gathering.gather(course))))
    )
    assert {
        row["student"].removeprefix("'"): float(row["total"]) for row in table if row["total"]
    } == expected
    with Gradebook(f"sqlite:///{course.course.gradebook}") as book:
        CsvExportPlugin(to=str(tmp_path / "grades.csv")).export(book)
    exported = csv.DictReader((tmp_path / "grades.csv").read_text(encoding="utf-8").splitlines())
    assert {
        row["student_id"]: float(row["score"]) for row in exported if row["timestamp"]
    } == expected
    assert command(course.course.root, "grade", SLUG, "--json", tmp_path / "r.jsonl").exit_code == 0
    for text in (tmp_path / "r.jsonl").read_text(encoding="utf-8").splitlines():
        result = json.loads(text)
        cells = found.marks[result["student"]].cells.values()
        assert sum(mark.automatic or 0.0 for mark in cells) == pytest.approx(result["score"])
    page = opened(pages(course)["class"])
    cells = page.eval_on_selector_all(
        "#class tbody tr", "all => all.map(r => [r.dataset.student, r.cells[2].textContent])"
    )
    assert {who: float(total) for who, total in cells if who != "zoe"} == expected
    for who, total in expected.items():
        head = opened(feedback_file(course, who)).inner_text(".score")
        assert head.startswith(f"{total:g} of 6.5 points"), who
    assert "−1.9" in opened(feedback_file(course, "cy")).inner_text("main")
    overridden = opened(feedback_file(course, HOSTILE)).inner_text("main")
    assert "set by hand; the checks gave 0" in overridden
    assert FORMULA in overridden, "what was said of a function"
    assert "Well put." in opened(feedback_file(course, "ada")).inner_text("main")


# --- what is known of a function ------------------------------------------------------------------


def page_of(*diagnoses: Diagnosis, curve: Curve | None = None) -> str:
    """The feedback page of a result that lost the first function."""
    assignment = find_assignment(COURSE, "sgd_factorisation")
    function = next(iter(assignment.functions))
    check = Check(
        "test", function, 8.0, "failed", "hidden", "off by 2", 0.1, "It is right.", "Look."
    )
    made = replace(check, curve=curve)
    result = Result(assignment.slug, "", None, "graded", 20.0, (made,), diagnoses)
    notebook = {"metadata": {RESULT: result.to_json()}, "cells": []}
    return feedback_page(assignment, "ada", notebook, None)


def test_a_diagnosis_is_told_in_words_with_its_example() -> None:
    function = "sgd_factorise"
    example = Example("f([<1>], rank=1)", "", "nan", "2")
    page = page_of(Diagnosis(function, "", "A sign", "Which way is `down`?", "edit", example))
    assert "right answer with this changed: <b>A sign</b>" in page
    assert "<code>down</code>" in page
    assert "f([&lt;1&gt;], rank=1)" in page
    unnamed = page_of(Diagnosis(function, "", "", "", "", example))
    assert "The smallest example" in unnamed
    assert "This behaves" not in unnamed
    alone = page_of(Diagnosis(function, "", "", "", "", None, "a group"))
    assert "a group" not in alone
    assert "Look first at" in alone


def test_points_of_an_answer_that_waits_again_stand_where_they_are_counted() -> None:
    assignment = find_assignment(COURSE, "sgd_factorisation")
    (name,) = assignment.written
    for by_hand, told in ((True, "waits to be marked again"), (False, "not marked yet")):
        mark = Mark(name, 1.0 if by_hand else 0.0, 4.0, None, by_hand, open=True)
        page = feedback_page(
            assignment, "ada", {"metadata": {}, "cells": []}, Marks("ada", "", {name: mark})
        )
        row = page[page.index(f'href="#w-{name}"') :].split("</tr>")[0]
        assert told in row
        assert (">1<" in row) is by_hand
        assert (">–<" in row) is not by_hand


@pytest.mark.parametrize("waits", [True, False])
def test_a_comment_says_of_which_answer_it_is(waits: bool) -> None:
    assignment = find_assignment(COURSE, "sgd_factorisation")
    (written,), function = assignment.written, next(iter(assignment.functions))
    marks = {
        cell: Mark(cell, 1.0, 4.0, automatic, True, waits, "Read it again.")
        for cell, automatic in ((written, None), (f"check_{function}", 2.0))
    }
    page = feedback_page(assignment, "ada", {"metadata": {}, "cells": []}, Marks("ada", "", marks))
    for place in (f'id="w-{written}"', f'id="f-{function}"'):
        section = page[page.index(place) :].split("</section>")[0]
        heading, _, comment = section.partition("</h2>")
        assert heading.endswith("1 of 4 points, on the answer before" if waits else " points")
        assert ("<b>Comment on the answer before</b>" in comment) is waits
        assert ("<b>Comment</b>" in comment) is not waits


@pytest.mark.parametrize("kept", [None, {}, {"status": "graded", "tests": [{}]}, [], "graded"])
def test_what_another_version_graded_is_still_a_page(kept: Any) -> None:
    assignment = find_assignment(COURSE, "sgd_factorisation")
    metadata = {} if kept is None else {RESULT: kept}
    page = feedback_page(assignment, "ada", {"metadata": metadata, "cells": []}, None)
    assert "These points come from the gradebook alone" in page


def test_a_curve_is_drawn_on_the_floor_and_told_in_words() -> None:
    curve = Curve("the loss", 50, (3.0, 1.0, 0.5, None), (3.0, 1.0, 0.2, 0.1), 0.1)
    page = page_of(curve=curve)
    assert 'class="floor"' in page
    assert "went from 3 to 0.5, and then to no number; the rule ends at 0.1" in page


# --- what a student wrote -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        r"\frac{a}{b}",
        r"\left\|A - U V^T\right\|_F^2 = \sum_{i>r} \sigma_i^2",
        r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}",
        r"\nabla f(x) \le \text{a < b & c}",
    ],
)
def test_a_formula_is_mathml(source: str) -> None:
    assert formula(source).startswith("<math")
    assert "<script" not in formula(source)


@pytest.mark.parametrize(
    "source",
    [
        r"\newcommand{\a}{\a\a}\a",
        r"\def\a{aa}\a",
        r"\href{javascript:alert(1)}{x}",
        "{" * 390,
        "x" * 401,
        r"\frac",
    ],
)
def test_what_is_no_modest_formula_is_its_own_text(source: str) -> None:
    assert formula(source).startswith("<code>")


def test_markup_inside_a_formula_is_text() -> None:
    for source in (r"\text{<script>x</script>}", "<img src=x>", r"\unicode{x3c}", "&lt;b&gt;"):
        assert not re.search(r"<(?!/?m|/?code)", formula(source)), source
        assert not re.search(r"<(script|img|b)\b", markdown(f"${source}$ and {source}"))
