"""A class of submissions on several processes.

The parent reads what was handed in, looks it up in the store, and hands what is new to workers:
forks of itself that share one warm sandbox. A worker that ends costs only the submission that ended
it. Results come back to the parent, which keeps them.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import math
import multiprocessing
import signal
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from autograder.errors import AutograderError
from autograder.grading.again import graded_again
from autograder.grading.grader import Grader, attempt
from autograder.grading.store import Store
from autograder.grading.submission import Found, Submission
from autograder.results import Result

log = logging.getLogger(__name__)
PR_SET_PDEATHSIG = 1  # prctl(2)
ATTEMPTS = 2  # of a task whose worker ended
PATIENCE = 4  # times what a submission may take in all: who has not answered by then hangs


class WorkerEnded(AutograderError):
    """A worker process ended without an answer."""


@dataclass(frozen=True)
class Failure:
    """What a worker sends where its task raised."""

    error: BaseException


@dataclass(frozen=True)
class Assigned:
    """A task, its place among all, and which attempt at it this is."""

    place: int
    task: Any
    attempt: int = 1


class Worker:
    """A forked process that answers one task after another."""

    def __init__(self, work: Callable[[Any], Any], others: Iterable[Worker]) -> None:
        context = multiprocessing.get_context("fork")
        self.connection, theirs = context.Pipe()
        inherited = [self.connection, *(other.connection for other in others)]
        self.process: BaseProcess = context.Process(
            target=_serve, args=(work, theirs, inherited), daemon=True
        )
        self.process.start()
        theirs.close()
        self.assigned: Assigned | None = None
        self.since = 0.0

    def hand_over(self, assigned: Assigned) -> None:
        """Give it a task."""
        self.assigned, self.since = assigned, time.monotonic()
        with suppress(OSError):  # where it has ended, `receive` finds out
            self.connection.send(assigned.task)

    def receive(self) -> tuple[Assigned, Any]:
        """The task it had and its answer: a Failure where it raised, WorkerEnded if it ended."""
        assert self.assigned is not None
        assigned = self.assigned
        try:
            answer = self.connection.recv()
        except (EOFError, OSError):
            self.process.join()
            status = self.process.exitcode
            self.end()
            return assigned, WorkerEnded(f"exit status {status}")
        self.assigned = None
        return assigned, answer

    def end(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.join()
        self.connection.close()


def _serve(work: Callable[[Any], Any], connection: Connection, inherited: list[Connection]) -> None:
    """A worker's life: it leaves Ctrl-C to its parent, and does not outlive it."""
    gc.freeze()  # to look through what the parent had would copy its pages
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(AttributeError, OSError):  # Linux alone has it
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    for other in inherited:
        other.close()
    while True:
        try:
            task = connection.recv()
        except EOFError:
            return
        connection.send(_answer(work, task))


def _answer(work: Callable[[Any], Any], task: Any) -> Any:
    try:
        return work(task)
    except AutograderError as error:
        return Failure(error)


def run_on_workers(
    work: Callable[[Any], Any], tasks: Iterable[Any], count: int, seconds: float = math.inf
) -> Iterator[tuple[int, Any]]:
    """(place of a task, its answer) as the answers come, from `count` forked processes.

    work: called in a worker with one task; an AutograderError that it raises is raised here
    tasks: taken as workers become free. A task whose worker ends is tried again in another; where
        that ends too, its answer is WorkerEnded.
    seconds: what a task may take; a worker that takes longer is ended
    """
    waiting: Iterator[tuple[int, Any]] = enumerate(tasks)
    failed: deque[Assigned] = deque()
    workers: list[Worker] = []
    answered: list[tuple[int, Any]] = []
    try:
        while True:
            # before anybody sees what has come: to keep an answer takes a while
            _keep_busy(workers, work, waiting, failed, count)
            for place, answer in answered:
                if isinstance(answer, Failure):
                    raise answer.error
                yield place, answer
            if all(worker.assigned is None for worker in workers):
                return
            answered = list(_received(workers, failed, seconds))
    finally:
        for worker in workers:
            worker.end()


def _received(
    workers: list[Worker], failed: deque[Assigned], seconds: float
) -> Iterator[tuple[int, Any]]:
    """The next answers, once there is one; a worker that has ended is one of `workers` no more."""
    busy = [worker for worker in workers if worker.assigned is not None]
    due = min(worker.since for worker in busy) + seconds
    ready = _ready(busy, due)
    while not ready:
        for worker in busy:
            if time.monotonic() - worker.since > seconds:
                log.warning("a grading process has not answered for %.0f s; it is ended", seconds)
                worker.process.kill()
        ready = _ready(busy, time.monotonic() + 1.0)
    for worker in busy:
        if worker.connection not in ready:
            continue
        assigned, answer = worker.receive()
        if isinstance(answer, WorkerEnded):
            workers.remove(worker)
            log.warning("a grading process ended (%s); going on without it", answer)
            if assigned.attempt < ATTEMPTS:
                failed.append(replace(assigned, attempt=assigned.attempt + 1))
                continue
        yield assigned.place, answer


def _ready(busy: list[Worker], due: float) -> list[Any]:
    """The connections on which something has come, or that were closed, by then."""
    left = None if math.isinf(due) else max(0.0, due - time.monotonic())
    return wait([worker.connection for worker in busy], left)


def _keep_busy(
    workers: list[Worker],
    work: Callable[[Any], Any],
    waiting: Iterator[tuple[int, Any]],
    failed: deque[Assigned],
    count: int,
) -> None:
    """Give every idle worker a task; start workers, up to `count`, while there are tasks."""
    while True:
        idle = next((worker for worker in workers if worker.assigned is None), None)
        if idle is None and len(workers) == count:
            return
        assigned = failed.popleft() if failed else None
        if assigned is None:
            place, task = next(waiting, (-1, None))
            if place < 0:
                return
            assigned = Assigned(place, task)
        if idle is None:
            idle = Worker(work, workers)
            workers.append(idle)
        idle.hand_over(assigned)


