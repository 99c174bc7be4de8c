"""Makes the table that diagnosis looks failing functions up in: what the right answers, the known
mistakes and the small changes of the right answers answer to the assignment's ladder.

Changed programs were written by nobody, so they run behind the line like everything that was not
written by staff, and under limits of their own: a change of a loop may never end.
"""

from __future__ import annotations

import ast
import json
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy
import torch

from autograder.assignment import Assignment, Overlay
from autograder.authoring.measured import measure
from autograder.authoring.programs import Programs, bases, name_of
from autograder.course import write_whole
from autograder.errors import SandboxError, WireError
from autograder.grading import table as tables
from autograder.grading.change import Change
from autograder.grading.edits import changes, function_in
from autograder.grading.fails import Fails
from autograder.grading.ladder import Rung, read_ladder
from autograder.grading.place import file_of
from autograder.grading.sentences import sentence
from autograder.grading.sketch import Sketches, bare
from autograder.grading.smallest import SEED
from autograder.grading.table import EDIT, MISTAKE, ORDER, RIGHT
from autograder.grading.visits import orders
from autograder.sandbox.box import Box, Reply
from autograder.sandbox.inside.frames import FRAME
from autograder.sandbox.process import Sandbox
from autograder.sandbox.wire import Decoder, load_tensors, printable

IN_A_CALL = 80  # of which each costs a process
IN_A_GROUP = 16  # longer lists cross the line as numbers
CPU_SECONDS = 95.0  # for an assignment, past which what is made has to do; a sixth is not counted
TABLE_SHARE = 0.6  # of it at most, so that some is left to measure known mistakes with
CALL_SECONDS = 0.3
RUNNER = """
import functools
from inside import many
answers = functools.partial(many.answers, globals())
"""


@dataclass
class Made:
    """What became of an assignment's changes: how many there are, how many were left out because
    they do not run, and how many because they are right.
    """

    table: tables.Table
    tried: int = 0
    broken: int = 0
    right: int = 0
    cut: int = 0
    cpu_seconds: float = 0.0


def make(
    assignment: Assignment, sandbox: Sandbox, note: Callable[[str], None] = lambda line: None
) -> Made:
    """Make the table of an assignment. Nothing is written."""
    made, begun = Made({}), time.process_time()
    ladder = {
        function: [rung for rung in rungs if not rung.long]
        for function, rungs in read_ladder(assignment).items()
    }
    rows = {function: Rows(rungs) for function, rungs in ladder.items()}
    for number, right in enumerate([None, *right_answers(assignment)]):
        for function, replies in _answers(assignment, sandbox, right, ladder, made).items():
            rows[function].add((RIGHT, number), replies)
    for one in rows.values():
        one.close_right()
    for number, mistake in enumerate(assignment.mistakes):
        for function, replies in _answers(assignment, sandbox, mistake, ladder, made).items():
            rows[function].add((MISTAKE, number), replies)
    for function, rungs in ladder.items():
        for number, base in enumerate(bases(assignment)):
            for program, replies in _edits(assignment, sandbox, base, function, rungs, made, begun):
                rows[function].add((EDIT + number, program), replies)
        text = assignment.solution.read_text(encoding="utf-8")
        ordered = families(text, function)
        for program, replies in _run(
            assignment, sandbox, text, ordered, function, rungs, made, begun
        ):
            rows[function].add((ORDER, program), replies)
        one = rows[function]
        made.right, made.broken = made.right + one.right, made.broken + one.broken
        if one.programs:
            made.table[function] = one.known()
        note(f"{function}: {len(one.programs)} programs behave in {len(one.sketches)} ways")
    made.cpu_seconds += time.process_time() - begun
    return made


