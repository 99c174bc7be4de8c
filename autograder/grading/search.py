"""Which small change of a right answer does a failing function behave like?

Never a guess. A submission's function is asked every rung of the ladder, and what it answers is
compared with what every known program answered (`table`). A change is named where

- all rungs agree; or all agree once the function starts where the solution does, whatever it draws
  first (`Search.from_the_solutions_start`); or all agree on which the change differs from what is
  right, and there the submission differs as well: then it explains a part, and more is wrong;
- no right answer agrees on all of them, so something is wrong at all;
- the change, graded like a submission, fails a check of that function which the submission fails.

A change of other gradients than the submission's explains a part (`gradients`).
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from functools import cached_property
from itertools import takewhile
from typing import Any

import numpy
import torch

from autograder.assignment import Assignment, Overlay
from autograder.errors import AutograderError
from autograder.grading import table as tables
from autograder.grading.change import Change
from autograder.grading.checks import run_checks
from autograder.grading.edits import changes, function_in, source
from autograder.grading.example import Asked, called, is_small, numbers_of, tensors_of
from autograder.grading.fails import Fails
from autograder.grading.gradients import differentiated, end_alike
from autograder.grading.known import Known
from autograder.grading.sentences import Sentence, sentence, together
from autograder.grading.sketch import Sketches, bare, sketch
from autograder.grading.smallest import CPU_SECONDS, SEED
from autograder.grading.student import Loaded, Recorded, Student
from autograder.grading.table import EDIT, MISTAKE, ORDER, RIGHT
from autograder.results import Diagnosis
from autograder.sandbox.box import Reply
from autograder.sandbox.process import Sandbox

log = logging.getLogger(__name__)
MOST_TRIED = 3  # groups that are graded before a search gives up
MOST_BARE = 2  # the same where the histories are left out
LEAST_PART = 3  # rungs on which a part of what is wrong must agree
LEAST_ORDERS = 2  # rungs that show that the order is another one
UNTOLD = sketch(Reply("raised", {"type": "NotImplementedError"})).strict
ANOTHER_ORDER = (
    "The elements are visited in another order than the one asked for",
    "Print the row and the column at every step of the smallest example: in which order do they "
    "come?",
)


class Answered:
    """What a function answered to the ladder: from its own start, and from the solution's where
    that is another one and it could be put there, which is tried when it is asked for.

    calls: what checks asked of it
    """

    def __init__(
        self, search: Search, sandbox: Sandbox, asked: Asked, calls: Sequence[Recorded]
    ) -> None:
        self.own, self.differentiated = Sketches.of(asked.replies), differentiated(calls)
        self._search, self._sandbox, self._asked = search, sandbox, asked

    @cached_property
    def rows(self) -> tuple[Sketches, ...]:
        """From its own start, and from the solution's."""
        moved = self._moved
        return (self.own, Sketches.of(moved)) if moved else (self.own,)

    @property
    def starts(self) -> bool:
        """Whether it has a start of its own."""
        return any(self._asked.all_starts())

    @property
    def placed(self) -> bool:
        """Whether one of these starts is the solution's."""
        return self._moved is not None

    @cached_property
    def _moved(self) -> list[Reply] | None:
        if not self.starts:
            return []
        return self._search.from_the_solutions_start(self._sandbox, self._asked)

    @cached_property
    def bare(self) -> tuple[Sketches, ...]:
        """The same, without histories."""
        replies = [self._asked.replies, self._moved] if self._moved else [self._asked.replies]
        return tuple(Sketches.of([bare(reply) for reply in one]) for one in replies)


