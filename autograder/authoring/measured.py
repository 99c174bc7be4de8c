"""What known programs do in the checks, measured at release so that grading need not: what known
mistakes and right answers answer to the checks' calls (`grading.kept`), and which check each small
change fails (`grading.fails`).

For the inputs of the course's own secret, before any feedback; what later rounds need is added when
it is first asked for.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

from autograder.assignment import Assignment, Overlay
from autograder.authoring.programs import Programs, bases, name_of
from autograder.errors import AutograderError
from autograder.grading import table as tables
from autograder.grading.alike import same
from autograder.grading.checks import declared_checks, run_checks
from autograder.grading.edits import changes
from autograder.grading.fails import Fails
from autograder.grading.known import Known, key_of
from autograder.grading.ladder import NOT_ASKED
from autograder.grading.student import Loaded, Recorded, Student
from autograder.grading.table import EDIT, RIGHT
from autograder.sandbox.box import Box, Reply
from autograder.sandbox.process import Sandbox

log = logging.getLogger(__name__)
CALL_CPU_SECONDS, CALL_WALL_SECONDS = 2.0, 10.0  # of a program in a check


@dataclass
class Budget:
    """CPU time that measuring may take: this process's, and that of boxes as it is noted."""

    seconds: float
    begun: float
    boxes: float = 0.0

    @property
    def is_left(self) -> bool:
        return self.boxes + time.process_time() - self.begun < self.seconds


def measure(
    assignment: Assignment, sandbox: Sandbox, table: tables.Table, secret: str, seconds: float
) -> None:
    """Measure, within `seconds` of CPU time, and keep it with the course. What there was no time
    for is measured in grading, when it is first asked for.
    """
    budget = Budget(seconds, time.process_time())
    bounded = replace(
        assignment,
        limits=replace(
            assignment.limits,
            call_cpu_seconds=min(CALL_CPU_SECONDS, assignment.limits.call_cpu_seconds),
            call_wall_seconds=min(CALL_WALL_SECONDS, assignment.limits.call_wall_seconds),
        ),
    )
    answer_checks(bounded, sandbox, secret, budget)
    fails = Fails(assignment, secret)
    found: dict[str, dict[str, list[str]]] = {}
    for function, known in table.items():
        found[function] = dict(fails.measured.get(function, {}))
        found[function] |= failed(
            bounded, sandbox, function, known, secret, budget, found[function]
        )
    fails.keep_measured(found)


def answer_checks(assignment: Assignment, sandbox: Sandbox, secret: str, budget: Budget) -> None:
    """Ask right answers and known mistakes what the checks ask, and right answers the ladder.

    Known mistakes are asked the short calls first. The long ones, which cost nearly all of it, are
    then asked of those that end all short ones like the solution: grading compares no others.
    """
    asking = Asking(assignment, sandbox, secret, budget)
    for program in (None, *assignment.bases):
        asking.ask(program, long=True)
    alike = [one for one in assignment.mistakes if asking.ask(one, long=False)]
    for mistake in alike:
        asking.ask(mistake, long=True)
    if not budget.is_left:
        log.warning("%s: no time to ask every known mistake", assignment.slug)


class Asking:
    """Asks known programs what the checks ask."""

    def __init__(
        self, assignment: Assignment, sandbox: Sandbox, secret: str, budget: Budget
    ) -> None:
        self.assignment, self.sandbox, self.secret = assignment, sandbox, secret
        self.budget, self.known = budget, Known(assignment)
        self.functions = {one.name: one.function for one in declared_checks(assignment)}

    def ask(self, program: Overlay | None, *, long: bool) -> bool:
        """Ask a program, within the budget.

        Gives whether it is to be asked the long calls as well: it has ended all others like the
        solution.
        """
        if not self.budget.is_left:
            return False
        try:
            return self._ask(program, long=long)
        except AutograderError as error:
            name = program.name if program else "the solution"
            log.warning("%s cannot be asked what the checks ask: %s", name, error)
            return False
        finally:
            self.known.save()

    def _ask(self, program: Overlay | None, *, long: bool) -> bool:
        wrong = {self.functions.get(name) for name in program.fails} if program else set()
        only = {name for name, function in self.functions.items() if not wrong or function in wrong}
        files = [self.assignment.solution, *([program.path] if program is not None else [])]
        sources = [file.read_text(encoding="utf-8") for file in files]
        with self.sandbox.open(self.assignment.limits) as box:
            short = Short(box, self.assignment, None if long else self.known)
            functions = list(self.assignment.functions)
            student = _loaded(self.assignment, cast(Box, short), sources, functions)
            run_checks(self.assignment, Student(student), self.secret, only=only)
            self.budget.boxes += box.cpu_seconds
        kept, solution = self.known.kept(program), self.known.kept(None)
        alike = bool(short.answered)
        for call in student.recorded:
            key = key_of(call)
            if key not in short.answered:
                kept.remember(key, call.arguments, call.reply)
                other = solution.recall(key, call.arguments)
                alike = alike and other is not None and same(call.reply, other)
        if program is None or program in self.assignment.bases:
            _climb(self.known, self.sandbox, program, self.budget)
        return alike