def table_of(
    assignment: Assignment,
    sandbox: Sandbox,
    note: Callable[[str], None] = lambda line: None,
    *,
    again: bool = True,
) -> list[Path]:
    """Make the table of an assignment and measure what its programs do in the checks, and keep both
    with the course; gives the pages that were written.

    again: even a table that is there
    """
    begun, pages, spent = time.process_time(), [], 0.0
    if has_ladder(assignment) and (again or not file_of(assignment).is_file()):
        made = make(assignment, sandbox, note)
        tables.save(assignment, made.table)
        write_whole(page_of(assignment), page(assignment, made))
        pages, spent = [page_of(assignment)], made.cpu_seconds
    left = CPU_SECONDS - max(spent, time.process_time() - begun)
    measure(assignment, sandbox, tables.load(assignment), assignment.course.secret(), left)
    return pages


def has_ladder(assignment: Assignment) -> bool:
    """Whether there is anything to make a table of."""
    return (assignment.folder / "ladder.toml").is_file()


def is_made(assignment: Assignment) -> bool:
    """Whether there is all that `table_of` makes."""
    table = not has_ladder(assignment) or file_of(assignment).is_file()
    return table and Fails(assignment, assignment.course.secret()).is_measured


def page_of(assignment: Assignment) -> Path:
    """Where the author reads what students may be told."""
    return file_of(assignment).with_name("edits.md")


def page(assignment: Assignment, made: Made) -> str:
    """What students may be told, function by function, and by which changes: for the author alone,
    as it shows parts of the solution.
    """
    lines = [
        f"# {assignment.title}: small changes of right answers",
        "",
        "What a student reads whose function behaves like one of these changes, and like no known",
        "mistake. For the staff alone: the changes show parts of the solution. A sentence that",
        "does not please is mended in `[diagnosis.words]` of assignment.toml.",
        "",
        f"{made.tried} changes were tried. {made.right} of them are right, {made.broken} do not",
        f"run, {made.cut} were left out for want of time",
        f"({made.cpu_seconds:.0f} s of processor time).",
    ]
    texts = [base.read_text(encoding="utf-8") for base in bases(assignment)]
    for function, known in made.table.items():
        lines += ["", f"## {function}", "", "| students read | changes |", "|---|---|"]
        all_changes = [changes(text, function) for text in texts]
        for group in range(len(known.sketches.hashes)):
            told: dict[str, list[str]] = {}
            for origin, place in known.members(group):
                if origin >= EDIT:
                    change = all_changes[origin - EDIT][place]
                    one = sentence(change, assignment.words)
                    told.setdefault(f"{one.rank:04.1f} {one.title}", []).append(_what(change))
            for title in sorted(told)[:3]:
                lines.append(f"| {title[5:]} | {'; '.join(told[title][:3])} |")
    return "\n".join(lines) + "\n"


def _what(change: Change) -> str:
    parts = [part for part in (change.about, change.other) if part]
    what = f"{change.kind}: `{' / '.join(parts)}` in `{change.places[0]}`"
    return what.replace("|", "\\|").replace("\n", " ")


def right_answers(assignment: Assignment) -> list[Overlay]:
    """The variants, as overlays."""
    return [Overlay(path.stem, path, path.stem, "", ()) for path in assignment.variants]


class Alike:
    """Groups whose sketches have the same hashes, looked through at once."""

    def __init__(self) -> None:
        self._groups: list[int] = []
        self._numbers = numpy.empty((0, 0, 0))

    def find(self, made: Sketches) -> int | None:
        """The first group that is alike."""
        if not self._groups:
            return None
        known = Sketches(made.hashes, self._numbers[: len(self._groups)])
        found = numpy.flatnonzero(known.alike(made).all(1))
        return self._groups[found[0]] if len(found) else None

    def add(self, made: Sketches, group: int) -> None:
        count = len(self._groups)
        if count == len(self._numbers):  # room for twice as many
            larger = numpy.empty((max(8, 2 * count), *made.numbers.shape), made.numbers.dtype)
            if count:
                larger[:count] = self._numbers
            self._numbers = larger
        self._numbers[count] = made.numbers
        self._groups.append(group)


