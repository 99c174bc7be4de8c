"""The life of an assignment, from release to the exported table: a real exchange, an instructor and
three students, each step by nbgrader's own command or in formgrader, in a real browser.

The tests of this file are one story, told in order; each begins where the one before it ended.

ann     hands in twice; the second version is right
bob     hands in a day and a half late, with a mistake and a written answer
cy      hands in a module alone
eve     comes without the exchange, and with scripts in everything
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import nbformat
import pytest
import tiny_course
from click.testing import Result as Done
from conftest import ROOT, warm
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderApp
from nbgrader.validator import Validator

from autograder.assignment import Assignment, find_assignment
from autograder.authoring.release import release
from autograder.course import Course
from autograder.gradebook import commands
from autograder.gradebook.marks import database
from autograder.sandbox.process import Sandbox

pytestmark = pytest.mark.slow

SLUG = tiny_course.SLUG
DUE = "2031-03-01 12:00:00 UTC"
COURSE_TOML = """\
course_id = "tiny"
exchange = "{exchange}"

[late]
policy = "percent"
percent = 10

[extensions.halves]
ann = 1
"""
STUDENT_CONFIG = """\
c = get_config()
c.CourseDirectory.course_id = "tiny"
c.CourseDirectory.student_id = "{name}"
c.Exchange.root = "{exchange}"
c.Exchange.timestamp_format = "{moment}"
c.ExchangeFactory.fetch_feedback = "autograder.gradebook.exchange.FetchFeedback"
"""
WRONG = "def halve(x, factor=0.5):\n    return x * factor * 2 / 3"
RIGHT = "def halve(x, factor=0.5):\n    return x * factor"
TOTAL = "def total(x):\n    return x.sum()"
ANSWER = "Because $\\frac{1}{2} < 1$."
SCRIPT = "<script>document.title = 'stolen'; fetch('http://evil.example/')</script>"
ALIVE = (
    f"{SCRIPT} <img src='http://evil.example/x.png' onerror=alert(1)> [x](javascript:alert(1)) "
    "$\\text{<script>alert(1)</script>}$ $\\href{javascript:alert(1)}{x}$ <style>*{color:red}</style>"
)
WIDE = f"{'w' * 600}\n\n${'x' * 600}$\n\n|{'t' * 600}|\n|-|\n|1|"


@dataclass
class Person:
    """Somebody with a home of their own."""

    name: str
    home: Path
    folder: Path  # where they work

    def nbgrader(self, *words: str, status: int = 0) -> str:
        """Run a command of nbgrader's as this person; gives what it said. The process is a fork of
        this one, as starting nbgrader takes 3 s of processor time.
        """
        log = self.home / "nbgrader.log"
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                code = self._become(log, words)
            finally:
                os._exit(code)
        _, ended = os.waitpid(pid, 0)
        said = log.read_text(encoding="utf-8", errors="replace")
        assert os.waitstatus_to_exitcode(ended) == status, f"{words}: {said}"
        return said

    def _become(self, log: Path, words: tuple[str, ...]) -> int:
        """In the fork: be this person, and run a command."""
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        for output in (1, 2):
            os.dup2(descriptor, output)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        Validator.stream = sys.stdout  # the one of when it was loaded, otherwise
        os.environ |= self.environment()
        os.chdir(self.folder)
        NbGraderApp.clear_instance()
        try:
            NbGraderApp.launch_instance(list(words))
        except SystemExit as ended:
            return ended.code if isinstance(ended.code, int) else int(bool(ended.code))
        except BaseException:
            sys.excepthook(*sys.exc_info())
            return 1
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
        return 0

    def environment(self) -> dict[str, str]:
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        config, data = self.home / ".jupyter", self.home / "data"
        return {
            "HOME": str(self.home),
            "JUPYTER_CONFIG_DIR": str(config),
            "JUPYTER_DATA_DIR": str(data),
            "JUPYTER_RUNTIME_DIR": str(self.home / "run"),
            "PATH": path,
        }


@dataclass
class Term:
    """The course, its people, and what a browser sees of it."""

    assignment: Assignment
    instructor: Person
    students: dict[str, Person]
    exchange: Path
    sent: list[str] = field(default_factory=list)  # requests of pages that left this machine
    faults: list[str] = field(default_factory=list)  # of scripts on pages

    @property
    def course(self) -> Course:
        return self.assignment.course

    def clock(self, name: str, moment: str) -> None:
        """Set a student's clock, as far as nbgrader looks at it."""
        person = self.students[name]
        text = STUDENT_CONFIG.format(name=name, exchange=self.exchange, moment=moment)
        config = person.home / ".jupyter" / "nbgrader_config.py"
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text(text, encoding="utf-8")

    def gradebook(self, student: str) -> dict[str, Any]:
        """What nbgrader's gradebook says of a student."""
        with Gradebook(database(self.course)) as book:
            submission = book.find_submission(SLUG, student)
            grades = submission.notebooks[0].grades
            return {
                "raw": submission.score,
                "lost": submission.late_submission_penalty,
                "waits": submission.needs_manual_grade,
                "auto": {grade.name: grade.auto_score for grade in grades},
                "manual": {grade.name: grade.manual_score for grade in grades},
                "open": {grade.name for grade in grades if grade.needs_manual_grade},
                "notebook": submission.notebooks[0].id,
            }


