"""What the known mistakes, and the reference solution, answer to calls of checks: behind the line,
and remembered with the course.

Checks make nearly the same calls to every submission, so that little is left to run: `autograder
edits` has asked already.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import Any

import torch

from autograder.assignment import Assignment, Overlay
from autograder.grading.kept import Kept, file_of
from autograder.grading.ladder import Rung, read_ladder, read_properties
from autograder.grading.student import Recorded
from autograder.sandbox.box import Box, Reply
from autograder.sandbox.process import Sandbox
from autograder.sandbox.wire import TorchFunction, encode_value
from autograder.vocabulary import exact_key


class Known:
    """The known programs of one assignment, and what they answered so far."""

    def __init__(self, assignment: Assignment) -> None:
        self.assignment = assignment
        self._kept: dict[str, Kept] = {}

    @cached_property
    def ladder(self) -> dict[str, tuple[Rung, ...]]:
        """The tiny inputs of each function."""
        return read_ladder(self.assignment)

    @cached_property
    def properties(self) -> dict[str, Callable[..., str]]:
        """What right answers have in common where they give different results, by name."""
        return read_properties(self.assignment)

    @contextmanager
    def running(self, sandbox: Sandbox, mistake: Overlay | None) -> Iterator[Running]:
        """One mistake (None: the solution itself), ready to be called."""
        with ExitStack() as stack:
            yield Running(self, sandbox, mistake, stack)

    def kept(self, mistake: Overlay | None) -> Kept:
        """What a mistake (None: the solution) has answered."""
        name = mistake.name if mistake is not None else ""
        if name not in self._kept:
            self._kept[name] = Kept(file_of(self.assignment, mistake))
        return self._kept[name]

    def save(self) -> None:
        """Write what is new."""
        for kept in self._kept.values():
            kept.save()


class Running:
    """A mistake laid over the solution, loaded into a box when the first call is not remembered.
    Raises what a box raises.
    """

    def __init__(
        self, known: Known, sandbox: Sandbox, mistake: Overlay | None, stack: ExitStack
    ) -> None:
        self._known, self._sandbox, self._mistake, self._stack = known, sandbox, mistake, stack
        self._box: Box | None = None

    @property
    def cpu_seconds(self) -> float:
        """What its box has used."""
        return self._box.cpu_seconds if self._box is not None else 0.0

    def recall(self, call: Recorded) -> Reply | None:
        """How a call ends, where that is remembered."""
        return self._known.kept(self._mistake).recall(key_of(call), call.arguments)

    def reply(self, call: Recorded) -> Reply:
        """How a call ends that a check made."""
        kept, key = self._known.kept(self._mistake), key_of(call)
        reply = kept.recall(key, call.arguments)
        if reply is None:
            reply = call.made_in(self._loaded())
            kept.remember(key, call.arguments, reply)
        return reply

    def reply_from(self, call: Recorded, start: Sequence[torch.Tensor]) -> Reply:
        """How a call ends where the function's start is drawn as the tensors of `start`."""
        settings = self._known.assignment.start
        assert settings is not None, "without [diagnosis] there are no starts"
        kept, key = self._known.kept(self._mistake), key_of(call, settings.draw, start)
        reply = kept.recall(key, call.arguments)
        if reply is None:
            reply = self._loaded().call(
                call.function,
                call.arguments,
                call.options,
                seed=call.seed,
                times=call.times,
                draw=settings.draw,
                start=start,
            )
            kept.remember(key, call.arguments, reply, kept=False)
        return reply

    def _loaded(self) -> Box:
        if self._box is None:
            assignment = self._known.assignment
            files = [assignment.solution]
            if self._mistake is not None:
                files.append(self._mistake.path)
            units = []
            for file in files:
                unit = {"kind": "statements", "source": file.read_text("utf-8"), "label": file.stem}
                units.append(unit)
            self._box = self._stack.enter_context(self._sandbox.open(assignment.limits))
            self._box.load(units, list(assignment.functions))
        return self._box


def key_of(call: Recorded, draw: str = "", start: Sequence[torch.Tensor] = ()) -> str:
    """The fingerprint of a call, from a start if there is one, as a short text."""
    whole = repr((fingerprint(call), draw, exact_key(tuple(start))))
    return hashlib.sha256(whole.encode()).hexdigest()[:32]


def fingerprint(call: Recorded) -> Hashable:
    """Equal for calls that are the same to the last bit, and for no others."""
    given = (call.arguments, tuple(call.options.items()))
    return (call.function, exact_key(as_sent(given)), call.seed, call.differentiate, call.times)


def as_sent(value: Any) -> Any:
    """An argument with functions of torch by their names, as they cross the line."""
    if isinstance(value, tuple | list):
        return tuple(map(as_sent, value)) if isinstance(value, tuple) else list(map(as_sent, value))
    return TorchFunction(encode_value(value, {})["function"]) if callable(value) else value