class Rows:
    """The programs of one function, grouped by behaviour as they come."""

    def __init__(self, rungs: Sequence[Rung]) -> None:
        self.rungs = rungs
        self.programs: list[tuple[int, int]] = []
        self.groups: list[int] = []
        self.sketches: list[Sketches] = []
        self.bare: list[Sketches] = []
        self.broken = self.right = 0
        self._right: list[Sketches] = []
        self._alike: dict[bytes, Alike] = {}

    def close_right(self) -> None:
        """What was added so far is right."""
        self._right = list(self.sketches)

    def add(self, program: tuple[int, int], replies: list[Reply]) -> None:
        """Add a program, unless it does not end, behaves like a right answer, or raises on most
        rungs: a change that does so says nothing.
        """
        if len(replies) < len(self.rungs):
            self.broken += 1
            return
        made = Sketches.of(replies)
        if self._right:
            if any(bool(one.alike(made, loosely=False).all()) for one in self._right):
                self.right += 1
                return
            if program[0] >= EDIT and self._mostly_raises(replies):
                self.broken += 1
                return
        self.programs.append(program)
        group = self._group_of(made)
        self.groups.append(group)
        if group == len(self.bare):
            self.bare.append(Sketches.of([bare(reply) for reply in replies]))

    def _mostly_raises(self, replies: list[Reply]) -> bool:
        returned = sum(reply.outcome == "returned" for reply in replies)
        return 2 * returned <= len(replies)

    def _group_of(self, made: Sketches) -> int:
        alike = self._alike.setdefault(made.hashes.tobytes(), Alike())
        group = alike.find(made)
        if group is None:
            group = len(self.sketches)
            self.sketches.append(made)
            alike.add(made, group)
        return group

    def known(self) -> tables.Known:
        return tables.Known(
            numpy.array(self.programs, dtype=numpy.int32),
            numpy.array(self.groups, dtype=numpy.int32),
            _stacked(self.sketches),
            _stacked(self.bare),
        )


def _stacked(sketches: Sequence[Sketches]) -> Sketches:
    return Sketches(
        numpy.stack([one.hashes for one in sketches]),
        numpy.stack([one.numbers for one in sketches]),
    )


def _answers(
    assignment: Assignment,
    sandbox: Sandbox,
    program: Overlay | None,
    ladder: dict[str, list[Rung]],
    made: Made,
) -> dict[str, list[Reply]]:
    """What a file of the staff's answers to each function's rungs; fewer where it does not end."""
    paths = [assignment.solution, *([program.path] if program is not None else [])]
    replies: dict[str, list[Reply]] = {}
    try:
        with _loaded(sandbox, assignment, [path.read_text("utf-8") for path in paths]) as box:
            for function, rungs in ladder.items():
                replies[function] = _climbed(box, function, rungs)
            made.cpu_seconds += box.cpu_seconds
    except SandboxError:
        return replies
    return replies


def _climbed(box: Box, function: str, rungs: Sequence[Rung]) -> list[Reply]:
    """How each rung ends that does: at once, and one by one from where something stays behind."""
    given = [(rung.placed, rung.named, ()) for rung in rungs]
    replies = box.calls(function, given, seed=SEED, seconds=CALL_SECONDS * len(rungs))
    for rung in rungs[len(replies) :]:
        replies += _alone(box, *_call(function, rung))
    return replies


@contextmanager
def _loaded(sandbox: Sandbox, assignment: Assignment, sources: list[str]) -> Iterator[Box]:
    """A box that answers many calls at once to functions of these sources."""
    with sandbox.open(assignment.limits) as box:
        units = [
            {"kind": "statements", "source": one, "label": "edits"} for one in [*sources, RUNNER]
        ]
        box.load(units, ["answers", *assignment.functions])
        yield box


def _call(name: str, rung: Rung) -> list:
    call = rung.call
    return [name, list(call.arguments), list(call.options), list(call.options.values())]


def _alone(box: Box, name: str, given: list, names: list, values: list) -> list[Reply]:
    """How one call ended in a process of its own: [its reply], or [] where it did not end."""
    options = dict(zip(names, values, strict=True))
    reply = box.call(name, tuple(given), options, seed=SEED)
    return [reply] if reply.outcome in ("returned", "raised") else []