@pytest.fixture(scope="module")
def term(tmp_path_factory: pytest.TempPathFactory) -> Term:
    place = tmp_path_factory.mktemp("life")
    root, exchange = place / "course", place / "exchange"
    tiny_course.write(root)
    staff = root / "reference_solutions" / SLUG
    (staff / "rubric.md").write_text("## why_halve\n\n- 1 for the *other* half $h$\n", "utf-8")
    (root / "course.toml").write_text(COURSE_TOML.format(exchange=exchange), encoding="utf-8")
    config = (ROOT / "nbgrader_config.py").read_text(encoding="utf-8")
    (root / "nbgrader_config.py").write_text(config, encoding="utf-8")
    people = {}
    for name in ("instructor", "ann", "bob", "cy"):
        home = place / name
        (home / "work").mkdir(parents=True)
        people[name] = Person(name, home, home / "work")
    people["instructor"].folder = root
    instructor = people.pop("instructor")
    made = Term(find_assignment(Course(root), SLUG), instructor, people, exchange)
    for name in people:
        made.clock(name, "2031-02-27 09:00:00.000000 UTC")
    return made


def write_answers(person: Person, halve: str, answer: str = "") -> None:
    """Work: fill a student's own notebook in."""
    file = person.folder / SLUG / f"{SLUG}.ipynb"
    notebook = nbformat.read(file, as_version=4)
    texts = {"halve": halve, "total": TOTAL, "why_halve": answer}
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if texts.get(name):
            cell.source = texts[name]
    file.write_text(nbformat.writes(notebook), encoding="utf-8")


# --- out, and in ----------------------------------------------------------------------------------


def test_the_assignment_goes_out(term: Term, command: Callable[..., Done]) -> None:
    release([term.assignment])
    commands.generate(term.assignment)
    roster = term.instructor.home / "class.csv"
    roster.write_text(
        "id;first name;last name\nann;Ann;Arbor\nbob;Bob;Byte\ncy;Cy;Clone\n", "utf-8"
    )
    assert command(term.course.root, "students", "import", roster).stdout.startswith("3 new")
    term.instructor.nbgrader("db", "assignment", "add", SLUG, "--duedate", DUE)
    term.instructor.nbgrader("release_assignment", SLUG)
    for student in term.students.values():
        student.nbgrader("fetch_assignment", SLUG)
        assert (student.folder / SLUG / "conftest.py").is_file()


def test_students_work_validate_and_hand_in(term: Term) -> None:
    ann, bob, cy = term.students.values()
    write_answers(ann, WRONG)
    ann.nbgrader("submit", SLUG)
    write_answers(ann, RIGHT, ANSWER)
    said = ann.nbgrader("validate", f"{SLUG}/{SLUG}.ipynb")
    assert "Success! Your notebook passes all the tests." in said
    term.clock("ann", "2031-03-02 11:00:00.000000 UTC")  # late, within her extension
    ann.nbgrader("submit", SLUG)
    write_answers(bob, WRONG, "It $x^2$ belongs to the other.")
    term.clock("bob", "2031-03-02 23:00:00.000000 UTC")  # a day and 11 hours late
    bob.nbgrader("submit", SLUG)
    (cy.folder / SLUG / f"{SLUG}.ipynb").unlink()
    (cy.folder / SLUG / f"{SLUG}.py").write_text(
        f"import torch\n\n\n{RIGHT}\n\n\n{TOTAL}\n", "utf-8"
    )
    assert "MISSING" in cy.nbgrader("submit", SLUG)