class Search:
    """The known programs of one assignment, for one grader.

    secret: what the inputs of hidden checks derive from
    bank: whether known mistakes are named; a benchmark asks what is found without them
    """

    def __init__(self, known: Known, secret: str, *, bank: bool = True) -> None:
        self.known, self.secret, self.bank = known, secret, bank
        self._failed: dict[tuple[str, int], dict[str, bool]] = {}  # checks, as far as asked
        self._changes: dict[tuple[int, str], list[Change]] = {}

    @property
    def assignment(self) -> Assignment:
        return self.known.assignment

    @cached_property
    def table(self) -> tables.Table:
        return tables.load(self.assignment)

    # --- what is compared -------------------------------------------------------------------------

    def answered(
        self,
        sandbox: Sandbox,
        function: str,
        asked: Asked,
        calls: Sequence[Recorded] = (),
    ) -> Answered | None:
        """What a function answered to the ladder; None where that is not all of it.

        calls: what checks asked of it
        """
        known = self.table.get(function)
        if known is None or not asked.rungs or len(asked.replies) < len(asked.rungs):
            return None
        if known.sketches.hashes.shape[1] != len(asked.rungs):
            return None
        return Answered(self, sandbox, asked, calls)

    def from_the_solutions_start(self, sandbox: Sandbox, asked: Asked) -> list[Reply] | None:
        """The function's replies from where the solution starts; [] where it starts there anyway,
        None where what it draws cannot be turned into that.

        What draws hands out the solution's start. From what the function makes of it, in whatever
        order and turned however, follows what to hand out for it to start there.
        """
        settings = self.assignment.start
        assert settings is not None, "without [diagnosis] nobody is asked for a start"
        replies = list(asked.replies)
        moved: dict[int, list[torch.Tensor]] = {}  # what is handed out, by the rung
        with self.known.running(sandbox, None) as running:
            for place, own in enumerate(asked.all_starts()):
                still = asked.rungs[place].with_options(settings.options).call
                right = tensors_of(running.reply(still)) if own else []
                handed = self._handed_out(asked, still, own, right)
                if handed is None:
                    return None
                if handed:
                    moved[place] = handed
        for place, reply in _from(asked, moved, settings.draw):
            replies[place] = reply
        return replies if moved else []

    def _handed_out(
        self, asked: Asked, still: Any, own: list[torch.Tensor], right: list[torch.Tensor]
    ) -> list[torch.Tensor] | None:
        """What to hand out for a start at `right`: [] where it is there by itself, None where
        nothing does it.
        """
        if [t.shape for t in own] != [t.shape for t in right]:
            return None
        if _close(own, right):
            return []
        settings = self.assignment.start
        assert settings is not None
        other = [tensor / 2 + 0.25 for tensor in right]  # what it would not draw by itself
        moved = tensors_of(
            called(asked.submission, still, seed=still.seed, draw=settings.draw, start=other)
        )
        if [t.shape for t in moved] != [t.shape for t in right]:
            return None
        found = _inverted(own, other, moved, right)
        return None if found is None else _unflat(found, right)

    # --- what is found ----------------------------------------------------------------------------

    def mistakes(self, function: str, rows: Sequence[Sketches]) -> list[Overlay]:
        """The known mistakes that agree on every rung of one of the rows; what is not in the table
        is right there.
        """
        known = self.table[function]
        groups = {
            group
            for row in rows
            for group in numpy.flatnonzero(known.sketches.alike(row).all(1)).tolist()
        }
        told = dict(known.of(MISTAKE))
        right = any(self.is_right(function, row) for row in rows)
        return [
            mistake
            for place, mistake in enumerate(self.assignment.mistakes)
            if (told[place] in groups if place in told else right)
        ]

    def find(
        self,
        sandbox: Sandbox,
        function: str,
        answered: Answered,
        missed: Set[str],
    ) -> Diagnosis | None:
        """The change that a function behaves like, or that explains a part of what is wrong."""
        known = self.table[function]
        if any(self.is_right(function, row) for row in answered.rows):
            return None
        for how in ("edit", "part"):
            found = self._told(function, answered, how)
            for group, told in found[:MOST_TRIED]:
                if self.fails_one_of(sandbox, function, known, group, missed):
                    whole = how == "edit" and self._ends_alike(
                        sandbox, function, known, group, told[0], answered
                    )
                    return _named(function, told, "edit" if whole else "part")
        if any(_in_another_order(known, row) for row in answered.rows):
            return Diagnosis(function, "another_order", *ANOTHER_ORDER, how="edit")
        return self._but_for_the_history(sandbox, function, answered, missed)

    def _told(
        self, function: str, answered: Answered, how: str
    ) -> list[tuple[int, list[Sentence]]]:
        """The groups that agree wholly, or in part, and what their changes do; single changes
        before two made together.
        """
        known = self.table[function]
        found = []
        for row in answered.rows:
            for group in self._alike(known, row) if how == "edit" else _parts(known, row):
                told = self._sentences(function, known, group)
                if told:
                    found.append((group, told))
                if how == "part" and len(found) >= 2 * MOST_TRIED:
                    break
        return sorted(found, key=lambda one: one[1][0].two)

    def _but_for_the_history(
        self, sandbox: Sandbox, function: str, answered: Answered, missed: Set[str]
    ) -> Diagnosis | None:
        """The change that gives the same results, whatever the history of losses holds."""
        known = self.table[function]
        solution = min(known.of(RIGHT))[1]
        right = Sketches(known.bare.hashes[solution], known.bare.numbers[solution])
        wrong = ~known.bare.alike(right).all(1)
        for row in answered.bare:
            if known.bare.alike(row)[sorted({group for _, group in known.of(RIGHT)})].all(1).any():
                return None
            found = []
            for group in numpy.flatnonzero(wrong & known.bare.alike(row).all(1)).tolist():
                told = self._sentences(function, known, group)
                if told:
                    found.append(((told[0].two, told[0].rank), group, told))
            for _, group, told in sorted(found, key=lambda one: one[:2])[:MOST_BARE]:
                if self.fails_one_of(sandbox, function, known, group, missed):
                    return _named(function, told, "part")
        return None

    def is_right(self, function: str, row: Sketches) -> bool:
        """Whether a right answer gives the same replies."""
        known = self.table[function]
        groups = sorted({group for _, group in known.of(RIGHT)})
        right = Sketches(known.sketches.hashes[groups], known.sketches.numbers[groups])
        return bool(right.alike(row, loosely=False).all(1).any())

    def _alike(self, known: tables.Known, row: Sketches) -> Iterator[int]:
        """The groups that agree on every rung, those that agree in the kinds of numbers first."""
        loosely = known.sketches.alike(row).all(1)
        strictly = known.sketches.alike(row, loosely=False).all(1)
        right = self._right_loosely(known, row)
        yield from numpy.flatnonzero(strictly).tolist()
        if not right:
            yield from numpy.flatnonzero(loosely & ~strictly).tolist()

    def _right_loosely(self, known: tables.Known, row: Sketches) -> bool:
        groups = sorted({group for _, group in known.of(RIGHT)})
        right = Sketches(known.sketches.hashes[groups], known.sketches.numbers[groups])
        return bool(right.alike(row).all(1).any())

    def _sentences(self, function: str, known: tables.Known, group: int) -> list[Sentence]:
        """What the changes of a group do, the likeliest first; each title once."""
        told: dict[str, Sentence] = {}
        for origin, place in known.members(group):
            if origin >= EDIT:
                one = self._sentence(function, origin, place)
                if one.title not in told or told[one.title].rank > one.rank:
                    told[one.title] = one
        return sorted(told.values(), key=lambda one: (one.two, one.rank))

    def _sentence(self, function: str, origin: int, place: int) -> Sentence:
        return sentence(self._change(function, origin, place), self.assignment.words)

    def _change(self, function: str, origin: int, place: int) -> Change:
        key = (origin, function)
        if key not in self._changes:
            self._changes[key] = changes(self._base(origin), function)
        return self._changes[key][place]

    def _base(self, origin: int) -> str:
        bases = [self.assignment.solution, *(base.path for base in self.assignment.edited)]
        return bases[origin - EDIT].read_text(encoding="utf-8")

    @cached_property
    def fails(self) -> Fails:
        return Fails(self.assignment, self.secret)

    def fails_one_of(
        self, sandbox: Sandbox, function: str, known: tables.Known, group: int, missed: Set[str]
    ) -> bool:
        """Whether a group's first change fails one of these checks."""
        origin, program = next(one for one in known.members(group) if one[0] >= EDIT)
        failed = self._failed.setdefault((function, group), {})
        if missed - failed.keys():
            failed |= self.fails.of(function, group, origin, program, missed - failed.keys())
        left = missed - failed.keys()
        if left and not any(failed.get(name) for name in missed):
            found = self._graded(sandbox, function, origin, program, left)
            self.fails.keep(function, origin, program, found)
            failed |= found
        return any(failed.get(name) for name in missed)

    def _ends_alike(
        self,
        sandbox: Sandbox,
        function: str,
        known: tables.Known,
        group: int,
        told: Sentence,
        answered: Answered,
    ) -> bool:
        """Whether the change that a sentence is of ends the calls that checks made for gradients as
        the submission did; where it has a start, which may be another one, as to their form.
        """
        if not answered.differentiated:
            return True
        origin, place = next(
            one
            for one in known.members(group)
            if one[0] >= EDIT and self._sentence(function, *one).title == told.title
        )
        opened = self._opened(sandbox, function, origin, place)
        return end_alike(answered.differentiated, opened, by_form=answered.starts)

    @contextmanager
    def _opened(self, sandbox: Sandbox, function: str, origin: int, place: int) -> Iterator[Loaded]:
        """A right answer with a change made, behind the line."""
        text = self._base(origin)
        tree = function_in(text, function)
        assert tree is not None
        changed = source(tree, self._change(function, origin, place), function)
        units = [{"kind": "statements", "source": one, "label": "edit"} for one in (text, changed)]
        names = list(self.assignment.functions)
        with sandbox.open(self.assignment.limits) as box:
            yield Loaded.from_reply(box, box.load(units, names), names)

    def _graded(
        self, sandbox: Sandbox, function: str, origin: int, place: int, only: set[str]
    ) -> dict[str, bool]:
        """Whether a change fails each of these checks, behind the line, up to the first that it
        does.
        """
        try:
            with self._opened(sandbox, function, origin, place) as loaded:
                checks = run_checks(
                    self.assignment,
                    Student(loaded),
                    self.secret,
                    only=only,
                    until_one_fails=True,
                )
        except AutograderError as error:
            log.warning("a change of %s cannot be graded: %s", function, error)
            return dict.fromkeys(only, False)
        return {check.name: check.outcome != "passed" for check in checks}


