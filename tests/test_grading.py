"""Nothing is lost: interruptions, broken stores, faults of ours, and what the command says and
exits with.
"""

from __future__ import annotations

import copy
import gc
import json
import math
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click.testing
import pytest
import tiny_course
from forked import Running
from test_hostile import descendants, timeless

from autograder.assignment import Assignment, read_assignment
from autograder.course import write_whole
from autograder.errors import SandboxLost, SandboxUnavailable
from autograder.grading import grader as grading
from autograder.grading import workers as working
from autograder.grading.faults import faults_in
from autograder.grading.grader import Grader
from autograder.grading.store import Store
from autograder.grading.student import Student
from autograder.grading.submission import Found, Submission, find
from autograder.grading.workers import grade_class
from autograder.results import Check, Curve, Diagnosis, Example, Result
from autograder.sandbox.process import Sandbox, Starting

SLUG = tiny_course.SLUG
RIGHT = tiny_course.VARIANT
WRONG = "def halve(x):\n    return x / 3\n\n\ndef total(x):\n    return x.sum()\n"
Command = Callable[..., click.testing.Result]
RESULT_KEYS = [
    "assignment",
    "submission",
    "student",
    "status",
    "score",
    "max_score",
    "tests",
    "diagnosis",
    "isolation",
]
RESULT_KEYS += ["grader", "seconds"]
CHECK_KEYS = ["name", "function", "points", "earned", "outcome", "visibility", "message", "seconds"]


@pytest.fixture
def course(tmp_path: Path) -> Path:
    tiny_course.write(tmp_path)
    return tmp_path


@pytest.fixture
def halves(course: Path) -> Assignment:
    return read_assignment(course / "reference_solutions" / SLUG)


@pytest.fixture
def grader(course: Path, halves: Assignment, sandbox: Sandbox) -> Iterator[Grader]:
    """A grader with a log, on the sandbox that all tests share."""
    with faults_in(course / "log" / "grading.log"):
        yield Grader(halves, "secret", sandbox=sandbox)


@pytest.fixture
def store(course: Path, grader: Grader) -> Store:
    return Store(course / "results", grader)


def graded(grader: Grader, found: Found, store: Store | None, *, again: bool = False) -> Result:
    """The result of one submission."""
    (result,) = grade_class(grader, [found], 1, store=store, again=again)
    return result


def hand_in(course: Path, count: int) -> list[Found]:
    """A class: right and wrong submissions by turns, no two alike."""
    for number in range(count):
        folder = course / "course" / "submitted" / f"student{number:02}" / SLUG
        folder.mkdir(parents=True)
        (folder / f"{SLUG}.py").write_text(
            f"{(RIGHT, WRONG)[number % 2]}\nNUMBER = {number}\n", encoding="utf-8"
        )
    return find(course / "course" / "submitted", SLUG)


def stored(course: Path) -> list[Path]:
    return sorted(course.rglob("results/**/*.json"))


def grade_command(*words: object) -> list[str]:
    return [str(Path(sys.executable).with_name("autograder")), "grade", *map(str, words)]


def environment() -> dict[str, str]:
    variables = {name: value for name, value in os.environ.items() if name != "AUTOGRADER_COURSE"}
    return variables | {"PYTHONUTF8": "1"}


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


# --- the store ------------------------------------------------------------------------------------