def test_the_exchange_is_collected_and_nobody_elses_file_with_it(term: Term) -> None:
    inbound = term.exchange / "tiny" / "inbound"
    forged = inbound / f"<img src=x onerror=alert(1)>+{SLUG}+2031-03-01 00:00:00 UTC"
    forged.mkdir()
    mine = next(inbound.glob("cy+*"))
    os.chmod(mine, 0o777)
    (mine / "notes.ipynb").symlink_to(term.assignment.solution)
    said = term.instructor.nbgrader("collect", SLUG)
    assert "nobody is called so" in said
    assert sorted(os.listdir(term.course.submitted)) == ["ann", "bob", "cy"]
    assert not (term.course.submitted / "cy" / SLUG / "notes.ipynb").exists()
    handed_in = term.course.submitted / "ann" / SLUG / f"{SLUG}.ipynb"
    assert "factor * 2 / 3" not in handed_in.read_text(encoding="utf-8")


def test_the_command_grades_the_class(term: Term, sandbox: Sandbox) -> None:
    with warm(sandbox):
        said = term.instructor.nbgrader("autograde", SLUG)
    assert "SAWarning" not in said
    assert term.gradebook("ann")["auto"] == {
        "check_halve": 3,
        "check_total": 1.5,
        "why_halve": None,
    }
    assert term.gradebook("ann")["lost"] == 0
    bob = term.gradebook("bob")
    assert bob["auto"] == {"check_halve": 0.4, "check_total": 1.5, "why_halve": None}
    assert bob["lost"] == pytest.approx(1.9 * 0.2)
    assert (bob["waits"], bob["open"]) == (True, {"why_halve"})
    shown = term.course.work / "autograded" / "cy" / SLUG / f"{SLUG}.ipynb"
    cells = {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in nbformat.read(shown, as_version=4).cells
        if "nbgrader" in cell.metadata
    }
    assert (cells["halve"], cells["total"]) == (RIGHT, TOTAL)
    assert term.gradebook("cy")["raw"] == 4.5


# --- formgrader -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(term: Term) -> Iterator[str]:
    """`autograder formgrader`, as an instructor starts it; gives the address that it prints."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    start = "import sys; from autograder.cli import main; sys.argv[0] = 'autograder'; main()"
    command = [sys.executable, "-c", start, "formgrader", "--port", str(port), "--no-browser"]
    log = term.instructor.home / "server.log"
    environment = os.environ | term.instructor.environment()
    environment["AUTOGRADER_COURSE"] = str(term.course.root)
    with open(log, "wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        deadline = time.monotonic() + 120
        while not (found := re.search(r"http://127\.0\.0\.1:\S+", log.read_text("utf-8"))):
            assert process.poll() is None, log.read_text("utf-8")
            assert time.monotonic() < deadline, log.read_text("utf-8")
            time.sleep(0.2)
        yield found[0]
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


@pytest.fixture(scope="module")
def page(term: Term, browser: Any, server: str) -> Iterator[Any]:
    """A tab of the instructor's browser, from which nothing that is not this machine is reached."""
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    tab.set_default_timeout(120_000)
    local = server.split("?")[0].removesuffix("/formgrader")
    tab.on("request", lambda sent: sent.url.startswith(local) or term.sent.append(sent.url))
    tab.on("pageerror", lambda error: term.faults.append(str(error)))
    tab.on("dialog", lambda dialog: (term.faults.append(dialog.message), dialog.dismiss()))
    tab.goto(server)
    tab.wait_for_load_state("networkidle")
    tab.local = local
    yield tab
    tab.close()


