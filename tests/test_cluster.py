"""Grading on other machines: a real Dask scheduler with two real workers gives the bits that this
machine gives, and loses nothing when one of them is lost.
"""

from __future__ import annotations

import json
import locale
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import tiny_course
from conftest import ROOT
from distributed import LocalCluster
from distributed.client import FutureCancelledError
from distributed.comm.core import CommClosedError
from test_grading import Command
from tiny_course import SLUG

from autograder.assignment import find_assignment
from autograder.cluster import connection, node, preload, scheduler
from autograder.cluster.connection import Connection, Nodes
from autograder.cluster.node import BOOTED, Node, NodeEnded, as_json
from autograder.cluster.parcel import as_bytes, check_same, from_bytes, pack, unpack
from autograder.cluster.scheduler import Cluster
from autograder.course import Course
from autograder.errors import AutograderError
from autograder.grading.grader import Grader
from autograder.grading.submission import Found, Submission, Unit
from autograder.grading.workers import WorkerEnded, seconds_of
from autograder.results import Result

TEXTS = (
    tiny_course.VARIANT,
    f"import torch\n{tiny_course.ZEROS}",
    tiny_course.SOLUTION,
    "halve = 3",
)
CLASS = 12
OTHER = Result(SLUG, "", None, "graded", 1.0, digest="another", grader="another")