def test_a_result_is_kept_and_the_next_run_takes_it(
    course: Path, grader: Grader, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    (found,) = hand_in(course, 1)
    first = graded(grader, found, store)
    monkeypatch.setattr(Grader, "run", None)
    assert graded(grader, found, store) == first
    other = Found(found.path, "somebody else")
    assert graded(grader, other, store) == replace(first, student="somebody else")


def test_an_unchanged_class_starts_no_sandbox_and_no_process(
    course: Path, grader: Grader, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    submissions = hand_in(course, 3)
    first = list(grade_class(grader, submissions, 1, store=store))
    monkeypatch.setattr(Grader, "warm", None)
    monkeypatch.setattr(working, "Worker", None)
    assert list(grade_class(grader, submissions, 2, store=store)) == first


def test_a_class_of_which_nothing_has_changed_loads_no_torch(course: Path) -> None:
    hand_in(course, 2)

    def loaded() -> set[str]:
        variables = environment() | {"PYTHONPROFILEIMPORTTIME": "1"}
        done = subprocess.run(
            grade_command(SLUG),
            cwd=course,
            env=variables,
            capture_output=True,
            text=True,
            check=True,
        )
        return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}

    assert {"torch", "numpy"} < loaded()
    assert not {"torch", "numpy"} & loaded()


@pytest.mark.usefixtures("in_this_process")
def test_what_may_change_the_grade_makes_the_result_anew(
    course: Path, grader: Grader, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    (found,) = hand_in(course, 1)
    graded(grader, found, store)
    ran: list[Submission] = []
    monkeypatch.setattr(
        Grader, "run", lambda self, source, start: ran.append(source) or blank(self.assignment)
    )
    graded(grader, found, store, again=True)
    for other in (
        Grader(grader.assignment, "another", sandbox=grader.sandbox),
        Grader(grader.assignment, grader.secret, isolation="none", sandbox=grader.sandbox),
    ):
        graded(other, found, Store(course / "results", other))
    found.path.write_text(found.path.read_text() + "#\n")
    graded(grader, found, store)
    assert len(ran) == 4


def blank(assignment: Assignment) -> Result:
    return Result(assignment.slug, "", None, "graded", assignment.max_score)


@dataclass
class Graded:
    """A submission that was graded, its result, and the file that holds it."""

    grader: Grader
    store: Store
    found: Found
    result: Result
    file: Path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Graded:
    course = tmp_path_factory.mktemp("course")
    grader = Grader(read_assignment(tiny_course.write(course)), "secret", sandbox=sandbox)
    store = Store(course / "results", grader)
    (found,) = hand_in(course, 1)
    result = graded(grader, found, store)
    (file,) = stored(course)
    return Graded(grader, store, found, result, file)


DAMAGES = {
    "nothing": lambda text: b"",
    "a brace": lambda text: b"{",
    "a list": lambda text: b"[]",
    "null": lambda text: b"null",
    "no tests": lambda text: b'{"tests": 5}',
    "no UTF-8": lambda text: b"\xff\xfe",
    "zeros": lambda text: b"\0" * 500,
    "deep": lambda text: b"[" * 100_000,
    "half": lambda text: text[: len(text) // 2].encode(),
    "types": lambda text: json.dumps(json.loads(text) | {"tests": [7]}).encode(),
    "a field less": lambda text: json.dumps(without(json.loads(text), "walls")).encode(),
}


WHOLE = Result(
    SLUG,
    "",
    None,
    "graded",
    4.0,
    (Check("test_f", "f", 2, "failed", "hidden", "", 0.1, curve=Curve("loss", 3, (1e300, None))),),
    (Diagnosis("f", "m", "title", "h", example=Example("f()", "", "1", "2")),),
    walls=("seccomp",),
).to_json()
SLIPS = (
    *(("max_score", value) for value in ("4", None, True, math.nan, math.inf, 10**400)),
    *(("status", value) for value in ([], "gradde", None)),
    *(("walls", value) for value in ([5], None)),
    *(("tests", 0, "points", value) for value in ("2", None, [2], math.nan)),
    *(("tests", 0, "outcome", value) for value in ("paased", None, {})),
    *(("tests", 0, "message", value) for value in (5, None, ["x"])),
    *(("tests", 0, "curve", "yours", value) for value in (["1"], "1", [math.inf])),
    *(("tests", 0, "curve", value) for value in (5, [], "x")),
    *(("diagnosis", 0, "title", value) for value in (5, None)),
    *(("diagnosis", 0, "how", value) for value in ("", "bakn", 5)),
    *(("diagnosis", 0, "example", "call", value) for value in (5, None)),
)


@pytest.mark.parametrize("slip", SLIPS, ids=repr)
def test_a_slip_of_the_hand_in_a_result_is_found_where_it_is_read(slip: tuple) -> None:
    """Else whatever shows a class would end at it."""
    assert Result.from_json(WHOLE).to_json() == WHOLE
    *path, name, value = slip
    changed = copy.deepcopy(WHOLE)
    place: Any = changed
    for step in path:
        place = place[step]
    place[name] = value
    with pytest.raises((TypeError, KeyError, AttributeError)):
        Result.from_json(changed)


def without(fields: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key != name}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_result_is_made_anew(whole: Graded, damage: Callable[[str], bytes]) -> None:
    text = whole.result.dumps()
    whole.file.write_bytes(damage(text))
    result = graded(whole.grader, whole.found, whole.store)
    assert timeless(result) == timeless(whole.result)
    mended = Result.from_json(json.loads(whole.file.read_text()))
    assert replace(mended, submission=result.submission, student=result.student) == result


def test_where_results_cannot_be_kept_the_class_is_graded_all_the_same(
    course: Path, grader: Grader, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    class_ = hand_in(course, 3)
    (course / "results").write_text("a file where the folder should be")
    results = list(grade_class(grader, class_, 1, store=store))
    assert [result.status for result in results] == ["graded"] * 3
    assert [record.message for record in caplog.records if "cannot be kept" in record.message] == [
        f"results cannot be kept in {course / 'results' / SLUG} (Not a directory): "
        "they are graded again next time"
    ]
    assert not store.whole


def test_where_results_cannot_be_kept_the_command_says_so_in_its_exit_status(
    course: Path, command: Command, caplog: pytest.LogCaptureFixture
) -> None:
    hand_in(course, 3)
    (course / "course" / "results").write_text("a file where the folder should be")
    done = command(course, "grade", SLUG, "--json", "-")
    assert [result["status"] for result in lines(done.stdout)] == ["graded"] * 3
    assert (done.exit_code, "cannot be kept" in caplog.text) == (1, True), done.stderr


def test_a_full_disk_under_the_json_stops_no_grading(course: Path, command: Command) -> None:
    """Every submission is graded and kept; the command says what it could not write, once, and ends
    with status 1.
    """
    hand_in(course, 3)
    done = command(course, "grade", SLUG, "--json", "/dev/full", "--no-table")
    gc.collect()  # what a file says that cannot be flushed in the end is an error of this test
    assert (done.exit_code, done.stderr.count("cannot be written")) == (1, 1), done.stderr
    assert "Traceback" not in done.stderr
    assert len(stored(course)) == 3


def test_a_full_disk_under_standard_output_stops_no_grading(course: Path) -> None:
    """The same in a process of its own, whose last act is to flush standard output."""
    hand_in(course, 3)
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            grade_command(SLUG, "--json", "-", "--no-table"),
            cwd=course,
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert (done.returncode, done.stderr.count("cannot be written")) == (1, 1), done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert len(stored(course)) == 3


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["grade", "--help"]])
def test_a_full_disk_under_what_is_printed_at_once_is_said_in_a_line(words: list[str]) -> None:
    command = [sys.executable, "-c", "from autograder.cli import main; main()", *words]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr.count("No space left")) == (1, 1), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("closed", [(), (1,), (0, 1, 2)], ids=["ASCII", "no output", "none"])
def test_standard_streams_of_any_kind_will_do(tmp_path: Path, closed: tuple[int, ...]) -> None:
    """A terminal that shows ASCII alone, and a service that is started without streams."""
    words = ["init", "Kürs", "--lessons", "none"]
    command = [sys.executable, "-c", "from autograder.cli import main; main()", *words]
    with open(tmp_path / "out", "wb") as out, open(tmp_path / "err", "wb") as err:
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=os.environ | {"PYTHONIOENCODING": "ascii"},
            stdout=out,
            stderr=err,
            preexec_fn=lambda: [os.close(descriptor) for descriptor in closed],
        )
    assert (tmp_path / "err").read_bytes() == b""
    assert (tmp_path / "out").read_bytes().startswith(b"" if closed else b"K?rs/")
    assert (done.returncode, (tmp_path / "Kürs" / "course.toml").is_file()) == (0, True)