def open_submission(page: Any, term: Term, student: str) -> None:
    """Open formgrader's page of a student's submission, and wait for its scores."""
    page.goto(f"{page.local}/formgrader/submissions/{term.gradebook(student)['notebook']}/")
    page.wait_for_load_state("networkidle")
    page.wait_for_function("typeof formgrader !== 'undefined' && formgrader.loaded")


def set_score(page: Any, cell: str, points: str) -> None:
    """Type points into a cell's box, as a marker does, and wait until formgrader has kept them."""
    with page.expect_response(lambda answer: "/api/grade/" in answer.url and answer.ok):
        page.fill(f"input#{cell}", points)
        page.press(f"input#{cell}", "Tab")


def test_formgrader_opens_itself_and_lists_the_class(page: Any, term: Term) -> None:
    assert page.url.endswith("/formgrader/manage_assignments")
    page.goto(f"{page.local}/formgrader/manage_submissions/{SLUG}")
    page.wait_for_selector("text=Byte, Bob")
    rows = {
        row.split("\t")[1].strip(): row for row in page.locator("#main-table tr").all_inner_texts()
    }
    assert set(rows) == {"ann", "bob", "cy"}
    assert "needs manual grading" in rows["bob"]
    assert "4.5 / 6.5" in rows["cy"]


def test_the_button_grades_a_module_alone_and_a_hostile_notebook(page: Any, term: Term) -> None:
    """eve's folder was copied by hand; cy's has no notebook any more."""
    eve = term.course.submitted / "eve" / SLUG
    eve.mkdir(parents=True)
    notebook = nbformat.read(term.assignment.notebook, as_version=4)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name == "halve":
            cell.source = f"def halve(x, factor=0.5):\n    raise ValueError({ALIVE!r})"
        elif name == "why_halve":
            cell.source = f"{ALIVE}\n\n# check_halve\n\n# why_halve-comment\n\n{WIDE}"
        elif cell.cell_type == "code":
            html = {"text/html": SCRIPT, "text/plain": "3"}
            cell.outputs = [nbformat.v4.new_output("execute_result", html)]
        cell.metadata["note"] = SCRIPT
    notebook.cells.append(nbformat.v4.new_raw_cell(SCRIPT))
    notebook.metadata["title"] = notebook.metadata["authors"] = SCRIPT
    (eve / f"{SLUG}.ipynb").write_text(nbformat.writes(notebook), encoding="utf-8")
    (eve / "note.txt").write_text(SCRIPT, encoding="utf-8")
    (term.course.submitted / "cy" / SLUG / f"{SLUG}.ipynb").unlink()
    page.goto(f"{page.local}/formgrader/manage_submissions/{SLUG}")
    for student in ("cy", "eve"):
        row = page.locator(
            "#main-table tr", has=page.locator(f"td.student-id:text-is('{student}')")
        )
        row.locator("td.autograde a").click()
        page.wait_for_selector("#success-modal, #error-modal")
        assert page.locator("#success-modal").count() == 1, page.locator(".modal-body").inner_text()
        page.click("#success-modal .modal-footer button")
        page.wait_for_selector("#success-modal", state="detached")
    assert term.gradebook("cy")["raw"] == 4.5
    assert term.gradebook("eve")["auto"]["check_halve"] == 0


def test_the_marker_sees_what_a_mark_needs_and_gives_it(page: Any, term: Term) -> None:
    open_submission(page, term, "bob")
    beside = page.locator(".model-answer")
    assert "the other half belongs to somebody else" in beside.inner_text()
    assert "1 for the other half" in beside.inner_text()
    assert beside.locator("math").count() == 1
    answer = page.locator(".nbgrader_cell", has=page.locator("input#why_halve"))
    assert answer.locator("math msup").count() == 1
    assert abs(answer.bounding_box()["y"] - beside.bounding_box()["y"]) < 60, "not side by side"
    assert "bob" not in page.content() and "Byte" not in page.content()
    set_score(page, "why_halve", "1.5")
    with page.expect_response(lambda answer: "/api/comment/" in answer.url and answer.ok):
        page.fill("textarea#why_halve-comment", "Nearly: whose half?")
        page.press("textarea#why_halve-comment", "Tab")
    set_score(page, "check_halve", "2")
    open_submission(page, term, "ann")
    set_score(page, "why_halve", "2")
    bob = term.gradebook("bob")
    assert bob["manual"] == {"check_halve": 2, "check_total": None, "why_halve": 1.5}
    assert (bob["waits"], bob["raw"]) == (False, 5.0)
    open_submission(page, term, "bob")
    assert "Marked by hand: 2 points, in the place of the checks' 0.4." in page.content()