def _parts(known: tables.Known, row: Sketches) -> Iterator[int]:
    """The groups that agree on every rung on which they differ from what is right, and on at least
    half of those on which the submission does; the larger the part, the earlier.
    """
    solution = min(known.of(RIGHT))[1]
    right = Sketches(known.sketches.hashes[solution], known.sketches.numbers[solution])
    touched = ~known.sketches.alike(right)
    differs = ~row.alike(right)
    agrees = known.sketches.alike(row)
    explained = (touched & differs & agrees).sum(1)
    whole = (agrees | ~touched).all(1) & (explained == touched.sum(1))
    enough = whole & (explained >= LEAST_PART) & (2 * explained >= differs.sum())
    groups = numpy.flatnonzero(enough & (explained < differs.sum()))
    yield from sorted(groups.tolist(), key=lambda group: -int(explained[group]))


def _in_another_order(known: tables.Known, row: Sketches) -> bool:
    """Whether some order of visits explains each rung on which all orders can be told, and what is
    right explains at least LEAST_ORDERS of them not.
    """
    groups = sorted({group for _, group in known.of(ORDER)})
    if not groups:
        return False
    solution = min(known.of(RIGHT))[1]
    right = Sketches(known.sketches.hashes[solution], known.sketches.numbers[solution])
    orders = Sketches(known.sketches.hashes[groups], known.sketches.numbers[groups])
    told = (orders.hashes[..., 0] != UNTOLD).any(0)
    explained = orders.alike(row).any(0) | right.alike(row)
    moved = told & ~right.alike(row)
    return bool(explained[told].all()) and int(moved.sum()) >= LEAST_ORDERS


