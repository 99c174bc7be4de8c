"""A class of submissions on the workers of a Dask scheduler.

Every worker gets the parcel once, workers that join later too, and keeps it in a folder of its own
until the client goes. A task is the bytes of one submission and the name of the parcel; what
comes back is the result as JSON. Dask gives the tasks of a worker that is lost to others.

Client, scheduler and workers trust one another: Dask moves pickles between them, and the parcel
holds the secret. What a student wrote is in there as bytes alone.
"""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

from distributed import WorkerPlugin, as_completed, get_worker
from distributed.comm.core import CommClosedError

from autograder.cluster.connection import CONNECT, Connection
from autograder.cluster.node import NodeEnded, as_json
from autograder.cluster.parcel import Parcel, as_bytes, pack
from autograder.errors import AutograderError
from autograder.grading.grader import Grader
from autograder.grading.submission import Found, Submission
from autograder.grading.workers import ATTEMPTS, WorkerEnded, seconds_of
from autograder.results import Result

log = logging.getLogger(__name__)
AHEAD = 2  # tasks that wait at a worker, for each that it runs


class Staff(WorkerPlugin):
    """What a worker holds of one assignment. It travels as a pickle, between those who trust one
    another. nodes: the name of the worker's processes (`connection.Nodes`); seconds: what the
    grading of one submission may take
    """

    def __init__(self, parcel: Parcel, nodes: str, name: str, seconds: float) -> None:
        self.parcel, self.nodes, self.name, self.seconds = parcel, nodes, name, seconds

    def setup(self, worker: Any) -> None:
        """On a worker, when it gets this."""
        self.folder = Path(tempfile.mkdtemp(prefix="autograder-"))
        (self.folder / "parcel.json").write_text(as_json(self.parcel), encoding="ascii")

    def teardown(self, worker: Any) -> None:
        """On a worker, when the client goes or the worker ends."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def grade(self, worker: Any, submission: bytes) -> str:
        """The result of a submission as JSON."""
        nodes, parcel = worker.plugins[self.nodes], self.folder / "parcel.json"
        return str(nodes.ask(submission, parcel, self.seconds))


def grade(staff: str, submission: bytes) -> str:
    """The task, on a worker: the result as JSON, "" where the process that graded ended. staff: the
    name of what it is graded by (`Staff`)
    """
    worker: Any = get_worker()
    for _ in range(ATTEMPTS):
        try:
            return str(worker.plugins[staff].grade(worker, submission))
        except NodeEnded:
            continue
    return ""


class Cluster:
    """The workers of a scheduler, for one grader, as long as its connection stands."""

    def __init__(self, grader: Grader, connection: Connection) -> None:
        self.grader, self.connection, self.client = grader, connection, connection.client
        self.staff = f"{connection.name}-staff"
        nodes, seconds = connection.nodes.name, seconds_of(grader)
        connection.give(Staff(pack(grader), nodes, self.staff, seconds))

    @property
    def threads(self) -> int:
        """How many submissions the workers grade at a time."""
        return max(1, sum(self.client.nthreads().values()))

    def answers(
        self, tasks: Iterable[tuple[Found, Submission | Result]], alone: bool = False
    ) -> Iterator[tuple[int, Result | WorkerEnded]]:
        """(place of a task, its answer) as the answers come; as `run_on_workers` has them.

        alone: one at a time
        AutograderError where the scheduler has gone, or was started anew and knows none of them
        """
        try:
            yield from self._answers(tasks, alone)
        except (CancelledError, CommClosedError):
            what = f"the scheduler at {self.connection.address} has gone, or was started anew"
            mend = "What was graded is kept: when it is there, run the same command to go on"
            raise AutograderError(f"{what}. {mend}.") from None

    def _answers(
        self, tasks: Iterable[tuple[Found, Submission | Result]], alone: bool
    ) -> Iterator[tuple[int, Result | WorkerEnded]]:
        waiting = enumerate(tasks)
        found: dict[Any, tuple[int, Found, str]] = {}
        running = as_completed(loop=self.client.loop)
        while True:
            room = (1 if alone else (1 + AHEAD) * self.threads) - len(found)
            for place, (one, submission) in take(waiting, room):
                if isinstance(submission, Result):
                    yield place, submission
                    continue
                data = as_bytes(submission)
                future = self.client.submit(grade, self.staff, data, pure=False)
                found[future.key] = (place, one, submission.digest)
                running.add(future)
            if not found:
                return
            future = self._next(running)
            place, one, digest = found.pop(future.key)
            yield place, self._answer(future, one, digest)

    def _next(self, running: Any) -> Any:
        """The next task that is done. Where no worker is left, say so and wait for one."""
        looked = time.monotonic()
        while not running.has_ready():
            time.sleep(0.02)
            if time.monotonic() - looked > CONNECT:
                if not self.client.nthreads():
                    log.warning("no worker is left at %s: waiting", self.connection.address)
                looked = time.monotonic()
        return next(running)

    def _answer(self, future: Any, found: Found, digest: str) -> Result | WorkerEnded:
        """What came of one task; AutograderError where a worker refuses to grade. digest: of what
        it was given
        """
        try:
            text = future.result()
        except CancelledError:
            raise
        except Exception as error:
            return WorkerEnded(f"{type(error).__name__}: {error}")
        if not text:
            return WorkerEnded("the process that graded it ended")
        try:
            value = json.loads(text)
            refused = value.get("refused")
            result = None if refused else Result.from_json(value)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            return WorkerEnded(f"a worker answered what is no result ({type(error).__name__})")
        if result is None:
            raise AutograderError(
                f"a worker of {self.connection.address} does not grade: {refused}"
            )
        other = result.digest not in ("", digest)  # "": it could not be graded
        if other or result.grader != self.grader.assignment.digest:
            return WorkerEnded("a worker answered with the result of something else")
        return result.filed_as(str(found.path), found.student)


def take(waiting: Iterator[Any], count: int) -> Iterator[Any]:
    """The next `count` that there are."""
    for _ in range(count):
        try:
            yield next(waiting)
        except StopIteration:
            return