def test_json_is_utf8_where_the_terminal_is_not(course: Path) -> None:
    hand_in(course, 1)
    staff = course / "reference_solutions" / SLUG / "test_public.py"
    staff.write_text(
        staff.read_text(encoding="utf-8").replace("halve gives", "ĥalve gives"), encoding="utf-8"
    )
    settings = environment() | {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = subprocess.run(
        grade_command(SLUG, "--json", "-"),
        cwd=course,
        env=settings,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert any(
        "ĥalve" in check["title"] for check in lines(done.stdout.decode("utf-8"))[0]["tests"]
    )


def test_a_json_file_that_cannot_be_opened_is_bad_usage(course: Path, command: Command) -> None:
    hand_in(course, 1)
    done = command(course, "grade", SLUG, "--json", course / "no folder" / "out.jsonl")
    assert done.exit_code == 2
    assert "cannot be written" in done.stderr


def test_on_a_full_disk_nothing_is_left_half_written(
    course: Path, grader: Grader, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    (found,) = hand_in(course, 1)

    def full(descriptor: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    assert graded(grader, found, store).status == "graded"
    assert list((course / "results" / SLUG).iterdir()) == []


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "file.json"
    write_whole(file, "first")
    with pytest.raises(UnicodeEncodeError):
        write_whole(file, "second\ud800")
    assert file.read_text() == "first"
    assert [path.name for path in file.parent.iterdir()] == ["file.json"]


# --- faults ---------------------------------------------------------------------------------------


def test_a_submission_that_vanished_is_missing(course: Path, grader: Grader) -> None:
    class_ = hand_in(course, 2)
    class_[0].path.unlink()
    assert [result.status for result in grade_class(grader, class_, 1)] == ["missing", "graded"]


def test_a_fault_of_ours_is_that_submissions_alone(
    course: Path, grader: Grader, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    class_ = hand_in(course, 3)
    real = grading.run_checks

    def faulty(assignment: Assignment, student: Student, secret: str, **options: Any) -> Any:
        if student._submission.functions["halve"].keys() == {"x"}:
            raise ZeroDivisionError("a fault of ours")
        return real(assignment, student, secret, **options)

    monkeypatch.setattr(grading, "run_checks", faulty)
    results = list(grade_class(grader, class_, 1, store=store))
    assert [result.status for result in results] == ["graded", "grader_error", "graded"]
    assert results[1].tests == ()
    assert results[1].score == 0
    log = (course / "log" / "grading.log").read_text()
    assert str(class_[1].path) in log
    assert "ZeroDivisionError: a fault of ours" in log
    assert len(stored(course)) == 2, "a fault is not kept: the next run tries again"


def test_a_fault_in_reading_is_a_grader_error_too(
    course: Path, grader: Grader, monkeypatch: pytest.MonkeyPatch
) -> None:
    (found,) = hand_in(course, 1)
    monkeypatch.setattr(grading, "read", lambda *_: 1 / 0)
    assert graded(grader, found, None).status == "grader_error"


def test_a_lost_sandbox_is_replaced_once(
    course: Path, grader: Grader, monkeypatch: pytest.MonkeyPatch
) -> None:
    (found,) = hand_in(course, 1)
    lost = iter([True, False])
    real = Grader.run

    def run(self: Grader, source: Submission, start: float) -> Result:
        if next(lost):
            raise SandboxLost("it went away")
        return real(self, source, start)

    monkeypatch.setattr(Grader, "run", run)
    monkeypatch.setattr(Grader, "close", lambda self: None)  # it is the sandbox of all tests
    assert grader.grade(found).score == 4.5
    monkeypatch.setattr(
        Grader, "run", lambda *_: (_ for _ in ()).throw(SandboxLost("it went away"))
    )
    failed = grader.grade(found)
    assert failed.status == "grader_error"
    assert "it went away" in failed.message


def test_where_no_wall_can_be_built_grading_refuses(
    course: Path, halves: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> Starting:
        raise SandboxUnavailable("install bubblewrap")

    monkeypatch.setattr(Sandbox, "begin", refuse)
    for workers in (1, 2):
        with pytest.raises(SandboxUnavailable):
            list(grade_class(Grader(halves, ""), find_or_hand_in(course), workers))


def find_or_hand_in(course: Path) -> list[Found]:
    return (
        find(course / "course" / "submitted", SLUG)
        if (course / "course").exists()
        else hand_in(course, 2)
    )


def test_a_worker_that_is_killed_costs_only_what_kills_it(
    course: Path, grader: Grader, monkeypatch: pytest.MonkeyPatch
) -> None:
    class_ = hand_in(course, 4)
    here, real = os.getpid(), Grader.run

    def run(self: Grader, source: Submission, start: float) -> Result:
        if "NUMBER = 1\n" in source.units[0].source and os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(self, source, start)

    monkeypatch.setattr(Grader, "run", run)
    results = list(grade_class(grader, class_, 2))
    assert [result.status for result in results] == ["graded", "grader_error", "graded", "graded"]
    assert [result.student for result in results] == [found.student for found in class_]


# --- the command ----------------------------------------------------------------------------------


def test_the_command_tells_each_submission_in_the_order_of_the_paths(
    course: Path, command: Command
) -> None:
    class_ = hand_in(course, 3)
    (course / "not-python.py").write_text("my dog ate it")
    files = [class_[2].path, course / "gone.py", course / "not-python.py"]
    files += [class_[0].path, class_[1].path]
    done = command(course, "grade", SLUG, *files, "--json", "-", "--workers", "2")
    assert done.exit_code == 0, done.stderr
    results = lines(done.stdout)  # and nothing else is on standard output
    assert [result["submission"] for result in results] == list(map(str, files))
    statuses = ["graded", "missing", "unreadable", "graded", "graded"]
    assert [result["status"] for result in results] == statuses
    assert [result["score"] for result in results] == [4.5, 0, 0, 4.5, 1.9]
    for result in results:
        assert set(RESULT_KEYS) <= set(result)
        assert result["assignment"] == SLUG
        assert result["max_score"] == 4.5
        assert result["score"] == sum(check["earned"] for check in result["tests"])
        for check in result["tests"]:
            assert set(CHECK_KEYS) <= set(check)
            assert check["visibility"] in ("public", "hidden")
    assert results[4]["diagnosis"][0] == {
        "function": "halve",
        "mistake": "thirds",
        "title": "Divides by three, of all numbers",
        "hint": "How many halves make a whole one?",
        "how": "bank",
        "example": None,
        "group": "",
    }


def test_the_command_writes_the_same_lines_to_a_file(course: Path, command: Command) -> None:
    hand_in(course, 2)
    done = command(course, "grade", SLUG, "--json", course / "out.jsonl")
    assert done.exit_code == 0, done.stderr
    students = [result["student"] for result in lines((course / "out.jsonl").read_text())]
    assert students == ["student00", "student01"]
    assert "student00" in done.stdout


def test_bad_usage_exits_with_2(course: Path, command: Command) -> None:
    for words in (
        [],
        ["no_such_assignment", "x.py"],
        [SLUG],
        [SLUG, "x.py", "--workers", "-1"],
    ):
        done = command(course, "grade", *words)
        assert done.exit_code == 2, (words, done.stderr)
        assert "Traceback" not in done.stderr
    outside = command(course.parent, "grade", SLUG, "x.py")
    assert (outside.exit_code, "no course here" in outside.stderr) == (2, True)


def test_a_fault_of_ours_exits_with_1(course: Path, command: Command) -> None:
    hand_in(course, 1)
    staff = course / "reference_solutions" / SLUG / "test_hidden.py"
    text = staff.read_text()
    staff.write_text(text.replace("A = draw.uniform(3, 2)", "A = draw.no_such_word(3, 2)"))
    done = command(course, "grade", SLUG, "--json", "-", "--no-preflight")
    assert done.exit_code == 1, done.stderr
    (result,) = lines(done.stdout)
    assert (result["status"], result["tests"], result["score"]) == ("grader_error", [], 0)
    assert "no_such_word" in (course / "course" / "log" / "grading.log").read_text()


# --- interruptions --------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_ended(course: Path, command: Command) -> None:
    """SIGKILL at random instants: before there is a result, and after a few; then the next run,
    which ends with the results of a run that nobody disturbed.
    """
    class_ = hand_in(course, 8)
    out = course / "out.jsonl"
    assert command(course, "grade", SLUG, "--json", out).exit_code == 0
    undisturbed = results_in(out)
    chance = random.Random(20)
    for count in (0, *chance.sample(range(1, 6), 2)):
        for file in stored(course):
            file.unlink()
        with Running("autograder", "grade", SLUG, "--json", out, folder=course) as run:
            wait_for(course, run, count)
            time.sleep(chance.uniform(0.0, 0.2))
            started = descendants(run.pid)
            run.kill()
        before = {file: file.read_text() for file in stored(course)}
        for text in before.values():
            Result.from_json(json.loads(text))
        assert len(before) >= count
        assert gone(started), "something outlived the run"
        assert command(course, "grade", SLUG, "--json", out).exit_code == 0
        assert results_in(out) == undisturbed
        assert len(stored(course)) == len(class_)
        assert {file: file.read_text() for file in before} == before, (
            "what was graded is not graded again"
        )


def results_in(file: Path) -> list[dict]:
    return [timeless(Result.from_json(result)) for result in lines(file.read_text())]


def wait_for(course: Path, run: Running, count: int) -> None:
    """Until a run has children (its sandbox) and has kept so many results."""
    deadline = time.monotonic() + 300
    while len(stored(course)) < count or not descendants(run.pid):
        assert run.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline, "the run keeps no results"
        time.sleep(0.005)


def gone(processes: list[int]) -> bool:
    """Whether processes end, within patience."""
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