def grade_class(
    grader: Grader,
    submissions: Iterable[Found],
    workers: int,
    *,
    store: Store | None = None,
    again: bool = False,
    progress: Callable[[Result], None] = lambda result: None,
    before: Callable[[set[int]], None] = lambda rounds: None,
) -> Generator[Result, None, None]:
    """Grade submissions on `workers` processes; results come in the order of the submissions, each
    as soon as it can.

    store: where results are kept between runs (None: nowhere)
    again: grade even what the store has
    progress: called with each result when it is done, in any order
    before: called once, where there is something to grade, before any of it is: with the rounds of
        hidden inputs that it meets. What it raises ends the class
    """
    found = list(submissions)
    results: dict[int, Result] = {}
    following = 0
    for place, result in _graded(grader, found, workers, store, again, before):
        results[place] = result
        progress(result)
        while following in results:
            yield results.pop(following)
            following += 1


def _graded(
    grader: Grader,
    found: list[Found],
    workers: int,
    store: Store | None,
    again: bool,
    before: Callable[[set[int]], None],
) -> Iterator[tuple[int, Result]]:
    """The place and the result of every submission: first those that need no grading."""
    done, new, rounds = [], [], set()
    for place, one in enumerate(found):
        known = _without_grading(grader, one, None if again else store)
        if isinstance(known, Result):
            done.append((place, known))
        else:
            new.append(place)
            rounds.add(known.round)
    if new:
        before(rounds)
    yield from done
    for number, result in _graded_anew(grader, [found[place] for place in new], workers, store):
        yield new[number], result


def _without_grading(grader: Grader, found: Found, store: Store | None) -> Result | Submission:
    """The result of a submission that cannot be read, or that the store has; else what was read."""
    submission = attempt(grader, found)
    if isinstance(submission, Result):
        return submission
    kept = store.get(submission) if store is not None else None
    if kept is None:
        kept = _taken_over(grader, submission, store)
    return submission if kept is None else kept.filed_as(str(found.path), found.student)


def _taken_over(grader: Grader, submission: Submission, store: Store | None) -> Result | None:
    """The result of a submission that was graded before, where nothing that changed since needs it
    to run: another number of points, say.
    """
    start = time.monotonic()
    try:
        result = graded_again(grader, submission, start, without_running=True)
    except Exception as error:  # it is graded as a new one
        log.warning("%s: what was kept cannot be used (%s)", grader.assignment.slug, error)
        return None
    return _keep(store, submission, result) if result is not None else None


def _graded_anew(
    grader: Grader, found: list[Found], workers: int, store: Store | None
) -> Iterator[tuple[int, Result]]:
    """Grade, and keep what was graded. What a clock ended in company is graded again alone and only
    then counts: a neighbour takes wall time, and on processors that share their parts CPU time too.
    """
    count = min(workers, len(found))
    doubtful = []
    for place, result, submission in _in_company(grader, found, count):
        if result.by_clock and count > 1:
            doubtful.append(place)
            continue
        yield place, _keep(store, submission, result)
    for place, result, submission in _alone(grader, found, doubtful):
        yield place, _keep(store, submission, result)


Graded = tuple[int, Result, Submission | Result | None]  # its place, and what was read


def _in_company(
    grader: Grader, found: list[Found], workers: int, *, alone: bool = False
) -> Iterator[Graded]:
    """Every submission graded, each read when its turn comes. alone: one at a time, everywhere"""
    if not found:
        return
    read: dict[int, Submission | Result] = {}

    def tasks() -> Iterator[tuple[Found, Submission | Result]]:
        for place, one in enumerate(found):
            read[place] = attempt(grader, one)
            yield one, read[place]

    for place, answer in _answers(grader, tasks(), workers, alone):
        submission = read.pop(place)
        if isinstance(answer, WorkerEnded):
            answer = grader.at_fault(found[place], answer, time.monotonic())
        yield place, answer, submission


def _alone(grader: Grader, found: list[Found], places: list[int]) -> Iterator[Graded]:
    """Some of the submissions, one after another, with nobody beside them."""
    if places:
        log.info("%d reached a limit on time: each is graded again alone", len(places))
    again = [found[place] for place in places]
    for number, answer, submission in _in_company(grader, again, 1, alone=True):
        yield places[number], answer, submission


def _keep(store: Store | None, submission: Submission | Result | None, result: Result) -> Result:
    """Keep what was graded, unless the machine was too busy to tell; what is for the store alone
    goes no further.
    """
    if result.by_clock == "crowded":
        log.warning(
            "%r: this machine is too busy to time it; its result is not kept", result.submission
        )
    elif store is not None and result.status == "graded" and isinstance(submission, Submission):
        store.put(submission, result)
    return (replace(result, replies=None) if store is not None else result).shared()


def _grade(grader: Grader, task: tuple[Found, Submission | Result]) -> Result:
    found, submission = task
    return submission if isinstance(submission, Result) else grader.grade(found, submission)


def _answers(
    grader: Grader, tasks: Iterable[Any], workers: int, alone: bool
) -> Iterator[tuple[int, Any]]:
    if grader.elsewhere is not None:
        return grader.elsewhere.answers(tasks, alone)
    grader.warm()
    # one worker, too, is a process of its own: one that ends costs only what ended it
    return run_on_workers(partial(_grade, grader), tasks, workers, seconds_of(grader))


def seconds_of(grader: Grader) -> float:
    """What the grading of one submission may take at the most, whatever it does."""
    return PATIENCE * grader.assignment.limits.submission_seconds