@dataclass
class Dask:
    """A scheduler and two workers, as processes; what grades boots with the second."""

    address: str
    workers: list[subprocess.Popen[bytes]]


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dask]:
    folder = tmp_path_factory.mktemp("dask")
    settings = {"PYTHONPATH": str(ROOT), "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "3"}
    started: list[subprocess.Popen[bytes]] = []

    def start(*words: str) -> subprocess.Popen[bytes]:
        with (folder / f"{len(started)}.log").open("wb") as log:
            command = [sys.executable, "-m", "distributed.cli." + words[0], *words[1:]]
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=os.environ | settings,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        started.append(process)
        return process

    file = folder / "scheduler.json"
    start(
        "dask_scheduler",
        "--scheduler-file",
        str(file),
        "--port",
        "0",
        "--no-dashboard",
        "--host",
        "127.0.0.1",
    )
    while not file.is_file():
        assert started[0].poll() is None, (folder / "0.log").read_text()
        time.sleep(0.1)
    options = ("--scheduler-file", str(file), "--nthreads", "1", "--no-nanny", "--no-dashboard")
    boots_ahead = ("--preload", "autograder.cluster.preload")
    workers = [start("dask_worker", *options), start("dask_worker", *options, *boots_ahead)]
    yield Dask(json.loads(file.read_text())["address"], workers)
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def course(tmp_path: Path) -> Path:
    tiny_course.write(tmp_path)
    for number in range(CLASS):
        home = tmp_path / "course" / "submitted" / f"student{number:02}" / SLUG
        home.mkdir(parents=True)
        (home / f"{SLUG}.py").write_text(f"{TEXTS[number % len(TEXTS)]}\n# {number}\n")
    return tmp_path


def bits(text: str) -> list[dict[str, Any]]:
    """Results without how long they took."""
    found = []
    for line in text.splitlines():
        result = json.loads(line)
        tests = [check | {"seconds": 0} for check in result["tests"]]
        found.append(result | {"seconds": 0, "tests": tests})
    return found


@pytest.mark.slow
def test_two_workers_of_dask_give_the_bits_of_two_here_also_when_one_is_killed(
    course: Path, dask: Dask, command: Command
) -> None:
    done = command(course, "grade", SLUG, "--json", "-", "--workers", 2)
    assert done.exit_code == 0, done.stderr
    here = bits(done.stdout)
    assert len(here) == CLASS
    shutil.rmtree(course / "course" / "results")
    done = command(course, "grade", SLUG, "--json", "-", "--scheduler", dask.address)
    assert done.exit_code == 0, done.stderr
    assert bits(done.stdout) == here

    shutil.rmtree(course / "course" / "results")
    folder = course / "course" / "results" / SLUG
    killer = threading.Thread(target=kill_when_some_are_kept, args=(dask.workers[0], folder))
    killer.start()
    done = command(course, "grade", SLUG, "--json", "-", "--scheduler", dask.address)
    killer.join()
    assert dask.workers[0].poll() is not None
    assert done.exit_code == 0, done.stderr
    assert bits(done.stdout) == here


def kill_when_some_are_kept(worker: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + 60
    while len(list(folder.glob("*.json"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()


def test_what_grades_boots_before_a_class_and_again_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(preload, "ISOLATION", "none")
    worker, ahead = SimpleNamespace(state=SimpleNamespace(nthreads=1)), preload.ahead
    preload.dask_setup(worker)
    try:
        (booted,) = ahead.nodes
        assert booted.wait() == BOOTED
        nodes = Nodes("none", "nodes")
        nodes.setup(worker)
        assert (nodes.all, ahead.nodes) == ([booted], [])
        nodes.teardown(worker)
        (next_one,) = ahead.nodes
        assert (booted.runs(), next_one.runs()) == (False, True)
        next_one.close()
        another = ahead.take("none")
        assert (another is not next_one, another.runs()) == (True, True)
        another.close()
    finally:
        preload.dask_teardown(worker)
    assert ahead.nodes == []
    ahead.boot()
    assert ahead.nodes == []


@dataclass
class Standin:
    """A node whose process runs a few lines in the place of a grader's."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch

    def says(self, lines: str) -> Node:
        start = "import os, sys, time\nsay = os.fdopen(1, 'w', encoding='utf-8')\n"
        self.monkeypatch.setattr(node, "START", [sys.executable, "-c", start + lines])
        return Node("none")

    def ask(self, lines: str, submission: bytes = b"x", seconds: float = 60.0) -> str:
        with closing(self.says(lines)) as asked:
            return asked.ask(submission, self.folder / "parcel.json", seconds)


@pytest.fixture
def standin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Standin:
    return Standin(tmp_path, monkeypatch)


@pytest.mark.parametrize("reads", ["sys.stdin.readline()", "pass"], ids=["reads", "reads nothing"])
def test_a_grading_that_hangs_there_is_ended(standin: Standin, reads: str) -> None:
    submission = b"x" * 200_000  # more than a pipe holds
    with pytest.raises(NodeEnded):
        standin.ask(
            f"print('booted', file=say, flush=True); {reads}; time.sleep(600)", submission, 0.2
        )


def test_what_never_boots_there_is_ended(standin: Standin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "BOOTS", 0.2)
    with pytest.raises(NodeEnded):
        standin.ask("time.sleep(600)")


def test_where_nothing_can_be_unpacked_nobody_waits(standin: Standin) -> None:
    standin.folder = standin.folder / "gone"
    start = time.monotonic()
    with pytest.raises(NodeEnded):
        standin.ask("print('booted', file=say, flush=True); time.sleep(600)")
    assert time.monotonic() - start < 30


def test_what_was_unpacked_goes_with_its_process(standin: Standin) -> None:
    with pytest.raises(NodeEnded):
        standin.ask("print('booted', file=say, flush=True)")
    assert list(standin.folder.glob("tmp*")) == []


def test_what_grades_does_not_outlive_its_worker(tmp_path: Path) -> None:
    """Also in the middle of a submission, when it does not read whether anybody is there."""
    lines = (
        "import time\nfrom autograder.cluster.node import Node\n"
        "node = Node('none'); node.wait(); print(node._process.pid, flush=True); time.sleep(600)"
    )
    worker = subprocess.Popen([sys.executable, "-c", lines], stdout=subprocess.PIPE, cwd=ROOT)
    assert worker.stdout is not None
    grading = int(worker.stdout.readline())
    held = os.open(f"/proc/{grading}/fd/0", os.O_WRONLY)  # its input has no end
    worker.kill()
    worker.communicate()
    deadline = time.monotonic() + 20
    while (runs := is_running(grading)) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.close(held)
    assert not runs


def is_running(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_a_machine_that_could_start_one_refuses_no_class(standin: Standin) -> None:
    """As where no memory is left for another: that costs the submission that ended the first."""
    answers = "print('booted', file=say, flush=True)\nfor _ in range(2): sys.stdin.readline()\n"
    refuses = """print('{"refused": "no memory"}', file=say, flush=True)"""
    nodes = Nodes("none", "nodes")
    nodes.lock, nodes.graded, nodes.all = threading.Lock(), False, []
    for lines in (answers + "print('{}', file=say, flush=True)", refuses):
        nodes.idle = [standin.says(lines)]
        nodes.all += nodes.idle
        with suppress(NodeEnded):
            assert nodes.ask(b"x", standin.folder / "parcel.json", 60.0) == "{}\n"
    assert nodes.graded
    first = Nodes("none", "others")
    first.lock, first.graded, first.idle = threading.Lock(), False, [standin.says(refuses)]
    assert "no memory" in first.ask(b"x", standin.folder / "parcel.json", 60.0)
    for one in nodes.all + first.idle:
        one.close()


def raises(error: Exception) -> Callable[..., Any]:
    def function(*_: Any) -> Any:
        raise error

    return function


LOST, CLOSED = FutureCancelledError("key", "scheduler-connection-lost"), CommClosedError("closing")


@pytest.mark.parametrize(
    "told",
    [{"result": raises(LOST)}, {"nthreads": raises(CLOSED)}],
    ids=["of a task", "of the workers"],
)
def test_a_scheduler_that_goes_or_begins_anew_ends_the_class(
    grader: Grader, told: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was graded is kept, and nobody's result becomes that of a grader at fault."""
    future = SimpleNamespace(key="key", result=told.get("result"))
    nthreads = told.get("nthreads", lambda: {"worker": 1})
    cluster = Cluster.__new__(Cluster)
    cluster.grader, cluster.staff = grader, "staff"
    cluster.client = SimpleNamespace(loop=None, nthreads=nthreads, submit=lambda *_, **__: future)
    cluster.connection = cast(Connection, SimpleNamespace(address="tcp://there"))
    tasks = [(Found(Path("x"), "ada"), Submission((), "digest"))]
    monkeypatch.setattr(scheduler, "as_completed", lambda loop: Running([future]))
    with pytest.raises(AutograderError, match="tcp://there has gone, or was started anew"):
        list(cluster.answers(tasks))


@pytest.mark.slow
def test_a_fault_of_the_staffs_is_told_in_the_log_of_its_worker(
    course: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = tiny_course.VARIANT.replace("return accumulated", "return x.repeat(2)")
    submission = Submission((Unit("module", text, ""),), "digest")
    parcel = tmp_path / "parcel.json"
    with closing(Grader(find_assignment(Course(course), SLUG), "s", isolation="none")) as grader:
        parcel.write_text(as_json(pack(grader)), encoding="ascii")
    with closing(Node("none")) as asked:
        assert '"status": "graded"' in asked.ask(as_bytes(submission), parcel, 120.0)
    assert "ValueError: only one element" in capfd.readouterr().err


@pytest.mark.parametrize("error", [ValueError("no such plugin"), CLOSED], ids=["anew", "gone"])
def test_a_connection_to_a_scheduler_that_has_gone_is_left_in_peace(error: Exception) -> None:
    closed: list[bool] = []
    left = Connection.__new__(Connection)
    left.name, left._given = "a", ["b"]
    left.client = SimpleNamespace(
        unregister_worker_plugin=raises(error), close=lambda: closed.append(True)
    )
    left.__exit__()
    assert closed == [True]


def test_where_no_worker_is_left_it_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(scheduler, "CONNECT", 0.05)
    running = Running(["done"])
    cluster = Cluster.__new__(Cluster)
    cluster.connection = cast(Connection, SimpleNamespace(address="tcp://there"))

    def nthreads() -> dict[str, int]:
        running.ready = True
        return {}

    cluster.client, running.ready = SimpleNamespace(nthreads=nthreads), False
    assert cluster._next(running) == "done"
    assert "no worker is left at tcp://there" in caplog.text


@dataclass
class Running:
    """Dask's `as_completed`, as far as it is asked."""

    done: list[Any]
    ready: bool = True

    def add(self, future: Any) -> None:
        """They are known."""

    def has_ready(self) -> bool:
        return self.ready

    def __next__(self) -> Any:
        return self.done.pop()


def test_how_long_a_grading_may_take_there_is_what_it_may_here(grader: Grader) -> None:
    given: list[Any] = []
    connected = SimpleNamespace(name="a", client=None, nodes=Nodes("none", "b"), give=given.append)
    Cluster(grader, cast(Connection, connected))
    assert [staff.seconds for staff in given] == [seconds_of(grader)]


def test_a_result_is_read_as_it_is_written_whatever_the_locale(standin: Standin) -> None:
    before = locale.setlocale(locale.LC_CTYPE)
    locale.setlocale(locale.LC_CTYPE, "C")
    try:
        answer = "print('booted\\n\\u2016 U V\\u1d40', file=say, flush=True)"
        assert standin.ask(f"{answer}; sys.stdin.readline()") == "\u2016 U V\u1d40\n"
    finally:
        locale.setlocale(locale.LC_CTYPE, before)


def test_an_address_where_nobody_answers_is_bad_usage(
    course: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "CONNECT", 0.5)
    done = command(course, "grade", SLUG, "--scheduler", "tcp://127.0.0.1:1")
    assert (done.exit_code, "no scheduler answers at tcp://127.0.0.1:1" in done.stderr) == (2, True)


@pytest.fixture
def grader(course: Path) -> Iterator[Grader]:
    with closing(Grader(find_assignment(Course(course), SLUG), "secret")) as grader:
        yield grader


def test_a_parcel_brings_the_same_assignment_and_secret_and_nothing_of_the_class(
    grader: Grader, tmp_path: Path
) -> None:
    there = tmp_path / "there"
    there.mkdir()
    unpacked = unpack(pack(grader), there)
    assert unpacked.assignment.digest == grader.assignment.digest
    assert (unpacked.secret, unpacked.isolation) == ("secret", "sandbox")
    assert there.stat().st_mode & 0o077 == 0
    assert not [path for path in there.rglob("*") if "student" in path.name]


def test_what_a_client_gives_is_its_own_and_goes_with_it(
    grader: Grader, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(connection, "GONE", 0.1)
    monkeypatch.setattr(preload.ahead, "take", lambda _: SimpleNamespace(close=lambda: None))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    alone = {"n_workers": 1, "threads_per_worker": 1, "processes": False}
    # no fixed port, which somebody else may have
    alone |= {"dashboard_address": "127.0.0.1:0", "scheduler_kwargs": {"dashboard": False}}
    with LocalCluster(silence_logs=logging.CRITICAL, **alone) as cluster:
        lost = Connection(cluster.scheduler_address, "none").__enter__()
        Cluster(grader, lost)
        (left,) = tmp_path.glob("autograder-*")
        with Connection(cluster.scheduler_address, "none") as other:
            Cluster(grader, other)  # the same assignment, perhaps of a course with another secret
            assert len(list(tmp_path.glob("autograder-*"))) == 2
        assert list(tmp_path.glob("autograder-*")) == [left]
        cluster.loop.add_callback(cluster.scheduler.remove_client, lost.client.id)
        deadline = time.monotonic() + 20
        while left.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not left.exists(), "a client that was killed has left the secret there"
        assert not cluster.scheduler.worker_plugins.keys() - {"shuffle"}
        lost.client.close()


@pytest.mark.parametrize(
    "answer",
    ["", "{", "[]", "5", "null", "[" * 100_000, '{"tests": 5}', OTHER.dumps()],
    ids=["nothing", "cut", "list", "number", "null", "deep", "no result", "another's"],
)
def test_an_answer_that_is_no_result_costs_that_submission_alone(
    grader: Grader, answer: str
) -> None:
    cluster, future = Cluster.__new__(Cluster), SimpleNamespace(result=lambda: answer)
    cluster.grader = grader
    assert isinstance(cluster._answer(future, Found(Path("x"), None), "digest"), WorkerEnded)


def test_a_machine_with_other_versions_refuses(grader: Grader, tmp_path: Path) -> None:
    parcel = pack(grader)
    object.__setattr__(parcel, "versions", {"torch": "1.0", "numpy": "1.0"})
    with pytest.raises(AutograderError, match=r"the one that asks torch 1\.0, numpy 1\.0"):
        unpack(parcel, tmp_path)
    object.__setattr__(parcel, "digest", "other")
    with pytest.raises(AutograderError, match="another version of the kit"):
        check_same(grader.assignment, parcel)


def test_a_submission_travels_as_bytes_whatever_is_in_it() -> None:
    units = (Unit("cell", "print('é \udcff \x00')", "1"), Unit("statements", "", ""))
    submission = Submission(units, "digest", round=3)
    assert from_bytes(as_bytes(submission)) == submission


def test_a_result_is_the_same_after_its_journey() -> None:
    result = Result(SLUG, "path", "zoë", "graded", 1.0)
    assert Result.from_json(json.loads(result.dumps())) == result