def _named(function: str, told: list[Sentence], how: str) -> Diagnosis:
    """A diagnosis from the sentences of a group: what they have in common."""
    one = together(told)
    title = one.title if how == "edit" else f"At least this: {one.inside}"
    return Diagnosis(function, one.kind, title, one.hint, how=how)


def group_of(answered: Answered, missed: Set[str]) -> str:
    """A name for how a function behaves: equal for functions that answer the ladder alike."""
    row = answered.rows[-1]  # from the solution's start, where it can be put there
    rounded = numpy.round(row.numbers.astype(numpy.float64), 1) + 0.0
    made = hashlib.sha256(row.hashes[:, 1].tobytes() + rounded.tobytes())
    made.update("\0".join(sorted(missed)).encode())
    return made.hexdigest()[:12]


def _from(
    asked: Asked, moved: dict[int, list[torch.Tensor]], draw: str
) -> Iterator[tuple[int, Reply]]:
    """The rungs that are asked with a start handed out, and the replies."""
    calls = [(asked.rungs[place].placed, asked.rungs[place].named, moved[place]) for place in moved]
    box, function = asked.submission.box, asked.rungs[0].function
    replies = box.calls(function, calls, seed=SEED, seconds=CPU_SECONDS, draw=draw) if calls else []
    replies = list(takewhile(is_small, replies))
    for number, place in enumerate(moved):
        if number < len(replies):
            yield place, replies[number]
        else:
            call = asked.rungs[place].call
            start = moved[place]
            yield place, called(asked.submission, call, seed=call.seed, draw=draw, start=start)


def _inverted(
    own: list[torch.Tensor],
    handed: list[torch.Tensor],
    moved: list[torch.Tensor],
    wanted: list[torch.Tensor],
) -> numpy.ndarray | None:
    """What to hand out for a function to start at `wanted`, from where it starts by itself (`own`)
    and where it does (`moved`) with `handed`: at its numbers in another order. What it sets stays
    as it is. None where it makes something else of them, or sets all.
    """
    before, flat, ends, found = map(numbers_of, (own, handed, moved, wanted))
    drawn = numpy.abs(ends - before) > 1e-6
    places = numpy.abs(ends[:, None] - flat[None, :]).argmin(1)[drawn]
    if not drawn.any() or len(set(places.tolist())) < len(places):
        return None
    if numpy.abs(flat[places] - ends[drawn]).max() > 1e-6:
        return None
    made = found.copy()
    made[places] = found[drawn]
    return made


def _unflat(numbers: numpy.ndarray, like: list[torch.Tensor]) -> list[torch.Tensor]:
    made, first = [], 0
    for tensor in like:
        part = torch.from_numpy(numbers[first : first + tensor.numel()])
        made.append(part.reshape(tensor.shape).to(torch.float32))
        first += tensor.numel()
    return made


def _close(ones: list[torch.Tensor], others: list[torch.Tensor]) -> bool:
    pairs = zip(ones, others, strict=True)
    return all(torch.allclose(one.double(), other.double(), atol=1e-6) for one, other in pairs)