class Short:
    """A box in which long calls are answered as the solution has answered them (known: None: not
    so). answered: their keys
    """

    def __init__(self, box: Box, assignment: Assignment, known: Known | None) -> None:
        self._box, self._start, self._known = box, assignment.start, known
        self.answered: set[str] = set()

    def call(self, function: str, arguments: tuple, options: dict, **given: Any) -> Reply:
        if self._known is not None and self._start and self._start.is_long(options):
            call = Recorded(function, arguments, options, **given, reply=NOT_ASKED)
            key = key_of(call)
            reply = self._known.kept(None).recall(key, arguments)
            if reply is not None:
                self.answered.add(key)
                return reply
        return self._box.call(function, arguments, options, **given)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._box, name)


def _climb(known: Known, sandbox: Sandbox, program: Overlay | None, budget: Budget) -> None:
    """Ask a right answer every rung, and where it starts."""
    settings = known.assignment.start
    with known.running(sandbox, program) as running:
        for rungs in known.ladder.values():
            for rung in rungs:
                running.reply(rung.call)
                if settings is not None and settings.options.keys() <= rung.named.keys():
                    running.reply(rung.with_options(settings.options).call)
        budget.boxes += running.cpu_seconds


def failed(
    assignment: Assignment,
    sandbox: Sandbox,
    function: str,
    known: tables.Known,
    secret: str,
    budget: Budget,
    told: Container[str] = (),
) -> Iterator[tuple[str, list[str]]]:
    """The number of each group of changes, and the first check of the function that its first
    change fails: [its name], or [] where it fails none.

    told: groups of which it is known
    """
    right = {group for _, group in known.of(RIGHT)}
    only = {one.name for one in declared_checks(assignment) if one.function == function}
    for number, base in enumerate(bases(assignment)):
        wanted: dict[int, int] = {}
        for program, group in known.of(EDIT + number):
            first = next(one for one in known.members(group) if one[0] >= EDIT)
            if group not in right and first == (EDIT + number, program) and str(group) not in told:
                wanted[program] = group
        text = base.read_text(encoding="utf-8")
        made = changes(text, function)  # two made together are graded when they are first met
        wanted = {program: group for program, group in wanted.items() if not made[program].second}
        for some in Programs.of(text, function, set(wanted)).by_box():
            if not budget.is_left:
                log.warning("%s: no time to grade every change of %s", assignment.slug, function)
                return
            for program, names in _graded(
                assignment, sandbox, function, text, some, secret, only, budget
            ):
                yield str(wanted[program]), names


def _graded(
    assignment: Assignment,
    sandbox: Sandbox,
    function: str,
    text: str,
    some: list[tuple[int, str]],
    secret: str,
    only: set[str],
    budget: Budget,
) -> Iterator[tuple[int, list[str]]]:
    """The number of each program, and the first check that it fails."""
    names = [*assignment.functions, *(name_of(function, number) for number, _ in some)]
    with sandbox.open(assignment.limits) as box:
        before = 0.0
        student = _loaded(assignment, box, [text, *(source for _, source in some)], names)
        for number, _ in some:
            if not budget.is_left:
                return
            under = cast(Box, Under(box, {function: name_of(function, number)}))
            functions = {name: student.functions[name] for name in assignment.functions}
            changed = replace(student, box=under, functions=functions, timed_out=set(), recorded=[])
            try:
                checks = run_checks(
                    assignment, Student(changed), secret, only=only, until_one_fails=True
                )
                yield number, [check.name for check in checks if check.outcome != "passed"]
            except AutograderError as error:
                log.warning("a change of %s cannot be graded: %s", function, error)
            budget.boxes += box.cpu_seconds - before
            before = box.cpu_seconds


class Under:
    """A box in which some functions are called under other names."""

    def __init__(self, box: Box, names: dict[str, str]) -> None:
        self._box, self._names = box, names

    def call(self, function: str, *arguments: Any, **options: Any) -> Any:
        return self._box.call(self._names.get(function, function), *arguments, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._box, name)


def _loaded(assignment: Assignment, box: Box, sources: list[str], names: list[str]) -> Loaded:
    units = [{"kind": "statements", "source": one, "label": "known"} for one in sources]
    return Loaded.from_reply(box, box.load(units, names), names)