def test_a_name_is_there_where_the_course_wants_it(page: Any, term: Term) -> None:
    file = term.course.root / "course.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text("names = true\n" + text, encoding="utf-8")
    open_submission(page, term, "bob")
    assert page.locator("a.name-shown").inner_text().strip() == "Byte, Bob"
    file.write_text(text, encoding="utf-8")


def test_nothing_of_a_hostile_notebook_runs_or_reaches_out(page: Any, term: Term) -> None:
    open_submission(page, term, "eve")
    page.wait_for_timeout(300)
    assert page.title() == SLUG
    assert "document.title" in page.inner_text("body")
    assert page.locator("#notebook script, #notebook img, #notebook style").count() == 0
    assert page.locator("a[href^=javascript]").count() == 0
    for box in ("check_halve", "why_halve-comment"):  # a script of formgrader's looks for these
        assert page.locator(f"[id='{box}']").count() == 1, box
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    assert term.sent == []
    assert term.faults == []


@pytest.mark.parametrize("page_of", ["manage_students/{}", f"manage_students/{{}}/{SLUG}"])
def test_no_address_of_formgraders_runs_a_script(page: Any, term: Term, page_of: str) -> None:
    """As any link may lead to one, and a link in an answer does at a click."""
    for words in ("<img src=x onerror=window.stolen=1>", '";window.stolen=1;x="'):
        page.goto(f"{page.local}/formgrader/{page_of.format(quote(words))}")
        page.wait_for_load_state("networkidle")
        assert page.evaluate("window.stolen") is None
        assert words in page.inner_text(".breadcrumb")


def test_no_address_has_formgrader_run_the_settings_of_a_submission(
    page: Any, term: Term, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    settings = term.course.submitted / "eve" / SLUG / "nbgrader_config.py"
    settings.write_text(f"open({str(ran)!r}, 'w')\nc = get_config()\n", encoding="utf-8")
    page.goto(f"{page.local}/formgrader/?path={settings.parent}")
    assert page.url.endswith("/formgrader/manage_assignments")
    assert not ran.exists()
    settings.unlink()


def test_what_is_no_page_of_formgraders_runs_nothing(page: Any, term: Term) -> None:
    evil = term.course.submitted / "eve" / SLUG / "evil.html"
    evil.write_text("<script>document.title = 'stolen'</script>", encoding="utf-8")
    up = quote(f"../../../submitted/eve/{SLUG}/evil.html", safe="")
    page.goto(f"{page.local}/formgrader/submissions/{term.gradebook('eve')['notebook']}/{up}")
    assert "stolen" not in (page.title(), page.evaluate("document.title"))
    evil.unlink()
    answer = page.request.get(f"{page.local}/formgrader/api/students")
    assert "sandbox" in answer.headers["content-security-policy"]


# --- regrade, and back ----------------------------------------------------------------------------


def test_a_corrected_check_regrades_and_marks_stay(term: Term, sandbox: Sandbox) -> None:
    """The two public checks of halve turn out to be worth something else, which gives bob a point.
    What a person gave stays as it is, and stays done.
    """
    file = term.assignment.checks[0]
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("(1.6)", "(0.6)").replace("(0.4)", "(1.4)"), encoding="utf-8")
    with warm(sandbox):
        term.instructor.nbgrader("autograde", SLUG, "--force")
    bob = term.gradebook("bob")
    assert bob["auto"] == {"check_halve": 1.4, "check_total": 1.5, "why_halve": None}
    assert bob["manual"] == {"check_halve": 2, "check_total": None, "why_halve": 1.5}
    assert (bob["waits"], bob["raw"]) == (False, 5.0)
    assert bob["lost"] == pytest.approx(5.0 * 0.2)
    assert term.gradebook("ann")["waits"] is False