def _asked(box: Box, calls: Sequence[list]) -> Iterator[list[Reply]]:
    """How each call ended: [its reply], or [] where it did not end."""
    for first in range(0, len(calls), IN_A_CALL):
        some = list(calls[first : first + IN_A_CALL])
        groups = [some[one : one + IN_A_GROUP] for one in range(0, len(some), IN_A_GROUP)]
        answer = box.call("answers", (CALL_SECONDS, SEED, groups), {}, seed=SEED)
        told = _told(answer, len(some))
        for call, reply in zip(some, told if told is not None else some, strict=True):
            yield _alone(box, *call) if told is None or reply is None else list(reply)


def _told(answer: Reply, count: int) -> list[tuple[Reply, ...] | None] | None:
    """How each of `count` calls ended, as `many.answers` tells it: (its reply,), () where it did
    not end, None where it gave what does not cross the line. None for all where the process ended.
    """
    if not isinstance(answer.value, torch.Tensor) or answer.value.dtype != torch.uint8:
        return None
    data = answer.value.numpy().tobytes()
    try:
        length, _ = FRAME.unpack_from(data)
        header = json.loads(data[FRAME.size : FRAME.size + length])
        tensors = load_tensors(data[FRAME.size + length :])
        told = [_reply(one, tensors) for one in header["several"]]
    except (WireError, ValueError, KeyError, TypeError, struct.error, RecursionError):
        return None
    return told if len(told) == count else None


def _reply(told: dict, tensors: dict[str, torch.Tensor]) -> tuple[Reply, ...] | None:
    outcome = told["outcome"]
    if outcome == "raised":
        return (Reply("raised", {"type": printable(told["type"])}),)
    if outcome != "returned":
        return ()
    decoder = Decoder(tensors)
    try:
        after = tuple(decoder.decode(tree) for tree in told["arguments"])
        return (Reply("returned", {}, decoder.decode(told["value"]), after),)
    except WireError:
        return None


def _edits(
    assignment: Assignment,
    sandbox: Sandbox,
    base: Path,
    function: str,
    rungs: Sequence[Rung],
    made: Made,
    begun: float,
) -> Iterator[tuple[int, list[Reply]]]:
    """The number of each change of a function, and what it answers to the rungs."""
    text = base.read_text(encoding="utf-8")
    if base != assignment.solution and _same(text, assignment.solution, function):
        return
    programs = Programs.of(text, function)
    made.tried, made.broken = made.tried + programs.tried, made.broken + programs.broken
    yield from _run(assignment, sandbox, text, programs, function, rungs, made, begun)


def _run(
    assignment: Assignment,
    sandbox: Sandbox,
    text: str,
    programs: Programs,
    function: str,
    rungs: Sequence[Rung],
    made: Made,
    begun: float,
) -> Iterator[tuple[int, list[Reply]]]:
    """The number of each program, and what it answers to the rungs."""
    for some in programs.by_box():
        if made.cpu_seconds + time.process_time() - begun > CPU_SECONDS * TABLE_SHARE:
            made.cut += len(some)
            continue
        numbers = [number for number, _ in some]
        with _loaded(sandbox, assignment, [text, *(program for _, program in some)]) as box:
            replies: dict[int, list[Reply]] = {number: [] for number in numbers}
            for rung in rungs:
                calls = [_call(name_of(function, number), rung) for number in numbers]
                for number, reply in zip(numbers, _asked(box, calls), strict=True):
                    replies[number] += reply
            made.cpu_seconds += box.cpu_seconds
        yield from replies.items()


def _same(text: str, solution: Path, function: str) -> bool:
    """Whether a function is the same there, to the letter."""
    ones = [function_in(one, function) for one in (text, solution.read_text(encoding="utf-8"))]
    here, there = (ast.unparse(one.body) if one is not None else "" for one in ones)  # type: ignore[arg-type]
    return here == there


def families(text: str, function: str) -> Programs:
    """A function with each order of few elements."""
    found = function_in(text, function)
    return Programs(list(orders(found)) if found is not None else [])