def test_a_changed_answer_waits_again_and_the_unchanged_ones_do_not(
    term: Term, sandbox: Sandbox
) -> None:
    ann = term.students["ann"]
    write_answers(ann, RIGHT, ANSWER + " I have thought again.")
    term.clock("ann", "2031-03-02 11:30:00.000000 UTC")
    ann.nbgrader("submit", SLUG)
    term.instructor.nbgrader("collect", SLUG, "--update")
    with warm(sandbox):
        term.instructor.nbgrader("autograde", SLUG)  # without --force: hers alone is newer
    assert term.gradebook("ann")["open"] == {"why_halve"}
    assert term.gradebook("ann")["manual"]["why_halve"] == 2
    assert term.gradebook("bob")["open"] == set()


def test_a_late_mark_costs_what_a_day_costs_without_another_grading(page: Any, term: Term) -> None:
    open_submission(page, term, "bob")
    set_score(page, "why_halve", "2")
    assert term.gradebook("bob")["lost"] == pytest.approx(5.0 * 0.2)
    term.instructor.nbgrader("generate_feedback", SLUG)
    assert term.gradebook("bob")["lost"] == pytest.approx(5.5 * 0.2)


def test_feedback_reaches_every_student_and_each_their_own(term: Term) -> None:
    said = term.instructor.nbgrader("release_feedback", SLUG)
    assert "Not released" in said and "eve" in said
    for name, student in term.students.items():
        student.nbgrader("fetch_feedback", SLUG)
        (page,) = (student.folder / SLUG / "feedback").rglob("*.html")
        text = page.read_text(encoding="utf-8")
        assert page.name == f"{SLUG}.html"
        assert ("Nearly: whose half?" in text) == (name == "bob")
        assert SCRIPT not in text
        book = term.gradebook(name)
        assert f"{book['raw'] - book['lost']:g}" in text


def test_every_page_and_table_has_the_same_points(
    page: Any, term: Term, command: Callable[..., Done]
) -> None:
    term.instructor.nbgrader("export", "--to", str(term.instructor.home / "grades.csv"))
    table = (term.instructor.home / "grades.csv").read_text(encoding="utf-8")
    exported = {row["student_id"]: row for row in csv.DictReader(io.StringIO(table))}
    assert exported["bob"]["last_name"] == "Byte"
    page.goto(f"{page.local}/formgrader/manage_submissions/{SLUG}")
    listed = page.evaluate(f"$.get('/formgrader/api/submissions/{SLUG}')")
    formgrader = {row["student"]: row for row in json.loads(listed)}
    graded = command(term.course.root, "grade", SLUG, "--json", "-", "--no-table").stdout
    results = {row["student"]: row for row in map(json.loads, graded.splitlines())}
    report = term.instructor.home / "report.csv"
    command(term.course.root, "report", SLUG, "--csv", report)
    told = {row["student"]: row for row in csv.DictReader(io.StringIO(report.read_text("utf-8")))}
    everybody = {"ann", "bob", "cy", "eve"}
    assert set(exported) == set(formgrader) == set(results) == set(told) == everybody
    for student in exported:
        book, row = term.gradebook(student), exported[student]
        assert float(row["raw_score"]) == pytest.approx(book["raw"])
        assert float(row["late_submission_penalty"]) == pytest.approx(book["lost"])
        assert float(row["score"]) == pytest.approx(book["raw"] - book["lost"])
        assert formgrader[student]["score"] == pytest.approx(book["raw"])
        assert float(told[student]["total"]) == pytest.approx(book["raw"] - book["lost"])
        automatic = {
            name.removeprefix("check_"): points
            for name, points in book["auto"].items()
            if name.startswith("check_")
        }
        assert sum(automatic.values()) == pytest.approx(results[student]["score"])
        shown = sum(
            points if book["manual"][name] is None else book["manual"][name]
            for name, points in book["auto"].items()
            if points is not None or book["manual"][name] is not None
        )
        assert shown == pytest.approx(book["raw"])
    assert float(exported["bob"]["score"]) == pytest.approx(5.5 * 0.8)


def test_no_page_reached_out_and_no_script_failed(term: Term) -> None:
    """All pages of this story, nbgrader's own among them."""
    assert term.sent == []
    assert term.faults == []
